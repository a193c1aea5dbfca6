/*
 * Sandboxes for tests: a launcher whose process is the test program itself, commands in fresh
 * sandboxes, and the whole of a test program run twice when root starts it: as root, and as an
 * ordinary user in a child.
 */
#ifndef KILN_TEST_SUPPORT_BOXES_H
#define KILN_TEST_SUPPORT_BOXES_H

#include "support/unit.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/launcher.h"

enum { BOXES_USER = 64321, BOXES_OUTPUT_MAX = 1024 * 1024 };

static struct launcher *boxes_launcher;

static inline int boxes_setup(void **state)
{
    struct err err = {0};

    if (launcher_start(&boxes_launcher, &err))
        fail_msg("%s", err.msg);
    return 0;
}

static inline int boxes_teardown(void **state)
{
    launcher_stop(boxes_launcher);
    return 0;
}

/* A sandbox that runs a command, with its output in a pipe. */
struct boxes_run {
    struct launched box;
    int output;
};

static inline struct boxes_run boxes_begin(const struct sandbox_spec *spec, const char *const *argv)
{
    struct launcher_job job = {.envd_listen_fd = -1, .argv = argv};
    struct boxes_run r;
    struct err err = {0};
    int pair[2];

    assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
    job.stdio[0] = -1;
    job.stdio[1] = job.stdio[2] = pair[1];
    if (launcher_create(boxes_launcher, spec, &job, &r.box, &err))
        fail_msg("%s; %s", err.msg, err.fix);
    close(pair[1]);
    r.output = pair[0];
    return r;
}

/* Its output until it has ended, and its status. */
static inline const char *boxes_end(struct arena *a, struct boxes_run *r, int *ret_status)
{
    struct err err = {0};
    struct str text;

    if (fs_read_fd(a, r->output, BOXES_OUTPUT_MAX, &text, &err) ||
        launcher_wait(boxes_launcher, r->box.handle, r->box.pidfd, ret_status, &err))
        fail_msg("%s", err.msg);
    close(r->output);
    close(r->box.pidfd);
    json_decref(r->box.layers);
    return text.p;
}

static inline const char *boxes_command(struct arena *a, const struct sandbox_spec *spec,
                                        const char *const *argv, int *ret_status)
{
    struct boxes_run r = boxes_begin(spec, argv);

    return boxes_end(a, &r, ret_status);
}

/* A shell script in a sandbox with default limits. */
static inline const char *boxes_sh(struct arena *a, const char *script)
{
    const struct sandbox_spec spec = {.id = "test"};
    int status;

    return boxes_command(a, &spec, (const char *const[]){"/bin/sh", "-c", script, NULL}, &status);
}

/* Runs all tests; when root, all of them again as an ordinary user. */
static inline int boxes_run_twice(int (*run_all)(void))
{
    int status, failed = run_all();
    pid_t child;

    if (geteuid() != 0)
        return failed;
    fflush(NULL);
    child = fork();
    if (child == 0) {
        if (setresgid(BOXES_USER, BOXES_USER, BOXES_USER) ||
            setresuid(BOXES_USER, BOXES_USER, BOXES_USER))
            _exit(99);
        failed = run_all();
        fflush(NULL);
        _exit(failed ? 1 : 0);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        return 1;
    return failed + (status != 0);
}

#endif
