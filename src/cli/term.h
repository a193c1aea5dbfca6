/*
 * What a stream can show: colours, redrawn lines, how wide it is.
 *
 * Colours are off with --no-color, a non-empty NO_COLOR (no-color.org), TERM=dumb, and where there
 * is no terminal; FORCE_COLOR or CLICOLOR_FORCE turn them on there. Nothing is told by colour
 * alone.
 */
#ifndef KILN_CLI_TERM_H
#define KILN_CLI_TERM_H

#include <stdbool.h>
#include <stdio.h>

struct term {
    FILE *file;
    bool live; /* a terminal on which a line can be drawn over */
    bool colour;
};

enum term_style { TERM_PLAIN, TERM_BOLD, TERM_DIM, TERM_RED, TERM_GREEN, TERM_YELLOW, TERM_CYAN };

/* `no_colour` is the flag of the command line. Reads the environment. */
void term_init(struct term *t, FILE *file, bool no_colour);

/* Columns now, at least 20. */
int term_columns(const struct term *t);

/* The escape sequence that starts a style, and the one that ends it; empty without colours. */
const char *term_on(const struct term *t, enum term_style style);
const char *term_off(const struct term *t, enum term_style style);

#endif
