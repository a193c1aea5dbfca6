/* What E2B's envd 0.6.13 was seen to answer, byte for byte where clients depend on it. */
#include "support/envd_box.h"

#include "support/wire.h"

#include "base/buf.h"
#include "http/connect.h"
#include "json/json.h"

static struct envd_box box;

static int set_up(void **state)
{
    envd_box_start(&box);
    return 0;
}

static int tear_down(void **state)
{
    envd_box_stop(&box);
    return 0;
}

#define UNARY "Content-Type: application/json\r\n"
#define STREAM "Content-Type: application/connect+json\r\n"

/* ---- raw exchanges ---- */

struct answer {
    struct arena a;
    const char *head; /* status line and headers */
    struct str body;  /* chunks joined */
};

static struct str join_chunks(struct arena *a, struct str rest)
{
    struct buf out = BUF_INIT(1 << 24);
    struct str line, body;
    struct err err;

    while (str_next_line(&rest, &line)) {
        size_t n = strtoul(arena_dup(a, line).p, NULL, 16);

        if (n == 0)
            break;
        assert_true(rest.n >= n + 2);
        buf_add(&out, (struct str){rest.p, n}, &err);
        rest = str_from_pos(rest, n + 2);
    }
    body = arena_dup(a, buf_str(&out));
    buf_free(&out);
    return body;
}

/* Sends one request, reads until the server closes. `headers` ends with a line break. */
static void send_raw(struct answer *r, const char *line, const char *headers, struct str body)
{
    char *head = arena_printf(&r->a,
                              "%s HTTP/1.1\r\nHost: envd\r\nConnection: close\r\n"
                              "Content-Length: %zu\r\n%s\r\n",
                              line, body.n, headers);
    struct buf got = BUF_INIT(1 << 24);
    char room[65536];
    struct err err = {0};
    ptrdiff_t end;
    ssize_t n;
    int fd = wire_connect_unix(box.socket);

    assert_int_equal(fs_write_all(fd, str_from(head), &err), 0);
    assert_int_equal(fs_write_all(fd, body, &err), 0);
    while ((n = read(fd, room, sizeof(room))) > 0)
        buf_add(&got, (struct str){room, (size_t)n}, &err);
    assert_int_equal(n, 0);
    close(fd);
    end = str_find(buf_str(&got), STR("\r\n\r\n"));
    assert_true(end > 0);
    r->head = arena_dup(&r->a, (struct str){got.p, (size_t)end + 2}).p;
    r->body = arena_dup(&r->a, str_from_pos(buf_str(&got), (size_t)end + 4));
    if (strstr(r->head, "Transfer-Encoding: chunked"))
        r->body = join_chunks(&r->a, r->body);
    buf_free(&got);
}

#define EXCHANGE __attribute__((cleanup(answer_free))) struct answer

static void answer_free(struct answer *r)
{
    arena_clear(&r->a);
}

static void call(struct answer *r, const char *method, const char *headers, const char *body)
{
    send_raw(r, arena_printf(&r->a, "POST %s", method), headers, str_from(body));
}

static void call_stream(struct answer *r, const char *method, const char *headers,
                        const char *message)
{
    struct buf body = BUF_INIT(1 << 20);
    struct err err;

    connect_write(&body, 0, str_from(message), &err);
    send_raw(r, arena_printf(&r->a, "POST %s", method), arena_printf(&r->a, STREAM "%s", headers),
             buf_str(&body));
    buf_free(&body);
}

#define assert_status(r, status) assert_contains((r)->head, "HTTP/1.1 " status " ")
#define assert_body(r, text) assert_string_equal((r)->body.p, text)

/* The messages of a stream as lines "flags payload". */
static const char *messages(struct answer *r)
{
    struct connect_parser p;
    struct connect_message m;
    struct err err = {0};
    const char *all = "";
    int rc;

    connect_parser_init(&p);
    assert_int_equal(connect_parser_feed(&p, r->body, &err), 0);
    while ((rc = connect_parser_next(&p, &m, &err)) == 1)
        all = arena_printf(&r->a, "%s%u %.*s\n", all, m.flags, STR_ARG(m.payload));
    assert_int_equal(rc, 0);
    connect_parser_free(&p);
    return all;
}

