/* When to go on, say so, roll back, start afresh, stop. */
#include "support/unit.h"
#include "task/progress.h"

struct round_spec {
    const char *failing; /* ids, separated by spaces */
    const char *message; /* of each */
    int64_t passed;
    bool build_red;
};

static struct check_round make_round(struct arena *a, struct round_spec spec)
{
    struct check_round r = {.checks = ARENA_ARRAY(a, 2, struct check), .n_checks = 2};
    struct check *tests = &r.checks[1];
    struct str ids = str_from(spec.failing), id;
    struct err err = {0};

    r.checks[0] = (struct check){.kind = CHECK_BUILD,
                                 .dir = ".",
                                 .stack = "python",
                                 .outcome = spec.build_red ? CHECK_FAIL : CHECK_PASS,
                                 .reason = spec.build_red ? CHECK_BUILD_FAILS : CHECK_OK,
                                 .output = str_from(spec.build_red ? spec.message : "")};
    *tests = (struct check){.kind = CHECK_TESTS, .dir = ".", .stack = "python"};
    while (str_next(&ids, ' ', &id))
        assert_int_equal(
            report_add(a, &tests->report, id, REPORT_FAILED, str_from(spec.message), &err), 0);
    tests->report.passed = spec.passed;
    tests->outcome = tests->report.failed ? CHECK_FAIL : CHECK_PASS;
    r.outcome[CHECK_BUILD] = r.checks[0].outcome;
    r.outcome[CHECK_TYPES] = r.outcome[CHECK_LINT] = CHECK_NA;
    r.outcome[CHECK_TESTS] = tests->outcome;
    return r;
}

static enum progress_action step(struct progress *p, struct arena *a, struct round_spec spec,
                                 const char *tree)
{
    struct check_round r = make_round(a, spec);

    return progress_next(p, &r, tree, a);
}

static void signature_ignores_chance(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct check_round x = make_round(&a, (struct round_spec){"t1 t2", "took 0.31 s at 0x7f12", 1});
    struct check_round y = make_round(&a, (struct round_spec){"t2 t1", "took 9 s at 0x55aa", 1});
    struct check_round z = make_round(&a, (struct round_spec){"t2", "took 9 s at 0x55aa", 1});
    struct check_round w = make_round(&a, (struct round_spec){"t1 t2", "another cause", 1});

    assert_string_equal(progress_signature(&x, &a), progress_signature(&y, &a));
    assert_string_not_equal(progress_signature(&x, &a), progress_signature(&z, &a));
    assert_string_not_equal(progress_signature(&x, &a), progress_signature(&w, &a));
}

static void normalise_takes_the_first_line(void **state)
{
    ARENA_CLEANUP struct arena a = {0};

    assert_str(progress_normalise(&a, STR("\n  line 12: 1.5 != 0x1f at v2\nmore")),
               "line #: # != # at v#");
    assert_str(progress_normalise(&a, STR(" \n\n")), "");
}

static void repeated_failure_is_said_then_ends_the_thread(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct progress p = {0};
    struct round_spec same = {"t1", "boom", 3};

    assert_int_equal(step(&p, &a, same, "A"), PROGRESS_GO_ON);
    assert_int_equal(step(&p, &a, same, "B"), PROGRESS_SAY_REPEATED);
    assert_int_equal(step(&p, &a, same, "C"), PROGRESS_FRESH_BEST);
    assert_int_equal(p.thread, 1);
    assert_int_equal(step(&p, &a, same, "D"), PROGRESS_GO_ON);
    assert_int_equal(step(&p, &a, same, "E"), PROGRESS_SAY_REPEATED);
    assert_int_equal(step(&p, &a, same, "F"), PROGRESS_FRESH_EMPTY);
}

static void nothing_changes_is_no_progress(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct progress p = {0};
    struct round_spec same = {"t1", "boom", 3};

    step(&p, &a, same, "A");
    step(&p, &a, same, "A");
    assert_int_equal(step(&p, &a, same, "A"), PROGRESS_FRESH_BEST);
    assert_int_equal(step(&p, &a, same, "A"), PROGRESS_STOP);
}

