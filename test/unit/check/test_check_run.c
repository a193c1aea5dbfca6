/* Whole checks with the real tools, through a real envd: every project of test/data/check. */
#include "support/check_bench.h"
#include "support/check_project.h"

#include <dirent.h>

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

static bool run_project(struct check_bench *b, const char *name)
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

static void run_projects(struct check_bench *b, const char *prefix)
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
        cmocka_unit_test_setup_teardown(test_good, check_bench_start, check_bench_stop),
        cmocka_unit_test_setup_teardown(test_red, check_bench_start, check_bench_stop),
        cmocka_unit_test_setup_teardown(test_python_cheats, check_bench_start, check_bench_stop),
        cmocka_unit_test_setup_teardown(test_node_cheats, check_bench_start, check_bench_stop),
        cmocka_unit_test_setup_teardown(test_c_cheats, check_bench_start, check_bench_stop),
        cmocka_unit_test_setup_teardown(test_escapes, check_bench_start, check_bench_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
