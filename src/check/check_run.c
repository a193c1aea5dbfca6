#include "check/check_run.h"

#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/rand.h"
#include "base/text.h"
#include "check/check_assertions.h"
#include "check/check_judge.h"
#include "check/stack_rule.h"

enum { LONG_S = 300, CHECKER_S = 120, PROBE_MS = 20 * 1000 };

struct run {
    const struct check_place *place;
    const struct tree *tree;
    const struct check_options *options;
    struct arena *arena;
    struct check_round *round;
    struct stack_tools tools;
    int64_t deadline;
    const char *top;    /* our folder inside */
    const char *broken; /* why the sandbox can't be used any more, or NULL */
};

/* Cancellations and bugs of ours end the round; everything else that goes wrong on the way is the
 * sandbox's failure and part of the round. */
static int sandbox_failed(struct run *r, const struct err *failed, struct err *err)
{
    if (failed->kind == ERR_CANCELLED || failed->kind == ERR_INTERNAL || failed->kind == ERR_IO) {
        *err = *failed;
        return -1;
    }
    r->broken = arena_strdup(r->arena, failed->msg);
    return 0;
}

static int end_all(struct run *r, struct err *err)
{
    return r->place->end_all ? r->place->end_all(r->place->ctx, err) : 0;
}

/* ---- tools ---- */

static size_t count_tools(const struct check_round *round)
{
    size_t n = 0;

    for (size_t i = 0; i < round->n_units; i++)
        n += round->units[i].stack->tools.n;
    return n;
}

static bool is_named(const char *const *names, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq_c(name, names[i]))
            return true;
    return false;
}

/* Asks for all tools of all stacks at once. */
static int probe_tools(struct run *r, struct err *err)
{
    static const char probe[] = "PATH=/usr/local/bin:/usr/bin:/bin\n"
                                "for t; do command -v \"$t\" >/dev/null 2>&1 && echo \"$t\"; done\n"
                                "exit 0\n";
    size_t most = count_tools(r->round), n = 4;
    const char **argv = ARENA_ARRAY(r->arena, most + 5, const char *);
    struct envd_result result;
    struct str rest, name;

    memcpy(argv, (const char *[]){"/bin/sh", "-c", probe, "sh"}, 4 * sizeof(*argv));
    for (size_t i = 0; i < r->round->n_units; i++)
        for (size_t k = 0; k < r->round->units[i].stack->tools.n; k++)
            argv[n++] = r->round->units[i].stack->tools.items[k].name;
    if (envd_run(r->place->envd, r->arena,
                 &(struct envd_process){.argv = argv, .cwd = "/", .timeout_ms = PROBE_MS},
                 &(struct envd_run_options){0}, &result, err) < 0)
        return -1;
    if (result.outcome != ENVD_EXITED || result.exit_code != 0)
        return err_set(err, ERR_HOST, "look for tools in the sandbox: %s", result.status);
    r->tools.found = ARENA_ARRAY(r->arena, most + 1, const char *);
    rest = result.out.head;
    while (r->tools.n < most && str_next_line(&rest, &name))
        if (is_named(argv + 4, n - 4, name))
            r->tools.found[r->tools.n++] = arena_dup(r->arena, name).p;
    return 0;
}

/* ---- one check ---- */

static struct check *new_check(struct run *r, const struct stack_unit *unit, enum check_kind kind,
                               const struct stack_rule *rule)
{
    struct check *c = &r->round->checks[r->round->n_checks++];

    *c = (struct check){
        .kind = kind,
        .stack = unit->stack->name,
        .dir = unit->dir,
        .exit_code = -1,
        .assertions = kind == CHECK_TESTS ? check_assertions_count(unit, r->tree) : -1,
        .command = rule ? rule->run : NULL,
        .why = rule ? rule->why : NULL,
    };
    return c;
}

static void tell(const struct run *r, const struct check *c, bool finished)
{
    if (r->options->on_check)
        r->options->on_check(r->options->ctx, c, finished);
}

static void decide(struct check *c, enum check_outcome outcome, enum check_reason reason,
                   const char *detail)
{
    c->outcome = outcome;
    c->reason = reason;
    c->detail = detail;
}

