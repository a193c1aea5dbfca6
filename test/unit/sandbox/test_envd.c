/* The envd client and server against each other. */
#include "support/envd_box.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cancel.h"
#include "base/clock.h"

static struct envd_box box;

static int set_up(void **state)
{
    envd_box_start(&box);
    return 0;
}

static int tear_down(void **state)
{
    envd_box_stop(&box);
    return 0;
}

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        struct err *err_ = &err;                                                                   \
        if ((call) != 0)                                                                           \
            fail_msg("%s", err_->msg);                                                             \
    } while (0)

#define SHELL(script) ((const char *const[]){"/bin/sh", "-c", (script), NULL})

static struct envd_result run_with(struct arena *a, const struct envd_process *p,
                                   const struct envd_run_options *o)
{
    struct envd_result result = {0};
    struct err err = {0};

    assert_ok(envd_run(box.client, a, p, o, &result, &err));
    return result;
}

static struct envd_result run_shell(struct arena *a, const char *script)
{
    return run_with(a, &(struct envd_process){.argv = SHELL(script)}, NULL);
}

static const char *text_of(struct arena *a, const struct envd_result *r)
{
    return envd_output_text(a, &r->out).p;
}

/* The pids that a command printed, one a line, are of processes that don't exist any more. */
static void assert_all_dead(struct arena *a, const struct envd_result *r, size_t count)
{
    struct str rest = envd_output_text(a, &r->out), line;
    uint64_t pid;
    size_t n = 0;

    while (str_next_line(&rest, &line)) {
        assert_true(str_to_u64(line, &pid));
        assert_int_equal(kill((pid_t)pid, 0), -1);
        assert_int_equal(errno, ESRCH);
        n++;
    }
    assert_int_equal(n, count);
}

/* ---- ends ---- */

static void health(void **state)
{
    struct err err = {0};

    assert_ok(envd_health(box.client, 5000, &err));
}

static void exit_codes(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct envd_result r = run_shell(&a, "echo out; echo err >&2; exit 3");

    assert_int_equal(r.outcome, ENVD_EXITED);
    assert_int_equal(r.exit_code, 3);
    assert_string_equal(r.status, "exit status 3");
    assert_contains(text_of(&a, &r), "out\n");
    assert_contains(text_of(&a, &r), "err\n");
    r = run_shell(&a, "true");
    assert_int_equal(r.outcome, ENVD_EXITED);
    assert_int_equal(r.exit_code, 0);
    assert_int_equal(r.out.total, 0);
}

static void ended_by_a_signal_of_its_own(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct envd_result r = run_shell(&a, "kill -TERM $$");

    assert_int_equal(r.outcome, ENVD_SIGNALLED);
    assert_string_equal(r.status, "signal: terminated");
    r = run_shell(&a, "kill -KILL $$");
    assert_int_equal(r.outcome, ENVD_SIGNALLED);
    assert_string_equal(r.status, "signal: killed");
}

static void missing_program(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct envd_result r = run_with(
        &a, &(struct envd_process){.argv = (const char *const[]){"no-such-tool", NULL}}, NULL);

    assert_int_equal(r.outcome, ENVD_EXITED);
    assert_int_equal(r.exit_code, 127);
    assert_contains(text_of(&a, &r), "no-such-tool: No such file or directory");
}

static void program_without_the_right(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct err err = {0};
    struct envd_result r;

    assert_ok(envd_write(box.client, "plain.sh", STR("echo no"), &err));
    r = run_shell(&a, "exec \"$HOME/plain.sh\"");
    assert_int_equal(r.exit_code, 126);
    r = run_with(&a, &(struct envd_process){.argv = (const char *const[]){"./plain.sh", NULL}},
                 NULL);
    assert_int_equal(r.exit_code, 126);
    /* Without "#!" a shell reads it. */
    run_shell(&a, "chmod +x \"$HOME/plain.sh\"");
    r = run_with(&a, &(struct envd_process){.argv = (const char *const[]){"./plain.sh", NULL}},
                 NULL);
    assert_string_equal(text_of(&a, &r), "no\n");
}