/* Without the first line, which has a pid in it. */
static const char *after_start(struct answer *r)
{
    const char *all = messages(r);

    assert_int_equal(strncmp(all, "0 {\"event\":{\"start\":{\"pid\":", 27), 0);
    return strchr(all, '\n') + 1;
}

/* ---- unary calls ---- */

static void health(void **state)
{
    EXCHANGE r = {0};

    send_raw(&r, "GET /health", "", STR(""));
    assert_status(&r, "204");
    assert_contains(r.head, "Cache-Control: no-store\r\n");
    assert_int_equal(r.body.n, 0);
}

static void unknown_paths(void **state)
{
    EXCHANGE r = {0};

    call(&r, "/process.Process/Nope", UNARY, "{}");
    assert_status(&r, "404");
    assert_contains(r.head, "Content-Type: text/plain");
    assert_body(&r, "404 page not found\n");
    send_raw(&r, "GET /process.Process/List", "", STR(""));
    assert_status(&r, "405");
    assert_contains(r.head, "Allow: POST\r\n");
}

static void list(void **state)
{
    EXCHANGE r = {0};

    call(&r, "/process.Process/List", UNARY, "{}");
    assert_status(&r, "200");
    assert_contains(r.head, "Content-Type: application/json\r\n");
    assert_body(&r, "{}");
    call(&r, "/process.Process/List", "Content-Type: application/json; charset=utf-8\r\n",
         "{\"foo\":1}");
    assert_body(&r, "{}");
}

static void requests_that_cannot_be_read(void **state)
{
    EXCHANGE r = {0};

    call(&r, "/process.Process/List", UNARY, "");
    assert_status(&r, "400");
    assert_contains(r.head, "Content-Type: application/json\r\n");
    assert_body(&r, "{\"code\":\"invalid_argument\",\"message\":\"unmarshal message: zero-length "
                    "payload is not a valid JSON object\"}");
    call(&r, "/process.Process/List", UNARY, "{bad");
    assert_status(&r, "400");
    assert_contains(r.body.p, "\"unmarshal message: unmarshal into *process.ListRequest: proto: "
                              "syntax error");
    call(&r, "/process.Process/List", UNARY, "[]");
    assert_status(&r, "400");
    call(&r, "/process.Process/List", "Content-Type: text/plain\r\n", "{}");
    assert_status(&r, "415");
    assert_contains(r.head, "Accept-Post: application/json\r\n");
    assert_int_equal(r.body.n, 0);
    call(&r, "/process.Process/List", UNARY "Connect-Protocol-Version: 2\r\n", "{}");
    assert_status(&r, "400");
    assert_body(&r, "{\"code\":\"invalid_argument\",\"message\":\"Connect-Protocol-Version must be "
                    "\\\"1\\\": got \\\"2\\\"\"}");
    call(&r, "/process.Process/List", UNARY "Content-Encoding: gzip\r\n", "{}");
    assert_status(&r, "501");
}

static void process_calls_that_fail(void **state)
{
    EXCHANGE r = {0};

    call(&r, "/process.Process/SendInput", UNARY, "{\"process\":{}}");
    assert_status(&r, "501");
    assert_body(&r, "{\"code\":\"unimplemented\",\"message\":\"invalid input type "
                    "*process.ProcessSelector\"}");
    call(&r, "/process.Process/SendSignal", UNARY,
         "{\"process\":{\"pid\":999999},\"signal\":\"SIGNAL_SIGKILL\"}");
    assert_status(&r, "404");
    assert_body(&r, "{\"code\":\"not_found\",\"message\":\"process with pid 999999 not found\"}");
    call(&r, "/process.Process/SendSignal", UNARY, "{\"process\":{\"tag\":\"x\"},\"signal\":9}");
    assert_status(&r, "404");
    call(&r, "/process.Process/SendSignal", UNARY, "{\"process\":{\"pid\":1},\"signal\":2}");
    assert_status(&r, "501");
    call(&r, "/process.Process/SendSignal", UNARY, "{\"process\":{\"pid\":\"x\"},\"signal\":9}");
    assert_status(&r, "400");
    call(&r, "/process.Process/List", UNARY "Authorization: Basic bm9zdWNoOg==\r\n", "{}");
    assert_status(&r, "401");
    assert_body(&r, "{\"code\":\"unauthenticated\",\"message\":\"invalid username: 'nosuch'\"}");
    call(&r, "/process.Process/List", UNARY "Authorization: Basic dXNlcjo=\r\n", "{}");
    assert_status(&r, "200");
}

