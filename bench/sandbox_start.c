/*
 * Times the creation of sandboxes up to the first command's output: by plain bwrap, by the bare
 * launcher, and through envd. They take turns, so that a change of the machine's speed meets all of
 * them. Prints {"NAME": [milliseconds, ...], ...}. usage: sandbox_start ROUNDS
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/proc.h"
#include "json/json.h"
#include "sandbox/launcher.h"

/* Before each, so that what the last one left to be done is done, and the launcher has made the
 * next workspace ahead as it does between the sandboxes of a task. */
enum { PAUSE_US = 30 * 1000 };

static const char *const echo[] = {"/bin/echo", "x", NULL};

struct bench {
    struct launcher *launcher;
    struct sandbox_host *host;
    struct sandbox *box; /* one that is open all the time */
};

static double now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static _Noreturn void die(const struct err *err)
{
    fprintf(stderr, "sandbox_start: %s\n", err->msg);
    exit(1);
}

static void make_pipe(int *ret_ours, int *ret_theirs)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        abort();
    *ret_ours = fds[0];
    *ret_theirs = fds[1];
}

static void await_output(int fd)
{
    char byte;

    if (read(fd, &byte, 1) != 1)
        die(&(struct err){.msg = "no output"});
}

/* ---- the cases; each returns milliseconds ---- */

/* What the launcher makes, as far as bwrap can. */
static double bwrap(const struct bench *b)
{
    static const char *const argv[] = {"bwrap",
                                       "--unshare-all",
                                       "--die-with-parent",
                                       "--new-session",
                                       "--clearenv",
                                       "--uid",
                                       "1000",
                                       "--gid",
                                       "1000",
                                       "--hostname",
                                       "sandbox",
                                       "--ro-bind",
                                       "/usr",
                                       "/usr",
                                       "--symlink",
                                       "usr/bin",
                                       "/bin",
                                       "--symlink",
                                       "usr/lib",
                                       "/lib",
                                       "--symlink",
                                       "usr/lib64",
                                       "/lib64",
                                       "--proc",
                                       "/proc",
                                       "--dev",
                                       "/dev",
                                       "--tmpfs",
                                       "/tmp",
                                       "--tmpfs",
                                       "/work",
                                       "--chdir",
                                       "/work",
                                       "/bin/echo",
                                       "x",
                                       NULL};
    FD_CLEANUP int ours = -1;
    FD_CLEANUP int theirs = -1;
    struct proc p;
    struct err err = {0};
    double begun, taken;
    int status;

    make_pipe(&ours, &theirs);
    begun = now_ms();
    if (proc_start(&(struct proc_spec){.argv = argv,
                                       .fds = (const int[]){-1, theirs, STDERR_FILENO},
                                       .n_fds = 3},
                   &p, &err))
        die(&err);
    cleanup_fd(&theirs);
    await_output(ours);
    taken = now_ms() - begun;
    proc_wait(&p, CLOCK_NEVER, &status, NULL);
    return taken;
}

static double bare(const struct bench *b, bool quota_tmpfs)
{
    const struct sandbox_spec spec = {.id = "bench"};
    FD_CLEANUP int ours = -1;
    FD_CLEANUP int theirs = -1;
    struct launched box;
    struct err err = {0};
    double begun, taken;

    make_pipe(&ours, &theirs);
    begun = now_ms();
    if (launcher_create(b->launcher, &spec,
                        &(struct launcher_job){.envd_listen_fd = -1,
                                               .argv = echo,
                                               .stdio = {-1, theirs, -1},
                                               .quota_tmpfs = quota_tmpfs},
                        &box, &err))
        die(&err);
    cleanup_fd(&theirs);
    await_output(ours);
    taken = now_ms() - begun;
    json_decref(box.layers);
    close(box.pidfd);
    if (launcher_destroy(b->launcher, box.handle, NULL, NULL, NULL, &err))
        die(&err);
    return taken;
}

static double bare_tmpfs(const struct bench *b)
{
    return bare(b, true);
}

static double bare_default(const struct bench *b)
{
    return bare(b, false);
}

static double through_envd(const struct bench *b)
{
    const struct envd_process process = {.argv = echo};
    const struct sandbox_spec spec = {.id = "bench"};
    struct envd_event event;
    struct envd_stream *stream;
    struct sandbox *box;
    struct err err = {0};
    double begun = now_ms(), taken;

    if (sandbox_open(b->host, &spec, &box, &err) ||
        envd_start(sandbox_envd(box), &process, &stream, &err))
        die(&err);
    do {
        if (envd_stream_next(stream, -1, &event, &err))
            die(&err);
    } while (event.kind != ENVD_STDOUT);
    taken = now_ms() - begun;
    envd_stream_close(stream);
    sandbox_close(box);
    return taken;
}

/* One more command in a sandbox that is there, to its end. */
static double command(const struct bench *b)
{
    ARENA_CLEANUP struct arena a = {0};
    const struct envd_process process = {.argv = echo};
    struct envd_result result;
    struct err err = {0};
    double begun = now_ms();

    if (envd_run(sandbox_envd(b->box), &a, &process, NULL, &result, &err))
        die(&err);
    return now_ms() - begun;
}

static double kill_all(const struct bench *b)
{
    struct err err = {0};
    double begun = now_ms();

    if (sandbox_kill_all(b->box, &err))
        die(&err);
    return now_ms() - begun;
}

/* ---- all of them ---- */

static const struct {
    const char *name;
    double (*measure)(const struct bench *b);
} cases[] = {
    {"plain bwrap", bwrap},
    {"launcher, workspace on tmpfs", bare_tmpfs},
    {"launcher, default workspace", bare_default},
    {"through envd, default workspace", through_envd},
    {"a command in an open sandbox", command},
    {"ending all that runs inside", kill_all},
};

static json_t *measure(const struct bench *b, int rounds)
{
    json_t *times = json_object();

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        json_set(times, cases[i].name, json_array());
    /* The first round, where everything is met for the first time, doesn't count. */
    for (int round = 0; round <= rounds; round++)
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
            double taken;

            usleep(PAUSE_US);
            taken = cases[i].measure(b);
            if (round)
                json_add(json_object_get(times, cases[i].name), json_real(taken));
        }
    return times;
}

int main(int argc, char **argv)
{
    ARENA_CLEANUP struct arena a = {0};
    JSON_CLEANUP json_t *times = NULL;
    const struct sandbox_host_config config = {.kind = "local"};
    const struct sandbox_spec spec = {.id = "bench"};
    struct bench b;
    struct err err = {0};

    if (argc > 1 && strcmp(argv[1], "launcher") == 0)
        return launcher_main();
    if (launcher_start(&b.launcher, &err) || sandbox_host_start(&config, &b.host, &err) ||
        sandbox_open(b.host, &spec, &b.box, &err))
        die(&err);
    times = measure(&b, argc > 1 ? (int)strtol(argv[1], NULL, 10) : 50);
    printf("%s\n", json_dump(&a, times));
    sandbox_close(b.box);
    sandbox_host_stop(b.host);
    launcher_stop(b.launcher);
    return 0;
}
