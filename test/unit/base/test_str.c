#include "support/unit.h"

static void comparing(void **state)
{
    struct str none = {0};

    assert_true(str_eq(STR("a\0b"), STR("a\0b")));
    assert_false(str_eq(STR("ab"), STR("abc")));
    assert_true(str_eq(none, STR("")));
    assert_true(str_eq_nocase(STR("Content-TYPE"), "content-type"));
    assert_true(str_eq_nocase(none, ""));
    assert_false(str_eq_nocase(STR("a"), ""));
    assert_true(str_starts(STR("abc"), "ab") && str_starts(none, ""));
    assert_false(str_starts(STR("a"), "ab"));
    assert_true(str_ends(STR("abc"), "bc") && str_ends(none, ""));
    assert_false(str_ends(STR("c"), "bc"));
    assert_int_equal(str_from(NULL).n, 0);
    assert_non_null(str_from(NULL).p);
}

static void finding(void **state)
{
    assert_int_equal(str_find(STR("a needle"), STR("needle")), 2);
    assert_int_equal(str_find(STR("nee"), STR("needle")), -1);
    assert_int_equal(str_find((struct str){0}, STR("")), 0);
    assert_int_equal(str_find_char(STR("a,b"), ','), 1);
    assert_int_equal(str_find_char((struct str){0}, ','), -1);
    assert_str(str_from_pos(STR("abc"), 1), "bc");
    assert_str(str_from_pos(STR("abc"), 9), "");
    assert_int_equal(str_from_pos((struct str){0}, 0).n, 0);
    assert_str(str_trim(STR(" \t a b\r\n")), "a b");
    assert_str(str_trim(STR(" \n ")), "");
}

static void parts(void **state)
{
    struct str rest = STR("a,,b"), part;

    assert_true(str_next(&rest, ',', &part));
    assert_str(part, "a");
    assert_true(str_next(&rest, ',', &part));
    assert_str(part, "");
    assert_true(str_next(&rest, ',', &part));
    assert_str(part, "b");
    assert_false(str_next(&rest, ',', &part));
    rest = STR("a,");
    assert_true(str_next(&rest, ',', &part));
    assert_false(str_next(&rest, ',', &part));
    rest = STR("");
    assert_false(str_next(&rest, ',', &part));
}

static void lines(void **state)
{
    struct str rest = STR("one\r\n\ntwo\rx\nlast"), line;

    assert_true(str_next_line(&rest, &line));
    assert_str(line, "one");
    assert_true(str_next_line(&rest, &line));
    assert_str(line, "");
    assert_true(str_next_line(&rest, &line));
    assert_str(line, "two\rx");
    assert_true(str_next_line(&rest, &line));
    assert_str(line, "last");
    assert_false(str_next_line(&rest, &line));
}

static void whole_numbers(void **state)
{
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1x",
                                      "0x1",
                                      "--1",
                                      "9223372036854775808",
                                      "-9223372036854775809"};
    uint64_t u;
    int64_t i = 5;

    assert_true(str_to_u64(STR("18446744073709551615"), &u));
    assert_true(u == UINT64_MAX);
    assert_false(str_to_u64(STR("18446744073709551616"), &u));
    assert_false(str_to_u64(STR("-0"), &u));
    for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
        assert_false(str_to_i64(str_from(bad[k]), &i));
    assert_int_equal(i, 5);
    assert_true(str_to_i64(STR("-9223372036854775808"), &i));
    assert_true(i == INT64_MIN);
    assert_true(str_to_i64(STR("9223372036854775807"), &i));
    assert_true(i == INT64_MAX);
}

static void reals(void **state)
{
    static const char *const bad[] = {"", " 1", "1 ", "0x10", "inf", "nan", "1e999", "1.2.3", "-"};
    double d;

    assert_true(str_to_double(STR("-1.5e2"), &d));
    assert_true(d == -150);
    for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
        assert_false(str_to_double(str_from(bad[k]), &d));
    assert_false(str_to_double(STR("1\0002"), &d));
}

static void distance(void **state)
{
    char longer[66];

    memset(longer, 'x', 65);
    longer[65] = '\0';
    assert_int_equal(str_distance("", ""), 0);
    assert_int_equal(str_distance("kitten", "sitting"), 3);
    assert_int_equal(str_distance("abc", ""), 3);
    assert_int_equal(str_distance(longer, "x"), 65);
    assert_int_equal(str_distance(longer + 1, longer + 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparing), cmocka_unit_test(finding),       cmocka_unit_test(parts),
        cmocka_unit_test(lines),     cmocka_unit_test(whole_numbers), cmocka_unit_test(reals),
        cmocka_unit_test(distance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
