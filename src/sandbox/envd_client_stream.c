#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "sandbox/envd_client.h"

/* The peer is asked for a sign of life every 20 s; without one for twice as long it is gone. */
#define KEEPALIVE_S "20"
enum { SILENCE_MS = 40 * 1000, REFUSAL_MAX = 64 * 1024, REFUSAL_MS = 2 * 1000, DRAIN_MS = 20 };

struct envd_stream {
    struct http_stream *http;
    struct connect_parser parser;
    struct arena arena; /* of the event that was given last */
    int64_t heard_at;
    bool over;
};

/* ---- opening ---- */

static json_t *encode_process(const struct envd_process *p)
{
    json_t *process = json_object(), *args = json_array(), *envs = json_object();

    json_set(process, "cmd", json_c(p->argv[0]));
    for (size_t i = 1; p->argv[i]; i++)
        json_add(args, json_c(p->argv[i]));
    for (size_t i = 0; i < p->n_env; i++)
        json_set(envs, p->env[i].name, json_c(p->env[i].value));
    json_set(process, "args", args);
    json_set(process, "envs", envs);
    if (p->cwd)
        json_set(process, "cwd", json_c(p->cwd));
    return process;
}

static json_t *encode_start(const struct envd_process *p)
{
    json_t *message = json_object();

    json_set(message, "process", encode_process(p));
    json_set(message, "stdin", json_boolean(p->open_stdin));
    if (p->tag)
        json_set(message, "tag", json_c(p->tag));
    if (p->pty)
        json_set(
            message, "pty",
            json_pack("{s:{s:i, s:i}}", "size", "cols", (int)p->columns, "rows", (int)p->rows));
    return message;
}

/* A status that isn't 200 comes with an error in its body. */
static int refuse_stream(struct http_stream *http, struct err *err)
{
    BUF_CLEANUP struct buf body = BUF_INIT(REFUSAL_MAX);
    int64_t deadline = clock_deadline(REFUSAL_MS);
    struct str chunk;

    while (http_stream_read(http, clock_poll_ms(deadline), &chunk, NULL) == 1 &&
           buf_add_some(&body, chunk) == 0 && clock_now_ms() < deadline)
        ;
    return envd_client_refused(http_stream_status(http), buf_str(&body), err);
}

static int open_http(struct envd_client *c, const char *path, json_t *message, int timeout_ms,
                     struct http_stream **ret, struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    BUF_CLEANUP struct buf body = BUF_INIT((size_t)CONNECT_MAX_MESSAGE + 16);
    struct http_header headers[] = {
        {"Content-Type", "application/connect+json"},
        {"Connect-Protocol-Version", "1"},
        {"Keepalive-Ping-Interval", KEEPALIVE_S},
        {"Connect-Timeout-Ms", arena_printf(&a, "%d", timeout_ms)},
    };
    struct http_request req =
        envd_client_request(c, &a, "POST", path, headers, ARRAY_LEN(headers) - (timeout_ms == 0));

    if (connect_write(&body, 0, str_from(json_dump(&a, message)), err))
        return -1;
    req.body = buf_str(&body);
    req.limits.idle_ms = -1; /* watched here, where keepalives count */
    req.limits.max_body = SIZE_MAX;
    return http_client_open(c->http, &req, ret, err);
}

static int open_stream(struct envd_client *c, const char *path, json_t *message, int timeout_ms,
                       struct envd_stream **ret, struct err *err)
{
    JSON_CLEANUP json_t *owned = message;
    struct http_stream *http;
    struct envd_stream *s;

    if (open_http(c, path, owned, timeout_ms, &http, err)) {
        /* ERR_TIMEOUT is the word for the process's own time limit. */
        if (err && err->kind == ERR_TIMEOUT)
            err->kind = ERR_NET;
        return -1;
    }
    if (http_stream_status(http) != 200) {
        refuse_stream(http, err);
        http_stream_close(http);
        return -1;
    }
    s = calloc(1, sizeof(*s));
    if (!s)
        BUG("out of memory for a stream");
    s->http = http;
    s->heard_at = clock_now_ms();
    connect_parser_init(&s->parser);
    *ret = s;
    return 0;
}

int envd_start(struct envd_client *c, const struct envd_process *p, struct envd_stream **ret,
               struct err *err)
{
    return open_stream(c, "/process.Process/Start", encode_start(p), p->timeout_ms, ret, err);
}

int envd_connect(struct envd_client *c, uint32_t pid, struct envd_stream **ret, struct err *err)
{
    json_t *message = json_pack("{s:{s:I}}", "process", "pid", (json_int_t)pid);

    return open_stream(c, "/process.Process/Connect", message, 0, ret, err);
}

/* The answer's own end comes right behind the last event. Once it has been read the connection
 * serves the next call, and neither side has to make a new one. */
static void drain(struct envd_stream *s)
{
    int64_t deadline = clock_deadline(DRAIN_MS);
    struct str chunk;

    while (clock_now_ms() < deadline &&
           http_stream_read(s->http, clock_poll_ms(deadline), &chunk, NULL) == 1)
        ;
}

void envd_stream_close(struct envd_stream *s)
{
    if (!s)
        return;
    if (s->over)
        drain(s);
    http_stream_close(s->http);
    connect_parser_free(&s->parser);
    arena_clear(&s->arena);
    free(s);
}

