#include "check/check_assertions.h"

#include <regex.h>

#include "check/glob.h"

enum { PATTERNS_MAX = 16, LINE_MAX_BYTES = 4096 };

struct patterns {
    regex_t items[PATTERNS_MAX];
    size_t n;
};

static void free_patterns(struct patterns *p)
{
    for (size_t i = 0; i < p->n; i++)
        regfree(&p->items[i]);
}

static void compile(const struct json_strings *from, struct patterns *to)
{
    for (size_t i = 0; i < from->n && to->n < PATTERNS_MAX; i++) {
        if (regcomp(&to->items[to->n], from->items[i], REG_EXTENDED | REG_NOSUB))
            BUG("pattern '%s' was not checked", from->items[i]);
        to->n++;
    }
}

static bool fits(const struct patterns *p, const char *line)
{
    for (size_t i = 0; i < p->n; i++)
        if (regexec(&p->items[i], line, 0, NULL, 0) == 0)
            return true;
    return false;
}

static int64_t count_lines(struct str text, const struct patterns *assertions,
                           const struct patterns *trivial)
{
    struct str line;
    int64_t n = 0;

    while (str_next_line(&text, &line)) {
        ARENA_CLEANUP struct arena a = {0};
        const char *c;

        if (line.n > LINE_MAX_BYTES)
            line.n = LINE_MAX_BYTES;
        c = arena_dup(&a, line).p;
        n += fits(assertions, c) && !fits(trivial, c);
    }
    return n;
}

int64_t check_assertions_count(const struct stack_unit *unit, const struct tree *t)
{
    __attribute__((cleanup(free_patterns))) struct patterns assertions = {0};
    __attribute__((cleanup(free_patterns))) struct patterns trivial = {0};
    int64_t n = 0;

    if (!unit->stack->assertions.n)
        return -1;
    compile(&unit->stack->assertions, &assertions);
    compile(&unit->stack->trivial, &trivial);
    for (size_t i = 0; i < t->n_files; i++) {
        const char *path = glob_below(unit->dir, t->files[i].path);

        if (path && !t->files[i].is_link && stack_is_test(unit->stack, path))
            n += count_lines(t->files[i].content, &assertions, &trivial);
    }
    return n;
}

bool check_assertions_pattern_ok(const char *pattern)
{
    regex_t re;

    if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB))
        return false;
    regfree(&re);
    return true;
}
