#include "tree/tree_build.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tree/tree_path.h"

enum { DEFAULT_FILES = 5000, NOTE_BYTES_MAX = 512 };

static const uint64_t default_bytes = 64 << 20, default_file_bytes = 8 << 20;

struct tree_entry {
    struct tree_file file;
    struct str key; /* the folded path */
    size_t order;   /* in which it came */
};

void tree_build_start(struct tree_build *b, const struct tree_caps *caps, struct arena *a)
{
    *b = (struct tree_build){.a = a};
    if (caps)
        b->caps = *caps;
    if (b->caps.files == 0)
        b->caps.files = DEFAULT_FILES;
    if (b->caps.bytes == 0)
        b->caps.bytes = default_bytes;
    if (b->caps.file_bytes == 0)
        b->caps.file_bytes = default_file_bytes;
}

void tree_build_note(struct tree_build *b, const char *fmt, ...)
{
    char line[NOTE_BYTES_MAX];
    va_list ap;

    if (b->n_notes++ >= TREE_BUILD_NOTES)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    b->notes[b->n_notes - 1] = text_clean(b->a, str_from(line), TEXT_ONE_LINE).p;
}

/* Shows no name when there is no room for the note: a stream may have a million of them. */
void tree_build_refuse(struct tree_build *b, struct str path, const char *why)
{
    bool room = b->n_notes < TREE_BUILD_NOTES;

    tree_build_note(b, "refused %s: %s", room ? tree_path_show(b->a, path) : "", why);
}

bool tree_build_room(struct tree_build *b, struct str path, uint64_t size)
{
    if (size > b->caps.file_bytes) {
        tree_build_note(b, "left out %s: %llu bytes, a file may have %llu",
                        tree_path_show(b->a, path), (unsigned long long)size,
                        (unsigned long long)b->caps.file_bytes);
        b->capped = true;
        return false;
    }
    if (b->n >= b->caps.files || size > b->caps.bytes - b->bytes) {
        b->left_out++;
        b->capped = true;
        return false;
    }
    return true;
}

