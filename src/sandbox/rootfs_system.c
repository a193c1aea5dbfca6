#include "sandbox/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "sandbox/mounts.h"

enum { SHM_BYTES = 64 << 20, SHM_INODES = 4096, DEV_BYTES = 64 << 10, DEV_INODES = 64 };

/* ---- /proc ---- */

/* Parts of /proc that act on the host: readable, not writable. */
static const char *const proc_read_only[] = {"proc/sys", "proc/sysrq-trigger", "proc/irq",
                                             "proc/bus", "proc/fs"};

/* Parts that tell about the host's kernel, memory and keys. */
static const char *const proc_covered[] = {
    "proc/kcore",    "proc/keys", "proc/key-users",     "proc/kallsyms", "proc/timer_list",
    "proc/slabinfo", "proc/kmsg", "proc/config.gz",     "proc/modules",  "proc/sched_debug",
    "proc/acpi",     "proc/scsi", "proc/latency_stats",
};

/* No user namespace can be made in this one, on top of what the system call filter says. */
static int forbid_namespaces(int root, struct err *err)
{
    FD_CLEANUP int fd = openat(root, "proc/sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, "0", 1) < 0)
        return err_sys(err, ERR_HOST, errno, "set max_user_namespaces in the sandbox");
    return 0;
}

static int make_read_only(int root, const char *path, struct err *err)
{
    FD_CLEANUP int fd = -1;
    struct err local = {0};

    if (mounts_copy(root, path, MOUNTS_RO, &fd, &local)) {
        if (local.kind == ERR_NOT_FOUND)
            return 0;
        *err = local;
        return -1;
    }
    return mounts_attach(fd, root, path, err);
}

/* Puts an empty folder over a folder and an empty device over a file. */
static int cover(int root, const char *path, struct err *err)
{
    FD_CLEANUP int fd = -1;
    struct stat st;

    if (fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    if (S_ISDIR(st.st_mode)
            ? mounts_tmpfs(4096, 1, "0555", MOUNTS_RO, &fd, err)
            : mounts_copy(AT_FDCWD, "/dev/null", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, &fd, err))
        return -1;
    return mounts_attach(fd, root, path, err);
}

int rootfs_system_proc(int root, struct err *err)
{
    static const struct mounts_option no_options[] = {{0}};
    FD_CLEANUP int proc = -1;

    if (mounts_new("proc", no_options, MOUNTS_RW | MOUNT_ATTR_NOEXEC, &proc, err))
        return -1;
    if (mounts_attach(proc, root, "proc", err) || forbid_namespaces(root, err))
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(proc_read_only); i++)
        if (make_read_only(root, proc_read_only[i], err))
            return -1;
    for (size_t i = 0; i < ARRAY_LEN(proc_covered); i++)
        if (cover(root, proc_covered[i], err))
            return -1;
    return 0;
}

/* ---- /dev ---- */

static int place_device(int root, const char *name, struct err *err)
{
    FD_CLEANUP int fd = -1;
    char path[32];

    snprintf(path, sizeof(path), "/dev/%s", name);
    if (mounts_copy(AT_FDCWD, path, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, &fd, err))
        return -1;
    return mounts_attach(fd, root, path + 1, err);
}

/* Ptys of the sandbox's own. The host has a limit for all of them together, so this has one. */
static int place_ptys(int root, struct err *err)
{
    static const struct mounts_option options[] = {
        {"mode", "0600"}, {"ptmxmode", "0666"}, {"max", "64"}, {0}};
    FD_CLEANUP int fd = -1;

    if (mounts_new("devpts", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, &fd, err))
        return -1;
    return mounts_attach(fd, root, "dev/pts", err);
}

static int place_shm(int root, struct err *err)
{
    FD_CLEANUP int fd = -1;

    if (mounts_tmpfs(SHM_BYTES, SHM_INODES, "1777", MOUNTS_RW, &fd, err))
        return -1;
    return mounts_attach(fd, root, "dev/shm", err);
}

int rootfs_system_dev(int root, struct err *err)
{
    static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};
    static const char *const links[][2] = {
        {"pts/ptmx", "dev/ptmx"},          {"/proc/self/fd", "dev/fd"},
        {"/proc/self/fd/0", "dev/stdin"},  {"/proc/self/fd/1", "dev/stdout"},
        {"/proc/self/fd/2", "dev/stderr"},
    };
    FD_CLEANUP int dev = -1;

    if (mounts_tmpfs(DEV_BYTES, DEV_INODES, "0755", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, &dev,
                     err) ||
        mounts_attach(dev, root, "dev", err))
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(devices); i++)
        if (place_device(root, devices[i], err))
            return -1;
    if (place_ptys(root, err) || place_shm(root, err))
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(links); i++)
        if (symlinkat(links[i][0], root, links[i][1]) < 0)
            return err_sys(err, ERR_HOST, errno, "make link '/%s' in the sandbox", links[i][1]);
    return mounts_set(dev, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, err);
}
