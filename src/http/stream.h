/*
 * Inside of the HTTP client: a request on its way and the response that is arriving. client.c
 * opens streams, request.c turns a struct http_request into options of a curl handle, stream.c
 * drives the transfer and keeps the time limits.
 */
#ifndef KILN_HTTP_STREAM_H
#define KILN_HTTP_STREAM_H

#include <curl/curl.h>

#include "http/client.h"

enum {
    STREAM_PENDING_MAX =
        256 * 1024,               /* bytes that have come and are not read: the peer then waits */
    STREAM_HEAD_MAX = 256 * 1024, /* of all header lines of a response */
};

struct http_client {
    CURLM *multi;
};

/* What went wrong inside a callback of curl, which itself can only say "stop". */
enum stream_stop { STREAM_GOES, STREAM_BODY_TOO_LARGE, STREAM_HEAD_TOO_LARGE, STREAM_READ_FAILED };

struct http_stream {
    struct http_client *client;
    CURL *easy;
    struct curl_slist *headers; /* of the request; holds the secret */
    struct arena arena;
    const char *peer; /* for people: "http://host:80/path", without user, password and query */
    struct http_limits limits; /* defaults filled in; -1 is no limit */
    bool ignore_cancel;

    /* Upload in pieces. */
    ssize_t (*read_body)(void *ctx, char *room, size_t max, struct err *err);
    void *read_ctx;
    struct err read_err;

    /* Phases, in clock_now_ms(). */
    int64_t opened_at, moved_at; /* moved_at: connected, or the last byte up or down */
    curl_off_t uploaded;
    bool connected, head_done, done;
    CURLcode result; /* once done */
    enum stream_stop stop;
    char curl_error[CURL_ERROR_SIZE];

    size_t head_bytes, body_bytes;
    bool paused;
    struct buf pending; /* has come, not handed out */
    struct buf current; /* handed out by the last read */
};

/* Sets everything of `req` on s->easy and fills peer, limits and the upload. Errors: ERR_INPUT. */
int http_request_apply(struct http_stream *s, const struct http_request *req, struct err *err);

/* Drives the transfer until the head of the final response is there. */
int http_stream_await_head(struct http_stream *s, struct err *err);

/* Puts the callbacks on s->easy. */
void http_stream_attach(struct http_stream *s);

#endif
