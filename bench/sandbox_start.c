/*
 * Times the creation of sandboxes up to the first command's output: by the bare launcher, and
 * through envd. Prints {"NAME": [milliseconds, ...], ...}. usage: sandbox_start ROUNDS
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "json/json.h"
#include "sandbox/launcher.h"

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

static double bare(struct launcher *l, bool quota_tmpfs)
{
    static const char *const argv[] = {"/bin/echo", "x", NULL};
    struct sandbox_spec spec = {.id = "bench"};
    FD_CLEANUP int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    FD_CLEANUP int ours = -1;
    FD_CLEANUP int theirs = -1;
    struct launched box;
    struct err err = {0};
    double begun, taken;
    int pipe_fds[2];
    char byte;

    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        abort();
    ours = pipe_fds[0];
    theirs = pipe_fds[1];
    begun = now_ms();
    if (launcher_create(l, &spec,
                        &(struct launcher_job){.envd_listen_fd = -1,
                                               .argv = argv,
                                               .stdio = {null, theirs, null},
                                               .quota_tmpfs = quota_tmpfs},
                        &box, &err))
        die(&err);
    cleanup_fd(&theirs);
    if (read(ours, &byte, 1) != 1)
        abort();
    taken = now_ms() - begun;
    json_decref(box.layers);
    close(box.pidfd);
    if (launcher_destroy(l, box.handle, NULL, NULL, NULL, &err))
        die(&err);
    return taken;
}

static double through_envd(struct sandbox_host *host)
{
    static const char *const argv[] = {"/bin/echo", "x", NULL};
    struct envd_process process = {.argv = argv};
    struct sandbox_spec spec = {.id = "bench"};
    struct envd_event event;
    struct envd_stream *stream;
    struct sandbox *box;
    struct err err = {0};
    double begun = now_ms(), taken;

    if (sandbox_open(host, &spec, &box, &err) ||
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

static json_t *measure_bare(struct launcher *l, int rounds, bool quota_tmpfs)
{
    json_t *list = json_array();

    bare(l, quota_tmpfs);
    for (int i = 0; i < rounds; i++)
        json_add(list, json_real(bare(l, quota_tmpfs)));
    return list;
}

int main(int argc, char **argv)
{
    ARENA_CLEANUP struct arena a = {0};
    JSON_CLEANUP json_t *times = json_object();
    struct sandbox_host_config config = {.kind = "local"};
    struct sandbox_host *host;
    struct launcher *l;
    struct err err = {0};
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 50;
    json_t *list;

    if (argc > 1 && strcmp(argv[1], "launcher") == 0)
        return launcher_main();
    if (launcher_start(&l, &err) || sandbox_host_start(&config, &host, &err))
        die(&err);
    json_set(times, "bare launcher, tmpfs workspace", measure_bare(l, rounds, true));
    json_set(times, "bare launcher, default workspace", measure_bare(l, rounds, false));
    list = json_array();
    through_envd(host);
    for (int i = 0; i < rounds; i++)
        json_add(list, json_real(through_envd(host)));
    json_set(times, "through envd, default workspace", list);
    printf("%s\n", json_dump(&a, times));
    sandbox_host_stop(host);
    launcher_stop(l);
    return 0;
}
