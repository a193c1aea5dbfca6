/*
 * kiln's server of E2B's envd protocol, on the untrusted side.
 *
 * It is the first process (PID 1) of a local sandbox, so nothing inside can kill or trace it. It
 * serves on a listening socket that it was given, starts processes as the user it runs as, reaps
 * everything, and ends when the supervising process does. It speaks to nobody else.
 *
 * Better than E2B's where a client can't see the difference: a kill or a timeout ends the whole
 * tree that a process started; output that comes while nobody listens is kept (capped) and
 * replayed to the next Connect; an ended process can still be connected to for its exit; tags are
 * found among many; odd keepalive and timeout headers can't crash it.
 */
#ifndef KILN_SANDBOX_ENVD_SERVER_H
#define KILN_SANDBOX_ENVD_SERVER_H

#include "base/err.h"
#include "base/str.h"

struct envd_server_config {
    int listen_fd;          /* listening, taken over */
    const char *home;       /* HOME and default working directory of processes */
    const char *user;       /* the one name that Basic authentication and ?username may give */
    const char *const *env; /* NULL-terminated "NAME=value": what every process gets */
    /* Called in each new process just before it becomes the command, if not NULL: resource limits
     * that envd itself must not have. Async-signal-safe. Returns 0 or an errno. */
    int (*before_exec)(void *ctx);
    void *before_exec_ctx;
};

/* Serves until `stop_fd` becomes readable (-1: for ever). Runs as PID 1 or as an ordinary process
 * (tests); reaps every child of its own in both cases. */
int envd_server_run(const struct envd_server_config *config, int stop_fd, struct err *err);

#endif
