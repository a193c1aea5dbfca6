/*
 * Messages between a task process and its launcher: one JSON object a packet of a SOCK_SEQPACKET
 * socket, with descriptors beside it (SCM_RIGHTS). Every request gets one answer.
 *
 *     {"op":"create","id":"t-1","limits":{...},"binds":[{"from":F,"to":T}],
 *      "files":[{"path":P,"size":N}],"job":"envd"|"command"|"probe","argv":[...],"tmpfs":false}
 *         descriptors: one memory file with the contents of `files` one after another, if there
 *         are any; then the listening socket of envd, or, with "argv", standard input, output,
 * error
 *     -> {"handle":N,"layers":{...}}   with the pidfd of the first process
 *     {"op":"destroy","handle":N}
 *     -> {"status":WAIT_STATUS,"why":"out of memory"|null}
 *     -> {"error":{"kind":K,"sys":ERRNO,"msg":"...","fix":"..."}}
 */
#ifndef KILN_SANDBOX_LAUNCHER_MESSAGE_H
#define KILN_SANDBOX_LAUNCHER_MESSAGE_H

#include "base/arena.h"
#include "base/err.h"
#include "json/json.h"
#include "sandbox/launcher.h"
#include "sandbox/sandbox.h"

enum {
    LAUNCHER_MESSAGE_MAX = 128 * 1024,
    LAUNCHER_FDS_MAX = 4,
    LAUNCHER_FILES_MAX_BYTES = 32 * 1024 * 1024, /* of all spec.files together */
};

enum launcher_op { LAUNCHER_CREATE, LAUNCHER_DESTROY };

struct launcher_request {
    enum launcher_op op;
    unsigned handle; /* of LAUNCHER_DESTROY */

    /* Of LAUNCHER_CREATE. Limits are filled in; a file's content has its size, and its bytes only
     * after launcher_message_load_files(). */
    struct sandbox_spec spec;
    enum launcher_job_kind { LAUNCHER_ENVD, LAUNCHER_COMMAND, LAUNCHER_PROBE } job;
    const char *const *argv; /* of LAUNCHER_COMMAND */
    bool tmpfs;
};

/* The two requests as JSON; the caller owns it. */
json_t *launcher_message_create(const struct sandbox_spec *spec, const struct launcher_job *job);
json_t *launcher_message_destroy(unsigned handle);

/* Decodes and checks a request. Strings live in the arena. */
int launcher_message_decode(struct arena *a, struct str text, struct launcher_request *ret,
                            struct err *err);

/* Reads the contents of the request's files from the memory file that came with it. */
int launcher_message_load_files(struct arena *a, int fd, struct launcher_request *request,
                                struct err *err);

/* An error as an answer, and back: -1 with `err` filled if the answer is one, else 0. */
json_t *launcher_message_error(const struct err *err);
int launcher_message_check(const json_t *answer, struct err *err);

/* A packet out. */
int launcher_message_send(int sock, const json_t *message, const int *fds, size_t n_fds,
                          struct err *err);

/* A packet in: 1, or 0 at end of file. Descriptors are close-on-exec and the caller's. */
int launcher_message_receive(int sock, struct arena *a, struct str *ret_text,
                             int ret_fds[LAUNCHER_FDS_MAX], size_t *ret_n_fds, struct err *err);

#endif
