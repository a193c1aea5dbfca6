/*
 * Removing a tree. A program that we ran made it, so it may be deeper than any path name is long,
 * and its directories may be read-only. Directories are entered by descriptor; one that lies too
 * deep is first moved up to the top of the tree, so that a bounded number of descriptors and stack
 * frames removes anything.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

enum { MAX_DEPTH = 32 };

struct removal {
    int top;        /* the root of the tree */
    unsigned moved; /* directories moved up to it so far */
};

static void cleanup_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

static int open_in(int parent, const char *name)
{
    struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_NO_XDEV,
    };

    return (int)syscall(SYS_openat2, parent, name, &how, sizeof(how));
}

/* Opens a directory and makes sure that we may list and change it. */
static int open_dir(int parent, const char *name)
{
    int fd = open_in(parent, name);

    if (fd < 0 && errno == EACCES && fchmodat(parent, name, 0700, 0) == 0)
        fd = open_in(parent, name);
    if (fd >= 0 && geteuid() != 0)
        (void)fchmod(fd, 0700); /* if it isn't ours, removing what is in it says so */
    return fd;
}

static int move_up(struct removal *r, int parent, const char *name)
{
    char to[32];
    int status;

    /* Moving a directory changes its "..", which takes the right to write to it. */
    if (geteuid() != 0 && fchmodat(parent, name, 0700, 0) < 0)
        return -1;
    do {
        snprintf(to, sizeof(to), ".removed-%u", r->moved++);
        status = renameat2(parent, name, r->top, to, RENAME_NOREPLACE);
    } while (status < 0 && errno == EEXIST);
    return status;
}

static int remove_children(struct removal *r, int *dir, int depth);

static int remove_entry(struct removal *r, int parent, const char *name, int depth)
{
    FD_CLEANUP int fd = -1;

    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR)
        return -1;
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
        return 0;
    if (depth >= MAX_DEPTH)
        return move_up(r, parent, name);
    fd = open_dir(parent, name);
    if (fd < 0 || remove_children(r, &fd, depth + 1) < 0)
        return -1;
    return unlinkat(parent, name, AT_REMOVEDIR);
}

/* Empties a directory; reads it again until nothing is left, as entries are moved to the top. */
static int remove_children(struct removal *r, int *dir, int depth)
{
    __attribute__((cleanup(cleanup_dir))) DIR *d = fdopendir(*dir);
    bool found;

    if (!d)
        return -1;
    TAKE_FD(*dir);
    do {
        struct dirent *e;

        found = false;
        rewinddir(d);
        while ((e = readdir(d))) {
            if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
                continue;
            found = true;
            if (remove_entry(r, dirfd(d), e->d_name, depth) < 0)
                return -1;
        }
    } while (found);
    return 0;
}

static int remove_tree(int parent, const char *name)
{
    FD_CLEANUP int top = -1;
    FD_CLEANUP int dir = -1;
    struct removal r = {0};

    if (unlinkat(parent, name, 0) == 0)
        return 0;
    if (errno != EISDIR)
        return -1;
    top = open_dir(parent, name);
    dir = open_dir(parent, name);
    r.top = top;
    if (top < 0 || dir < 0 || remove_children(&r, &dir, 0) < 0)
        return -1;
    return unlinkat(parent, name, AT_REMOVEDIR);
}

int fs_remove_tree(const char *path, struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    char *copy = arena_strdup(&a, path), *name;
    FD_CLEANUP int parent = -1;

    for (size_t n = strlen(copy); n > 1 && copy[n - 1] == '/'; n--)
        copy[n - 1] = '\0';
    name = strrchr(copy, '/');
    if (name)
        *name++ = '\0';
    parent = open(!name ? "." : copy[0] ? copy : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0 || remove_tree(parent, name ? name : copy) < 0)
        return errno == ENOENT ? 0 : err_sys(err, ERR_IO, errno, "remove '%s'", path);
    return 0;
}
