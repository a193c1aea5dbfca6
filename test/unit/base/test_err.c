#include <errno.h>

#include "support/unit.h"

static void set_fills_everything(void **state)
{
    struct err e = {.sys = 7, .fix = "old"};

    assert_int_equal(err_set(&e, ERR_INPUT, "no %s at %d", "name", 3), -1);
    assert_int_equal(e.kind, ERR_INPUT);
    assert_int_equal(e.sys, 0);
    assert_string_equal(e.msg, "no name at 3");
    assert_string_equal(e.fix, "");
}

static void sys_adds_the_reason(void **state)
{
    struct err e = {0};

    assert_int_equal(err_sys(&e, ERR_NOT_FOUND, ENOENT, "open '%s'", "x"), -1);
    assert_int_equal(e.sys, ENOENT);
    assert_string_equal(e.msg, "open 'x': No such file or directory");
}

static void sys_keeps_the_reason_of_a_long_name(void **state)
{
    char name[2 * ERR_MSG_MAX];
    struct err e = {0};

    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    err_sys(&e, ERR_IO, EACCES, "open '%s'", name);
    assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
    assert_contains(e.msg, "xxx...: Permission denied");
}

static void wrap_and_fix(void **state)
{
    struct err e = {0};

    err_set(&e, ERR_NET, "connection refused");
    assert_int_equal(err_wrap(&e, "task %d", 4), -1);
    assert_int_equal(err_fix(&e, "run '%s'", "kiln doctor"), -1);
    assert_string_equal(e.msg, "task 4: connection refused");
    assert_string_equal(e.fix, "run 'kiln doctor'");
    assert_int_equal(e.kind, ERR_NET);
}

static void an_error_may_be_made_from_itself(void **state)
{
    struct err e = {0};

    err_set(&e, ERR_NET, "inner");
    err_set(&e, ERR_REMOTE, "outer (%s)", e.msg);
    assert_string_equal(e.msg, "outer (inner)");
}

static void long_messages_are_marked(void **state)
{
    struct err e = {0};

    err_set(&e, ERR_INPUT, "%2000d", 1);
    assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
    assert_string_equal(e.msg + ERR_MSG_MAX - 4, "...");
    err_set(&e, ERR_INPUT, "%900d", 1);
    err_wrap(&e, "%900d", 2);
    assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
    assert_string_equal(e.msg + ERR_MSG_MAX - 4, "...");
}

static void without_an_error_to_fill(void **state)
{
    assert_int_equal(err_set(NULL, ERR_IO, "x"), -1);
    assert_int_equal(err_sys(NULL, ERR_IO, EIO, "x"), -1);
    assert_int_equal(err_wrap(NULL, "x"), -1);
    assert_int_equal(err_fix(NULL, "x"), -1);
}

static void every_kind_has_a_name(void **state)
{
    for (int kind = ERR_NONE; kind <= ERR_INTERNAL; kind++)
        assert_non_null(err_kind_name((enum err_kind)kind));
    assert_string_equal(err_kind_name(ERR_NOT_FOUND), "not_found");
}

static void transient_kinds(void **state)
{
    assert_true(err_is_transient(&(struct err){.kind = ERR_THROTTLED}));
    assert_true(err_is_transient(&(struct err){.kind = ERR_NET}));
    assert_false(err_is_transient(&(struct err){.kind = ERR_AUTH}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_fills_everything),
        cmocka_unit_test(sys_adds_the_reason),
        cmocka_unit_test(sys_keeps_the_reason_of_a_long_name),
        cmocka_unit_test(wrap_and_fix),
        cmocka_unit_test(an_error_may_be_made_from_itself),
        cmocka_unit_test(long_messages_are_marked),
        cmocka_unit_test(without_an_error_to_fill),
        cmocka_unit_test(every_kind_has_a_name),
        cmocka_unit_test(transient_kinds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
