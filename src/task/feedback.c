#include "task/feedback.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

enum { NAMES_MAX = 20, DETAILS_MAX = 5, DETAIL_LINES = 25, OUTPUT_MAX = 3000 };

/* The parts of a message have room of their own, so that long output takes none from the rest. */
enum { FACTS_MAX = 2048, RULES_MAX = 1024, CHECKS_MAX = FEEDBACK_MAX - FACTS_MAX - RULES_MAX };

static void add(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct buf *b, const char *fmt, ...)
{
    ARENA_CLEANUP struct arena a = {0};
    va_list ap;

    va_start(ap, fmt);
    buf_add_some(b, str_from(arena_vprintf(&a, fmt, ap)));
    va_end(ap);
}

static bool is_red(const struct check *c)
{
    return c->outcome == CHECK_FAIL || c->outcome == CHECK_ERROR;
}

static bool is_bad(const struct report_case *t)
{
    return t->status == REPORT_FAILED || t->status == REPORT_ERROR;
}

/* The same check of the round before, or NULL. */
static const struct check *counterpart(const struct check_round *previous, const struct check *c)
{
    for (size_t i = 0; previous && i < previous->n_checks; i++) {
        const struct check *p = &previous->checks[i];

        if (p->kind == c->kind && strcmp(p->dir, c->dir) == 0 && strcmp(p->stack, c->stack) == 0)
            return p;
    }
    return NULL;
}

static const struct report_case *find_case(const struct check *c, const char *id)
{
    for (size_t i = 0; c && i < c->report.n_cases; i++)
        if (strcmp(c->report.cases[i].id, id) == 0)
            return &c->report.cases[i];
    return NULL;
}

/* "tests FAIL 1 of 4 (was 2 of 4)" */
static void add_headline(struct buf *b, const struct feedback *f)
{
    for (size_t i = 0; i < f->round->n_checks; i++) {
        const struct check *c = &f->round->checks[i], *was = counterpart(f->previous, c);
        const struct report *r = &c->report;

        add(b, "%s%s%s%s %s", i ? " | " : "", check_kind_name(c->kind),
            strcmp(c->dir, ".") == 0 ? "" : " in ", strcmp(c->dir, ".") == 0 ? "" : c->dir,
            is_red(c) ? "FAIL" : check_outcome_name(c->outcome));
        if (r->n_cases && is_red(c))
            add(b, " %" PRId64 " of %" PRId64, r->failed, r->failed + r->passed);
        if (was && was->report.n_cases && is_red(c))
            add(b, " (was %" PRId64 " of %" PRId64 ")", was->report.failed,
                was->report.failed + was->report.passed);
    }
    add(b, " | round %" PRId64 " of %" PRId64 "\n\n", f->iteration, f->of);
}

static bool is_regression(const struct check *was, const struct report_case *t)
{
    const struct report_case *before = find_case(was, t->id);

    return before && before->status == REPORT_PASSED;
}

static size_t add_names(struct buf *b, const struct check *c, const struct check *was,
                        bool regressions, size_t already)
{
    size_t n = already;

    for (size_t i = 0; i < c->report.n_cases; i++) {
        const struct report_case *t = &c->report.cases[i];

        if (!is_bad(t) || is_regression(was, t) != regressions)
            continue;
        if (n++ < NAMES_MAX)
            add(b, "  %s%s\n", t->id, regressions ? "   (passed in the round before)" : "");
    }
    return n;
}

/* At most `max` lines of a text. */
static void add_lines(struct buf *b, struct str text, size_t max)
{
    struct str line;
    size_t n = 0;

    while (str_next_line(&text, &line)) {
        if (n++ == max) {
            add(b, "    [...]\n");
            return;
        }
        add(b, "    %.*s\n", STR_ARG(line));
    }
}

static bool seen_before(const struct str *seen, size_t n, struct str one)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(seen[i], one))
            return true;
    return false;
}

