/*
 * The launcher: a process of its own that makes local sandboxes.
 *
 * The task process starts one `kiln launcher`, with an empty environment and one socket, and asks
 * it for sandboxes over that socket (SOCK_SEQPACKET: one JSON message each way, descriptors beside
 * it). It is small, has one thread, and never holds a key, so a sandbox's first process can simply
 * be cloned from it: no second execve, nothing of the task's memory. When its socket closes,
 * however the task ended, it kills its sandboxes, removes their cgroups and exits; when it is
 * killed itself, the kernel kills the sandboxes (PR_SET_PDEATHSIG), and mounts, sockets and quota
 * images vanish with their last user, because none of them has a name on the host.
 *
 * launcher.c and guest.c list the steps in which a sandbox is built. The layers that it has go into
 * the record of the task:
 *
 *     user_namespace   "uid 1879048195": a user of its own on the host; "caller": kiln's
 *     namespaces       "mount pid net ipc uts cgroup"
 *     filesystem       "on": closed view, read-only root
 *     landlock         "abi 7" | "unavailable"
 *     seccomp          "on"
 *     cgroup           {"memory":"v1"|"v2"|"rlimit", "pids":..., "cpu":"v1"|"v2"|"affinity"}
 *     quota            "loop ext4" | "tmpfs"
 *     network          "none"
 */
#ifndef KILN_SANDBOX_LAUNCHER_H
#define KILN_SANDBOX_LAUNCHER_H

#include "base/err.h"
#include "json/json.h"
#include "sandbox/sandbox.h"

struct launcher;

/* Starts the process (this program, in the role "launcher"). */
int launcher_start(struct launcher **ret, struct err *err);
/* Ends it and all its sandboxes; waits. NULL is fine. */
void launcher_stop(struct launcher *l);

/* A sandbox as the launcher hands it over. */
struct launched {
    unsigned handle; /* names it to the launcher */
    int pidfd;       /* of its first process: readable when the sandbox is dead */
    json_t *layers;  /* owned by the receiver */
};

/* What the first process does: serve envd on a listening socket, or run one command (the bare
 * launcher, for tests and measurements) or the self-test's probes; the sandbox ends with them. */
struct launcher_job {
    int envd_listen_fd;      /* when there is no command and no probe */
    const char *const *argv; /* the command */
    bool probe;              /* instead of a command */
    int stdio[3];            /* of the command or probe; -1 means /dev/null */
    bool quota_tmpfs;        /* workspace on tmpfs even where a loop image could be had */
};

/* Makes one. Errors of kind ERR_HOST carry a fix. */
int launcher_create(struct launcher *l, const struct sandbox_spec *spec,
                    const struct launcher_job *job, struct launched *ret, struct err *err);

/* Kills it, waits until it is gone with everything it had. `ret_why` (may be NULL) gets a note
 * such as "out of memory", or NULL; it lives in the arena. `ret_status` (may be NULL): the wait
 * status of the first process; a bare command that a signal ended has exit status 128 and its
 * number, as in a shell, and one that can't be run has 127. */
int launcher_destroy(struct launcher *l, unsigned handle, struct arena *a, const char **ret_why,
                     int *ret_status, struct err *err);

/* Waits for a bare command to end, then launcher_destroy. */
int launcher_wait(struct launcher *l, unsigned handle, int pidfd, int *ret_status, struct err *err);

/* The process's main; the socket is descriptor 3. */
int launcher_main(void);

/*
 * Self-test, for start-up and `kiln doctor`: makes a sandbox and probes it from inside. Each check
 * is one row; `fix` says what to do when it failed, from the known causes. That a sandbox can't be
 * made is a failed check, not an error.
 */
struct launcher_check {
    const char *name; /* a layer above, or "loopback", "canary", ... */
    bool ok, required;
    const char *detail; /* "abi 7", or what went wrong */
    const char *fix;    /* or NULL */
};

int launcher_self_test(struct launcher *l, struct arena *a, struct launcher_check **ret,
                       size_t *ret_n, struct err *err);

#endif
