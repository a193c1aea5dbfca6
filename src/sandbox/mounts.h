/*
 * Mounts by descriptor (fsopen, open_tree, mount_setattr, move_mount: Linux 5.12).
 *
 * A mount is made, gets its attributes, and only then gets a place, so there is no moment in which
 * it can be seen writable or with set-user-ID files. Places are named relative to the descriptor of
 * a root and resolved without following links.
 */
#ifndef KILN_SANDBOX_MOUNTS_H
#define KILN_SANDBOX_MOUNTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

enum {
    MOUNTS_RO = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
    MOUNTS_RW = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
};

/* A parameter of a file system; `value` NULL makes it a flag. The last has a NULL name. */
struct mounts_option {
    const char *name, *value;
};

/* A new file system, attached nowhere yet. */
int mounts_new(const char *type, const struct mounts_option *options, unsigned attributes,
               int *ret_fd, struct err *err);

/* A tmpfs with its two quotas; `mode` is of its root, in octal. */
int mounts_tmpfs(int64_t bytes, int64_t inodes, const char *mode, unsigned attributes, int *ret_fd,
                 struct err *err);

/* A copy of what is at `path` (relative to `dir_fd`), with the mounts below it, attached nowhere
 * yet. ERR_NOT_FOUND if nothing is there. */
int mounts_copy(int dir_fd, const char *path, unsigned attributes, int *ret_fd, struct err *err);

/* Attaches a mount at `path` in the tree of `root_fd`; makes the place, parents included. */
int mounts_attach(int mount_fd, int root_fd, const char *path, struct err *err);

/* Changes attributes of the mount that `fd` is the root of. */
int mounts_set(int fd, unsigned attributes, struct err *err);

/* Makes a folder and its parents in the tree of `root_fd`, and opens it (O_PATH). `path` is
 * relative; "." is the root. */
int mounts_make_dirs(int root_fd, const char *path, int *ret_fd, struct err *err);

/* Makes a file in the tree of `root_fd`, parents included. */
int mounts_make_file(int root_fd, const char *path, mode_t mode, struct str content,
                     struct err *err);

#endif
