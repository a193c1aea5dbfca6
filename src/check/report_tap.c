/*
 * TAP, versions 13 and 14 (testanything.org), as C test programs, bats and node's runner write it.
 *
 * Results are counted, not believed: what a plan promises and what is there must agree, a subtest
 * that failed can't hide in a parent that passed, and a stream that stops is not complete. Lines
 * that are not TAP are passed over, because `make test` prints its commands too; several streams
 * one after the other, each with its plan, are fine for the same reason. Numbers of tests are not
 * looked at: node 20 doesn't count them right.
 */
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "check/report.h"

enum { MAX_LEVELS = 8, INDENT = 4 };

/* A result that waits until the names of its parents are known: those come behind it. */
struct pending {
    struct str name;
    enum report_status status;
    struct str message; /* the lines below it as they are: a view of the text */
    size_t indent;      /* of those lines */
    bool is_parent;     /* a test in it failed too, and most likely that is all there is to say */
};

/* A run of results of one indentation. */
struct level {
    bool has_plan;
    int64_t plan, seen;
    size_t first; /* the first pending case in it */
};

struct tap {
    struct arena *arena;
    struct report *report;
    struct pending *cases;
    size_t n_cases, cap_cases;
    struct level levels[MAX_LEVELS];
    size_t depth;     /* the deepest level that is open */
    bool last_failed; /* diagnostics belong to the last result, if that failed */
    bool any;         /* something in the text is TAP */
};

/* ---- the parts of a line ---- */

static struct str without_indent(struct str line, size_t *ret_spaces)
{
    size_t n = 0;

    while (n < line.n && line.p[n] == ' ')
        n++;
    *ret_spaces = n;
    return str_from_pos(line, n);
}

static bool is_plan(struct str line, int64_t *ret)
{
    uint64_t n;
    size_t digits = 3;

    if (!str_starts(line, "1.."))
        return false;
    while (digits < line.n && line.p[digits] >= '0' && line.p[digits] <= '9')
        digits++;
    if (digits < line.n && line.p[digits] != ' ')
        return false;
    if (!str_to_u64((struct str){line.p + 3, digits - 3}, &n) || n > INT32_MAX)
        return false;
    *ret = (int64_t)n;
    return true;
}

/* Takes a word off the front if the line starts with it and a space or the end follows. */
static bool take_word(struct str *line, const char *word)
{
    size_t n = strlen(word);

    if (!str_starts(*line, word) || (line->n > n && line->p[n] != ' '))
        return false;
    *line = str_trim(str_from_pos(*line, n));
    return true;
}

/* Cuts "# SKIP why" or "# TODO why" off a description; both count as skipped. */
static bool take_directive(struct str *text)
{
    for (size_t i = 0; i + 1 < text->n; i++) {
        struct str d;

        if (text->p[i] != '#' || (i && text->p[i - 1] != ' '))
            continue;
        d = str_trim(str_from_pos(*text, i + 1));
        if (d.n >= 4 && (str_eq_nocase((struct str){d.p, 4}, "skip") ||
                         str_eq_nocase((struct str){d.p, 4}, "todo"))) {
            *text = str_trim((struct str){text->p, i});
            return true;
        }
    }
    return false;
}

static struct str unescape(struct arena *a, struct str s)
{
    char *out;
    size_t n = 0;

    if (str_find_char(s, '\\') < 0)
        return s;
    out = arena_alloc(a, s.n + 1, 1);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n && (s.p[i + 1] == '#' || s.p[i + 1] == '\\'))
            i++;
        out[n++] = s.p[i];
    }
    return (struct str){out, n};
}

