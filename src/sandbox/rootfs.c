#include "sandbox/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/mounts.h"

enum { ROOT_BYTES = 1 << 20, ROOT_INODES = 4096, TMP_INODES = 65536 };

/* One thing of the host: a mount, or a symbolic link that is made anew. */
struct part {
    const char *to; /* without the first '/' */
    int mount;      /* or -1 */
    const char *link;
};

struct rootfs {
    struct arena *arena;
    const struct sandbox_spec *spec;
    struct part *parts;
    size_t n, cap;
};

/* Folders of system programs; links into /usr on hosts where these were merged. */
static const char *const system_dirs[] = {"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"};

/* What programs need of /etc to find libraries, certificates and time zones, and nothing that
 * tells of this machine, its users or its network. Names that aren't there are left out. */
static const char *const host_etc[] = {
    "etc/alternatives",    "etc/ca-certificates", "etc/crypto-policies", "etc/debian_version",
    "etc/java-11-openjdk", "etc/java-17-openjdk", "etc/java-21-openjdk", "etc/ld.so.cache",
    "etc/ld.so.conf",      "etc/ld.so.conf.d",    "etc/localtime",       "etc/maven",
    "etc/mime.types",      "etc/os-release",      "etc/pki/ca-trust",    "etc/pki/tls/certs",
    "etc/protocols",       "etc/services",        "etc/ssl/certs",       "etc/ssl/openssl.cnf",
    "etc/timezone",
};

static const struct {
    const char *path, *text;
} made_etc[] = {
    {"etc/passwd", "root:x:0:0:root:/:/usr/sbin/nologin\n"
                   "user:x:1000:1000:user:/home/user:/bin/sh\n"
                   "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n"},
    {"etc/group", "root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n"},
    {"etc/hosts", "127.0.0.1 localhost sandbox\n::1 localhost\n"},
    {"etc/hostname", "sandbox\n"},
    {"etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"},
    {"etc/resolv.conf", ""},
};

/* ---- gathering ---- */

static struct part *add_part(struct rootfs *r, const char *to)
{
    r->parts = arena_grow(r->arena, r->parts, r->n, &r->cap, sizeof(*r->parts));
    r->parts[r->n] = (struct part){.to = to, .mount = -1};
    return &r->parts[r->n++];
}

/* A part of the host that keeps its place; a symbolic link stays one. */
static int gather_system(struct rootfs *r, const char *name, struct err *err)
{
    char path[64], target[PATH_MAX];
    struct part *p;
    struct stat st;
    ssize_t n;

    snprintf(path, sizeof(path), "/%s", name);
    if (lstat(path, &st) < 0)
        return 0;
    p = add_part(r, name);
    if (!S_ISLNK(st.st_mode))
        return mounts_copy(AT_FDCWD, path, MOUNTS_RO, &p->mount, err);
    n = readlink(path, target, sizeof(target) - 1);
    if (n < 0)
        return err_sys(err, ERR_HOST, errno, "read link '%s'", path);
    p->link = arena_dup(r->arena, (struct str){target, (size_t)n}).p;
    return 0;
}

static int gather_bind(struct rootfs *r, const struct sandbox_bind *b, struct err *err)
{
    struct part *p = add_part(r, b->to + 1);

    return mounts_copy(AT_FDCWD, b->from, MOUNTS_RO, &p->mount, err);
}

int rootfs_gather(struct arena *a, const struct sandbox_spec *spec, struct rootfs **ret,
                  struct err *err)
{
    struct rootfs *r = ARENA_NEW(a, struct rootfs);

    *r = (struct rootfs){.arena = a, .spec = spec};
    for (size_t i = 0; i < ARRAY_LEN(system_dirs); i++)
        if (gather_system(r, system_dirs[i], err))
            return -1;
    for (size_t i = 0; i < ARRAY_LEN(host_etc); i++)
        if (gather_system(r, host_etc[i], err))
            return -1;
    for (size_t i = 0; i < spec->n_binds; i++)
        if (gather_bind(r, &spec->binds[i], err))
            return -1;
    *ret = r;
    return 0;
}

