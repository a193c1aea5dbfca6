#include "base/buf.h"
#include "support/unit.h"

static void empty(void **state)
{
    BUF_CLEANUP struct buf b = BUF_INIT(10);

    assert_string_equal(buf_c(&b), "");
    assert_int_equal(buf_str(&b).n, 0);
    buf_reset(&b);
    buf_consume(&b, 0);
    assert_null(b.p);
}

static void adding(void **state)
{
    BUF_CLEANUP struct buf b = BUF_INIT(SIZE_MAX);

    for (int i = 0; i < 1000; i++) {
        assert_int_equal(buf_printf(&b, NULL, "%03d", i), 0);
        assert_int_equal(strlen(buf_c(&b)), 3 * (i + 1));
    }
    assert_int_equal(buf_add_c(&b, "end", NULL), 0);
    assert_true(str_starts(buf_str(&b), "000001002") && str_ends(buf_str(&b), "998999end"));
}

static void the_maximum_is_exact(void **state)
{
    BUF_CLEANUP struct buf b = BUF_INIT(300);
    struct err e = {0};

    assert_int_equal(buf_printf(&b, &e, "%300d", 1), 0);
    assert_int_equal(buf_add(&b, STR(""), &e), 0);
    assert_int_equal(buf_add(&b, STR("x"), &e), -1);
    assert_int_equal(e.kind, ERR_LIMIT);
    assert_contains(e.msg, "300 bytes");
    assert_int_equal(buf_printf(&b, &e, "%d", 1), -1);
    assert_int_equal(strlen(buf_c(&b)), 300);
    assert_int_equal(b.cap, 301);
}

static void adding_what_fits(void **state)
{
    BUF_CLEANUP struct buf b = BUF_INIT(5);

    assert_int_equal(buf_add_some(&b, STR("abc")), 0);
    assert_int_equal(buf_add_some(&b, STR("defg")), 2);
    assert_int_equal(buf_add_some(&b, STR("h")), 1);
    assert_string_equal(buf_c(&b), "abcde");
}

static void reserving(void **state)
{
    BUF_CLEANUP struct buf b = BUF_INIT(1000);
    char *room;

    assert_int_equal(buf_reserve(&b, 600, &room, NULL), 0);
    assert_string_equal(buf_c(&b), "");
    memset(room, 'x', 600);
    buf_added(&b, 2);
    assert_string_equal(buf_c(&b), "xx");
    assert_int_equal(buf_reserve(&b, 999, &room, NULL), -1);
}

static void consuming(void **state)
{
    BUF_CLEANUP struct buf b = BUF_INIT(100);

    assert_int_equal(buf_add_c(&b, "abcdef", NULL), 0);
    buf_consume(&b, 2);
    assert_string_equal(buf_c(&b), "cdef");
    buf_consume(&b, 4);
    assert_string_equal(buf_c(&b), "");
    assert_int_equal(buf_add_c(&b, "g", NULL), 0);
    buf_reset(&b);
    assert_string_equal(buf_c(&b), "");
    buf_free(&b);
    assert_int_equal(b.max, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty),
        cmocka_unit_test(adding),
        cmocka_unit_test(the_maximum_is_exact),
        cmocka_unit_test(adding_what_fits),
        cmocka_unit_test(reserving),
        cmocka_unit_test(consuming),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
