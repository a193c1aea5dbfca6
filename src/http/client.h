/*
 * HTTP/1.1 client (libcurl): TCP and unix sockets, streaming both ways, separate limits for each
 * phase. Blocking and pull-style: a request is opened, its body is read chunk by chunk. Every wait
 * also watches cancel_fd() (base/cancel.h) unless the request says otherwise.
 *
 * Redirects are not followed, and nothing but http and https is spoken. The proxies that the
 * environment names are used, except for unix sockets and loopback addresses. A status of 400 or
 * more is an answer, not an error. No error text has a secret, password or query in it.
 */
#ifndef KILN_HTTP_CLIENT_H
#define KILN_HTTP_CLIENT_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

/* Keeps connections open between requests. Used by one thread at a time; several streams may be
 * open at once, and reading one moves all of them. A stream that isn't read holds 256 KiB at most:
 * its peer then waits. Close all streams before freeing the client. */
struct http_client;

int http_client_new(struct http_client **ret, struct err *err);
void http_client_free(struct http_client *c);

/* Milliseconds; 0 means the default in parentheses, -1 no limit. */
struct http_limits {
    int connect_ms;    /* until connected (10 s) */
    int first_byte_ms; /* from the request sent to the end of the head (60 s) */
    int idle_ms;       /* between two chunks of the body (60 s) */
    int total_ms;      /* all of it (no limit) */
    size_t max_body;   /* of the response; 0 means 16 MiB. More is ERR_LIMIT */
};

struct http_header {
    const char *name, *value;
};

struct http_request {
    const char *method;      /* "GET" */
    const char *url;         /* "http://127.0.0.1:8080/v1/messages"; host is free with a socket */
    const char *unix_socket; /* path to connect to instead of the URL's host, or NULL */
    const struct http_header *headers;
    size_t n_headers;
    /* One more header whose value is a secret: sent as secret_name: secret_prefix + secret. */
    const char *secret_name, *secret_prefix;
    const struct secret *secret;
    /* Sent with Content-Length; used when `read_body` is NULL. Must stay until the stream closes.
     */
    struct str body;
    /* Chunked upload: fills up to `max` bytes, returns how many, 0 at the end, -1 with an error. */
    ssize_t (*read_body)(void *ctx, char *room, size_t max, struct err *err);
    void *read_ctx;
    struct http_limits limits;
    bool ignore_cancel; /* for clean-up work after a cancellation */
};

/* A response that is arriving. */
struct http_stream;

/* Sends the request and waits for the head of the response. Errors: ERR_NET (refused, reset,
 * name unknown), ERR_TIMEOUT (the message says which limit), ERR_CANCELLED, ERR_PROTOCOL. */
int http_client_open(struct http_client *c, const struct http_request *req,
                     struct http_stream **ret, struct err *err);

int http_stream_status(const struct http_stream *s);

/* A header of the response, name in any case, the first of several; NULL if absent. Valid until
 * close. */
const char *http_stream_header(const struct http_stream *s, const char *name);

/*
 * The next chunk: 1 and a view that is valid until the next call; 0 at a proper end of the body;
 * -1 on errors, a body cut short included (ERR_NET). Waits at most `wait_ms` (-1: the idle limit
 * alone); when that runs out first, returns 1 with an empty chunk.
 */
int http_stream_read(struct http_stream *s, int wait_ms, struct str *ret_chunk, struct err *err);

/* Ends it, also in the middle (which drops the connection). NULL is fine. */
void http_stream_close(struct http_stream *s);

struct http_response {
    int status;
    struct str body; /* NUL-terminated */
    const struct http_header *headers;
    size_t n_headers;
};

/* A whole exchange; everything lives in the arena. */
int http_client_send(struct http_client *c, const struct http_request *req, struct arena *a,
                     struct http_response *ret, struct err *err);

const char *http_response_header(const struct http_response *r, const char *name);

#endif
