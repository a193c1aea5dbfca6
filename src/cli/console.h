/*
 * The console: draws a task from its events (task/events.h), for `kiln run` and `kiln watch`.
 *
 *     === ITERATION 2/10 ===
 *     Writing... calc.py, test_calc.py
 *     Running build... pass (3 files compiled)
 *     Running tests... failed (1 of 4 failed)
 *     Fixing...
 *
 * On a terminal there is one more line below, redrawn at most ten times a second, with what is
 * going on, for how long and at what cost. Elsewhere lines are plain and only ever added, and when
 * nothing has been said for 30 s one line says that the task is alive.
 */
#ifndef KILN_CLI_CONSOLE_H
#define KILN_CLI_CONSOLE_H

#include "cli/term.h"
#include "json/json.h"

struct console;

struct console_options {
    FILE *file;
    bool no_colour;
    bool quiet;   /* only the end */
    bool verbose; /* also what the agent says and which tools it uses */
};

struct console *console_new(const struct console_options *options);

/* Starts the thread that keeps the line alive. Without it, console_tick() may be called. */
int console_start(struct console *c, struct err *err);

/* Takes one event; the signature is that of task_options.on_event. Any thread. */
void console_event(void *console, const json_t *event);

/* Draws what is due at the moment `now_ms` (clock.h). */
void console_tick(struct console *c, int64_t now_ms);

/* Ends the thread and wipes the line. NULL is fine. */
void console_free(struct console *c);

#endif