static void missing_folder(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct err err = {0};
    struct envd_result r;
    struct envd_process p = {.argv = SHELL("true"), .cwd = "/nope"};

    assert_int_equal(envd_run(box.client, &a, &p, NULL, &r, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_contains(err.msg, "cwd '/nope' does not exist");
}

static void environment(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    const struct envd_env env[] = {{"PATH", "/bin:/usr/bin"}, {"ODD", "a b\n\"c\" é"}};
    struct envd_process p = {.argv = SHELL("env -0 | sort -z | tr '\\0' '|'; pwd"),
                             .env = env,
                             .n_env = 2,
                             .cwd = "/usr"};
    struct envd_result r = run_with(&a, &p, NULL);

    assert_string_equal(text_of(&a, &r),
                        arena_printf(&a,
                                     "E2B_SANDBOX=true|HOME=%s|ODD=a b\n\"c\" é|PATH=/bin:/usr/bin|"
                                     "PWD=/usr|/usr\n",
                                     box.home));
}

static void descriptors_and_session(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct envd_result r = run_shell(&a, "ls /proc/self/fd | tr '\\n' ' '; umask; "
                                         "set -- $(cat /proc/$$/stat); "
                                         "[ $1 = $5 ] && [ $1 = $6 ] && echo leads");

    /* 3 is the directory that ls reads. */
    assert_string_equal(text_of(&a, &r), "0 1 2 3 0022\nleads\n");
}

static void signals_are_as_new(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct envd_result r = run_shell(&a, "grep -E 'Sig(Blk|Ign)' /proc/self/status");

    assert_string_equal(text_of(&a, &r), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

/* ---- trees ---- */

static void time_limit_ends_a_tree_that_ignores_term(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct envd_process p = {
        .argv = SHELL("trap '' TERM; setsid sh -c 'echo $$; exec sleep 1000' & "
                      "(setsid sh -c 'echo $$; exec sleep 1000' &) ; echo $$; sleep 1000 & wait"),
        .timeout_ms = 1500};
    struct envd_result r = run_with(&a, &p, NULL);

    assert_int_equal(r.outcome, ENVD_TIMED_OUT);
    assert_all_dead(&a, &r, 3);
}

static void what_a_command_leaves_behind_is_gone(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct envd_result r =
        run_shell(&a, "(setsid sh -c 'echo $$; exec sleep 1000 >/dev/null 2>&1' &); sleep 0.2");

    assert_int_equal(r.outcome, ENVD_EXITED);
    assert_int_equal(r.exit_code, 0);
    assert_all_dead(&a, &r, 1);
}

static void a_child_that_holds_stdout_does_not_hold_the_end(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    int64_t start = clock_now_ms();
    struct envd_result r = run_shell(&a, "sleep 1000 & echo $!");

    assert_int_equal(r.exit_code, 0);
    assert_true(clock_now_ms() - start < 100 * 1000);
    assert_all_dead(&a, &r, 1);
}

static void killing_the_supervisor_frees_nobody(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct envd_result r =
        run_shell(&a, "setsid sh -c 'echo $$; exec sleep 1000' & sleep 0.2; echo $$; "
                      "kill -KILL $PPID; sleep 1000");

    assert_int_equal(r.outcome, ENVD_SIGNALLED);
    assert_all_dead(&a, &r, 2);
}

static void term_reaches_the_whole_tree(void **state)
{
    struct err err = {0};
    struct envd_stream *s;
    struct envd_event e;
    uint32_t pid = 0;
    struct buf out = BUF_INIT(1000);
    struct envd_process p = {
        .argv = SHELL("trap 'echo bye; exit 7' TERM; (trap 'echo child; exit' TERM; echo ready; "
                      "sleep 1000 & wait) & wait; wait")};

    assert_ok(envd_start(box.client, &p, &s, &err));
    do {
        assert_ok(envd_stream_next(s, 20000, &e, &err));
        assert_int_not_equal(e.kind, ENVD_NONE);
        if (e.kind == ENVD_START)
            pid = e.pid;
        if (e.kind == ENVD_STDOUT) {
            if (out.n == 0)
                assert_ok(envd_signal(box.client, pid, SIGTERM, &err));
            buf_add(&out, e.data, &err);
        }
    } while (e.kind != ENVD_END);
    assert_true(e.exited);
    assert_int_equal(e.exit_code, 7);
    assert_contains(buf_c(&out), "bye\n");
    assert_contains(buf_c(&out), "child\n");
    envd_stream_close(s);
    buf_free(&out);
    envd_signal(box.client, pid, SIGKILL, &err);
}

static void signals_reach_what_outlived_the_leader(void **state)
{
    struct err err = {0};
    struct envd_stream *s;
    struct envd_event e;
    uint32_t pid = 0;
    uint64_t child = 0;
    struct envd_process p = {.argv = SHELL("sleep 1000 >/dev/null 2>&1 & echo $!")};

    assert_ok(envd_start(box.client, &p, &s, &err));
    do {
        assert_ok(envd_stream_next(s, 20000, &e, &err));
        if (e.kind == ENVD_START)
            pid = e.pid;
        if (e.kind == ENVD_STDOUT)
            assert_true(str_to_u64(str_trim(e.data), &child));
    } while (e.kind != ENVD_END);
    envd_stream_close(s);
    assert_int_equal(kill((pid_t)child, 0), 0);
    assert_ok(envd_signal(box.client, pid, SIGKILL, &err));
    assert_int_equal(kill((pid_t)child, 0), -1);
    assert_int_equal(envd_signal(box.client, pid, SIGKILL, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

/* ---- output ---- */

static void large_output_is_capped_exactly(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct envd_process p = {.argv = SHELL("printf start; head -c 10000000 /dev/zero; printf end")};
    struct envd_run_options o = {.keep_bytes = 1001};
    struct envd_result r = run_with(&a, &p, &o);

    assert_int_equal(r.outcome, ENVD_EXITED);
    assert_int_equal(r.out.total, 10000008);
    assert_int_equal(r.out.head.n, 500);
    assert_int_equal(r.out.tail.n, 501);
    assert_int_equal(r.out.omitted, 10000008 - 1001);
    assert_memory_equal(r.out.head.p, "start\0\0", 7);
    assert_memory_equal(r.out.tail.p + 501 - 5, "\0\0end", 5);
}

static void output_around_the_cap(void **state)
{
    for (size_t n = 18; n <= 23; n++) {
        ARENA_CLEANUP struct arena a = {0};
        struct envd_process p = {
            .argv = SHELL(arena_printf(&a, "printf %%.%zus abcdefghijklmnopqrstuvwxyz", n))};
        struct envd_run_options o = {.keep_bytes = 20};
        struct envd_result r = run_with(&a, &p, &o);

        assert_int_equal(r.out.total, n);
        assert_int_equal(r.out.omitted, n > 20 ? n - 20 : 0);
        assert_memory_equal(r.out.head.p, "abcdefghij", 10);
        assert_int_equal(r.out.head.n + r.out.tail.n, n > 20 ? 20 : n);
        assert_int_equal(r.out.tail.p[r.out.tail.n - 1], 'a' + (int)n - 1);
    }
}

static void output_in_many_pieces(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct envd_process p = {.argv = SHELL("for i in $(seq 1000 1400); do echo $i; done")};
    struct envd_run_options o = {.keep_bytes = 30};
    struct envd_result r = run_with(&a, &p, &o);

    assert_string_equal(text_of(&a, &r), "1000\n1001\n1002\n\n[... 1975 bytes omitted ...]\n"
                                         "1398\n1399\n1400\n");
}

static void output_without_end_is_stopped(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct envd_process p = {.argv = SHELL("echo $$; exec yes")};
    struct envd_run_options o = {.keep_bytes = 100, .max_bytes = 1000000};
    struct envd_result r = {0};
    struct err err = {0};
    char *log = fs_join(&a, box.folder, "log");
    struct stat st;

    o.log_fd = open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(o.log_fd > 0);
    assert_int_equal(envd_run(box.client, &a, &p, &o, &r, &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_int_equal(r.out.total, 1000000);
    assert_int_equal(r.outcome, ENVD_SIGNALLED);
    assert_int_equal(fstat(o.log_fd, &st), 0);
    assert_int_equal(st.st_size, 1000000);
    close(o.log_fd);
}

static void bytes_come_as_they_are(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct envd_result r = run_shell(&a, "printf 'a\\000\\377\\376\\303\\n'");

    assert_int_equal(r.out.total, 6);
    assert_memory_equal(r.out.head.p, "a\0\xff\xfe\xc3\n", 6);
}

static int read_slowly(void *ctx, struct str piece, struct err *err)
{
    unsigned *calls = ctx;

    if ((*calls)++ < 300)
        usleep(1000);
    return 0;
}

static uint64_t peak_memory_kib(pid_t pid)
{
    ARENA_CLEANUP struct arena a = {0};
    struct str text, line;
    struct err err = {0};
    uint64_t kib = 0;

    assert_ok(fs_read_file(&a, arena_printf(&a, "/proc/%d/status", (int)pid), 100000, &text, &err));
    while (str_next_line(&text, &line))
        if (str_starts(line, "VmHWM:"))
            kib = strtoull(line.p + 6, NULL, 10);
    return kib;
}

static void a_slow_reader_holds_the_command_back(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    unsigned calls = 0;
    struct envd_process p = {.argv = SHELL("head -c 60000000 /dev/zero")};
    struct envd_run_options o = {.on_output = read_slowly, .ctx = &calls};
    uint64_t before = peak_memory_kib(box.pid);
    struct envd_result r = run_with(&a, &p, &o);

    assert_int_equal(r.out.total, 60000000);
#ifndef __SANITIZE_ADDRESS__ /* which keeps what was freed */
    assert_true(peak_memory_kib(box.pid) - before < 20000);
#else
    (void)before;
#endif
}

static int refuse_output(void *ctx, struct str piece, struct err *err)
{
    return err_set(err, ERR_BUDGET, "no more");
}

static void a_callback_can_stop_the_command(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct envd_process p = {.argv = SHELL("echo x; exec sleep 1000")};
    struct envd_run_options o = {.on_output = refuse_output};
    struct envd_result r;
    struct err err = {0};

    assert_int_equal(envd_run(box.client, &a, &p, &o, &r, &err), -1);
    assert_int_equal(err.kind, ERR_BUDGET);
}

/* ---- input ---- */

static void input_is_given(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    size_t n = 3000000;
    char *data = arena_alloc(&a, n, 1);
    struct envd_run_options o = {.stdin_data = {data, n}, .keep_bytes = n};
    struct envd_result r;

    for (size_t i = 0; i < n; i++)
        data[i] = (char)(i * 7 + i / 256);
    r = run_with(&a, &(struct envd_process){.argv = SHELL("cat")}, &o);
    assert_int_equal(r.exit_code, 0);
    assert_int_equal(r.out.total, n);
    assert_memory_equal(envd_output_text(&a, &r.out).p, data, n);
}

static void input_that_nobody_reads_is_no_error(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    size_t n = 6000000;
    struct envd_run_options o = {.stdin_data = {arena_alloc(&a, n, 1), n}};
    struct envd_result r = run_with(&a, &(struct envd_process){.argv = SHELL("exit 4")}, &o);

    assert_int_equal(r.exit_code, 4);
    r = run_with(&a, &(struct envd_process){.argv = SHELL("exec <&-; echo closed")}, &o);
    assert_string_equal(text_of(&a, &r), "closed\n");
}

static void no_input_is_dev_null(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct envd_result r = run_shell(&a, "readlink /proc/self/fd/0");

    assert_string_equal(text_of(&a, &r), "/dev/null\n");
}

static void terminal(void **state)
{
    struct envd_process p = {.argv = SHELL("stty size; read x; stty size; echo \"<$x>\"; tty"),
                             .pty = true,
                             .rows = 24,
                             .columns = 80};
    struct buf out = BUF_INIT(4000);
    struct envd_stream *s;
    struct err err = {0};
    struct envd_event e;
    uint32_t pid = 0;

    assert_ok(envd_start(box.client, &p, &s, &err));
    do {
        assert_ok(envd_stream_next(s, 20000, &e, &err));
        assert_int_not_equal(e.kind, ENVD_NONE);
        if (e.kind == ENVD_START)
            pid = e.pid;
        if (e.kind != ENVD_PTY)
            continue;
        if (out.n == 0) {
            assert_ok(envd_resize(box.client, pid, 30, 100, &err));
            assert_int_equal(envd_send_input(box.client, pid, STR("x"), false, &err), -1);
            assert_int_equal(envd_close_stdin(box.client, pid, &err), -1);
            assert_ok(envd_send_input(box.client, pid, STR("hi\n"), true, &err));
        }
        buf_add(&out, e.data, &err);
    } while (e.kind != ENVD_END);
    envd_stream_close(s);
    assert_contains(buf_c(&out), "24 80\r\n");
    assert_contains(buf_c(&out), "30 100\r\n");
    assert_contains(buf_c(&out), "<hi>\r\n");
    assert_contains(buf_c(&out), "/dev/pts/");
    buf_free(&out);
}

/* ---- following ---- */

/* Reads events until `kind` comes; output is collected. */
static struct envd_event read_until(struct envd_stream *s, enum envd_event_kind kind,
                                    struct buf *out)
{
    struct err err = {0};
    struct envd_event e;

    do {
        assert_ok(envd_stream_next(s, 20000, &e, &err));
        assert_int_not_equal(e.kind, ENVD_NONE);
        if (e.kind == ENVD_STDOUT && out)
            buf_add(out, e.data, &err);
    } while (e.kind != kind);
    return e;
}

static void output_to_nobody_is_replayed(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct buf out = BUF_INIT(1000);
    struct err err = {0};
    struct envd_stream *s;
    struct envd_process p = {.argv = SHELL("echo one; while [ ! -e go ]; do sleep 0.05; done; "
                                           "echo two; touch gone"),
                             .tag = "replay"};
    struct envd_entry entry;
    struct envd_process_info *infos;
    size_t n;
    uint32_t pid;

    assert_ok(envd_start(box.client, &p, &s, &err));
    pid = read_until(s, ENVD_START, NULL).pid;
    read_until(s, ENVD_STDOUT, NULL);
    envd_stream_close(s);
    assert_ok(envd_list(box.client, &a, &infos, &n, &err));
    assert_int_equal(n, 1);
    assert_int_equal(infos[0].pid, pid);
    assert_string_equal(infos[0].tag, "replay");
    assert_string_equal(infos[0].cmd, "/bin/sh");
    assert_ok(envd_write(box.client, "go", STR(""), &err));
    while (envd_stat(box.client, &a, "gone", &entry, &err))
        assert_int_equal(err.kind, ERR_NOT_FOUND);
    for (int time = 0; time < 2; time++) {
        struct envd_event e;

        buf_reset(&out);
        assert_ok(envd_connect(box.client, pid, &s, &err));
        assert_int_equal(read_until(s, ENVD_START, NULL).pid, pid);
        e = read_until(s, ENVD_END, &out);
        assert_true(e.exited);
        assert_string_equal(buf_c(&out), time == 0 ? "two\n" : "");
        envd_stream_close(s);
    }
    assert_ok(envd_list(box.client, &a, &infos, &n, &err));
    assert_int_equal(n, 0);
    buf_free(&out);
    envd_remove(box.client, "go", &err);
    envd_remove(box.client, "gone", &err);
}

static void output_to_nobody_is_capped(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct buf out = BUF_INIT(4000000);
    struct err err = {0};
    struct envd_stream *s;
    struct envd_process p = {.argv = SHELL("while [ ! -e go ]; do sleep 0.05; done; "
                                           "head -c 3000000 /dev/zero; echo last; touch gone")};
    struct envd_entry entry;
    uint32_t pid;

    assert_ok(envd_start(box.client, &p, &s, &err));
    pid = read_until(s, ENVD_START, NULL).pid;
    envd_stream_close(s);
    assert_ok(envd_write(box.client, "go", STR(""), &err));
    while (envd_stat(box.client, &a, "gone", &entry, &err))
        assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_ok(envd_connect(box.client, pid, &s, &err));
    read_until(s, ENVD_END, &out);
    assert_true(out.n <= 1024 * 1024 + 64 * 1024);
    assert_true(out.n >= 1024 * 1024 - 64 * 1024);
    assert_memory_equal(out.p + out.n - 5, "last\n", 5);
    envd_stream_close(s);
    buf_free(&out);
}

static int cancel_on_output(void *ctx, struct str piece, struct err *err)
{
    cancel_request();
    return 0;
}

/* Cancellation is for the whole process, so it happens in one of its own. */
static void cancellation_kills_the_command(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    char *path = fs_join(&a, box.home, "pid");
    uint64_t pid;
    struct str text;
    struct err err = {0};
    int status;
    pid_t child = fork();

    if (child == 0) {
        struct envd_client *client = envd_box_client(&box);
        struct envd_process p = {.argv =
                                     SHELL("trap '' TERM; echo $$ >pid; echo x; exec sleep 1000")};
        struct envd_run_options o = {.on_output = cancel_on_output};
        struct envd_result r;

        cancel_install(&err);
        if (envd_run(client, &a, &p, &o, &r, &err) != -1 || err.kind != ERR_CANCELLED)
            _exit(1);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_ok(fs_read_file(&a, path, 100, &text, &err));
    assert_true(str_to_u64(str_trim(text), &pid));
    assert_int_equal(kill((pid_t)pid, 0), -1);
}

static void a_dead_server_is_an_error_of_the_net(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct envd_config config = {.base_url = "http://envd", .unix_socket = "/nonexistent/sock"};
    struct envd_client *client;
    struct envd_result r;
    struct err err = {0};

    assert_ok(envd_new(&config, &client, &err));
    assert_int_equal(
        envd_run(client, &a, &(struct envd_process){.argv = SHELL("true")}, NULL, &r, &err), -1);
    assert_int_equal(err.kind, ERR_NET);
    envd_free(client);
}

/* ---- files ---- */

static void files_of_any_size_and_name(void **state)
{
    static const char *const names[] = {"a b", "line\nbreak", "é€😀", "100%&+?#;=.txt", "'\"\\"};
    ARENA_CLEANUP struct arena a = {0};
    size_t n = 5000000;
    char *data = arena_alloc(&a, n, 1);
    struct err err = {0};
    struct str back;

    for (size_t i = 0; i < n; i++)
        data[i] = (char)(i % 251);
    assert_ok(envd_write(box.client, "deep/er/big", (struct str){data, n}, &err));
    assert_ok(envd_read(box.client, &a, "~/deep/er/big", 0, n, &back, &err));
    assert_int_equal(back.n, n);
    assert_memory_equal(back.p, data, n);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct envd_entry entry;

        assert_ok(envd_write(box.client, names[i], str_from(names[i]), &err));
        assert_ok(envd_read(box.client, &a, names[i], 0, 100, &back, &err));
        assert_string_equal(back.p, names[i]);
        assert_ok(envd_stat(box.client, &a, names[i], &entry, &err));
        assert_string_equal(entry.name, names[i]);
        assert_int_equal(entry.size, strlen(names[i]));
        assert_ok(envd_remove(box.client, names[i], &err));
    }
    assert_ok(envd_remove(box.client, "deep", &err));
}

static void parts_of_files(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct err err = {0};
    struct str s;

    assert_ok(envd_write(box.client, "ten", STR("0123456789"), &err));
    assert_ok(envd_read(box.client, &a, "ten", 7, 100, &s, &err));
    assert_str(s, "789");
    assert_ok(envd_read(box.client, &a, "ten", 10, 100, &s, &err));
    assert_int_equal(s.n, 0);
    assert_ok(envd_read(box.client, &a, "ten", 11, 100, &s, &err));
    assert_int_equal(s.n, 0);
    assert_int_equal(envd_read(box.client, &a, "ten", 0, 9, &s, &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_ok(envd_write(box.client, "ten", STR(""), &err));
    assert_ok(envd_read(box.client, &a, "ten", 5, 100, &s, &err));
    assert_int_equal(s.n, 0);
    assert_int_equal(envd_read(box.client, &a, "none", 0, 9, &s, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_int_equal(envd_read(box.client, &a, "/", 0, 9, &s, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_ok(envd_remove(box.client, "ten", &err));
}

static void folders(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct envd_entry *entries, entry;
    struct err err = {0};
    size_t n;

    assert_ok(envd_make_dir(box.client, "d/e", &err));
    assert_int_equal(envd_make_dir(box.client, "d/e", &err), -1);
    assert_int_equal(err.kind, ERR_EXISTS);
    assert_ok(envd_write(box.client, "d/e/f", STR("x"), &err));
    assert_ok(envd_write(box.client, "d/b", STR("xy"), &err));
    assert_int_equal(symlink("e", fs_join(&a, box.home, "d/link")), 0);
    assert_int_equal(symlink("nowhere", fs_join(&a, box.home, "d/lost")), 0);
    assert_ok(envd_list_dir(box.client, &a, "d", 1, &entries, &n, &err));
    assert_int_equal(n, 4);
    assert_string_equal(entries[0].name, "b");
    assert_int_equal(entries[0].type, ENVD_FILE);
    assert_int_equal(entries[0].size, 2);
    assert_int_equal(entries[0].mode, 0644);
    assert_string_equal(entries[1].name, "e");
    assert_int_equal(entries[1].type, ENVD_DIR);
    assert_string_equal(entries[2].name, "link");
    assert_int_equal(entries[2].type, ENVD_DIR);
    assert_non_null(entries[2].symlink_target);
    assert_string_equal(entries[3].name, "lost");
    assert_int_equal(entries[3].type, ENVD_UNKNOWN);
    assert_ok(envd_list_dir(box.client, &a, "d", 2, &entries, &n, &err));
    assert_int_equal(n, 5);
    assert_string_equal(entries[2].path, fs_join(&a, box.home, "d/e/f"));
    assert_ok(envd_move(box.client, "d", "new/place", &err));
    assert_ok(envd_stat(box.client, &a, "new/place/e/f", &entry, &err));
    assert_int_equal(envd_stat(box.client, &a, "d", &entry, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_ok(envd_remove(box.client, "new", &err));
    assert_ok(envd_remove(box.client, "new", &err));
}

static void a_listing_is_capped(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct envd_entry *entries;
    struct err err = {0};
    size_t n;

    run_shell(&a, "mkdir many && cd many && seq 10001 | xargs touch");
    assert_int_equal(envd_list_dir(box.client, &a, "many", 1, &entries, &n, &err), -1);
    assert_contains(err.msg, "more than 10000 entries");
    run_shell(&a, "rm many/1");
    assert_ok(envd_list_dir(box.client, &a, "many", 1, &entries, &n, &err));
    assert_int_equal(n, 10000);
    assert_ok(envd_remove(box.client, "many", &err));
}

static void a_pipe_is_no_file(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct err err = {0};
    struct str s;

    run_shell(&a, "mkfifo pipe");
    assert_int_equal(envd_read(box.client, &a, "pipe", 0, 9, &s, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_int_equal(envd_write(box.client, "pipe", STR("x"), &err), -1);
    assert_int_equal(err.kind, ERR_REMOTE);
    assert_ok(envd_remove(box.client, "pipe", &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health),
        cmocka_unit_test(exit_codes),
        cmocka_unit_test(ended_by_a_signal_of_its_own),
        cmocka_unit_test(missing_program),
        cmocka_unit_test(program_without_the_right),
        cmocka_unit_test(missing_folder),
        cmocka_unit_test(environment),
        cmocka_unit_test(descriptors_and_session),
        cmocka_unit_test(signals_are_as_new),
        cmocka_unit_test(time_limit_ends_a_tree_that_ignores_term),
        cmocka_unit_test(what_a_command_leaves_behind_is_gone),
        cmocka_unit_test(a_child_that_holds_stdout_does_not_hold_the_end),
        cmocka_unit_test(killing_the_supervisor_frees_nobody),
        cmocka_unit_test(term_reaches_the_whole_tree),
        cmocka_unit_test(signals_reach_what_outlived_the_leader),
        cmocka_unit_test(large_output_is_capped_exactly),
        cmocka_unit_test(output_around_the_cap),
        cmocka_unit_test(output_in_many_pieces),
        cmocka_unit_test(output_without_end_is_stopped),
        cmocka_unit_test(bytes_come_as_they_are),
        cmocka_unit_test(a_slow_reader_holds_the_command_back),
        cmocka_unit_test(a_callback_can_stop_the_command),
        cmocka_unit_test(input_is_given),
        cmocka_unit_test(input_that_nobody_reads_is_no_error),
        cmocka_unit_test(no_input_is_dev_null),
        cmocka_unit_test(terminal),
        cmocka_unit_test(output_to_nobody_is_replayed),
        cmocka_unit_test(output_to_nobody_is_capped),
        cmocka_unit_test(cancellation_kills_the_command),
        cmocka_unit_test(a_dead_server_is_an_error_of_the_net),
        cmocka_unit_test(files_of_any_size_and_name),
        cmocka_unit_test(parts_of_files),
        cmocka_unit_test(folders),
        cmocka_unit_test(a_listing_is_capped),
        cmocka_unit_test(a_pipe_is_no_file),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
