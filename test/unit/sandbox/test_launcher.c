/*
 * The life of sandboxes: what goes in, how they end, and that nothing outlives its owner.
 */
#include "support/boxes.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/clock.h"

enum { PATIENCE_MS = 20000 };

static const struct sandbox_spec plain = {.id = "test"};

static int status_of(const char *const *argv)
{
    ARENA_CLEANUP struct arena a = {0};
    int status;

    boxes_command(&a, &plain, argv, &status);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void statuses(void **state)
{
    assert_int_equal(status_of((const char *const[]){"true", NULL}), 0);
    assert_int_equal(status_of((const char *const[]){"sh", "-c", "exit 7", NULL}), 7);
    assert_int_equal(status_of((const char *const[]){"sh", "-c", "kill -9 $$", NULL}), 128 + 9);
    assert_int_equal(status_of((const char *const[]){"/no/such/command", NULL}), 127);
}

static void a_home_and_a_workspace(void **state)
{
    ARENA_CLEANUP struct arena a = {0};

    assert_string_equal(boxes_sh(&a, "id -un; id -u; hostname; pwd; echo $HOME; echo $PATH; umask;"
                                     "for d in /work /tmp /home/user /dev/shm; do"
                                     "  echo x >$d/x && cat $d/x; done"),
                        "user\n1000\nsandbox\n/work\n/home/user\n/usr/local/bin:/usr/bin:/bin\n"
                        "0022\nx\nx\nx\nx\n");
}

static void files_and_binds_are_read_only(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    char *dir = unit_folder(&a);
    const struct sandbox_file files[] = {{"/opt/kiln/a/one", STR("#!/bin/sh\necho one\n")},
                                         {"/opt/kiln/two", STR("two\n")}};
    const struct sandbox_bind binds[] = {{dir, "/opt/tools"}};
    const struct sandbox_spec spec = {
        .id = "test", .files = files, .n_files = 2, .binds = binds, .n_binds = 1};
    static const char script[] = "/opt/kiln/a/one; cat /opt/kiln/two /opt/tools/three;"
                                 "echo x 2>/dev/null >/opt/kiln/two || echo no;"
                                 "chmod u+w /opt/kiln/two 2>/dev/null || echo no;"
                                 "rm -f /opt/kiln/two 2>/dev/null || echo no;"
                                 "echo x 2>/dev/null >/opt/tools/x || echo no";
    int status;

    assert_int_equal(chmod(dir, 0755), 0);
    assert_int_equal(
        fs_write_file(fs_join(&a, dir, "three"), STR("three\n"), 0644, &(struct err){0}), 0);
    assert_string_equal(
        boxes_command(&a, &spec, (const char *const[]){"sh", "-c", script, NULL}, &status),
        "one\ntwo\nthree\nno\nno\nno\nno\n");
    unit_remove(dir);
}

/* Each is new, of the size that was asked for now, not of the one before, and of the same kind. */
static void workspaces_share_nothing(void **state)
{
    static const int64_t megabytes[] = {1024, 16, 64, 64, 16};
    static const char *const fill[] = {"sh", "-c",
                                       "ls -A; dd if=/dev/zero of=big bs=1M count=32 2>/dev/null &&"
                                       "  echo large || echo small",
                                       NULL};
    ARENA_CLEANUP struct arena a = {0};
    const char *kind = NULL;

    for (size_t i = 0; i < ARRAY_LEN(megabytes); i++) {
        const struct sandbox_spec spec = {
            .id = "test", .limits = {.disk_bytes = megabytes[i] << 20, .disk_inodes = 1000}};
        struct boxes_run r = boxes_begin(&spec, fill);
        int status;

        if (!kind)
            kind = arena_strdup(&a, json_get_c(r.box.layers, "quota"));
        assert_string_equal(json_get_c(r.box.layers, "quota"), kind);
        assert_string_equal(boxes_end(&a, &r, &status), megabytes[i] > 32 ? "large\n" : "small\n");
    }
}

static void says_what_it_is(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct boxes_run r = boxes_begin(&plain, (const char *const[]){"true", NULL});
    const char *user = json_get_c(r.box.layers, "user_namespace");
    uint64_t uid;
    int status;

    if (geteuid() == 0) {
        assert_true(str_starts(str_from(user), "uid "));
        assert_true(str_to_u64(str_from(user + 4), &uid));
        assert_in_range(uid, 0x70000000, 0x7fffffff);
    } else {
        assert_string_equal(user, "caller");
    }
    assert_string_equal(json_get_c(r.box.layers, "seccomp"), "on");
    assert_string_equal(json_get_c(r.box.layers, "network"), "none");
    assert_non_null(json_get_c(r.box.layers, "quota"));
    boxes_end(&a, &r, &status);
}

/* ---- ends ---- */

static bool ends(int pidfd)
{
    struct pollfd p = {.fd = pidfd, .events = POLLIN};

    return poll(&p, 1, PATIENCE_MS) == 1;
}

static void daemons_end_with_the_command(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    int status;

    /* The pipe's end is only seen when no process holds it any more. */
    assert_string_equal(boxes_command(&a, &plain,
                                      (const char *const[]){"sh", "-c",
                                                            "(trap '' TERM HUP; setsid sleep 1000 &"
                                                            " setsid sleep 1000 &); echo started",
                                                            NULL},
                                      &status),
                        "started\n");
}

static void destroy_kills(void **state)
{
    struct boxes_run r =
        boxes_begin(&plain, (const char *const[]){"sh", "-c", "trap '' TERM; sleep 1000", NULL});
    struct err err = {0};
    int status;

    assert_int_equal(launcher_destroy(boxes_launcher, r.box.handle, NULL, NULL, &status, &err), 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(launcher_destroy(boxes_launcher, r.box.handle, NULL, NULL, &status, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    close(r.output);
    close(r.box.pidfd);
    json_decref(r.box.layers);
}

static void stop_ends_all(void **state)
{
    struct launcher *l, *saved = boxes_launcher;
    struct boxes_run r[3];
    struct err err = {0};

    assert_int_equal(launcher_start(&l, &err), 0);
    boxes_launcher = l;
    for (size_t i = 0; i < 3; i++)
        r[i] = boxes_begin(&plain, (const char *const[]){"sleep", "1000", NULL});
    boxes_launcher = saved;
    launcher_stop(l);
    for (size_t i = 0; i < 3; i++) {
        assert_true(ends(r[i].box.pidfd));
        close(r[i].output);
        close(r[i].box.pidfd);
        json_decref(r[i].box.layers);
    }
}

/* A process that has a sandbox and waits to be killed; the sandbox holds the writing end. */
static _Noreturn void owner(int write_end)
{
    struct launcher_job job = {.envd_listen_fd = -1,
                               .argv = (const char *const[]){"sh", "-c",
                                                             "echo up; trap '' HUP TERM; "
                                                             "sleep 1000",
                                                             NULL},
                               .stdio = {-1, write_end, -1}};
    struct launched box;
    struct launcher *l;
    struct err err;

    if (launcher_start(&l, &err) || launcher_create(l, &plain, &job, &box, &err))
        _exit(1);
    close(write_end);
    for (;;)
        pause();
}

static void killed_owner_leaves_nothing(void **state)
{
    char text[8] = "";
    int pair[2], status;
    pid_t child;

    assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
    child = fork();
    if (child == 0)
        owner(pair[1]);
    close(pair[1]);
    assert_int_equal(read(pair[0], text, sizeof(text)), 3);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    assert_true(ends(pair[0]));
    assert_int_equal(read(pair[0], text, sizeof(text)), 0);
    close(pair[0]);
}

/* ---- limits ---- */

static void out_of_memory_kills_the_command(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    const struct sandbox_spec spec = {.id = "test", .limits = {.memory_bytes = 96 << 20}};
    struct boxes_run r = boxes_begin(
        &spec, (const char *const[]){"sh", "-c",
                                     "sh -c 'x=$(head -c 300000000 /dev/zero | tr \"\\0\" x)';"
                                     "test $? -ne 0 && echo survived",
                                     NULL});
    bool grouped = *json_get_c(json_object_get(r.box.layers, "cgroup"), "memory") == 'v';
    struct err err = {0};
    const char *why = NULL;
    struct str text;
    int status;

    assert_int_equal(fs_read_fd(&a, r.output, BOXES_OUTPUT_MAX, &text, &err), 0);
    assert_contains(text.p, "survived");
    assert_int_equal(launcher_destroy(boxes_launcher, r.box.handle, &a, &why, &status, &err), 0);
    if (grouped)
        assert_string_equal(why, "out of memory");
    close(r.output);
    close(r.box.pidfd);
    json_decref(r.box.layers);
}

/* ---- refusals ---- */

static void refuses(const struct sandbox_spec *spec, enum err_kind kind, const char *part)
{
    const struct launcher_job job = {
        .envd_listen_fd = -1, .argv = (const char *const[]){"true", NULL}, .stdio = {-1, -1, -1}};
    struct launched box;
    struct err err = {0};

    assert_int_equal(launcher_create(boxes_launcher, spec, &job, &box, &err), -1);
    assert_int_equal(err.kind, kind);
    assert_contains(err.msg, part);
}

static void bad_specs(void **state)
{
    const struct sandbox_file outside = {"/etc/passwd", STR("x")},
                              up = {"/opt/kiln/../../etc/x", STR("x")};
    const struct sandbox_bind missing = {"/no/such/folder", "/opt/x"}, up_to = {"/usr", "/a/../b"};

    refuses(&(struct sandbox_spec){.id = "UPPER"}, ERR_INPUT, "id");
    refuses(&(struct sandbox_spec){.id = "t", .files = &outside, .n_files = 1}, ERR_INPUT,
            "/opt/kiln/");
    refuses(&(struct sandbox_spec){.id = "t", .files = &up, .n_files = 1}, ERR_INPUT, "/opt/kiln/");
    refuses(&(struct sandbox_spec){.id = "t", .binds = &missing, .n_binds = 1}, ERR_NOT_FOUND,
            "/no/such/folder");
    refuses(&(struct sandbox_spec){.id = "t", .binds = &up_to, .n_binds = 1}, ERR_INPUT, "/a/../b");
    /* And it still works. */
    assert_int_equal(status_of((const char *const[]){"true", NULL}), 0);
}

static void self_test_passes(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct launcher_check *checks;
    struct err err = {0};
    size_t n;

    if (launcher_self_test(boxes_launcher, &a, &checks, &n, &err))
        fail_msg("%s", err.msg);
    assert_true(n >= 10);
    for (size_t i = 0; i < n; i++)
        if (!checks[i].ok && checks[i].required)
            fail_msg("%s: %s", checks[i].name, checks[i].detail);
}

static int run_all(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses),
        cmocka_unit_test(a_home_and_a_workspace),
        cmocka_unit_test(files_and_binds_are_read_only),
        cmocka_unit_test(workspaces_share_nothing),
        cmocka_unit_test(says_what_it_is),
        cmocka_unit_test(daemons_end_with_the_command),
        cmocka_unit_test(destroy_kills),
        cmocka_unit_test(stop_ends_all),
        cmocka_unit_test(killed_owner_leaves_nothing),
        cmocka_unit_test(out_of_memory_kills_the_command),
        cmocka_unit_test(bad_specs),
        cmocka_unit_test(self_test_passes),
    };

    return cmocka_run_group_tests(tests, boxes_setup, boxes_teardown);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "launcher") == 0)
        return launcher_main();
    return boxes_run_twice(run_all);
}
