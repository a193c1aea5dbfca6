/*
 * Child processes on the host: kiln's own roles (and mkfs), never generated code.
 *
 * A child gets exactly the environment and descriptors that are named here, its own session, and
 * SIGKILL when the thread that started it ends. It is known by a pidfd.
 */
#ifndef KILN_BASE_PROC_H
#define KILN_BASE_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

struct proc {
    pid_t pid;
    int pidfd; /* readable when the child has ended; -1 for none */
};

#define PROC_NONE ((struct proc){.pid = -1, .pidfd = -1})

struct proc_spec {
    const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH if `exe` is NULL */
    const char *exe;         /* what to execute, "/proc/self/exe" for ourselves; may be NULL */
    const char *const *env;  /* NULL-terminated; NULL means empty */
    const int *fds;          /* become 0, 1, 2, ... in the child; -1 means /dev/null */
    int n_fds;               /* 0 to 64; standard streams that are not named are /dev/null */
    bool survives_parent; /* no SIGKILL at our death: the child watches a descriptor of its own */
};

/* Starts it. An executable that can't be run is an error here, not an exit code. */
int proc_start(const struct proc_spec *spec, struct proc *ret, struct err *err);

/*
 * Waits until `deadline` (clock.h). Returns 0 and the status as waitpid gives it; -1 with
 * ERR_TIMEOUT. After success the struct is PROC_NONE.
 */
int proc_wait(struct proc *p, int64_t deadline, int *ret_status, struct err *err);

/* SIGTERM, `grace_ms` of patience, SIGKILL; waits; does nothing for PROC_NONE. */
void proc_end(struct proc *p, int grace_ms);

/* For a child before its exec: all signals do what is usual, and none is blocked. Safe after a fork
 * of a process with threads. */
void proc_reset_signals(void);

/* "exit status 3", "signal 9 (Killed)". */
char *proc_describe_status(struct arena *a, int status);

#endif
