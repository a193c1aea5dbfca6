/*
 * Connect RPC on the server's side: what is common to all calls
 * (connectrpc.com/docs/protocol; details as E2B's envd 0.6.13 answers).
 *
 * Unary calls take and give JSON, errors have an HTTP status. Streaming calls take one envelope
 * and answer 200 with envelopes; errors are in the last one.
 */
#ifndef KILN_SANDBOX_ENVD_SERVER_RPC_H
#define KILN_SANDBOX_ENVD_SERVER_RPC_H

#include "http/connect.h"
#include "http/server.h"
#include "json/json.h"
#include "sandbox/envd_server.h"
#include "sandbox/envd_server_process.h"

struct envd_server {
    const struct envd_server_config *config;
    struct envd_server_table *table;
};

struct envd_server_rpc {
    const struct envd_server *server;
    struct http_exchange *x;
    struct arena *a;
    const json_t *message;
    int64_t timeout_ms;     /* Connect-Timeout-Ms; -1 when absent */
    enum connect_code code; /* set by envd_server_rpc_fail */
    char why[ERR_MSG_MAX];
};

struct envd_server_method {
    const char *path;    /* "/process.Process/List" */
    const char *request; /* the message's name in errors: "process.ListRequest" */
    /* Exactly one of them. Both return -1 after envd_server_rpc_fail. A unary call gives a new
     * reference; a streaming one answers itself. */
    int (*unary)(struct envd_server_rpc *r, json_t **ret_reply);
    int (*stream)(struct envd_server_rpc *r);
};

extern const struct envd_server_method envd_server_process_methods[]; /* end with a NULL path */
extern const struct envd_server_method envd_server_filesystem_methods[];

/* Checks, decodes, calls and answers. */
void envd_server_rpc_handle(const struct envd_server *server, struct http_exchange *x,
                            const struct envd_server_method *method);

/* Decodes a request body: the whole for a unary call, one envelope for a stream. */
json_t *envd_server_rpc_decode(struct str body, bool envelope, const char *request,
                               struct err *err);

int envd_server_rpc_fail(struct envd_server_rpc *r, enum connect_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* With the code that goes with the error's kind. */
int envd_server_rpc_fail_err(struct envd_server_rpc *r, const struct err *err);

/* The field "path" (or `field`), resolved; NULL after a failure. */
const char *envd_server_rpc_path(struct envd_server_rpc *r, const char *field);

/* The payload of a stream's last envelope. */
struct str envd_server_rpc_end(struct arena *a, enum connect_code code, const char *why);

#endif
