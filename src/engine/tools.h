/*
 * The tools of the direct engine: the Messages API's own bash_20250124 and text_editor_20250728,
 * which models are trained on, carried out in the sandbox through envd.
 *
 * A command runs in a bash of its own, in the folder where the last one ended; all that it started
 * is ended with it. What a tool says to the model is at most TOOLS_OUTPUT_MAX bytes: head and tail,
 * and how many bytes are missing between them.
 */
#ifndef KILN_ENGINE_TOOLS_H
#define KILN_ENGINE_TOOLS_H

#include "engine/engine.h"

enum {
    TOOLS_OUTPUT_MAX = 16 * 1024,
    TOOLS_COMMAND_MAX = 100 * 1024, /* Linux takes an argument of at most 128 KiB */
    TOOLS_FILE_MAX = 4 * 1024 * 1024,
};

struct tools {
    const struct engine_env *env; /* borrowed */
    char *cwd;                    /* where commands run; malloc; NULL: the workspace */
};

void tools_clear(struct tools *t);

/* What is offered to the model: the "tools" of a request. The caller owns it. */
json_t *tools_offer(void);

struct tools_result {
    struct str text;   /* for the model; never empty */
    bool failed;       /* is_error */
    const char *brief; /* one line, for people */
    const char *file;  /* path of a file that was made or changed, or NULL */
};

/* One line that says what a call will do: "bash: make test". Lives in the arena. */
const char *tools_describe(struct arena *a, const char *name, const json_t *input);

/*
 * Carries out a call. What the model did wrong, an unknown tool included, is a result. Errors:
 * ERR_CANCELLED, ERR_TIMEOUT (the task's deadline), ERR_HOST (the sandbox is not well).
 */
int tools_run(struct tools *t, struct arena *a, const char *name, const json_t *input,
              struct tools_result *ret, struct err *err);

/* ---- for the tools themselves: one function a tool ---- */

int tools_bash(struct tools *t, struct arena *a, const json_t *input, struct tools_result *ret,
               struct err *err);
int tools_edit(struct tools *t, struct arena *a, const json_t *input, struct tools_result *ret,
               struct err *err);

/* Fills a result that reports a failure to the model; returns 0. */
int tools_fail(struct arena *a, struct tools_result *ret, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int tools_say(struct arena *a, struct tools_result *ret, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* After envd failed with `why`: 0 with a result when it is for the model to know, else -1. */
int tools_blame(struct arena *a, const struct err *why, struct tools_result *ret, struct err *err);

/* A string member without NUL; NULL when it is absent or none. */
const char *tools_get_string(const json_t *input, const char *key);

/* At most `max` bytes of one line. */
const char *tools_one_line(struct arena *a, struct str text, size_t max);

#endif