/* "it2-tests.log", and with several units "it2-web-node-tests.log". */
static const char *log_name(const struct run *r, const struct stack_unit *unit, const char *what)
{
    const char *label = r->options->label ? r->options->label : "check";
    char *dir = arena_strdup(r->arena, unit->dir);

    if (r->round->n_units == 1)
        return arena_printf(r->arena, "%s-%s.log", label, what);
    for (char *p = dir; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9')))
            *p = '_';
    return arena_printf(r->arena, "%s-%td-%s-%s-%s.log", label, unit - r->round->units + 1,
                        strcmp(unit->dir, ".") ? dir : "root", unit->stack->name, what);
}

static int run_step(struct run *r, const struct stack_unit *unit, const struct stack_rule *rule,
                    const char *what, struct check_step step, struct check *c,
                    struct check_evidence *ret, struct err *err)
{
    const char *log = r->options->log_dir ? log_name(r, unit, what) : NULL;
    struct err failed = {0};

    if (clock_now_ms() >= r->deadline)
        return err_set(err, ERR_TIMEOUT, "the time for the task is over");
    step.deadline = r->deadline;
    step.unit = unit;
    step.rule = rule;
    step.deps = arena_printf(r->arena, "%s/deps%td", r->top, unit - r->round->units);
    step.log_path = log ? fs_join(r->arena, r->options->log_dir, log) : NULL;
    c->log = log;
    if (check_step_run(r->place, r->tree, &step, r->arena, ret, &failed) == 0)
        return 0;
    if (failed.kind != ERR_TIMEOUT || clock_now_ms() < r->deadline)
        return sandbox_failed(r, &failed, err);
    *err = failed;
    return -1;
}

static void decide_without_running(const struct run *r, struct check *c,
                                   const struct stack_rule *rule)
{
    bool tests = c->kind == CHECK_TESTS;

    if (r->broken)
        decide(c, CHECK_ERROR, CHECK_SANDBOX, r->broken);
    else if (tests)
        decide(c, CHECK_FAIL, CHECK_NO_TESTS,
               rule ? rule->why : "the stack has no way to test this project");
    else
        decide(c, CHECK_NA, CHECK_NO_STEP, rule ? rule->why : "the stack has no such step");
}

static void decide_tool_missing(const struct run *r, struct check *c, const struct stack *s,
                                const char *tool)
{
    decide(c, CHECK_ERROR, CHECK_TOOL_MISSING,
           arena_printf(r->arena, "'%s' is not there; it is in the package %s", tool,
                        stack_rule_package(s, tool)));
}

static int run_rule(struct run *r, const struct stack_unit *unit, const struct stack_rule *rule,
                    struct check *c, struct err *err)
{
    const char *missing = stack_rule_lacks(unit->stack, rule, &r->tools);
    struct check_evidence e;

    if (missing) {
        decide_tool_missing(r, c, unit->stack, missing);
        return 0;
    }
    if (run_step(r, unit, rule, check_kind_name(c->kind),
                 (struct check_step){.timeout_s = c->kind == CHECK_BUILD || c->kind == CHECK_TESTS
                                                      ? LONG_S
                                                      : CHECKER_S},
                 c, &e, err) < 0)
        return -1;
    if (r->broken)
        decide(c, CHECK_ERROR, CHECK_SANDBOX, r->broken);
    else
        check_judge(c, &e, unit, rule, stack_has_test_files(unit, r->tree), r->arena);
    return 0;
}

static int run_check(struct run *r, const struct stack_unit *unit, enum check_kind kind,
                     struct err *err)
{
    const struct stack_rule *rule =
        stack_rule_choose(&unit->stack->rules[kind], unit, r->tree, &r->tools);
    struct check *c = new_check(r, unit, kind, rule);

    tell(r, c, false);
    if (r->broken || !rule || !rule->run)
        decide_without_running(r, c, rule);
    else if (run_rule(r, unit, rule, c, err) < 0)
        return -1;
    tell(r, c, true);
    return 0;
}

/* ---- one unit ---- */

/*
 * Runs the install step. If it doesn't succeed, `*ret_why` is a check that says so: without its
 * dependencies nothing that the project's checks say would mean anything.
 */
static int install(struct run *r, const struct stack_unit *unit, struct check **ret_why,
                   struct err *err)
{
    const struct stack_rule *rule =
        stack_rule_choose(&unit->stack->install, unit, r->tree, &r->tools);
    struct check *c = ARENA_NEW(r->arena, struct check);
    const struct check_step step = {
        .env = r->options->install_env, .n_env = r->options->n_install_env, .timeout_s = LONG_S};
    struct check_evidence e;
    const char *missing;

    *ret_why = NULL;
    if (r->broken || !rule || !rule->run)
        return 0;
    *c = (struct check){.exit_code = -1, .assertions = -1, .command = rule->run, .why = rule->why};
    missing = stack_rule_lacks(unit->stack, rule, &r->tools);
    if (missing) {
        decide_tool_missing(r, c, unit->stack, missing);
        *ret_why = c;
        return 0;
    }
    if (run_step(r, unit, rule, "install", step, c, &e, err) < 0)
        return -1;
    if (!r->broken && !check_judge_installed(&e, rule, c, r->arena))
        *ret_why = c;
    return 0;
}

static void not_installed(struct run *r, const struct stack_unit *unit, enum check_kind kind,
                          const struct check *why)
{
    struct check *c = &r->round->checks[r->round->n_checks++];

    *c = *why;
    c->kind = kind;
    c->stack = unit->stack->name;
    c->dir = unit->dir;
    tell(r, c, false);
    tell(r, c, true);
}

static int run_unit(struct run *r, const struct stack_unit *unit, struct err *err)
{
    struct check *failed_install;

    if (install(r, unit, &failed_install, err) < 0)
        return -1;
    for (int k = r->options->tests_only ? CHECK_TESTS : 0; k < CHECK_KINDS; k++) {
        if (failed_install)
            not_installed(r, unit, (enum check_kind)k, failed_install);
        else if (run_check(r, unit, (enum check_kind)k, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- a round ---- */

static void no_project(struct run *r)
{
    struct check *c = &r->round->checks[r->round->n_checks++];

    *c = (struct check){.kind = CHECK_TESTS, .stack = "none", .dir = ".", .exit_code = -1};
    decide(c, CHECK_FAIL, CHECK_NO_PROJECT,
           r->tree->n_files ? "no file says what kind of project this is" : "there are no files");
    tell(r, c, false);
    tell(r, c, true);
}

static int prepare(struct run *r, struct err *err)
{
    struct err failed = {0};

    if (end_all(r, &failed) < 0 || probe_tools(r, &failed) < 0)
        return sandbox_failed(r, &failed, err);
    return 0;
}

static int run_units(struct run *r, struct err *err)
{
    if (!r->round->n_units) {
        no_project(r);
        return 0;
    }
    if (prepare(r, err) < 0)
        return -1;
    for (size_t i = 0; i < r->round->n_units; i++)
        if (run_unit(r, &r->round->units[i], err) < 0)
            return -1;
    return 0;
}

int check_run_at(const struct check_place *place, const struct tree *t,
                 const struct check_options *options, struct arena *a, struct check_round *ret,
                 struct err *err)
{
    struct check_round round = {0};
    struct run r = {.place = place, .tree = t, .options = options, .arena = a, .round = &round};
    int status;

    r.deadline = options->deadline ? options->deadline : CLOCK_NEVER;
    r.top = arena_printf(a, "%s/kiln-%s", place->tmp, rand_id(a, 20));
    stack_detect(options->stacks, t, a, &round.units, &round.n_units);
    round.checks = ARENA_ARRAY(a, (round.n_units + 1) * CHECK_KINDS, struct check);
    status = run_units(&r, err);
    envd_remove(place->envd, r.top, NULL);
    if (status < 0)
        return -1;
    check_conclude(&round);
    *ret = round;
    return 0;
}

static int end_all_in_sandbox(void *ctx, struct err *err)
{
    return sandbox_kill_all(ctx, err);
}

int check_run(struct sandbox *box, const struct tree *t, const struct check_options *options,
              struct arena *a, struct check_round *ret, struct err *err)
{
    const struct check_place place = {
        .envd = sandbox_envd(box),
        .tmp = "/tmp",
        .kiln_dir = STACK_KILN_DIR,
        .end_all = end_all_in_sandbox,
        .ctx = box,
    };

    return check_run_at(&place, t, options, a, ret, err);
}
