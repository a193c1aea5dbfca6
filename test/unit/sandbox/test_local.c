/*
 * Sandboxes of kind "local": the launcher, kiln's envd and its client together.
 */
#include "support/boxes.h"

#include <signal.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "sandbox/sandbox.h"

static struct sandbox_host *host;

static int start(void **state)
{
    const struct sandbox_host_config config = {.kind = "local"};
    struct err err = {0};

    if (sandbox_host_start(&config, &host, &err))
        fail_msg("%s; %s", err.msg, err.fix);
    return 0;
}

static int stop(void **state)
{
    sandbox_host_stop(host);
    return 0;
}

static struct sandbox *open_box(const struct sandbox_limits *limits)
{
    struct sandbox_spec spec = {.id = "test"};
    struct sandbox *s;
    struct err err = {0};

    if (limits)
        spec.limits = *limits;
    if (sandbox_open(host, &spec, &s, &err))
        fail_msg("%s; %s", err.msg, err.fix);
    return s;
}

/* Runs a script by envd; its output. */
static const char *sh(struct arena *a, struct sandbox *s, const char *script)
{
    const struct envd_process process = {
        .argv = (const char *const[]){"/bin/sh", "-c", script, NULL}, .timeout_ms = 20000};
    const struct envd_run_options options = {0};
    struct envd_result result;
    struct err err = {0};

    if (envd_run(sandbox_envd(s), a, &process, &options, &result, &err))
        fail_msg("%s", err.msg);
    return arena_dup(a, envd_output_text(a, &result.out)).p;
}

static void runs_commands(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct sandbox *s = open_box(NULL);
    const char *why;

    assert_string_equal(sh(&a, s, "id -u; pwd; echo hello >/work/f; cat /work/f"),
                        "1000\n/home/user\nhello\n");
    assert_true(sandbox_alive(s, &a, &why));
    sandbox_close(s);
}

/* Whether opening a sandbox made something in XDG_RUNTIME_DIR, a folder of this mode. */
static bool uses_runtime_dir(mode_t mode)
{
    ARENA_CLEANUP struct arena a = {0};
    FD_CLEANUP int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    const char *dir = unit_folder(&a);
    char events[4096];
    bool used;

    assert_int_equal(chmod(dir, mode), 0);
    assert_true(inotify_add_watch(watch, dir, IN_CREATE) >= 0);
    assert_int_equal(setenv("XDG_RUNTIME_DIR", dir, 1), 0);
    sandbox_close(open_box(NULL));
    unsetenv("XDG_RUNTIME_DIR");
    used = read(watch, events, sizeof(events)) > 0;
    unit_remove(dir);
    return used;
}

static void sockets_are_made_where_nobody_else_can(void **state)
{
    assert_true(uses_runtime_dir(0700));
    assert_false(uses_runtime_dir(0777));
}

static void has_a_record(void **state)
{
    struct sandbox *s = open_box(NULL);
    const json_t *record = sandbox_record(s);

    assert_string_equal(json_get_c(record, "kind"), "local");
    assert_string_equal(json_get_c(record, "id"), "test");
    assert_string_equal(json_get_c(json_object_get(record, "layers"), "seccomp"), "on");
    assert_int_equal(json_get_int(json_object_get(record, "limits"), "pids", 0), 512);
    assert_true(json_get_int(record, "opened_ms", -1) >= 0);
    sandbox_close(s);
}

/* The agent's commands have the limits, envd doesn't. */
static void commands_are_limited(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    const struct sandbox_limits limits = {.pids = 40, .open_files = 100, .file_bytes = 1 << 20};
    struct sandbox *s = open_box(&limits);

    assert_string_equal(sh(&a, s,
                           "ulimit -n; ulimit -c; cat /proc/self/oom_score_adj;"
                           "grep -c '^CapEff:.0000000000000000$' /proc/self/status;"
                           "cat /proc/1/environ 2>/dev/null || echo closed"),
                        "100\n0\n500\n1\nclosed\n");
    sandbox_close(s);
}

static void kill_all_ends_everything(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct sandbox *s = open_box(NULL);
    struct err err = {0};
    const char *why;

    sh(&a, s,
       "for i in 1 2 3 4 5; do (trap '' TERM HUP; setsid sleep 1000 >/dev/null 2>&1 &) &"
       " done; wait");
    if (sandbox_kill_all(s, &err))
        fail_msg("%s", err.msg);
    assert_string_equal(sh(&a, s, "grep -ls sleep /proc/[0-9]*/comm; echo checked"), "checked\n");
    assert_true(sandbox_alive(s, &a, &why));
    sandbox_close(s);
}

/* One that hides from its own user's /proc is found all the same. */
static void kill_all_ends_the_unseen(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct sandbox *s = open_box(NULL);
    struct err err = {0};

    sh(&a, s,
       "python3 -c 'import ctypes, os, time\n"
       "if os.fork() == 0:\n"
       "    os.setsid(); os.close(0); os.close(1); os.close(2)\n"
       "    ctypes.CDLL(None).prctl(4, 0)\n"
       "    time.sleep(1000)\n' >/dev/null 2>&1");
    if (sandbox_kill_all(s, &err))
        fail_msg("%s", err.msg);
    assert_string_equal(sh(&a, s, "grep -ls python /proc/[0-9]*/comm; echo checked"), "checked\n");
    sandbox_close(s);
}

