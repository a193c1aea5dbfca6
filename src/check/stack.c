#include "check/stack.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/embed.h"
#include "base/fs.h"

const char *check_kind_name(enum check_kind kind)
{
    static const char *const names[CHECK_KINDS] = {"build", "types", "lint", "tests"};

    return names[kind];
}

/* Adds what `items` doesn't have yet. */
static size_t add_new(const char **items, size_t n, const char *item)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(items[i], item) == 0)
            return n;
    items[n] = item;
    return n + 1;
}

/* The lists that `get` finds in the stacks as one, each item once. */
static size_t collect(const struct stack_set *set, struct arena *a,
                      const struct json_strings *(*get)(const struct stack *s), const char ***ret)
{
    size_t most = 0, n = 0;

    for (size_t i = 0; i < set->n; i++)
        most += get(&set->items[i])->n;
    *ret = ARENA_ARRAY(a, most + 1, const char *);
    for (size_t i = 0; i < set->n; i++)
        for (size_t k = 0; k < get(&set->items[i])->n; k++)
            n = add_new(*ret, n, get(&set->items[i])->items[k]);
    return n;
}

static const struct json_strings *get_exclude(const struct stack *s)
{
    return &s->exclude;
}

static const struct json_strings *get_files(const struct stack *s)
{
    return &s->files;
}

void stack_excludes(const struct stack_set *set, struct arena *a, const char ***ret, size_t *ret_n)
{
    *ret_n = collect(set, a, get_exclude, ret);
}

void stack_files(const struct stack_set *set, struct arena *a, struct sandbox_file **ret,
                 size_t *ret_n)
{
    const char **names;
    size_t n = collect(set, a, get_files, &names);

    *ret = ARENA_ARRAY(a, n + 1, struct sandbox_file);
    for (size_t i = 0; i < n; i++)
        (*ret)[i] = (struct sandbox_file){
            .path = fs_join(a, STACK_KILN_DIR, names[i]),
            .content = embed_get(arena_printf(a, "data/checks/%s", names[i])),
        };
    *ret_n = n;
}

const char *stack_contracts(const struct stack_set *set, struct arena *a)
{
    BUF_CLEANUP struct buf text = BUF_INIT(64 * 1024);
    const char **names;
    size_t n = collect(set, a, get_exclude, &names);

    for (size_t i = 0; i < set->n; i++)
        if (set->items[i].contract)
            buf_add_some(&text, str_from(set->items[i].contract));
    buf_add_some(&text, STR("Folders of these names are never kept:"));
    for (size_t i = 0; i < n; i++)
        buf_add_some(&text, str_from(arena_printf(a, "%s %s", i ? "," : "", names[i])));
    buf_add_some(&text, STR(".\n"));
    return arena_dup(a, buf_str(&text)).p;
}
