#include "check/check_step.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/rand.h"
#include "base/text.h"
#include "check/check_report.h"

/* The folders of one run, all below one with a random name. */
struct folders {
    const char *top, *work, *home, *tmp, *report;
};

static struct folders name_folders(struct arena *a, const char *parent)
{
    const char *top = arena_printf(a, "%s/kiln-%s", parent, rand_id(a, 20));

    return (struct folders){
        .top = top,
        .work = fs_join(a, top, "work"),
        .home = fs_join(a, top, "home"),
        .tmp = fs_join(a, top, "tmp"),
        .report = fs_join(a, top, "report"),
    };
}

/* ---- the command ---- */

/* `env -i NAME=value ... sh -c SCRIPT`. */
struct command {
    struct arena *arena;
    const char **argv;
    size_t n, cap;
};

static void add_arg(struct command *c, const char *arg)
{
    c->argv = arena_grow(c->arena, c->argv, c->n, &c->cap, sizeof(*c->argv));
    c->argv[c->n++] = arg;
}

static void add_env(struct command *c, const char *name, const char *value)
{
    add_arg(c, arena_printf(c->arena, "%s=%s", name, value));
}

static void add_fixed_env(struct command *c)
{
    static const struct envd_env fixed[] = {
        {"PATH", "/usr/local/bin:/usr/bin:/bin"},
        {"SHELL", "/bin/sh"},
        {"USER", "user"},
        {"LOGNAME", "user"},
        {"LANG", "C.UTF-8"},
        {"TZ", "UTC"},
        {"TERM", "dumb"},
        {"CI", "1"},
        {"NO_COLOR", "1"},
        {"GIT_TERMINAL_PROMPT", "0"},
    };

    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        add_env(c, fixed[i].name, fixed[i].value);
}

static const char *script(struct arena *a, const struct check_step *step)
{
    const char *prepare = step->unit->stack->prepare;

    return arena_printf(a, "mkdir -p \"$HOME\" \"$TMPDIR\" \"$REPORT\" \"$DEPS\" || exit 70\n%s%s",
                        prepare ? prepare : "", step->rule->run);
}

static const char *const *make_argv(const struct check_place *place, const struct check_step *step,
                                    const struct folders *f, struct arena *a)
{
    const struct json_pairs *env = &step->unit->stack->env;
    struct command c = {.arena = a};

    add_arg(&c, "/usr/bin/env");
    add_arg(&c, "-i");
    add_fixed_env(&c);
    add_env(&c, "HOME", f->home);
    add_env(&c, "TMPDIR", f->tmp);
    add_env(&c, "REPORT", f->report);
    add_env(&c, "DEPS", step->deps);
    add_env(&c, "KILN", place->kiln_dir);
    for (size_t i = 0; i < env->n; i++)
        add_env(&c, env->items[i].name, env->items[i].value);
    for (size_t i = 0; i < step->n_env; i++)
        add_env(&c, step->env[i].name, step->env[i].value);
    add_arg(&c, "/bin/sh");
    add_arg(&c, "-c");
    add_arg(&c, script(a, step));
    add_arg(&c, NULL);
    return c.argv;
}

static int open_log(const char *path, int *ret_fd, struct err *err)
{
    *ret_fd = -1;
    if (!path)
        return 0;
    *ret_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    return *ret_fd < 0 ? err_sys(err, ERR_IO, errno, "write the log '%s'", path) : 0;
}

static struct str clean_output(const struct folders *f, const struct envd_output *out,
                               struct arena *a)
{
    ARENA_CLEANUP struct arena scratch = {0};
    struct str text = envd_output_text(&scratch, out);

    text = check_report_replace(&scratch, text, fs_join(&scratch, f->work, ""), "");
    text = check_report_replace(&scratch, text, f->work, ".");
    text = check_report_replace(&scratch, text, f->top, "/tmp");
    return text_head_tail(a, text_clean(&scratch, text, TEXT_LINES), CHECK_OUTPUT_MAX, 40);
}

static int timeout_ms(const struct check_step *step)
{
    int64_t own = (step->rule->timeout_s ? step->rule->timeout_s : step->timeout_s) * 1000;
    int left = clock_poll_ms(step->deadline);

    return left >= 0 && left < own ? left + 1 : (int)own; /* never 0, which means no limit */
}

static int run_command(const struct check_place *place, const struct check_step *step,
                       const struct folders *f, struct arena *a, struct check_evidence *ret,
                       struct err *err)
{
    ARENA_CLEANUP struct arena scratch = {0};
    FD_CLEANUP int log_fd = -1;
    const struct envd_process process = {
        .argv = make_argv(place, step, f, &scratch),
        .cwd = strcmp(step->unit->dir, ".") ? fs_join(&scratch, f->work, step->unit->dir) : f->work,
        .timeout_ms = timeout_ms(step),
    };
    struct err ran = {0};

    if (open_log(step->log_path, &log_fd, err) < 0)
        return -1;
    if (envd_run(place->envd, a, &process, &(struct envd_run_options){.log_fd = log_fd},
                 &ret->result, &ran) < 0) {
        if (ran.kind != ERR_LIMIT) {
            *err = ran;
            return -1;
        }
        ret->output_limit = true;
    }
    if (ret->result.outcome == ENVD_TIMED_OUT && clock_now_ms() >= step->deadline)
        return err_set(err, ERR_TIMEOUT, "the time for the task is over");
    ret->output = clean_output(f, &ret->result.out, a);
    return 0;
}

static int end_all(const struct check_place *place, struct err *err)
{
    return place->end_all ? place->end_all(place->ctx, err) : 0;
}

static int run_in(const struct check_place *place, const struct tree *t,
                  const struct check_step *step, const struct folders *f, struct arena *a,
                  struct check_evidence *ret, struct err *err)
{
    if (tree_place(t, place->envd, f->work, err) < 0)
        return -1;
    if (run_command(place, step, f, a, ret, err) < 0) {
        end_all(place, NULL);
        return -1;
    }
    if (end_all(place, err) < 0)
        return -1;
    if (!step->rule->reports.n)
        return 0;
    return check_report_fetch(place, f->report, arena_printf(a, "%s/", f->work),
                              &step->rule->reports, t, a, ret, err);
}

int check_step_run(const struct check_place *place, const struct tree *t,
                   const struct check_step *step, struct arena *a, struct check_evidence *ret,
                   struct err *err)
{
    const struct folders f = name_folders(a, place->tmp);
    struct check_evidence evidence = {0};
    int status = run_in(place, t, step, &f, a, &evidence, err);

    /* What can't be removed (a folder that the step locked) goes with the sandbox. */
    envd_remove(place->envd, f.top, NULL);
    if (status == 0)
        *ret = evidence;
    return status;
}
