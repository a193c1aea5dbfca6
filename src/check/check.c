#include "check/check.h"

#include "base/text.h"

const char *check_reason_name(enum check_reason reason)
{
    static const char *const names[CHECK_REASONS] = {
        [CHECK_OK] = "ok",
        [CHECK_NO_STEP] = "no_step",
        [CHECK_NO_PROJECT] = "no_project",
        [CHECK_TESTS_FAIL] = "tests_fail",
        [CHECK_NO_TESTS] = "no_tests",
        [CHECK_ALL_SKIPPED] = "all_skipped",
        [CHECK_COUNTS_DISAGREE] = "counts_disagree",
        [CHECK_REPORT_MISSING] = "report_missing",
        [CHECK_TESTS_DROPPED] = "tests_dropped",
        [CHECK_TESTS_WEAKENED] = "tests_weakened",
        [CHECK_BUILD_FAILS] = "build_fails",
        [CHECK_TYPE_ERRORS] = "type_errors",
        [CHECK_FINDINGS] = "findings",
        [CHECK_FLAKY] = "flaky",
        [CHECK_INSTALL_FAILED] = "install_failed",
        [CHECK_TIMED_OUT] = "timed_out",
        [CHECK_KILLED] = "killed",
        [CHECK_OUTPUT_LIMIT] = "output_limit",
        [CHECK_TOOL_MISSING] = "tool_missing",
        [CHECK_TOOL_BROKE] = "tool_broke",
        [CHECK_SANDBOX] = "sandbox",
    };

    return names[reason];
}

const char *check_outcome_name(enum check_outcome outcome)
{
    static const char *const names[] = {"pass", "fail", "na", "error"};

    return names[outcome];
}

/* A failure is certain, whatever else couldn't be found out. */
static int badness(enum check_outcome outcome)
{
    static const int order[] = {
        [CHECK_NA] = 0, [CHECK_PASS] = 1, [CHECK_ERROR] = 2, [CHECK_FAIL] = 3};

    return order[outcome];
}

void check_conclude(struct check_round *round)
{
    bool bad = false;

    round->infra = false;
    for (int k = 0; k < CHECK_KINDS; k++)
        round->outcome[k] = CHECK_NA;
    for (size_t i = 0; i < round->n_checks; i++) {
        const struct check *c = &round->checks[i];

        if (badness(c->outcome) > badness(round->outcome[c->kind]))
            round->outcome[c->kind] = c->outcome;
        bad |= c->outcome == CHECK_FAIL || c->outcome == CHECK_ERROR;
        round->infra |= c->outcome == CHECK_ERROR;
    }
    round->green = !bad && round->outcome[CHECK_TESTS] == CHECK_PASS;
}

static const char *tests_counts(const struct check_round *round, struct arena *a)
{
    int64_t failed = 0, executed = 0;

    for (size_t i = 0; i < round->n_checks; i++) {
        failed += round->checks[i].report.failed;
        executed += round->checks[i].report.failed + round->checks[i].report.passed;
    }
    if (failed)
        return arena_printf(a, " %lld of %lld", (long long)failed, (long long)executed);
    return executed ? arena_printf(a, " %lld", (long long)executed) : "";
}

const char *check_summary(const struct check_round *round, struct arena *a)
{
    static const enum check_kind order[] = {CHECK_TESTS, CHECK_BUILD, CHECK_TYPES, CHECK_LINT};
    static const char *const words[] = {"pass", "FAIL", "na", "ERROR"};
    const char *text = "";

    for (int i = 0; i < CHECK_KINDS; i++)
        text = arena_printf(a, "%s%s%s %s%s", text, i ? ", " : "", check_kind_name(order[i]),
                            words[round->outcome[order[i]]],
                            order[i] == CHECK_TESTS ? tests_counts(round, a) : "");
    return text;
}