/* A process without input and terminal, as clients can have it while it runs. */
static void input_that_is_not_there(void **state)
{
    const char *const argv[] = {"sleep", "1000", NULL};
    struct envd_process p = {.argv = argv};
    struct envd_stream *s;
    struct envd_event e;
    struct err err = {0};
    EXCHANGE r = {0};

    assert_int_equal(envd_start(box.client, &p, &s, &err), 0);
    assert_int_equal(envd_stream_next(s, -1, &e, &err), 0);
    call(&r, "/process.Process/SendInput", UNARY,
         arena_printf(&r.a, "{\"process\":{\"pid\":%u},\"input\":{\"stdin\":\"eA==\"}}", e.pid));
    assert_status(&r, "500");
    assert_body(&r,
                "{\"code\":\"internal\",\"message\":\"error writing to stdin: stdin not enabled "
                "or closed\"}");
    call(&r, "/process.Process/Update", UNARY,
         arena_printf(&r.a, "{\"process\":{\"pid\":%u},\"pty\":{\"size\":{\"cols\":1,\"rows\":1}}}",
                      e.pid));
    assert_status(&r, "500");
    assert_body(&r, "{\"code\":\"internal\",\"message\":\"error resizing tty: tty not assigned to "
                    "process\"}");
    call(&r, "/process.Process/CloseStdin", UNARY,
         arena_printf(&r.a, "{\"process\":{\"pid\":%u}}", e.pid));
    assert_status(&r, "200");
    assert_body(&r, "{}");
    call(&r, "/process.Process/List", UNARY, "{}");
    assert_body(&r, arena_printf(&r.a,
                                 "{\"processes\":[{\"config\":{\"cmd\":\"sleep\",\"args\":["
                                 "\"1000\"]},\"pid\":%u}]}",
                                 e.pid));
    call(&r, "/process.Process/SendSignal", UNARY,
         arena_printf(&r.a, "{\"process\":{\"pid\":%u},\"signal\":\"SIGNAL_SIGKILL\"}", e.pid));
    assert_body(&r, "{}");
    call(&r, "/process.Process/SendSignal", UNARY,
         arena_printf(&r.a, "{\"process\":{\"pid\":%u},\"signal\":\"SIGNAL_SIGKILL\"}", e.pid));
    assert_status(&r, "404");
    envd_stream_close(s);
}

/* ---- streams ---- */

#define START "/process.Process/Start"
#define SH(script)                                                                                 \
    "{\"process\":{\"cmd\":\"/bin/sh\",\"args\":[\"-c\",\"" script "\"]},\"stdin\":false}"

static void a_whole_stream(void **state)
{
    EXCHANGE r = {0};

    call_stream(&r, START, "", SH("echo hi; sleep 0.1; echo err >&2"));
    assert_status(&r, "200");
    assert_contains(r.head, "Content-Type: application/connect+json\r\n");
    assert_string_equal(after_start(&r), "0 {\"event\":{\"data\":{\"stdout\":\"aGkK\"}}}\n"
                                         "0 {\"event\":{\"data\":{\"stderr\":\"ZXJyCg==\"}}}\n"
                                         "0 {\"event\":{\"end\":{\"exited\":true,\"status\":\"exit "
                                         "status 0\"}}}\n"
                                         "2 {}\n");
}

