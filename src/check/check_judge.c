#include "check/check_judge.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"

enum { MAX_NAMES = 3, MAX_LINE = 300 };

static void set(struct check *c, enum check_outcome outcome, enum check_reason reason,
                const char *detail)
{
    c->outcome = outcome;
    c->reason = reason;
    c->detail = detail;
}

/* ---- lines of the output that say what is wrong ---- */

static bool names_error(struct str line)
{
    return str_find(line, STR("rror: ")) >= 0 || str_find(line, STR("rror TS")) >= 0;
}

static bool is_anything(struct str line)
{
    return str_trim(line).n > 0;
}

static size_t count_lines(struct str text, bool (*wanted)(struct str line), struct str *ret_first,
                          struct str *ret_last)
{
    struct str line;
    size_t n = 0;

    while (str_next_line(&text, &line)) {
        if (!wanted(line))
            continue;
        if (n++ == 0)
            *ret_first = str_trim(line);
        *ret_last = str_trim(line);
    }
    return n;
}

static struct str shorten(struct str line)
{
    size_t n = line.n < MAX_LINE ? line.n : MAX_LINE;

    while (n < line.n && n && ((unsigned char)line.p[n] & 0xc0) == 0x80)
        n--;
    return (struct str){line.p, n};
}

/* "calc.c:3:5: error: ... (and 2 more)": the first line that names an error, or the first at all.
 */
static const char *first_finding(struct arena *a, struct str output)
{
    struct str first = STR("no output"), last;
    size_t n = count_lines(output, names_error, &first, &last);

    if (!n)
        n = count_lines(output, is_anything, &first, &last);
    first = shorten(first);
    if (n > 1)
        return arena_printf(a, "%.*s (and %zu more)", STR_ARG(first), n - 1);
    return arena_dup(a, first).p;
}

/* Programs that break off say why at the end. */
static const char *last_line(struct arena *a, struct str output)
{
    struct str first, last = STR("no output");

    if (!count_lines(output, names_error, &first, &last))
        count_lines(output, is_anything, &first, &last);
    return arena_dup(a, shorten(last)).p;
}

/* ---- how the command ended ---- */

static bool has_code(const struct stack_codes *codes, int code)
{
    for (size_t i = 0; i < codes->n; i++)
        if (codes->items[i] == code)
            return true;
    return false;
}

/* By a signal, or, below a shell, with 128 and the number of one. */
static bool was_killed(const struct envd_result *r)
{
    return r->outcome == ENVD_SIGNALLED ||
           (r->outcome == ENVD_EXITED && r->exit_code > 128 && r->exit_code < 160);
}

static const char *killed_detail(struct arena *a, const struct envd_result *r)
{
    int number = r->outcome == ENVD_EXITED ? r->exit_code - 128 : 0;

    if (number == 9 || (r->status && strstr(r->status, "kill")))
        return "killed, most likely because the memory ran out";
    if (number)
        return arena_printf(a, "ended by signal %d (%s)", number, strsignal(number));
    return arena_printf(a, "ended by a signal (%s)", r->status);
}

/* True if it didn't come to an end of its own; then that is the whole story. A rule that lists the
 * exit codes of findings runs a tool of ours, whose trouble is an error; any other runs what the
 * project says, and that is the project's failure. */
static bool judge_end(struct check *c, const struct check_evidence *e,
                      const struct stack_rule *rule, struct arena *a)
{
    enum check_outcome outcome = rule->findings.n ? CHECK_ERROR : CHECK_FAIL;

    if (e->result.outcome == ENVD_TIMED_OUT)
        set(c, outcome, CHECK_TIMED_OUT,
            arena_printf(a, "no end after %s", clock_human(a, e->result.wall_ms)));
    else if (e->output_limit)
        set(c, outcome, CHECK_OUTPUT_LIMIT,
            arena_printf(a, "ended after %s of output", text_bytes(a, e->result.out.total)));
    else if (was_killed(&e->result) && e->report_state != CHECK_REPORT_READ)
        set(c, outcome, CHECK_KILLED, killed_detail(a, &e->result));
    else
        return false;
    return true;
}

/* ---- build, types, lint ---- */

/* `reason` and `detail` are those of a finding. */
static void judge_command(struct check *c, const struct check_evidence *e,
                          const struct stack_rule *rule, enum check_reason reason,
                          const char *detail, struct arena *a)
{
    int code = e->result.exit_code;

    if (has_code(&rule->ok, code))
        set(c, CHECK_PASS, CHECK_OK, "clean");
    else if (!rule->findings.n || has_code(&rule->findings, code))
        set(c, CHECK_FAIL, reason, detail);
    else
        set(c, CHECK_ERROR, CHECK_TOOL_BROKE,
            arena_printf(a, "the tool itself failed (%s): %s", c->status, last_line(a, e->output)));
}

/* ---- tests ---- */

/* "test_add" of "tests.test_calc.TestCalc.test_add"; other names as they are. */
static const char *short_name(const char *id)
{
    const char *dot = strrchr(id, '.');

    return dot && strncmp(dot + 1, "test", 4) == 0 && !strpbrk(id, " /") ? dot + 1 : id;
}

