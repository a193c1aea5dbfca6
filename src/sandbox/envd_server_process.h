/*
 * The processes that were started, and the one thread that looks after them.
 *
 * A process is known by the pid of its leader. It passes through these stages:
 *
 *     running   the leader lives
 *     exited    the leader has ended; what it wrote before is still being taken from the pipes
 *     ended     readers are told the end: both pipes are at end of file, or GRACE_MS have passed
 *               and all that was in them at the exit has been taken. (E2B waits for end of file
 *               alone, so there a child that inherited the pipe holds the end back.)
 *     gone      nothing of its tree is left
 *
 * What a leader leaves running goes on, can still be signalled by the leader's pid, and what it
 * prints after the end is read and dropped. The record of an ended process stays for a while so
 * that a client that lost its connection learns the end.
 *
 * One lock covers all of it. The thread (envd_server_pump.c) alone reads the pipes, writes to
 * standard inputs, reaps, keeps time limits, kills, and removes records; connections' threads
 * start processes and wait for what they are told through their reader.
 */
#ifndef KILN_SANDBOX_ENVD_SERVER_PROCESS_H
#define KILN_SANDBOX_ENVD_SERVER_PROCESS_H

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "json/json.h"
#include "sandbox/envd_server_output.h"
#include "sandbox/envd_server_spawn.h"

enum {
    /* Records, ended ones included. poll(2) takes no more entries than RLIMIT_NOFILE, which may
     * be 1024, and each has four. */
    ENVD_SERVER_MAX_PROCESSES = 240,
    ENVD_SERVER_MAX_ENDED = 32,    /* records of ended processes */
    ENVD_SERVER_ENDED_MS = 120000, /* how long those are kept */
    ENVD_SERVER_GRACE_MS = 200,
    ENVD_SERVER_INPUT_MAX = 4 * 1024 * 1024, /* of input that a process hasn't read yet */
    ENVD_SERVER_MESSAGE_MAX = 16 * 1024 * 1024,
};

struct envd_server_process {
    struct envd_server_process *next;
    struct envd_server_spawned fds;
    bool pty;
    char *tag;      /* or NULL */
    json_t *config; /* as it was asked for: cmd, args, envs, cwd */

    struct buf input;
    bool close_input; /* once `input` is written */
    struct envd_server_output output;
    struct envd_server_reader *readers;

    int64_t kill_at; /* the time limit; CLOCK_NEVER when there is none */
    bool timed_out;
    bool doomed; /* the tree is being killed */
    int64_t doomed_at, next_kill;

    bool exited;
    int status; /* of waitpid */
    int64_t end_by;
    int left[2]; /* bytes in the pipes at the exit that are not taken yet */
    bool ended;
    int64_t ended_at;
    bool orphaned; /* the shim was killed: its tree fell to us and is killed as strays */
    bool reported_gone, gone;
    int poll_at; /* index of its four entries in the poll that is under way, or -1 */
};

/* Somebody who follows a process. */
struct envd_server_reader {
    struct envd_server_reader *next;
    struct envd_server_table *table;
    struct envd_server_process *process;
    uint64_t position;
    int wake_fd; /* readable when there may be something to take */
    uint32_t pid;
};

struct envd_server_table {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a process is gone, or has read input; everything is cleared */
    pthread_t thread;
    int wake_fd, child_fd; /* eventfd; signalfd of SIGCHLD */
    struct envd_server_process *first, *last;
    size_t n;
    bool strays;   /* children of ours that belong to no shim are to be killed */
    bool clearing; /* everything but ourselves is to be killed */
    bool draining; /* readers are told to stop */
    bool stopping; /* the thread ends when all are gone */
    struct pollfd polls[2 + 4 * ENVD_SERVER_MAX_PROCESSES];
};

/* Starts the thread. SIGCHLD must be blocked in the whole process. */
int envd_server_table_new(struct envd_server_table **ret, struct err *err);
/* Makes all readers, present and future, stop. */
void envd_server_table_drain(struct envd_server_table *t);
/* Kills all trees, waits for them, ends the thread. No reader may be left. NULL is fine. */
void envd_server_table_free(struct envd_server_table *t);

struct envd_server_start {
    struct envd_server_spawn spawn;
    const char *tag; /* or NULL */
    json_t *config;
    int64_t timeout_ms; /* -1 for none */
};

/* Starts a process and follows it. ERR_LIMIT when there are too many. */
int envd_server_table_start(struct envd_server_table *t, struct arena *a,
                            const struct envd_server_start *start, struct envd_server_reader **ret,
                            struct err *err);

struct envd_server_selector {
    uint32_t pid; /* when `tag` is NULL */
    const char *tag;
};

/* All of these: ERR_NOT_FOUND "process with pid 7 not found". */

/* Follows a process that runs, or has ended a short time ago. */
int envd_server_table_connect(struct envd_server_table *t, const struct envd_server_selector *which,
                              struct envd_server_reader **ret, struct err *err);
/* Queues input. ERR_THROTTLED when the process has let ENVD_SERVER_INPUT_MAX wait for a second;
 * ERR_INTERNAL when it takes no such input. */
int envd_server_table_input(struct envd_server_table *t, const struct envd_server_selector *which,
                            struct str data, bool pty, struct err *err);
int envd_server_table_close_input(struct envd_server_table *t,
                                  const struct envd_server_selector *which, struct err *err);
int envd_server_table_resize(struct envd_server_table *t, const struct envd_server_selector *which,
                             unsigned rows, unsigned columns, struct err *err);
/* Signals the whole tree. For SIGKILL, returns when nothing of it is left. The tree of process 1,
 * which can only be killed, is all of the sandbox but that process, when we are it. */
int envd_server_table_signal(struct envd_server_table *t, const struct envd_server_selector *which,
                             int sig, struct err *err);
/* [{"config":...,"pid":N,"tag":...}] of those that have not ended. */
json_t *envd_server_table_list(struct envd_server_table *t);

/* ---- following ---- */

enum envd_server_taken_kind {
    ENVD_SERVER_TAKEN_NOTHING, /* wait for wake_fd */
    ENVD_SERVER_TAKEN_OUTPUT,
    ENVD_SERVER_TAKEN_END,
    ENVD_SERVER_TAKEN_STOP, /* the server stops */
};

struct envd_server_taken {
    enum envd_server_taken_kind kind;
    enum envd_server_source source;
    struct str data; /* in the arena */
    int status;
    bool timed_out;
};

void envd_server_reader_take(struct envd_server_reader *r, struct arena *a,
                             struct envd_server_taken *ret);
void envd_server_reader_close(struct envd_server_reader *r);

/* ---- between the table and its thread; the lock is held ---- */

void *envd_server_pump_main(void *table);
void envd_server_pump_wake(struct envd_server_table *t);
void envd_server_process_wake_readers(const struct envd_server_process *p);

#endif
