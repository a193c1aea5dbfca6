/*
 * Files that are part of the program: stacks, the price table, the checks' helpers, help texts.
 *
 * The Makefile turns the files it lists in EMBED into objects of the binary (tools/embed writes
 * the assembler source), so that one installed file is enough. Names are paths in the source
 * tree: "stacks/python.yaml".
 */
#ifndef KILN_BASE_EMBED_H
#define KILN_BASE_EMBED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct embed_file {
    const char *name;
    const char *start, *end;
};

/* All of them, sorted by name. Defined by the generated source; the last has a NULL name. */
extern const struct embed_file embed_files[];

/* The content of one, or false. */
bool embed_find(const char *name, struct str *ret);

/* As embed_find, for a name that is known to be there. */
struct str embed_get(const char *name);

/* The next file below a directory such as "stacks/", starting with *at = 0; NULL at the end. */
const struct embed_file *embed_next(const char *dir, size_t *at);

#endif
