#include "task/progress.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum { SAME_TWICE = 2, SAME_ENOUGH = 3, STALE_ROUNDS = 3, IDLE_ROUNDS = 4 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Length of a number ("12", "0.003", "0x7ffe12") at the start of `s`; 0 if there is none. */
static size_t number_len(struct str s)
{
    size_t i = 0;

    if (s.n > 2 && s.p[0] == '0' && s.p[1] == 'x' && is_hex(s.p[2])) {
        for (i = 2; i < s.n && is_hex(s.p[i]);)
            i++;
        return i;
    }
    while (i < s.n &&
           (is_digit(s.p[i]) || (i > 0 && s.p[i] == '.' && i + 1 < s.n && is_digit(s.p[i + 1]))))
        i++;
    return i;
}

static struct str first_line(struct str text)
{
    struct str line;

    while (str_next_line(&text, &line))
        if (str_trim(line).n)
            return str_trim(line);
    return STR("");
}

struct str progress_normalise(struct arena *a, struct str message)
{
    struct str line = first_line(message);
    char *out = arena_alloc(a, line.n + 1, 1);
    size_t n = 0;

    while (line.n) {
        size_t len = number_len(line);

        out[n++] = len ? '#' : line.p[0];
        line = str_from_pos(line, len ? len : 1);
    }
    return (struct str){out, n};
}

static int compare_lines(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* One line for each thing that fails. */
static char **failure_lines(const struct check_round *round, struct arena *a, size_t *ret_n)
{
    char **lines = NULL;
    size_t n = 0, cap = 0;

    for (size_t i = 0; i < round->n_checks; i++) {
        const struct check *c = &round->checks[i];
        struct str text = progress_normalise(a, c->output);

        if (c->outcome == CHECK_PASS || c->outcome == CHECK_NA)
            continue;
        lines = arena_grow(a, lines, n, &cap, sizeof(lines[0]));
        lines[n++] =
            arena_printf(a, "%s %s %s %.*s", check_kind_name(c->kind), c->dir,
                         check_reason_name(c->reason), c->report.n_cases ? 0 : (int)text.n, text.p);
        for (size_t k = 0; k < c->report.n_cases; k++) {
            const struct report_case *t = &c->report.cases[k];

            if (t->status != REPORT_FAILED && t->status != REPORT_ERROR)
                continue;
            text = progress_normalise(a, str_from(t->message));
            lines = arena_grow(a, lines, n, &cap, sizeof(lines[0]));
            lines[n++] = arena_printf(a, "test %s %.*s", t->id, STR_ARG(text));
        }
    }
    *ret_n = n;
    return lines;
}

const char *progress_signature(const struct check_round *round, struct arena *a)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_len = 0;
    char *hex = arena_alloc(a, 65, 1);
    size_t n;
    char **lines = failure_lines(round, a, &n);

    if (!ctx || !EVP_DigestInit_ex(ctx, EVP_sha256(), NULL))
        BUG("SHA-256 is missing");
    if (n)
        qsort(lines, n, sizeof(lines[0]), compare_lines);
    for (size_t i = 0; i < n; i++)
        EVP_DigestUpdate(ctx, lines[i], strlen(lines[i]) + 1);
    EVP_DigestFinal_ex(ctx, digest, &digest_len);
    EVP_MD_CTX_free(ctx);
    for (unsigned i = 0; i < digest_len && i < 32; i++)
        snprintf(hex + (size_t)2 * i, 3, "%02x", digest[i]);
    return hex;
}

static bool fine(enum check_outcome o)
{
    return o == CHECK_PASS || o == CHECK_NA;
}

static struct progress_score score_of(struct progress *p, const struct check_round *round)
{
    struct progress_score s = {
        .build = fine(round->outcome[CHECK_BUILD]),
        .types = fine(round->outcome[CHECK_TYPES]),
        .lint = fine(round->outcome[CHECK_LINT]),
    };
    int64_t executed = 0;

    for (size_t i = 0; i < round->n_checks; i++) {
        s.passed += round->checks[i].report.passed;
        executed += round->checks[i].report.passed + round->checks[i].report.failed;
    }
    if (executed > p->most_executed)
        p->most_executed = executed;
    return s;
}

