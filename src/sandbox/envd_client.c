#include "sandbox/envd_client.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/text.h"

enum { CALL_MS = 60 * 1000 };

/* ---- the client ---- */

static const struct http_header *make_headers(struct arena *a, const struct envd_config *config,
                                              size_t *ret_n)
{
    struct http_header *headers = ARENA_ARRAY(a, config->n_headers + 1, struct http_header);
    size_t n = 0;

    for (; n < config->n_headers; n++) {
        headers[n].name = arena_strdup(a, config->headers[n].name);
        headers[n].value = arena_strdup(a, config->headers[n].value);
    }
    if (config->user) {
        const char *pair = arena_printf(a, "%s:", config->user);

        headers[n].name = "Authorization";
        headers[n++].value = arena_printf(a, "Basic %s", base64_encode(a, str_from(pair)).p);
    }
    *ret_n = n;
    return headers;
}

int envd_new(const struct envd_config *config, struct envd_client **ret, struct err *err)
{
    struct envd_client *c = calloc(1, sizeof(*c));

    if (!c)
        BUG("out of memory for a client");
    if (http_client_new(&c->http, err)) {
        free(c);
        return -1;
    }
    c->base_url = arena_strdup(&c->arena, config->base_url);
    c->unix_socket = arena_strdup(&c->arena, config->unix_socket);
    c->access_token = config->access_token;
    c->headers = make_headers(&c->arena, config, &c->n_headers);
    *ret = c;
    return 0;
}

void envd_free(struct envd_client *c)
{
    if (!c)
        return;
    http_client_free(c->http);
    arena_clear(&c->arena);
    free(c);
}

struct http_request envd_client_request(struct envd_client *c, struct arena *a, const char *method,
                                        const char *path, const struct http_header *extra, size_t n)
{
    struct http_header *headers = ARENA_ARRAY(a, c->n_headers + n + 1, struct http_header);

    if (c->n_headers)
        memcpy(headers, c->headers, c->n_headers * sizeof(*headers));
    if (n)
        memcpy(headers + c->n_headers, extra, n * sizeof(*headers));
    return (struct http_request){
        .method = method,
        .url = arena_printf(a, "%s%s", c->base_url, path),
        .unix_socket = c->unix_socket,
        .headers = headers,
        .n_headers = c->n_headers + n,
        .secret_name = "X-Access-Token",
        .secret = c->access_token,
    };
}

int envd_health(struct envd_client *c, int timeout_ms, struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    struct http_request req = envd_client_request(c, &a, "GET", "/health", NULL, 0);
    struct http_response response;

    req.limits.total_ms = timeout_ms;
    if (http_client_send(c->http, &req, &a, &response, err))
        return -1;
    if (response.status >= 300)
        return envd_client_refused(response.status, response.body, err);
    return 0;
}

/* ---- errors ---- */

int envd_client_connect_error(const json_t *error, struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    const char *name = json_get_c(error, "code");
    enum err_kind kind = connect_code_kind(connect_code_from_name(name ? name : ""));
    struct str message = text_clean(&a, json_get_str(error, "message"), TEXT_ONE_LINE);

    /* Whether we were cancelled is nothing that the other side can tell. */
    if (kind == ERR_CANCELLED || kind == ERR_NONE)
        kind = ERR_REMOTE;
    return err_set(err, kind, "envd: %s%s%s", message.n ? message.p : "",
                   message.n ? "" : "refused: ", message.n ? "" : (name ? name : "no reason"));
}

static enum err_kind kind_of_status(int status)
{
    switch (status) {
    case 400:
        return ERR_INPUT;
    case 401:
        return ERR_AUTH;
    case 404:
        return ERR_NOT_FOUND;
    case 429:
        return ERR_THROTTLED;
    case 502: /* E2B's proxy: the sandbox is gone */
    case 503:
    case 504:
        return ERR_NET;
    case 507:
        return ERR_LIMIT;
    default:
        return ERR_REMOTE;
    }
}

int envd_client_refused(int status, struct str body, struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    JSON_CLEANUP json_t *error = json_parse(body, "envd", NULL);
    struct str message = text_clean(&a, json_get_str(error, "message"), TEXT_ONE_LINE);

    if (json_get_c(error, "code"))
        return envd_client_connect_error(error, err);
    if (message.n)
        return err_set(err, kind_of_status(status), "envd: %s", message.p);
    return err_set(err, kind_of_status(status), "envd answered with status %d", status);
}

/* ---- unary calls ---- */

static int decode_reply(const struct http_response *response, json_t **ret, struct err *err)
{
    json_t *reply;

    if (response->status != 200)
        return envd_client_refused(response->status, response->body, err);
    reply = json_parse(response->body, "envd's reply", err);
    if (!reply) {
        err->kind = ERR_PROTOCOL;
        return -1;
    }
    *ret = reply;
    return 0;
}

int envd_client_call(struct envd_client *c, const char *path, json_t *message, bool ignore_cancel,
                     json_t **ret_reply, struct err *err)
{
    static const struct http_header headers[] = {{"Content-Type", "application/json"},
                                                 {"Connect-Protocol-Version", "1"}};
    ARENA_CLEANUP struct arena a = {0};
    JSON_CLEANUP json_t *owned = message;
    JSON_CLEANUP json_t *reply = NULL;
    struct http_request req = envd_client_request(c, &a, "POST", path, headers, ARRAY_LEN(headers));
    struct http_response response;
    struct err local;

    err = err ? err : &local;
    req.body = str_from(json_dump(&a, owned));
    req.limits.total_ms = CALL_MS;
    req.limits.max_body = ENVD_CLIENT_JSON_MAX;
    req.ignore_cancel = ignore_cancel;
    if (http_client_send(c->http, &req, &a, &response, err) || decode_reply(&response, &reply, err))
        return -1;
    if (ret_reply)
        *ret_reply = json_incref(reply);
    return 0;
}
