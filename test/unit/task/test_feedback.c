/* What the agent is told after a red round. */
#include "support/unit.h"
#include "task/feedback.h"

static struct check tests_check(struct arena *a, const char *const *ids, size_t n,
                                const char *message)
{
    struct check c = {.kind = CHECK_TESTS,
                      .outcome = CHECK_FAIL,
                      .reason = CHECK_TESTS_FAIL,
                      .stack = "python",
                      .dir = ".",
                      .command = "run tests",
                      .detail = "failed"};

    for (size_t i = 0; i < n; i++)
        report_add(a, &c.report, str_from(ids[i]), REPORT_FAILED, str_from(message), NULL);
    report_add(a, &c.report, STR("test_fine"), REPORT_PASSED, STR(""), NULL);
    return c;
}

static const char *message_of(struct arena *a, struct check *checks, size_t n, struct feedback *f)
{
    struct check_round *round = ARENA_NEW(a, struct check_round);
    struct tree *tree = ARENA_NEW(a, struct tree);
    struct stack_unit *unit = ARENA_NEW(a, struct stack_unit);

    *round = (struct check_round){.checks = checks, .n_checks = n, .units = unit, .n_units = 1};
    f->round = round;
    f->tree = f->tree ? f->tree : tree;
    f->iteration = 2;
    f->of = 10;
    return feedback_message(f, a);
}

static void failing_tests_are_named_with_their_message(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    const char *ids[] = {"test_divide_by_zero"};
    struct check c = tests_check(&a, ids, 1, "ZeroDivisionError: division by zero\n  calc.py:9");
    struct feedback f = {0};
    const char *text = message_of(&a, &c, 1, &f);

    assert_contains(text, "tests FAIL 1 of 2 | round 2 of 10");
    assert_contains(text, "Failing tests:\n  test_divide_by_zero\n");
    assert_contains(text, "    ZeroDivisionError: division by zero\n      calc.py:9\n");
    assert_contains(text, "Do not delete, skip or weaken tests");
}

static void a_broken_build_gets_the_room(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    const char *ids[] = {"test_a"};
    struct check checks[] = {
        tests_check(&a, ids, 1, "noise"),
        {.kind = CHECK_BUILD,
         .outcome = CHECK_FAIL,
         .reason = CHECK_BUILD_FAILS,
         .stack = "c",
         .dir = ".",
         .command = "make",
         .status = "exit status 2",
         .detail = "the build fails",
         .output = STR("main.c:3: error: expected ';'\n")},
    };
    struct feedback f = {0};
    const char *text = message_of(&a, checks, 2, &f);

    assert_contains(text, "build: the build fails\n");
    assert_contains(text, "Output of `make` (exit status 2):\n    main.c:3: error: expected ';'\n");
    assert_contains(text, "tests also fails: failed");
    assert_null(strstr(text, "noise"));
}

static void regressions_come_first(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    const char *old_ids[] = {"test_a"}, *new_ids[] = {"test_a", "test_fine2"};
    struct check before = tests_check(&a, old_ids, 1, "x");
    struct check now = tests_check(&a, new_ids, 2, "x");
    struct check_round previous = {.checks = &before, .n_checks = 1};
    struct feedback f = {.previous = &previous};
    const char *text;

    report_add(&a, &before.report, STR("test_fine2"), REPORT_PASSED, STR(""), NULL);
    text = message_of(&a, &now, 1, &f);
    assert_contains(text, "  test_fine2   (passed in the round before)\n  test_a\n");
    assert_contains(text, "(was 1 of 3)");
}

static void it_never_grows_past_its_limit(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    const char *ids[500];
    struct check c;
    struct feedback f = {0};
    const char *text;

    for (size_t i = 0; i < 500; i++)
        ids[i] = arena_printf(&a, "test_with_a_long_name_%0200zu", i);
    c = tests_check(&a, ids, 500, "a message\nof two lines");
    text = message_of(&a, &c, 1, &f);
    assert_true(strlen(text) <= FEEDBACK_MAX);
    assert_contains(text, "Do not delete, skip or weaken tests");
}

static void equal_messages_are_shown_once(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    const char *ids[] = {"t1", "t2"};
    struct check c = tests_check(&a, ids, 2, "same cause");
    struct feedback f = {0};
    const char *text = message_of(&a, &c, 1, &f), *first = strstr(text, "same cause");

    assert_non_null(first);
    assert_null(strstr(first + 1, "same cause"));
}

static void facts_are_added(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    const char *ids[] = {"t1"}, *restored[] = {"tests/test_api.py"};
    const char *notes[] = {"refused 'dev': a device"};
    struct tree tree = {.notes = notes, .n_notes = 1};
    struct check c = tests_check(&a, ids, 1, "x");
    struct feedback f = {.verifying = true,
                         .unchanged = true,
                         .restored = restored,
                         .n_restored = 1,
                         .tree = &tree,
                         .action = PROGRESS_SAY_REPEATED};
    const char *text = message_of(&a, &c, 1, &f);

    assert_contains(text, "in a fresh one");
    assert_contains(text, "You changed no file");
    assert_contains(text, "tests/test_api.py is protected");
    assert_contains(text, "Not collected: refused 'dev': a device");
    assert_contains(text, "State a different hypothesis");
}

/* However much a check says, it takes no room from the facts. */
static void long_messages_leave_the_facts(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    const char *ids[] = {"t1", "t2", "t3"};
    char *message = arena_alloc(&a, 4097, 1);
    struct check c = tests_check(&a, ids, 3, "");
    struct feedback f = {.verifying = true};
    const char *text;

    memset(message, 'x', 4096);
    message[4096] = '\0';
    for (size_t i = 0; i < 3; i++)
        c.report.cases[i].message = arena_printf(&a, "%c%s", 'a' + (int)i, message);
    text = message_of(&a, &c, 1, &f);
    assert_contains(text, "in a fresh one");
    assert_contains(text, "Do not delete, skip or weaken tests");
}

/* All checks fail for one reason then, which is said once, with what can be done. */
static void packages_that_are_missing_are_said_once(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct check missing = {.kind = CHECK_BUILD,
                            .outcome = CHECK_FAIL,
                            .reason = CHECK_INSTALL_FAILED,
                            .stack = "python",
                            .dir = ".",
                            .command = "pip3 install",
                            .detail = "No matching distribution found for flask"};
    struct check checks[] = {missing, missing};
    struct feedback f = {0};
    const char *text, *first;

    checks[1].kind = CHECK_TESTS;
    text = message_of(&a, checks, 2, &f);
    first = strstr(text, "No matching distribution found for flask");
    assert_non_null(first);
    assert_null(strstr(first + 1, "No matching distribution"));
    assert_contains(text, "There is no network");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failing_tests_are_named_with_their_message),
        cmocka_unit_test(a_broken_build_gets_the_room),
        cmocka_unit_test(regressions_come_first),
        cmocka_unit_test(it_never_grows_past_its_limit),
        cmocka_unit_test(equal_messages_are_shown_once),
        cmocka_unit_test(facts_are_added),
        cmocka_unit_test(long_messages_leave_the_facts),
        cmocka_unit_test(packages_that_are_missing_are_said_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
