/* The HTTP client, against our own server and against peers that misbehave. */
#include "support/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "http/client.h"
#include "http/server.h"
#include "support/wire.h"

static struct {
    struct arena arena;
    struct http_client *client;
    struct wire_server wire;
    struct http_response response;
    struct err err;
    const char *script; /* what the raw server answers */
    char *request;      /* what it got */
    bool holds;         /* it doesn't close after the answer but waits for the client to leave */
} t;

/* Reads one request (none of those here has a body that the head doesn't end), answers. */
static void serve_script(struct wire_server *w, int fd)
{
    free(t.request);
    t.request = wire_head(fd);
    wire_send(fd, t.script);
    if (t.holds)
        wire_await_close(fd);
}

static int setup(void **state)
{
    memset(&t, 0, sizeof(t));
    t.wire.serve = serve_script;
    return http_client_new(&t.client, NULL);
}

static int teardown(void **state)
{
    http_client_free(t.client);
    if (t.wire.listen_fd)
        wire_stop(&t.wire);
    free(t.request);
    arena_clear(&t.arena);
    return 0;
}

static const char *wire_url(void)
{
    return arena_printf(&t.arena, "http://127.0.0.1:%d/path", t.wire.port);
}

static int send_request(struct http_request req)
{
    if (!req.url)
        req.url = wire_url();
    return http_client_send(t.client, &req, &t.arena, &t.response, &t.err);
}

static int get(const char *script)
{
    t.script = script;
    wire_start(&t.wire);
    return send_request((struct http_request){0});
}

static struct http_stream *open_stream(struct http_request req)
{
    struct http_stream *s = NULL;

    if (!req.url)
        req.url = wire_url();
    if (http_client_open(t.client, &req, &s, &t.err))
        fail_msg("%s", t.err.msg);
    return s;
}

static void assert_err(enum err_kind kind, const char *part)
{
    if (t.err.kind != kind || !strstr(t.err.msg, part))
        fail_msg("error %s: \"%s\"", err_kind_name(t.err.kind), t.err.msg);
}

/* ---- answers ---- */

static void a_whole_exchange(void **state)
{
    assert_int_equal(get("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Y: z\r\n\r\nhello"), 0);
    assert_int_equal(t.response.status, 200);
    assert_string_equal(t.response.body.p, "hello");
    assert_string_equal(http_response_header(&t.response, "x-y"), "z");
    assert_null(http_response_header(&t.response, "x-z"));
    assert_true(str_starts(str_from(t.request), "GET /path HTTP/1.1\r\n"));
    assert_null(strstr(t.request, "Expect"));
    assert_null(strstr(t.request, "Accept-Encoding"));
}

static void any_status_is_an_answer(void **state)
{
    assert_int_equal(get("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"), 0);
    assert_int_equal(t.response.status, 302);
    t.script = "HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno";
    assert_int_equal(send_request((struct http_request){0}), 0);
    assert_int_equal(t.response.status, 500);
    assert_string_equal(t.response.body.p, "no");
}

static void interim_answers_are_passed_over(void **state)
{
    assert_int_equal(get("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-Y: early\r\n"
                         "\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"),
                     0);
    assert_int_equal(t.response.status, 201);
    assert_null(http_response_header(&t.response, "X-Y"));
}

