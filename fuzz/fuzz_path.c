/* layer: tree */
/* Any name, and any target of a link: folding is stable, and what is taken can't climb. */
#include "base/err.h"
#include "base/text.h"
#include "tree/tree.h"
#include "tree/tree_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(struct str path, struct arena *a)
{
    struct str folded = tree_path_fold(a, path), rest = path, name;
    const char *why = "";

    if (path.n == 0 || path.n > 1024 || !text_is_plain(path) || path.p[0] == '/')
        BUG("taken");
    while (str_next(&rest, '/', &name))
        if (name.n == 0 || name.n > 255 || str_eq_c(name, ".") || str_eq_c(name, "..") ||
            str_eq_nocase(name, ".git"))
            BUG("taken");
    if (!str_eq(tree_path_fold(a, folded), folded))
        BUG("folds twice");
    if (tree_path_link_ok(STR("l"), path, &why) != tree_path_link_ok(STR("d/l"), path, &why))
        BUG("a target without '..' is judged by its place");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_CLEANUP struct arena a = {0};
    struct str s = {(const char *)data, size};
    const char *why = NULL;

    tree_path_show(&a, s);
    if (tree_path_ok(s, &why))
        check_path(s, &a);
    else if (!why)
        BUG("refused without a reason");
    if (tree_path_link_ok(STR("l"), s, &why) &&
        (str_starts(s, "..") && (s.n == 2 || s.p[2] == '/')))
        BUG("the link leads out");
    return 0;
}
