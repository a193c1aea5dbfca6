/*
 * The file system that a sandbox sees: closed, so that everything in it was put there on purpose.
 *
 *     /            tmpfs, read-only when it is done: holds the folders and small files below
 *     /usr         of the host, read-only; /bin /sbin /lib* as the host has them
 *     /etc         made here (passwd, group, hosts, ...), and a few of the host's, read-only
 *     /proc        of the sandbox's own processes; what tells about or changes the host is covered
 *     /dev         null zero full random urandom tty, ptys, shm
 *     /tmp /home/user   tmpfs with quotas
 *     /work        the workspace, with a quota
 *     /opt/kiln    spec.files
 *     spec.binds   read-only
 *
 * There is no /sys, no /run and no host socket.
 */
#ifndef KILN_SANDBOX_ROOTFS_H
#define KILN_SANDBOX_ROOTFS_H

#include "base/arena.h"
#include "base/err.h"
#include "sandbox/sandbox.h"

#define ROOTFS_HOME "/home/user"

/* The parts of the host that go in, as mounts that are attached nowhere yet. */
struct rootfs;

/*
 * Takes hold of the host's parts. Must run in the sandbox's mount namespace, still with the file
 * access of the caller: a bind may lie below a folder that nobody else may enter.
 */
int rootfs_gather(struct arena *a, const struct sandbox_spec *spec, struct rootfs **ret,
                  struct err *err);

/*
 * Builds the new root as the sandbox's user and makes it the root of this process; the old one is
 * gone. `workspace` is a mount, or -1 for a tmpfs.
 */
int rootfs_enter(struct rootfs *r, int workspace, struct err *err);

/* ---- rootfs_system.c ---- */

/* Attaches /proc and /dev. */
int rootfs_system_proc(int root, struct err *err);
int rootfs_system_dev(int root, struct err *err);

#endif
