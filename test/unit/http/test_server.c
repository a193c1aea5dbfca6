/* The HTTP server facade: what handlers see, what clients get, what nobody can do to it. */
#include "support/unit.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "http/client.h"
#include "http/server.h"
#include "support/wire.h"

/* ---- a server to test with ---- */

static struct {
    struct http_server *server;
    int port;
    atomic_int sources_closed, done, sink_bytes;
    int gate[2]; /* a byte here lets the source of /gate give its next piece */
} t;

static void begin(struct http_exchange *x, void *ctx);
static void handle(struct http_exchange *x, void *ctx);
static void done(struct http_exchange *x, void *ctx);

static void start_on(const char *address, struct http_server_config config)
{
    struct err err = {0};

    if (http_listen(address, &config.listen_fd, &err))
        fail_msg("%s", err.msg);
    t.port = http_listen_port(config.listen_fd);
    config.handler = (struct http_handler){.begin = begin, .handle = handle, .done = done};
    if (http_server_start(&config, &t.server, &err))
        fail_msg("%s", err.msg);
}

static void start(struct http_server_config config)
{
    start_on("127.0.0.1:0", config);
}

static int setup(void **state)
{
    memset(&t, 0, sizeof(t));
    return pipe2(t.gate, O_CLOEXEC);
}

static int teardown(void **state)
{
    http_server_stop(t.server);
    close(t.gate[0]);
    close(t.gate[1]);
    return 0;
}

/* ---- its handlers ---- */

static int count_bytes(void *ctx, struct str chunk, struct err *err)
{
    return atomic_fetch_add(&t.sink_bytes, (int)chunk.n) < 0;
}

static int refuse_bytes(void *ctx, struct str chunk, struct err *err)
{
    return err_set(err, ERR_IO, "the disk is full");
}

static void begin(struct http_exchange *x, void *ctx)
{
    const char *path = http_exchange_path(x);

    http_exchange_set_data(x, &t);
    if (strcmp(path, "/sink") == 0)
        http_exchange_body_sink(x, (struct http_sink){.write = count_bytes});
    else if (strcmp(path, "/full") == 0)
        http_exchange_body_sink(x, (struct http_sink){.write = refuse_bytes});
    else if (strcmp(path, "/small") == 0)
        http_exchange_body_limit(x, 10);
    else if (strcmp(path, "/denied") == 0)
        http_reply_error(x, 401, "who are you?");
}

static void close_source(void *ctx)
{
    atomic_fetch_add(&t.sources_closed, 1);
}

/* Gives one piece for each byte that the test writes to the gate; 'x' breaks off, '.' ends. */
static int next_gated(void *ctx, struct buf *out)
{
    struct http_exchange *x = ctx;
    struct pollfd p[2] = {{.fd = t.gate[0], .events = POLLIN},
                          {.fd = http_exchange_fd(x), .events = POLLRDHUP}};
    char c = 'x';

    poll(p, 2, -1);
    if (p[1].revents || read(t.gate[0], &c, 1) != 1 || c == 'x')
        return -1;
    return c != '.' && buf_printf(out, NULL, "piece %c\n", c) == 0;
}

static int next_endless(void *ctx, struct buf *out)
{
    static const char zeros[HTTP_PIECE_MAX];

    return buf_add(out, (struct str){zeros, sizeof(zeros)}, NULL) == 0;
}

static void echo(struct http_exchange *x)
{
    const char *q = http_exchange_query(x, "q"), *header = http_exchange_header(x, "x-test");

    assert_ptr_equal(http_exchange_data(x), &t);
    http_reply_header(x, "X-Method", http_exchange_method(x));
    http_reply_header(x, "X-Path", http_exchange_path(x));
    http_reply_header(x, "X-Query", q ? q : "none");
    http_reply_header(x, "X-Header", header ? header : "none");
    http_reply(x, 200, "text/plain", http_exchange_body(x));
}

static void handle(struct http_exchange *x, void *ctx)
{
    struct http_source source = {.close = close_source, .ctx = x};
    const char *path = http_exchange_path(x);
    struct arena *a = http_exchange_arena(x);

    if (strcmp(path, "/gate") == 0 || strcmp(path, "/endless") == 0) {
        source.next = strcmp(path, "/gate") == 0 ? next_gated : next_endless;
        http_reply_source(x, 200, "text/event-stream", source, -1);
    } else if (strcmp(path, "/short") == 0) {
        source.next = next_gated;
        http_reply_source(x, 200, "text/plain", source, 100);
    } else if (strcmp(path, "/sink") == 0) {
        http_reply(x, 200, NULL, str_from(arena_printf(a, "%d", atomic_load(&t.sink_bytes))));
    } else if (strcmp(path, "/full") == 0) {
        http_reply_error(x, 507, "%s", http_exchange_sink_error(x)->msg);
    } else if (strcmp(path, "/large") == 0) {
        size_t n = (size_t)3 << 20;
        char *bytes = arena_alloc(a, n, 1);

        memset(bytes, 'l', n);
        http_reply(x, 200, NULL, (struct str){bytes, n});
    } else {
        echo(x);
    }
}

static void done(struct http_exchange *x, void *ctx)
{
    assert_ptr_equal(http_exchange_data(x), &t);
    atomic_fetch_add(&t.done, 1);
}

/* ---- helpers ---- */

/* Sends `request` on a connection of its own and returns all that comes until it is closed. */
static char *exchange(const char *request)
{
    FD_CLEANUP int fd = wire_connect(t.port);

    wire_send(fd, request);
    return wire_read(fd, NULL);
}

static void assert_answer(char *answer, const char *start, const char *part)
{
    if (strncmp(answer, start, strlen(start)) != 0 || !strstr(answer, part))
        fail_msg("got \"%s\"", answer);
    free(answer);
}

/* Waits for what another thread is about to do. */
static void await(atomic_int *value, int wanted)
{
    int64_t until = clock_deadline(WIRE_MS);

    while (atomic_load(value) != wanted && clock_now_ms() < until)
        poll(NULL, 0, 5);
    assert_int_equal(atomic_load(value), wanted);
}

#define CLOSE "Host: h\r\nConnection: close\r\n"

/* ---- requests and answers ---- */

static void test_parts_of_a_request(void **state)
{
    char *answer;

    start((struct http_server_config){0});
    answer = exchange("GET /a%20b?x=1&q=c%26d HTTP/1.1\r\nX-Test: v\r\n" CLOSE "\r\n");
    assert_non_null(strstr(answer, "X-Method: GET\r\n"));
    assert_non_null(strstr(answer, "X-Path: /a b\r\n"));
    assert_non_null(strstr(answer, "X-Query: c&d\r\n"));
    assert_non_null(strstr(answer, "X-Header: v\r\n"));
    assert_non_null(strstr(answer, "Content-Type: text/plain\r\n"));
    free(answer);
    await(&t.done, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_parts_of_a_request, setup, teardown),
    };

    (void)assert_answer;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
