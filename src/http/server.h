/*
 * HTTP/1.1 server facade over libmicrohttpd, one thread a connection, blocking handlers.
 *
 * A request goes through a handler in three steps, so that bodies of any size can be taken without
 * being held: the handler's `begin` sees the head and says what to do with the body; its chunks go
 * into memory up to a cap, or to a sink; then `handle` answers, with bytes or with a source that is
 * pulled for as long as it lasts. Each piece that a source yields is flushed at once.
 *
 * A client can't hold the server: caps on head, body and connections, a time limit for the whole
 * request to arrive, and one for a reader that takes nothing. What breaks them gets 408, 413, 431
 * or 503 with a JSON body {"code":N,"message":"..."}; a head that the library itself can't read
 * gets its 400, 414, 431 or 505 with a line of HTML, and what isn't HTTP is hung up on. A request
 * whose end can be read in two ways is refused (RFC 9112, section 11.2).
 *
 * Handlers run in threads in which all signals are blocked: a program started there must have its
 * signal mask set anew. When no thread can be made, the client is hung up on.
 */
#ifndef KILN_HTTP_SERVER_H
#define KILN_HTTP_SERVER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/client.h"

struct http_server;

/* One request and its answer. Belongs to its connection's thread. */
struct http_exchange;

/* Takes the chunks of a request body; -1 refuses the rest (the handler then answers). */
struct http_sink {
    int (*write)(void *ctx, struct str chunk, struct err *err);
    void *ctx;
};

/*
 * Yields a response body piece by piece: 1 with bytes added to `out` (at least one; at most
 * HTTP_PIECE_MAX), 0 at the end, -1 to cut the connection (the client sees a broken body). May
 * block; then it should watch http_exchange_fd() for a client that has left. `close` is called
 * once, whatever happened.
 */
struct http_source {
    int (*next)(void *ctx, struct buf *out);
    void (*close)(void *ctx);
    void *ctx;
};

enum { HTTP_PIECE_MAX = 256 * 1024 };

struct http_handler {
    /* Called with the head. May call http_exchange_body_limit() or _body_sink(), or answer at
     * once: the body is then read and dropped, or not asked for if the client waits to be asked.
     * NULL keeps the body in memory up to the default. */
    void (*begin)(struct http_exchange *x, void *ctx);
    /* Called when the body is there. Must answer with exactly one http_reply*. */
    void (*handle)(struct http_exchange *x, void *ctx);
    /* Called when the exchange is over, if not NULL; frees what http_exchange_set_data holds. */
    void (*done)(struct http_exchange *x, void *ctx);
    void *ctx;
};

struct http_server_config {
    int listen_fd; /* a listening TCP or unix socket; taken over, on errors too */
    struct http_handler handler;
    unsigned max_connections; /* 0 means 64 */
    size_t max_head;          /* 0 means 32 KiB */
    size_t max_body;          /* in memory; 0 means 16 MiB */
    int receive_ms;           /* head and body must be there by then; 0 means 60 s, -1 never */
    int idle_ms;              /* nothing sent or taken for so long; 0 means 120 s */
};

int http_server_start(const struct http_server_config *config, struct http_server **ret,
                      struct err *err);

/* Stops accepting, shuts all connections down, joins all threads: a handler or source that blocks
 * must watch http_exchange_fd(). NULL is fine. */
void http_server_stop(struct http_server *s);

/* Makes a listening socket: "127.0.0.1:0", "[::1]:8080" or "unix:/path". The port that was taken
 * can be asked for (-1 for a unix socket). Close-on-exec; a unix socket is its owner's alone and
 * replaces one that nobody listens on any more. ERR_EXISTS when somebody does. */
int http_listen(const char *address, int *ret_fd, struct err *err);
int http_listen_port(int fd);

/*
 * A listening unix socket without a name: it gets one in a folder that only we may enter, and loses
 * it at once, so that nothing is left of it however we end. `*ret_path_fd` still leads to it, for
 * connecting to /proc/self/fd/N. Both close-on-exec.
 */
int http_listen_unnamed(int *ret_fd, int *ret_path_fd, struct err *err);

/* ---- the request ---- */

struct arena *http_exchange_arena(struct http_exchange *x); /* lives as long as the exchange */
const char *http_exchange_method(const struct http_exchange *x);
const char *http_exchange_path(const struct http_exchange *x); /* decoded, without the query */
const char *http_exchange_query(const struct http_exchange *x, const char *name);  /* or NULL */
const char *http_exchange_header(const struct http_exchange *x, const char *name); /* or NULL */
/* The body, for requests that keep it in memory; NUL-terminated. */
struct str http_exchange_body(const struct http_exchange *x);
/* Why the sink refused, if it did. */
const struct err *http_exchange_sink_error(const struct http_exchange *x);
/* The client's socket, only for poll(2): POLLRDHUP when the client has left or the server stops.
 * (POLLIN may only mean that it has sent its next request already.) */
int http_exchange_fd(const struct http_exchange *x);
bool http_exchange_client_left(const struct http_exchange *x);

void http_exchange_set_data(struct http_exchange *x, void *data);
void *http_exchange_data(const struct http_exchange *x);

void http_exchange_body_limit(struct http_exchange *x, size_t max);
void http_exchange_body_sink(struct http_exchange *x, struct http_sink sink);

/* ---- the answer ---- */

/* Adds a header to the answer that is to come. Control characters become spaces; a header that
 * can't be sent, or that is the server's own business (Content-Length, Transfer-Encoding), is
 * left out. */
void http_reply_header(struct http_exchange *x, const char *name, const char *value);
/* The bytes are copied. */
void http_reply(struct http_exchange *x, int status, const char *content_type, struct str body);
/* `length` -1 sends it chunked. */
void http_reply_source(struct http_exchange *x, int status, const char *content_type,
                       struct http_source source, int64_t length);
/* {"code":status,"message":"..."} as E2B's REST errors are. */
void http_reply_error(struct http_exchange *x, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
