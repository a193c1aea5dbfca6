/*
 * envd has threads, so between fork and exec only async-signal-safe calls are made: everything
 * that needs memory is prepared before.
 */
#include "sandbox/envd_server_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "base/str.h"

enum { REPORT_FD = 3, PLACES = 4 };

struct plan {
    const struct envd_server_spawn *spec;
    char *const *argv, *const *env;
    char **script_argv; /* /bin/sh FILE args..., for a file without "#!" */
    const char **files; /* what argv[0] may mean, in the order of PATH; NULL-terminated */
    int theirs[PLACES]; /* become 0, 1, 2 and REPORT_FD */
};

/* ---- in the new processes ---- */

static void say(const char *text)
{
    if (write(2, text, strlen(text)) < 0) {
        /* Nobody reads it: the exit code still tells. */
    }
}

static _Noreturn void refuse(const char *what, int sys)
{
    const char *why = strerrordesc_np(sys);

    say("envd: ");
    say(what);
    say(": ");
    say(why ? why : "unknown error");
    say("\n");
    _exit(sys == ENOENT ? 127 : 126);
}

static _Noreturn void execute(const struct plan *plan)
{
    int sys = ENOENT;

    for (const char **file = plan->files; *file; file++) {
        execve(*file, plan->argv, plan->env);
        if (errno == ENOEXEC) {
            /* execve takes pointers to non-const and doesn't write through them. */
            memcpy(&plan->script_argv[1], file, sizeof(*file));
            execve("/bin/sh", plan->script_argv, plan->env);
        }
        if (errno != ENOENT && errno != ENOTDIR)
            sys = errno;
    }
    refuse(plan->spec->argv[0], sys);
}

static _Noreturn void leader_main(const struct plan *plan)
{
    int sys;

    proc_reset_signals();
    close(REPORT_FD);
    setsid();
    if (plan->spec->pty && ioctl(0, TIOCSCTTY, 0) < 0)
        refuse("controlling terminal", errno);
    umask(022);
    if (chdir(plan->spec->cwd) < 0)
        refuse(plan->spec->cwd, errno);
    sys = plan->spec->before_exec ? plan->spec->before_exec(plan->spec->before_exec_ctx) : 0;
    if (sys)
        refuse("limits", sys);
    execute(plan);
}

static void report(int kind, int value)
{
    struct envd_server_report r = {.kind = kind, .value = value};

    if (write(REPORT_FD, &r, sizeof(r)) < 0) {
        /* envd is gone, and the sandbox with it. */
    }
}

/* First all go above the range of places, so that none is overwritten before it is copied. */
static int place_fds(const int *theirs)
{
    int moved[PLACES];

    for (int i = 0; i < PLACES; i++) {
        moved[i] = fcntl(theirs[i], F_DUPFD, PLACES);
        if (moved[i] < 0)
            return -1;
    }
    for (int i = 0; i < PLACES; i++)
        if (dup2(moved[i], i) < 0)
            return -1;
    return (int)syscall(SYS_close_range, PLACES, ~0U, 0);
}

static void reap_until_alone(pid_t leader)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, 0)) > 0 || errno == EINTR)
        if (pid == leader)
            report(ENVD_SERVER_REPORT_STATUS, status);
}

static _Noreturn void shim_main(const struct plan *plan)
{
    sigset_t all;
    pid_t leader = -1;
    int sys = 0;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    if (place_fds(plan->theirs) < 0)
        _exit(1); /* the report pipe closes */
    prctl(PR_SET_NAME, "envd-shim");
    prctl(PR_SET_DUMPABLE, 0);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || (leader = _Fork()) < 0)
        sys = errno;
    if (leader == 0)
        leader_main(plan);
    syscall(SYS_close_range, 0, 2, 0);
    if (sys) {
        report(ENVD_SERVER_REPORT_FAILED, sys);
        _exit(1);
    }
    report(ENVD_SERVER_REPORT_LEADER, leader);
    reap_until_alone(leader);
    report(ENVD_SERVER_REPORT_GONE, 0);
    _exit(0);
}

/* ---- before the fork ---- */

static const char *find_path(const char *const *env)
{
    for (; *env; env++)
        if (strncmp(*env, "PATH=", 5) == 0)
            return *env + 5;
    return "/usr/local/bin:/usr/bin:/bin";
}

static const char **list_files(struct arena *a, const char *cmd, const char *const *env)
{
    const char *path = find_path(env), **files;
    struct str rest = str_from(path), dir;
    size_t n = 0;

    files = ARENA_ARRAY(a, rest.n + 2, const char *);
    if (strchr(cmd, '/')) {
        files[0] = cmd;
        return files;
    }
    while (str_next(&rest, ':', &dir))
        files[n++] = dir.n ? arena_printf(a, "%.*s/%s", STR_ARG(dir), cmd) : cmd;
    return files;
}

static struct plan make_plan(struct arena *a, const struct envd_server_spawn *spec)
{
    struct plan plan = {.spec = spec, .theirs = {-1, -1, -1, -1}};
    size_t n = 1;

