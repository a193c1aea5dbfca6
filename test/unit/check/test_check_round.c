/* How a round is run: the environment of commands, tools, installing, logs, what is left behind. */
#include "support/check_bench.h"

#include <dirent.h>
#include <unistd.h>

#include "base/clock.h"

/* A stack with one way to test and, before `tests`, whatever else is given. */
#define STACK(more, run)                                                                           \
    "name: toy\ngroup: toy\nweak: [\"*\"]\nsources: [\"*\"]\ntools: {sh: dash, no-such-tool: "     \
    "toolbox}\nenv: {TOY: \"1\"}\nchecks:\n" more "  tests:\n    - reports: [\"tap:*.tap\"]\n"     \
    "      why: toy\n      run: |\n        " run "\n"
#define GOOD "printf '1..1\\nok 1 - a\\n' >$REPORT/r.tap"

static struct check_round run(struct check_bench *b, struct arena *a, const char *stack,
                              struct check_options options)
{
    struct tree_file file = {.path = "sub/file.txt", .content = STR("hello\n")};
    struct stack s;
    struct stack_set set = {&s, 1};
    struct check_round round = {0};
    struct tree t;
    struct err err;

    options.stacks = &set;
    if (stack_parse(a, str_from(stack), "toy.yaml", &s, &err) || tree_make(&file, 1, a, &t, &err) ||
        check_run_at(&b->place, &t, &options, a, &round, &err))
        fail_msg("%s", err.msg);
    return round;
}

static const struct check *find(const struct check_round *round, enum check_kind kind)
{
    for (size_t i = 0; i < round->n_checks; i++)
        if (round->checks[i].kind == kind)
            return &round->checks[i];
    fail_msg("no such check");
    abort();
}

static void assert_empty(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *entry;

    assert_non_null(d);
    while ((entry = readdir(d)))
        if (entry->d_name[0] != '.')
            fail_msg("'%s' is left in %s", entry->d_name, dir);
    closedir(d);
}

static void test_round(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct check_bench *b = *state;
    struct check_round round =
        run(b, &a, STACK("  build:\n    - {run: cat sub/file.txt, why: toy}\n", GOOD),
            (struct check_options){0});

    assert_int_equal(round.n_checks, CHECK_KINDS);
    assert_true(round.green);
    assert_false(round.infra);
    assert_str(find(&round, CHECK_BUILD)->output, "hello\n");
    assert_int_equal(find(&round, CHECK_TYPES)->outcome, CHECK_NA);
    assert_int_equal(find(&round, CHECK_TESTS)->report.passed, 1);
    assert_string_equal(find(&round, CHECK_TESTS)->command, GOOD "\n");
    assert_empty(b->place.tmp);
}

/* Nothing of what the sandbox's processes otherwise get; no name of our folders in the output. */
static void test_environment(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct check_bench *b = *state;
    struct check_round round =
        run(b, &a, STACK("", "env | grep -v '^DEPS=' | sort; pwd; readlink /proc/$$/fd/0"),
            (struct check_options){0});
    const char *expected =
        arena_printf(&a,
                     "CI=1\nGIT_TERMINAL_PROMPT=0\nHOME=/tmp/home\nKILN=%s\nLANG=C.UTF-8\n"
                     "LOGNAME=user\nNO_COLOR=1\nPATH=/usr/local/bin:/usr/bin:/bin\nPWD=.\n"
                     "REPORT=/tmp/report\nSHELL=/bin/sh\nTERM=dumb\nTMPDIR=/tmp/tmp\nTOY=1\n"
                     "TZ=UTC\nUSER=user\n.\n/dev/null\n",
                     b->place.kiln_dir);

    assert_string_equal(find(&round, CHECK_TESTS)->output.p, expected);
}

