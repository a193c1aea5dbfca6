/* The rules for names: what a tree may hold and what not. */
#include "support/unit.h"

#include "base/cleanup.h"
#include "tree/tree.h"
#include "tree/tree_path.h"

#define NAME_255                                                                                   \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab" \
    "cdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef01234567" \
    "89abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"

static void takes_ordinary_names(void **state)
{
    static const char *const names[] = {
        "a",
        "src/main.c",
        ".gitignore",
        ".gitattributes",
        "sub/.gitmodules",
        ".github/workflows/ci.yml",
        "git",
        "x.git/config",
        "-rf",
        "with space",
        "a:b",
        "...",
        "trailing.",
        "h\xc3\xa4user/\xe6\x97\xa5\xe6\x9c\xac.md",
        "\xe2\x9d\xa4\xef\xb8\x8f.txt", /* with a variation selector */
        "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/30/31/32",
        NAME_255,
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *why = NULL;

        if (!tree_path_ok(str_from(names[i]), &why))
            fail_msg("'%s' was refused: %s", names[i], why);
    }
}

static void refuses_hostile_names(void **state)
{
    static const struct {
        struct str path;
        const char *why; /* a part of it */
    } rows[] = {
        {{"", 0}, "empty"},
        {STR("/etc/passwd"), "absolute"},
        {STR("../x"), "'..'"},
        {STR("a/../b"), "'..'"},
        {STR("a/.."), "'..'"},
        {STR("./a"), "'.'"},
        {STR("a/./b"), "'.'"},
        {STR("a//b"), "empty"},
        {STR("a/"), "empty"},
        {STR("a\\b"), "backslash"},
        {STR("a\nb"), "control"},
        {STR("a\0b"), "control"},
        {STR("a\x1b[31m"), "control"},
        {STR("a\x7f"), "control"},
        {STR("a\xc2\x9b"
             "b"),
         "control"},
        {STR("txt\xe2\x80\xae"
             "exe"),
         "bidirectional"},
        {STR("a\xe2\x81\xa6"), "bidirectional"},
        {STR("a\xe2\x80\xa8"), "control"},
        {STR("a\xff"), "UTF-8"},
        {STR("\xc0\xaf"), "UTF-8"},
        {STR("\xed\xa0\x80"), "UTF-8"},
        {STR("a/\xe2\x80\x8b/b"), "invisible"},
        {STR(NAME_255 "x"), "255"},
        {STR(NAME_255 "/" NAME_255 "/" NAME_255 "/" NAME_255 "/x"), "1024"},
        {STR("1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/30/31/"
             "32/33"),
         "32 levels"},
        {STR(".git"), ".git"},
        {STR(".git/config"), ".git"},
        {STR("a/.git"), ".git"},
        {STR("a/.GIT/hooks/x"), ".git"},
        {STR(".Git "), ".git"},
        {STR(".git."), ".git"},
        {STR(".git. . "), ".git"},
        {STR(".git::$INDEX_ALLOCATION"), ".git"},
        {STR("git~1"), ".git"},
        {STR("GIT~1/x"), ".git"},
        {STR(".g\xe2\x80\x8cit"), ".git"},
        {STR(".gi\xef\xbb\xbft/x"), ".git"},
        {STR("\xe2\x81\xaf.git"), ".git"},
        {STR(".g\xc4\xb1t"), ".git"}, /* the dotless i, whose upper case is I */
        {STR(".gitmodules/x"), ".gitmodules"},
        {STR("a/.GitModules/x"), ".gitmodules"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *why = NULL;

        if (tree_path_ok(rows[i].path, &why))
            fail_msg("'%s' was taken", rows[i].path.p);
        if (str_find(str_from(why), str_from(rows[i].why)) < 0)
            fail_msg("'%s' was refused because '%s'", rows[i].path.p, why);
    }
}

static void judges_links(void **state)
{
    static const struct {
        const char *path, *target;
        bool ok;
    } rows[] = {
        {"l", "a", true},
        {"l", "a/b/c", true},
        {"l", ".", true},
        {"l", "./a//b/", true},
        {"d/l", "../a", true},
        {"d/e/l", "../../a", true},
        {"d/e/l", "../..", true},
        {"l", "missing", true},
        {"l", "", false},
        {"l", "/etc/passwd", false},
        {"l", "..", false},
        {"l", "../a", false},
        {"d/l", "../../a", false},
        {"d/l", "./../../a", false},
        {"d/l", "a/../b", false}, /* 'a' may be a link */
        {"l", "a\nb", false},
        {"l", "a\\b", false},
        {"l", "\xff", false},
        {"l", ".git/config", false},
        {"l", "x/.GIT", false},
        {".gitmodules", "a", false},
        {"d/.GITMODULES ", "a", false},
        {"gitmod~1", "a", false},
        {"GI7EBA~1", "a", false},
        {".gitignore", "a", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *why = "it was taken";

        if (tree_path_link_ok(str_from(rows[i].path), str_from(rows[i].target), &why) != rows[i].ok)
            fail_msg("'%s' to '%s': %s", rows[i].path, rows[i].target, why);
    }
}

static void folds_case_and_drops_the_invisible(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"README.md", "readme.MD", true},
        {"\xc3\x84.txt", "\xc3\xa4.txt", true},         /* A with dots */
        {"\xd0\x96", "\xd0\xb6", true},                 /* Cyrillic */
        {"\xe2\x84\xaa", "k", true},                    /* Kelvin sign */
        {"\xc5\xbf", "S", true},                        /* long s */
        {"\xf0\x90\x90\x80", "\xf0\x90\x90\xa8", true}, /* Deseret */
        {"\xc8\xba", "\xe2\xb1\xa5", true},             /* grows by a byte when folded */
        {"a\xe2\x80\x8d"
         "b",
         "ab", true},
        {"a", "b", false},
        {"a/b", "a-b", false},
    };
    ARENA_CLEANUP struct arena a = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq(tree_path_fold(&a, str_from(rows[i].a)),
                   tree_path_fold(&a, str_from(rows[i].b))) != rows[i].same)
            fail_msg("'%s' and '%s'", rows[i].a, rows[i].b);
}

static void shows_any_name_on_one_line(void **state)
{
    ARENA_CLEANUP struct arena a = {0};

    (void)state;
    assert_string_equal(tree_path_show(&a, STR("a\n\x1b[31mb\xff")), "'a\\nb\xef\xbf\xbd'");
    assert_true(strlen(tree_path_show(&a, STR(NAME_255))) < 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_ordinary_names),
        cmocka_unit_test(refuses_hostile_names),
        cmocka_unit_test(judges_links),
        cmocka_unit_test(folds_case_and_drops_the_invisible),
        cmocka_unit_test(shows_any_name_on_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
