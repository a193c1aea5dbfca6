/*
 * Inside the scripted model's server: what is kept of its play, and how answers are sent.
 */
#ifndef KILN_MODEL_SCRIPT_SERVER_H
#define KILN_MODEL_SCRIPT_SERVER_H

#include <pthread.h>

#include "http/server.h"
#include "model/script.h"
#include "model/script_cache.h"
#include "model/script_reply.h"
#include "model/script_turn.h"

/* Shared by the threads of all connections. */
struct script_play {
    const struct script *script;
    pthread_mutex_t lock; /* of all below */
    size_t turn;          /* the next to be played; n_turns at the end */
    int64_t played_of_turn;
    unsigned requests;
    int64_t turns_played;
    struct usage usage;
    struct script_cache cache;
    json_t *unmet; /* strings */
};

/* Sends the reply of a turn, streamed or not, with its faults. */
void script_send_reply(struct http_exchange *x, const struct script_reply *reply, bool streamed);

/* Sends an error in the API's form. `code` may be NULL. */
void script_send_error(struct http_exchange *x, int status, const char *type, const char *code,
                       const char *message);

#endif
