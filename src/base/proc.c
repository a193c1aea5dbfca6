#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"

enum { MAX_FDS = 64 };

/* Puts the descriptors in their places. First all go above the range of places, so that none is
 * overwritten before it is copied. */
static int place_fds(const struct proc_spec *spec)
{
    int places = spec->n_fds < 3 ? 3 : spec->n_fds;
    int moved[MAX_FDS];

    if (places > MAX_FDS)
        return EMFILE;
    for (int i = 0; i < places; i++) {
        int fd = i < spec->n_fds ? spec->fds[i] : -1;

        if (fd < 0)
            fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        moved[i] = fcntl(fd, F_DUPFD_CLOEXEC, places);
        if (moved[i] < 0)
            return errno;
    }
    for (int i = 0; i < places; i++)
        if (dup2(moved[i], i) < 0)
            return errno;
    if (syscall(SYS_close_range, places, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        return errno;
    return 0;
}

void proc_reset_signals(void)
{
    /* The kernel's struct sigaction, which is smaller: SIG_DFL, no flags, an empty mask. */
    static const struct sigaction usual;
    sigset_t none;

    /* signal() refuses the two that the C library keeps for itself, and posix_spawn leaves those
     * ignored: whatever make starts has them so. */
    for (int sig = 1; sig < NSIG; sig++)
        syscall(SYS_rt_sigaction, sig, &usual, NULL, (NSIG - 1) / 8);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child: becomes the program, or returns an errno. */
static int become(const struct proc_spec *spec, pid_t parent)
{
    static const char *const no_env[] = {NULL};
    char *const *argv, *const *env;
    const char *const *spec_env = spec->env ? spec->env : no_env;
    int sys;

    proc_reset_signals();
    setsid();
    if (!spec->survives_parent) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            return ESRCH;
    }
    sys = place_fds(spec);
    if (sys)
        return sys;
    /* execve takes pointers to non-const and doesn't write through them. */
    memcpy(&argv, &spec->argv, sizeof(argv));
    memcpy(&env, &spec_env, sizeof(env));
    if (spec->exe)
        execve(spec->exe, argv, env);
    else
        execvpe(argv[0], argv, env);
    return errno;
}

/* The write end of `report` closes when the program runs, or carries the errno when it can't. */
static _Noreturn void child_main(const struct proc_spec *spec, pid_t parent, int report)
{
    /* Out of the way of the places that descriptors go to. */
    int high = fcntl(report, F_DUPFD_CLOEXEC, MAX_FDS);
    int sys = high < 0 ? errno : become(spec, parent);

    if (write(high < 0 ? report : high, &sys, sizeof(sys)) < 0) {
        /* The parent is gone. */
    }
    _exit(127);
}

/* Waits until the child has become its program; returns the errno if it couldn't. */
static int read_report(int fd)
{
    int sys = 0;
    ssize_t n;

    do
        n = read(fd, &sys, sizeof(sys));
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof(sys) ? sys : 0;
}

static void reap(pid_t pid, int *ret_status)
{
    while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
        ;
}

int proc_start(const struct proc_spec *spec, struct proc *ret, struct err *err)
{
    FD_CLEANUP int ours = -1;
    FD_CLEANUP int theirs = -1;
    int pipe_fds[2], sys, pidfd;
    pid_t parent = getpid(), pid;

    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return err_sys(err, ERR_IO, errno, "pipe");
    ours = pipe_fds[0];
    theirs = pipe_fds[1];
    pid = fork();
    if (pid < 0)
        return err_sys(err, ERR_IO, errno, "fork");
    if (pid == 0)
        child_main(spec, parent, theirs);
    cleanup_fd(&theirs);
    sys = read_report(ours);
    if (sys) {
        reap(pid, NULL);
        return err_sys(err, sys == ENOENT ? ERR_NOT_FOUND : ERR_IO, sys, "start '%s'",
                       spec->argv[0]);
    }
    pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) {
        err_sys(err, ERR_HOST, errno, "pidfd_open");
        kill(pid, SIGKILL);
        reap(pid, NULL);
        return -1;
    }
    *ret = (struct proc){.pid = pid, .pidfd = pidfd};
    return 0;
}

int proc_wait(struct proc *p, int64_t deadline, int *ret_status, struct err *err)
{
    struct pollfd pfd = {.fd = p->pidfd, .events = POLLIN};
    int n;

    do
        n = poll(&pfd, 1, clock_poll_ms(deadline));
    while (n < 0 && errno == EINTR);
    if (n == 0)
        return err_set(err, ERR_TIMEOUT, "process %d is still running", (int)p->pid);
    if (n < 0)
        return err_sys(err, ERR_IO, errno, "wait for process %d", (int)p->pid);
    reap(p->pid, ret_status);
    cleanup_fd(&p->pidfd);
    *p = PROC_NONE;
    return 0;
}

void proc_end(struct proc *p, int grace_ms)
{
    int status;

    if (p->pid < 0)
        return;
    kill(p->pid, SIGTERM);
    if (proc_wait(p, clock_deadline(grace_ms), &status, NULL) == 0)
        return;
    kill(p->pid, SIGKILL);
    proc_wait(p, CLOCK_NEVER, &status, NULL);
}

char *proc_describe_status(struct arena *a, int status)
{
    if (WIFSIGNALED(status))
        return arena_printf(a, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    return arena_printf(a, "exit status %d", WEXITSTATUS(status));
}
