#include "model/messages.h"

#include <limits.h>
#include <string.h>

#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "http/sse.h"
#include "model/messages_error.h"
#include "model/messages_request.h"
#include "model/messages_stream.h"

#define API_VERSION "2023-06-01"

enum {
    DEFAULT_RETRIES = 4,
    DEFAULT_FIRST_BYTE_MS = 120 * 1000,
    DEFAULT_IDLE_MS = 120 * 1000,
    DEFAULT_TOTAL_MS = 30 * 60 * 1000,
    LONGEST_WAIT_MS = 10 * 60 * 1000, /* a server that asks for more is taken as a refusal */
    EVENT_MAX = 32 * 1024 * 1024,
    BODY_MAX = 64 * 1024 * 1024,
    ERROR_BODY_MAX = 64 * 1024,
};

struct messages_client {
    struct arena arena;
    struct messages_config config;
    const char *url;
    struct http_client *http;
};

/* One call, through all its attempts. */
struct call {
    struct messages_client *client;
    const struct messages_request *req;
    const struct messages_progress *progress;
    struct str body;
    struct arena *arena;
};

static int or_default(int value, int fallback)
{
    return value > 0 ? value : fallback;
}

int messages_new(const struct messages_config *config, struct messages_client **ret,
                 struct err *err)
{
    struct messages_client *c;
    struct http_client *http;
    struct str base = str_from(config->base_url);

    if (http_client_new(&http, err))
        return -1;
    c = calloc(1, sizeof(*c));
    if (!c)
        BUG("out of memory");
    while (str_ends(base, "/"))
        base.n--;
    c->http = http;
    c->config = *config;
    c->config.max_retries = config->max_retries < 0 ? DEFAULT_RETRIES : config->max_retries;
    c->config.first_byte_ms = or_default(config->first_byte_ms, DEFAULT_FIRST_BYTE_MS);
    c->config.idle_ms = or_default(config->idle_ms, DEFAULT_IDLE_MS);
    c->config.total_ms = or_default(config->total_ms, DEFAULT_TOTAL_MS);
    c->config.unix_socket = arena_strdup(&c->arena, config->unix_socket);
    c->url = arena_printf(&c->arena, "%.*s/v1/messages", STR_ARG(base));
    *ret = c;
    return 0;
}

void messages_free(struct messages_client *c)
{
    if (!c)
        return;
    http_client_free(c->http);
    arena_clear(&c->arena);
    free(c);
}

void messages_reply_clear(struct messages_reply *r)
{
    json_decref(r->content);
    json_decref(r->bad_inputs);
    *r = (struct messages_reply){0};
}

static const struct secret *key_of(const struct messages_client *c)
{
    return c->config.api_key ? c->config.api_key : c->config.auth_token;
}

static int64_t time_left(const struct messages_request *req)
{
    return req->deadline ? req->deadline - clock_now_ms() : CLOCK_NEVER;
}

static int open_stream(const struct call *call, struct http_stream **ret, struct err *err)
{
    static const struct http_header headers[] = {
        {"content-type", "application/json"},
        {"accept", "text/event-stream"},
        {"anthropic-version", API_VERSION},
        {"user-agent", "kiln/" KILN_VERSION},
    };
    const struct messages_config *config = &call->client->config;
    int64_t left = time_left(call->req);
    struct http_request req = {
        .method = "POST",
        .url = call->client->url,
        .unix_socket = config->unix_socket,
        .headers = headers,
        .n_headers = ARRAY_LEN(headers),
        .secret_name = config->api_key ? "x-api-key" : "authorization",
        .secret_prefix = config->api_key ? "" : "Bearer ",
        .secret = key_of(call->client),
        .body = call->body,
        .limits = {.first_byte_ms = config->first_byte_ms,
                   .idle_ms = config->idle_ms,
                   .total_ms = left < config->total_ms ? (int)left : config->total_ms,
                   .max_body = BODY_MAX},
    };

    return http_client_open(call->client->http, &req, ret, err);
}

/* As much of an error's body as is worth reading. */
static struct str read_error_body(struct http_stream *http, struct arena *a)
{
    BUF_CLEANUP struct buf body = BUF_INIT(ERROR_BODY_MAX);
    struct str chunk;

    while (body.n < body.max && http_stream_read(http, -1, &chunk, NULL) == 1)
        buf_add_some(&body, chunk);
    return arena_dup(a, buf_str(&body));
}

