/*
 * Puts a reply of the Messages API together from the events of its stream.
 *
 * The grammar: message_start; for each content block content_block_start, deltas,
 * content_block_stop; message_delta with the stop reason and the cumulative usage; message_stop.
 * ping may come anywhere, and an error event ends it. Unknown events, blocks and deltas are passed
 * over, as the API's versioning policy asks of clients.
 */
#ifndef KILN_MODEL_MESSAGES_STREAM_H
#define KILN_MODEL_MESSAGES_STREAM_H

#include "http/sse.h"
#include "model/messages.h"

struct messages_stream;

/* All borrowed; `progress` and `key` may be NULL. */
struct messages_stream *messages_stream_new(const struct messages_progress *progress,
                                            const struct secret *key);
void messages_stream_free(struct messages_stream *s);

/*
 * Takes the next event. Returns 1 when it was the last one of a whole message, 0 when more must
 * come, -1 on errors: ERR_PROTOCOL for what the grammar doesn't allow, ERR_LIMIT, or what an error
 * event said.
 */
int messages_stream_event(struct messages_stream *s, const struct sse_event *event,
                          struct err *err);

/* Hands the whole message over: all of `ret` but wasted, request_id and attempts. */
void messages_stream_finish(struct messages_stream *s, struct arena *a, struct messages_reply *ret);

/* What a message that broke off has cost so far. */
struct usage messages_stream_usage(const struct messages_stream *s);

#endif
