/* tree_write: a tree becomes a folder of ours. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "tree/tree.h"

enum { OPEN_FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

/* Opens the folder of `path` below `root`, making what is missing. `*ret_name` is the rest. */
static int open_parent(int root, const char *path, const char **ret_name, struct err *err)
{
    struct str rest = str_from(path);
    FD_CLEANUP int at = fcntl(root, F_DUPFD_CLOEXEC, 0);
    ptrdiff_t slash;

    while (at >= 0 && (slash = str_find_char(rest, '/')) >= 0) {
        char name[NAME_MAX + 1];
        int next;

        memcpy(name, rest.p, (size_t)slash);
        name[slash] = '\0';
        if (mkdirat(at, name, 0755) < 0 && errno != EEXIST)
            break;
        next = openat(at, name, OPEN_FOLDER);
        cleanup_fd(&at);
        at = next;
        rest = str_from_pos(rest, (size_t)slash + 1);
    }
    if (at < 0 || str_find_char(rest, '/') >= 0)
        return err_sys(err, ERR_IO, errno, "make the folder of '%s'", path);
    *ret_name = rest.p;
    return TAKE_FD(at);
}

static int write_one(int root, const struct tree_file *f, struct err *err)
{
    const char *name;
    FD_CLEANUP int folder = open_parent(root, f->path, &name, err), fd = -1;

    if (folder < 0)
        return -1;
    if (f->is_link) {
        if (symlinkat(f->content.p, folder, name) < 0)
            return err_sys(err, ERR_IO, errno, "make the link '%s'", f->path);
        return 0;
    }
    fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || fchmod(fd, f->executable ? 0755 : 0644) < 0)
        return err_sys(err, ERR_IO, errno, "create '%s'", f->path);
    if (fs_write_all(fd, f->content, err))
        return err_wrap(err, "'%s'", f->path);
    return 0;
}

static int write_all(const struct tree *t, int root, struct err *err)
{
    for (int links = 0; links < 2; links++)
        for (size_t i = 0; i < t->n_files; i++)
            if (t->files[i].is_link == links && write_one(root, &t->files[i], err))
                return -1;
    if (syncfs(root) < 0)
        return err_sys(err, ERR_IO, errno, "sync");
    return 0;
}

int tree_write(const struct tree *t, const char *dir, struct err *err)
{
    FD_CLEANUP int root = -1;

    if (mkdir(dir, 0755) < 0)
        return err_sys(err, errno == EEXIST ? ERR_EXISTS : ERR_IO, errno, "make '%s'", dir);
    root = open(dir, OPEN_FOLDER);
    if (root < 0)
        return err_sys(err, ERR_IO, errno, "open '%s'", dir);
    if (write_all(t, root, err)) {
        fs_remove_tree(dir, NULL);
        return err_wrap(err, "write the files to '%s'", dir);
    }
    return 0;
}
