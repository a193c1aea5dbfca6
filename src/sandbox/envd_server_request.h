/*
 * Decoding of the requests of process.Process. Everything is borrowed from the message or lives in
 * the call's arena. Functions that take the call fail with envd_server_rpc_fail.
 */
#ifndef KILN_SANDBOX_ENVD_SERVER_REQUEST_H
#define KILN_SANDBOX_ENVD_SERVER_REQUEST_H

#include "sandbox/envd_server_rpc.h"

/* StartRequest, all but `config`. The working directory is looked at. */
int envd_server_request_start(struct envd_server_rpc *r, struct envd_server_start *ret);

/* What List shows of a StartRequest: its fields, empty ones left out. A new reference. */
json_t *envd_server_request_config(const struct envd_server_rpc *r);

/* The field "process" of all other requests. */
int envd_server_request_selector(struct envd_server_rpc *r, struct envd_server_selector *ret);

/* pty: {size: {cols, rows}}. */
int envd_server_request_size(const json_t *message, bool *ret_pty, unsigned *ret_rows,
                             unsigned *ret_columns, struct err *err);

/* The enum's name or number: SIGTERM or SIGKILL, 0 for others, which the protocol hasn't. */
int envd_server_request_signal(const json_t *message);

#endif
