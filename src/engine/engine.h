/*
 * Engines: what writes the code. The seam that `direct` (kiln's own tool loop over the Messages
 * API) and, later, agent CLIs implement: one file, src/engine/engine_NAME.c, that defines
 * `const struct engine_ops engine_NAME`.
 *
 * An engine works in a sandbox through envd, in turns: the pipeline gives a prompt, the engine
 * works until it thinks it is done, the pipeline checks. What an engine says about its work is for
 * people to read and decides nothing.
 */
#ifndef KILN_ENGINE_ENGINE_H
#define KILN_ENGINE_ENGINE_H

#include "base/arena.h"
#include "base/err.h"
#include "model/messages.h"
#include "model/price.h"
#include "sandbox/envd.h"

/* For one task. 0 means no limit. */
struct engine_limits {
    int64_t turns;    /* model calls in one engine turn (30 when 0) */
    int64_t tokens;   /* of all classes together, for the task */
    int64_t nano_usd; /* for the task */
    int64_t deadline; /* of the task, clock.h; CLOCK_NEVER */
    int command_ms;   /* one tool command (120 s when 0) */
};

enum engine_event_kind {
    ENGINE_TEXT,     /* text: what the model says, whole */
    ENGINE_TOOL,     /* text: "bash: python3 -m unittest", before it runs */
    ENGINE_TOOL_END, /* text: one line of what came out; failed */
    ENGINE_FILE,     /* text: path of a file made or changed through the editor tool */
    ENGINE_RETRY,    /* text: why; wait_ms */
    ENGINE_USAGE,    /* usage and nano_usd: of the call that just ended */
};

struct engine_event {
    enum engine_event_kind kind;
    const char *text;
    bool failed;
    int wait_ms;
    struct usage usage;
    int64_t nano_usd;
};

struct engine_env {
    struct envd_client *envd; /* may be changed between turns: a new sandbox */
    const char *work;         /* the workspace, "/work" */
    struct messages_client *model_client;
    const char *model, *thinking, *effort;
    int64_t max_tokens; /* of one reply (16 000 when 0) */
    const struct price_table *prices;
    struct engine_limits limits;
    const char *system_prompt; /* the contract: what to write, what kiln will run */
    void (*on_event)(void *ctx, const struct engine_event *event);
    void *ctx;
    const char *transcript_path; /* the conversation is kept here as NDJSON; NULL: not */
};

enum engine_end {
    ENGINE_DONE,       /* it thinks that it has finished */
    ENGINE_BLOCKED,    /* it says that the task contradicts itself: text starts with BLOCKED: */
    ENGINE_TURN_LIMIT, /* the limit of model calls ran out */
    ENGINE_REFUSED,    /* the model refused */
    ENGINE_CONTEXT,    /* the conversation is too long to go on: a fresh thread is needed */
};

struct engine_result {
    enum engine_end end;
    const char *text; /* the last thing it said */
    int64_t model_calls, tool_calls;
    struct usage usage; /* of this turn, failed attempts included */
    int64_t nano_usd;
    int64_t model_ms, tool_ms; /* spent waiting for the model, and in the sandbox */
};

struct engine; /* one conversation with its memory */

struct engine_ops {
    const char *name, *help;
    int (*open)(struct engine_env *env, struct engine **ret, struct err *err);
    /* Errors: as messages_send for the model; ERR_BUDGET and ERR_TIMEOUT for the limits;
     * ERR_CANCELLED; ERR_HOST when the sandbox is not well. The result is filled even so. */
    int (*turn)(struct engine *e, const char *prompt, struct arena *a, struct engine_result *ret,
                struct err *err);
    /* Asks for a plan: text only, no tools. Part of the conversation. */
    int (*plan)(struct engine *e, const char *prompt, struct arena *a, struct engine_result *ret,
                struct err *err);
    /* Forgets the conversation; the sandbox stays. */
    void (*restart)(struct engine *e);
    void (*close)(struct engine *e);
};

/* By name, or NULL. */
const struct engine_ops *engine_find(const char *name);

#endif
