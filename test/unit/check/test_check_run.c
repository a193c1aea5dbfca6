/* Whole checks with the real tools, through a real envd: every project of test/data/check. */
#include "support/check_project.h"
#include "support/envd_box.h"

#include <dirent.h>
#include <sys/stat.h>

#include "check/check_run.h"

struct bench {
    struct arena a;
    struct envd_box box;
    struct stack_set stacks;
    struct check_place place;
    const char *logs;
};

/* Kiln's helpers, where the launcher would have put them. */
static void write_helpers(struct bench *b, const char *dir)
{
    struct sandbox_file *files;
    struct err err;
    size_t n;

    assert_int_equal(fs_make_dirs(dir, 0755, &err), 0);
    stack_files(&b->stacks, &b->a, &files, &n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(fs_write_file(fs_join(&b->a, dir, fs_base_name(files[i].path)),
                                       files[i].content, 0444, &err),
                         0);
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    struct err err;

    assert_non_null(b);
    if (stack_load(&b->a, NULL, &b->stacks, &err) < 0)
        fail_msg("%s", err.msg);
    envd_box_start(&b->box);
    b->place = (struct check_place){
        .envd = b->box.client,
        .tmp = fs_join(&b->a, b->box.folder, "tmp"),
        .kiln_dir = fs_join(&b->a, b->box.folder, "kiln"),
    };
    b->logs = fs_join(&b->a, b->box.folder, "logs");
    write_helpers(b, b->place.kiln_dir);
    assert_int_equal(fs_make_dirs(b->place.tmp, 0755, &err), 0);
    assert_int_equal(fs_make_dirs(b->logs, 0755, &err), 0);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;

    envd_box_stop(&b->box);
    arena_clear(&b->a);
    free(b);
    return 0;
}

/* ---- projects ---- */

static bool is_one_of(const char *list, const char *word)
{
    struct str rest = str_from(list), part;

    while (str_next(&rest, '|', &part))
        if (str_eq_c(part, word))
            return true;
    return false;
}

/* "fail no_tests|report_missing" */
static bool is_expected(const char *expected, const struct check *c)
{
    struct str rest = str_from(expected), outcome;

    str_next(&rest, ' ', &outcome);
    return str_eq_c(outcome, check_outcome_name(c->outcome)) &&
           (!rest.n || is_one_of(rest.p, check_reason_name(c->reason)));
}

static bool check_one(const struct check_project *p, const struct check *c)
{
    const char *expected = check_project_expect(p, check_kind_name(c->kind));
    const char *detail = c->kind == CHECK_TESTS ? check_project_expect(p, "detail") : NULL;

    assert_non_null(c->detail);
    if (!expected ||
        (is_expected(expected, c) && (!detail || strncmp(c->detail, detail, strlen(detail)) == 0)))
        return true;
    print_message("%s: %s is %s %s (%s; %s), expected: %s; %s\n%.*s\n", p->name,
                  check_kind_name(c->kind), check_outcome_name(c->outcome),
                  check_reason_name(c->reason), c->detail, c->status ? c->status : "", expected,
                  detail ? detail : "", STR_ARG(c->output));
    return false;
}

/* Stacks with a time limit of their own for tests. */
static void limit_tests(struct stack_set *set, int64_t seconds)
{
    for (size_t i = 0; i < set->n; i++)
        for (size_t k = 0; k < set->items[i].rules[CHECK_TESTS].n; k++)
            set->items[i].rules[CHECK_TESTS].items[k].timeout_s = seconds;
}

static bool run_project(struct bench *b, const char *name)
{
    ARENA_CLEANUP struct arena a = {0};
    const char *timeout;
    struct check_project p;
    struct check_options options = {.stacks = &b->stacks, .log_dir = b->logs, .label = "it1"};
    struct check_round round;
    struct err err;
    bool well = true;

    check_project_read(&a, name, &p);
    options.tests_only = !check_project_expect(&p, "build");
    timeout = check_project_expect(&p, "timeout");
    limit_tests(&b->stacks, timeout ? 2 : 0);
    if (check_run_at(&b->place, &p.tree, &options, &a, &round, &err) < 0)
        fail_msg("%s: %s", name, err.msg);
    for (size_t i = 0; i < round.n_checks; i++)
        well &= check_one(&p, &round.checks[i]);
    return well;
}

static void run_projects(struct bench *b, const char *prefix)
{
    DIR *dir = opendir("test/data/check");
    struct dirent *entry;
    int n = 0, wrong = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
            continue;
        n++;
        wrong += !run_project(b, entry->d_name);
    }
    closedir(dir);
    assert_true(n > 0);
    assert_int_equal(wrong, 0);
}

static void test_good(void **state)
{
    run_projects(*state, "good_");
}

static void test_red(void **state)
{
    run_projects(*state, "red_");
}

static void test_python_cheats(void **state)
{
    run_projects(*state, "cheat_python");
}

static void test_node_cheats(void **state)
{
    run_projects(*state, "cheat_node");
}

static void test_c_cheats(void **state)
{
    run_projects(*state, "cheat_c");
    run_projects(*state, "cheat_make");
}

/* What report mode lets through. If one of these is caught one day, it becomes a cheat_. */
static void test_escapes(void **state)
{
    run_projects(*state, "escape_");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_good, setup, teardown),
        cmocka_unit_test_setup_teardown(test_red, setup, teardown),
        cmocka_unit_test_setup_teardown(test_python_cheats, setup, teardown),
        cmocka_unit_test_setup_teardown(test_node_cheats, setup, teardown),
        cmocka_unit_test_setup_teardown(test_c_cheats, setup, teardown),
        cmocka_unit_test_setup_teardown(test_escapes, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
