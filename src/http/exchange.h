/*
 * Inside of the HTTP server. server.c owns the daemon and its callbacks, exchange.c takes one
 * request through its handler, reply.c sends the answer, watchdog.c keeps the deadlines.
 */
#ifndef KILN_HTTP_EXCHANGE_H
#define KILN_HTTP_EXCHANGE_H

#include <microhttpd.h>

#include "http/server.h"
#include "http/watchdog.h"

struct http_server {
    struct http_server_config config; /* defaults filled in */
    struct MHD_Daemon *daemon;
    struct watchdog *watchdog;
};

/* One TCP or unix connection. */
struct http_connection {
    struct http_server *server;
    struct watched *watched;
    int fd;
    bool refused;          /* one too many: gets 503 */
    bool bad_uri;          /* the request's target can't be decoded */
    int64_t receive_until; /* of the request that is arriving */
};

struct http_exchange {
    struct http_connection *connection;
    struct MHD_Connection *mhd;
    struct arena arena;
    const char *method, *path;
    void *data;
    bool ambiguous; /* nobody knows where its body ends */
    bool begun;     /* the handler has seen it */

    struct http_sink sink;
    struct err sink_err;
    bool sink_failed;
    size_t body_limit;
    struct buf body;
    bool body_too_large;

    bool answered;
    int status;
    struct http_header *extra;
    size_t n_extra, cap_extra;
    struct str bytes; /* the answer's body, if it has no source */
    struct http_source source;
    int64_t length;
    struct buf piece; /* what the source gave last */
    size_t piece_sent;
};

struct http_exchange *http_exchange_new(struct http_connection *c, struct MHD_Connection *mhd,
                                        const char *method, const char *path);
void http_exchange_free(struct http_exchange *x);

/* The three steps. They return MHD_NO when the connection is to be closed. */
enum MHD_Result http_exchange_begin(struct http_exchange *x);
void http_exchange_take(struct http_exchange *x, struct str bytes);
enum MHD_Result http_exchange_finish(struct http_exchange *x);

/* Hands the answer over to the library, which sends it. */
enum MHD_Result http_reply_send(struct http_exchange *x);

#endif
