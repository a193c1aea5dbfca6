/*
 * What every unit test starts with: cmocka and what it needs first, and a folder of its own.
 */
#ifndef KILN_TEST_SUPPORT_UNIT_H
#define KILN_TEST_SUPPORT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/str.h"

#define assert_str(s, literal)                                                                     \
    do {                                                                                           \
        struct str str_ = (s);                                                                     \
        assert_int_equal(str_.n, sizeof(literal) - 1);                                             \
        assert_memory_equal(str_.p, literal, sizeof(literal) - 1);                                 \
    } while (0)

#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        const char *text_ = (text);                                                                \
        if (!strstr(text_, (part)))                                                                \
            fail_msg("'%s' is not in '%s'", (part), text_);                                        \
    } while (0)

/* A new, empty folder. Give it to unit_remove at the end. */
static inline char *unit_folder(struct arena *a)
{
    const char *tmp = getenv("TMPDIR");
    char *path = arena_printf(a, "%s/kiln-test-XXXXXX", tmp ? tmp : "/tmp");

    assert_non_null(mkdtemp(path));
    return path;
}

static inline void unit_remove(const char *path)
{
    struct err err = {0};

    if (fs_remove_tree(path, &err))
        fail_msg("%s", err.msg);
}

#endif
