/* How the scripted model's answers go out: piece by piece, and broken where the script says so. */
#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "http/sse.h"
#include "model/messages_error.h"
#include "model/script_server.h"

enum { SLOW_MS = 1000 };

static const char broken_event[] = "event: content_block_delta\ndata: {\"type\":\"content_blo\n\n";

/* A stream on its way. */
struct sending {
    struct http_exchange *x;
    const struct script_turn *turn;
    struct script_stream stream;
    size_t next;
};

/* Waits `ms` (-1: for ever), but not for a client that has left; false if it has. */
static bool wait_ms(struct http_exchange *x, int64_t ms)
{
    int64_t deadline = clock_deadline(ms);
    struct pollfd client = {.fd = http_exchange_fd(x), .events = POLLRDHUP};

    while (clock_poll_ms(deadline) != 0) {
        int n = poll(&client, 1, clock_poll_ms(deadline));

        if (n > 0 || (n < 0 && errno != EINTR))
            return false;
    }
    return true;
}

static char *error_json(struct arena *a, const char *type, const char *code, const char *message,
                        const char *request_id)
{
    JSON_CLEANUP json_t *root = json_pack("{s:s, s:{s:s, s:s}}", "type", "error", "error", "type",
                                          type, "message", message);

    if (code)
        json_set(json_object_get(root, "error"), "details", json_pack("{s:s}", "error_code", code));
    if (request_id)
        json_set(root, "request_id", json_c(request_id));
    return json_dump(a, root);
}

void script_send_error(struct http_exchange *x, int status, const char *type, const char *code,
                       const char *message)
{
    struct arena *a = http_exchange_arena(x);
    char *body =
        error_json(a, type ? type : messages_error_type(status), code, message, "req_script_error");

    http_reply_header(x, "request-id", "req_script_error");
    http_reply(x, status, "application/json", str_from(body));
}

static const char *error_event(const struct sending *s)
{
    const struct script_fault *fault = &s->turn->fault;

    return error_json(http_exchange_arena(s->x), fault->type ? fault->type : "overloaded_error",
                      fault->code, fault->message ? fault->message : "Overloaded", NULL);
}

/* The fault strikes: as a source's `next`. */
static int strike(struct sending *s, struct buf *out)
{
    s->next = s->stream.n;
    switch (s->turn->fault.after) {
    case SCRIPT_MALFORMED:
        return buf_add_c(out, broken_event, NULL) ? -1 : 1;
    case SCRIPT_ERROR:
        return sse_write(out, "error", str_from(error_event(s)), NULL) ? -1 : 1;
    case SCRIPT_STALL:
        wait_ms(s->x, s->turn->fault.ms);
        return -1;
    default:
        return -1;
    }
}

static int next_piece(void *ctx, struct buf *out)
{
    struct sending *s = ctx;
    const struct script_piece *piece;

    if (s->next > 0 && s->next < s->stream.n && s->turn->chunk_ms &&
        !wait_ms(s->x, s->turn->chunk_ms))
        return -1;
    if (s->next == s->stream.n)
        return 0;
    if (s->next == s->stream.break_at)
        return strike(s, out);
    piece = &s->stream.pieces[s->next++];
    return sse_write(out, piece->event, piece->data, NULL) ? -1 : 1;
}

static void send_stream(struct http_exchange *x, const struct script_reply *reply)
{
    struct arena *a = http_exchange_arena(x);
    struct sending *s = ARENA_NEW(a, struct sending);

    s->x = x;
    s->turn = reply->turn;
    script_reply_stream(reply, a, &s->stream);
    http_reply_header(x, "cache-control", "no-cache");
    http_reply_source(x, 200, "text/event-stream; charset=utf-8",
                      (struct http_source){.next = next_piece, .ctx = s}, -1);
}

/* Without a stream there is no middle: what breaks it breaks the whole. */
static void send_message(struct http_exchange *x, const struct script_reply *reply)
{
    struct arena *a = http_exchange_arena(x);
    JSON_CLEANUP json_t *message = script_reply_message(reply, a);
    struct str body = str_from(json_dump(a, message));
    const struct script_fault *fault = &reply->turn->fault;

    if (fault->after == SCRIPT_ERROR) {
        script_send_error(x, 529, fault->type, fault->code,
                          fault->message ? fault->message : "Overloaded");
        return;
    }
    if (fault->after == SCRIPT_STALL)
        wait_ms(x, fault->ms);
    if (fault->after == SCRIPT_CUT || fault->after == SCRIPT_STALL ||
        fault->after == SCRIPT_MALFORMED)
        body.n /= 2;
    http_reply(x, 200, "application/json", body);
}

void script_send_reply(struct http_exchange *x, const struct script_reply *reply, bool streamed)
{
    const struct script_fault *fault = &reply->turn->fault;

    if (fault->after == SCRIPT_SLOW_FIRST_BYTE)
        wait_ms(x, fault->ms >= 0 ? fault->ms : SLOW_MS);
    http_reply_header(x, "request-id",
                      arena_printf(http_exchange_arena(x), "req_script_%06u", reply->number));
    if (streamed)
        send_stream(x, reply);
    else
        send_message(x, reply);
}
