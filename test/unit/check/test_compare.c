/* Rounds held against each other, and what is said about them. */
#include "support/unit.h"

#include "check/check.h"

/* "a+ b- c~": passed, failed, skipped. */
static void add_cases(struct arena *a, struct report *r, const char *cases)
{
    struct str rest = str_from(cases), word;
    struct err err;

    while (str_next(&rest, ' ', &word)) {
        char mark = word.p[word.n - 1];

        assert_int_equal(report_add(a, r, (struct str){word.p, word.n - 1},
                                    mark == '+'   ? REPORT_PASSED
                                    : mark == '-' ? REPORT_FAILED
                                                  : REPORT_SKIPPED,
                                    (struct str){0}, &err),
                         0);
    }
}

/* A round with one check of each kind; the tests are as `cases` says. */
static struct check_round make_round(struct arena *a, const char *cases)
{
    struct check_round round = {.checks = ARENA_ARRAY(a, CHECK_KINDS, struct check),
                                .n_checks = CHECK_KINDS};
    struct check *tests = &round.checks[CHECK_TESTS];

    for (int k = 0; k < CHECK_KINDS; k++)
        round.checks[k] = (struct check){
            .kind = (enum check_kind)k, .stack = "python", .dir = ".", .detail = "clean"};
    round.checks[CHECK_TYPES].outcome = CHECK_NA;
    add_cases(a, &tests->report, cases);
    if (tests->report.failed || !tests->report.passed) {
        tests->outcome = CHECK_FAIL;
        tests->reason = CHECK_TESTS_FAIL;
    }
    check_conclude(&round);
    return round;
}

/* ---- check_compare ---- */

