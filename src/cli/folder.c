#include "cli/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

enum {
    FILES_MAX = 5000,
    BYTES_MAX = 64 * 1024 * 1024,
    FILE_MAX = 8 * 1024 * 1024,
    LINK_MAX = 4096
};

struct walk {
    struct arena *a;
    struct tree_file *files;
    size_t n, cap, left_out;
    uint64_t bytes;
    struct err *err;
};

static void cleanup_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

static int add(struct walk *w, struct tree_file file)
{
    w->bytes += file.content.n;
    if (w->n == FILES_MAX || w->bytes > BYTES_MAX)
        return err_set(w->err, ERR_LIMIT, "there are more than %d files or %d MiB", FILES_MAX,
                       BYTES_MAX >> 20);
    w->files = arena_grow(w->a, w->files, w->n, &w->cap, sizeof(w->files[0]));
    w->files[w->n++] = file;
    return 0;
}

static int add_link(struct walk *w, const char *full, const char *path)
{
    char target[LINK_MAX];
    ssize_t n = readlink(full, target, sizeof(target));

    if (n < 0)
        return err_sys(w->err, ERR_IO, errno, "read the link '%s'", full);
    return add(w, (struct tree_file){.path = path,
                                     .is_link = true,
                                     .content = arena_dup(w->a, (struct str){target, (size_t)n})});
}

static int add_file(struct walk *w, const char *full, const char *path, const struct stat *st)
{
    struct tree_file file = {.path = path, .executable = st->st_mode & 0100};

    if (fs_read_file(w->a, full, FILE_MAX, &file.content, w->err))
        return -1;
    return add(w, file);
}

static int walk_dir(struct walk *w, const char *full, const char *path);

static int walk_entry(struct walk *w, const char *full, const char *path)
{
    const char *why;
    struct stat st;

    if (!tree_path_ok(str_from(path), &why)) {
        w->left_out++;
        return 0;
    }
    if (lstat(full, &st) < 0)
        return err_sys(w->err, ERR_IO, errno, "'%s'", full);
    if (S_ISDIR(st.st_mode))
        return walk_dir(w, full, path);
    if (S_ISLNK(st.st_mode))
        return add_link(w, full, path);
    if (S_ISREG(st.st_mode))
        return add_file(w, full, path, &st);
    w->left_out++;
    return 0;
}

/* The depth is bounded by the rules for a path of a tree. */
static int walk_dir(struct walk *w, const char *full, const char *path)
{
    __attribute__((cleanup(cleanup_dir))) DIR *d = opendir(full);
    struct dirent *e;

    if (!d)
        return err_sys(w->err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno, "open '%s'", full);
    while ((e = readdir(d))) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (walk_entry(w, fs_join(w->a, full, e->d_name),
                       *path ? fs_join(w->a, path, e->d_name) : arena_strdup(w->a, e->d_name)))
            return -1;
    }
    return 0;
}

int folder_read(struct arena *a, const char *dir, struct tree *ret, size_t *ret_left_out,
                struct err *err)
{
    struct walk w = {.a = a, .err = err};

    if (walk_dir(&w, dir, ""))
        return -1;
    if (tree_make(w.files, w.n, a, ret, err))
        return err_wrap(err, "'%s'", dir);
    *ret_left_out = w.left_out;
    return 0;
}
