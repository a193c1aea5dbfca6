#include "http/exchange.h"

#include <poll.h>
#include <string.h>

#include "base/clock.h"

struct http_exchange *http_exchange_new(struct http_connection *c, struct MHD_Connection *mhd,
                                        const char *method, const char *path)
{
    struct http_exchange *x = calloc(1, sizeof(*x));

    if (!x)
        BUG("out of memory for a request");
    x->connection = c;
    x->mhd = mhd;
    x->method = arena_strdup(&x->arena, method);
    x->path = arena_strdup(&x->arena, path);
    x->body_limit = c->server->config.max_body;
    x->piece = BUF_INIT(HTTP_PIECE_MAX);
    return x;
}

void http_exchange_free(struct http_exchange *x)
{
    const struct http_handler *h = &x->connection->server->config.handler;

    if (x->source.close)
        x->source.close(x->source.ctx);
    if (x->begun && h->done)
        h->done(x, h->ctx);
    buf_free(&x->body);
    buf_free(&x->piece);
    arena_clear(&x->arena);
    free(x);
}

/* ---- the head ---- */

struct framing {
    unsigned hosts, lengths, encodings;
    bool chunked, bad_name;
};

static enum MHD_Result look_at_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                      const char *value)
{
    struct framing *f = cls;

    f->bad_name = f->bad_name || name[strcspn(name, " \t")] != '\0';
    f->hosts += strcasecmp(name, "Host") == 0;
    f->lengths += strcasecmp(name, "Content-Length") == 0;
    if (strcasecmp(name, "Transfer-Encoding") == 0) {
        f->encodings++;
        f->chunked = value && strcasecmp(value, "chunked") == 0;
    }
    return MHD_YES;
}

/* Two readings of where a request ends let one client slip requests into another's connection
 * (RFC 9112, section 11.2); the library lets the first header win. */
static bool is_ambiguous(const struct framing *f)
{
    return f->bad_name || f->hosts > 1 || f->lengths + f->encodings > 1 ||
           (f->encodings && !f->chunked);
}

/* Answers a head that no handler shall see. */
static void check_head(struct http_exchange *x)
{
    size_t size =
        MHD_get_connection_info(x->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
    struct framing f = {0};

    MHD_get_connection_values(x->mhd, MHD_HEADER_KIND, look_at_header, &f);
    x->ambiguous = is_ambiguous(&f);
    if (x->ambiguous)
        http_reply_error(x, 400, "the head of the request can be read in more than one way");
    else if (size > x->connection->server->config.max_head)
        http_reply_error(x, 431, "the head of the request is larger than %zu bytes",
                         x->connection->server->config.max_head);
    else if (x->connection->bad_uri)
        http_reply_error(x, 400, "the target of the request is not a path");
    else if (x->connection->refused)
        http_reply_error(x, 503, "too many connections; try again later");
    if (x->answered)
        http_reply_header(x, "Connection", "close");
}

static void check_declared_length(struct http_exchange *x)
{
    const char *value = http_exchange_header(x, "Content-Length");
    uint64_t length;

    if (x->answered || x->sink.write || !value)
        return;
    x->body_too_large = !str_to_u64(str_from(value), &length) || length > x->body_limit;
    if (x->body_too_large)
        http_reply_error(x, 413, "the body is larger than the %zu bytes allowed", x->body_limit);
}

static bool waits_for_continue(const struct http_exchange *x)
{
    const char *expect = http_exchange_header(x, "Expect");

    return expect && strcasecmp(expect, "100-continue") == 0;
}

/* An answer that is known before the body has come waits until the body has been read and
 * dropped: most clients don't listen while they send. One that asked first is told at once, and
 * so is one whose body has no certain end. */
enum MHD_Result http_exchange_begin(struct http_exchange *x)
{
    const struct http_handler *h = &x->connection->server->config.handler;

    check_head(x);
    x->begun = !x->answered;
    if (x->begun && h->begin)
        h->begin(x, h->ctx);
    check_declared_length(x);
    x->body = BUF_INIT(x->body_limit);
    if (x->answered && (x->ambiguous || waits_for_continue(x)))
        return http_reply_send(x);
    return MHD_YES;
}

/* ---- the body ---- */

void http_exchange_take(struct http_exchange *x, struct str bytes)
{
    if (x->answered || x->sink_failed || x->body_too_large)
        return;
    if (x->sink.write)
        x->sink_failed = x->sink.write(x->sink.ctx, bytes, &x->sink_err) != 0;
    else
        x->body_too_large = buf_add(&x->body, bytes, NULL) != 0;
}

enum MHD_Result http_exchange_finish(struct http_exchange *x)
{
    const struct http_handler *h = &x->connection->server->config.handler;
    struct http_connection *c = x->connection;

    watchdog_set(c->server->watchdog, c->watched, CLOCK_NEVER, NULL);
    if (!x->answered && x->body_too_large)
        http_reply_error(x, 413, "the body is larger than the %zu bytes allowed", x->body_limit);
    if (!x->answered)
        h->handle(x, h->ctx);
    if (!x->answered)
        BUG("no answer to %s %s", x->method, x->path);
    return http_reply_send(x);
}

/* ---- what handlers see ---- */

struct arena *http_exchange_arena(struct http_exchange *x)
{
    return &x->arena;
}

const char *http_exchange_method(const struct http_exchange *x)
{
    return x->method;
}

const char *http_exchange_path(const struct http_exchange *x)
{
    return x->path;
}

const char *http_exchange_query(const struct http_exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->mhd, MHD_GET_ARGUMENT_KIND, name);
}

const char *http_exchange_header(const struct http_exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->mhd, MHD_HEADER_KIND, name);
}

struct str http_exchange_body(const struct http_exchange *x)
{
    return buf_str(&x->body);
}

const struct err *http_exchange_sink_error(const struct http_exchange *x)
{
    return x->sink_failed ? &x->sink_err : NULL;
}

int http_exchange_fd(const struct http_exchange *x)
{
    return x->connection->fd;
}

bool http_exchange_client_left(const struct http_exchange *x)
{
    struct pollfd p = {.fd = x->connection->fd, .events = POLLRDHUP};

    return poll(&p, 1, 0) > 0;
}

void http_exchange_set_data(struct http_exchange *x, void *data)
{
    x->data = data;
}

void *http_exchange_data(const struct http_exchange *x)
{
    return x->data;
}

void http_exchange_body_limit(struct http_exchange *x, size_t max)
{
    x->body_limit = max;
}

void http_exchange_body_sink(struct http_exchange *x, struct http_sink sink)
{
    x->sink = sink;
}
