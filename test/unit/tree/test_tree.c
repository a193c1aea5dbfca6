/* Making, finding, overlaying, comparing, writing and showing trees. */
#include "support/unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tree/tree.h"

#define FILE_(name, text)                                                                          \
    {                                                                                              \
        .path = (name), .content = STR(text)                                                       \
    }
#define LINK_(name, target)                                                                        \
    {                                                                                              \
        .path = (name), .content = STR(target), .is_link = true                                    \
    }
#define MAKE(a, t, ...)                                                                            \
    do {                                                                                           \
        const struct tree_file files_[] = {__VA_ARGS__};                                           \
        struct err err_;                                                                           \
        if (tree_make(files_, ARRAY_LEN(files_), (a), (t), &err_))                                 \
            fail_msg("%s", err_.msg);                                                              \
    } while (0)

static void makes_a_sorted_tree(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct tree t;

    (void)state;
    MAKE(&a, &t, FILE_("b/c", "12"), FILE_("b-c", "3"), LINK_("l", "b/c"), FILE_("a", ""));
    assert_int_equal(t.n_files, 4);
    assert_string_equal(t.files[0].path, "a");
    assert_string_equal(t.files[1].path, "b-c");
    assert_string_equal(t.files[2].path, "b/c");
    assert_string_equal(t.files[3].path, "l");
    assert_int_equal(t.bytes, 6);
    assert_int_equal(t.n_notes, 0);
    assert_false(t.capped);
    assert_string_equal(t.files[2].sha256,
                        "6b51d431df5d7f141cbececcf79edf3dd861c3b4069f0b11661a3eefacbba918");
    assert_ptr_equal(tree_find(&t, "b/c"), &t.files[2]);
    assert_null(tree_find(&t, "b"));
    assert_null(tree_find(&t, "zz"));
}

/* The value was worked out with printf and sha256sum, from the form that tree.h states. */
static void hashes_the_canonical_form(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct tree t, other;

    (void)state;
    MAKE(&a, &t, FILE_("x", "12"), {.path = "run", .content = STR("12"), .executable = true},
         LINK_("l", "x"));
    assert_string_equal(t.sha256,
                        "da5de9c2f6cfcd4f27eaea28e29a3e4133b4671ead687c701e0e7cd9c8cce010");
    MAKE(&a, &other, LINK_("l", "x"), FILE_("x", "12"),
         {.path = "run", .content = STR("12"), .executable = true});
    assert_string_equal(other.sha256, t.sha256);
    MAKE(&a, &other, LINK_("l", "x"), FILE_("x", "12"), FILE_("run", "12"));
    assert_string_not_equal(other.sha256, t.sha256);
    MAKE(&a, &other, FILE_("l", "x"), FILE_("x", "12"),
         {.path = "run", .content = STR("12"), .executable = true});
    assert_string_not_equal(other.sha256, t.sha256);
}

