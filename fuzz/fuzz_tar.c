/* layer: tree */
/* Any archive: what comes out is a tree by the rules and within the caps, or an error. */
#include "base/err.h"
#include "tree/tree.h"
#include "tree/tree_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_file(const struct tree *t, size_t i, const struct tree_caps *caps)
{
    const struct tree_file *f = &t->files[i];
    const char *why = "";

    if (i && strcmp(f[-1].path, f->path) >= 0)
        BUG("out of order: %s", f->path);
    if (!tree_path_ok(str_from(f->path), &why))
        BUG("bad path: %s", why);
    if (f->is_link && !tree_path_link_ok(str_from(f->path), f->content, &why))
        BUG("bad link: %s", why);
    if (f->content.n > caps->file_bytes)
        BUG("too large");
    if (tree_find(t, f->path) != f)
        BUG("not found");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct tree_caps caps = {.files = 20, .bytes = 4096, .file_bytes = 1024};
    ARENA_CLEANUP struct arena a = {0};
    struct str tar = {(const char *)data, size};
    struct err err;
    struct tree t;

    if (tree_from_tar(tar, &caps, &a, &t, &err))
        return 0;
    if (t.n_files > caps.files || t.bytes > caps.bytes || t.n_notes > 100)
        BUG("over a cap");
    for (size_t i = 0; i < t.n_files; i++)
        check_file(&t, i, &caps);
    return 0;
}
