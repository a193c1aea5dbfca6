/*
 * The system call filter of sandboxes (seccomp BPF).
 *
 * A deny list made for development work: compilers, package managers, browsers' engines and test
 * runners work under it; what reaches the parts of the kernel in which escapes are found doesn't
 * get through. Other architectures of the same kernel (i386, x32) end the process, since they would
 * go around the list. System calls newer than the list are answered with ENOSYS, so that a new
 * kernel adds nothing that nobody has looked at.
 */
#ifndef KILN_SANDBOX_SECCOMP_H
#define KILN_SANDBOX_SECCOMP_H

#include <linux/filter.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

struct seccomp_options {
    bool no_memfd;    /* memory files don't count against any limit here */
    bool no_affinity; /* the choice of CPUs is the CPU limit here */
};

/* Compiles the filter. Done once; the program lives in the arena. */
int seccomp_compile(struct arena *a, const struct seccomp_options *options, struct sock_fprog *ret,
                    struct err *err);

/* Puts this process, and all it will start, under it. Needs no_new_privs. */
int seccomp_apply(const struct sock_fprog *program, struct err *err);

#endif
