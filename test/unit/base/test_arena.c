#include <stdalign.h>

#include "base/cleanup.h"
#include "support/unit.h"

static void memory_is_zeroed_and_aligned(void **state)
{
    ARENA_CLEANUP struct arena a = {0};

    for (size_t n = 1; n < 300; n++) {
        unsigned char *p = arena_alloc(&a, n, 1);

        assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, n);
    }
    assert_int_equal(a.total, 299 * 300 / 2);
}

/* Objects of all sizes keep their content whatever is allocated after them. */
static void objects_do_not_overlap(void **state)
{
    static const size_t sizes[] = {100000, 1, 16, 9000, 8, 200000, 32768, 24, 8192, 8193, 40};
    enum { N = 200 };
    ARENA_CLEANUP struct arena a = {0};
    unsigned char *p[N];

    for (size_t i = 0; i < N; i++) {
        p[i] = arena_alloc(&a, sizes[i % ARRAY_LEN(sizes)], 1);
        memset(p[i], (int)i, sizes[i % ARRAY_LEN(sizes)]);
    }
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < sizes[i % ARRAY_LEN(sizes)]; k++)
            assert_int_equal(p[i][k], i & 0xff);
}

static void a_cleared_arena_is_usable(void **state)
{
    ARENA_CLEANUP struct arena a = {0};

    arena_strdup(&a, "one");
    arena_clear(&a);
    assert_int_equal(a.total, 0);
    assert_null(a.blocks);
    assert_string_equal(arena_strdup(&a, "two"), "two");
}

static void copies(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct str with_nul = arena_dup(&a, STR("a\0b"));

    assert_null(arena_strdup(&a, NULL));
    assert_string_equal(arena_strdup(&a, ""), "");
    assert_memory_equal(with_nul.p, "a\0b", 4);
    assert_int_equal(with_nul.n, 3);
    assert_string_equal(arena_dup(&a, (struct str){0}).p, "");
    assert_string_equal(arena_printf(&a, "%s-%05d", "x", 42), "x-00042");
    assert_int_equal(strlen(arena_printf(&a, "%100000d", 1)), 100000);
}

static void a_growing_array_keeps_its_elements(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    size_t cap = 0;
    int *items = NULL;

    for (int i = 0; i < 5000; i++) {
        items = arena_grow(&a, items, (size_t)i, &cap, sizeof(*items));
        items[i] = i;
    }
    assert_true(cap >= 5000);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(items[i], i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_aligned),
        cmocka_unit_test(objects_do_not_overlap),
        cmocka_unit_test(a_cleared_arena_is_usable),
        cmocka_unit_test(copies),
        cmocka_unit_test(a_growing_array_keeps_its_elements),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
