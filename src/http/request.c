#include "http/stream.h"

#include <string.h>

#include "base/cleanup.h"

/* An option that curl refuses is one that it doesn't know or that has no memory: a bug or the end.
 */
#define SET(s, option, value)                                                                      \
    do {                                                                                           \
        if (curl_easy_setopt((s)->easy, option, value) != CURLE_OK)                                \
            BUG("curl refused " #option);                                                          \
    } while (0)

static struct http_limits with_defaults(struct http_limits l)
{
    if (l.connect_ms == 0)
        l.connect_ms = 10 * 1000;
    if (l.first_byte_ms == 0)
        l.first_byte_ms = 60 * 1000;
    if (l.idle_ms == 0)
        l.idle_ms = 60 * 1000;
    if (l.total_ms == 0)
        l.total_ms = -1;
    if (l.max_body == 0)
        l.max_body = (size_t)16 * 1024 * 1024;
    if (l.max_body > SIZE_MAX / 2)
        l.max_body = SIZE_MAX / 2;
    return l;
}

static bool is_loopback(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || str_starts(str_from(host), "127.") ||
           strcmp(host, "[::1]") == 0;
}

/* Empty when the URL hasn't got this part. */
static const char *url_part(struct arena *a, CURLU *url, CURLUPart part)
{
    char *value, *copy;

    if (curl_url_get(url, part, &value, 0) != CURLUE_OK)
        return "";
    copy = arena_strdup(a, value);
    curl_free(value);
    return copy;
}

/* A name for errors that can be shown: passwords and tokens travel in the parts left out. */
static const char *peer_name(struct arena *a, CURLU *url, const char *unix_socket)
{
    const char *path = url_part(a, url, CURLUPART_PATH);

    if (unix_socket)
        return arena_printf(a, "unix:%s%s", unix_socket, path);
    curl_url_set(url, CURLUPART_USER, NULL, 0);
    curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
    curl_url_set(url, CURLUPART_QUERY, NULL, 0);
    curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
    return url_part(a, url, CURLUPART_URL);
}

static int apply_parsed_url(struct http_stream *s, const struct http_request *req, CURLU *url,
                            struct err *err)
{
    const char *scheme = url_part(&s->arena, url, CURLUPART_SCHEME);
    const char *host = url_part(&s->arena, url, CURLUPART_HOST);

    s->peer = peer_name(&s->arena, url, req->unix_socket);
    if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        return err_set(err, ERR_INPUT, "%s: only http and https URLs can be used", s->peer);
    SET(s, CURLOPT_URL, req->url);
    SET(s, CURLOPT_UNIX_SOCKET_PATH, req->unix_socket);
    if (req->unix_socket || is_loopback(host))
        SET(s, CURLOPT_PROXY, "");
    return 0;
}

static int apply_url(struct http_stream *s, const struct http_request *req, struct err *err)
{
    CURLU *url = curl_url();
    CURLUcode code;
    int result;

    if (!url)
        BUG("out of memory for a URL");
    code = curl_url_set(url, CURLUPART_URL, req->url, CURLU_NON_SUPPORT_SCHEME);
    if (code != CURLUE_OK)
        result = err_set(err, ERR_INPUT, "the URL can't be used: %s", curl_url_strerror(code));
    else
        result = apply_parsed_url(s, req, url, err);
    curl_url_cleanup(url);
    return result;
}

/* A token of RFC 9110, section 5.6.2: what a method and a header name consist of. */
static bool is_token(const char *s)
{
    static const char others[] = "!#$%&'*+-.^_`|~";

    if (*s == '\0')
        return false;
    for (; *s; s++) {
        bool letter = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z');

        if (!letter && !(*s >= '0' && *s <= '9') && !strchr(others, *s))
            return false;
    }
    return true;
}

/* No line break may get in: what follows it would be a header of its own. */
static bool is_field_value(const char *s)
{
    for (; *s; s++)
        if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
            return false;
    return true;
}

static void wipe_and_free(char *line)
{
    secret_wipe(line, strlen(line));
    free(line);
}

static void append_line(struct http_stream *s, const char *line)
{
    struct curl_slist *longer = curl_slist_append(s->headers, line);

    if (!longer)
        BUG("out of memory for a header");
    s->headers = longer;
}

/* curl takes "Name:" as "leave it out" and sends an empty value for "Name;". */
static int add_header(struct http_stream *s, const char *name, const char *prefix,
                      const char *value, struct err *err)
{
    char *line;

    if (!is_token(name))
        return err_set(err, ERR_INPUT, "the name of a header for %s can't be sent", s->peer);
    if (!is_field_value(value) || !is_field_value(prefix))
        return err_set(err, ERR_INPUT, "header %s for %s has a control character in it", name,
                       s->peer);
    if (asprintf(&line, *prefix || *value ? "%s: %s%s" : "%s;", name, prefix, value) < 0)
        BUG("out of memory for a header");
    append_line(s, line);
    wipe_and_free(line);
    return 0;
}

static bool has_header(const struct http_request *req, const char *name)
{
    for (size_t i = 0; i < req->n_headers; i++)
        if (strcasecmp(req->headers[i].name, name) == 0)
            return true;
    return false;
}

static int apply_headers(struct http_stream *s, const struct http_request *req, struct err *err)
{
    for (size_t i = 0; i < req->n_headers; i++)
        if (add_header(s, req->headers[i].name, "", req->headers[i].value, err))
            return -1;
    if (req->secret && add_header(s, req->secret_name, req->secret_prefix ? req->secret_prefix : "",
                                  secret_reveal(req->secret), err))
        return -1;
    if (!has_header(req, "Expect"))
        append_line(s, "Expect:");
    if (!has_header(req, "Content-Type"))
        append_line(s, "Content-Type:");
    if (req->read_body)
        append_line(s, "Transfer-Encoding: chunked");
    SET(s, CURLOPT_HTTPHEADER, s->headers);
    return 0;
}

static int apply_method(struct http_stream *s, const struct http_request *req, struct err *err)
{
    static const char *const with_body[] = {"POST", "PUT", "PATCH"};
    const char *method = req->method ? req->method : "GET";
    bool has_body = req->read_body || req->body.n;

    if (!is_token(method))
        return err_set(err, ERR_INPUT, "the method of a request to %s can't be sent", s->peer);
    for (size_t i = 0; i < ARRAY_LEN(with_body); i++)
        has_body = has_body || strcmp(method, with_body[i]) == 0;
    if (!has_body) {
        SET(s, CURLOPT_HTTPGET, 1L);
        if (strcmp(method, "HEAD") == 0)
            SET(s, CURLOPT_NOBODY, 1L);
        else
            SET(s, CURLOPT_CUSTOMREQUEST, method);
        return 0;
    }
    SET(s, CURLOPT_POST, 1L);
    SET(s, CURLOPT_CUSTOMREQUEST, method);
    if (req->read_body)
        return 0;
    SET(s, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body.n);
    SET(s, CURLOPT_POSTFIELDS, req->body.n ? req->body.p : "");
    return 0;
}

static void apply_fixed(struct http_stream *s)
{
    SET(s, CURLOPT_NOSIGNAL, 1L);
    SET(s, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(s, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(s, CURLOPT_USERAGENT, "kiln/" KILN_VERSION);
    SET(s, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(s, CURLOPT_TCP_KEEPALIVE, 1L);
    /* A cancelled request doesn't wait for the name server's answer. */
    SET(s, CURLOPT_QUICK_EXIT, 1L);
    /* Ours, in stream.c, is exact; this one lets curl share the time among several addresses. */
    SET(s, CURLOPT_CONNECTTIMEOUT_MS,
        s->limits.connect_ms > 0 ? (long)s->limits.connect_ms : (long)INT32_MAX);
}

int http_request_apply(struct http_stream *s, const struct http_request *req, struct err *err)
{
    s->limits = with_defaults(req->limits);
    s->ignore_cancel = req->ignore_cancel;
    s->read_body = req->read_body;
    s->read_ctx = req->read_ctx;
    apply_fixed(s);
    if (apply_url(s, req, err) || apply_method(s, req, err) || apply_headers(s, req, err))
        return -1;
    return 0;
}
