/*
 * Client of envd, E2B's in-sandbox protocol: processes and file system over Connect RPC with JSON,
 * files over plain HTTP. The same client talks to kiln's own envd in a local sandbox and to E2B's
 * (protocol facts: E2B's envd 0.6.13, as recorded in the project's reference).
 *
 * What comes back was said by the untrusted side: it is typed and capped here, never trusted.
 * A client is used by one thread at a time. Paths inside: absolute, or relative to HOME.
 */
#ifndef KILN_SANDBOX_ENVD_H
#define KILN_SANDBOX_ENVD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"
#include "http/client.h"

struct envd_client;

struct envd_config {
    const char *base_url;    /* "http://envd" with a unix socket, or "https://49983-ID.e2b.app" */
    const char *unix_socket; /* or NULL */
    const struct secret *access_token; /* X-Access-Token, or NULL */
    const struct http_header *headers; /* sent with every request (E2b-Sandbox-Id, ...) */
    size_t n_headers;
    const char *user; /* Basic user of RPCs; NULL leaves it to the sandbox */
};

int envd_new(const struct envd_config *config, struct envd_client **ret, struct err *err);
void envd_free(struct envd_client *c);

/* GET /health. */
int envd_health(struct envd_client *c, int timeout_ms, struct err *err);

/* ---- processes ---- */

struct envd_env {
    const char *name, *value;
};

struct envd_process {
    const char *const *argv; /* NULL-terminated; argv[0] is looked up in the sandbox's PATH */
    const struct envd_env *env;
    size_t n_env;
    const char *cwd; /* NULL: HOME */
    bool open_stdin; /* else /dev/null */
    bool pty;        /* then stdin is open; rows and columns as below */
    unsigned rows, columns;
    const char *tag;
    int timeout_ms; /* the process and all it started are killed after it; 0: no limit */
};

enum envd_event_kind { ENVD_NONE, ENVD_START, ENVD_STDOUT, ENVD_STDERR, ENVD_PTY, ENVD_END };

struct envd_event {
    enum envd_event_kind kind; /* ENVD_NONE: nothing came in time */
    uint32_t pid;              /* ENVD_START */
    struct str data;           /* output; valid until the next call */
    bool exited;               /* ENVD_END: by itself, with exit_code; else by a signal */
    int exit_code;             /* -1 for a signal */
    const char *status;        /* "exit status 3", "signal: killed" */
};

struct envd_stream;

/* Starts a process and follows it. The first event is ENVD_START. */
int envd_start(struct envd_client *c, const struct envd_process *p, struct envd_stream **ret,
               struct err *err);
/* Follows a process that runs already. */
int envd_connect(struct envd_client *c, uint32_t pid, struct envd_stream **ret, struct err *err);

/* Waits up to `wait_ms` (-1: as long as the stream is kept alive by its peer) for the next event.
 * After ENVD_END the stream is over. ERR_TIMEOUT when the process's timeout_ms ran out. */
int envd_stream_next(struct envd_stream *s, int wait_ms, struct envd_event *ret, struct err *err);

/* Leaves the process running unless it has ended. */
void envd_stream_close(struct envd_stream *s);

struct envd_process_info {
    uint32_t pid;
    const char *tag, *cmd;
};

int envd_list(struct envd_client *c, struct arena *a, struct envd_process_info **ret, size_t *ret_n,
              struct err *err);
int envd_send_input(struct envd_client *c, uint32_t pid, struct str data, bool pty,
                    struct err *err);
int envd_close_stdin(struct envd_client *c, uint32_t pid, struct err *err);
int envd_resize(struct envd_client *c, uint32_t pid, unsigned rows, unsigned columns,
                struct err *err);
/* SIGTERM or SIGKILL; our envd signals the whole tree that the process started. Its own, by killing
 * process 1, is everything in the sandbox but itself. */
int envd_signal(struct envd_client *c, uint32_t pid, int signal, struct err *err);

/* ---- a process run to its end ---- */

/* What became of a command. Kept apart: it ended by itself, it was killed by somebody inside, we
 * killed it because its time was over. */
enum envd_outcome { ENVD_EXITED, ENVD_SIGNALLED, ENVD_TIMED_OUT };

/* Output as it was: at most `max` bytes of it, head and tail, and the exact number that is not
 * kept. */
struct envd_output {
    struct str head, tail;
    uint64_t omitted; /* bytes between them */
    uint64_t total;
};

struct envd_result {
    enum envd_outcome outcome;
    int exit_code; /* for ENVD_EXITED */
    const char *status;
    struct envd_output out; /* standard output and error as they came, in one */
    int64_t wall_ms;
};

struct envd_run_options {
    struct str stdin_data; /* given to the command, then end of file; empty: /dev/null */
    size_t keep_bytes;     /* of output; 0 means 256 KiB */
    uint64_t max_bytes;    /* of output; the command is killed beyond it; 0 means 64 MiB */
    int log_fd;            /* all output, up to max_bytes, is written there too; 0 or -1: none */
    /* Called with each piece of output if not NULL; -1 kills the command and fails the run. */
    int (*on_output)(void *ctx, struct str piece, struct err *err);
    void *ctx;
};

/*
 * Runs a command to its end, with process.timeout_ms as its limit, then makes sure that what it
 * started is ended too. Cancellation kills it and returns ERR_CANCELLED. ERR_LIMIT when max_bytes
 * was exceeded (the result is filled even so). Errors of transport mean the sandbox is not well.
 */
int envd_run(struct envd_client *c, struct arena *a, const struct envd_process *p,
             const struct envd_run_options *options, struct envd_result *ret, struct err *err);

/* The kept output as one text: head, a line that says how much is missing, tail. */
struct str envd_output_text(struct arena *a, const struct envd_output *o);

/* ---- files ---- */

/* GET /files: at most `max` bytes, from `offset` on. ERR_NOT_FOUND; ERR_LIMIT for a larger file.
 * At or behind the end of the file the result is empty. */
int envd_read(struct envd_client *c, struct arena *a, const char *path, uint64_t offset, size_t max,
              struct str *ret, struct err *err);

/* POST /files (octet-stream): makes or replaces, parents included. */
int envd_write(struct envd_client *c, const char *path, struct str data, struct err *err);

enum envd_type { ENVD_UNKNOWN, ENVD_FILE, ENVD_DIR };

struct envd_entry {
    const char *name, *path;
    enum envd_type type; /* of the target, for a symbolic link */
    uint64_t size;
    unsigned mode;              /* permission bits */
    const char *symlink_target; /* or NULL */
};

int envd_stat(struct envd_client *c, struct arena *a, const char *path, struct envd_entry *ret,
              struct err *err);
int envd_list_dir(struct envd_client *c, struct arena *a, const char *path, unsigned depth,
                  struct envd_entry **ret, size_t *ret_n, struct err *err);
/* ERR_EXISTS if it is there. */
int envd_make_dir(struct envd_client *c, const char *path, struct err *err);
int envd_move(struct envd_client *c, const char *from, const char *to, struct err *err);
/* Recursive; a path that isn't there is fine. */
int envd_remove(struct envd_client *c, const char *path, struct err *err);

#endif