static void ends(void **state)
{
    EXCHANGE r = {0};

    call_stream(&r, START, "", SH("exit 3"));
    assert_string_equal(after_start(&r),
                        "0 {\"event\":{\"end\":{\"exitCode\":3,\"exited\":true,\"status\":\"exit "
                        "status 3\",\"error\":\"exit status 3\"}}}\n2 {}\n");
    call_stream(&r, START, "", SH("kill -KILL $$"));
    assert_string_equal(after_start(&r),
                        "0 {\"event\":{\"end\":{\"exitCode\":-1,\"status\":\"signal: killed\","
                        "\"error\":\"signal: killed\"}}}\n2 {}\n");
    call_stream(&r, START, "", SH("kill -TERM $$"));
    assert_contains(after_start(&r), "\"status\":\"signal: terminated\"");
}

static void streams_that_do_not_start(void **state)
{
    EXCHANGE r = {0};

    call_stream(&r, START, "", "{\"process\":{\"cmd\":\"true\",\"cwd\":\"/nope\"}}");
    assert_status(&r, "200");
    assert_contains(r.head, "Content-Length: 81\r\n");
    assert_string_equal(messages(&r),
                        "2 {\"error\":{\"code\":\"invalid_argument\",\"message\":\"cwd "
                        "'/nope' does not exist\"}}\n");
    call_stream(&r, START, "Authorization: Basic bm9zdWNoOg==\r\n", SH("true"));
    assert_string_equal(messages(&r), "2 {\"error\":{\"code\":\"unauthenticated\",\"message\":\""
                                      "invalid username: 'nosuch'\"}}\n");
    call(&r, START, STREAM, "{}");
    assert_status(&r, "200");
    assert_string_equal(messages(&r), "2 {\"error\":{\"code\":\"invalid_argument\",\"message\":\""
                                      "protocol error: incomplete envelope: unexpected EOF\"}}\n");
    call(&r, START, UNARY, SH("true"));
    assert_status(&r, "415");
    call_stream(&r, START, "Connect-Content-Encoding: br\r\n", SH("true"));
    assert_contains(messages(&r), "\"unimplemented\",\"message\":\"unknown compression \\\"br\\\"");
    call_stream(&r, START, "", "{\"process\":{}}");
    assert_contains(messages(&r), "2 {\"error\":{\"code\":\"invalid_argument\"");
    call_stream(&r, START, "", "{\"process\":{\"cmd\":\"a\",\"args\":[1]}}");
    assert_contains(messages(&r), "2 {\"error\":{\"code\":\"invalid_argument\"");
    call_stream(&r, START, "", "{\"process\":{\"cmd\":\"a\",\"envs\":{\"A=B\":\"c\"}}}");
    assert_contains(messages(&r), "2 {\"error\":{\"code\":\"invalid_argument\"");
    call_stream(&r, "/process.Process/Connect", "", "{\"process\":{\"pid\":999999}}");
    assert_string_equal(messages(&r), "2 {\"error\":{\"code\":\"not_found\",\"message\":\"process "
                                      "with pid 999999 not found\"}}\n");
}

static void timeouts(void **state)
{
    EXCHANGE r = {0};

    call_stream(&r, START, "Connect-Timeout-Ms: 300\r\n", SH("exec sleep 1000"));
    assert_string_equal(after_start(&r), "2 {\"error\":{\"code\":\"deadline_exceeded\",\"message\":"
                                         "\"context deadline exceeded\"}}\n");
    call_stream(&r, START, "Connect-Timeout-Ms: 0\r\n", SH("true"));
    assert_string_equal(messages(&r), "2 {\"error\":{\"code\":\"deadline_exceeded\",\"message\":"
                                      "\"context deadline exceeded\"}}\n");
    call_stream(&r, START, "Connect-Timeout-Ms: abc\r\n", SH("true"));
    assert_string_equal(messages(&r), "2 {\"error\":{\"code\":\"invalid_argument\",\"message\":\""
                                      "parse timeout: strconv.ParseInt: parsing \\\"abc\\\": "
                                      "invalid syntax\"}}\n");
    call_stream(&r, START, "Connect-Timeout-Ms: 12345678901\r\n", SH("true"));
    assert_contains(messages(&r), "has >10 digits");
}

