/* What evidence means: exit codes and counts that a real runner rarely gives. */
#include "support/unit.h"

#include "check/check_judge.h"

static const int zero[] = {0}, one[] = {1};
static const struct stack_rule any_finding = {.run = "x", .ok = {zero, 1}};
static const struct stack_rule one_finding = {.run = "x", .ok = {zero, 1}, .findings = {one, 1}};

static const char *patterns[] = {"test*.py"};
static const struct stack python = {.name = "python", .tests = {patterns, 1}};
static const struct stack_unit unit = {.stack = &python, .dir = "."};

static struct check_evidence exited(int code)
{
    return (struct check_evidence){
        .result = {.outcome = ENVD_EXITED, .exit_code = code, .status = "exit status N"},
        .output = STR("line one\na.c:1: error: bad\nmake: *** Error 1\n"),
    };
}

static void expect(struct arena *a, enum check_kind kind, const struct check_evidence *e,
                   const struct stack_rule *rule, enum check_outcome outcome,
                   enum check_reason reason, const char *detail)
{
    struct check c = {.kind = kind};

    check_judge(&c, e, &unit, rule, true, a);
    assert_string_equal(check_reason_name(c.reason), check_reason_name(reason));
    assert_int_equal(c.outcome, outcome);
    assert_string_equal(c.detail, detail);
}

static void test_commands(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct check_evidence e = exited(0);

    expect(&a, CHECK_BUILD, &e, &any_finding, CHECK_PASS, CHECK_OK, "clean");
    e = exited(2);
    expect(&a, CHECK_BUILD, &e, &any_finding, CHECK_FAIL, CHECK_BUILD_FAILS, "a.c:1: error: bad");
    expect(&a, CHECK_TYPES, &e, &any_finding, CHECK_FAIL, CHECK_TYPE_ERRORS, "a.c:1: error: bad");
    expect(&a, CHECK_LINT, &e, &one_finding, CHECK_ERROR, CHECK_TOOL_BROKE,
           "the tool itself failed (exit status N): a.c:1: error: bad");
    e = exited(1);
    e.output = STR("\na.py:1:1: F401\na.py:2:1: F401\n");
    expect(&a, CHECK_LINT, &e, &one_finding, CHECK_FAIL, CHECK_FINDINGS,
           "a.py:1:1: F401 (and 1 more)");
    e.output = STR("");
    expect(&a, CHECK_LINT, &e, &one_finding, CHECK_FAIL, CHECK_FINDINGS, "no output");
}

/* Trouble of what the project runs is a failure; of a tool of ours, an error. */
static void test_ends(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct check_evidence e = {
        .result = {.outcome = ENVD_TIMED_OUT, .exit_code = -1, .wall_ms = 300000}};

    expect(&a, CHECK_TESTS, &e, &any_finding, CHECK_FAIL, CHECK_TIMED_OUT,
           "no end after 5 min 00 s");
    expect(&a, CHECK_LINT, &e, &any_finding, CHECK_FAIL, CHECK_TIMED_OUT,
           "no end after 5 min 00 s");
    expect(&a, CHECK_LINT, &e, &one_finding, CHECK_ERROR, CHECK_TIMED_OUT,
           "no end after 5 min 00 s");
    e = (struct check_evidence){
        .result = {.outcome = ENVD_SIGNALLED, .exit_code = -1, .status = "signal: killed"}};
    expect(&a, CHECK_BUILD, &e, &any_finding, CHECK_FAIL, CHECK_KILLED,
           "killed, most likely because the memory ran out");
    e = exited(139);
    expect(&a, CHECK_TESTS, &e, &any_finding, CHECK_FAIL, CHECK_KILLED,
           "ended by signal 11 (Segmentation fault)");
    expect(&a, CHECK_TYPES, &e, &one_finding, CHECK_ERROR, CHECK_KILLED,
           "ended by signal 11 (Segmentation fault)");
    e = exited(0);
    e.output_limit = true;
    e.result.out.total = 64 << 20;
    expect(&a, CHECK_TESTS, &e, &any_finding, CHECK_FAIL, CHECK_OUTPUT_LIMIT,
           "ended after 64.0 MiB of output");
}

/* A report of so many passed, failed and skipped tests, and an exit code. */
static struct check_evidence reported(struct arena *a, int code, int passed, int failed,
                                      int skipped)
{
    struct check_evidence e = exited(code);
    struct err err;

    e.report_state = CHECK_REPORT_READ;
    for (int i = 0; i < passed; i++)
        report_add(a, &e.report, STR("tests.test_a.T.test_good"), REPORT_PASSED, STR(""), &err);
    for (int i = 0; i < failed; i++)
        report_add(a, &e.report, STR("tests.test_a.T.test_bad"), REPORT_FAILED, STR("why"), &err);
    for (int i = 0; i < skipped; i++)
        report_add(a, &e.report, STR("tests.test_a.T.test_not"), REPORT_SKIPPED, STR(""), &err);
    return e;
}

