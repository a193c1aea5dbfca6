#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"

enum { READ_STEP = 64 * 1024 };

static enum err_kind kind_of(int sys)
{
    if (sys == ENOENT || sys == ENOTDIR)
        return ERR_NOT_FOUND;
    return sys == EEXIST ? ERR_EXISTS : ERR_IO;
}

int fs_read_fd(struct arena *a, int fd, size_t max, struct str *ret, struct err *err)
{
    BUF_CLEANUP struct buf b = BUF_INIT(max);

    for (;;) {
        size_t left = max - b.n, step = left < READ_STEP ? left + 1 : READ_STEP;
        char chunk[READ_STEP];
        ssize_t n = read(fd, chunk, step);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, ERR_IO, errno, "read");
        if (n == 0)
            break;
        if (buf_add(&b, (struct str){chunk, (size_t)n}, err))
            return -1;
    }
    *ret = arena_dup(a, buf_str(&b));
    return 0;
}

int fs_read_file(struct arena *a, const char *path, size_t max, struct str *ret, struct err *err)
{
    FD_CLEANUP int fd = -1;
    struct stat st;

    if (strcmp(path, "-") == 0) {
        if (fs_read_fd(a, STDIN_FILENO, max, ret, err))
            return err_wrap(err, "standard input");
        return 0;
    }
    /* Doesn't wait for the writer of a named pipe, but for what it writes. */
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fcntl(fd, F_SETFL, 0) < 0)
        return err_sys(err, kind_of(errno), errno, "open '%s'", path);
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
        return err_set(err, ERR_INPUT, "'%s' is a directory", path);
    if (fs_read_fd(a, fd, max, ret, err))
        return err_wrap(err, "'%s'", path);
    return 0;
}

int fs_write_all(int fd, struct str data, struct err *err)
{
    while (data.n) {
        ssize_t n = write(fd, data.p, data.n);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, ERR_IO, errno, "write");
        data = str_from_pos(data, (size_t)n);
    }
    return 0;
}

static char *parent_of(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return arena_strdup(a, ".");
    return arena_printf(a, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

int fs_sync_dir(const char *path, struct err *err)
{
    FD_CLEANUP int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fsync(fd) < 0)
        return err_sys(err, ERR_IO, errno, "sync '%s'", path);
    return 0;
}

static int write_and_sync(const char *path, struct str data, mode_t mode, struct err *err)
{
    FD_CLEANUP int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

    if (fd < 0)
        return err_sys(err, kind_of(errno), errno, "create '%s'", path);
    if (fs_write_all(fd, data, err))
        return err_wrap(err, "'%s'", path);
    if (fsync(fd) < 0)
        return err_sys(err, ERR_IO, errno, "sync '%s'", path);
    return 0;
}

int fs_write_file(const char *path, struct str data, mode_t mode, struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    char *tmp = arena_printf(&a, "%s.%d.tmp", path, (int)gettid());

    unlink(tmp); /* of a process that had this number and crashed */
    if (write_and_sync(tmp, data, mode, err)) {
        unlink(tmp);
        return -1;
    }
    if (rename(tmp, path) < 0) {
        err_sys(err, ERR_IO, errno, "rename '%s' to '%s'", tmp, path);
        unlink(tmp);
        return -1;
    }
    return fs_sync_dir(parent_of(&a, path), err);
}

int fs_make_dirs(const char *path, mode_t mode, struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    struct stat st;

    if (mkdir(path, mode) == 0)
        return 0;
    if (errno == EEXIST) {
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            return 0;
        return err_set(err, ERR_EXISTS, "'%s' is there and is no directory", path);
    }
    if (errno != ENOENT || path[0] == '\0')
        return err_sys(err, ERR_IO, errno, "make directory '%s'", path);
    if (fs_make_dirs(parent_of(&a, path), mode, err))
        return -1;
    if (mkdir(path, mode) < 0 && errno != EEXIST)
        return err_sys(err, ERR_IO, errno, "make directory '%s'", path);
    return 0;
}

bool fs_exists(const char *path)
{
    return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

char *fs_join(struct arena *a, const char *dir, const char *name)
{
    size_t n = strlen(dir);

    if (name[0] == '/')
        return arena_strdup(a, name);
    return arena_printf(a, "%s%s%s", dir, n && dir[n - 1] == '/' ? "" : "/", name);
}

const char *fs_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

int fs_free_bytes(const char *path, unsigned long long *ret, struct err *err)
{
    struct statvfs v;

    if (statvfs(path, &v) < 0)
        return err_sys(err, kind_of(errno), errno, "free space of '%s'", path);
    *ret = (unsigned long long)v.f_bavail * v.f_frsize;
    return 0;
}
