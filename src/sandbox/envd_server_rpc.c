#include "sandbox/envd_server_rpc.h"

#include <string.h>

#include "base/base64.h"
#include "sandbox/envd_server_field.h"
#include "sandbox/envd_server_path.h"

static const char unary_type[] = "application/json";
static const char stream_type[] = "application/connect+json";

/* ---- failing ---- */

int envd_server_rpc_fail(struct envd_server_rpc *r, enum connect_code code, const char *fmt, ...)
{
    va_list ap;

    r->code = code;
    va_start(ap, fmt);
    vsnprintf(r->why, sizeof(r->why), fmt, ap);
    va_end(ap);
    return -1;
}

static enum connect_code code_of(enum err_kind kind)
{
    switch (kind) {
    case ERR_INPUT:
        return CONNECT_INVALID_ARGUMENT;
    case ERR_NOT_FOUND:
        return CONNECT_NOT_FOUND;
    case ERR_LIMIT:
    case ERR_THROTTLED:
        return CONNECT_RESOURCE_EXHAUSTED;
    case ERR_CANCELLED:
        return CONNECT_UNAVAILABLE;
    default:
        return CONNECT_INTERNAL;
    }
}

int envd_server_rpc_fail_err(struct envd_server_rpc *r, const struct err *err)
{
    return envd_server_rpc_fail(r, code_of(err->kind), "%s", err->msg);
}

static json_t *error_value(enum connect_code code, const char *why)
{
    json_t *error = json_object();

    json_set(error, "code", json_c(connect_code_name(code)));
    json_set(error, "message", json_c(why));
    return error;
}

struct str envd_server_rpc_end(struct arena *a, enum connect_code code, const char *why)
{
    JSON_CLEANUP json_t *end = json_object();

    if (code != CONNECT_OK)
        json_set(end, "error", error_value(code, why));
    return str_from(json_dump(a, end));
}

static void reply_stream_error(const struct envd_server_rpc *r)
{
    struct buf out __attribute__((cleanup(buf_free))) = BUF_INIT(CONNECT_MAX_MESSAGE);
    struct err err;

    if (connect_write(&out, CONNECT_END_STREAM, envd_server_rpc_end(r->a, r->code, r->why), &err))
        BUG("%s", err.msg);
    http_reply(r->x, 200, stream_type, buf_str(&out));
}

static void reply_unary_error(const struct envd_server_rpc *r)
{
    JSON_CLEANUP json_t *error = error_value(r->code, r->why);

    http_reply(r->x, connect_code_status(r->code), unary_type, str_from(json_dump(r->a, error)));
}

/* ---- the request ---- */

/* "application/json; charset=utf-8" is the type "application/json". */
static bool has_type(struct http_exchange *x, const char *type)
{
    const char *header = http_exchange_header(x, "Content-Type");
    struct str rest = str_from(header), given;

    return str_next(&rest, ';', &given) && str_eq_nocase(str_trim(given), type);
}

/* As Go's strconv.ParseInt after a check of the length: that is what the texts tell. */
static int parse_timeout(struct envd_server_rpc *r)
{
    const char *text = http_exchange_header(r->x, "Connect-Timeout-Ms");
    const char *digits;

    r->timeout_ms = -1;
    if (!text || text[0] == '\0')
        return 0;
    if (strlen(text) > 10)
        return envd_server_rpc_fail(r, CONNECT_INVALID_ARGUMENT,
                                    "parse timeout: \"%s\" has >10 digits", text);
    digits = text[0] == '+' ? text + 1 : text;
    if (!str_to_i64(str_from(digits), &r->timeout_ms))
        return envd_server_rpc_fail(r, CONNECT_INVALID_ARGUMENT,
                                    "parse timeout: strconv.ParseInt: parsing \"%s\": invalid "
                                    "syntax",
                                    text);
    if (r->timeout_ms <= 0)
        return envd_server_rpc_fail(r, CONNECT_DEADLINE_EXCEEDED, "context deadline exceeded");
    return 0;
}

static int check_headers(struct envd_server_rpc *r, bool streaming)
{
    const char *version = http_exchange_header(r->x, "Connect-Protocol-Version");
    const char *encoding =
        http_exchange_header(r->x, streaming ? "Connect-Content-Encoding" : "Content-Encoding");

    if (version && strcmp(version, "1") != 0)
        return envd_server_rpc_fail(r, CONNECT_INVALID_ARGUMENT,
                                    "Connect-Protocol-Version must be \"1\": got \"%s\"", version);
    if (encoding && encoding[0] && strcmp(encoding, "identity") != 0)
        return envd_server_rpc_fail(r, CONNECT_UNIMPLEMENTED,
                                    "unknown compression \"%s\": supported encodings are identity",
                                    encoding);
    return parse_timeout(r);
}

