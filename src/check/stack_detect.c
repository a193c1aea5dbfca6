/* Which stacks a tree needs. */
#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "check/glob.h"
#include "check/stack.h"

enum { MAX_UNITS = 20 };

struct detector {
    struct arena *arena;
    const struct stack_set *set;
    const struct tree *tree;
    struct stack_unit *units;
    size_t n;
};

/* Folders that hold no project of their own. */
static bool is_passed_over(struct str name)
{
    static const char *const names[] = {"node_modules", "vendor",   "target",  "dist",
                                        "build",        "testdata", "examples"};

    if (name.n && name.p[0] == '.')
        return true;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (str_eq_c(name, names[i]))
            return true;
    return false;
}

static bool holds_packages(struct str name)
{
    return str_eq_c(name, "packages") || str_eq_c(name, "apps") || str_eq_c(name, "services") ||
           str_eq_c(name, "libs");
}

/* The folder of a file if a unit may lie there: the root, one level down, or two in packages/. */
static const char *unit_dir(struct arena *a, const char *path)
{
    const char *end = strrchr(path, '/');
    struct str dir, rest, part, first = {0};
    size_t depth = 0;

    if (!end)
        return ".";
    rest = dir = (struct str){path, (size_t)(end - path)};
    for (; str_next(&rest, '/', &part); depth++) {
        if (is_passed_over(part))
            return NULL;
        if (depth == 0)
            first = part;
    }
    return depth == 1 || (depth == 2 && holds_packages(first)) ? arena_dup(a, dir).p : NULL;
}

static bool group_has_unit(const struct detector *d, const char *group, const char *dir)
{
    for (size_t i = 0; i < d->n; i++)
        if (strcmp(d->units[i].stack->group, group) == 0 && strcmp(d->units[i].dir, dir) == 0)
            return true;
    return false;
}

static void add_unit(struct detector *d, const struct stack *s, const char *dir, const char *reason)
{
    if (d->n < MAX_UNITS && !group_has_unit(d, s->group, dir) && !group_has_unit(d, s->group, "."))
        d->units[d->n++] = (struct stack_unit){s, dir, reason};
}

static bool is_mark(const struct stack *s, const char *path)
{
    for (size_t i = 0; i < s->detect.n; i++)
        if (glob_matches(s->detect.items[i], fs_base_name(path)))
            return true;
    return false;
}

/* Strong marks of a stack; in the root, or everywhere below it. */
static void detect_strong(struct detector *d, const struct stack *s, bool root)
{
    for (size_t i = 0; i < d->tree->n_files; i++) {
        const char *path = d->tree->files[i].path;
        const char *dir = is_mark(s, path) ? unit_dir(d->arena, path) : NULL;

        if (!dir || d->tree->files[i].is_link || (strcmp(dir, ".") == 0) != root)
            continue;
        if (s->requires.n && !glob_count(&s->requires, d->tree, dir))
            continue;
        add_unit(d, s, dir, path);
    }
}

static void detect_weak(struct detector *d, const struct stack *s, bool alone)
{
    size_t n = glob_count(&s->weak, d->tree, ".");
    bool has_tests = glob_count(&s->tests, d->tree, ".") > 0;

    if (n && (alone || has_tests))
        add_unit(d, s, ".",
                 arena_printf(d->arena, "%s %s %s", text_plural(d->arena, (long long)n, "file"),
                              n == 1 ? "matches" : "match", s->weak.items[0]));
}

/* A stack that has a unit in a folder already needs no weak mark. */
static bool stack_is_found(const struct detector *d, const struct stack *s)
{
    for (size_t i = 0; i < d->n; i++)
        if (strcmp(d->units[i].stack->group, s->group) == 0)
            return true;
    return false;
}

void stack_detect(const struct stack_set *set, const struct tree *t, struct arena *a,
                  struct stack_unit **ret, size_t *ret_n)
{
    struct detector d = {.arena = a, .set = set, .tree = t};
    bool alone;

    d.units = ARENA_ARRAY(a, MAX_UNITS, struct stack_unit);
    for (size_t i = 0; i < set->n; i++)
        detect_strong(&d, &set->items[i], true);
    for (size_t i = 0; i < set->n; i++)
        detect_strong(&d, &set->items[i], false);
    alone = d.n == 0;
    for (size_t i = 0; i < set->n; i++)
        if (!stack_is_found(&d, &set->items[i]))
            detect_weak(&d, &set->items[i], alone);
    *ret = d.units;
    *ret_n = d.n;
}

bool stack_has_test_files(const struct stack_unit *unit, const struct tree *t)
{
    return !unit->stack->tests.n || glob_count(&unit->stack->tests, t, unit->dir) > 0;
}

bool stack_is_test(const struct stack *stack, const char *path)
{
    for (size_t i = 0; i < stack->tests.n; i++)
        if (glob_matches(stack->tests.items[i], path))
            return true;
    return false;
}