static void test_counts(void **state)
{
    static const struct {
        int code, passed, failed, skipped;
        enum check_reason reason;
        const char *detail;
    } rows[] = {
        {0, 3, 0, 0, CHECK_OK, "3 passed"},
        {0, 3, 0, 1, CHECK_OK, "3 passed, 1 skipped"},
        {1, 3, 1, 0, CHECK_TESTS_FAIL, "1 of 4 failed: test_bad"},
        {1, 0, 5, 0, CHECK_TESTS_FAIL,
         "5 of 5 failed: test_bad, tests.test_a.T.test_bad #2, tests.test_a.T.test_bad #3 and 2 "
         "more"},
        {0, 3, 1, 0, CHECK_COUNTS_DISAGREE,
         "1 of 4 failed: test_bad, although the runner's exit status says that none did"},
        {1, 3, 0, 0, CHECK_COUNTS_DISAGREE,
         "exit status N, but the report has no failed test: a.c:1: error: bad"},
        {0, 0, 0, 0, CHECK_NO_TESTS, "no test was executed"},
        {5, 0, 0, 0, CHECK_NO_TESTS, "no test was executed"},
        {0, 0, 0, 2, CHECK_ALL_SKIPPED, "2 tests, all skipped"},
        {5, 0, 0, 2, CHECK_ALL_SKIPPED, "2 tests, all skipped"},
        {137, 3, 0, 0, CHECK_COUNTS_DISAGREE,
         "exit status N, but the report has no failed test: a.c:1: error: bad"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ARENA_CLEANUP struct arena a = {0};
        struct check_evidence e =
            reported(&a, rows[i].code, rows[i].passed, rows[i].failed, rows[i].skipped);

        expect(&a, CHECK_TESTS, &e, &any_finding,
               rows[i].reason == CHECK_OK ? CHECK_PASS : CHECK_FAIL, rows[i].reason,
               rows[i].detail);
    }
}

static void test_reports(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct check_evidence e = reported(&a, 0, 2, 0, 0);
    struct check c = {.kind = CHECK_TESTS};

    e.report.disagrees = "2 tests, but the plan says 3";
    expect(&a, CHECK_TESTS, &e, &any_finding, CHECK_FAIL, CHECK_COUNTS_DISAGREE,
           "2 tests, but the plan says 3");
    e = exited(0);
    expect(&a, CHECK_TESTS, &e, &any_finding, CHECK_FAIL, CHECK_REPORT_MISSING,
           "the runner left no report (exit status N): a.c:1: error: bad");
    check_judge(&c, &e, &unit, &any_finding, false, &a);
    assert_int_equal(c.reason, CHECK_NO_TESTS);
    assert_string_equal(c.detail, "no test was executed: no file is named like test*.py");
    e.report_state = CHECK_REPORT_BAD;
    e.report_error = "r.xml: line 1: no";
    expect(&a, CHECK_TESTS, &e, &any_finding, CHECK_FAIL, CHECK_REPORT_MISSING,
           "the runner's report can't be read, r.xml: line 1: no (exit status N): a.c:1: error: "
           "bad");
}

/* A package manager that refuses has found something; one that broke has not. */
static void test_install(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct check_evidence e = exited(0);
    struct check c = {.exit_code = -1};

    assert_true(check_judge_installed(&e, &one_finding, &c, &a));
    e = exited(1);
    assert_false(check_judge_installed(&e, &one_finding, &c, &a));
    assert_int_equal(c.outcome, CHECK_FAIL);
    assert_int_equal(c.reason, CHECK_INSTALL_FAILED);
    assert_int_equal(c.exit_code, 1);
    e = exited(70);
    assert_false(check_judge_installed(&e, &one_finding, &c, &a));
    assert_int_equal(c.outcome, CHECK_ERROR);
    assert_int_equal(c.reason, CHECK_TOOL_BROKE);
    e.result.outcome = ENVD_SIGNALLED;
    assert_false(check_judge_installed(&e, &one_finding, &c, &a));
    assert_int_equal(c.outcome, CHECK_ERROR);
    assert_int_equal(c.reason, CHECK_KILLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands), cmocka_unit_test(test_ends),
        cmocka_unit_test(test_counts),   cmocka_unit_test(test_reports),
        cmocka_unit_test(test_install),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