/* The name of "Basic base64(NAME:)"; NULL when there is none, which means the default user. */
static const char *basic_user(const struct envd_server_rpc *r)
{
    const char *header = http_exchange_header(r->x, "Authorization");
    struct str text, name;

    if (!header || !str_eq_nocase((struct str){header, strnlen(header, 6)}, "Basic ") ||
        base64_decode(r->a, str_trim(str_from(header + 6)), &text, NULL) ||
        str_find_char(text, ':') < 0)
        return NULL;
    name = (struct str){text.p, (size_t)str_find_char(text, ':')};
    return arena_dup(r->a, name).p;
}

static int check_user(struct envd_server_rpc *r)
{
    const char *user = basic_user(r);

    if (!user || user[0] == '\0' || strcmp(user, r->server->config->user) == 0)
        return 0;
    return envd_server_rpc_fail(r, CONNECT_UNAUTHENTICATED, "invalid username: '%s'", user);
}

static int open_envelope(struct str body, struct str *ret, struct err *err)
{
    const unsigned char *head = (const unsigned char *)body.p;
    uint32_t n;

    if (body.n < 5)
        return err_set(err, ERR_INPUT, "protocol error: incomplete envelope: unexpected EOF");
    if (head[0] & CONNECT_COMPRESSED)
        return err_set(err, ERR_INPUT,
                       "protocol error: sent compressed message without compression support");
    n = (uint32_t)head[1] << 24 | (uint32_t)head[2] << 16 | (uint32_t)head[3] << 8 | head[4];
    if (n > body.n - 5)
        return err_set(err, ERR_INPUT,
                       "protocol error: promised %u bytes in enveloped message, got %zu bytes", n,
                       body.n - 5);
    *ret = (struct str){body.p + 5, n};
    return 0;
}

json_t *envd_server_rpc_decode(struct str body, bool envelope, const char *request, struct err *err)
{
    json_t *message;

    if (envelope && open_envelope(body, &body, err))
        return NULL;
    if (body.n == 0) {
        err_set(err, ERR_INPUT,
                "unmarshal message: zero-length payload is not a valid JSON object");
        return NULL;
    }
    message = json_parse(body, "proto: syntax error", err);
    if (message && !json_is_object(message)) {
        json_decref(message);
        message = NULL;
        err_set(err, ERR_INPUT, "proto: syntax error: an object is expected");
    }
    if (!message)
        err_wrap(err, "unmarshal message: unmarshal into *%s", request);
    return message;
}

const char *envd_server_rpc_path(struct envd_server_rpc *r, const char *field)
{
    const struct envd_server_config *config = r->server->config;
    const char *path = "";
    struct err err;

    if (envd_server_field_string(r->message, field, &path, &err) == 0)
        path = envd_server_path_resolve(r->a, path, config->home, config->user, &err);
    else
        path = NULL;
    if (!path)
        envd_server_rpc_fail_err(r, &err);
    return path;
}

/* ---- a call ---- */

static int decode(struct envd_server_rpc *r, const struct envd_server_method *method,
                  json_t **ret_message)
{
    struct err err;

    if (check_headers(r, method->stream != NULL))
        return -1;
    *ret_message = envd_server_rpc_decode(http_exchange_body(r->x), method->stream != NULL,
                                          method->request, &err);
    if (!*ret_message)
        return envd_server_rpc_fail_err(r, &err);
    r->message = *ret_message;
    return check_user(r);
}

static void call_unary(struct envd_server_rpc *r, const struct envd_server_method *method)
{
    JSON_CLEANUP json_t *message = NULL;
    JSON_CLEANUP json_t *reply = NULL;

    if (decode(r, method, &message) || method->unary(r, &reply))
        reply_unary_error(r);
    else
        http_reply(r->x, 200, unary_type, str_from(json_dump(r->a, reply)));
}

static void call_stream(struct envd_server_rpc *r, const struct envd_server_method *method)
{
    JSON_CLEANUP json_t *message = NULL;

    if (decode(r, method, &message) || method->stream(r))
        reply_stream_error(r);
}

void envd_server_rpc_handle(const struct envd_server *server, struct http_exchange *x,
                            const struct envd_server_method *method)
{
    struct envd_server_rpc r = {.server = server, .x = x, .a = http_exchange_arena(x)};
    const char *type = method->stream ? stream_type : unary_type;

    if (strcmp(http_exchange_method(x), "POST") != 0) {
        http_reply_header(x, "Allow", "POST");
        http_reply(x, 405, "text/plain; charset=utf-8", STR(""));
    } else if (!has_type(x, type)) {
        http_reply_header(x, "Accept-Post", type);
        http_reply(x, 415, NULL, STR(""));
    } else if (method->stream) {
        call_stream(&r, method);
    } else {
        call_unary(&r, method);
    }
}