/* Rounds one after the other; the reason and detail of the last one's tests. */
static void test_dropped(void **state)
{
    static const struct {
        const char *rounds[3];
        enum check_reason reason;
        const char *detail;
    } rows[] = {
        {{"a+ b+"}, CHECK_OK, "clean"},
        {{"a+ b+", "a+ b+ c+"}, CHECK_OK, "clean"},
        {{"a+ b+", "a+"}, CHECK_TESTS_DROPPED, "1 test executed, but 2 in an earlier round"},
        {{"a+ b+", "a+ b~"}, CHECK_TESTS_DROPPED, "1 test executed, but 2 in an earlier round"},
        {{"a+ b-", "a+"},
         CHECK_TESTS_DROPPED,
         "1 test executed, but 2 in an earlier round; failed before and gone now: b"},
        {{"a+ b-", "a+ b~"},
         CHECK_TESTS_DROPPED,
         "1 test executed, but 2 in an earlier round; failed before and gone now: b"},
        {{"a+ b-", "a+ c+"}, CHECK_OK, "clean"}, /* renamed: the count decides */
        {{"a+ b+ c+", "a-", "a+ b+"},
         CHECK_TESTS_DROPPED,
         "2 tests executed, but 3 in an earlier round"},
        {{"a+ b+", "a-"}, CHECK_TESTS_FAIL, "clean"}, /* red anyway */
        {{"a- b- c- d- e-", "x+"},
         CHECK_TESTS_DROPPED,
         "1 test executed, but 5 in an earlier round; failed before and gone now: a, b, c and 2 "
         "more"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ARENA_CLEANUP struct arena a = {0};
        struct check_history history = {0};
        struct check_round round = {0};

        for (size_t k = 0; k < 3 && rows[i].rounds[k]; k++) {
            round = make_round(&a, rows[i].rounds[k]);
            check_compare(&history, &round, &a);
        }
        assert_int_equal(round.checks[CHECK_TESTS].reason, rows[i].reason);
        assert_string_equal(round.checks[CHECK_TESTS].detail, rows[i].detail);
        assert_int_equal(round.green, rows[i].reason == CHECK_OK);
    }
}

/* A round that couldn't run its tests says nothing about them. */
static void test_history_survives_a_round_without_tests(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct check_history history = {0};
    struct check_round round = make_round(&a, "a+ b-");

    check_compare(&history, &round, &a);
    round = make_round(&a, "");
    check_compare(&history, &round, &a);
    assert_int_equal(history.best_executed, 2);
    assert_int_equal(history.n_failed, 1);
    assert_string_equal(history.failed[0], "b");
}

/* ---- check_flaky ---- */

static void test_flaky(void **state)
{
    static const struct {
        const char *first, *again;
        enum check_reason reason;
        const char *detail;
    } rows[] = {
        {"a+ b+", "a+ b+", CHECK_OK, "clean"},
        {"a+ b+", "b+ a+", CHECK_OK, "clean"},
        {"a+ b+", "a+ b-", CHECK_FLAKY,
         "run again without a change: b passed at first, then failed"},
        {"a+ b+", "a+", CHECK_FLAKY,
         "run again without a change: b passed at first, then was not there"},
        {"a+", "a+ b+", CHECK_FLAKY, "run again without a change: 1 test at first, then 2"},
        {"a-", "a+", CHECK_TESTS_FAIL, "clean"}, /* not asked about what is red */
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ARENA_CLEANUP struct arena a = {0};
        struct check_round round = make_round(&a, rows[i].first);
        struct check_round again = make_round(&a, rows[i].again);

        check_flaky(&round, &again, &a);
        assert_int_equal(round.checks[CHECK_TESTS].reason, rows[i].reason);
        assert_string_equal(round.checks[CHECK_TESTS].detail, rows[i].detail);
        assert_int_equal(round.green, rows[i].reason == CHECK_OK);
    }
}

static void test_second_run_that_could_not_run(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct check_round round = make_round(&a, "a+"), again = make_round(&a, "");

    again.checks[CHECK_TESTS].outcome = CHECK_ERROR;
    again.checks[CHECK_TESTS].reason = CHECK_SANDBOX;
    check_flaky(&round, &again, &a);
    assert_int_equal(round.checks[CHECK_TESTS].outcome, CHECK_ERROR);
    assert_true(round.infra);
    assert_false(round.green);
}

/* ---- the whole of a round ---- */

static void test_summary(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct check_round round = make_round(&a, "a+ b+ c-");

    assert_string_equal(check_summary(&round, &a),
                        "tests FAIL 1 of 3, build pass, types na, lint pass");
    round = make_round(&a, "a+ b~");
    round.checks[CHECK_LINT].outcome = CHECK_ERROR;
    check_conclude(&round);
    assert_string_equal(check_summary(&round, &a),
                        "tests pass 1, build pass, types na, lint ERROR");
    assert_true(round.infra);
    assert_false(round.green);
}

/* Nothing is green without tests. */
static void test_green_needs_tests(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct check_round round = make_round(&a, "a+");

    assert_true(round.green);
    round.n_checks = CHECK_TESTS;
    check_conclude(&round);
    assert_false(round.green);
    assert_int_equal(round.outcome[CHECK_TESTS], CHECK_NA);
}

static void test_json(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct check_round round = make_round(&a, "a+ b- c~");
    struct check *tests = &round.checks[CHECK_TESTS];
    const char *text;

    tests->command = "python3 -m unittest";
    tests->exit_code = 1;
    tests->status = "exit status 1";
    tests->output = STR("F\xff");
    tests->log = "it1-tests.log";
    JSON_CLEANUP json_t *o = check_to_json(&round);

    text = json_dump(&a, json_array_get(json_object_get(o, "checks"), CHECK_TESTS));
    assert_string_equal(
        text, "{\"check\":\"tests\",\"stack\":\"python\",\"dir\":\".\",\"outcome\":\"fail\","
              "\"reason\":\"tests_fail\",\"detail\":\"clean\",\"why\":null,"
              "\"command\":\"python3 -m unittest\",\"exit_code\":1,"
              "\"status\":\"exit status 1\",\"wall_ms\":0,\"tests\":{\"executed\":2,"
              "\"passed\":1,\"failed\":1,\"skipped\":1,\"assertions\":0,\"failing\":[{\"id\":\"b\","
              "\"status\":\"failed\",\"message\":null}]},\"output\":\"F\xef\xbf\xbd\","
              "\"log\":\"it1-tests.log\"}");
    assert_false(json_get_bool(o, "green", true));
    assert_string_equal(json_get_c(json_object_get(o, "outcome"), "types"), "na");
}

static enum check_reason compare_with(struct check_history *h, struct arena *a, const char *cases,
                                      int64_t assertions)
{
    struct check_round round = make_round(a, cases);

    round.checks[CHECK_TESTS].assertions = assertions;
    check_compare(h, &round, a);
    return round.checks[CHECK_TESTS].reason;
}

/* Assertions may go while all is well, but not out of tests that failed. */
static void test_weakened(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct check_history h = {0};

    assert_int_equal(compare_with(&h, &a, "a+ b+", 9), CHECK_OK);
    assert_int_equal(compare_with(&h, &a, "a+ b+", 7), CHECK_OK);
    assert_int_equal(compare_with(&h, &a, "a+ b-", 7), CHECK_TESTS_FAIL);
    assert_int_equal(compare_with(&h, &a, "a+ b+", 6), CHECK_TESTS_WEAKENED);
    assert_int_equal(compare_with(&h, &a, "a+ b+", 7), CHECK_OK);
    assert_int_equal(compare_with(&h, &a, "a+ b+ c+", 8), CHECK_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dropped),
        cmocka_unit_test(test_history_survives_a_round_without_tests),
        cmocka_unit_test(test_weakened),
        cmocka_unit_test(test_flaky),
        cmocka_unit_test(test_second_run_that_could_not_run),
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_green_needs_tests),
        cmocka_unit_test(test_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