/* The messages of the first few failures that differ from each other. */
static void add_details(struct buf *b, const struct check *c, struct arena *a)
{
    struct str seen[DETAILS_MAX];
    size_t n = 0;

    for (size_t i = 0; i < c->report.n_cases && n < DETAILS_MAX; i++) {
        const struct report_case *t = &c->report.cases[i];
        struct str key = progress_normalise(a, str_from(t->message));

        if (!is_bad(t) || !t->message || seen_before(seen, n, key))
            continue;
        seen[n++] = key;
        add(b, "\n%s:\n", t->id);
        add_lines(b, str_from(t->message), DETAIL_LINES);
    }
}

static void add_tests(struct buf *b, const struct check *c, const struct check *was,
                      struct arena *a)
{
    size_t n;

    add(b, "Failing tests:\n");
    n = add_names(b, c, was, true, 0);
    n = add_names(b, c, was, false, n);
    if (n > NAMES_MAX)
        add(b, "  ... and %zu more\n", n - NAMES_MAX);
    add_details(b, c, a);
}

/* Compilers say the cause first; runners sum up at the end. */
static void add_output(struct buf *b, const struct check *c, struct arena *a)
{
    unsigned head = c->kind == CHECK_TESTS ? 40 : 80;
    struct str text = text_head_tail(a, c->output, OUTPUT_MAX, head);

    if (str_trim(text).n == 0)
        return;
    add(b, "\nOutput of `%s` (%s):\n", c->command, c->status ? c->status : "");
    add_lines(b, text, 80);
}

static void add_check(struct buf *b, const struct check *c, const struct check *was,
                      struct arena *a)
{
    add(b, "%s: %s\n", check_kind_name(c->kind), c->detail ? c->detail : "failed");
    if (c->report.failed)
        add_tests(b, c, was, a);
    else
        add_output(b, c, a);
}

static void add_checks(struct buf *b, const struct feedback *f, struct arena *a)
{
    bool given = false;

    for (int kind = 0; kind < CHECK_KINDS; kind++) {
        /* The order build, types, tests, lint. */
        enum check_kind k = kind == 2   ? CHECK_TESTS
                            : kind == 3 ? CHECK_LINT
                                        : (enum check_kind)kind;

        for (size_t i = 0; i < f->round->n_checks; i++) {
            const struct check *c = &f->round->checks[i];

            if (c->kind != k || !is_red(c) || (given && c->reason == CHECK_INSTALL_FAILED))
                continue;
            if (given)
                add(b, "\n%s also fails: %s\n", check_kind_name(c->kind),
                    c->detail ? c->detail : check_reason_name(c->reason));
            else
                add_check(b, c, counterpart(f->previous, c), a);
            given = true;
        }
    }
}

static bool lacks_packages(const struct check_round *round)
{
    for (size_t i = 0; i < round->n_checks; i++)
        if (round->checks[i].reason == CHECK_INSTALL_FAILED)
            return true;
    return false;
}

static void add_facts(struct buf *b, const struct feedback *f)
{
    if (f->round->n_units == 0)
        add(b, "\nNo project was found in the workspace. Write its files there.\n");
    if (lacks_packages(f->round))
        add(b, "\nThe project names packages that are not there, and no check was run for want of "
               "them. There is no network, so nothing can be fetched: use what is installed, the "
               "standard library or code of your own, and name only packages that are there.\n");
    if (f->verifying)
        add(b,
            "\nEverything passed in your sandbox. Then kiln ran it again in a fresh one that holds "
            "only your project's files, without network and without what you installed or left "
            "running, and it failed there. The project must work from its files alone.\n");
    for (size_t i = 0; i < f->n_restored; i++)
        add(b, "\n%s is protected: your change to it was undone.\n", f->restored[i]);
    for (size_t i = 0; i < f->tree->n_notes && i < 5; i++)
        add(b, "\nNot collected: %s\n", f->tree->notes[i]);
    if (f->unchanged)
        add(b, "\nYou changed no file in this round.\n");
    else if (f->tests_only)
        add(b, "\nYou changed only tests in this round, and the code under test still fails.\n");
}