static const char *failed_detail(struct arena *a, const struct report *r)
{
    char *text = arena_printf(a, "%lld of %lld failed", (long long)r->failed,
                              (long long)(r->passed + r->failed));
    int64_t named = 0;

    for (size_t i = 0; i < r->n_cases && named < MAX_NAMES; i++)
        if (r->cases[i].status == REPORT_FAILED || r->cases[i].status == REPORT_ERROR)
            text =
                arena_printf(a, "%s%s %s", text, named++ ? "," : ":", short_name(r->cases[i].id));
    if (r->failed > named)
        text = arena_printf(a, "%s and %lld more", text, (long long)(r->failed - named));
    return text;
}

static const char *passed_detail(struct arena *a, const struct report *r)
{
    if (r->skipped)
        return arena_printf(a, "%lld passed, %lld skipped", (long long)r->passed,
                            (long long)r->skipped);
    return arena_printf(a, "%lld passed", (long long)r->passed);
}

static const char *no_tests_detail(struct arena *a, const struct stack_unit *unit,
                                   bool has_test_files)
{
    const struct json_strings *patterns = &unit->stack->tests;
    char *list = arena_strdup(a, "");

    if (has_test_files || !patterns->n)
        return "no test was executed";
    for (size_t i = 0; i < patterns->n && i < MAX_NAMES; i++)
        list = arena_printf(a, "%s%s%s", list, i ? ", " : "", patterns->items[i]);
    return arena_printf(a, "no test was executed: no file is named like %s", list);
}

static void judge_no_report(struct check *c, const struct check_evidence *e,
                            const struct stack_unit *unit, bool has_test_files, struct arena *a)
{
    if (e->report_state == CHECK_REPORT_BAD)
        set(c, CHECK_FAIL, CHECK_REPORT_MISSING,
            arena_printf(a, "the runner's report can't be read, %s (%s): %s", e->report_error,
                         c->status, last_line(a, e->output)));
    else if (!has_test_files && e->result.exit_code == 0)
        set(c, CHECK_FAIL, CHECK_NO_TESTS, no_tests_detail(a, unit, has_test_files));
    else
        set(c, CHECK_FAIL, CHECK_REPORT_MISSING,
            arena_printf(a, "the runner left no report (%s): %s", c->status,
                         last_line(a, e->output)));
}

static void judge_counts(struct check *c, const struct check_evidence *e,
                         const struct stack_unit *unit, const struct stack_rule *rule,
                         bool has_test_files, struct arena *a)
{
    const struct report *r = &e->report;
    bool clean = has_code(&rule->ok, e->result.exit_code);

    if (r->failed && clean)
        set(c, CHECK_FAIL, CHECK_COUNTS_DISAGREE,
            arena_printf(a, "%s, although the runner's exit status says that none did",
                         failed_detail(a, r)));
    else if (r->failed)
        set(c, CHECK_FAIL, CHECK_TESTS_FAIL, failed_detail(a, r));
    else if (r->disagrees)
        set(c, CHECK_FAIL, CHECK_COUNTS_DISAGREE, r->disagrees);
    else if (!r->passed && r->skipped)
        set(c, CHECK_FAIL, CHECK_ALL_SKIPPED,
            arena_printf(a, "%s, all skipped", text_plural(a, r->skipped, "test")));
    else if (!r->passed)
        set(c, CHECK_FAIL, CHECK_NO_TESTS, no_tests_detail(a, unit, has_test_files));
    else if (!clean)
        set(c, CHECK_FAIL, CHECK_COUNTS_DISAGREE,
            arena_printf(a, "%s, but the report has no failed test: %s", c->status,
                         last_line(a, e->output)));
    else
        set(c, CHECK_PASS, CHECK_OK, passed_detail(a, r));
}

/* ---- all ---- */

static void take_evidence(struct check *c, const struct check_evidence *e, struct arena *a)
{
    const struct envd_result *r = &e->result;

    c->exit_code = r->outcome == ENVD_EXITED ? r->exit_code : -1;
    c->status = r->outcome == ENVD_TIMED_OUT
                    ? arena_printf(a, "timed out after %s", clock_human(a, r->wall_ms))
                    : arena_strdup(a, r->status);
    c->wall_ms = r->wall_ms;
    c->output = e->output;
    c->report = e->report;
}

void check_judge(struct check *c, const struct check_evidence *e, const struct stack_unit *unit,
                 const struct stack_rule *rule, bool has_test_files, struct arena *a)
{
    static const enum check_reason reasons[CHECK_KINDS] = {CHECK_BUILD_FAILS, CHECK_TYPE_ERRORS,
                                                           CHECK_FINDINGS, CHECK_TESTS_FAIL};

    take_evidence(c, e, a);
    if (judge_end(c, e, rule, a))
        return;
    if (c->kind != CHECK_TESTS)
        judge_command(c, e, rule, reasons[c->kind], first_finding(a, e->output), a);
    else if (e->report_state != CHECK_REPORT_READ)
        judge_no_report(c, e, unit, has_test_files, a);
    else
        judge_counts(c, e, unit, rule, has_test_files, a);
}

bool check_judge_installed(const struct check_evidence *e, const struct stack_rule *rule,
                           struct check *c, struct arena *a)
{
    take_evidence(c, e, a);
    if (!judge_end(c, e, rule, a))
        judge_command(c, e, rule, CHECK_INSTALL_FAILED,
                      arena_printf(a, "the dependencies can't be installed (%s): %s", c->status,
                                   last_line(a, e->output)),
                      a);
    return c->outcome == CHECK_PASS;
}
