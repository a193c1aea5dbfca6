#include "tree/tree.h"

#include <string.h>

#include "base/text.h"
#include "tree/tree_build.h"
#include "tree/tree_path.h"

static const struct tree_caps no_caps = {SIZE_MAX, UINT64_MAX, UINT64_MAX};

int tree_make(const struct tree_file *files, size_t n, struct arena *a, struct tree *ret,
              struct err *err)
{
    struct tree_build b;
    struct tree t;

    tree_build_start(&b, &no_caps, a);
    for (size_t i = 0; i < n; i++)
        tree_build_offer(&b, &files[i]);
    tree_build_finish(&b, &t);
    if (t.n_notes)
        return err_set(err, ERR_INPUT, "%s", t.notes[0]);
    *ret = t;
    return 0;
}

const struct tree_file *tree_find(const struct tree *t, const char *path)
{
    size_t low = 0, high = t->n_files;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = strcmp(t->files[mid].path, path);

        if (c == 0)
            return &t->files[mid];
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

/* ---- overlay ---- */

/* Whether one of the folded paths is the other or lies below it. */
static bool in_the_way(struct str a, struct str b)
{
    struct str shorter = a.n < b.n ? a : b, longer = a.n < b.n ? b : a;

    return memcmp(shorter.p, longer.p, shorter.n) == 0 &&
           (shorter.n == longer.n || longer.p[shorter.n] == '/');
}

/* The file of `over` because of which one of `base` with this folded path must go, or NULL. */
static const struct tree_file *file_over(const struct tree *over, const struct str *keys,
                                         struct str key)
{
    for (size_t i = 0; i < over->n_files; i++)
        if (in_the_way(keys[i], key))
            return &over->files[i];
    return NULL;
}

void tree_overlay(const struct tree *base, const struct tree *over, struct arena *a,
                  struct tree *ret)
{
    struct str *keys = ARENA_ARRAY(a, over->n_files, struct str);
    struct tree_build b;

    tree_build_start(&b, &no_caps, a);
    for (size_t i = 0; i < base->n_notes; i++)
        tree_build_note(&b, "%s", base->notes[i]);
    for (size_t i = 0; i < over->n_files; i++) {
        keys[i] = tree_path_fold(a, str_from(over->files[i].path));
        tree_build_offer(&b, &over->files[i]);
    }
    for (size_t i = 0; i < base->n_files; i++) {
        struct str path = str_from(base->files[i].path);
        const struct tree_file *by = file_over(over, keys, tree_path_fold(a, path));

        if (!by)
            tree_build_offer(&b, &base->files[i]);
        else if (!str_eq_c(path, by->path))
            tree_build_note(&b, "left out %s: %s is put there", tree_path_show(a, path),
                            tree_path_show(a, str_from(by->path)));
    }
    b.capped = base->capped || over->capped;
    tree_build_finish(&b, ret);
}

/* ---- comparing ---- */

static bool same_file(const struct tree_file *a, const struct tree_file *b)
{
    return a->is_link == b->is_link && a->executable == b->executable &&
           strcmp(a->sha256, b->sha256) == 0;
}

void tree_compare(const struct tree *old, const struct tree *new, struct arena *a,
                  struct tree_diff **ret, size_t *ret_n)
{
    static const struct tree empty;
    size_t i = 0, k = 0, n = 0;
    struct tree_diff *diffs;

    old = old ? old : &empty;
    diffs = ARENA_ARRAY(a, old->n_files + new->n_files, struct tree_diff);
    while (i < old->n_files || k < new->n_files) {
        const struct tree_file *was = &old->files[i], *is = &new->files[k];
        int c;

        if (i == old->n_files || k == new->n_files)
            c = i == old->n_files ? 1 : -1;
        else
            c = strcmp(was->path, is->path);
        if (c < 0)
            diffs[n++] = (struct tree_diff){arena_strdup(a, was->path), TREE_DELETED};
        else if (c > 0)
            diffs[n++] = (struct tree_diff){arena_strdup(a, is->path), TREE_ADDED};
        else if (!same_file(was, is))
            diffs[n++] = (struct tree_diff){arena_strdup(a, is->path), TREE_MODIFIED};
        i += c <= 0;
        k += c >= 0;
    }
    *ret = diffs;
    *ret_n = n;
}

json_t *tree_to_json(const struct tree *t, size_t max_content)
{
    json_t *array = json_array();

    for (size_t i = 0; i < t->n_files; i++) {
        const struct tree_file *f = &t->files[i];
        json_t *o = json_object();

        json_set(o, "path", json_c(f->path));
        json_set(o, "bytes", json_integer((json_int_t)f->content.n));
        json_set(o, "sha256", json_c(f->sha256));
        json_set(o, "mode", json_c(tree_build_mode(f)));
        if (f->content.n <= max_content && text_is_plain(f->content))
            json_set(o, "content", json_str(f->content));
        json_add(array, o);
    }
    return array;
}