static void serve_late(struct wire_server *w, int fd)
{
    free(wire_head(fd));
    wire_send(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    poll(NULL, 0, 50); /* so that the client sees the one without the other */
    wire_send(fd, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
}

static void an_interim_answer_alone_is_none(void **state)
{
    t.wire.serve = serve_late;
    wire_start(&t.wire);
    struct http_stream *s = open_stream((struct http_request){0});

    assert_int_equal(http_stream_status(s), 201);
    http_stream_close(s);
}

static void a_body_until_the_end_of_the_connection(void **state)
{
    assert_int_equal(get("HTTP/1.1 200 OK\r\n\r\nas long as it lasts"), 0);
    assert_string_equal(t.response.body.p, "as long as it lasts");
}

static void bodies_that_are_cut(void **state)
{
    static const char *const cut[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhello",
    };

    wire_start(&t.wire);
    for (size_t i = 0; i < ARRAY_LEN(cut); i++) {
        t.script = cut[i];
        assert_int_equal(send_request((struct http_request){0}), -1);
        assert_err(ERR_NET, "/path closed the connection in the middle of its answer");
    }
}

static void no_answer_at_all(void **state)
{
    assert_int_equal(get(""), -1);
    assert_err(ERR_NET, "closed the connection without an answer");
}

static void answers_that_make_no_sense(void **state)
{
    static const char *const bad[] = {
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    };

    wire_start(&t.wire);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        t.script = bad[i];
        assert_int_equal(send_request((struct http_request){0}), -1);
        assert_true(t.err.kind == ERR_NET || t.err.kind == ERR_PROTOCOL);
    }
}

static void a_body_that_is_too_large(void **state)
{
    const char *url;

    t.script = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    wire_start(&t.wire);
    url = wire_url();
    assert_int_equal(send_request((struct http_request){.url = url, .limits = {.max_body = 5}}), 0);
    assert_int_equal(send_request((struct http_request){.url = url, .limits = {.max_body = 4}}),
                     -1);
    assert_err(ERR_LIMIT, "is larger than the 4 bytes allowed");
}

static void serve_endless_head(struct wire_server *w, int fd)
{
    free(wire_head(fd));
    wire_send(fd, "HTTP/1.1 200 OK\r\n");
    while (wire_send(fd, "X-Y: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"))
        ;
}

static void a_head_without_end(void **state)
{
    t.wire.serve = serve_endless_head;
    wire_start(&t.wire);
    assert_int_equal(send_request((struct http_request){0}), -1);
    assert_err(ERR_PROTOCOL, "the head of the answer");
}

/* ---- requests ---- */

static void headers_and_secrets(void **state)
{
    const struct http_header headers[] = {{"X-One", "1"}, {"X-Empty", ""}, {"user-agent", "me"}};
    struct secret *secret;

    assert_int_equal(secret_new(STR("s3cret"), &secret, &t.err), 0);
    t.script = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    wire_start(&t.wire);
    assert_int_equal(send_request((struct http_request){.method = "DELETE",
                                                        .headers = headers,
                                                        .n_headers = 3,
                                                        .secret_name = "Authorization",
                                                        .secret_prefix = "Bearer ",
                                                        .secret = secret}),
                     0);
    assert_true(str_starts(str_from(t.request), "DELETE /path HTTP/1.1\r\n"));
    assert_contains(t.request, "\r\nX-One: 1\r\n");
    assert_contains(t.request, "\r\nX-Empty:\r\n");
    assert_contains(t.request, "\r\nuser-agent: me\r\n");
    assert_null(strstr(t.request, "kiln/"));
    assert_contains(t.request, "\r\nAuthorization: Bearer s3cret\r\n");
    secret_free(secret);
}

static void secrets_are_in_no_error(void **state)
{
    static const char *const scripts[] = {"", "nonsense", "HTTP/1.1 200 OK\r\n\r\ntoo large"};
    struct secret *secret;

    assert_int_equal(secret_new(STR("s3cret"), &secret, &t.err), 0);
    wire_start(&t.wire);
    for (size_t i = 0; i <= ARRAY_LEN(scripts); i++) {
        struct http_request req = {.secret_name = i < ARRAY_LEN(scripts) ? "X-Key" : "X Key",
                                   .secret = secret,
                                   .limits = {.max_body = 1}};

        req.url =
            arena_printf(&t.arena, "http://user:s3cret@127.0.0.1:%d/path?key=s3cret", t.wire.port);
        t.script = i < ARRAY_LEN(scripts) ? scripts[i] : "";
        assert_int_equal(send_request(req), -1);
        assert_null(strstr(t.err.msg, "s3cret"));
        assert_contains(t.err.msg, "/path");
    }
    secret_free(secret);
}

static void nothing_can_be_slipped_in(void **state)
{
    const struct http_header split = {"X-One", "1\r\nX-Two: 2"}, name = {"X-One: 1\r\nX-Two", "2"};

    wire_start(&t.wire);
    assert_int_equal(send_request((struct http_request){.headers = &split, .n_headers = 1}), -1);
    assert_err(ERR_INPUT, "X-One");
    assert_int_equal(send_request((struct http_request){.headers = &name, .n_headers = 1}), -1);
    assert_err(ERR_INPUT, "header");
    assert_int_equal(send_request((struct http_request){.method = "GET / HTTP/1.1\r\nX: y"}), -1);
    assert_err(ERR_INPUT, "method");
}

static void urls_that_cant_be_used(void **state)
{
    static const char *const bad[] = {"",        "file:///etc/passwd", "ftp://127.0.0.1/",
                                      "http://", "http://a b/",        "http://127.0.0.1:99999/"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        t.err.kind = ERR_NONE;
        assert_int_equal(send_request((struct http_request){.url = bad[i]}), -1);
        assert_int_equal(t.err.kind, ERR_INPUT);
    }
}

/* ---- peers that can't be reached ---- */

static void refused(void **state)
{
    const char *url;

    wire_start(&t.wire);
    url = wire_url();
    wire_stop(&t.wire);
    t.wire.listen_fd = 0;
    assert_int_equal(send_request((struct http_request){.url = url}), -1);
    assert_err(ERR_NET, "Connection refused");
    assert_contains(t.err.msg, url);
    assert_int_equal(
        send_request((struct http_request){.url = "http://x/", .unix_socket = "/no/s"}), -1);
    assert_err(ERR_NET, "unix:/no/s");
}

static void name_unknown(void **state)
{
    assert_int_equal(send_request((struct http_request){.url = "http://no-such-host.invalid/"}),
                     -1);
    assert_err(ERR_NET, "no-such-host.invalid");
}

/* ---- time limits ---- */

static void a_peer_that_never_answers(void **state)
{
    t.script = "";
    t.holds = true;
    wire_start(&t.wire);
    assert_int_equal(send_request((struct http_request){.limits = {.first_byte_ms = 50}}), -1);
    assert_err(ERR_TIMEOUT, "no answer from http://127.0.0.1:");
    assert_contains(t.err.msg, "/path within 50 ms");
}

static void serve_slow_head(struct wire_server *w, int fd)
{
    free(wire_head(fd));
    wire_send(fd, "HTTP/1.1 200 OK\r\n");
    while (wire_send(fd, "X-Y: a\r\n"))
        usleep(10 * 1000);
}

static void a_peer_whose_head_comes_line_by_line(void **state)
{
    t.wire.serve = serve_slow_head;
    wire_start(&t.wire);
    assert_int_equal(send_request((struct http_request){.limits = {.first_byte_ms = 100}}), -1);
    assert_err(ERR_TIMEOUT, "no answer from http://127.0.0.1:");
}

static void a_peer_that_stalls(void **state)
{
    t.script = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello";
    t.holds = true;
    wire_start(&t.wire);
    assert_int_equal(send_request((struct http_request){.limits = {.idle_ms = 50}}), -1);
    assert_err(ERR_TIMEOUT, "nothing more from");
    assert_int_equal(send_request((struct http_request){.limits = {.total_ms = 50}}), -1);
    assert_err(ERR_TIMEOUT, "no complete answer from");
}

/* A listening socket whose queue is full doesn't answer at all. */
static void a_peer_that_doesnt_accept(void **state)
{
    int listen_fd, fds[2];
    char *url;

    assert_int_equal(http_listen("127.0.0.1:0", &listen_fd, &t.err), 0);
    assert_int_equal(listen(listen_fd, 0), 0);
    url = arena_printf(&t.arena, "http://127.0.0.1:%d/", http_listen_port(listen_fd));
    fds[0] = wire_connect(http_listen_port(listen_fd));
    assert_int_equal(send_request((struct http_request){.url = url, .limits = {.connect_ms = 50}}),
                     -1);
    assert_err(ERR_TIMEOUT, "no connection to http://127.0.0.1:");
    close(fds[0]);
    close(listen_fd);
}

/* ---- streams ---- */

static void reading_with_patience(void **state)
{
    struct http_stream *s;
    struct str chunk;

    t.script = "HTTP/1.1 200 OK\r\nX-Y: z\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n";
    t.holds = true;
    wire_start(&t.wire);
    s = open_stream((struct http_request){0});
    assert_int_equal(http_stream_status(s), 200);
    assert_string_equal(http_stream_header(s, "x-y"), "z");
    assert_null(http_stream_header(s, "x-z"));
    assert_int_equal(http_stream_read(s, -1, &chunk, &t.err), 1);
    assert_str(chunk, "one");
    assert_int_equal(http_stream_read(s, 10, &chunk, &t.err), 1);
    assert_int_equal(chunk.n, 0);
    assert_int_equal(http_stream_read(s, 0, &chunk, &t.err), 1);
    assert_int_equal(chunk.n, 0);
    http_stream_close(s);
    http_stream_close(NULL);
}

/* ---- against our own server ---- */

static int next_numbers(void *ctx, struct buf *out)
{
    int *left = ctx;

    if (*left == 0)
        return 0;
    return buf_printf(out, NULL, "%d;", (*left)--) == 0;
}

static void handle(struct http_exchange *x, void *ctx)
{
    struct http_source source = {.next = next_numbers};
    int *left;

    http_reply_header(x, "X-Method", http_exchange_method(x));
    if (strcmp(http_exchange_path(x), "/numbers") != 0) {
        http_reply(x, 200, "text/plain", http_exchange_body(x));
        return;
    }
    left = arena_alloc(http_exchange_arena(x), 1, sizeof(*left));
    *left = 1000;
    source.ctx = left;
    http_reply_source(x, 200, "text/plain", source, -1);
}

static struct http_server *start_server(const char *address, int *ret_port)
{
    struct http_server_config config = {.handler = {.handle = handle}};
    struct http_server *server;

    if (http_listen(address, &config.listen_fd, &t.err))
        fail_msg("%s", t.err.msg);
    *ret_port = http_listen_port(config.listen_fd);
    assert_int_equal(http_server_start(&config, &server, &t.err), 0);
    return server;
}

static ssize_t read_lines(void *ctx, char *room, size_t max, struct err *err)
{
    int *left = ctx;

    if (*left == 0)
        return 0;
    if (*left < 0)
        return err_set(err, ERR_IO, "the file has gone");
    return snprintf(room, max, "line %d\n", (*left)--);
}

static void uploads(void **state)
{
    static const char *const methods[] = {"POST", "PUT", "PATCH"};
    int port, left = 100;
    struct http_server *server = start_server("127.0.0.1:0", &port);
    struct http_request req = {.url = arena_printf(&t.arena, "http://127.0.0.1:%d/", port)};
    char *large = arena_alloc(&t.arena, 4 << 20, 1);

    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        req.method = methods[i];
        req.body = (struct str){large, (size_t)(4 << 20) * (i == 0)};
        assert_int_equal(send_request(req), 0);
        assert_string_equal(http_response_header(&t.response, "X-Method"), methods[i]);
        assert_int_equal(t.response.body.n, req.body.n);
    }
    req.read_body = read_lines;
    req.read_ctx = &left;
    assert_int_equal(send_request(req), 0);
    assert_true(str_starts(t.response.body, "line 100\nline 99\n"));
    assert_true(str_ends(t.response.body, "line 2\nline 1\n"));
    left = -1;
    assert_int_equal(send_request(req), -1);
    assert_err(ERR_IO, "the file has gone");
    http_server_stop(server);
}

