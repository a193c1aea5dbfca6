#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/proc.h"
#include "support/unit.h"

enum { WAIT_MS = 20000 };

/* Runs a shell script with `out` as descriptor 1; returns its status. */
static int run_script(const char *script, const char *const *env, int out)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    const int fds[] = {-1, out, STDERR_FILENO};
    const struct proc_spec spec = {
        .argv = argv, .exe = "/bin/sh", .env = env, .fds = fds, .n_fds = 3};
    struct err e = {0};
    struct proc p;
    int status = -1;

    if (proc_start(&spec, &p, &e) || proc_wait(&p, clock_deadline(WAIT_MS), &status, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(p.pid, -1);
    assert_int_equal(p.pidfd, -1);
    return status;
}

static struct str script_output(struct arena *a, const char *script, const char *const *env)
{
    FD_CLEANUP int in = -1;
    struct str s;
    int fds[2];

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    in = fds[0];
    assert_int_equal(run_script(script, env, fds[1]), 0);
    close(fds[1]);
    assert_int_equal(fs_read_fd(a, in, 100000, &s, NULL), 0);
    return s;
}

static void status_is_told(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    int status = run_script("exit 3", NULL, -1);

    assert_int_equal(WEXITSTATUS(status), 3);
    assert_string_equal(proc_describe_status(&a, status), "exit status 3");
    status = run_script("kill -9 $$", NULL, -1);
    assert_string_equal(proc_describe_status(&a, status), "signal 9 (Killed)");
}

/* Read from /proc, as a shell sets variables of its own. */
static void the_environment_is_exact(void **state)
{
    static const char *const env[] = {"A=1", "B=two words", NULL};
    ARENA_CLEANUP struct arena a = {0};

    setenv("KILN_TEST_SECRET", "x", 1);
    assert_str(script_output(&a, "/bin/cat /proc/$$/environ", env), "A=1\0B=two words\0");
    assert_str(script_output(&a, "/bin/cat /proc/$$/environ", NULL), "");
}

static void no_descriptor_is_inherited(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    int leak = open("/dev/null", O_RDONLY), high = fcntl(leak, F_DUPFD, 200);

    /* One more is that of the folder which ls reads. */
    assert_str(script_output(&a, "exec /bin/ls /proc/self/fd", NULL), "0\n1\n2\n3\n");
    close(leak);
    close(high);
}

/* Every descriptor is where another one has to go. */
static void descriptors_go_to_their_places(void **state)
{
    static const char *const argv[] = {
        "sh", "-c", "/bin/cat <&3; /bin/cat <&4; /bin/cat <&5; /bin/cat <&6; /bin/cat", NULL};
    ARENA_CLEANUP struct arena a = {0};
    int in[4], out[2], status;
    struct str s;
    struct proc p;

    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    for (int i = 0; i < 4; i++) {
        int fds[2];

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        assert_int_equal(write(fds[1], &"abcd"[i], 1), 1);
        close(fds[1]);
        in[i] = fds[0];
    }
    {
        const int fds[] = {-1, out[1], STDERR_FILENO, in[3], in[2], in[1], in[0]};
        const struct proc_spec spec = {
            .argv = argv, .exe = "/bin/sh", .fds = fds, .n_fds = (int)ARRAY_LEN(fds)};

        assert_int_equal(proc_start(&spec, &p, NULL), 0);
    }
    assert_int_equal(proc_wait(&p, clock_deadline(WAIT_MS), &status, NULL), 0);
    close(out[1]);
    for (int i = 0; i < 4; i++)
        close(in[i]);
    assert_int_equal(status, 0);
    assert_int_equal(fs_read_fd(&a, out[0], 100, &s, NULL), 0);
    close(out[0]);
    assert_str(s, "dcba");
}

static void too_many_descriptors(void **state)
{
    static const char *const argv[] = {"true", NULL};
    int fds[65];
    const struct proc_spec spec = {.argv = argv, .fds = fds, .n_fds = 65};
    struct err e = {0};
    struct proc p;

    memset(fds, 0xff, sizeof(fds));
    assert_int_equal(proc_start(&spec, &p, &e), -1);
    assert_int_equal(e.sys, EMFILE);
}

static void what_cannot_run_is_an_error(void **state)
{
    static const char *const missing[] = {"kiln-no-such-program", NULL};
    static const char *const folder[] = {"/", NULL};
    const struct proc_spec no_program = {.argv = missing}, no_file = {.argv = folder, .exe = "/"};
    struct err e = {0};
    struct proc p;

    assert_int_equal(proc_start(&no_program, &p, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_contains(e.msg, "start 'kiln-no-such-program'");
    assert_int_equal(proc_start(&no_file, &p, &e), -1);
    assert_int_equal(e.kind, ERR_IO);
    /* The child that failed was reaped. */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void a_program_is_found_in_path(void **state)
{
    static const char *const argv[] = {"true", NULL};
    const struct proc_spec spec = {.argv = argv};
    struct proc p;
    int status;

    assert_int_equal(proc_start(&spec, &p, NULL), 0);
    assert_int_equal(proc_wait(&p, clock_deadline(WAIT_MS), &status, NULL), 0);
    assert_int_equal(status, 0);
}

/* SIG_IGN or SIG_DFL for the two signals that the C library keeps for itself; posix_spawn leaves
 * them ignored in what it starts. */
static void set_hidden_signals(unsigned long handler)
{
    const unsigned long action[4] = {handler};

    for (int sig = 32; sig < 34; sig++)
        assert_int_equal(syscall(SYS_rt_sigaction, sig, action, NULL, 8), 0);
}

static void signals_start_as_usual(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    sigset_t all, old;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &old);
    signal(SIGPIPE, SIG_IGN);
    set_hidden_signals(1);
    assert_str(script_output(&a, "exec /bin/grep -E '^Sig(Blk|Ign)' /proc/self/status", NULL),
               "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    signal(SIGPIPE, SIG_DFL);
    set_hidden_signals(0);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static void waiting_ends_at_the_deadline(void **state)
{
    static const char *const argv[] = {"sleep", "1000", NULL};
    const struct proc_spec spec = {.argv = argv};
    struct err e = {0};
    struct proc p, none = PROC_NONE;
    int status;

    assert_int_equal(proc_start(&spec, &p, NULL), 0);
    assert_int_equal(proc_wait(&p, clock_deadline(10), &status, &e), -1);
    assert_int_equal(e.kind, ERR_TIMEOUT);
    proc_end(&p, WAIT_MS);
    assert_int_equal(p.pid, -1);
    proc_end(&none, 0);
}

/* Started with SIGTERM ignored: "ready" says that it is. */
static void ending_is_certain(void **state)
{
    static const char *const argv[] = {
        "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1000; done", NULL};
    int out[2];
    char ready[6];
    struct proc p;

    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    {
        const int fds[] = {-1, out[1]};
        const struct proc_spec spec = {.argv = argv, .fds = fds, .n_fds = 2};

        assert_int_equal(proc_start(&spec, &p, NULL), 0);
    }
    close(out[1]);
    assert_int_equal(read(out[0], ready, sizeof(ready)), 6);
    proc_end(&p, 10);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    close(out[0]);
}

/* A child of a child that we kill: its pipe to us closes when it is dead too. */
static void a_child_dies_with_its_parent(void **state)
{
    static const char *const argv[] = {"sleep", "1000", NULL};
    struct pollfd pfd = {.events = POLLIN};
    int out[2];
    char c;
    pid_t parent;

    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    parent = fork();
    if (parent == 0) {
        const int fds[] = {-1, out[1]};
        const struct proc_spec spec = {.argv = argv, .fds = fds, .n_fds = 2};
        struct proc p;

        if (proc_start(&spec, &p, NULL) || write(out[1], "s", 1) != 1)
            _exit(1);
        close(out[1]);
        for (;;)
            pause();
    }
    close(out[1]);
    assert_int_equal(read(out[0], &c, 1), 1);
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    pfd.fd = out[0];
    assert_int_equal(poll(&pfd, 1, WAIT_MS), 1);
    assert_int_equal(read(out[0], &c, 1), 0);
    close(out[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_is_told),
        cmocka_unit_test(the_environment_is_exact),
        cmocka_unit_test(no_descriptor_is_inherited),
        cmocka_unit_test(descriptors_go_to_their_places),
        cmocka_unit_test(too_many_descriptors),
        cmocka_unit_test(what_cannot_run_is_an_error),
        cmocka_unit_test(a_program_is_found_in_path),
        cmocka_unit_test(signals_start_as_usual),
        cmocka_unit_test(waiting_ends_at_the_deadline),
        cmocka_unit_test(ending_is_certain),
        cmocka_unit_test(a_child_dies_with_its_parent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