static void keepalives(void **state)
{
    static const char *const odd[] = {"1", "0", "-5"};

    for (size_t i = 0; i < 3; i++) {
        EXCHANGE r = {0};

        call_stream(&r, START, arena_printf(&r.a, "Keepalive-Ping-Interval: %s\r\n", odd[i]),
                    SH("sleep 1.5"));
        assert_string_equal(after_start(&r), "0 {\"event\":{\"keepalive\":{}}}\n"
                                             "0 {\"event\":{\"end\":{\"exited\":true,\"status\":"
                                             "\"exit status 0\"}}}\n2 {}\n");
    }
}

static void large_output_comes_in_pieces(void **state)
{
    struct connect_parser p;
    struct connect_message m;
    struct err err = {0};
    size_t total = 0;
    EXCHANGE r = {0};

    call_stream(&r, START, "", SH("head -c 200000 /dev/zero"));
    connect_parser_init(&p);
    connect_parser_feed(&p, r.body, &err);
    while (connect_parser_next(&p, &m, &err) == 1) {
        assert_true(m.payload.n <= 43724 + 8);
        total += m.payload.n;
    }
    assert_true(total > 200000 * 4 / 3);
    connect_parser_free(&p);
}

/* ---- files ---- */

static void write_file(const char *name, struct str data)
{
    struct err err = {0};

    assert_int_equal(envd_write(box.client, name, data, &err), 0);
}

static void downloads(void **state)
{
    EXCHANGE r = {0};

    write_file("hello.txt", STR("hello world"));
    send_raw(&r, "GET /files?path=hello.txt&username=user", "", STR(""));
    assert_status(&r, "200");
    assert_contains(r.head, "Content-Disposition: inline; filename=hello.txt\r\n");
    assert_contains(r.head, "Content-Type: text/plain; charset=utf-8\r\n");
    assert_contains(r.head, "Content-Length: 11\r\n");
    assert_contains(r.head, "Last-Modified: ");
    assert_body(&r, "hello world");
    send_raw(&r, "HEAD /files?path=hello.txt", "", STR(""));
    assert_status(&r, "200");
    assert_contains(r.head, "Content-Length: 11\r\n");
    assert_int_equal(r.body.n, 0);
    write_file("a b\n\xc3\xa9", STR("\0"));
    send_raw(&r, "GET /files?path=a%20b%0A%C3%A9", "", STR(""));
    assert_contains(r.head, "Content-Disposition: inline; filename*=utf-8''a%20b%0A%C3%A9\r\n");
    assert_contains(r.head, "Content-Type: application/octet-stream\r\n");
}

