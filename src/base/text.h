/*
 * Text from outside, made safe to keep and to show.
 *
 * What a program under test prints is bytes: invalid UTF-8, terminal escapes, bidirectional
 * overrides. It is stored raw in its own log file, and cleaned on its way into JSON, a message to
 * the model, or a terminal.
 */
#ifndef KILN_BASE_TEXT_H
#define KILN_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

enum text_flags {
    TEXT_LINES = 0,         /* keeps '\n' and '\t' */
    TEXT_ONE_LINE = 1 << 0, /* shows them as "\n" and "\t" */
    TEXT_ANY_UTF8 = 1 << 1, /* only repairs invalid UTF-8; control characters stay (for JSON) */
};

/*
 * A copy of `s` that is valid UTF-8 without ANSI escape sequences (CSI, OSC, DCS), C0 and C1
 * controls, or bidirectional overrides (U+202A-E, U+2066-9). Invalid bytes become U+FFFD. A NUL
 * is dropped even with TEXT_ANY_UTF8. What comes after a lone '\r' (a progress line drawn over)
 * replaces the line, as on a terminal; "\r\n" becomes "\n". The result is NUL-terminated.
 */
struct str text_clean(struct arena *a, struct str s, enum text_flags flags);

/* Length in bytes of the UTF-8 sequence at the start of `s`, or 0 when it isn't one. */
size_t text_utf8_len(struct str s);

/* Writes a code point (at most U+10FFFF) as UTF-8; returns its 1 to 4 bytes. */
size_t text_utf8_put(uint32_t c, char out[4]);

bool text_is_utf8(struct str s);

/* True for what a person would call text: valid UTF-8 without NUL. */
bool text_is_plain(struct str s);

/*
 * At most `max` bytes of `s`: `head_percent` of the room from the start and the rest from the end,
 * cut at line ends where there are any, with a line "[... N bytes (M lines) omitted ...]" between
 * that says exactly what is missing. Never cuts inside a UTF-8 sequence.
 */
struct str text_head_tail(struct arena *a, struct str s, size_t max, unsigned head_percent);

/* "1 test", "4 tests": n and the word, with an s unless n is 1. */
char *text_plural(struct arena *a, long long n, const char *word);

/* For people: "912 B", "1.2 KiB", "3.4 MiB". */
char *text_bytes(struct arena *a, unsigned long long n);

#endif