/* Each check starts from the tree: what another one did to its copy is gone. */
static void test_fresh_copy(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct check_round round = run(
        *state, &a,
        STACK("  build:\n    - {run: \"rm -r sub; echo ok >stale.tap; chmod 000 .\", why: toy}\n",
              "ls; " GOOD),
        (struct check_options){0});

    assert_true(round.green);
    assert_str(find(&round, CHECK_TESTS)->output, "sub\n");
}

static void test_tool_missing(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct check_round round =
        run(*state, &a,
            STACK("  lint:\n    - {needs: [no-such-tool], run: \"true\", why: toy}\n", GOOD),
            (struct check_options){0});
    const struct check *lint = find(&round, CHECK_LINT);

    assert_int_equal(lint->outcome, CHECK_ERROR);
    assert_int_equal(lint->reason, CHECK_TOOL_MISSING);
    assert_string_equal(lint->detail, "'no-such-tool' is not there; it is in the package toolbox");
    assert_true(round.infra);
    assert_false(round.green);
    assert_int_equal(find(&round, CHECK_TESTS)->outcome, CHECK_PASS);
}

/* What install puts into $DEPS is there for every check, and only install gets its environment. */
static void test_install(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    const struct envd_env env[] = {{"MIRROR", "http://localhost"}};
    struct check_round round =
        run(*state, &a,
            STACK("  install:\n    - {run: \"echo $MIRROR >$DEPS/from\", why: toy}\n",
                  "cat $DEPS/from; echo \"[$MIRROR]\"; " GOOD),
            (struct check_options){.install_env = env, .n_install_env = 1});

    assert_true(round.green);
    assert_str(find(&round, CHECK_TESTS)->output, "http://localhost\n[]\n");
}

static void test_install_fails(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct check_round round = run(
        *state, &a, STACK("  install:\n    - {run: \"echo no network; exit 1\", why: toy}\n", GOOD),
        (struct check_options){0});

    assert_int_equal(round.n_checks, CHECK_KINDS);
    assert_false(round.infra);
    assert_false(round.green);
    for (size_t i = 0; i < round.n_checks; i++) {
        assert_int_equal(round.checks[i].outcome, CHECK_FAIL);
        assert_int_equal(round.checks[i].reason, CHECK_INSTALL_FAILED);
        assert_string_equal(round.checks[i].detail,
                            "the dependencies can't be installed (exit status 1): no network");
    }
}

static void test_tests_only(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct check_round round =
        run(*state, &a, STACK("  build:\n    - {run: \"false\", why: toy}\n", GOOD),
            (struct check_options){.tests_only = true});

    assert_int_equal(round.n_checks, 1);
    assert_true(round.green);
}

/* ---- reports ---- */

static void test_hostile_reports(void **state)
{
    static const struct {
        const char *run;
        enum check_reason reason;
    } rows[] = {
        {STACK("", "rm -r $REPORT"), CHECK_REPORT_MISSING},
        {STACK("", "printf '1..1\\nok 1\\n' >$TMPDIR/x; ln -s $TMPDIR/x $REPORT/r.tap"),
         CHECK_REPORT_MISSING},
        {STACK("", "mkfifo $REPORT/r.tap"), CHECK_REPORT_MISSING},
        {STACK("", "mkdir $REPORT/r.tap"), CHECK_REPORT_MISSING},
        {STACK("", "for i in $(seq 201); do echo 1..1 >$REPORT/$i.tap; done"),
         CHECK_REPORT_MISSING},
        {STACK("", "truncate -s 20M $REPORT/r.tap"), CHECK_REPORT_MISSING},
        {STACK("", "printf '1..2\\nok 1\\nok 2\\n' >$REPORT/a.tap; echo no >$REPORT/b.tap"),
         CHECK_REPORT_MISSING},
        {STACK("", "printf '1..1\\nok 1\\n' >$REPORT/a.tap; cp $REPORT/a.tap $REPORT/b.tap"),
         CHECK_OK},
        {STACK("", "printf '1..1\\nok 1 - %s/sub/file.txt\\n' \"$PWD\" >$REPORT/a.tap"),
         CHECK_NO_TESTS},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ARENA_CLEANUP struct arena a = {0};
        struct check_round round = run(*state, &a, rows[i].run, (struct check_options){0});

        assert_string_equal(check_reason_name(find(&round, CHECK_TESTS)->reason),
                            check_reason_name(rows[i].reason));
    }
}

