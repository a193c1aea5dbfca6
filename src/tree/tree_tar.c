#include "tree/tree_tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

#include "tree/tree_path.h"

enum { ENTRIES_PER_FILE = 10 }; /* looked at for each file that a tree may have */

static void free_reader(struct archive **r)
{
    archive_read_free(*r);
}

static void free_writer(struct archive **w)
{
    archive_write_free(*w);
}

static void free_entry(struct archive_entry **e)
{
    archive_entry_free(*e);
}

#define READER_CLEANUP __attribute__((cleanup(free_reader)))
#define WRITER_CLEANUP __attribute__((cleanup(free_writer)))
#define ENTRY_CLEANUP __attribute__((cleanup(free_entry)))

/* ---- reading ---- */

struct reading {
    const struct tree_tar_source *source;
    uint64_t left; /* bytes that may still be read */
    bool over;     /* the stream was longer than it may be */
    bool failed;   /* the source failed; then source_err says why */
    struct err source_err;
};

static la_ssize_t on_read(struct archive *r, void *ctx, const void **ret)
{
    struct reading *in = ctx;
    struct str piece;

    (void)r;
    if (in->left == 0) {
        in->over = true;
        return 0;
    }
    if (in->source->next(in->source->ctx, &piece, &in->source_err)) {
        in->failed = true;
        return -1;
    }
    if (piece.n > in->left)
        piece.n = (size_t)in->left;
    in->left -= piece.n;
    *ret = piece.p;
    return (la_ssize_t)piece.n;
}

/* Every name as the bytes that it is, and only uncompressed tar: no other code of the library
 * sees hostile input. */
static struct archive *open_reader(struct reading *in)
{
    struct archive *r = archive_read_new();

    if (!r || archive_read_support_format_tar(r) != ARCHIVE_OK)
        BUG("libarchive: %s", r ? archive_error_string(r) : "no memory");
    archive_read_open(r, in, NULL, on_read, NULL);
    return r;
}

static const char *type_fault(struct archive_entry *e)
{
    if (archive_entry_hardlink(e))
        return "it is a hard link";
    switch (archive_entry_filetype(e)) {
    case AE_IFREG:
    case AE_IFLNK:
        return NULL;
    case AE_IFIFO:
        return "it is a FIFO";
    case AE_IFSOCK:
        return "it is a socket";
    case AE_IFBLK:
    case AE_IFCHR:
        return "it is a device";
    default:
        return "it is no file";
    }
}