/* Positive if x is better than y. */
static int compare_scores(const struct progress_score *x, const struct progress_score *y)
{
    if (x->build != y->build)
        return x->build - y->build;
    if (x->types != y->types)
        return x->types - y->types;
    if (x->passed != y->passed)
        return x->passed > y->passed ? 1 : -1;
    return x->lint - y->lint;
}

/* How many of the last rounds of this thread have the signature of the last one. */
static size_t repeated(const struct progress *p)
{
    const struct progress_round *last = &p->rounds[p->n - 1];
    size_t n = 0;

    while (p->n - n > p->thread_start &&
           strcmp(p->rounds[p->n - 1 - n].signature, last->signature) == 0)
        n++;
    return n;
}

static bool alternates(const struct progress *p)
{
    const struct progress_round *end = p->rounds + p->n;

    return p->n - p->thread_start >= 4 && strcmp(end[-4].signature, end[-2].signature) == 0 &&
           strcmp(end[-3].signature, end[-1].signature) == 0;
}

/* Rounds of this thread since the best score of the thread was reached. */
static size_t stale(const struct progress *p)
{
    size_t best = p->thread_start;

    for (size_t i = p->thread_start + 1; i < p->n; i++)
        if (compare_scores(&p->rounds[i].score, &p->rounds[best].score) > 0)
            best = i;
    return p->n - 1 - best;
}

/* How many of the last rounds have tree and signature of the last one, over threads. */
static size_t idle(const struct progress *p)
{
    const struct progress_round *last = &p->rounds[p->n - 1];
    size_t n = 0;

    while (n < p->n && strcmp(p->rounds[p->n - 1 - n].signature, last->signature) == 0 &&
           strcmp(p->rounds[p->n - 1 - n].tree, last->tree) == 0)
        n++;
    return n;
}

static void add_round(struct progress *p, const struct check_round *round, const char *tree,
                      struct arena *a)
{
    p->rounds = arena_grow(a, p->rounds, p->n, &p->cap, sizeof(p->rounds[0]));
    p->rounds[p->n] = (struct progress_round){
        .signature = progress_signature(round, a),
        .tree = arena_strdup(a, tree),
        .score = score_of(p, round),
        .thread = p->thread,
    };
    if (compare_scores(&p->rounds[p->n].score, &p->rounds[p->best].score) > 0)
        p->best = p->n;
    p->n++;
}

static enum progress_action end_thread(struct progress *p, enum progress_action how)
{
    p->thread++;
    p->thread_start = p->n;
    p->origin = how == PROGRESS_FRESH_EMPTY ? p->n : 0;
    return how;
}

static bool is_much_worse(const struct progress *p)
{
    const struct progress_score *last = &p->rounds[p->n - 1].score,
                                *best = &p->rounds[p->best].score;

    return p->best >= p->origin &&
           (best->build > last->build || (best->passed - last->passed) * 5 > p->most_executed);
}

enum progress_action progress_next(struct progress *p, const struct check_round *round,
                                   const char *tree, struct arena *a)
{
    add_round(p, round, tree, a);
    if (idle(p) >= IDLE_ROUNDS)
        return PROGRESS_STOP;
    if (repeated(p) >= SAME_ENOUGH || alternates(p) || stale(p) >= STALE_ROUNDS)
        return end_thread(p, p->thread == 0 ? PROGRESS_FRESH_BEST : PROGRESS_FRESH_EMPTY);
    if (is_much_worse(p))
        return PROGRESS_ROLL_BACK;
    if (repeated(p) >= SAME_TWICE)
        return PROGRESS_SAY_REPEATED;
    return PROGRESS_GO_ON;
}

enum progress_action progress_renew(struct progress *p, enum progress_action action)
{
    if (action == PROGRESS_STOP || action == PROGRESS_FRESH_BEST || action == PROGRESS_FRESH_EMPTY)
        return action;
    return end_thread(p, PROGRESS_FRESH_BEST);
}
