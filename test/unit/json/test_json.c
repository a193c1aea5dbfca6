#include "json/json.h"
#include "support/unit.h"

static void check_refused(struct str text, const char *message)
{
    struct err e = {0};

    assert_null(json_parse(text, "task.json", &e));
    assert_int_equal(e.kind, ERR_INPUT);
    assert_contains(e.msg, message);
}

static void parsing_is_strict(void **state)
{
    check_refused(STR("{\"a\": 1, \"a\": 2}"), "task.json:1:12: duplicate object key");
    check_refused(STR("{\n  \"a\": x}"), "task.json:2:8: invalid token near 'x'");
    check_refused(STR("[1,]"), "task.json:1:4: unexpected token near ']'");
    check_refused(STR("[1] x"), "task.json:1:5: end of file expected");
    check_refused(STR("\"\xff\""), "task.json:1:1: unable to decode byte 0xff");
    check_refused(STR("'a'"), "task.json:1:1: invalid token");
    check_refused(STR("[NaN]"), "task.json:1:4: invalid token");
    check_refused(STR("[01]"), "task.json:1:2: ");
    check_refused(STR("/* c */ 1"), "task.json:1:1: ");
    check_refused(STR(""), "task.json:1:1: ");
    check_refused((struct str){0}, "task.json:1:1: ");
    check_refused(STR("9223372036854775808"), "too big integer");
    check_refused(STR("1e999"), "real number overflow");
    check_refused(STR("\"a\\u0000b\""), "\\u0000 is not allowed");
}

static void deep_nesting_is_refused(void **state)
{
    enum { DEPTH = 100000 };
    char *text = malloc(DEPTH);

    memset(text, '[', DEPTH);
    check_refused((struct str){text, DEPTH}, "maximum parsing depth reached");
    free(text);
}

static void any_value_may_be_at_the_top(void **state)
{
    JSON_CLEANUP json_t *number = json_parse(STR(" 9007199254740993 "), "x", NULL);
    JSON_CLEANUP json_t *string = json_parse(STR("\"x\""), "x", NULL);

    assert_true(json_integer_value(number) == 9007199254740993);
    assert_string_equal(json_string_value(string), "x");
}

static void writing(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    JSON_CLEANUP json_t *v = json_object();

    json_set(v, "z", json_real(0.1));
    json_set(v, "a", json_c("é\n"));
    json_set(v, "n", json_c(NULL));
    json_set(v, "list", json_array());
    json_add(json_object_get(v, "list"), json_integer(1));
    assert_string_equal(json_dump(&a, v), "{\"z\":0.1,\"a\":\"é\\n\",\"n\":null,\"list\":[1]}");
    assert_string_equal(json_dump_pretty(&a, json_object_get(v, "list")), "[\n  1\n]\n");
    assert_string_equal(json_dump(&a, json_true()), "true");
}

static void strings_are_made_of_any_bytes(void **state)
{
    JSON_CLEANUP json_t *bad = json_str(STR("a\0b\xff"));
    JSON_CLEANUP json_t *escape = json_str(STR("\033[1m\r"));
    JSON_CLEANUP json_t *nothing = json_str((struct str){0});

    assert_string_equal(json_string_value(bad), "ab\xef\xbf\xbd");
    assert_string_equal(json_string_value(escape), "\033[1m\r");
    assert_string_equal(json_string_value(nothing), "");
}

static void looking_up(void **state)
{
    JSON_CLEANUP json_t *v =
        json_parse(STR("{\"s\": \"text\", \"i\": -3, \"r\": 1.5, \"b\": true}"), "x", NULL);

    assert_string_equal(json_get_c(v, "s"), "text");
    assert_null(json_get_c(v, "i"));
    assert_null(json_get_c(NULL, "s"));
    assert_str(json_get_str(v, "s"), "text");
    assert_str(json_get_str(v, "none"), "");
    assert_int_equal(json_get_int(v, "i", 7), -3);
    assert_int_equal(json_get_int(v, "s", 7), 7);
    assert_true(json_get_real(v, "r", 0) == 1.5);
    assert_true(json_get_real(v, "i", 0) == -3);
    assert_true(json_get_real(v, "b", 9) == 9);
    assert_true(json_get_bool(v, "b", false));
    assert_true(json_get_bool(v, "i", true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsing_is_strict),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(any_value_may_be_at_the_top),
        cmocka_unit_test(writing),
        cmocka_unit_test(strings_are_made_of_any_bytes),
        cmocka_unit_test(looking_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
