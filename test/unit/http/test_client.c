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
    t.request = wire_read(fd, "\r\n\r\n");
    wire_send(fd, t.script);
    if (t.holds)
        free(wire_read(fd, NULL));
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

static void assert_err(enum err_kind kind, const char *part)
{
    if (t.err.kind != kind || !strstr(t.err.msg, part))
        fail_msg("error %s: \"%s\"", err_kind_name(t.err.kind), t.err.msg);
}

static void test_get(void **state)
{
    assert_int_equal(get("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Y: z\r\n\r\nhello"), 0);
    assert_int_equal(t.response.status, 200);
    assert_string_equal(t.response.body.p, "hello");
    assert_string_equal(http_response_header(&t.response, "x-y"), "z");
    assert_null(http_response_header(&t.response, "x-z"));
    assert_ptr_equal(strstr(t.request, "GET /path HTTP/1.1\r\n"), t.request);
    assert_null(strstr(t.request, "Expect"));
    assert_null(strstr(t.request, "Accept-Encoding"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_get, setup, teardown),
    };

    (void)assert_err;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
