#include "sandbox/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "sandbox/envd_server.h"
#include "sandbox/landlock.h"
#include "sandbox/lockdown.h"
#include "sandbox/network.h"
#include "sandbox/probe.h"
#include "sandbox/rootfs.h"
#include "sandbox/seccomp.h"

/* The descriptors of the first process. */
enum { FD_LISTEN = 3, FD_SYNC = 4, FD_END = 5, FD_ASIDE = 100 };

static const char *const environment[] = {
    "PATH=/usr/local/bin:/usr/bin:/bin",
    ("HOME=" ROOTFS_HOME), /* one string */
    "USER=user",
    "LOGNAME=user",
    "SHELL=/bin/sh",
    "LANG=C.UTF-8",
    "TMPDIR=/tmp",
    NULL,
};

/* ---- building ---- */

/* Moves the descriptors that are needed to their places and closes everything else. `*sync` is
 * always where the launcher can be told what went wrong. */
static int place_fds(const struct guest *g, int *sync, struct err *err)
{
    bool envd = g->request->job == LAUNCHER_ENVD;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const int wanted[FD_END] = {envd ? null : g->fds[0], envd ? null : g->fds[1],
                                envd ? null : g->fds[2], envd ? g->fds[0] : null, g->sync};
    int aside[FD_END];

    for (int i = 0; i < FD_END; i++) {
        aside[i] = fcntl(wanted[i], F_DUPFD_CLOEXEC, FD_ASIDE);
        if (aside[i] < 0)
            return err_sys(err, ERR_IO, errno, "copy descriptors");
    }
    for (int i = 0; i < FD_END; i++)
        if (dup3(aside[i], i, i > STDERR_FILENO ? O_CLOEXEC : 0) < 0)
            return err_sys(err, ERR_IO, errno, "place descriptors");
    *sync = FD_SYNC;
    return lockdown_fds(FD_END, err);
}

/* The steps, in their order. */
static int build(struct arena *a, const struct guest *g, int *sync, struct guest_report *report)
{
    const struct sandbox_spec *spec = &g->request->spec;
    struct err *err = &report->err;
    struct rootfs *root;

    /* With the launcher's access to files. The namespace comes after the move into the sandbox's
     * own control groups, which then are the root that is seen inside. */
    if (limits_cgroup_enter(&g->groups, err))
        return -1;
    if (unshare(CLONE_NEWCGROUP) < 0)
        return err_sys(err, ERR_HOST, errno, "make a cgroup namespace");
    if (rootfs_gather(a, spec, &root, err))
        return -1;

    /* As the sandbox's user, with capabilities over its namespaces. */
    if (lockdown_user(err) || network_up(err))
        return -1;
    if (sethostname("sandbox", 7) < 0)
        return err_sys(err, ERR_HOST, errno, "set the host name");
    if (rootfs_enter(root, g->workspace, err))
        return -1;

    /* Giving them up, the filter last since it forbids some of the above. */
    setsid();
    if (place_fds(g, sync, err) || limits_self_first(&g->limits, err) || lockdown_rights(err) ||
        landlock_apply(spec, &report->landlock_abi, err))
        return -1;
    return seccomp_apply(g->filter, err);
}

/* A byte of the launcher; if it is gone, so are we. */
static void await_launcher(int sync)
{
    char byte;
    ssize_t n;

    do
        n = read(sync, &byte, 1);
    while (n < 0 && errno == EINTR);
    if (n != 1)
        _exit(1);
}

/* ---- working: one command, or the probes ---- */

static _Noreturn void become_command(const struct guest *g)
{
    char *const *argv, *const *env;
    const char *const *const_env = environment;
    const bool probe = g->request->job == LAUNCHER_PROBE;
    struct limits_self limits = g->limits;
    int sys;

    /* The probes run in the launcher's image, and a limit on the size of a new program can be less
     * than what a sanitizer has mapped there. */
    limits.memory = limits.memory && !probe;
    sys = limits_self_command(&limits);
    /* execve takes pointers to non-const and doesn't write through them. */
    memcpy(&argv, &g->request->argv, sizeof(argv));
    memcpy(&env, &const_env, sizeof(env));
    memcpy(&environ, &const_env, sizeof(environ)); /* for the look-up in PATH */
    proc_reset_signals();
    if (sys || chdir(SANDBOX_WORK) < 0)
        _exit(126);
    if (probe)
        _exit(probe_run(STDOUT_FILENO, &g->request->spec.limits));
    execvpe(argv[0], argv, env);
    _exit(127);
}

/* Reaps whatever ends until the command does; when this process ends the kernel kills the rest. A
 * signal becomes 128 and its number, as in a shell. */
static _Noreturn void run_command(const struct guest *g)
{
    pid_t command = fork(), pid;
    int status = 0;

    if (command == 0)
        become_command(g);
    lockdown_fds(0, NULL);
    if (command < 0)
        _exit(126);
    do
        pid = wait(&status);
    while (pid != command && (pid >= 0 || errno == EINTR));
    _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

/* ---- working: envd ---- */

static void *envd_thread(void *ctx)
{
    struct limits_self *limits = ctx;
    const struct envd_server_config config = {
        .listen_fd = FD_LISTEN,
        .home = ROOTFS_HOME,
        .user = "user",
        .env = environment,
        .before_exec = limits_self_command,
        .before_exec_ctx = limits,
    };
    struct err err = {0};

    if (envd_server_run(&config, -1, &err))
        _exit(1);
    return NULL;
}

/* In a thread of its own: glibc's notes about this one are the launcher's, since the launcher
 * cloned it behind glibc's back. This one only waits. */
static _Noreturn void run_envd(const struct guest *g)
{
    struct limits_self limits = g->limits;
    pthread_t thread;

    if (pthread_create(&thread, NULL, envd_thread, &limits) == 0)
        pthread_join(thread, NULL);
    _exit(1);
}

_Noreturn void guest_main(const struct guest *g)
{
    ARENA_CLEANUP struct arena a = {0};
    struct guest_report report = {0};
    int sync = g->sync;

    await_launcher(sync);
    report.ok = build(&a, g, &sync, &report) == 0;
    if (send(sync, &report, sizeof(report), MSG_NOSIGNAL) < 0 || !report.ok)
        _exit(1);
    await_launcher(sync);
    close(sync);
    if (g->request->job == LAUNCHER_ENVD)
        run_envd(g);
    run_command(g);
}
