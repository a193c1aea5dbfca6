#include "sandbox/envd_server_stream.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/base64.h"
#include "base/clock.h"

enum {
    KEEPALIVE_MIN_S = 1,
    KEEPALIVE_DEFAULT_S = 90,
    KEEPALIVE_MAX_S = 3600,
    ENOUGH = 128 * 1024, /* of bytes to send at once; one more event fits in HTTP_PIECE_MAX */
};

struct stream {
    struct envd_server_reader *reader;
    struct http_exchange *x;
    bool owner;
    bool started, over;
    int64_t keepalive_ms, keepalive_at, deadline;
};

/* ---- events ---- */

static int add_event(struct arena *a, struct buf *out, const char *name, json_t *value)
{
    JSON_CLEANUP json_t *event = json_pack("{s:{s:o}}", "event", name, value);

    return connect_write(out, 0, str_from(json_dump(a, event)), NULL);
}

static int add_start(struct arena *a, struct stream *s, struct buf *out)
{
    s->started = true;
    return add_event(a, out, "start", json_pack("{s:i}", "pid", (int)s->reader->pid));
}

/* Written by hand: base64 needs no escapes, and this is where the bytes go through. */
static int add_output(struct arena *a, const struct envd_server_taken *taken, struct buf *out)
{
    static const char *const names[] = {"stdout", "stderr", "pty"};
    struct str text = base64_encode(a, taken->data);
    char *event = arena_printf(a, "{\"event\":{\"data\":{\"%s\":\"%.*s\"}}}", names[taken->source],
                               STR_ARG(text));

    return connect_write(out, 0, str_from(event), NULL);
}

/* As Go's os.ProcessState.String(): the C library's words in lower case. */
static const char *status_text(struct arena *a, int status)
{
    const char *word;
    char *text;

    if (WIFEXITED(status))
        return arena_printf(a, "exit status %d", WEXITSTATUS(status));
    word = sigdescr_np(WTERMSIG(status));
    text = word ? arena_printf(a, "signal: %s", word)
                : arena_printf(a, "signal: signal %d", WTERMSIG(status));
    for (char *p = text; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    return arena_printf(a, "%s%s", text, WCOREDUMP(status) ? " (core dumped)" : "");
}

static int add_end_stream(struct arena *a, struct stream *s, enum connect_code code,
                          struct buf *out)
{
    const char *why = code == CONNECT_OK ? "" : "context deadline exceeded";

    s->over = true;
    return connect_write(out, CONNECT_END_STREAM, envd_server_rpc_end(a, code, why), NULL);
}

static int add_end(struct arena *a, struct stream *s, const struct envd_server_taken *taken,
                   struct buf *out)
{
    const char *text = status_text(a, taken->status);
    int code = WIFEXITED(taken->status) ? WEXITSTATUS(taken->status) : -1;
    json_t *end;

    if (s->owner && taken->timed_out)
        return add_end_stream(a, s, CONNECT_DEADLINE_EXCEEDED, out);
    end = json_object();
    if (code)
        json_set(end, "exitCode", json_integer(code));
    if (WIFEXITED(taken->status))
        json_set(end, "exited", json_true());
    json_set(end, "status", json_c(text));
    if (code)
        json_set(end, "error", json_c(text));
    if (add_event(a, out, "end", end))
        return -1;
    return add_end_stream(a, s, CONNECT_OK, out);
}

/* ---- the source of the response ---- */

/* Adds what there is. */
static int collect(struct stream *s, struct buf *out)
{
    ARENA_CLEANUP struct arena a = {0};

    if (!s->started && add_start(&a, s, out))
        return -1;
    while (!s->over && out->n < ENOUGH) {
        struct envd_server_taken taken;
        int rc = 0;

        envd_server_reader_take(s->reader, &a, &taken);
        if (taken.kind == ENVD_SERVER_TAKEN_NOTHING)
            break;
        if (taken.kind == ENVD_SERVER_TAKEN_STOP)
            return -1;
        if (taken.kind == ENVD_SERVER_TAKEN_OUTPUT)
            rc = add_output(&a, &taken, out);
        else
            rc = add_end(&a, s, &taken, out);
        if (rc)
            return -1;
    }
    return 0;
}

/* Waits for the process, the clocks or the client. */
static int wait_for_more(struct stream *s, struct buf *out)
{
    ARENA_CLEANUP struct arena a = {0};
    int64_t until = s->keepalive_at < s->deadline ? s->keepalive_at : s->deadline;
    struct pollfd polls[] = {
        {.fd = s->reader->wake_fd, .events = POLLIN},
        {.fd = http_exchange_fd(s->x), .events = POLLRDHUP},
    };

    poll(polls, 2, clock_poll_ms(until));
    if (polls[1].revents && http_exchange_client_left(s->x))
        return -1;
    if (clock_now_ms() >= s->deadline)
        return add_end_stream(&a, s, CONNECT_DEADLINE_EXCEEDED, out);
    if (clock_now_ms() >= s->keepalive_at)
        return add_event(&a, out, "keepalive", json_object());
    return 0;
}

static int next(void *ctx, struct buf *out)
{
    struct stream *s = ctx;

    if (s->over)
        return 0;
    while (out->n == 0) {
        if (collect(s, out))
            return -1;
        if (out->n == 0 && wait_for_more(s, out))
            return -1;
    }
    s->keepalive_at = clock_deadline(s->keepalive_ms);
    return 1;
}

static void close_stream(void *ctx)
{
    struct stream *s = ctx;

    envd_server_reader_close(s->reader);
    free(s);
}

/* A value that makes no sense must not do harm: it is brought into the range. */
static int64_t keepalive_ms(struct http_exchange *x)
{
    const char *text = http_exchange_header(x, "Keepalive-Ping-Interval");
    int64_t seconds = KEEPALIVE_DEFAULT_S;

    if (text && str_to_i64(str_trim(str_from(text)), &seconds)) {
        seconds = seconds < KEEPALIVE_MIN_S ? KEEPALIVE_MIN_S : seconds;
        seconds = seconds > KEEPALIVE_MAX_S ? KEEPALIVE_MAX_S : seconds;
    }
    return seconds * 1000;
}

void envd_server_stream_reply(struct envd_server_rpc *r, struct envd_server_reader *reader,
                              bool owner, int64_t limit_ms)
{
    struct stream *s = calloc(1, sizeof(*s));

    if (!s)
        BUG("out of memory");
    *s = (struct stream){
        .reader = reader,
        .x = r->x,
        .owner = owner,
        .keepalive_ms = keepalive_ms(r->x),
        .deadline = clock_deadline(limit_ms),
    };
    s->keepalive_at = clock_deadline(s->keepalive_ms);
    http_reply_source(r->x, 200, "application/connect+json",
                      (struct http_source){.next = next, .close = close_stream, .ctx = s}, -1);
}