static int refused(const struct call *call, struct http_stream *http, struct messages_retry *retry,
                   struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    struct messages_answer answer = {
        .status = http_stream_status(http),
        .body = read_error_body(http, &a),
        .retry_after = http_stream_header(http, "retry-after"),
        .retry_after_ms = http_stream_header(http, "retry-after-ms"),
        .should_retry = http_stream_header(http, "x-should-retry"),
        .request_id = http_stream_header(http, "request-id"),
        .url = call->client->url,
        .model = call->req->model,
        .key = key_of(call->client),
    };

    return messages_error_answer(&answer, retry, err);
}

/* Feeds the body through the parsers until the message is whole. */
static int read_events(struct http_stream *http, struct sse_parser *sse, struct messages_stream *s,
                       struct err *err)
{
    for (;;) {
        struct sse_event event;
        struct str chunk;
        int rc;

        while ((rc = sse_parser_next(sse, &event, err)) == 1) {
            rc = messages_stream_event(s, &event, err);
            if (rc != 0)
                return rc < 0 ? -1 : 0;
        }
        if (rc < 0)
            return -1;
        rc = http_stream_read(http, -1, &chunk, err);
        if (rc < 0)
            return -1;
        if (rc == 0)
            return err_set(err, ERR_NET, "the model API's stream ended before its message did");
        if (sse_parser_feed(sse, chunk, err))
            return -1;
    }
}

static int read_reply(const struct call *call, struct http_stream *http, struct messages_reply *ret,
                      struct err *err)
{
    const char *type = http_stream_header(http, "content-type");
    const char *id = http_stream_header(http, "request-id");
    struct messages_stream *s;
    struct sse_parser *sse;
    struct usage wasted;
    int rc;

    if (!type || !str_starts(str_from(type), "text/event-stream")) {
        err_set(err, ERR_CONFIG, "'%s' answered with %s instead of an event stream",
                call->client->url, type ? type : "no content type");
        return err_fix(err, "check the base URL: it must lead to a Messages API that can stream");
    }
    s = messages_stream_new(call->progress, key_of(call->client));
    sse = sse_parser_new(EVENT_MAX);
    rc = read_events(http, sse, s, err);
    if (rc == 0) {
        messages_stream_finish(s, call->arena, ret);
        ret->request_id = arena_strdup(call->arena, id);
    } else {
        wasted = messages_stream_usage(s);
        usage_add(&ret->wasted, &wasted);
    }
    sse_parser_free(sse);
    messages_stream_free(s);
    return rc;
}

static int attempt(const struct call *call, struct messages_reply *ret,
                   struct messages_retry *retry, struct err *err)
{
    struct http_stream *http;
    int rc;

    *retry = (struct messages_retry){.wait_ms = -1};
    if (open_stream(call, &http, err)) {
        err_wrap(err, "the model API can't be used");
        retry->again = messages_error_passes(err->kind);
        return -1;
    }
    if (http_stream_status(http) != 200) {
        rc = refused(call, http, retry, err);
    } else {
        rc = read_reply(call, http, ret, err);
        retry->again = rc && messages_error_passes(err->kind);
    }
    http_stream_close(http);
    return rc;
}

/* Waits before the next attempt; -1, with `err` left as it is or ERR_CANCELLED, to give up. */
static int wait_for_retry(const struct call *call, const struct messages_retry *retry, int n,
                          struct err *err)
{
    const struct messages_progress *progress = call->progress;
    int64_t wait_ms = retry->wait_ms >= 0 ? retry->wait_ms : messages_error_backoff_ms(n);

    if (!retry->again || n >= call->client->config.max_retries || wait_ms > LONGEST_WAIT_MS ||
        wait_ms >= time_left(call->req))
        return -1;
    if (progress && progress->retry)
        progress->retry(progress->ctx, err, n + 2, (int)wait_ms);
    return cancel_sleep_ms((int)wait_ms, err);
}

int messages_send(struct messages_client *c, const struct messages_request *req,
                  const struct messages_progress *progress, struct arena *a,
                  struct messages_reply *ret, struct err *err)
{
    ARENA_CLEANUP struct arena local = {0};
    struct call call = {c, req, progress, messages_request_body(&local, req), a};
    struct messages_retry retry;
    struct err why = {0};

    *ret = (struct messages_reply){0};
    for (int n = 0;; n++) {
        if (time_left(req) <= 0)
            return err_set(err, ERR_TIMEOUT, "the time limit ran out before the model replied");
        ret->attempts++;
        if (attempt(&call, ret, &retry, &why) == 0)
            return 0;
        if (wait_for_retry(&call, &retry, n, &why)) {
            if (err)
                *err = why;
            return -1;
        }
    }
}
