/*
 * Sandboxes: an isolated machine that runs what an agent wrote, reached by envd.
 *
 * The seam of sandbox kinds. A host (of sandboxes) is started once for a process; sandboxes are
 * opened on it. Whatever the kind, everything inside is done through the one envd client (envd.h).
 * A kind is one file, src/sandbox/kind_NAME.c, that defines `const struct sandbox_kind
 * sandbox_kind_NAME`; test/contract/ holds what every kind must do.
 *
 * Inside, whatever the kind: an ordinary user "user" (uid 1000) with HOME=/home/user, the
 * workspace SANDBOX_WORK, a scratch /tmp, and what spec.files puts there, read-only.
 */
#ifndef KILN_SANDBOX_SANDBOX_H
#define KILN_SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "json/json.h"
#include "sandbox/envd.h"

#define SANDBOX_WORK "/work"

/* 0 means the default in parentheses. */
struct sandbox_limits {
    int64_t memory_bytes; /* of all processes together where the host can (2 GiB) */
    int64_t disk_bytes;   /* of the workspace (1 GiB) */
    int64_t disk_inodes;  /* of the workspace (100 000) */
    int64_t tmp_bytes;    /* of /tmp and of HOME, each (256 MiB) */
    int64_t file_bytes;   /* of one file (1 GiB) */
    int64_t pids;         /* processes and threads (512) */
    int64_t open_files;   /* of one process (8192) */
    double cpus;          /* (all that the host has, at most 4) */
};

/* A file or folder of the host that is visible inside, read-only. */
struct sandbox_bind {
    const char *from, *to; /* absolute paths; `to` is made */
};

/* A file that kiln places, executable; inside it can't be changed. All of them together have at
 * most 32 MiB. */
struct sandbox_file {
    const char *path; /* absolute, below /opt/kiln/ */
    struct str content;
};

struct sandbox_spec {
    const char *id; /* [a-z0-9-], at most 40; names the host's objects */
    struct sandbox_limits limits;
    const struct sandbox_bind *binds;
    size_t n_binds;
    const struct sandbox_file *files;
    size_t n_files;
};

/* A layer that a local sandbox can be required to have: see launcher.h. */
struct sandbox_host_config {
    const char *kind;           /* "local" */
    const char *const *require; /* names of layers without which no sandbox may open */
    size_t n_require;
};

struct sandbox_host;
struct sandbox;

/* Starts what the kind needs. Errors of kind ERR_HOST say what this machine lacks, with a fix. */
int sandbox_host_start(const struct sandbox_host_config *config, struct sandbox_host **ret,
                       struct err *err);
/* Ends every sandbox of this host; those that were opened are to be closed before. NULL is fine. */
void sandbox_host_stop(struct sandbox_host *h);

/* Opens a sandbox whose envd answers. Nothing is left behind on failure. */
int sandbox_open(struct sandbox_host *h, const struct sandbox_spec *spec, struct sandbox **ret,
                 struct err *err);

/* Ends every process in it and removes every trace on the host; waits for that. NULL is fine. */
void sandbox_close(struct sandbox *s);

struct envd_client *sandbox_envd(struct sandbox *s);

/* {"kind":"local","id":...,"layers":{...},"limits":{...},"opened_ms":N}: for the task's record.
 * Borrowed. */
const json_t *sandbox_record(const struct sandbox *s);

/* Whether it still lives; when it doesn't, why, if that is known: "killed: out of memory". */
bool sandbox_alive(struct sandbox *s, struct arena *a, const char **ret_why);

/*
 * Ends every process inside but envd: what an agent or a test left running. Whatever was started
 * before is gone when this returns 0.
 */
int sandbox_kill_all(struct sandbox *s, struct err *err);

/* ---- for kinds ---- */

struct sandbox_kind {
    const char *name, *help;
    int (*start)(const struct sandbox_host_config *config, void **ret_host, struct err *err);
    void (*stop)(void *host);
    int (*open)(void *host, const struct sandbox_spec *spec, void **ret_box, struct err *err);
    void (*close)(void *box);
    struct envd_client *(*envd)(void *box);
    const json_t *(*record)(const void *box);
    bool (*alive)(void *box, struct arena *a, const char **ret_why);
    int (*kill_all)(void *box, struct err *err);
};

#endif
