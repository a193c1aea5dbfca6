/*
 * What a turn of a model script says, as a whole message and as a stream of events.
 */
#ifndef KILN_MODEL_SCRIPT_REPLY_H
#define KILN_MODEL_SCRIPT_REPLY_H

#include "base/arena.h"
#include "json/json.h"
#include "model/script_turn.h"
#include "model/usage.h"

/* Beside what the turn says. */
struct script_reply {
    const struct script_turn *turn;
    const char *model;
    unsigned number; /* of the request: ids are made of it */
    struct usage usage;
};

/* Adds the output, and puts in what the turn says of usage. */
void script_reply_count(struct script_reply *reply);

/* The message as it is answered without streaming. The caller owns it. */
json_t *script_reply_message(const struct script_reply *reply, struct arena *a);

struct script_piece {
    const char *event;
    struct str data;
    int block; /* that it belongs to, or -1 */
};

struct script_stream {
    struct script_piece *pieces;
    size_t n, cap;
    size_t break_at; /* piece before which the turn's fault strikes; n or more: none */
};

void script_reply_stream(const struct script_reply *reply, struct arena *a,
                         struct script_stream *ret);

#endif