/* A fork bomb fills what there is; envd has room left to end it. */
static void kill_all_ends_a_fork_bomb(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    const struct sandbox_limits limits = {.pids = 64};
    struct sandbox *s = open_box(&limits);
    const struct envd_process bomb = {
        .argv = (const char *const[]){
            "/bin/sh", "-c", "b() { b & b & }; b >/dev/null 2>&1; echo lit; sleep 1000", NULL}};
    struct envd_stream *stream;
    struct envd_event e;
    struct err err = {0};

    assert_int_equal(envd_start(sandbox_envd(s), &bomb, &stream, &err), 0);
    for (e.kind = ENVD_NONE; e.kind != ENVD_STDOUT && e.kind != ENVD_END;)
        assert_int_equal(envd_stream_next(stream, 10000, &e, &err), 0);
    envd_stream_close(stream);
    if (sandbox_kill_all(s, &err))
        fail_msg("%s", err.msg);
    assert_string_equal(sh(&a, s, "echo fine"), "fine\n");
    sandbox_close(s);
}

/* The oldest child of a process: a launcher has others for a moment, which make workspaces. */
static pid_t child_of(struct arena *a, pid_t pid)
{
    struct str text, first;
    struct err err = {0};
    uint64_t child = 0;

    if (fs_read_file(a, arena_printf(a, "/proc/%d/task/%d/children", (int)pid, (int)pid), 4096,
                     &text, &err))
        fail_msg("%s", err.msg);
    assert_true(str_next(&text, ' ', &first));
    assert_true(str_to_u64(first, &child));
    return (pid_t)child;
}

static bool dies(struct arena *a, struct sandbox *s, const char **ret_why)
{
    int64_t deadline = clock_deadline(20000);

    while (sandbox_alive(s, a, ret_why) && clock_now_ms() < deadline)
        usleep(1000);
    return !sandbox_alive(s, a, ret_why);
}

static void death_is_noticed(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct sandbox *s = open_box(NULL);
    struct err err = {0};
    const char *why = NULL;

    kill(child_of(&a, child_of(&a, getpid())), SIGKILL);
    assert_true(dies(&a, s, &why));
    assert_contains(why, "signal 9");
    assert_int_equal(envd_health(sandbox_envd(s), 1000, &err), -1);
    sandbox_close(s);
}

/* Nobody but the kernel is left to end the sandbox. */
static void dies_with_a_killed_launcher(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct sandbox *s = open_box(NULL);
    const char *why = NULL;

    kill(child_of(&a, getpid()), SIGKILL);
    assert_true(dies(&a, s, &why));
    assert_contains(why, "launcher");
    sandbox_close(s);
    sandbox_host_stop(host);
    start(state);
}

static void unknown_kinds(void **state)
{
    const struct sandbox_host_config wrong = {.kind = "moon"};
    struct sandbox_host *h;
    struct err err = {0};

    assert_int_equal(sandbox_host_start(&wrong, &h, &err), -1);
    assert_int_equal(err.kind, ERR_CONFIG);
}

/* A layer that this host lacks is no more than a note, unless it is asked for. */
static void required_layers(void **state)
{
    const struct sandbox_host_config config = {
        .kind = "local", .require = (const char *const[]){"cgroup"}, .n_require = 1};
    struct sandbox *s = open_box(NULL);
    const json_t *cgroup = json_object_get(json_object_get(sandbox_record(s), "layers"), "cgroup");
    bool all = *json_get_c(cgroup, "memory") == 'v' && *json_get_c(cgroup, "pids") == 'v' &&
               *json_get_c(cgroup, "cpu") == 'v';
    struct sandbox_host *h = NULL;
    struct err err = {0};

    sandbox_close(s);
    assert_int_equal(sandbox_host_start(&config, &h, &err), all ? 0 : -1);
    if (!all) {
        assert_int_equal(err.kind, ERR_HOST);
        assert_contains(err.msg, "cgroup");
        assert_contains(err.fix, "Delegate");
    }
    sandbox_host_stop(h);
}

static int run_all(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_commands),
        cmocka_unit_test(sockets_are_made_where_nobody_else_can),
        cmocka_unit_test(has_a_record),
        cmocka_unit_test(commands_are_limited),
        cmocka_unit_test(kill_all_ends_everything),
        cmocka_unit_test(kill_all_ends_the_unseen),
        cmocka_unit_test(kill_all_ends_a_fork_bomb),
        cmocka_unit_test(death_is_noticed),
        cmocka_unit_test(dies_with_a_killed_launcher),
        cmocka_unit_test(unknown_kinds),
        cmocka_unit_test(required_layers),
    };

    return cmocka_run_group_tests(tests, start, stop);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "launcher") == 0)
        return launcher_main();
    return boxes_run_twice(run_all);
}
