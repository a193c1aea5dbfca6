/*
 * A small project in one text file (test/data/check/README): expectations, then files.
 */
#ifndef KILN_TEST_SUPPORT_CHECK_PROJECT_H
#define KILN_TEST_SUPPORT_CHECK_PROJECT_H

#include "support/unit.h"

#include "json/json.h"
#include "tree/tree.h"

struct check_project {
    const char *name;
    struct json_pair expect[16];
    size_t n_expect;
    struct tree tree;
};

/* The expectation of a name, or NULL. */
static inline const char *check_project_expect(const struct check_project *p, const char *name)
{
    for (size_t i = 0; i < p->n_expect; i++)
        if (strcmp(p->expect[i].name, name) == 0)
            return p->expect[i].value;
    return NULL;
}

static inline bool check_project_is_mark(struct str line)
{
    return str_starts(line, "-- ") && str_ends(line, " --") && line.n > 6;
}

static inline void check_project_parse(struct arena *a, const char *name, struct str text,
                                       struct check_project *ret)
{
    struct tree_file files[64] = {0};
    struct str line;
    struct err err;
    size_t n = 0;

    *ret = (struct check_project){.name = name};
    while (str_next_line(&text, &line)) {
        ptrdiff_t colon = str_find_char(line, ':');

        if (check_project_is_mark(line)) {
            assert_in_range(n, 0, 63);
            files[n].path = arena_dup(a, (struct str){line.p + 3, line.n - 6}).p;
            files[n++].content = (struct str){text.p, 0};
        } else if (n) {
            files[n - 1].content.n = (size_t)(line.p + line.n + 1 - files[n - 1].content.p);
        } else {
            assert_true(colon > 0);
            assert_in_range(ret->n_expect, 0, 15);
            ret->expect[ret->n_expect++] =
                (struct json_pair){arena_dup(a, (struct str){line.p, (size_t)colon}).p,
                                   arena_dup(a, str_trim(str_from_pos(line, (size_t)colon + 1))).p};
        }
    }
    if (tree_make(files, n, a, &ret->tree, &err))
        fail_msg("%s: %s", name, err.msg);
}

/* Reads test/data/check/NAME. */
static inline void check_project_read(struct arena *a, const char *name, struct check_project *ret)
{
    struct str text;
    struct err err;

    if (fs_read_file(a, arena_printf(a, "test/data/check/%s", name), 1 << 20, &text, &err))
        fail_msg("%s", err.msg);
    check_project_parse(a, name, text, ret);
}

#endif
