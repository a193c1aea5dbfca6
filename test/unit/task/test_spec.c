/* Specifications as they are given. */
#include "support/unit.h"
#include "task/spec.h"

static void any_text_is_a_specification(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    static const char text[] = "It's \"quoted\" ''' $(rm -rf /) `x`\n\ttab \x01 \x1b[31m ünïcödé";
    struct task_spec spec;

    assert_int_equal(spec_from_text(&a, STR(text), &spec, NULL), 0);
    assert_string_equal(spec.specification, text);
    assert_true(spec_id_ok(spec.id));
}

static void what_is_no_text_is_refused(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct task_spec spec;
    struct err err = {0};
    char *big = arena_alloc(&a, SPEC_MAX_BYTES + 2, 1);

    assert_int_equal(spec_from_text(&a, STR(" \n"), &spec, &err), -1);
    assert_contains(err.msg, "empty");
    assert_int_equal(spec_from_text(&a, STR("a\0b"), &spec, &err), -1);
    assert_contains(err.msg, "NUL byte at position 1");
    assert_int_equal(spec_from_text(&a, STR("\xff\xfe"), &spec, &err), -1);
    assert_contains(err.msg, "UTF-8");
    memset(big, 'x', SPEC_MAX_BYTES + 1);
    assert_int_equal(spec_from_text(&a, str_from(big), &spec, &err), -1);
    assert_contains(err.msg, "at most 1048576");
    big[SPEC_MAX_BYTES] = '\0';
    assert_int_equal(spec_from_text(&a, str_from(big), &spec, &err), 0);
}

static void ids_are_safe_as_file_names(void **state)
{
    static const char *const bad[] = {"", ".", "..", "-x", "a/b", "A", "a b", ".work", "é"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(spec_id_ok(bad[i]));
    assert_true(spec_id_ok("20261122-014458-k3v9x2"));
    assert_true(spec_id_ok("a.b_c-1"));
}

static int load(struct arena *a, const char *name, const char *content, struct task_spec *ret,
                struct err *err)
{
    char *dir = unit_folder(a), *path = fs_join(a, dir, name);
    int rc;

    assert_int_equal(fs_write_file(path, str_from(content), 0644, NULL), 0);
    rc = spec_from_file(a, path, ret, err);
    unit_remove(dir);
    return rc;
}

static void task_files_are_json_or_yaml(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct task_spec spec;
    struct err err = {0};

    assert_int_equal(load(&a, "t.json",
                          "{\"specification\":\"do it\",\"task_id\":\"t-1\",\"tests\":"
                          "{\"test_a.py\":\"import x\"}}",
                          &spec, &err),
                     0);
    assert_string_equal(spec.specification, "do it");
    assert_string_equal(spec.id, "t-1");
    assert_int_equal(spec.tests.n_files, 1);
    assert_int_equal(load(&a, "t.yaml", "specification: |\n  two\n  lines\n", &spec, &err), 0);
    assert_string_equal(spec.specification, "two\nlines\n");
}

static void bad_task_files_are_refused_with_the_place(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct task_spec spec;
    struct err err = {0};

    assert_int_equal(
        load(&a, "t.json", "{\"specification\": \"x\",\n  \"task_id\" \"y\"}", &spec, &err), -1);
    assert_contains(err.msg, "t.json:2:");
    assert_int_equal(load(&a, "t.yaml", "specification: x\nspecifcation: y\n", &spec, &err), -1);
    assert_contains(err.msg, "t.yaml:2:1: unknown key 'specifcation'");
    assert_int_equal(load(&a, "t.yaml", "specification: x\ntask_id: ../up\n", &spec, &err), -1);
    assert_contains(err.msg, "t.yaml:2:10:");
    assert_int_equal(load(&a, "t.yaml", "specification: x\ntests: {../up.py: x}\n", &spec, &err),
                     -1);
    assert_contains(err.msg, "tests");
    assert_int_equal(load(&a, "t.json", "{}", &spec, &err), -1);
    assert_contains(err.msg, "'specification' is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_text_is_a_specification),
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(ids_are_safe_as_file_names),
        cmocka_unit_test(task_files_are_json_or_yaml),
        cmocka_unit_test(bad_task_files_are_refused_with_the_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
