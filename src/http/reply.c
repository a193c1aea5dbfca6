#include <stdarg.h>
#include <string.h>

#include "base/clock.h"
#include "http/exchange.h"
#include "json/json.h"

/* ---- the answer is chosen ---- */

/* A line break in a value would begin another header (RFC 9110, section 5.5). */
static char *without_controls(struct arena *a, const char *value)
{
    char *copy = arena_strdup(a, value);

    for (char *c = copy; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    return copy;
}

void http_reply_header(struct http_exchange *x, const char *name, const char *value)
{
    x->extra = arena_grow(&x->arena, x->extra, x->n_extra, &x->cap_extra, sizeof(*x->extra));
    x->extra[x->n_extra].name = arena_strdup(&x->arena, name);
    x->extra[x->n_extra].value = without_controls(&x->arena, value);
    x->n_extra++;
}

void http_reply_source(struct http_exchange *x, int status, const char *content_type,
                       struct http_source source, int64_t length)
{
    if (x->answered)
        BUG("two answers to %s %s", x->method, x->path);
    x->answered = true;
    x->status = status;
    if (content_type)
        http_reply_header(x, "Content-Type", content_type);
    x->source = source;
    x->length = length;
}

/* A body in memory is a source too, so that a slow reader's progress is seen. */
static int next_bytes(void *ctx, struct buf *out)
{
    struct http_exchange *x = ctx;
    struct str part = x->bytes;

    if (part.n > HTTP_PIECE_MAX)
        part.n = HTTP_PIECE_MAX;
    x->bytes = str_from_pos(x->bytes, part.n);
    return buf_add(out, part, NULL) == 0 && part.n > 0;
}

void http_reply(struct http_exchange *x, int status, const char *content_type, struct str body)
{
    struct http_source source = {.next = next_bytes, .ctx = x};

    x->bytes = arena_dup(&x->arena, body);
    http_reply_source(x, status, content_type, source, (int64_t)body.n);
}

void http_reply_error(struct http_exchange *x, int status, const char *fmt, ...)
{
    JSON_CLEANUP json_t *error = json_object();
    char *message;
    va_list ap;

    va_start(ap, fmt);
    message = arena_vprintf(&x->arena, fmt, ap);
    va_end(ap);
    json_set(error, "code", json_integer(status));
    json_set(error, "message", json_c(message));
    http_reply(x, status, "application/json", str_from(json_dump(&x->arena, error)));
}

/* ---- the answer is sent ---- */

static void set_deadline(struct http_exchange *x, int64_t deadline)
{
    watchdog_set(x->connection->server->watchdog, x->connection->watched, deadline, NULL);
}

static int64_t idle_deadline(const struct http_exchange *x)
{
    return clock_deadline(x->connection->server->config.idle_ms);
}

/* The library asks when all that it had has been sent. While the source works, no clock runs. */
static int next_piece(struct http_exchange *x)
{
    int more;

    buf_reset(&x->piece);
    x->piece_sent = 0;
    set_deadline(x, CLOCK_NEVER);
    more = x->source.next(x->source.ctx, &x->piece);
    if (more > 0 && x->piece.n == 0)
        BUG("an empty piece of the answer to %s %s", x->method, x->path);
    return more;
}

static ssize_t pull(void *cls, uint64_t position, char *room, size_t max)
{
    struct http_exchange *x = cls;
    struct str left;

    if (x->piece_sent == x->piece.n) {
        int more = next_piece(x);

        if (more < 0)
            return MHD_CONTENT_READER_END_WITH_ERROR;
        set_deadline(x, idle_deadline(x));
        if (more == 0)
            return MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        set_deadline(x, idle_deadline(x));
    }
    left = str_from_pos(buf_str(&x->piece), x->piece_sent);
    if (left.n > max)
        left.n = max;
    memcpy(room, left.p, left.n);
    x->piece_sent += left.n;
    return (ssize_t)left.n;
}

static struct MHD_Response *make_response(struct http_exchange *x)
{
    uint64_t size = x->length < 0 ? MHD_SIZE_UNKNOWN : (uint64_t)x->length;

    /* A body that fits goes out in one packet with the head. */
    if (x->source.next == next_bytes && x->bytes.n <= HTTP_PIECE_MAX)
        return MHD_create_response_from_buffer(x->bytes.n, (char *)(uintptr_t)x->bytes.p,
                                               MHD_RESPMEM_PERSISTENT);
    return MHD_create_response_from_callback(size, 32 * 1024, pull, x, NULL);
}

enum MHD_Result http_reply_send(struct http_exchange *x)
{
    struct MHD_Response *r = make_response(x);
    enum MHD_Result result;

    if (!r)
        BUG("out of memory for an answer");
    for (size_t i = 0; i < x->n_extra; i++)
        MHD_add_response_header(r, x->extra[i].name, x->extra[i].value);
    set_deadline(x, idle_deadline(x));
    result = MHD_queue_response(x->mhd, (unsigned)x->status, r);
    MHD_destroy_response(r);
    return result;
}
