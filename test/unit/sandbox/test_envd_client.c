/* The envd client against peers that refuse, break off or lie: what it hears is only input. */
#include "support/unit.h"

#include "support/wire.h"

#include "base/buf.h"
#include "http/connect.h"
#include "sandbox/envd.h"

#define OK_STREAM "HTTP/1.1 200 OK\r\nContent-Type: application/connect+json\r\n"

struct message {
    unsigned flags;
    const char *payload;
};

/* What the peer answers to every request: raw text, or a stream of messages. */
struct script {
    const char *raw;
    struct message messages[8];
    bool cut;   /* the promised body doesn't come whole */
    bool stall; /* the connection stays open after the answer, until the client leaves */
    bool left;  /* it did */
};

static void send_stream(int fd, const struct script *s)
{
    struct buf body = BUF_INIT(8 << 20), head = BUF_INIT(1000);
    struct err err;

    for (const struct message *m = s->messages; m->payload; m++)
        connect_write(&body, m->flags, str_from(m->payload), &err);
    buf_printf(&head, &err, OK_STREAM "Content-Length: %zu\r\n\r\n", body.n + s->cut);
    fs_write_all(fd, buf_str(&head), &err);
    fs_write_all(fd, buf_str(&body), &err);
    buf_free(&head);
    buf_free(&body);
}

static void serve(struct wire_server *w, int fd)
{
    struct script *s = w->ctx;

    free(wire_head(fd));
    if (s->raw)
        wire_send(fd, s->raw);
    else
        send_stream(fd, s);
    if (s->stall)
        free(wire_take(fd, NULL, &s->left));
}

/* Runs a command on such a peer; it must fail. */
static struct err run_against(struct script script)
{
    ARENA_CLEANUP struct arena a = {0};
    struct wire_server w = {.serve = serve, .ctx = &script};
    struct envd_config config = {0};
    const char *const argv[] = {"true", NULL};
    struct envd_process p = {.argv = argv};
    struct envd_client *client;
    struct envd_result result;
    struct err err = {0};

    wire_start(&w);
    config.base_url = arena_printf(&a, "http://127.0.0.1:%d", w.port);
    assert_int_equal(envd_new(&config, &client, &err), 0);
    assert_int_equal(envd_run(client, &a, &p, NULL, &result, &err), -1);
    envd_free(client);
    wire_stop(&w);
    assert_int_equal(script.left, script.stall);
    return err;
}

#define START                                                                                      \
    {                                                                                              \
        0, "{\"event\":{\"start\":{\"pid\":7}}}"                                                   \
    }

static void streams_that_break_off(void **state)
{
    struct err err = run_against((struct script){.messages = {START}});

    assert_int_equal(err.kind, ERR_NET);
    assert_contains(err.msg, "broke off");
    err = run_against((struct script){.messages = {START}, .cut = true});
    assert_int_equal(err.kind, ERR_NET);
    err = run_against((struct script){.raw = ""});
    assert_int_equal(err.kind, ERR_NET);
}

static void a_stream_that_ends_without_the_end_of_the_process(void **state)
{
    struct err err = run_against((struct script){.messages = {START, {2, "{}"}}});

    assert_int_equal(err.kind, ERR_PROTOCOL);
}

static void messages_that_make_no_sense(void **state)
{
    static const struct message bad[] = {
        {0, "{"},
        {1, "{\"event\":{}}"},
        {4, "{}"},
        {0, "{\"event\":{\"start\":{\"pid\":-1}}}"},
        {0, "{\"event\":{\"data\":{\"stdout\":\"%%%\"}}}"},
        {0, "{\"event\":{\"end\":{\"exitCode\":99999999999}}}"},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = run_against((struct script){.messages = {START, bad[i]}});

        assert_int_equal(err.kind, ERR_PROTOCOL);
    }
}

static void errors_of_the_protocol(void **state)
{
    static const struct {
        const char *error;
        enum err_kind kind;
    } cases[] = {
        {"{\"error\":{\"code\":\"not_found\",\"message\":\"no\\u001b[31m\\nway\"}}", ERR_NOT_FOUND},
        {"{\"error\":{\"code\":\"unauthenticated\"}}", ERR_AUTH},
        {"{\"error\":{\"code\":\"resource_exhausted\",\"message\":\"x\"}}", ERR_THROTTLED},
        {"{\"error\":{\"code\":\"canceled\",\"message\":\"x\"}}", ERR_REMOTE},
        {"{\"error\":{\"code\":\"nonsense\",\"message\":\"x\"}}", ERR_REMOTE},
        {"{\"error\":{}}", ERR_REMOTE},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = run_against((struct script){.messages = {{2, cases[i].error}}});

        assert_int_equal(err.kind, cases[i].kind);
        assert_null(strpbrk(err.msg, "\n\033"));
    }
}

/* A code that is a string is Connect's, a number is that of envd's or E2B's proxy's REST. */
static void refusals(void **state)
{
    static const struct {
        const char *status, *body;
        enum err_kind kind;
        const char *text;
    } cases[] = {
        {"401 Unauthorized", "{\"code\":401,\"message\":\"unauthorized access\"}", ERR_AUTH,
         "unauthorized access"},
        {"400 Bad Request", "{\"code\":\"already_exists\",\"message\":\"there\"}", ERR_EXISTS,
         "there"},
        {"502 Bad Gateway", "{\"code\":502,\"message\":\"The sandbox was not found\"}", ERR_NET,
         "The sandbox was not found"},
        {"429 Too Many", "slow down", ERR_THROTTLED, "429"},
        {"503 Busy", "", ERR_NET, "503"},
        {"404 Not Found", "404 page not found\n", ERR_NOT_FOUND, "404"},
        {"500 Oops", "<html>", ERR_REMOTE, "500"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ARENA_CLEANUP struct arena a = {0};
        struct err err = run_against((struct script){
            .raw = arena_printf(&a, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", cases[i].status,
                                strlen(cases[i].body), cases[i].body)});

        assert_int_equal(err.kind, cases[i].kind);
        assert_contains(err.msg, cases[i].text);
    }
}

static void a_refusal_that_never_ends(void **state)
{
    struct err err = run_against(
        (struct script){.raw = "HTTP/1.1 404 No\r\nContent-Length: 9\r\n\r\n", .stall = true});

    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

/* What is small on the wire can be large when it is parsed. */
static void an_event_that_is_too_large(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct err err;

    err = run_against(
        (struct script){.messages = {{0, arena_printf(&a, "{\"event\":%*s}", 5 << 20, "{}")}}});
    assert_int_equal(err.kind, ERR_PROTOCOL);
    assert_contains(err.msg, "an event of");
}

/* The end came, but whether what was left is gone isn't known. */
static void an_end_without_a_proper_kill(void **state)
{
    struct err err = run_against(
        (struct script){.messages = {START, {0, "{\"event\":{\"end\":{\"exited\":true}}}"}}});

    assert_contains(err.msg, "end what the command started");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_that_break_off),
        cmocka_unit_test(a_stream_that_ends_without_the_end_of_the_process),
        cmocka_unit_test(messages_that_make_no_sense),
        cmocka_unit_test(errors_of_the_protocol),
        cmocka_unit_test(refusals),
        cmocka_unit_test(a_refusal_that_never_ends),
        cmocka_unit_test(an_event_that_is_too_large),
        cmocka_unit_test(an_end_without_a_proper_kill),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
