/*
 * What the text editor tool does to text, without the files.
 */
#ifndef KILN_ENGINE_TOOLS_TEXT_H
#define KILN_ENGINE_TOOLS_TEXT_H

#include "base/arena.h"
#include "base/str.h"

/* A last line without line end counts; an empty text has none. */
size_t tools_text_lines(struct str text);

/* Lines `first` to `last` (from 1, both included), each as "    12\tcontent". */
struct str tools_text_numbered(struct arena *a, struct str text, size_t first, size_t last);

/* How often `part` occurs, without overlap; `ret_line` (may be NULL) gets the line of the first. */
size_t tools_text_count(struct str text, struct str part, size_t *ret_line);

/* Replaces the first occurrence, which must be there. */
struct str tools_text_replace(struct arena *a, struct str text, struct str from, struct str to);

/* `lines` behind line `after` (0: before the first; at most the number of lines), with line ends
 * where they are missing. */
struct str tools_text_insert(struct arena *a, struct str text, size_t after, struct str lines);

/* A copy in which each '\n' is "\r\n". */
struct str tools_text_crlf(struct arena *a, struct str text);

#endif