/* The content, which is no longer than its entry said; less of it is the stream's fault. */
static int read_content(struct archive *r, size_t size, struct arena *a, struct str *ret)
{
    char *p = arena_alloc(a, size + 1, 1);
    size_t n = 0;

    while (n < size) {
        la_ssize_t got = archive_read_data(r, p + n, size - n);

        if (got < 0)
            return -1;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    *ret = (struct str){p, n};
    return 0;
}

/* Takes one entry. The size is judged by the header, before any data is read. */
static int take(struct archive *r, struct archive_entry *e, struct tree_build *b)
{
    struct str path = str_from(archive_entry_pathname(e)), target;
    int64_t size = archive_entry_size(e);
    struct tree_file f = {0};
    const char *why;

    if (archive_entry_filetype(e) == AE_IFDIR && !archive_entry_hardlink(e))
        return 0;
    while (str_starts(path, "./"))
        path = str_from_pos(path, 2);
    target = str_from(archive_entry_symlink(e));
    f.is_link = archive_entry_filetype(e) == AE_IFLNK;
    f.executable = archive_entry_perm(e) & 0100;
    if (!tree_path_ok(path, &why) || (why = type_fault(e)) ||
        (f.is_link && !tree_path_link_ok(path, target, &why))) {
        tree_build_refuse(b, path, why);
        return 0;
    }
    if (!tree_build_room(b, path, f.is_link ? target.n : size < 0 ? UINT64_MAX : (uint64_t)size))
        return 0;
    f.path = arena_dup(b->a, path).p;
    if (f.is_link)
        f.content = arena_dup(b->a, target);
    else if (read_content(r, (size_t)size, b->a, &f.content))
        return -1;
    tree_build_add(b, &f);
    return 0;
}

/* 1: an entry, 0: the end of the archive, -1: it is broken. */
static int next_entry(struct archive *r, struct archive_entry **ret)
{
    int status;

    do
        status = archive_read_next_header(r, ret);
    while (status == ARCHIVE_RETRY);
    if (status == ARCHIVE_EOF)
        return 0;
    return status == ARCHIVE_OK || status == ARCHIVE_WARN ? 1 : -1;
}

/* Says why reading ended: 0 when at a limit, else an error. */
static int broken(struct archive *r, struct reading *in, struct tree_build *b, struct err *err)
{
    const char *why = archive_error_string(r);

    if (in->failed) {
        if (err)
            *err = in->source_err;
        return -1;
    }
    if (!in->over)
        return err_set(err, ERR_PROTOCOL, "not a whole tar archive: %s", why ? why : "no reason");
    tree_build_note(b, "stopped reading the archive after %llu bytes",
                    (unsigned long long)in->source->max_bytes);
    b->capped = true;
    return 0;
}

int tree_tar_read(const struct tree_tar_source *source, struct tree_build *b, bool *ret_end,
                  struct err *err)
{
    struct reading in = {.source = source, .left = source->max_bytes};
    READER_CLEANUP struct archive *r = open_reader(&in);
    size_t max =
        b->caps.files > SIZE_MAX / ENTRIES_PER_FILE ? SIZE_MAX : b->caps.files * ENTRIES_PER_FILE;
    struct archive_entry *e;

    for (size_t n = 0; n < max; n++) {
        int got = next_entry(r, &e);

        if (got == 0) {
            *ret_end = true;
            return 0;
        }
        if (got < 0 || take(r, e, b)) {
            if (broken(r, &in, b, err))
                return -1;
            *ret_end = false;
            return 0;
        }
    }
    tree_build_note(b, "stopped reading the archive after %zu entries", max);
    b->capped = true;
    *ret_end = false;
    return 0;
}

static int next_of_memory(void *ctx, struct str *ret, struct err *err)
{
    struct str *rest = ctx;

    (void)err;
    *ret = *rest;
    *rest = str_from_pos(*rest, rest->n);
    return 0;
}

int tree_from_tar(struct str tar, const struct tree_caps *caps, struct arena *a, struct tree *ret,
                  struct err *err)
{
    struct tree_tar_source source = {next_of_memory, &tar, tar.n + 1};
    struct tree_build b;
    bool end;

    tree_build_start(&b, caps, a);
    if (tree_tar_read(&source, &b, &end, err))
        return -1;
    tree_build_finish(&b, ret);
    return 0;
}

/* ---- writing ---- */

struct writing {
    struct buf *out;
    struct err out_err; /* of kind ERR_NONE while the buffer has room */
};

static la_ssize_t on_write(struct archive *w, void *ctx, const void *p, size_t n)
{
    struct writing *to = ctx;

    if (buf_add(to->out, (struct str){p, n}, &to->out_err)) {
        archive_set_error(w, ENOMEM, "the buffer is full");
        return -1;
    }
    return (la_ssize_t)n;
}

static int write_file(struct archive *w, struct archive_entry *e, const struct tree_file *f,
                      int64_t mtime)
{
    archive_entry_clear(e);
    archive_entry_set_pathname(e, f->path);
    archive_entry_set_mtime(e, mtime, 0);
    archive_entry_set_perm(e, f->executable || f->is_link ? 0755 : 0644);
    archive_entry_set_filetype(e, f->is_link ? AE_IFLNK : AE_IFREG);
    if (f->is_link)
        archive_entry_set_symlink(e, f->content.p);
    else
        archive_entry_set_size(e, (la_int64_t)f->content.n);
    if (archive_write_header(w, e) != ARCHIVE_OK)
        return -1;
    if (f->is_link)
        return 0;
    return archive_write_data(w, f->content.p, f->content.n) == (la_ssize_t)f->content.n ? 0 : -1;
}

int tree_tar_write(const struct tree *t, int64_t mtime, struct buf *out, struct err *err)
{
    WRITER_CLEANUP struct archive *w = archive_write_new();
    ENTRY_CLEANUP struct archive_entry *e = archive_entry_new();
    struct writing to = {.out = out};
    int status;

    if (!w || !e || archive_write_set_format_gnutar(w) != ARCHIVE_OK)
        BUG("libarchive: %s", w ? archive_error_string(w) : "no memory");
    status = archive_write_open(w, &to, NULL, on_write, NULL);
    for (size_t i = 0; i < t->n_files && status == ARCHIVE_OK; i++)
        status = write_file(w, e, &t->files[i], mtime);
    if (status == ARCHIVE_OK)
        status = archive_write_close(w);
    if (status == ARCHIVE_OK)
        return 0;
    if (to.out_err.kind == ERR_NONE)
        return err_set(err, ERR_INTERNAL, "write a tar archive: %s", archive_error_string(w));
    if (err)
        *err = to.out_err;
    return -1;
}
