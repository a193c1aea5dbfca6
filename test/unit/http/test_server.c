/* The HTTP server facade: what handlers see, what clients get, what nobody can do to it. */
#include "support/unit.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "http/client.h"
#include "http/server.h"
#include "support/wire.h"

/* ---- a server to test with ---- */

static struct {
    struct http_server *server;
    int port;
    atomic_int sources_closed, done, sink_bytes, refusals;
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
    atomic_fetch_add(&t.refusals, 1);
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
    } else if (strcmp(path, "/large") == 0 || strcmp(path, "/piece") == 0) {
        size_t n = strcmp(path, "/large") == 0 ? (size_t)3 << 20 : HTTP_PIECE_MAX;
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
    return wire_rest(fd);
}

/* `status` as three digits. */
static bool is_answer(const char *answer, const char *status, const char *part)
{
    return str_starts(str_from(answer), "HTTP/1.") && strncmp(answer + 9, status, 3) == 0 &&
           strstr(answer, part);
}

/* Frees the answer. */
static void assert_answer(char *answer, const char *status, const char *part)
{
    if (!is_answer(answer, status, part))
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

static void parts_of_a_request(void **state)
{
    char *answer;

    start((struct http_server_config){0});
    answer = exchange("GET /a%20b?x=1&q=c%26d HTTP/1.1\r\nX-Test: v\r\n" CLOSE "\r\n");
    assert_contains(answer, "HTTP/1.1 200 OK\r\n");
    assert_contains(answer, "X-Method: GET\r\n");
    assert_contains(answer, "X-Path: /a b\r\n");
    assert_contains(answer, "X-Query: c&d\r\n");
    assert_contains(answer, "X-Header: v\r\n");
    assert_contains(answer, "Content-Type: text/plain\r\n");
    free(answer);
    await(&t.done, 1);
}

static void nothing_can_be_slipped_into_an_answer(void **state)
{
    start((struct http_server_config){0});
    assert_answer(exchange("GET /a%0d%0aX-Evil:%201 HTTP/1.1\r\n" CLOSE "\r\n"), "200",
                  "X-Path: /a  X-Evil: 1\r\n");
}

static void bodies(void **state)
{
    start((struct http_server_config){0});
    assert_answer(exchange("POST / HTTP/1.1\r\n" CLOSE "Content-Length: 5\r\n\r\nhello"), "200",
                  "\r\n\r\nhello");
    assert_answer(exchange("PUT / HTTP/1.1\r\n" CLOSE "Transfer-Encoding: chunked\r\n\r\n"
                           "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX-Trailer: z\r\n\r\n"),
                  "200", "\r\n\r\nhello");
    assert_answer(exchange("POST / HTTP/1.1\r\n" CLOSE "Content-Length: 0\r\n\r\n"), "200",
                  "Content-Length: 0\r\n");
}

static void head_has_no_body(void **state)
{
    char *answer;

    start((struct http_server_config){0});
    answer = exchange("HEAD /large HTTP/1.1\r\n" CLOSE "\r\n");
    assert_contains(answer, "Content-Length: 3145728\r\n");
    assert_true(str_ends(str_from(answer), "\r\n\r\n"));
    free(answer);
    answer = exchange("HEAD /gate HTTP/1.1\r\n" CLOSE "\r\n");
    assert_true(str_ends(str_from(answer), "\r\n\r\n"));
    free(answer);
    await(&t.sources_closed, 1);
}

static void a_large_answer_is_whole(void **state)
{
    char *answer;

    start((struct http_server_config){0});
    answer = exchange("GET /large HTTP/1.0\r\n\r\n");
    assert_int_equal(strlen(strstr(answer, "\r\n\r\n") + 4), 3 << 20);
    free(answer);
}

static void connections_are_kept(void **state)
{
    start((struct http_server_config){0});
    FD_CLEANUP int fd = wire_connect(t.port);

    for (int i = 0; i < 3; i++) {
        wire_send(fd, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nping");
        wire_expect(fd, "\r\n\r\nping");
    }
    /* Two at once. */
    wire_send(fd, "GET /one HTTP/1.1\r\nHost: h\r\n\r\nGET /two HTTP/1.1\r\nHost: h\r\n\r\n");
    wire_expect(fd, "X-Path: /two\r\n");
    await(&t.done, 5);
}

static void the_sink_gets_all(void **state)
{
    start((struct http_server_config){.max_body = 10});
    assert_answer(exchange("POST /sink HTTP/1.1\r\n" CLOSE "Content-Length: 26\r\n\r\n"
                           "abcdefghijklmnopqrstuvwxyz"),
                  "200", "\r\n\r\n26");
}

/* ---- answers in pieces ---- */

static void open_gate(char c)
{
    assert_int_equal(write(t.gate[1], &c, 1), 1);
}

/* Each piece must arrive before the source is asked for the next, and the head before the first. */
static void pieces_arrive_one_by_one(int fd)
{
    wire_send(fd, "GET /gate HTTP/1.1\r\n" CLOSE "\r\n");
    wire_expect(fd, "\r\n\r\n");
    open_gate('a');
    wire_expect(fd, "piece a\n");
    open_gate('b');
    wire_expect(fd, "piece b\n");
    open_gate('.');
    wire_expect(fd, "0\r\n\r\n");
    assert_true(wire_closed(fd));
    await(&t.sources_closed, 1);
}

static void pieces_over_tcp(void **state)
{
    start((struct http_server_config){0});
    FD_CLEANUP int fd = wire_connect(t.port);

    pieces_arrive_one_by_one(fd);
}

static void pieces_over_a_unix_socket(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    char *folder = unit_folder(&a);

    start_on(arena_printf(&a, "unix:%s/s", folder), (struct http_server_config){0});
    FD_CLEANUP int fd = wire_connect_unix(arena_printf(&a, "%s/s", folder));

    pieces_arrive_one_by_one(fd);
    unit_remove(folder);
}

static void a_source_that_fails_cuts_the_answer(void **state)
{
    char *answer;

    start((struct http_server_config){0});
    open_gate('a');
    open_gate('x');
    answer = exchange("GET /gate HTTP/1.1\r\n" CLOSE "\r\n");
    assert_contains(answer, "piece a\n");
    assert_null(strstr(answer, "\r\n0\r\n"));
    free(answer);
    open_gate('a');
    open_gate('.');
    answer = exchange("GET /short HTTP/1.1\r\n" CLOSE "\r\n");
    assert_contains(answer, "Content-Length: 100\r\n");
    assert_contains(answer, "\r\n\r\npiece a\n");
    free(answer);
    await(&t.sources_closed, 2);
}

static void a_client_that_leaves_ends_the_source(void **state)
{
    start((struct http_server_config){0});
    for (int i = 0; i < 2; i++) {
        FD_CLEANUP int fd = wire_connect(t.port);

        /* One source is waiting when the client goes, the other is in the middle of sending. */
        wire_send(fd, i ? "GET /endless HTTP/1.1\r\nHost: h\r\n\r\n"
                        : "GET /gate HTTP/1.1\r\nHost: h\r\n\r\n");
        wire_expect(fd, "\r\n\r\n");
    }
    await(&t.sources_closed, 2);
    await(&t.done, 2);
}

/* ---- what is refused ---- */

static void a_body_that_is_too_large(void **state)
{
    start((struct http_server_config){.max_body = 20});
    assert_answer(exchange("POST / HTTP/1.1\r\n" CLOSE "Content-Length: 21\r\n\r\n"
                           "aaaaaaaaaaaaaaaaaaaaa"),
                  "413", "{\"code\":413,\"message\":\"the body is larger than the 20 bytes");
    assert_answer(exchange("POST / HTTP/1.1\r\n" CLOSE "Transfer-Encoding: chunked\r\n\r\n"
                           "14\r\naaaaaaaaaaaaaaaaaaaa\r\n1\r\na\r\n0\r\n\r\n"),
                  "413", "\"code\":413");
    assert_answer(exchange("POST /small HTTP/1.1\r\n" CLOSE "Content-Length: 11\r\n\r\n"
                           "aaaaaaaaaaa"),
                  "413", "than the 10 bytes");
    assert_answer(exchange("POST /small HTTP/1.1\r\n" CLOSE "Content-Length: 10\r\n\r\n"
                           "aaaaaaaaaa"),
                  "200", "\r\n\r\naaaaaaaaaa");
}

static void asking_before_sending(void **state)
{
    start((struct http_server_config){.max_body = 20});
    assert_answer(exchange("POST / HTTP/1.1\r\n" CLOSE "Content-Length: 21\r\n"
                           "Expect: 100-continue\r\n\r\n"),
                  "413", "\"code\":413");
    FD_CLEANUP int fd = wire_connect(t.port);

    wire_send(fd,
              "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    wire_expect(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    wire_send(fd, "ping");
    wire_expect(fd, "\r\n\r\nping");
}

static void an_answer_before_the_body(void **state)
{
    start((struct http_server_config){0});
    FD_CLEANUP int fd = wire_connect(t.port);

    wire_send(fd, "POST /denied HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nping");
    wire_expect(fd, "who are you?\"}");
    /* The body was read and dropped: the connection goes on. */
    wire_send(fd, "GET /on HTTP/1.1\r\nHost: h\r\n\r\n");
    wire_expect(fd, "X-Path: /on\r\n");
}

/* The rest of the body is dropped. */
static void a_sink_that_refuses(void **state)
{
    start((struct http_server_config){0});
    assert_answer(exchange("POST /full HTTP/1.1\r\n" CLOSE "Transfer-Encoding: chunked\r\n\r\n"
                           "4\r\nping\r\n4\r\npong\r\n0\r\n\r\n"),
                  "507", "the disk is full");
    assert_int_equal(atomic_load(&t.refusals), 1);
}

static void a_head_that_is_too_large(void **state)
{
    ARENA_CLEANUP struct arena a = {0};

    start((struct http_server_config){.max_head = 4096});
    assert_answer(exchange(arena_printf(&a, "GET / HTTP/1.1\r\nX: %3900d\r\n" CLOSE "\r\n", 1)),
                  "200", "X-Path: /\r\n");
    assert_answer(exchange(arena_printf(&a, "GET / HTTP/1.1\r\nX: %4100d\r\n" CLOSE "\r\n", 1)),
                  "431", "\"code\":431");
    assert_answer(exchange(arena_printf(&a, "GET / HTTP/1.1\r\nX: %40000d", 1)), "431", "");
    assert_answer(exchange(arena_printf(&a, "GET /%040000d", 1)), "414", "");
}

static void requests_that_make_no_sense(void **state)
{
    static const char *const bad[] = {
        "GET / HTTP/1.1\r\n\r\n", /* no Host */
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
         "0\r\n\r\n"),
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nbad header\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nBad : header\r\n\r\n",
        "GET /a%00b HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n",
    };

    start((struct http_server_config){0});
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_answer(exchange(bad[i]), "400", "");
    assert_int_equal(atomic_load(&t.done), 1);
}

static void assert_no_answer(const char *request)
{
    char *answer = exchange(request);

    assert_string_equal(answer, "");
    free(answer);
}

/* What isn't HTTP at all is hung up on. */
static void garbage(void **state)
{
    start((struct http_server_config){0});
    assert_answer(exchange("GET / HTTP/9.9\r\nHost: h\r\n\r\n"), "505", "");
    assert_no_answer("\x16\x03\x01\x02\r\n\r\n");
    assert_no_answer("hello\r\n\r\n");
    assert_answer(exchange("GET / HTTP/1.1\r\n" CLOSE "\r\n"), "200", "");
}

/* ---- slow clients and many ---- */

/* A byte at a time, for as long as the server listens. */
static char *dribble(int fd, char c)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char text[2] = {c, 0};

    while (poll(&p, 1, 5) == 0)
        wire_send(fd, text);
    return wire_rest(fd);
}

static void a_slow_head(void **state)
{
    start((struct http_server_config){.receive_ms = 100});
    FD_CLEANUP int fd = wire_connect(t.port), silent = wire_connect(t.port);

    wire_send(fd, "GET / HTTP/1.1\r\nX: ");
    assert_answer(dribble(fd, 'x'), "408", "\"code\":408");
    assert_answer(wire_rest(silent), "408", "\"code\":408");
    assert_int_equal(atomic_load(&t.done), 0);
}

static void a_slow_body(void **state)
{
    start((struct http_server_config){.receive_ms = 100});
    FD_CLEANUP int fd = wire_connect(t.port);

    wire_send(fd, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
    assert_answer(dribble(fd, 'x'), "408", "\"code\":408");
    FD_CLEANUP int other = wire_connect(t.port);

    wire_send(other,
              "POST /sink HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n");
    assert_answer(dribble(other, 'x'), "408", "\"code\":408");
    await(&t.done, 2);
}

static void a_kept_connection_that_idles(void **state)
{
    start((struct http_server_config){.idle_ms = 50});
    FD_CLEANUP int fd = wire_connect(t.port);

    wire_send(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    wire_expect(fd, "\r\n\r\n");
    assert_true(wire_closed(fd));
}

static void a_reader_that_takes_nothing(void **state)
{
    start((struct http_server_config){.idle_ms = 50});
    FD_CLEANUP int fd = wire_connect(t.port);

    wire_send(fd, "GET /endless HTTP/1.1\r\nHost: h\r\n\r\n");
    await(&t.sources_closed, 1);
}

/* An answer that is handed to the kernel at once, but doesn't fit into the socket. */
static void a_reader_that_takes_nothing_of_a_short_answer(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    char *folder = unit_folder(&a);

    start_on(arena_printf(&a, "unix:%s/s", folder), (struct http_server_config){.idle_ms = 50});
    FD_CLEANUP int fd = wire_connect_unix(arena_printf(&a, "%s/s", folder));

    wire_send(fd, "GET /piece HTTP/1.1\r\nHost: h\r\n\r\n");
    await(&t.done, 1);
    unit_remove(folder);
}

/* No clock runs while the source itself has nothing to give. */
static void a_source_that_takes_its_time(void **state)
{
    start((struct http_server_config){.idle_ms = 20, .receive_ms = 20});
    FD_CLEANUP int fd = wire_connect(t.port);

    wire_send(fd, "GET /gate HTTP/1.1\r\n" CLOSE "\r\n");
    wire_expect(fd, "\r\n\r\n");
    poll(NULL, 0, 60);
    open_gate('a');
    open_gate('.');
    wire_expect(fd, "piece a\n");
}

static void too_many_connections(void **state)
{
    int fds[3];

    start((struct http_server_config){.max_connections = 3});
    for (size_t i = 0; i < 3; i++) {
        fds[i] = wire_connect(t.port);
        wire_send(fds[i], "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        wire_expect(fds[i], "\r\n\r\n");
    }
    assert_answer(exchange("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), "503", "\"code\":503");
    for (size_t i = 0; i < 3; i++)
        close(fds[i]);
}

/* Counts right answers: an assertion can't be left from a thread of its own. */
static void *hammer(void *arg)
{
    atomic_int *right = arg;

    for (int i = 0; i < 20; i++) {
        FD_CLEANUP int fd = wire_connect(t.port);
        char *answer;
        bool complete;

        wire_send(fd, "POST / HTTP/1.1\r\n" CLOSE "Content-Length: 4\r\n\r\nping");
        answer = wire_take(fd, NULL, &complete);
        if (complete && is_answer(answer, "200", "\r\n\r\nping"))
            atomic_fetch_add(right, 1);
        free(answer);
    }
    return NULL;
}

static void many_at_once(void **state)
{
    pthread_t threads[8];
    atomic_int right = 0;

    start((struct http_server_config){0});
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, &right), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&right), 160);
    await(&t.done, 160);
}

static void stopping_ends_what_runs(void **state)
{
    start((struct http_server_config){0});
    FD_CLEANUP int fd = wire_connect(t.port), idle = wire_connect(t.port);
    FD_CLEANUP int half = wire_connect(t.port);

    wire_send(half, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\npi");
    wire_send(fd, "GET /gate HTTP/1.1\r\nHost: h\r\n\r\n");
    wire_expect(fd, "\r\n\r\n");
    http_server_stop(t.server);
    t.server = NULL;
    assert_int_equal(atomic_load(&t.sources_closed), 1);
    assert_true(wire_closed(fd));
    assert_true(wire_closed(idle));
}

/* In a process of its own: gives up root, which no process limit binds. */
static int serve_without_threads(void)
{
    struct rlimit none, old;

    if (getuid() == 0 && setresuid(65534, 65534, 65534) < 0)
        return 1;
    start((struct http_server_config){0});
    getrlimit(RLIMIT_NPROC, &old);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = old.rlim_max};
    setrlimit(RLIMIT_NPROC, &none);
    for (int i = 0; i < 20; i++) {
        char *answer = exchange("GET / HTTP/1.1\r\n" CLOSE "\r\n");

        if (*answer)
            return 2;
        free(answer);
    }
    setrlimit(RLIMIT_NPROC, &old);
    assert_answer(exchange("GET / HTTP/1.1\r\n" CLOSE "\r\n"), "200", "X-Path: /");
    http_server_stop(t.server);
    return 0;
}

static void no_more_threads(void **state)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        _exit(serve_without_threads());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* ---- listening ---- */

static void unix_sockets_are_not_stolen(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    char *folder = unit_folder(&a), *path = arena_printf(&a, "%s/s", folder);
    char *address = arena_printf(&a, "unix:%s", path);
    struct err err = {0};
    struct stat st;
    int fd, other;

    assert_int_equal(http_listen(address, &fd, &err), 0);
    assert_int_equal(http_listen_port(fd), -1);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(http_listen(address, &other, &err), -1);
    assert_int_equal(err.kind, ERR_EXISTS);
    /* One that is too busy to accept lives too: the look at it just now has filled its queue. */
    assert_int_equal(listen(fd, 0), 0);
    assert_int_equal(http_listen(address, &other, &err), -1);
    close(fd); /* its owner has gone, the name is still there */
    assert_int_equal(http_listen(address, &fd, &err), 0);
    close(fd);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(fs_write_file(path, STR("a file"), 0600, &err), 0);
    assert_int_equal(http_listen(address, &fd, &err), -1);
    assert_true(fs_exists(path));
    unit_remove(folder);
}

static void addresses(void **state)
{
    static const char *const bad[] = {
        "", "8080", ":8080", "127.0.0.1:", "127.0.0.1:http", "unix:", "127.0.0.1:99999999"};
    struct err err = {0};
    int fd;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(http_listen(bad[i], &fd, &err), -1);
        assert_int_equal(err.kind, ERR_INPUT);
    }
    assert_int_equal(http_listen("[::1]:0", &fd, &err), 0);
    assert_int_not_equal(http_listen_port(fd), 0);
    assert_int_not_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(parts_of_a_request),
        TEST(nothing_can_be_slipped_into_an_answer),
        TEST(bodies),
        TEST(head_has_no_body),
        TEST(a_large_answer_is_whole),
        TEST(connections_are_kept),
        TEST(the_sink_gets_all),
        TEST(pieces_over_tcp),
        TEST(pieces_over_a_unix_socket),
        TEST(a_source_that_fails_cuts_the_answer),
        TEST(a_client_that_leaves_ends_the_source),
        TEST(a_body_that_is_too_large),
        TEST(asking_before_sending),
        TEST(an_answer_before_the_body),
        TEST(a_sink_that_refuses),
        TEST(a_head_that_is_too_large),
        TEST(requests_that_make_no_sense),
        TEST(garbage),
        TEST(a_slow_head),
        TEST(a_slow_body),
        TEST(a_kept_connection_that_idles),
        TEST(a_reader_that_takes_nothing),
        TEST(a_reader_that_takes_nothing_of_a_short_answer),
        TEST(a_source_that_takes_its_time),
        TEST(too_many_connections),
        TEST(many_at_once),
        TEST(stopping_ends_what_runs),
        TEST(no_more_threads),
        TEST(unix_sockets_are_not_stolen),
        TEST(addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
