/*
 * Workspaces with a hard quota: an ext4 image on a loop device.
 *
 * The image is a file without a name on a disk of the host, so that nothing is left of it whatever
 * happens, and the mount is attached nowhere until it is moved into a sandbox. Needs root and loop
 * devices; where they can't be had the sandbox uses a tmpfs of the same size instead.
 */
#ifndef KILN_SANDBOX_WORKSPACE_H
#define KILN_SANDBOX_WORKSPACE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* A formatted image of which workspaces of its size are copies, since mkfs takes longer than all
 * else. */
struct workspace_template {
    int image; /* -1 for none yet */
    int64_t bytes, inodes;
};

/* Makes a workspace: a mount, attached nowhere. Formats the template anew when it has another size.
 * ERR_HOST if it can't be done here. */
int workspace_make(struct workspace_template *t, int64_t bytes, int64_t inodes, int *ret_mount,
                   struct err *err);

/* Gives it to a user; `*ret_root` is its root folder. */
int workspace_give(int mount, uid_t uid, int *ret_root, struct err *err);

/* Tells the kernel that nothing in it is worth writing to the disk any more, which the unmounting
 * would otherwise do and wait for. Nothing can be written or read after that. */
void workspace_forsake(int root);

#endif
