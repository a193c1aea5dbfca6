/*
 * Inside the direct engine: its conversation, and one call of the model within the limits.
 */
#ifndef KILN_ENGINE_DIRECT_H
#define KILN_ENGINE_DIRECT_H

#include "engine/engine.h"
#include "engine/tools.h"
#include "engine/transcript.h"

struct engine {
    struct engine_env *env;
    struct tools tools;
    struct transcript *transcript;
    json_t *offer;    /* the tools, always the same, for the cache */
    json_t *messages; /* the conversation; after each step it is one that the API takes */

    int64_t spent_tokens, spent_nano_usd; /* of the task, over all conversations */
    /* What the last call measured: its prompt and reply were `known_tokens` tokens, and as long as
     * `known_bytes` in JSON. */
    int64_t known_tokens, known_bytes;
};

/* Tells the caller of the engine. `event` needs no more than what its kind has. */
void direct_tell(const struct engine *e, const struct engine_event *event);

/* Adds a block to the conversation's user message that waits for an answer, or begins one. */
int direct_add_user(struct engine *e, json_t *blocks, struct err *err);
int direct_add_user_text(struct engine *e, const char *text, struct err *err);
int direct_add_reply(struct engine *e, const struct messages_reply *reply, struct err *err);

/*
 * Calls the model with the conversation as it stands, and adds what it cost to `sum` and to what
 * the task has spent. Errors: as messages_send; ERR_BUDGET, before the call, if the worst that it
 * could cost doesn't fit into what is left; ERR_TIMEOUT.
 */
int direct_call(struct engine *e, struct arena *a, struct messages_reply *ret,
                struct engine_result *sum, struct err *err);

/* Carries out the tool calls of a reply and adds all results in one user message; while
 * `planning`, refuses them. Errors as tools_run; the conversation is complete even so. */
int direct_run_tools(struct engine *e, const struct messages_reply *reply, bool planning,
                     struct engine_result *sum, struct err *err);

#endif
