/* Connect's envelopes and error codes. */
#include "http/connect.h"
#include "support/unit.h"

/* Messages as "flags:payload;" one after the other, `stream` cut into pieces of `step` bytes. */
static void parse(struct str stream, size_t step, struct buf *out)
{
    struct connect_parser p;
    struct connect_message m;

    connect_parser_init(&p);
    for (size_t at = 0; at < stream.n; at += step) {
        struct str piece = str_from_pos(stream, at);

        piece.n = piece.n < step ? piece.n : step;
        assert_int_equal(connect_parser_feed(&p, piece, NULL), 0);
        while (connect_parser_next(&p, &m, NULL) == 1)
            buf_printf(out, NULL, "%u:%.*s;", m.flags, STR_ARG(m.payload));
    }
    connect_parser_free(&p);
}

static void round_trip(void **state)
{
    BUF_CLEANUP struct buf b = BUF_INIT(1000), out = BUF_INIT(1000);

    assert_int_equal(connect_write(&b, 0, STR("{\"a\":1}"), NULL), 0);
    assert_int_equal(connect_write(&b, 0, STR(""), NULL), 0);
    assert_int_equal(connect_write(&b, CONNECT_END_STREAM, STR("{}"), NULL), 0);
    assert_memory_equal(b.p, "\0\0\0\0\x07{\"a\":1}\0\0\0\0\0\x02\0\0\0\x02{}", b.n);
    for (size_t step = 1; step <= b.n; step++) {
        buf_reset(&out);
        parse(buf_str(&b), step, &out);
        assert_string_equal(buf_c(&out), "0:{\"a\":1};0:;2:{};");
    }
}

static int next_of(struct str bytes, struct err *err)
{
    struct connect_parser p;
    struct connect_message m;
    int result;

    connect_parser_init(&p);
    assert_int_equal(connect_parser_feed(&p, bytes, NULL), 0);
    result = connect_parser_next(&p, &m, err);
    connect_parser_free(&p);
    return result;
}

static void refused(void **state)
{
    struct err err = {0};

    assert_int_equal(next_of(STR("\0\x01\0\0\0"), &err), 0); /* 16 MiB exactly: more is needed */
    assert_int_equal(next_of(STR("\0\x01\0\0\x01"), &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_int_equal(next_of(STR("\0\xff\xff\xff\xff"), &err), -1);
    assert_int_equal(next_of(STR("\x04\0\0\0\0"), &err), -1);
    assert_int_equal(err.kind, ERR_PROTOCOL);
}

static void the_largest_message_passes(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    BUF_CLEANUP struct buf b = BUF_INIT((size_t)CONNECT_MAX_MESSAGE + 5);
    struct str payload = {arena_alloc(&a, CONNECT_MAX_MESSAGE + 1, 1), CONNECT_MAX_MESSAGE + 1};

    assert_int_equal(connect_write(&b, 0, payload, NULL), -1);
    payload.n--;
    assert_int_equal(connect_write(&b, 0, payload, NULL), 0);
    assert_int_equal(next_of(buf_str(&b), NULL), 1);
}

static void writing_too_much_changes_nothing(void **state)
{
    BUF_CLEANUP struct buf b = BUF_INIT(10);

    assert_int_equal(connect_write(&b, 0, STR("12345"), NULL), 0);
    assert_int_equal(connect_write(&b, 0, STR(""), NULL), -1);
    assert_int_equal(b.n, 10);
}

static void codes(void **state)
{
    for (int i = CONNECT_CANCELED; i <= CONNECT_UNAUTHENTICATED; i++)
        assert_int_equal(connect_code_from_name(connect_code_name((enum connect_code)i)), i);
    assert_int_equal(connect_code_from_name("no such code"), CONNECT_UNKNOWN);
    assert_int_equal(connect_code_from_name("ok"), CONNECT_UNKNOWN);
    assert_int_equal(connect_code_status(CONNECT_NOT_FOUND), 404);
    assert_int_equal(connect_code_status(CONNECT_CANCELED), 499);
    assert_int_equal(connect_code_kind(CONNECT_DEADLINE_EXCEEDED), ERR_TIMEOUT);
    assert_int_equal(connect_code_kind(CONNECT_UNAVAILABLE), ERR_NET);
    assert_int_equal(connect_code_from_kind(ERR_NOT_FOUND), CONNECT_NOT_FOUND);
    assert_int_equal(connect_code_from_kind(ERR_IO), CONNECT_INTERNAL);
}

/* A kind of error that crosses the wire as a code of its own arrives as itself. */
static void kinds_survive(void **state)
{
    static const enum err_kind kinds[] = {ERR_NONE,      ERR_INPUT,   ERR_NOT_FOUND,
                                          ERR_EXISTS,    ERR_AUTH,    ERR_NET,
                                          ERR_THROTTLED, ERR_TIMEOUT, ERR_CANCELLED};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        assert_int_equal(connect_code_kind(connect_code_from_kind(kinds[i])), kinds[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(refused),
        cmocka_unit_test(the_largest_message_passes),
        cmocka_unit_test(writing_too_much_changes_nothing),
        cmocka_unit_test(codes),
        cmocka_unit_test(kinds_survive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