/* ---- building ---- */

static int place_part(const struct part *p, int root, struct err *err)
{
    FD_CLEANUP int dir = -1;

    if (p->mount >= 0)
        return mounts_attach(p->mount, root, p->to, err);
    /* All links but those at the top are in /etc. */
    if (strchr(p->to, '/') && mounts_make_dirs(root, "etc", &dir, err))
        return -1;
    if (symlinkat(p->link, root, p->to) < 0)
        return err_sys(err, ERR_HOST, errno, "make link '/%s' in the sandbox", p->to);
    return 0;
}

static int place_tmpfs(int root, const char *path, int64_t bytes, int64_t inodes, const char *mode,
                       struct err *err)
{
    FD_CLEANUP int fd = -1;

    if (mounts_tmpfs(bytes, inodes, mode, MOUNTS_RW, &fd, err))
        return -1;
    return mounts_attach(fd, root, path, err);
}

static int place_files(const struct rootfs *r, int root, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(made_etc); i++)
        if (mounts_make_file(root, made_etc[i].path, 0444, str_from(made_etc[i].text), err))
            return -1;
    for (size_t i = 0; i < r->spec->n_files; i++) {
        const struct sandbox_file *f = &r->spec->files[i];

        if (mounts_make_file(root, f->path + 1, 0555, f->content, err))
            return -1;
    }
    return 0;
}

static int place_writable(const struct rootfs *r, int root, int workspace, struct err *err)
{
    const struct sandbox_limits *l = &r->spec->limits;

    if (place_tmpfs(root, "tmp", l->tmp_bytes, TMP_INODES, "1777", err) ||
        place_tmpfs(root, "home/user", l->tmp_bytes, TMP_INODES, "0755", err))
        return -1;
    if (workspace >= 0)
        return mounts_attach(workspace, root, &SANDBOX_WORK[1], err);
    return place_tmpfs(root, &SANDBOX_WORK[1], l->disk_bytes, l->disk_inodes, "0755", err);
}

/* Everything in its place; links, folders and small files live on the root itself. */
static int fill(struct rootfs *r, int root, int workspace, struct err *err)
{
    size_t n_host = r->n - r->spec->n_binds;

    for (size_t i = 0; i < n_host; i++)
        if (place_part(&r->parts[i], root, err))
            return -1;
    if (place_files(r, root, err) || rootfs_system_proc(root, err) ||
        rootfs_system_dev(root, err) || place_writable(r, root, workspace, err))
        return -1;
    for (size_t i = n_host; i < r->n; i++)
        if (place_part(&r->parts[i], root, err))
            return -1;
    return 0;
}

static int64_t files_bytes(const struct sandbox_spec *spec)
{
    int64_t n = 0;

    /* Each file takes whole pages. */
    for (size_t i = 0; i < spec->n_files; i++)
        n += (int64_t)spec->files[i].content.n + 4096;
    return n;
}

/* Makes the tree at `root` the root and lets the old one go. */
static int pivot(int root, struct err *err)
{
    if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ||
        chdir("/") < 0)
        return err_sys(err, ERR_HOST, errno, "enter the sandbox's root");
    return 0;
}

int rootfs_enter(struct rootfs *r, int workspace, struct err *err)
{
    FD_CLEANUP int root = -1;

    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return err_sys(err, ERR_HOST, errno, "make mounts private");
    if (mounts_tmpfs(ROOT_BYTES + files_bytes(r->spec), ROOT_INODES, "0755", MOUNTS_RW, &root, err))
        return -1;
    /* Any folder will do as the place from which the root is entered. */
    if (move_mount(root, "", AT_FDCWD, "/tmp", MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return err_sys(err, ERR_HOST, errno, "attach the sandbox's root");
    if (fill(r, root, workspace, err) || pivot(root, err))
        return -1;
    return mounts_set(root, MOUNTS_RO, err);
}
