#include "http/client.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "http/stream.h"

static void init_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        BUG("curl_global_init");
}

int http_client_new(struct http_client **ret, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct http_client *c;

    pthread_once(&once, init_curl);
    c = calloc(1, sizeof(*c));
    if (c)
        c->multi = curl_multi_init();
    if (!c || !c->multi) {
        free(c);
        return err_set(err, ERR_IO, "no memory for an HTTP client");
    }
    *ret = c;
    return 0;
}

void http_client_free(struct http_client *c)
{
    if (!c)
        return;
    curl_multi_cleanup(c->multi);
    free(c);
}

static struct http_stream *new_stream(struct http_client *c)
{
    struct http_stream *s = calloc(1, sizeof(*s));

    if (!s || !(s->easy = curl_easy_init()))
        BUG("out of memory for a request");
    s->client = c;
    s->pending = s->current = BUF_INIT(STREAM_PENDING_MAX);
    s->opened_at = s->moved_at = clock_now_ms();
    return s;
}

int http_client_open(struct http_client *c, const struct http_request *req,
                     struct http_stream **ret, struct err *err)
{
    struct http_stream *s = new_stream(c);

    if (http_request_apply(s, req, err))
        goto fail;
    http_stream_attach(s);
    if (curl_multi_add_handle(c->multi, s->easy) != CURLM_OK)
        BUG("curl_multi_add_handle");
    if (http_stream_await_head(s, err))
        goto fail;
    *ret = s;
    return 0;
fail:
    http_stream_close(s);
    return -1;
}

static int read_all(struct http_stream *s, struct arena *a, struct str *ret, struct err *err)
{
    BUF_CLEANUP struct buf body = BUF_INIT(s->limits.max_body);
    struct str chunk;
    int more;

    while ((more = http_stream_read(s, -1, &chunk, err)) == 1)
        if (buf_add(&body, chunk, err))
            return -1;
    if (more < 0)
        return -1;
    *ret = arena_dup(a, buf_str(&body));
    return 0;
}

static void copy_headers(struct http_stream *s, struct arena *a, struct http_response *r)
{
    struct http_header *items = NULL;
    struct curl_header *h = NULL;
    size_t n = 0, cap = 0;

    while ((h = curl_easy_nextheader(s->easy, CURLH_HEADER, -1, h))) {
        items = arena_grow(a, items, n, &cap, sizeof(*items));
        items[n].name = arena_strdup(a, h->name);
        items[n].value = arena_strdup(a, h->value);
        n++;
    }
    r->headers = items;
    r->n_headers = n;
}

int http_client_send(struct http_client *c, const struct http_request *req, struct arena *a,
                     struct http_response *ret, struct err *err)
{
    struct http_response r = {0};
    struct http_stream *s;
    int result;

    if (http_client_open(c, req, &s, err))
        return -1;
    result = read_all(s, a, &r.body, err);
    if (result == 0) {
        r.status = http_stream_status(s);
        copy_headers(s, a, &r);
        *ret = r;
    }
    http_stream_close(s);
    return result;
}

const char *http_response_header(const struct http_response *r, const char *name)
{
    for (size_t i = 0; i < r->n_headers; i++)
        if (strcasecmp(r->headers[i].name, name) == 0)
            return r->headers[i].value;
    return NULL;
}
