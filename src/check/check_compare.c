/* Rounds held against each other: lost tests, and tests that change their mind. */
#include <string.h>

#include "base/text.h"
#include "check/check.h"

enum { MAX_NAMES = 3 };

static bool is_failed(const struct report_case *c)
{
    return c->status == REPORT_FAILED || c->status == REPORT_ERROR;
}

static const struct report_case *find_case(const struct report *r, const char *id)
{
    for (size_t i = 0; i < r->n_cases; i++)
        if (strcmp(r->cases[i].id, id) == 0)
            return &r->cases[i];
    return NULL;
}

static bool was_executed(const struct check_round *round, const char *id)
{
    for (size_t i = 0; i < round->n_checks; i++) {
        const struct report_case *c = find_case(&round->checks[i].report, id);

        if (c && c->status != REPORT_SKIPPED)
            return true;
    }
    return false;
}

static int64_t count_executed(const struct check_round *round)
{
    int64_t n = 0;

    for (size_t i = 0; i < round->n_checks; i++)
        n += round->checks[i].report.passed + round->checks[i].report.failed;
    return n;
}

/* ", gone: test_a, test_b": failed before and not executed any more. */
static const char *gone(const struct check_history *h, const struct check_round *round,
                        struct arena *a)
{
    const char *text = "";
    size_t n = 0;

    for (size_t i = 0; i < h->n_failed; i++) {
        if (was_executed(round, h->failed[i]))
            continue;
        if (n++ < MAX_NAMES)
            text = arena_printf(a, "%s%s %s", text,
                                n > 1 ? "," : "; failed before and gone now:", h->failed[i]);
    }
    return n > MAX_NAMES ? arena_printf(a, "%s and %zu more", text, n - MAX_NAMES) : text;
}

static int64_t count_assertions(const struct check_round *round)
{
    int64_t n = 0;

    for (size_t i = 0; i < round->n_checks; i++)
        if (round->checks[i].kind == CHECK_TESTS && round->checks[i].assertions > 0)
            n += round->checks[i].assertions;
    return n;
}

/* Turns the tests that pass into failures. */
static void mark(struct check_round *round, enum check_reason reason, const char *detail)
{
    for (size_t i = 0; i < round->n_checks; i++) {
        struct check *c = &round->checks[i];

        if (c->kind != CHECK_TESTS || c->outcome != CHECK_PASS)
            continue;
        c->outcome = CHECK_FAIL;
        c->reason = reason;
        c->detail = detail;
    }
    check_conclude(round);
}

static void mark_dropped(const struct check_history *h, struct check_round *round, int64_t executed,
                         struct arena *a)
{
    mark(round, CHECK_TESTS_DROPPED,
         arena_printf(a, "%s executed, but %lld in an earlier round%s",
                      text_plural(a, executed, "test"), (long long)h->best_executed,
                      gone(h, round, a)));
}

static void mark_weakened(const struct check_history *h, struct check_round *round, int64_t n,
                          struct arena *a)
{
    mark(round, CHECK_TESTS_WEAKENED,
         arena_printf(a,
                      "the tests pass with %s, but they failed with %lld: assertions were taken "
                      "out of them",
                      text_plural(a, n, "assertion"), (long long)h->assertions));
}

static void remember(struct check_history *h, const struct check_round *round, int64_t executed,
                     struct arena *a)
{
    int64_t assertions = count_assertions(round);
    size_t cap = 0;

    if (executed > h->best_executed)
        h->best_executed = executed;
    if (round->outcome[CHECK_TESTS] == CHECK_FAIL && assertions > h->assertions)
        h->assertions = assertions;
    h->failed = NULL;
    h->n_failed = 0;
    for (size_t i = 0; i < round->n_checks; i++) {
        const struct report *r = &round->checks[i].report;

        for (size_t k = 0; k < r->n_cases; k++) {
            if (!is_failed(&r->cases[k]))
                continue;
            h->failed = arena_grow(a, h->failed, h->n_failed, &cap, sizeof(*h->failed));
            h->failed[h->n_failed++] = arena_strdup(a, r->cases[k].id);
        }
    }
}

void check_compare(struct check_history *h, struct check_round *round, struct arena *a)
{
    int64_t executed = count_executed(round), assertions = count_assertions(round);
    bool pass = round->outcome[CHECK_TESTS] == CHECK_PASS;

    if (pass && executed < h->best_executed)
        mark_dropped(h, round, executed, a);
    else if (pass && assertions < h->assertions)
        mark_weakened(h, round, assertions, a);
    if (executed)
        remember(h, round, executed, a);
}

/* ---- flaky ---- */

static const struct check *same_check(const struct check_round *round, const struct check *c)
{
    for (size_t i = 0; i < round->n_checks; i++) {
        const struct check *other = &round->checks[i];

        if (other->kind == c->kind && strcmp(other->stack, c->stack) == 0 &&
            strcmp(other->dir, c->dir) == 0)
            return other;
    }
    return NULL;
}

/* The first test that didn't do the same again, in words; or NULL. */
static const char *difference(const struct report *r, const struct report *again, struct arena *a)
{
    for (size_t i = 0; i < r->n_cases; i++) {
        const struct report_case *c = &r->cases[i], *second = find_case(again, c->id);

        if (second && second->status == c->status)
            continue;
        return arena_printf(a, "%s %s at first, then %s", c->id, is_failed(c) ? "failed" : "passed",
                            !second             ? "was not there"
                            : is_failed(second) ? "failed"
                                                : "was skipped or passed");
    }
    if (again->n_cases > r->n_cases)
        return arena_printf(a, "%s at first, then %zu",
                            text_plural(a, (long long)r->n_cases, "test"), again->n_cases);
    return NULL;
}

static void compare_runs(struct check *c, const struct check *again, struct arena *a)
{
    const char *what = again ? difference(&c->report, &again->report, a) : NULL;

    if (!again || again->outcome == CHECK_ERROR) {
        c->outcome = CHECK_ERROR;
        c->reason = again ? again->reason : CHECK_SANDBOX;
        c->detail = arena_printf(a, "the tests couldn't be run a second time: %s",
                                 again ? again->detail : "they are not there");
        return;
    }
    if (again->outcome == CHECK_PASS && !what)
        return;
    c->outcome = CHECK_FAIL;
    c->reason = CHECK_FLAKY;
    c->detail = arena_printf(a, "run again without a change: %s", what ? what : again->detail);
}

void check_flaky(struct check_round *round, const struct check_round *again, struct arena *a)
{
    for (size_t i = 0; i < round->n_checks; i++) {
        struct check *c = &round->checks[i];

        if (c->kind == CHECK_TESTS && c->outcome == CHECK_PASS)
            compare_runs(c, same_check(again, c), a);
    }
    check_conclude(round);
}
