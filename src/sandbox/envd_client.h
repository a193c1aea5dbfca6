/*
 * Inside of the envd client: envd_client.c knows requests and errors, envd_client_stream.c the
 * events of a process; the public interface is envd.h.
 */
#ifndef KILN_SANDBOX_ENVD_CLIENT_H
#define KILN_SANDBOX_ENVD_CLIENT_H

#include "http/client.h"
#include "http/connect.h"
#include "json/json.h"
#include "sandbox/envd.h"

/* The most that is parsed at once. JSON takes up to fifty times its bytes when it is made for it.
 */
enum { ENVD_CLIENT_JSON_MAX = 4 * 1024 * 1024 };

struct envd_client {
    struct http_client *http;
    struct arena arena;
    const char *base_url, *unix_socket;
    const struct secret *access_token;
    const struct http_header *headers; /* of every request */
    size_t n_headers;
};

/* Fills what all requests share. `path` is "/health" or with a query. `extra` has `n` headers. */
struct http_request envd_client_request(struct envd_client *c, struct arena *a, const char *method,
                                        const char *path, const struct http_header *extra,
                                        size_t n);

/* A unary RPC: takes `message` over. The reply is the caller's; `ret_reply` may be NULL. */
int envd_client_call(struct envd_client *c, const char *path, json_t *message, bool ignore_cancel,
                     json_t **ret_reply, struct err *err);

/*
 * What a failed request was answered: Connect's {"code":"not_found",...}, REST's {"code":404,...},
 * or else the status alone. Returns -1.
 */
int envd_client_refused(int status, struct str body, struct err *err);

/* {"code":"...","message":"..."} of an RPC. Returns -1. */
int envd_client_connect_error(const json_t *error, struct err *err);

/* SendSignal, by pid or (when `pid` is 0) by tag. */
int envd_client_signal(struct envd_client *c, uint32_t pid, const char *tag, int signal,
                       bool ignore_cancel, struct err *err);

/*
 * One message of a process's stream. What isn't for us (keepalives, events that came later into
 * the protocol) is ENVD_NONE. A message that ends the stream is an error: an end event ends it
 * before. The event's data live in the arena.
 */
int envd_client_decode_event(struct arena *a, const struct connect_message *message,
                             struct envd_event *ret, struct err *err);

#endif
