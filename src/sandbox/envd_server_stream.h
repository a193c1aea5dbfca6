/*
 * The answer of Start and Connect: the events of a process as a stream of envelopes.
 */
#ifndef KILN_SANDBOX_ENVD_SERVER_STREAM_H
#define KILN_SANDBOX_ENVD_SERVER_STREAM_H

#include "sandbox/envd_server_rpc.h"

/*
 * Answers with the stream and takes the reader over. `owner` is set for Start: its stream tells
 * that the time limit ended the process, others see it killed. `limit_ms` ends the stream alone;
 * -1 for none.
 */
void envd_server_stream_reply(struct envd_server_rpc *r, struct envd_server_reader *reader,
                              bool owner, int64_t limit_ms);

#endif
