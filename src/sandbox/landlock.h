/*
 * Landlock: a second wall behind the mount namespace.
 *
 * Says again, by another part of the kernel, which folders can be read, run and written, and keeps
 * signals and abstract sockets inside (ABI 6). It is stacked on what the mounts allow, so it gives
 * nothing away; kernels without it lose only this wall.
 */
#ifndef KILN_SANDBOX_LANDLOCK_H
#define KILN_SANDBOX_LANDLOCK_H

#include "base/err.h"
#include "sandbox/sandbox.h"

/* Puts this process, and all it will start, behind it. `*ret_abi` is the kernel's version of it, 0
 * where there is none. Needs no_new_privs; paths are those inside. */
int landlock_apply(const struct sandbox_spec *spec, int *ret_abi, struct err *err);

#endif