static void add_rules(struct buf *b, const struct feedback *f)
{
    if (f->action == PROGRESS_SAY_REPEATED)
        add(b, "\nThis is the same failure as in the round before: your last change did not affect "
               "it. State a different hypothesis about the cause before you change anything.\n");
    if (f->action == PROGRESS_ROLL_BACK)
        add(b,
            "\nThis was worse than an earlier round. The workspace has been put back to the best "
            "state so far. Go on from there.\n");
    add(b, "\nFix the cause in the code. Do not delete, skip or weaken tests. If the specification "
           "contradicts itself, say BLOCKED: and why.\n");
}

const char *feedback_message(const struct feedback *f, struct arena *a)
{
    BUF_CLEANUP struct buf checks = BUF_INIT(CHECKS_MAX);
    BUF_CLEANUP struct buf facts = BUF_INIT(FACTS_MAX);
    BUF_CLEANUP struct buf rules = BUF_INIT(RULES_MAX);

    add_headline(&checks, f);
    add_checks(&checks, f, a);
    add_facts(&facts, f);
    add_rules(&rules, f);
    return arena_printf(a, "%s%s%s", buf_c(&checks), buf_c(&facts), buf_c(&rules));
}

static const char *protected_note(const struct tree *tests, struct arena *a)
{
    BUF_CLEANUP struct buf b = BUF_INIT(FEEDBACK_MAX);

    if (tests->n_files == 0)
        return "";
    add(&b, "\n\nThese tests came with the task, lie in the workspace already and are protected; "
            "changes to them are undone:\n");
    for (size_t i = 0; i < tests->n_files; i++)
        add(&b, "  %s\n", tests->files[i].path);
    return arena_strdup(a, buf_c(&b));
}

const char *feedback_plan(const char *specification, const struct tree *tests, struct arena *a)
{
    return arena_printf(a,
                        "Here is the specification:\n\n<specification>\n%s\n</specification>%s\n\n"
                        "First write a short plan, as text, without calling a tool: the files you "
                        "will make, the main decisions, and what the tests will cover. "
                        "Do not write code yet.",
                        specification, protected_note(tests, a));
}

const char *feedback_start(void)
{
    return "Now carry out the plan: write the project and its tests in the workspace, run them "
           "yourself, and finish with a short summary.";
}

const char *feedback_fresh(const char *specification, const struct feedback *f, const char *digest,
                           struct arena *a)
{
    bool empty = f->action == PROGRESS_FRESH_EMPTY;

    return arena_printf(
        a,
        "Here is the specification:\n\n<specification>\n%s\n</specification>\n\n%s\n\n"
        "What was tried before, without success:\n%s\n%s%s",
        specification,
        empty ? "The workspace is empty but for files that came with the task. Write the project "
                "and its tests from the beginning, with another approach than before."
              : "The workspace holds an earlier attempt that is not right yet. Look at it with "
                "fresh eyes, find the cause, and mend it.",
        digest, empty ? "" : "The state of the checks:\n\n", empty ? "" : feedback_message(f, a));
}

const char *feedback_digest_line(const struct feedback *f, const struct tree_diff *changes,
                                 size_t n_changes, struct arena *a)
{
    BUF_CLEANUP struct buf b = BUF_INIT(512);

    add(&b, "round %" PRId64 ": %s; changed", f->iteration, check_summary(f->round, a));
    for (size_t i = 0; i < n_changes && i < 5; i++)
        add(&b, " %s", changes[i].path);
    add(&b, "%s\n", n_changes == 0 ? " nothing" : n_changes > 5 ? " ..." : "");
    return arena_strdup(a, buf_c(&b));
}
