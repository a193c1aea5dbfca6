/* Server-sent events: the rules of WHATWG HTML, 9.2.6, wherever the bytes are cut. */
#include "http/sse.h"
#include "support/unit.h"

/* Parses `text` cut into pieces of `step` bytes; events as "name|data;" one after the other. */
static const char *parse(struct arena *a, struct str text, size_t step, size_t max, int *ret)
{
    struct sse_parser *p = sse_parser_new(max);
    BUF_CLEANUP struct buf out = BUF_INIT(1 << 20);
    struct sse_event e;
    struct err err = {0};

    *ret = 0;
    for (size_t at = 0; at < text.n && *ret == 0; at += step) {
        struct str piece = str_from_pos(text, at);

        piece.n = piece.n < step ? piece.n : step;
        assert_int_equal(sse_parser_feed(p, piece, &err), 0);
        while ((*ret = sse_parser_next(p, &e, &err)) == 1)
            buf_printf(&out, NULL, "%s|%.*s;", e.name, STR_ARG(e.data));
    }
    if (*ret < 0)
        assert_int_equal(err.kind, ERR_LIMIT);
    sse_parser_free(p);
    return arena_strdup(a, buf_c(&out));
}

static void assert_events(const char *text, const char *events)
{
    for (size_t step = 1; step <= 64; step++) {
        ARENA_CLEANUP struct arena a = {0};
        int result;

        assert_string_equal(parse(&a, str_from(text), step, 100, &result), events);
        assert_int_equal(result, 0);
    }
}

static void events(void **state)
{
    assert_events("data: a\n\n", "message|a;");
    assert_events("event: x\ndata: a\n\ndata: b\n\n", "x|a;message|b;");
    assert_events("data: {\"a\":1}\nevent:x\n\n", "x|{\"a\":1};");
}

static void lines(void **state)
{
    assert_events("data: a\ndata: b\ndata:c\n\n", "message|a\nb\nc;");
    assert_events("data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", "message|a\nb;message|c;");
    assert_events("data: a\rdata: b\r\rdata: c\n\n", "message|a\nb;message|c;");
    assert_events("data:  two spaces\n\n", "message| two spaces;");
    assert_events("data\n\ndata\ndata\n\n", "message|;message|\n;");
}

static void passed_over(void **state)
{
    assert_events(": ping\n\nid: 7\nretry: 10\ndata: a\nother: b\n\n", "message|a;");
    assert_events("\xef\xbb\xbf"
                  "data: a\n\n",
                  "message|a;");
    assert_events("\n\n\nevent: lost\n\ndata: a\n\n", "message|a;");
    assert_events("data: a\n\ndata: the end never comes\n", "message|a;");
}

static void large_events(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    int result;

    assert_string_equal(parse(&a, STR("data: 12345\ndata: 789\n\n"), 64, 9, &result),
                        "message|12345\n789;");
    parse(&a, STR("data: 12345\ndata: 789\n\n"), 64, 8, &result);
    assert_int_equal(result, -1);
    parse(&a, STR("data: 12345678901234567890123456789012345678901234567890"), 1, 8, &result);
    assert_int_equal(result, -1);
    parse(&a, STR("event: 123456789\n"), 64, 8, &result);
    assert_int_equal(result, -1);
}

static void writing(void **state)
{
    BUF_CLEANUP struct buf b = BUF_INIT(60);

    assert_int_equal(sse_write(&b, "x", STR("a\nb\r\nc\rd"), NULL), 0);
    assert_string_equal(buf_c(&b), "event: x\ndata: a\ndata: b\ndata: c\ndata: d\n\n");
    assert_events(buf_c(&b), "x|a\nb\nc\nd;");
    assert_int_equal(sse_write(&b, NULL, STR("0123456789012345"), NULL), -1);
    assert_int_equal(b.n, strlen("event: x\ndata: a\ndata: b\ndata: c\ndata: d\n\n"));
    buf_reset(&b);
    assert_int_equal(sse_write(&b, NULL, STR(""), NULL), 0);
    assert_string_equal(buf_c(&b), "data: \n\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events),       cmocka_unit_test(lines),   cmocka_unit_test(passed_over),
        cmocka_unit_test(large_events), cmocka_unit_test(writing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
