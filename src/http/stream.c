#include "http/stream.h"

#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"

/* ---- callbacks of curl ---- */

static int on_connected(void *ctx, char *ip, char *local_ip, int port, int local_port)
{
    struct http_stream *s = ctx;

    s->connected = true;
    s->moved_at = clock_now_ms();
    return CURL_PREREQFUNC_OK;
}

/* One line of the head. The empty line ends it, unless it was an interim answer (1xx). */
static size_t on_header(char *line, size_t size, size_t n, void *ctx)
{
    struct http_stream *s = ctx;
    long status = 0;

    n *= size;
    s->head_bytes += n;
    if (s->head_bytes > STREAM_HEAD_MAX) {
        s->stop = STREAM_HEAD_TOO_LARGE;
        return 0;
    }
    if (n > 0 && (line[0] == '\r' || line[0] == '\n')) {
        curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
        if (status >= 200) {
            s->head_done = true;
            s->moved_at = clock_now_ms();
        }
    }
    return n;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *ctx)
{
    struct http_stream *s = ctx;

    n *= size;
    s->moved_at = clock_now_ms();
    if (n > s->limits.max_body - s->body_bytes) {
        s->stop = STREAM_BODY_TOO_LARGE;
        return 0;
    }
    if (s->pending.n && s->pending.n + n > STREAM_PENDING_MAX) {
        s->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (buf_add(&s->pending, (struct str){bytes, n}, NULL))
        BUG("curl gave %zu bytes at once", n);
    s->body_bytes += n;
    return n;
}

static size_t on_upload(char *room, size_t size, size_t n, void *ctx)
{
    struct http_stream *s = ctx;
    ssize_t got = s->read_body(s->read_ctx, room, size * n, &s->read_err);

    if (got >= 0)
        return (size_t)got;
    s->stop = STREAM_READ_FAILED;
    return CURL_READFUNC_ABORT;
}

void http_stream_attach(struct http_stream *s)
{
    curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
    curl_easy_setopt(s->easy, CURLOPT_ERRORBUFFER, s->curl_error);
    curl_easy_setopt(s->easy, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(s->easy, CURLOPT_PREREQDATA, s);
    curl_easy_setopt(s->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(s->easy, CURLOPT_HEADERDATA, s);
    curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
    if (s->read_body) {
        curl_easy_setopt(s->easy, CURLOPT_READFUNCTION, on_upload);
        curl_easy_setopt(s->easy, CURLOPT_READDATA, s);
    }
}

/* ---- errors ---- */

static int err_stopped(struct http_stream *s, struct err *err)
{
    switch (s->stop) {
    case STREAM_BODY_TOO_LARGE:
        return err_set(err, ERR_LIMIT, "the answer of %s is larger than the %zu bytes allowed",
                       s->peer, s->limits.max_body);
    case STREAM_HEAD_TOO_LARGE:
        return err_set(err, ERR_PROTOCOL, "the head of the answer of %s is larger than %d bytes",
                       s->peer, STREAM_HEAD_MAX);
    case STREAM_READ_FAILED:
        if (err)
            *err = s->read_err;
        return err_wrap(err, "sending to %s", s->peer);
    case STREAM_GOES:
        break;
    }
    BUG("stream without a reason to stop");
}

static int err_time(struct http_stream *s, const char *what, int ms, struct err *err)
{
    return err_set(err, ERR_TIMEOUT, "%s %s within %s", what, s->peer, clock_human(&s->arena, ms));
}

static enum err_kind kind_of(CURLcode code)
{
    switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL: /* an answer without a status line */
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_BAD_CONTENT_ENCODING:
        return ERR_PROTOCOL;
    case CURLE_OUT_OF_MEMORY:
        return ERR_IO;
    default:
        return ERR_NET;
    }
}

/* The transfer ended with an error of curl's. */
static int err_curl(struct http_stream *s, struct err *err)
{
    const char *why = s->curl_error[0] ? s->curl_error : curl_easy_strerror(s->result);
    long sys = 0;

    if (s->stop != STREAM_GOES)
        return err_stopped(s, err);
    if (s->result == CURLE_OPERATION_TIMEDOUT && !s->connected)
        return err_time(s, "no connection to", s->limits.connect_ms, err);
    curl_easy_getinfo(s->easy, CURLINFO_OS_ERRNO, &sys);
    if (s->result == CURLE_COULDNT_CONNECT && sys)
        return err_sys(err, ERR_NET, (int)sys, "connect to %s", s->peer);
    if (s->result == CURLE_GOT_NOTHING)
        return err_set(err, ERR_NET, "%s closed the connection without an answer", s->peer);
    if (s->result == CURLE_PARTIAL_FILE)
        return err_set(err, ERR_NET, "%s closed the connection in the middle of its answer",
                       s->peer);
    return err_set(err, kind_of(s->result), "%s: %s", s->peer, why);
}

/* ---- driving ---- */

static void collect_done(CURLM *multi)
{
    CURLMsg *msg;
    int left;

    while ((msg = curl_multi_info_read(multi, &left))) {
        struct http_stream *s = NULL;

        if (msg->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&s);
        s->result = msg->data.result;
        s->done = true;
    }
}

/* Moves what can be moved without waiting. All streams of the client profit. */
static void perform(struct http_stream *s)
{
    curl_off_t uploaded = 0;
    int running;

    if (s->paused && s->pending.n == 0) {
        s->paused = false;
        curl_easy_pause(s->easy, CURLPAUSE_CONT);
    }
    if (curl_multi_perform(s->client->multi, &running) != CURLM_OK)
        BUG("curl_multi_perform");
    collect_done(s->client->multi);
    curl_easy_getinfo(s->easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
    if (uploaded != s->uploaded)
        s->moved_at = clock_now_ms();
    s->uploaded = uploaded;
}

static int64_t after(int64_t from, int ms)
{
    return ms < 0 ? CLOCK_NEVER : from + ms;
}

/* The limit of the phase that the stream is in. */
static int64_t phase_deadline(const struct http_stream *s)
{
    if (!s->connected)
        return after(s->opened_at, s->limits.connect_ms);
    return after(s->moved_at, s->head_done ? s->limits.idle_ms : s->limits.first_byte_ms);
}

static int check_limits(struct http_stream *s, struct err *err)
{
    int64_t now = clock_now_ms();

    if (now >= after(s->opened_at, s->limits.total_ms))
        return err_time(s, "no complete answer from", s->limits.total_ms, err);
    if (now < phase_deadline(s))
        return 0;
    if (!s->connected)
        return err_time(s, "no connection to", s->limits.connect_ms, err);
    if (!s->head_done)
        return err_time(s, "no answer from", s->limits.first_byte_ms, err);
    return err_time(s, "nothing more from", s->limits.idle_ms, err);
}

static int check_cancel(const struct http_stream *s, struct err *err)
{
    return s->ignore_cancel ? 0 : cancel_check(err);
}

/* Waits for traffic, cancellation, a limit or `until`. */
static void wait_for_traffic(struct http_stream *s, int64_t until)
{
    struct curl_waitfd cancel = {.fd = cancel_fd(), .events = CURL_WAIT_POLLIN};
    unsigned n = cancel.fd >= 0 && !s->ignore_cancel;
    int64_t limit = phase_deadline(s), total = after(s->opened_at, s->limits.total_ms);
    int ms;

    if (limit < until)
        until = limit;
    if (total < until)
        until = total;
    ms = clock_poll_ms(until);
    /* curl_multi_poll has no "for ever". */
    if (curl_multi_poll(s->client->multi, &cancel, n, ms < 0 ? INT32_MAX : ms, NULL) != CURLM_OK)
        BUG("curl_multi_poll");
}

int http_stream_await_head(struct http_stream *s, struct err *err)
{
    for (;;) {
        if (check_cancel(s, err))
            return -1;
        perform(s);
        if (s->head_done && s->stop != STREAM_HEAD_TOO_LARGE)
            return 0;
        if (s->done && s->result == CURLE_OK)
            return err_set(err, ERR_PROTOCOL, "%s gave no final answer", s->peer);
        if (s->done)
            return err_curl(s, err);
        if (check_limits(s, err))
            return -1;
        wait_for_traffic(s, CLOCK_NEVER);
    }
}

/* ---- what callers see ---- */

int http_stream_status(const struct http_stream *s)
{
    long status = 0;

    curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

const char *http_stream_header(const struct http_stream *s, const char *name)
{
    struct curl_header *h;

    if (curl_easy_header(s->easy, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
        return NULL;
    return h->value;
}

/* Hands out all that is pending: the two buffers change places, so that the view outlives what
 * comes while another stream of the same client is driven. */
static struct str take_pending(struct http_stream *s)
{
    struct buf empty = s->current;

    s->current = s->pending;
    s->pending = empty;
    return buf_str(&s->current);
}

int http_stream_read(struct http_stream *s, int wait_ms, struct str *ret_chunk, struct err *err)
{
    int64_t until = clock_deadline(wait_ms);

    buf_reset(&s->current);
    for (;;) {
        if (check_cancel(s, err))
            return -1;
        if (s->pending.n == 0 && !s->done)
            perform(s);
        if (s->pending.n) {
            *ret_chunk = take_pending(s);
            return 1;
        }
        if (s->done)
            return s->result == CURLE_OK ? 0 : err_curl(s, err);
        if (check_limits(s, err))
            return -1;
        if (clock_now_ms() >= until) {
            *ret_chunk = (struct str){"", 0};
            return 1;
        }
        wait_for_traffic(s, until);
    }
}

static void free_headers(struct curl_slist *headers)
{
    for (struct curl_slist *h = headers; h; h = h->next)
        secret_wipe(h->data, strlen(h->data));
    curl_slist_free_all(headers);
}

void http_stream_close(struct http_stream *s)
{
    if (!s)
        return;
    curl_multi_remove_handle(s->client->multi, s->easy);
    curl_easy_cleanup(s->easy);
    free_headers(s->headers);
    buf_free(&s->pending);
    buf_free(&s->current);
    arena_clear(&s->arena);
    free(s);
}
