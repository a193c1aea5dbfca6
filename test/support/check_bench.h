/*
 * Checks without a sandbox: an envd in an ordinary process, a folder to run in, kiln's helpers.
 */
#ifndef KILN_TEST_SUPPORT_CHECK_BENCH_H
#define KILN_TEST_SUPPORT_CHECK_BENCH_H

#include "support/envd_box.h"

#include "check/check_run.h"

struct check_bench {
    struct arena a;
    struct envd_box box;
    struct stack_set stacks;
    struct check_place place;
    const char *logs;
};

/* Kiln's helpers, where the launcher would have put them. */
static inline void check_bench_helpers(struct check_bench *b, const char *dir)
{
    struct sandbox_file *files;
    struct err err;
    size_t n;

    assert_int_equal(fs_make_dirs(dir, 0755, &err), 0);
    stack_files(&b->stacks, &b->a, &files, &n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(fs_write_file(fs_join(&b->a, dir, fs_base_name(files[i].path)),
                                       files[i].content, 0444, &err),
                         0);
}

static inline int check_bench_start(void **state)
{
    struct check_bench *b = calloc(1, sizeof(*b));
    struct err err;

    assert_non_null(b);
    if (stack_load(&b->a, NULL, &b->stacks, &err) < 0)
        fail_msg("%s", err.msg);
    envd_box_start(&b->box);
    b->place = (struct check_place){
        .envd = b->box.client,
        .tmp = fs_join(&b->a, b->box.folder, "tmp"),
        .kiln_dir = fs_join(&b->a, b->box.folder, "kiln"),
    };
    b->logs = fs_join(&b->a, b->box.folder, "logs");
    check_bench_helpers(b, b->place.kiln_dir);
    assert_int_equal(fs_make_dirs(b->place.tmp, 0755, &err), 0);
    assert_int_equal(fs_make_dirs(b->logs, 0755, &err), 0);
    *state = b;
    return 0;
}

static inline int check_bench_stop(void **state)
{
    struct check_bench *b = *state;

    envd_box_stop(&b->box);
    arena_clear(&b->a);
    free(b);
    return 0;
}

#endif
