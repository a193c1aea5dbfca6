/* What counts as an assertion, by the built-in stacks. */
#include "support/unit.h"

#include "check/check_assertions.h"

static int64_t count(const char *stack, const char *path, const char *text)
{
    ARENA_CLEANUP struct arena a = {0};
    struct tree_file file = {.path = path, .content = str_from(text)};
    struct stack_set set;
    struct stack_unit unit = {.dir = "."};
    struct tree tree;
    struct err err = {0};

    assert_int_equal(stack_load(&a, NULL, &set, &err), 0);
    assert_int_equal(tree_make(&file, 1, &a, &tree, &err), 0);
    for (size_t i = 0; i < set.n; i++)
        if (strcmp(set.items[i].name, stack) == 0)
            unit.stack = &set.items[i];
    assert_non_null(unit.stack);
    return check_assertions_count(&unit, &tree);
}

static void python(void **state)
{
    assert_int_equal(count("python", "test_a.py",
                           "    assert x == 1\n"
                           "    self.assertEqual(f(2), 4)\n"
                           "    with pytest.raises(ValueError):\n"
                           "    self.assertTrue(True)\n"
                           "    assert True\n"
                           "    self.assertEqual(1, 1)\n"
                           "    reassert_it()\n"),
                     3);
    assert_int_equal(count("python", "a.py", "assert x\n"), 0);
}

static void node(void **state)
{
    assert_int_equal(count("node", "a.test.js",
                           "assert.strictEqual(f(2), 4);\n"
                           "assert(f(3));\n"
                           "expect(f(2)).toBe(4);\n"
                           "assert.ok(true);\n"
                           "assert.equal(1, 1);\n"),
                     3);
}

static void c_and_make(void **state)
{
    assert_int_equal(count("make", "test_a.c",
                           "    assert_int_equal(f(2), 4);\n"
                           "    CHECK(f(3) == 6);\n"
                           "    check(\"name\", f(4));\n"
                           "    assert(1);\n"
                           "    printf(\"ok 1\\n\");\n"),
                     3);
}

static void patterns_are_checked(void **state)
{
    assert_true(check_assertions_pattern_ok("assert[.(]"));
    assert_false(check_assertions_pattern_ok("assert[("));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(python),
        cmocka_unit_test(node),
        cmocka_unit_test(c_and_make),
        cmocka_unit_test(patterns_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
