#include "support/unit.h"

#include <unistd.h>

#include "base/fs.h"
#include "model/price.h"

static const struct usage million_each = {1000000, 1000000, 1000000, 1000000, 1000000};

static struct price_table *builtin(struct arena *a)
{
    struct price_table *t = NULL;
    struct err err = {0};

    if (price_load(a, NULL, &t, &err))
        fail_msg("%s", err.msg);
    return t;
}

/* Loads an override with this content; returns -1 with the error as price_load does. */
static int load_text(struct arena *a, const char *text, struct price_table **ret, struct err *err)
{
    char path[] = "/tmp/kiln-test-price-XXXXXX";
    int fd = mkstemp(path), rc;

    assert_true(fd >= 0);
    assert_int_equal(fs_write_all(fd, str_from(text), err), 0);
    close(fd);
    rc = price_load(a, path, ret, err);
    unlink(path);
    return rc;
}

static void test_costs(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    const struct price_table *t = builtin(&a);
    struct usage u = {.input = 1000, .cache_read = 20000, .cache_write_5m = 500, .output = 300};

    /* 4 + 5 + 8 + 0.2 + 20 */
    assert_int_equal(price_cost(t, "claude-opus-5-5", &million_each), 37200000000);
    assert_int_equal(price_cost(t, "claude-opus-5-5", &u),
                     1000 * 4000 + 20000 * 200 + 500 * 5000 + 300 * 20000);
    assert_int_equal(price_cost(t, "claude-fable-5-2", &million_each), 74200000000);
    assert_int_equal(price_cost(t, "claude-sonnet-5", &million_each), 18700000000);
    assert_int_equal(price_cost(t, "claude-sonnet-5-5", &million_each), 18600000000);
    assert_int_equal(price_cost(t, "claude-opus-4-6", &million_each), 46750000000);
    assert_int_equal(price_cost(t, "claude-sonnet-4-5", &million_each), 28050000000);
    assert_int_equal(price_cost(t, "claude-haiku-4-5", &million_each), 9350000000);
    assert_int_equal(price_cost(t, "claude-opus-5-5", &(struct usage){0}), 0);
}

static void test_long_prompts_cost_more(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    const struct price_table *t = builtin(&a);
    struct usage at = {.input = 1, .cache_read = 99999, .output = 10}, above = at;

    above.input = 2;
    assert_int_equal(price_cost(t, "haiku", &at), 100 + 99999 * 10 + 10 * 500);
    assert_int_equal(price_cost(t, "haiku", &above), 2 * 500 + 99999 * 50 + 10 * 2500);
}

static void test_names(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    const struct price_table *t = builtin(&a);

    assert_string_equal(price_resolve(t, "opus"), "claude-opus-5-5");
    assert_string_equal(price_resolve(t, "sonnet"), "claude-sonnet-5-5");
    assert_string_equal(price_resolve(t, "haiku"), "claude-haiku-5-5");
    assert_string_equal(price_resolve(t, "fable"), "claude-fable-5-2");
    assert_string_equal(price_resolve(t, "qwen3"), "qwen3");
    assert_true(price_knows(t, "opus"));
    assert_true(price_knows(t, "claude-haiku-4-5-20251001"));
    assert_false(price_knows(t, "claude-haiku-4-5-2025100x"));
    assert_false(price_knows(t, "claude-haiku-9-20251001"));
    assert_false(price_knows(t, "qwen3"));
    assert_false(price_knows(t, ""));
    assert_int_equal(price_cost(t, "claude-haiku-4-5-20251001", &million_each), 9350000000);
    assert_int_equal(price_cost(t, "qwen3", &million_each),
                     price_cost(t, "claude-opus-5-5", &million_each));
}

static const char free_local[] =
    "unknown: qwen3\n"
    "aliases: {opus: qwen3}\n"
    "prices:\n"
    "  - {models: qwen3, input: 0, output: 0.0004, cache_write_5m: 0, cache_write_1h: 0, "
    "cache_read: 0}\n";

static void test_override(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct price_table *t = NULL;
    struct err err = {0};

    if (load_text(&a, free_local, &t, &err))
        fail_msg("%s", err.msg);
    assert_string_equal(price_resolve(t, "opus"), "qwen3");
    assert_string_equal(price_resolve(t, "haiku"), "claude-haiku-5-5");
    assert_int_equal(price_cost(t, "never-heard-of", &million_each), 400000);
    /* Below a nano-dollar is rounded up, never away. */
    assert_int_equal(price_cost(t, "qwen3", &(struct usage){.output = 1}), 1);
    assert_int_equal(price_cost(t, "claude-opus-5-5", &million_each), 37200000000);
}

static void test_override_of_what_unknown_models_cost(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct price_table *t = NULL;

    assert_int_equal(load_text(&a,
                               "prices: [{models: [claude-opus-5-5], input: 1, output: 1, "
                               "cache_write_5m: 1, cache_write_1h: 1, cache_read: 1}]",
                               &t, NULL),
                     0);
    assert_int_equal(price_cost(t, "never-heard-of", &million_each), 5 * NANO_USD);
}

static void test_huge_counts_dont_overflow(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    const struct price_table *t = builtin(&a);
    struct usage u = {USAGE_COUNT_MAX, 0, 0, 0, USAGE_COUNT_MAX};

    assert_true(price_cost(t, "fable", &u) == USAGE_COUNT_MAX * 48000);
}

static void check_bad(const char *text, const char *expected)
{
    ARENA_CLEANUP struct arena a = {0};
    struct price_table *t = NULL;
    struct err err = {0};

    assert_int_equal(load_text(&a, text, &t, &err), -1);
    assert_null(t);
    if (!strstr(err.msg, expected))
        fail_msg("'%s' doesn't contain '%s'", err.msg, expected);
}

static void test_bad_files(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct price_table *t = NULL;
    struct err err = {0};

    check_bad("prices:\n  - models: [x]\n    input: 1\n", "'output' is missing in price");
    check_bad("prices:\n  - models: [x]\n    imput: 1\n", ":3:5: unknown key 'imput' in price");
    check_bad("prices:\n  - models: [x]\n    input: -1\n", "must be from 0 to 1000000");
    check_bad("aliases: {best: nobody}\n", "alias 'best' stands for 'nobody'");
    check_bad("unknown: nobody\n", "'unknown' must name a model");
    check_bad("[1]\n", "must be a mapping");
    assert_int_equal(price_load(&a, "/nonexistent/prices.yaml", &t, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_costs),
        cmocka_unit_test(test_long_prompts_cost_more),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_override),
        cmocka_unit_test(test_override_of_what_unknown_models_cost),
        cmocka_unit_test(test_huge_counts_dont_overflow),
        cmocka_unit_test(test_bad_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