/* "ok 3 - name # SKIP": the number and the dash may be missing. */
static bool parse_result(struct tap *t, struct str line, size_t indent, struct pending *ret)
{
    bool ok = take_word(&line, "ok"), directive;
    size_t digits = 0;

    if (!ok && !take_word(&line, "not ok"))
        return false;
    while (digits < line.n && line.p[digits] >= '0' && line.p[digits] <= '9')
        digits++;
    if (digits && (digits == line.n || line.p[digits] == ' '))
        line = str_trim(str_from_pos(line, digits));
    if (str_eq_c(line, "-"))
        line.n = 0;
    else if (str_starts(line, "- "))
        line = str_trim(str_from_pos(line, 2));
    directive = take_directive(&line);
    ret->name = unescape(t->arena, line);
    ret->status = directive ? REPORT_SKIPPED : ok ? REPORT_PASSED : REPORT_FAILED;
    ret->message = (struct str){0};
    ret->indent = indent + 2;
    ret->is_parent = false;
    return true;
}

/* ---- levels ---- */

static void close_level(struct tap *t, const struct level *l)
{
    if (!l->has_plan)
        report_disagree(t->arena, t->report, "%s but no plan (1..N): it may have stopped early",
                        text_plural(t->arena, l->seen, "test"));
    else if (l->plan != l->seen)
        report_disagree(t->arena, t->report, "%s, but the plan says %lld",
                        text_plural(t->arena, l->seen, "test"), (long long)l->plan);
}

static void open_levels(struct tap *t, size_t level)
{
    while (t->depth < level)
        t->levels[++t->depth] = (struct level){.first = t->n_cases};
}

static bool is_open(const struct level *l)
{
    return l->seen || l->has_plan;
}

/* A plan says how many results its level has; it comes before or behind them. */
static void on_plan(struct tap *t, size_t level, int64_t plan)
{
    struct level *l;

    open_levels(t, level);
    l = &t->levels[level];
    if (l->has_plan) { /* the next stream at the same indentation */
        close_level(t, l);
        *l = (struct level){.first = t->n_cases};
    }
    l->has_plan = true;
    l->plan = plan;
    if (l->seen) {
        close_level(t, l);
        if (level == 0)
            *l = (struct level){.first = t->n_cases};
    }
}

static bool has_failed_since(const struct tap *t, size_t first)
{
    for (size_t i = first; i < t->n_cases; i++)
        if (t->cases[i].status == REPORT_FAILED)
            return true;
    return false;
}

/* The results below a parent get its name in front. */
static void adopt(struct tap *t, size_t first, struct str parent)
{
    for (size_t i = first; i < t->n_cases; i++) {
        struct str name = t->cases[i].name;

        if (parent.n + name.n < REPORT_MAX_ID)
            t->cases[i].name =
                str_from(arena_printf(t->arena, "%.*s > %.*s", STR_ARG(parent), STR_ARG(name)));
    }
}

static int add_case(struct tap *t, const struct pending *c, struct err *err)
{
    if (t->n_cases >= REPORT_MAX_CASES)
        return err_set(err, ERR_LIMIT, "more than %d tests", REPORT_MAX_CASES);
    t->cases = arena_grow(t->arena, t->cases, t->n_cases, &t->cap_cases, sizeof(*t->cases));
    t->cases[t->n_cases++] = *c;
    return 0;
}

/* The result of a test that has subtests counts only if it failed for a reason of its own. */
static int on_parent(struct tap *t, size_t level, struct pending *c, struct err *err)
{
    size_t first = t->levels[level + 1].first;
    bool failed_below = has_failed_since(t, first);

    for (; t->depth > level; t->depth--)
        if (is_open(&t->levels[t->depth]))
            close_level(t, &t->levels[t->depth]);
    adopt(t, first, c->name);
    t->last_failed = c->status == REPORT_FAILED;
    c->is_parent = failed_below;
    if (t->last_failed)
        return add_case(t, c, err);
    if (c->status == REPORT_PASSED && failed_below)
        report_disagree(t->arena, t->report, "'%.*s' passed, but a test in it failed",
                        STR_ARG(c->name));
    return 0;
}

static int on_result(struct tap *t, size_t level, struct pending *c, struct err *err)
{
    struct level *l;

    open_levels(t, level);
    l = &t->levels[level];
    if (level == 0 && l->has_plan && l->seen == l->plan) /* the plan is met: the next stream */
        *l = (struct level){.first = t->n_cases};
    l->seen++;
    if (t->depth > level)
        return on_parent(t, level, c, err);
    t->last_failed = c->status == REPORT_FAILED;
    return add_case(t, c, err);
}