static void hex_digest(const unsigned char digest[32], char ret[65])
{
    for (size_t i = 0; i < 32; i++)
        snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

static void hash(struct str s, char ret[65])
{
    unsigned char digest[EVP_MAX_MD_SIZE];

    if (EVP_Digest(s.p, s.n, digest, NULL, EVP_sha256(), NULL) != 1)
        BUG("libcrypto has no SHA-256");
    hex_digest(digest, ret);
}

void tree_build_add(struct tree_build *b, const struct tree_file *f)
{
    struct tree_entry *e;

    b->entries = arena_grow(b->a, b->entries, b->n, &b->cap, sizeof(*b->entries));
    e = &b->entries[b->n];
    *e = (struct tree_entry){*f, tree_path_fold(b->a, str_from(f->path)), b->n};
    e->file.executable = f->executable && !f->is_link;
    hash(f->content, e->file.sha256);
    b->n++;
    b->bytes += f->content.n;
}

void tree_build_offer(struct tree_build *b, const struct tree_file *f)
{
    struct str path = str_from(f->path);
    struct tree_file copy = *f;
    const char *why;

    if (!tree_path_ok(path, &why) || (f->is_link && !tree_path_link_ok(path, f->content, &why))) {
        tree_build_refuse(b, path, why);
        return;
    }
    if (!tree_build_room(b, path, f->content.n))
        return;
    copy.path = arena_strdup(b->a, f->path);
    copy.content = arena_dup(b->a, f->content);
    tree_build_add(b, &copy);
}

/* ---- finishing ---- */

static int compare_str(struct str a, struct str b)
{
    int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

    return c ? c : (a.n > b.n) - (a.n < b.n);
}

static int compare_keys(const void *va, const void *vb)
{
    const struct tree_entry *a = va, *b = vb;
    int c = compare_str(a->key, b->key);

    if (c == 0)
        c = strcmp(a->file.path, b->file.path);
    return c ? c : (a->order > b->order) - (a->order < b->order);
}

static int compare_paths(const void *va, const void *vb)
{
    const struct tree_file *a = va, *b = vb;

    return strcmp(a->path, b->path);
}

/* The kept entry with this key, or NULL; entries are sorted by key. */
static const struct tree_entry *find_key(const struct tree_entry *entries, size_t n, struct str key)
{
    size_t low = 0;

    while (low < n) {
        size_t mid = low + (n - low) / 2;
        int c = compare_str(entries[mid].key, key);

        if (c == 0)
            return &entries[mid];
        if (c < 0)
            low = mid + 1;
        else
            n = mid;
    }
    return NULL;
}

/* The file or link among the kept ones that stands where a folder of `key` should be, or NULL. */
static const struct tree_entry *file_above(const struct tree_entry *kept, size_t n, struct str key)
{
    for (size_t i = 1; i < key.n; i++) {
        const struct tree_entry *above;

        if (key.p[i] == '/' && (above = find_key(kept, n, (struct str){key.p, i})))
            return above;
    }
    return NULL;
}

/* Why an entry can't stay beside those that are kept already, or NULL. */
static const char *clash(struct tree_build *b, const struct tree_entry *e, size_t kept)
{
    const struct tree_entry *twin = find_key(b->entries, kept, e->key);
    const struct tree_entry *above = twin ? NULL : file_above(b->entries, kept, e->key);

    if (twin && strcmp(twin->file.path, e->file.path) == 0)
        return "it came twice";
    if (twin)
        return arena_printf(b->a, "some file systems take it for %s",
                            tree_path_show(b->a, str_from(twin->file.path)));
    if (above)
        return arena_printf(b->a, "it lies below the %s %s", above->file.is_link ? "link" : "file",
                            tree_path_show(b->a, str_from(above->file.path)));
    return NULL;
}

/* Moves the entries that stay to the front. A folder's key sorts before what is below it. */
static void settle(struct tree_build *b)
{
    size_t kept = 0;

    if (b->n)
        qsort(b->entries, b->n, sizeof(*b->entries), compare_keys);
    for (size_t i = 0; i < b->n; i++) {
        const char *why = clash(b, &b->entries[i], kept);

        if (why)
            tree_build_refuse(b, str_from(b->entries[i].file.path), why);
        else
            b->entries[kept++] = b->entries[i];
    }
    b->n = kept;
}

const char *tree_build_mode(const struct tree_file *f)
{
    if (f->is_link)
        return "120000";
    return f->executable ? "100755" : "100644";
}

static void hash_tree(struct tree *t)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char digest[EVP_MAX_MD_SIZE];

    if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
        BUG("libcrypto has no SHA-256");
    for (size_t i = 0; i < t->n_files; i++) {
        const struct tree_file *f = &t->files[i];
        const char *mode = tree_build_mode(f);

        EVP_DigestUpdate(ctx, mode, strlen(mode));
        EVP_DigestUpdate(ctx, " ", 1);
        EVP_DigestUpdate(ctx, f->sha256, 64);
        EVP_DigestUpdate(ctx, " ", 1);
        EVP_DigestUpdate(ctx, f->path, strlen(f->path) + 1);
    }
    EVP_DigestFinal_ex(ctx, digest, NULL);
    EVP_MD_CTX_free(ctx);
    hex_digest(digest, t->sha256);
}

static void finish_notes(struct tree_build *b, struct tree *ret)
{
    size_t shown = b->n_notes < TREE_BUILD_NOTES ? b->n_notes : TREE_BUILD_NOTES;
    const char **notes = ARENA_ARRAY(b->a, shown + 2, const char *);

    memcpy(notes, b->notes, shown * sizeof(*notes));
    ret->n_notes = shown;
    if (b->left_out)
        notes[ret->n_notes++] =
            arena_printf(b->a, "left out %s: a tree has at most %zu files and %s",
                         text_plural(b->a, (long long)b->left_out, "more file"), b->caps.files,
                         text_bytes(b->a, b->caps.bytes));
    if (b->n_notes > shown)
        notes[ret->n_notes++] = arena_printf(
            b->a, "and %s", text_plural(b->a, (long long)(b->n_notes - shown), "more note"));
    ret->notes = notes;
}

void tree_build_finish(struct tree_build *b, struct tree *ret)
{
    struct tree t = {.capped = b->capped};

    settle(b);
    t.n_files = b->n;
    t.files = ARENA_ARRAY(b->a, b->n, struct tree_file);
    for (size_t i = 0; i < b->n; i++) {
        t.files[i] = b->entries[i].file;
        t.bytes += t.files[i].content.n;
    }
    if (b->n)
        qsort(t.files, t.n_files, sizeof(*t.files), compare_paths);
    finish_notes(b, &t);
    hash_tree(&t);
    *ret = t;
}