    /* execve takes pointers to non-const and doesn't write through them. */
    memcpy(&plan.argv, &spec->argv, sizeof(plan.argv));
    memcpy(&plan.env, &spec->env, sizeof(plan.env));
    while (spec->argv[n])
        n++;
    plan.script_argv = ARENA_ARRAY(a, n + 2, char *);
    plan.script_argv[0] = arena_strdup(a, "/bin/sh");
    memcpy(plan.script_argv + 2, plan.argv + 1, (n - 1) * sizeof(char *));
    plan.files = list_files(a, spec->argv[0], spec->env);
    return plan;
}

static int no_room(struct err *err, int sys, const char *what)
{
    bool limit = sys == EAGAIN || sys == ENOMEM || sys == EMFILE || sys == ENFILE || sys == ENOSPC;

    return err_sys(err, limit ? ERR_LIMIT : ERR_IO, sys, "%s", what);
}

static int open_pipe(int *ret_read, int *ret_write, struct err *err)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return no_room(err, errno, "pipe");
    *ret_read = fds[0];
    *ret_write = fds[1];
    return 0;
}

static int open_pty(const struct envd_server_spawn *spec, struct plan *plan,
                    struct envd_server_spawned *s, struct err *err)
{
    struct winsize size = {.ws_row = (unsigned short)spec->rows,
                           .ws_col = (unsigned short)spec->columns};

    s->out[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (s->out[0] < 0 || unlockpt(s->out[0]) < 0)
        return no_room(err, errno, "open a terminal");
    plan->theirs[0] = ioctl(s->out[0], TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (plan->theirs[0] < 0 || ioctl(s->out[0], TIOCSWINSZ, &size) < 0)
        return no_room(err, errno, "open a terminal");
    s->in = fcntl(s->out[0], F_DUPFD_CLOEXEC, 0);
    if (s->in < 0)
        return no_room(err, errno, "open a terminal");
    for (int i = 1; i <= 2; i++) {
        plan->theirs[i] = fcntl(plan->theirs[0], F_DUPFD_CLOEXEC, 0);
        if (plan->theirs[i] < 0)
            return no_room(err, errno, "open a terminal");
    }
    return 0;
}

static int open_pipes(const struct envd_server_spawn *spec, struct plan *plan,
                      struct envd_server_spawned *s, struct err *err)
{
    if (spec->open_stdin) {
        if (open_pipe(&plan->theirs[0], &s->in, err))
            return -1;
    } else {
        plan->theirs[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (plan->theirs[0] < 0)
            return no_room(err, errno, "open /dev/null");
    }
    if (open_pipe(&s->out[0], &plan->theirs[1], err))
        return -1;
    return open_pipe(&s->out[1], &plan->theirs[2], err);
}

static int set_nonblocking(const struct envd_server_spawned *s, struct err *err)
{
    const int fds[] = {s->report, s->in, s->out[0], s->out[1]};

    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0 && fcntl(fds[i], F_SETFL, fcntl(fds[i], F_GETFL) | O_NONBLOCK) < 0)
            return err_sys(err, ERR_IO, errno, "descriptor flags");
    return 0;
}

static void close_theirs(struct plan *plan)
{
    for (int i = 0; i < PLACES; i++)
        cleanup_fd(&plan->theirs[i]);
}

void envd_server_spawned_close(struct envd_server_spawned *s)
{
    cleanup_fd(&s->report);
    cleanup_fd(&s->in);
    cleanup_fd(&s->out[0]);
    cleanup_fd(&s->out[1]);
}

/* The shim's first word. It comes at once, or the pipe closes. */
static int await_leader(struct envd_server_spawned *s, struct err *err)
{
    struct envd_server_report r;
    ssize_t n;

    do
        n = read(s->report, &r, sizeof(r));
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof(r))
        return err_set(err, ERR_IO, "a process ended before it became the command");
    if (r.kind != ENVD_SERVER_REPORT_LEADER)
        return no_room(err, r.value, "start a process");
    s->leader = r.value;
    return 0;
}

static int fork_shim(struct plan *plan, struct envd_server_spawned *s, struct err *err)
{
    s->shim = _Fork();
    if (s->shim < 0)
        return no_room(err, errno, "start a process");
    if (s->shim == 0)
        shim_main(plan);
    close_theirs(plan);
    if (await_leader(s, err))
        return -1;
    return set_nonblocking(s, err);
}

int envd_server_spawn(struct arena *a, const struct envd_server_spawn *spec,
                      struct envd_server_spawned *ret, struct err *err)
{
    struct envd_server_spawned s = {
        .shim = -1, .leader = -1, .report = -1, .in = -1, .out = {-1, -1}};
    struct plan plan = make_plan(a, spec);
    int rc = open_pipe(&s.report, &plan.theirs[REPORT_FD], err);

    if (rc == 0)
        rc = spec->pty ? open_pty(spec, &plan, &s, err) : open_pipes(spec, &plan, &s, err);
    if (rc == 0)
        rc = fork_shim(&plan, &s, err);
    close_theirs(&plan);
    if (rc == 0)
        *ret = s;
    else
        envd_server_spawned_close(&s);
    return rc;
}
