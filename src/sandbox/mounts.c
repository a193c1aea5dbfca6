#include "sandbox/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

int mounts_new(const char *type, const struct mounts_option *options, unsigned attributes,
               int *ret_fd, struct err *err)
{
    FD_CLEANUP int context = fsopen(type, FSOPEN_CLOEXEC);
    int fd;

    if (context < 0)
        return err_sys(err, ERR_HOST, errno, "make a %s file system", type);
    for (; options->name; options++)
        if (fsconfig(context, options->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG,
                     options->name, options->value, 0) < 0)
            return err_sys(err, ERR_HOST, errno, "%s option '%s'", type, options->name);
    if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return err_sys(err, ERR_HOST, errno, "make a %s file system", type);
    fd = fsmount(context, FSMOUNT_CLOEXEC, attributes);
    if (fd < 0)
        return err_sys(err, ERR_HOST, errno, "mount a %s file system", type);
    *ret_fd = fd;
    return 0;
}

int mounts_tmpfs(int64_t bytes, int64_t inodes, const char *mode, unsigned attributes, int *ret_fd,
                 struct err *err)
{
    char size[32], count[32];
    const struct mounts_option options[] = {
        {"size", size}, {"nr_inodes", count}, {"mode", mode}, {0}};

    snprintf(size, sizeof(size), "%lld", (long long)bytes);
    snprintf(count, sizeof(count), "%lld", (long long)inodes);
    return mounts_new("tmpfs", options, attributes, ret_fd, err);
}

int mounts_copy(int dir_fd, const char *path, unsigned attributes, int *ret_fd, struct err *err)
{
    struct mount_attr attr = {.attr_set = attributes};
    FD_CLEANUP int fd = open_tree(dir_fd, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

    if (fd < 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_HOST, errno, "bind '%s'", path);
    if (mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
        return err_sys(err, ERR_HOST, errno, "set mount attributes of '%s'", path);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int mounts_set(int fd, unsigned attributes, struct err *err)
{
    struct mount_attr attr = {.attr_set = attributes};

    if (mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
        return err_sys(err, ERR_HOST, errno, "set mount attributes");
    return 0;
}

int mounts_make_dirs(int root_fd, const char *path, int *ret_fd, struct err *err)
{
    FD_CLEANUP int fd = openat(root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct str rest = str_from(path), part;
    char name[256];

    while (fd >= 0 && str_next(&rest, '/', &part)) {
        int next;

        if (snprintf(name, sizeof(name), "%.*s", STR_ARG(part)) >= (int)sizeof(name))
            return err_set(err, ERR_INPUT, "make folder '%s': name too long", path);
        if (mkdirat(fd, name, 0755) < 0 && errno != EEXIST)
            break;
        next = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        cleanup_fd(&fd);
        fd = next;
    }
    if (fd < 0 || rest.n)
        return err_sys(err, ERR_HOST, errno, "make folder '/%s' in the sandbox", path);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* Opens the folder of a path, made if need be; `*ret_name` is what is left of the path. */
static int open_parent(int root_fd, const char *path, const char **ret_name, int *ret_fd,
                       struct err *err)
{
    const char *slash = strrchr(path, '/');
    char parent[4096] = ".";

    if (slash &&
        snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path) >= (int)sizeof(parent))
        return err_set(err, ERR_INPUT, "path '%s' is too long", path);
    if (mounts_make_dirs(root_fd, parent, ret_fd, err))
        return -1;
    *ret_name = slash ? slash + 1 : path;
    return 0;
}

int mounts_make_file(int root_fd, const char *path, mode_t mode, struct str content,
                     struct err *err)
{
    FD_CLEANUP int dir = -1;
    FD_CLEANUP int fd = -1;
    const char *name;

    if (open_parent(root_fd, path, &name, &dir, err))
        return -1;
    fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return err_sys(err, ERR_HOST, errno, "make file '/%s' in the sandbox", path);
    if (fs_write_all(fd, content, err))
        return err_wrap(err, "file '/%s' in the sandbox", path);
    return 0;
}

/* The place for something that isn't a folder. */
static int make_file_place(int root_fd, const char *path, struct err *err)
{
    struct stat st;

    if (fstatat(root_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    return mounts_make_file(root_fd, path, 0444, STR(""), err);
}

int mounts_attach(int mount_fd, int root_fd, const char *path, struct err *err)
{
    FD_CLEANUP int dir = -1;
    const char *name;
    struct stat st;

    if (fstat(mount_fd, &st) < 0)
        return err_sys(err, ERR_IO, errno, "stat mount for '/%s'", path);
    if (S_ISDIR(st.st_mode)) {
        if (mounts_make_dirs(root_fd, path, &dir, err))
            return -1;
        if (move_mount(mount_fd, "", dir, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) <
            0)
            return err_sys(err, ERR_HOST, errno, "attach mount at '/%s'", path);
        return 0;
    }
    if (make_file_place(root_fd, path, err) || open_parent(root_fd, path, &name, &dir, err))
        return -1;
    if (move_mount(mount_fd, "", dir, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return err_sys(err, ERR_HOST, errno, "attach mount at '/%s'", path);
    return 0;
}