static void refuses_what_breaks_a_rule(void **state)
{
    static const struct {
        struct tree_file files[2];
        const char *why;
    } rows[] = {
        {{FILE_("../x", ""), FILE_("a", "")}, "'..'"},
        {{FILE_("a", ""), FILE_("a", "")}, "twice"},
        {{FILE_("a/X", ""), FILE_("A/x", "")}, "take it for 'A/x'"},
        {{FILE_("a", ""), FILE_("a/b", "")}, "below the file 'a'"},
        {{LINK_("d", "e"), FILE_("d/b", "")}, "below the link 'd'"},
        {{LINK_("D", "e"), FILE_("d/b", "")}, "below the link 'D'"},
        {{LINK_("a", "/etc"), FILE_("b", "")}, "absolute"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ARENA_CLEANUP struct arena a = {0};
        struct err err = {0};
        struct tree t;

        assert_int_equal(tree_make(rows[i].files, 2, &a, &t, &err), -1);
        assert_int_equal(err.kind, ERR_INPUT);
        if (!strstr(err.msg, rows[i].why))
            fail_msg("row %zu: %s", i, err.msg);
    }
}

static void lays_files_over(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct tree base, over, t;

    (void)state;
    MAKE(&a, &base, FILE_("src/a", "1"), FILE_("test/t", "tampered"), FILE_("test/keep", "k"));
    MAKE(&a, &over, FILE_("test/t", "pristine"), FILE_("test/new", "n"));
    tree_overlay(&base, &over, &a, &t);
    assert_int_equal(t.n_files, 4);
    assert_true(str_eq_c(tree_find(&t, "test/t")->content, "pristine"));
    assert_non_null(tree_find(&t, "src/a"));
    assert_non_null(tree_find(&t, "test/keep"));
    assert_non_null(tree_find(&t, "test/new"));
    assert_int_equal(t.n_notes, 0);
}

/* What the agent put in the way of a protected test goes, whatever it is. */
static void lays_files_over_obstacles(void **state)
{
    static const struct tree_file obstacles[] = {
        LINK_("test", "evil"),      FILE_("test", "a file"),
        FILE_("TEST/T", "a twin"),  FILE_("test/t/x", "a folder"),
        LINK_("test/t", "../evil"), FILE_("te\xe2\x80\x8dst/t", "an invisible twin"),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(obstacles); i++) {
        ARENA_CLEANUP struct arena a = {0};
        struct tree base, over, t;

        MAKE(&a, &base, obstacles[i], FILE_("a", "1"));
        MAKE(&a, &over, FILE_("test/t", "pristine"));
        tree_overlay(&base, &over, &a, &t);
        assert_int_equal(t.n_files, 2);
        assert_true(str_eq_c(tree_find(&t, "test/t")->content, "pristine"));
        assert_false(tree_find(&t, "test/t")->is_link);
        assert_int_equal(t.n_notes, strcmp(obstacles[i].path, "test/t") != 0);
    }
}

static void compares(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct tree old, new;
    struct tree_diff *d;
    size_t n;

    (void)state;
    MAKE(&a, &old, FILE_("a", "1"), FILE_("b", "1"), FILE_("c", "1"), FILE_("m", "1"),
         FILE_("z", "1"));
    MAKE(&a, &new, FILE_("a", "1"), FILE_("b", "2"), FILE_("bb", "1"), LINK_("c", "1"),
         {.path = "m", .content = STR("1"), .executable = true});
    tree_compare(&old, &new, &a, &d, &n);
    assert_int_equal(n, 5);
    assert_string_equal(d[0].path, "b");
    assert_int_equal(d[0].change, TREE_MODIFIED);
    assert_string_equal(d[1].path, "bb");
    assert_int_equal(d[1].change, TREE_ADDED);
    assert_string_equal(d[2].path, "c");
    assert_int_equal(d[2].change, TREE_MODIFIED);
    assert_string_equal(d[3].path, "m");
    assert_int_equal(d[3].change, TREE_MODIFIED);
    assert_string_equal(d[4].path, "z");
    assert_int_equal(d[4].change, TREE_DELETED);
    tree_compare(&new, &new, &a, &d, &n);
    assert_int_equal(n, 0);
    tree_compare(NULL, &new, &a, &d, &n);
    assert_int_equal(n, 5);
    assert_int_equal(d[4].change, TREE_ADDED);
}

static void shows_json(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct tree t;

    (void)state;
    MAKE(&a, &t, FILE_("bin", "\xff"), FILE_("long", "12345"), LINK_("l", "t"),
         {.path = "t", .content = STR("h\xc3\xa4"), .executable = true});
    JSON_CLEANUP json_t *j = tree_to_json(&t, 4);
    assert_int_equal(json_array_size(j), 4);
    assert_null(json_object_get(json_array_get(j, 0), "content"));
    assert_int_equal(json_get_int(json_array_get(j, 0), "bytes", 0), 1);
    assert_string_equal(json_get_c(json_array_get(j, 1), "mode"), "120000");
    assert_string_equal(json_get_c(json_array_get(j, 1), "content"), "t");
    assert_null(json_object_get(json_array_get(j, 2), "content"));
    assert_string_equal(json_get_c(json_array_get(j, 2), "mode"), "100644");
    assert_string_equal(json_get_c(json_array_get(j, 3), "path"), "t");
    assert_string_equal(json_get_c(json_array_get(j, 3), "mode"), "100755");
    assert_string_equal(json_get_c(json_array_get(j, 3), "content"), "h\xc3\xa4");
    assert_string_equal(json_get_c(json_array_get(j, 3), "sha256"), t.files[3].sha256);
}

static void writes_a_folder(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    char *folder = unit_folder(&a);
    const char *dir = fs_join(&a, folder, "out");
    struct err err = {0};
    struct stat st;
    struct tree t;
    struct str text;
    char target[16] = "";

    (void)state;
    MAKE(&a, &t, FILE_("d/e/f", "deep"), FILE_("d/g", ""), LINK_("a-link", "d/e"),
         {.path = "run", .content = STR("#!"), .executable = true});
    if (tree_write(&t, dir, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(fs_read_file(&a, fs_join(&a, dir, "d/e/f"), 100, &text, &err), 0);
    assert_true(str_eq_c(text, "deep"));
    assert_int_equal(stat(fs_join(&a, dir, "run"), &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0755);
    assert_int_equal(stat(fs_join(&a, dir, "d/g"), &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0644);
    assert_int_equal(readlink(fs_join(&a, dir, "a-link"), target, sizeof(target) - 1), 3);
    assert_string_equal(target, "d/e");
    assert_int_equal(tree_write(&t, dir, &err), -1);
    assert_int_equal(err.kind, ERR_EXISTS);
    assert_true(fs_exists(fs_join(&a, dir, "run")));
    unit_remove(folder);
}

/* No tree is like this; a full disk fails the same way. */
static void leaves_nothing_when_it_fails(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct tree_file files[] = {FILE_("l/x", "1"), FILE_("l", "a file in the way")};
    struct tree t = {.files = files, .n_files = 2};
    char *folder = unit_folder(&a);
    const char *dir = fs_join(&a, folder, "none");
    struct err err = {0};

    (void)state;
    assert_int_equal(tree_write(&t, dir, &err), -1);
    assert_int_equal(err.kind, ERR_IO);
    assert_false(fs_exists(dir));
    unit_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_a_sorted_tree),
        cmocka_unit_test(hashes_the_canonical_form),
        cmocka_unit_test(refuses_what_breaks_a_rule),
        cmocka_unit_test(lays_files_over),
        cmocka_unit_test(lays_files_over_obstacles),
        cmocka_unit_test(compares),
        cmocka_unit_test(shows_json),
        cmocka_unit_test(writes_a_folder),
        cmocka_unit_test(leaves_nothing_when_it_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