/* ---- what is told and kept ---- */

static void count(void *ctx, const struct check *check, bool finished)
{
    int *calls = ctx;

    calls[finished]++;
    if (!finished)
        assert_null(check->detail);
    else
        assert_non_null(check->detail);
}

static void test_progress_and_logs(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct check_bench *b = *state;
    int calls[2] = {0};
    struct str log;
    struct err err;
    struct check_round round =
        run(b, &a, STACK("", "printf 'raw \\377\\n'; " GOOD),
            (struct check_options){
                .log_dir = b->logs, .label = "it3", .on_check = count, .ctx = calls});
    const struct check *tests = find(&round, CHECK_TESTS);

    assert_int_equal(calls[0], CHECK_KINDS);
    assert_int_equal(calls[1], CHECK_KINDS);
    assert_string_equal(tests->log, "it3-tests.log");
    assert_int_equal(fs_read_file(&a, fs_join(&a, b->logs, tests->log), 1 << 20, &log, &err), 0);
    assert_str(log, "raw \xff\n");
    assert_str(tests->output, "raw \xef\xbf\xbd\n");
    assert_null(find(&round, CHECK_BUILD)->log);
}

/* A flood ends the command, and only head and tail are kept. */
static void test_output_limit(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct check_round round = run(*state, &a, STACK("", GOOD "; yes"), (struct check_options){0});
    const struct check *tests = find(&round, CHECK_TESTS);

    assert_int_equal(tests->reason, CHECK_OUTPUT_LIMIT);
    assert_in_range(tests->output.n, 1000, CHECK_OUTPUT_MAX + 200);
}

/* ---- ends ---- */

static void test_deadline(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct check_bench *b = *state;
    struct tree_file file = {.path = "f", .content = STR("")};
    struct stack s;
    struct stack_set set = {&s, 1};
    struct check_options options = {.stacks = &set, .deadline = clock_deadline(1500)};
    struct check_round round;
    struct tree t;
    struct err err = {0};

    assert_int_equal(stack_parse(&a, STR(STACK("", "sleep 200")), "toy.yaml", &s, &err), 0);
    assert_int_equal(tree_make(&file, 1, &a, &t, &err), 0);
    assert_int_equal(check_run_at(&b->place, &t, &options, &a, &round, &err), -1);
    assert_int_equal(err.kind, ERR_TIMEOUT);
}

/* When the sandbox dies the round says so, check by check, and nothing passes. */
static void test_sandbox_dies(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct check_bench *b = *state;
    struct envd_config config = {.base_url = "http://envd",
                                 .unix_socket = fs_join(&a, b->box.folder, "nobody.sock")};
    struct check_place place = b->place;
    struct check_round round;
    struct err err = {0};

    assert_int_equal(envd_new(&config, &b->place.envd, &err), 0);
    round = run(b, &a, STACK("  build:\n    - {run: \"true\", why: toy}\n", GOOD),
                (struct check_options){0});
    envd_free(b->place.envd);
    b->place = place;
    assert_true(round.infra);
    assert_false(round.green);
    for (size_t i = 0; i < round.n_checks; i++)
        assert_int_equal(round.checks[i].reason, CHECK_SANDBOX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_fresh_copy),
        cmocka_unit_test(test_tool_missing),
        cmocka_unit_test(test_install),
        cmocka_unit_test(test_install_fails),
        cmocka_unit_test(test_tests_only),
        cmocka_unit_test(test_hostile_reports),
        cmocka_unit_test(test_progress_and_logs),
        cmocka_unit_test(test_output_limit),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_sandbox_dies),
    };

    return cmocka_run_group_tests(tests, check_bench_start, check_bench_stop);
}
