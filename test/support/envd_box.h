/*
 * An envd server in a process of its own (not PID 1) on a unix socket, with a folder as its HOME,
 * and a client of it.
 */
#ifndef KILN_TEST_SUPPORT_ENVD_BOX_H
#define KILN_TEST_SUPPORT_ENVD_BOX_H

#include "support/unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/server.h"
#include "sandbox/envd.h"
#include "sandbox/envd_server.h"

struct envd_box {
    struct arena a;
    char *folder, *home, *socket;
    pid_t pid;
    int stop_fd;
    struct envd_client *client;
};

static inline void envd_box_serve(const struct envd_box *box, int listen_fd, int stop_fd)
{
    const char *const env[] = {
        "PATH=/usr/local/bin:/usr/bin:/bin", "E2B_SANDBOX=true",
        arena_printf((struct arena *)(uintptr_t)&box->a, "HOME=%s", box->home), NULL};
    struct envd_server_config config = {
        .listen_fd = listen_fd, .home = box->home, .user = "user", .env = env};
    struct err err = {0};

    alarm(300); /* nothing is left behind when the test itself is killed */
    if (envd_server_run(&config, stop_fd, &err)) {
        fprintf(stderr, "envd: %s\n", err.msg);
        _exit(1);
    }
}

static inline struct envd_client *envd_box_client(const struct envd_box *box)
{
    struct envd_config config = {.base_url = "http://envd", .unix_socket = box->socket};
    struct envd_client *client = NULL;
    struct err err = {0};

    if (envd_new(&config, &client, &err))
        fail_msg("%s", err.msg);
    return client;
}

static inline void envd_box_start(struct envd_box *box)
{
    struct err err = {0};
    int listen_fd, stop[2];

    *box = (struct envd_box){0};
    box->folder = unit_folder(&box->a);
    box->home = fs_join(&box->a, box->folder, "home");
    box->socket = fs_join(&box->a, box->folder, "envd.sock");
    assert_int_equal(fs_make_dirs(box->home, 0755, &err), 0);
    assert_int_equal(http_listen(arena_printf(&box->a, "unix:%s", box->socket), &listen_fd, &err),
                     0);
    assert_int_equal(pipe(stop), 0);
    box->pid = fork();
    assert_true(box->pid >= 0);
    if (box->pid == 0) {
        close(stop[1]);
        envd_box_serve(box, listen_fd, stop[0]);
        arena_clear(&box->a);
        exit(0); /* with the leak checker's verdict */
    }
    close(listen_fd);
    close(stop[0]);
    box->stop_fd = stop[1];
    box->client = envd_box_client(box);
}

static inline void envd_box_stop(struct envd_box *box)
{
    int status;

    envd_free(box->client);
    close(box->stop_fd);
    assert_int_equal(waitpid(box->pid, &status, 0), box->pid);
    unit_remove(box->folder);
    arena_clear(&box->a);
    assert_int_equal(status, 0);
}

#endif