/* ---- diagnostics ---- */

/* Comments and the YAML block below a failed result are its message. */
static void on_diagnostic(struct tap *t, struct str line)
{
    struct pending *c;

    if (!t->last_failed)
        return;
    c = &t->cases[t->n_cases - 1];
    if (!c->message.p)
        c->message.p = line.p;
    c->message.n = (size_t)(line.p + line.n - c->message.p);
}

/* Lines that say nothing about the failure. */
static bool is_noise(struct str line)
{
    static const char *const starts[] = {"---", "...", "duration_ms:", "type:", "signal: ~"};

    for (size_t i = 0; i < ARRAY_LEN(starts); i++)
        if (str_starts(line, starts[i]))
            return true;
    return false;
}

static struct str tidy(struct arena *a, const struct pending *c)
{
    BUF_CLEANUP struct buf out = BUF_INIT(2 * REPORT_MAX_MESSAGE);
    struct str rest = c->message, line;

    while (out.n < out.max && str_next_line(&rest, &line)) {
        size_t spaces;
        struct str text = without_indent(line, &spaces);

        if (is_noise(text))
            continue;
        if (str_starts(text, "#"))
            text = str_trim(str_from_pos(text, 1));
        else
            text = str_from_pos(line, spaces < c->indent ? spaces : c->indent);
        buf_add_some(&out, text);
        buf_add_some(&out, STR("\n"));
    }
    return arena_dup(a, buf_str(&out));
}

/* ---- the text ---- */

static int on_line(struct tap *t, struct str line, struct err *err)
{
    struct pending c;
    size_t spaces;
    int64_t plan;
    struct str text = without_indent(line, &spaces);
    size_t level = spaces / INDENT;
    bool aligned = spaces % INDENT == 0;

    if (str_starts(text, "Bail out!")) {
        t->any = true;
        report_disagree(t->arena, t->report, "%.*s", STR_ARG(text));
        return 0;
    }
    if (aligned && is_plan(text, &plan)) {
        if (level >= MAX_LEVELS)
            return err_set(err, ERR_INPUT, "subtests nested too deeply");
        t->any = true;
        on_plan(t, level, plan);
        return 0;
    }
    if (aligned && parse_result(t, text, spaces, &c)) {
        if (level >= MAX_LEVELS)
            return err_set(err, ERR_INPUT, "subtests nested too deeply");
        t->any = true;
        return on_result(t, level, &c, err);
    }
    if (str_starts(text, "# Subtest") || (spaces == 0 && !str_starts(text, "#")))
        t->last_failed = false;
    on_diagnostic(t, line);
    return 0;
}

/* node says of a parent why it failed: "subtestsFailed", or "hookFailed" and the like. */
static bool only_repeats(const struct pending *c, struct str message)
{
    return c->is_parent && (!message.n || str_find(message, STR("subtestsFailed")) >= 0);
}

static int add_cases(struct tap *t, struct err *err)
{
    for (size_t i = 0; i < t->n_cases; i++) {
        const struct pending *c = &t->cases[i];
        struct str message = tidy(t->arena, c);

        if (only_repeats(c, message))
            continue;
        if (report_add(t->arena, t->report, c->name, c->status, message, err) < 0)
            return -1;
    }
    return 0;
}

static int parse(struct arena *a, struct str text, struct report *r, struct err *err)
{
    struct tap *t = ARENA_NEW(a, struct tap);
    struct str line;

    t->arena = a;
    t->report = r;
    while (str_next_line(&text, &line))
        if (on_line(t, line, err) < 0)
            return -1;
    if (!t->any)
        return err_set(err, ERR_INPUT, "no line of TAP in it");
    if (t->depth)
        report_disagree(a, r, "it ends inside a subtest");
    if (is_open(&t->levels[0]))
        close_level(t, &t->levels[0]);
    return add_cases(t, err);
}

const struct report_parser report_tap = {"tap", parse};