static void over_a_unix_socket(void **state)
{
    char *folder = unit_folder(&t.arena), *path = arena_printf(&t.arena, "%s/s", folder);
    int port;
    struct http_server *server = start_server(arena_printf(&t.arena, "unix:%s", path), &port);

    assert_int_equal(send_request((struct http_request){.url = "http://sandbox/x",
                                                        .unix_socket = path,
                                                        .body = STR("hello"),
                                                        .method = "POST"}),
                     0);
    assert_string_equal(t.response.body.p, "hello");
    http_server_stop(server);
    unit_remove(folder);
}

static void several_streams_at_once(void **state)
{
    int port, more = 1;
    struct http_server *server = start_server("127.0.0.1:0", &port);
    struct http_request req = {.url = arena_printf(&t.arena, "http://127.0.0.1:%d/numbers", port)};
    struct http_stream *s[3];
    struct str chunk;
    size_t n[3] = {0};

    for (size_t i = 0; i < 3; i++)
        s[i] = open_stream(req);
    while (more) {
        more = 0;
        for (size_t i = 0; i < 3; i++) {
            int r = http_stream_read(s[i], -1, &chunk, &t.err);

            assert_int_not_equal(r, -1);
            n[i] += r ? chunk.n : 0;
            more |= r;
        }
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(n[i], 9 * 2 + 90 * 3 + 900 * 4 + 5);
        http_stream_close(s[i]);
    }
    http_server_stop(server);
}