static void alternating_failures_end_the_thread(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct progress p = {0};

    step(&p, &a, (struct round_spec){"t1", "x", 3}, "A");
    step(&p, &a, (struct round_spec){"t2", "y", 3}, "B");
    step(&p, &a, (struct round_spec){"t1", "x", 3}, "A");
    assert_int_equal(step(&p, &a, (struct round_spec){"t2", "y", 3}, "B"), PROGRESS_FRESH_BEST);
}

static void three_rounds_without_a_better_score_end_the_thread(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct progress p = {0};

    step(&p, &a, (struct round_spec){"t1", "a", 9}, "A");
    step(&p, &a, (struct round_spec){"t2", "b", 9}, "B");
    step(&p, &a, (struct round_spec){"t3", "c", 9}, "C");
    assert_int_equal(step(&p, &a, (struct round_spec){"t4", "d", 9}, "D"), PROGRESS_FRESH_BEST);
    assert_int_equal(p.best, 0);
}

static void getting_better_goes_on(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct progress p = {0};

    assert_int_equal(step(&p, &a, (struct round_spec){"t1 t2 t3", "a", 1}, "A"), PROGRESS_GO_ON);
    assert_int_equal(step(&p, &a, (struct round_spec){"t1 t2", "a", 2}, "B"), PROGRESS_GO_ON);
    assert_int_equal(step(&p, &a, (struct round_spec){"t1", "a", 3}, "C"), PROGRESS_GO_ON);
    assert_int_equal(p.best, 2);
}

static void much_worse_rolls_back(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct progress p = {0};

    step(&p, &a, (struct round_spec){"t1", "a", 9}, "A");
    assert_int_equal(step(&p, &a, (struct round_spec){"t1 t2 t3 t4", "a", 6}, "B"),
                     PROGRESS_ROLL_BACK);
    assert_int_equal(p.best, 0);
    assert_int_equal(step(&p, &a, (struct round_spec){"", "no symbol", 0, .build_red = true}, "C"),
                     PROGRESS_ROLL_BACK);
}

/* A few tests that all pass are no better than many of which some fail. */
static void more_tests_are_no_step_back(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct progress p = {0};

    step(&p, &a, (struct round_spec){"", "", 2}, "A"); /* red by something else */
    assert_int_equal(step(&p, &a, (struct round_spec){"t1 t2 t3", "a", 7}, "B"), PROGRESS_GO_ON);
    assert_int_equal(p.best, 1);
}

/* The best tree is of another project then. */
static void a_start_from_nothing_does_not_go_back(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct progress p = {0};
    struct round_spec same = {"t1", "boom", 9}, broken = {"", "no symbol", 0, .build_red = true};

    for (const char *tree = "ABCDE"; *tree; tree++)
        step(&p, &a, same, tree);
    assert_int_equal(step(&p, &a, same, "F"), PROGRESS_FRESH_EMPTY);
    assert_int_equal(step(&p, &a, broken, "G"), PROGRESS_GO_ON);
}

static void a_conversation_that_is_full_is_renewed_once(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct progress p = {0};
    struct round_spec same = {"t1", "boom", 9};
    enum progress_action action = step(&p, &a, same, "A");

    assert_int_equal(progress_renew(&p, action), PROGRESS_FRESH_BEST);
    assert_int_equal(p.thread, 1);
    step(&p, &a, same, "B");
    step(&p, &a, same, "C");
    action = step(&p, &a, same, "D");
    assert_int_equal(action, PROGRESS_FRESH_EMPTY);
    assert_int_equal(progress_renew(&p, action), PROGRESS_FRESH_EMPTY);
    assert_int_equal(p.thread, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signature_ignores_chance),
        cmocka_unit_test(normalise_takes_the_first_line),
        cmocka_unit_test(repeated_failure_is_said_then_ends_the_thread),
        cmocka_unit_test(nothing_changes_is_no_progress),
        cmocka_unit_test(alternating_failures_end_the_thread),
        cmocka_unit_test(three_rounds_without_a_better_score_end_the_thread),
        cmocka_unit_test(getting_better_goes_on),
        cmocka_unit_test(much_worse_rolls_back),
        cmocka_unit_test(more_tests_are_no_step_back),
        cmocka_unit_test(a_start_from_nothing_does_not_go_back),
        cmocka_unit_test(a_conversation_that_is_full_is_renewed_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
