#include "sandbox/workspace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/proc.h"
#include "sandbox/mounts.h"

enum { MKFS_MS = 30000, LOOP_TRIES = 16 };

/* Of the kernel's fs/ext4/ext4.h; no header that is installed has them. */
#define EXT4_IOC_SHUTDOWN _IOR('X', 125, uint32_t)
enum { EXT4_GOING_FLAGS_NOLOGFLUSH = 2 };

/* A sparse file without a name, where the disk has room for all of it. */
static int make_image(int64_t bytes, int *ret_fd, struct err *err)
{
    static const char *const dirs[] = {"/var/tmp", "/tmp"};

    err_set(err, ERR_HOST, "no room for a workspace image in /var/tmp or /tmp");
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        FD_CLEANUP int fd = -1;
        unsigned long long room;

        if (fs_free_bytes(dirs[i], &room, err) || room < (unsigned long long)bytes)
            continue;
        fd = open(dirs[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (fd < 0 || ftruncate(fd, bytes) < 0) {
            err_sys(err, ERR_HOST, errno, "make a workspace image in '%s'", dirs[i]);
            continue;
        }
        *ret_fd = TAKE_FD(fd);
        return 0;
    }
    return -1;
}

static const char *find_mkfs(void)
{
    static const char *const paths[] = {"/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4",
                                        "/usr/bin/mkfs.ext4"};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (access(paths[i], X_OK) == 0)
            return paths[i];
    return NULL;
}

/* No journal and no reserve: nothing of it must survive anything. */
static int format(int image, int64_t inodes, struct err *err)
{
    char count[32];
    const char *const argv[] = {"mkfs.ext4",
                                "-q",
                                "-F",
                                "-O",
                                "^has_journal,^resize_inode",
                                "-E",
                                "lazy_itable_init=1,nodiscard,root_owner=0:0",
                                "-m",
                                "0",
                                "-N",
                                count,
                                "/proc/self/fd/3",
                                NULL};
    const int fds[] = {-1, -1, -1, image};
    const struct proc_spec spec = {
        .argv = argv, .exe = find_mkfs(), .fds = fds, .n_fds = ARRAY_LEN(fds)};
    struct proc p = PROC_NONE;
    int status;

    snprintf(count, sizeof(count), "%lld", (long long)inodes);
    if (!spec.exe)
        return err_set(err, ERR_HOST, "mkfs.ext4 is not installed");
    if (proc_start(&spec, &p, err))
        return -1;
    if (proc_wait(&p, clock_deadline(MKFS_MS), &status, err)) {
        proc_end(&p, 0);
        return -1;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        return err_set(err, ERR_HOST, "mkfs.ext4 failed");
    return 0;
}

static int prepare_template(struct workspace_template *t, int64_t bytes, int64_t inodes,
                            struct err *err)
{
    FD_CLEANUP int image = -1;

    if (t->image >= 0 && t->bytes == bytes && t->inodes == inodes)
        return 0;
    cleanup_fd(&t->image);
    if (make_image(bytes, &image, err) || format(image, inodes, err))
        return -1;
    *t = (struct workspace_template){.image = TAKE_FD(image), .bytes = bytes, .inodes = inodes};
    return 0;
}

/* Of a fresh file system some dozen blocks, here and there, hold anything. */
static int copy_image(int from, int to, struct err *err)
{
    off_t at = 0, end;

    while ((at = lseek(from, at, SEEK_DATA)) >= 0) {
        end = lseek(from, at, SEEK_HOLE);
        if (end < 0 || lseek(to, at, SEEK_SET) < 0)
            return err_sys(err, ERR_HOST, errno, "copy a workspace image");
        while (at < end)
            if (sendfile(to, from, &at, (size_t)(end - at)) <= 0)
                return err_sys(err, ERR_HOST, errno, "copy a workspace image");
    }
    return 0;
}

/* Attaches the image to a loop device that is free now. Errors are in errno: EBUSY says that
 * somebody else took the device first. */
static int attach_free_loop(int control, int image, char dev[32])
{
    const struct loop_config config = {
        .fd = (unsigned)image,
        .info = {.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO},
    };
    int n = ioctl(control, LOOP_CTL_GET_FREE);
    FD_CLEANUP int fd = -1;

    if (n < 0)
        return -1;
    snprintf(dev, 32, "/dev/loop%d", n);
    fd = open(dev, O_RDWR | O_CLOEXEC);
    if (fd < 0 || ioctl(fd, LOOP_CONFIGURE, &config) < 0)
        return -1;
    return TAKE_FD(fd);
}

/* The device frees itself after its last use. */
static int attach_loop(int image, char dev[32], int *ret_fd, struct err *err)
{
    FD_CLEANUP int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    int fd, tries = 0;

    if (control < 0)
        return err_sys(err, ERR_HOST, errno, "open '/dev/loop-control'");
    do
        fd = attach_free_loop(control, image, dev);
    while (fd < 0 && errno == EBUSY && ++tries < LOOP_TRIES);
    if (fd < 0)
        return err_sys(err, ERR_HOST, errno, "attach a workspace image to a loop device");
    *ret_fd = fd;
    return 0;
}

int workspace_make(struct workspace_template *t, int64_t bytes, int64_t inodes, int *ret_mount,
                   struct err *err)
{
    char dev[32];
    const struct mounts_option options[] = {
        {"source", dev}, {"noinit_itable", NULL}, {"nobarrier", NULL}, {0}};
    FD_CLEANUP int image = -1;
    FD_CLEANUP int loop = -1;

    if (prepare_template(t, bytes, inodes, err) || make_image(bytes, &image, err) ||
        copy_image(t->image, image, err) || attach_loop(image, dev, &loop, err))
        return -1;
    return mounts_new("ext4", options, MOUNTS_RW | MOUNT_ATTR_NOATIME, ret_mount, err);
}

int workspace_give(int mount, uid_t uid, int *ret_root, struct err *err)
{
    FD_CLEANUP int root = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    /* The folder that mkfs makes for its own use is of none here. */
    unlinkat(mount, "lost+found", AT_REMOVEDIR);
    if (root < 0 || fchown(root, uid, uid) < 0)
        return err_sys(err, ERR_HOST, errno, "give the workspace to its user");
    *ret_root = TAKE_FD(root);
    return 0;
}

void workspace_forsake(int root)
{
    const uint32_t without_flush = EXT4_GOING_FLAGS_NOLOGFLUSH;

    /* What comes of it is speed alone. */
    (void)ioctl(root, EXT4_IOC_SHUTDOWN, &without_flush);
}
