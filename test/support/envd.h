/*
 * An envd in a process of its own, for a test: no sandbox around it, a folder as HOME.
 */
#ifndef KILN_TEST_ENVD_H
#define KILN_TEST_ENVD_H

#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/server.h"
#include "sandbox/envd.h"
#include "sandbox/envd_server.h"
#include "support/unit.h"

struct test_envd {
    struct arena a;
    char *home, *work; /* work is below home */
    pid_t pid;
    struct envd_client *client;
};

static inline void test_envd_serve(struct test_envd *t, int listen_fd)
{
    const char *env[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8",
                         arena_printf(&t->a, "HOME=%s", t->home), NULL};
    struct envd_server_config config = {
        .listen_fd = listen_fd, .home = t->home, .user = "user", .env = env};
    struct err err = {0};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (envd_server_run(&config, -1, &err))
        fprintf(stderr, "envd: %s\n", err.msg);
    _exit(1);
}

static inline void test_envd_start(struct test_envd *t)
{
    struct envd_config config = {.base_url = "http://envd"};
    struct err err = {0};
    int fd;

    *t = (struct test_envd){0};
    t->home = unit_folder(&t->a);
    t->work = arena_printf(&t->a, "%s/work", t->home);
    config.unix_socket = arena_printf(&t->a, "%s/envd.sock", t->home);
    assert_int_equal(mkdir(t->work, 0755), 0);
    if (http_listen(arena_printf(&t->a, "unix:%s", config.unix_socket), &fd, &err))
        fail_msg("%s", err.msg);
    t->pid = fork();
    if (t->pid == 0)
        test_envd_serve(t, fd);
    assert_true(t->pid > 0);
    close(fd);
    if (envd_new(&config, &t->client, &err))
        fail_msg("%s", err.msg);
}

/* As when a sandbox dies. */
static inline void test_envd_kill(struct test_envd *t)
{
    kill(t->pid, SIGKILL);
    waitpid(t->pid, NULL, 0);
    t->pid = -1;
}

static inline void test_envd_stop(struct test_envd *t)
{
    envd_free(t->client);
    if (t->pid > 0)
        test_envd_kill(t);
    unit_remove(t->home);
    arena_clear(&t->a);
}

#endif