/* How much the peer could send until it had to wait, counted by the peer. */
static atomic_size_t flooded;
static atomic_bool flood_over;

static void serve_flood(struct wire_server *w, int fd)
{
    static const char block[65536];
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    free(wire_head(fd));
    wire_send(fd, "HTTP/1.1 200 OK\r\n\r\n");
    while (flooded < (size_t)64 << 20 && poll(&p, 1, 300) > 0 &&
           send(fd, block, sizeof(block), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
        flooded += sizeof(block);
    flood_over = true;
    wire_await_close(fd);
}

/* One stream is not read while others of the same client are driven. */
static void a_fast_peer_has_to_wait(void **state)
{
    int port;
    struct http_server *server = start_server("127.0.0.1:0", &port);
    struct http_request req = {.url = arena_printf(&t.arena, "http://127.0.0.1:%d/", port)};
    struct http_stream *s;
    struct str chunk;

    t.wire.serve = serve_flood;
    wire_start(&t.wire);
    s = open_stream((struct http_request){.limits = {.max_body = SIZE_MAX}});
    while (!flood_over)
        assert_int_equal(send_request(req), 0);
    assert_true(flooded < (size_t)64 << 20);
    /* What was held back comes when it is asked for. */
    for (size_t n = 0; n < flooded; n += chunk.n) {
        assert_int_equal(http_stream_read(s, -1, &chunk, &t.err), 1);
        assert_in_range(chunk.n, 1, 256 * 1024);
    }
    http_stream_close(s);
    http_server_stop(server);
}

/* ---- connections ---- */

static void serve_many(struct wire_server *w, int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char *request;

    while (poll(&p, 1, WIRE_MS) > 0 && recv(fd, &(char){0}, 1, MSG_PEEK) > 0) {
        request = wire_head(fd);
        wire_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        free(request);
    }
}

static void connections_are_used_again(void **state)
{
    t.wire.serve = serve_many;
    wire_start(&t.wire);
    for (int i = 0; i < 5; i++)
        assert_int_equal(send_request((struct http_request){0}), 0);
    http_client_free(t.client);
    t.client = NULL;
    wire_stop(&t.wire);
    t.wire.listen_fd = 0;
    assert_int_equal(t.wire.connections, 1);
}

/* The peer closes the kept connection after each answer: a new one is made. */
static void a_kept_connection_that_was_closed(void **state)
{
    t.script = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    wire_start(&t.wire);
    for (int i = 0; i < 3; i++)
        assert_int_equal(send_request((struct http_request){.method = "POST", .body = STR("x")}),
                         0);
}

static void proxies_are_not_for_loopback(void **state)
{
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    assert_int_equal(get("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), 0);
    assert_int_equal(send_request((struct http_request){.url = "http://no-such-host.invalid/"}),
                     -1);
    assert_err(ERR_NET, "Connection refused");
    unsetenv("http_proxy");
}

/* ---- cancellation: the last tests, because it can't be taken back ---- */

static void *cancel_soon(void *arg)
{
    poll(NULL, 0, 50);
    cancel_request();
    return NULL;
}

static void cancellation(void **state)
{
    pthread_t thread;

    assert_int_equal(cancel_install(&t.err), 0);
    t.script = "";
    t.holds = true;
    wire_start(&t.wire);
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
    assert_int_equal(send_request((struct http_request){0}), -1);
    assert_int_equal(t.err.kind, ERR_CANCELLED);
    pthread_join(thread, NULL);
}

static void cleaning_up_after_cancellation(void **state)
{
    t.script = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    wire_start(&t.wire);
    assert_int_equal(send_request((struct http_request){0}), -1);
    assert_int_equal(t.err.kind, ERR_CANCELLED);
    assert_int_equal(send_request((struct http_request){.ignore_cancel = true}), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_whole_exchange),
        TEST(any_status_is_an_answer),
        TEST(interim_answers_are_passed_over),
        TEST(an_interim_answer_alone_is_none),
        TEST(a_body_until_the_end_of_the_connection),
        TEST(bodies_that_are_cut),
        TEST(no_answer_at_all),
        TEST(answers_that_make_no_sense),
        TEST(a_body_that_is_too_large),
        TEST(a_head_without_end),
        TEST(headers_and_secrets),
        TEST(secrets_are_in_no_error),
        TEST(nothing_can_be_slipped_in),
        TEST(urls_that_cant_be_used),
        TEST(refused),
        TEST(name_unknown),
        TEST(a_peer_that_never_answers),
        TEST(a_peer_whose_head_comes_line_by_line),
        TEST(a_peer_that_stalls),
        TEST(a_peer_that_doesnt_accept),
        TEST(reading_with_patience),
        TEST(a_fast_peer_has_to_wait),
        TEST(uploads),
        TEST(over_a_unix_socket),
        TEST(several_streams_at_once),
        TEST(connections_are_used_again),
        TEST(a_kept_connection_that_was_closed),
        TEST(proxies_are_not_for_loopback),
        TEST(cancellation),
        TEST(cleaning_up_after_cancellation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
