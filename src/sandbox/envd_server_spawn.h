/*
 * Starts one command, with a shim above it.
 *
 *     envd ── shim ── leader (the command) ── ...
 *
 * The shim is a fork of envd that executes nothing: it makes itself the subreaper of the command's
 * tree, reports the leader's pid and its exit, and stays until the whole tree is gone. It holds no
 * descriptor but its report pipe and has every signal blocked. A process that kills it anyway
 * (it runs as the same user) gains nothing: its tree then falls to envd itself, which ends it.
 */
#ifndef KILN_SANDBOX_ENVD_SERVER_SPAWN_H
#define KILN_SANDBOX_ENVD_SERVER_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

/* What the shim writes into its pipe, in this order. */
enum envd_server_report_kind {
    ENVD_SERVER_REPORT_FAILED, /* value: errno; nothing was started */
    ENVD_SERVER_REPORT_LEADER, /* value: pid */
    ENVD_SERVER_REPORT_STATUS, /* value: the leader's wait status */
    ENVD_SERVER_REPORT_GONE,   /* nothing of the tree is left; the shim ends */
};

struct envd_server_report {
    int kind, value;
};

struct envd_server_spawn {
    const char *const *argv; /* NULL-terminated, with one word at least */
    const char *const *env;  /* NULL-terminated "NAME=value"; its PATH is searched */
    const char *cwd;
    bool open_stdin; /* else /dev/null */
    bool pty;
    unsigned rows, columns; /* of the PTY; 0 leaves them at the kernel's 0 */
    int (*before_exec)(void *ctx);
    void *before_exec_ctx;
};

/* Our ends, non-blocking and close-on-exec; -1 for none. */
struct envd_server_spawned {
    pid_t shim, leader;
    int report;
    int in;
    int out[2]; /* standard output and error; a PTY has its master in [0] and a duplicate in `in` */
};

/*
 * Forks; the pid of the leader is known on return. Errors: ERR_LIMIT when the sandbox allows no
 * more processes or descriptors, ERR_IO. A command that can't be executed is not an error here: it
 * prints why and exits with 127 (not found) or 126, as a shell would.
 */
int envd_server_spawn(struct arena *a, const struct envd_server_spawn *spec,
                      struct envd_server_spawned *ret, struct err *err);

/* Closes all ends. */
void envd_server_spawned_close(struct envd_server_spawned *s);

#endif