static void ranges(void **state)
{
    static const struct {
        const char *range, *status, *content, *body;
    } cases[] = {
        {"bytes=2-4", "206", "bytes 2-4/10", "234"},
        {"bytes=7-", "206", "bytes 7-9/10", "789"},
        {"bytes=-3", "206", "bytes 7-9/10", "789"},
        {"bytes=-30", "206", "bytes 0-9/10", "0123456789"},
        {"bytes=8-99", "206", "bytes 8-9/10", "89"},
        {"bytes=10-", "416", "bytes */10", "invalid range: failed to overlap\n"},
        {"bytes=5-4", "416", "bytes */10", "invalid range: failed to overlap\n"},
        {"lines=1-2", "416", "bytes */10", "invalid range: failed to overlap\n"},
        {"bytes=1-2,4-5", "200", NULL, "0123456789"},
    };

    write_file("ten", STR("0123456789"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EXCHANGE r = {0};

        send_raw(&r, "GET /files?path=ten", arena_printf(&r.a, "Range: %s\r\n", cases[i].range),
                 STR(""));
        assert_contains(r.head, arena_printf(&r.a, "HTTP/1.1 %s ", cases[i].status));
        if (cases[i].content)
            assert_contains(r.head, arena_printf(&r.a, "Content-Range: %s\r\n", cases[i].content));
        assert_body(&r, cases[i].body);
    }
}

static void an_empty_file_has_no_range(void **state)
{
    EXCHANGE r = {0};

    write_file("empty", STR(""));
    send_raw(&r, "GET /files?path=empty", "Range: bytes=0-\r\n", STR(""));
    assert_status(&r, "200");
    assert_int_equal(r.body.n, 0);
}

static void files_that_cannot_be_had(void **state)
{
    EXCHANGE r = {0};

    send_raw(&r, "GET /files?path=/nope", "", STR(""));
    assert_status(&r, "404");
    assert_body(&r, "{\"code\":404,\"message\":\"path '/nope' does not exist\"}");
    send_raw(&r, "GET /files?path=/", "", STR(""));
    assert_status(&r, "400");
    send_raw(&r, "GET /files?path=/nope&username=nosuch", "", STR(""));
    assert_status(&r, "401");
    assert_contains(r.body.p, "{\"code\":401,");
    send_raw(&r, "DELETE /files", "", STR(""));
    assert_status(&r, "405");
    assert_contains(r.head, "Allow: GET, POST\r\n");
}

#define OCTETS "Content-Type: application/octet-stream\r\n"
#define FORM "Content-Type: multipart/form-data; boundary=BB\r\n"

static void uploads(void **state)
{
    const char *in_home;
    EXCHANGE r = {0};

    in_home = arena_printf(&r.a, "%s/x/up.txt", box.home);
    send_raw(&r, "POST /files?path=x/up.txt", OCTETS, STR("hello"));
    assert_status(&r, "200");
    assert_contains(r.head, "Content-Type: text/plain; charset=utf-8\r\n");
    assert_body(&r, arena_printf(&r.a, "[{\"name\":\"up.txt\",\"path\":\"%s\",\"type\":\"file\"}]",
                                 in_home));
    send_raw(&r, "GET /files?path=x/up.txt", "", STR(""));
    assert_body(&r, "hello");
    send_raw(&r, "POST /files?path=x/up.txt", OCTETS, STR(""));
    assert_status(&r, "200");
    send_raw(&r, "GET /files?path=x/up.txt", "", STR(""));
    assert_status(&r, "200");
    assert_int_equal(r.body.n, 0);
}

static void multipart_uploads(void **state)
{
    EXCHANGE r = {0};

    send_raw(&r, "POST /files", FORM,
             STR("--BB\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nno\r\n"
                 "--BB\r\nContent-Disposition: form-data; name=\"file\"; filename=\"m/one two\"\r\n"
                 "Content-Type: application/octet-stream\r\n\r\nfirst\r\n"
                 "--BB\r\nContent-Disposition: form-data; name=\"file\"; filename=\"m/2\"\r\n\r\n"
                 "\r\n--BB--\r\n"));
    assert_status(&r, "200");
    assert_body(&r,
                arena_printf(&r.a,
                             "[{\"name\":\"one two\",\"path\":\"%s/m/one two\",\"type\":\"file\"},"
                             "{\"name\":\"2\",\"path\":\"%s/m/2\",\"type\":\"file\"}]",
                             box.home, box.home));
    send_raw(&r, "GET /files?path=m/one%20two", "", STR(""));
    assert_body(&r, "first");
    send_raw(&r, "POST /files", FORM,
             STR("--BB\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nno\r\n--BB--\r\n"));
    assert_status(&r, "200");
    assert_body(&r, "[]");
    send_raw(
        &r, "POST /files?path=m/q", FORM,
        STR("--BB\r\nContent-Disposition: form-data; name=\"file\"; filename=\"1\"\r\n\r\na\r\n"
            "--BB\r\nContent-Disposition: form-data; name=\"file\"; filename=\"2\"\r\n\r\nb\r\n"
            "--BB--\r\n"));
    assert_status(&r, "400");
    assert_contains(r.body.p, "you cannot upload multiple files to the same path");
    send_raw(&r, "GET /files?path=m/q", "", STR(""));
    assert_body(&r, "a");
    send_raw(&r, "POST /files?path=m/cut", FORM,
             STR("--BB\r\nContent-Disposition: form-data; name=\"file\"; filename=\"1\"\r\n\r\na"));
    assert_status(&r, "400");
}

static void chunked_upload(void **state)
{
    struct buf got = BUF_INIT(100000);
    char room[4096];
    struct err err = {0};
    ssize_t n;
    int fd = wire_connect_unix(box.socket);
    EXCHANGE r = {0};

    assert_int_equal(fs_write_all(fd,
                                  STR("POST /files?path=chunks HTTP/1.1\r\nHost: e\r\n" OCTETS
                                      "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                                      "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
                                  &err),
                     0);
    while ((n = read(fd, room, sizeof(room))) > 0)
        buf_add(&got, (struct str){room, (size_t)n}, &err);
    close(fd);
    assert_contains(buf_c(&got), "HTTP/1.1 200 ");
    buf_free(&got);
    send_raw(&r, "GET /files?path=chunks", "", STR(""));
    assert_body(&r, "abcde");
}

static void uploads_that_fail(void **state)
{
    EXCHANGE r = {0};

    send_raw(&r, "POST /files?path=x", "Content-Type: application/x-www-form-urlencoded\r\n",
             STR("a=b"));
    assert_status(&r, "400");
    assert_body(&r, "{\"code\":400,\"message\":\"unsupported content type: "
                    "application/x-www-form-urlencoded, expected multipart/form-data or "
                    "application/octet-stream\"}");
    send_raw(&r, "POST /files", OCTETS, STR("x"));
    assert_status(&r, "400");
    assert_body(&r, "{\"code\":400,\"message\":\"path query parameter is required for raw body "
                    "upload\"}");
    send_raw(&r, "POST /files?path=~", OCTETS, STR("x"));
    assert_status(&r, "400");
    assert_body(
        &r, arena_printf(&r.a, "{\"code\":400,\"message\":\"path is a directory: %s\"}", box.home));
    write_file("plain", STR(""));
    send_raw(&r, "POST /files?path=plain/below/x", OCTETS, STR("x"));
    assert_status(&r, "500");
    assert_body(&r, arena_printf(&r.a,
                                 "{\"code\":500,\"message\":\"error ensuring directories: path is "
                                 "a file: %s/plain\"}",
                                 box.home));
    send_raw(&r, "POST /files?path=plain/x", OCTETS, STR("x"));
    assert_status(&r, "500");
    assert_contains(r.body.p, "path is a file: ");
    send_raw(&r, "POST /files?path=/dev/full", OCTETS, STR("x"));
    assert_status(&r, "507");
}

/* ---- the file system ---- */

#define FS "/filesystem.Filesystem/"

static void stat_of_a_folder(void **state)
{
    JSON_CLEANUP json_t *reply = NULL;
    const json_t *entry;
    struct err err = {0};
    EXCHANGE r = {0};

    call(&r, FS "Stat", UNARY, "{\"path\":\"\"}");
    assert_status(&r, "200");
    reply = json_parse(r.body, "reply", &err);
    entry = json_object_get(reply, "entry");
    assert_string_equal(json_get_c(entry, "name"), "home");
    assert_string_equal(json_get_c(entry, "type"), "FILE_TYPE_DIRECTORY");
    assert_string_equal(json_get_c(entry, "path"), box.home);
    assert_non_null(json_get_c(entry, "size"));
    assert_int_equal(json_get_int(entry, "mode", 0), 493);
    assert_string_equal(json_get_c(entry, "permissions"), "drwxr-xr-x");
    assert_non_null(json_get_c(entry, "owner"));
    assert_contains(json_get_c(entry, "modifiedTime"), "T");
}

static void permissions_as_go_prints_them(void **state)
{
    EXCHANGE r = {0};

    call(&r, FS "Stat", UNARY, "{\"path\":\"/tmp\"}");
    assert_contains(r.body.p, "\"permissions\":\"dtrwxrwxrwx\"");
    call(&r, FS "Stat", UNARY, "{\"path\":\"/dev/null\"}");
    assert_contains(r.body.p, "\"permissions\":\"Dcrw-rw-rw-\"");
    assert_int_equal(symlink("/etc/passwd", fs_join(&r.a, box.home, "link")), 0);
    call(&r, FS "Stat", UNARY, "{\"path\":\"link\"}");
    assert_contains(r.body.p, "\"type\":\"FILE_TYPE_FILE\"");
    assert_contains(r.body.p, "\"mode\":420");
    assert_contains(r.body.p, "\"permissions\":\"Lrwxrwxrwx\"");
    assert_contains(r.body.p, "\"symlinkTarget\":\"/etc/passwd\"");
    call(&r, FS "Remove", UNARY, "{\"path\":\"link\"}");
    assert_int_equal(access("/etc/passwd", F_OK), 0);
}

static void file_system_errors(void **state)
{
    const char *home = box.home;
    EXCHANGE r = {0};

    call(&r, FS "Stat", UNARY, "{\"path\":\"nope\"}");
    assert_status(&r, "404");
    assert_body(&r, arena_printf(&r.a,
                                 "{\"code\":\"not_found\",\"message\":\"file not found: lstat "
                                 "%s/nope: no such file or directory\"}",
                                 home));
    call(&r, FS "Stat", UNARY, "{\"path\":\"~bob/x\"}");
    assert_status(&r, "400");
    assert_body(&r,
                "{\"code\":\"invalid_argument\",\"message\":\"failed to expand path '' for user "
                "'user': cannot expand user-specific home dir\"}");
    write_file("file", STR(""));
    call(&r, FS "ListDir", UNARY, "{\"path\":\"file\"}");
    assert_status(&r, "400");
    assert_contains(r.body.p, "path is not a directory: ");
    call(&r, FS "ListDir", UNARY, "{\"path\":\"/nope\"}");
    assert_status(&r, "404");
    assert_body(&r, "{\"code\":\"not_found\",\"message\":\"path not found: lstat /nope: no such "
                    "file or directory\"}");
    call(&r, FS "MakeDir", UNARY, "{\"path\":\"file\"}");
    assert_status(&r, "400");
    assert_contains(r.body.p, "path already exists but it is not a directory: ");
    call(&r, FS "MakeDir", UNARY, "{\"path\":\"~\"}");
    assert_status(&r, "409");
    assert_body(&r, arena_printf(&r.a,
                                 "{\"code\":\"already_exists\",\"message\":\"directory already "
                                 "exists: %s\"}",
                                 home));
    call(&r, FS "Move", UNARY, "{\"source\":\"nope\",\"destination\":\"y\"}");
    assert_status(&r, "404");
    assert_contains(r.body.p, "\"source file not found: rename ");
    call(&r, FS "Remove", UNARY, "{\"path\":\"nope\"}");
    assert_status(&r, "200");
    assert_body(&r, "{}");
    call(&r, FS "Stat", UNARY, "{\"path\":5}");
    assert_status(&r, "400");
    assert_int_equal(symlink("loop", fs_join(&r.a, home, "loop")), 0);
    call(&r, FS "ListDir", UNARY, "{\"path\":\"loop\"}");
    assert_status(&r, "400");
    assert_contains(r.body.p, "\"failed_precondition\"");
}

static void an_empty_folder_lists_nothing(void **state)
{
    EXCHANGE r = {0};

    call(&r, FS "MakeDir", UNARY, "{\"path\":\"a/../none//./\"}");
    assert_contains(r.body.p, arena_printf(&r.a, "\"path\":\"%s/none\"", box.home));
    call(&r, FS "ListDir", UNARY, "{\"path\":\"none\",\"depth\":1}");
    assert_status(&r, "200");
    assert_body(&r, "{}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health),
        cmocka_unit_test(unknown_paths),
        cmocka_unit_test(list),
        cmocka_unit_test(requests_that_cannot_be_read),
        cmocka_unit_test(process_calls_that_fail),
        cmocka_unit_test(input_that_is_not_there),
        cmocka_unit_test(a_whole_stream),
        cmocka_unit_test(ends),
        cmocka_unit_test(streams_that_do_not_start),
        cmocka_unit_test(timeouts),
        cmocka_unit_test(keepalives),
        cmocka_unit_test(large_output_comes_in_pieces),
        cmocka_unit_test(downloads),
        cmocka_unit_test(ranges),
        cmocka_unit_test(an_empty_file_has_no_range),
        cmocka_unit_test(files_that_cannot_be_had),
        cmocka_unit_test(uploads),
        cmocka_unit_test(multipart_uploads),
        cmocka_unit_test(chunked_upload),
        cmocka_unit_test(uploads_that_fail),
        cmocka_unit_test(stat_of_a_folder),
        cmocka_unit_test(permissions_as_go_prints_them),
        cmocka_unit_test(file_system_errors),
        cmocka_unit_test(an_empty_folder_lists_nothing),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