/* ---- events ---- */

static int decode_start(const json_t *start, struct envd_event *ret, struct err *err)
{
    int64_t pid = json_get_int(start, "pid", 0);

    if (pid <= 0 || pid > UINT32_MAX)
        return err_set(err, ERR_PROTOCOL, "envd: a start event without a pid");
    ret->kind = ENVD_START;
    ret->pid = (uint32_t)pid;
    return 0;
}

static int decode_data(struct arena *a, const json_t *data, struct envd_event *ret, struct err *err)
{
    static const struct {
        const char *name;
        enum envd_event_kind kind;
    } sources[] = {{"stdout", ENVD_STDOUT}, {"stderr", ENVD_STDERR}, {"pty", ENVD_PTY}};

    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        if (!json_object_get(data, sources[i].name))
            continue;
        if (base64_decode(a, json_get_str(data, sources[i].name), &ret->data, err)) {
            err->kind = ERR_PROTOCOL;
            return err_wrap(err, "envd: %s", sources[i].name);
        }
        ret->kind = sources[i].kind;
        return 0;
    }
    return 0;
}

/* Fields with default values are left out: no exitCode is 0, no exited is false. */
static int decode_end(struct arena *a, const json_t *end, struct envd_event *ret, struct err *err)
{
    struct str status = text_clean(a, json_get_str(end, "status"), TEXT_ONE_LINE);
    int64_t code = json_get_int(end, "exitCode", 0);

    if (code < INT32_MIN || code > INT32_MAX)
        return err_set(err, ERR_PROTOCOL, "envd: an exit code of %lld", (long long)code);
    ret->kind = ENVD_END;
    ret->exited = json_get_bool(end, "exited", false);
    ret->exit_code = (int)code;
    ret->status = status.n ? status.p : ret->exited ? "exited" : "killed";
    return 0;
}

static int decode_end_stream(const json_t *payload, struct err *err)
{
    const json_t *error = json_object_get(payload, "error");

    if (json_is_object(error))
        return envd_client_connect_error(error, err);
    return err_set(err, ERR_PROTOCOL, "envd: the stream ended without the end of the process");
}

int envd_client_decode_event(struct arena *a, const struct connect_message *message,
                             struct envd_event *ret, struct err *err)
{
    JSON_CLEANUP json_t *payload = NULL;
    const json_t *event, *part;

    *ret = (struct envd_event){.kind = ENVD_NONE};
    if (message->flags & CONNECT_COMPRESSED)
        return err_set(err, ERR_PROTOCOL, "envd: a compressed message, which wasn't asked for");
    if (message->payload.n > ENVD_CLIENT_JSON_MAX)
        return err_set(err, ERR_PROTOCOL, "envd: an event of %zu bytes", message->payload.n);
    payload = json_parse(message->payload, "envd's event", err);
    if (!payload) {
        err->kind = ERR_PROTOCOL;
        return -1;
    }
    if (message->flags & CONNECT_END_STREAM)
        return decode_end_stream(payload, err);
    event = json_object_get(payload, "event");
    if ((part = json_object_get(event, "start")))
        return decode_start(part, ret, err);
    if ((part = json_object_get(event, "data")))
        return decode_data(a, part, ret, err);
    if ((part = json_object_get(event, "end")))
        return decode_end(a, part, ret, err);
    return 0;
}

/* ---- following ---- */

/* More bytes. 1 when some came or `deadline` passed. */
static int feed(struct envd_stream *s, int64_t deadline, struct err *err)
{
    int64_t silence = s->heard_at + SILENCE_MS;
    struct str chunk;
    int rc = http_stream_read(s->http, clock_poll_ms(deadline < silence ? deadline : silence),
                              &chunk, err);

    if (rc < 0)
        return -1;
    if (rc == 0)
        return err_set(err, ERR_NET, "envd: the stream broke off before the end of the process");
    if (chunk.n) {
        s->heard_at = clock_now_ms();
        return connect_parser_feed(&s->parser, chunk, err);
    }
    if (clock_now_ms() >= silence)
        return err_set(err, ERR_NET, "envd was silent for %d s", SILENCE_MS / 1000);
    return 0;
}

static int next_event(struct envd_stream *s, int64_t deadline, struct envd_event *ret,
                      struct err *err)
{
    struct connect_message message;
    int rc;

    for (;;) {
        rc = connect_parser_next(&s->parser, &message, err);
        if (rc < 0)
            return -1;
        if (rc > 0) {
            if (envd_client_decode_event(&s->arena, &message, ret, err))
                return -1;
            if (ret->kind != ENVD_NONE)
                return 0;
            continue;
        }
        if (feed(s, deadline, err))
            return -1;
        if (clock_now_ms() >= deadline)
            break;
    }
    *ret = (struct envd_event){.kind = ENVD_NONE};
    return 0;
}

int envd_stream_next(struct envd_stream *s, int wait_ms, struct envd_event *ret, struct err *err)
{
    struct err local;

    err = err ? err : &local;
    if (s->over)
        return err_set(err, ERR_INTERNAL, "the stream is over");
    arena_clear(&s->arena);
    if (next_event(s, clock_deadline(wait_ms), ret, err)) {
        s->over = true;
        return -1;
    }
    s->over = ret->kind == ENVD_END;
    return 0;
}
