#include "task/run.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

/* What a check's progress is told by: which phase it is of. */
struct watcher {
    struct run *run;
    const char *phase;
};

static void on_check(void *ctx, const struct check *c, bool finished)
{
    const struct watcher *w = ctx;
    json_t *event = json_object();

    json_set(event, "phase", json_c(w->phase));
    json_set(event, "check", json_c(check_kind_name(c->kind)));
    json_set(event, "stack", json_c(c->stack));
    json_set(event, "dir", json_c(c->dir));
    json_set(event, "command", json_c(c->command));
    if (finished) {
        json_set(event, "outcome", json_c(check_outcome_name(c->outcome)));
        json_set(event, "reason", json_c(check_reason_name(c->reason)));
        json_set(event, "detail", json_c(c->detail));
        json_set(event, "wall_ms", json_integer(c->wall_ms));
    }
    events_emit(w->run->events, finished ? "check_finished" : "check_started", event);
}

static int check_once(struct run *r, struct sandbox *box, const struct tree *tree,
                      const char *phase, const char *label, bool tests_only,
                      struct check_round *ret, struct err *err)
{
    int64_t start = clock_now_ms();
    struct watcher w = {.run = r, .phase = phase};
    struct check_options options = {
        .stacks = &r->stacks,
        .log_dir = result_file(r->dir, r->a, "logs"),
        .label = label,
        .tests_only = tests_only,
        .deadline = r->deadline,
        .on_check = on_check,
        .ctx = &w,
    };
    int rc = check_run(box, tree, &options, r->a, ret, err);

    r->check_ms += clock_now_ms() - start;
    return rc;
}

/* Whether that was the infrastructure's failure: worth another try, and not the agent's. */
static bool could_not_run(const struct run *r, int rc, const struct check_round *round,
                          const struct err *err)
{
    if (rc == 0)
        return round->infra;
    return err->kind != ERR_CANCELLED && clock_now_ms() < r->deadline;
}

static void tell_retry(struct run *r)
{
    events_emit(r->events, "warning",
                json_pack("{s:s}", "text",
                          "the checks could not run; they are tried once more in a new sandbox"));
}

static int check_in_work_box(struct run *r, struct run_iteration *it, struct err *err)
{
    const char *label = arena_printf(r->a, "it%" PRId64, it->number);
    int rc = check_once(r, r->box, &it->tree, "iteration", label, false, &it->round, err);

    if (!could_not_run(r, rc, &it->round, err))
        return rc;
    tell_retry(r);
    if (run_box_renew(r, &it->tree, err))
        return -1;
    label = arena_printf(r->a, "%s-retry", label);
    return check_once(r, r->box, &it->tree, "iteration", label, false, &it->round, err);
}

int run_check(struct run *r, struct run_iteration *it, struct err *err)
{
    const struct run_iteration *before = r->n_its > 1 ? &r->its[r->n_its - 2] : NULL;

    r->phase = RUN_SANDBOX;
    if (before && !before->round.infra && !before->verified &&
        strcmp(before->tree.sha256, it->tree.sha256) == 0) {
        it->round = before->round;
        return 0;
    }
    if (check_in_work_box(r, it, err))
        return -1;
    check_compare(&r->tests, &it->round, r->a);
    return 0;
}

static int verify_in(struct run *r, struct sandbox *box, const char *label,
                     struct run_iteration *it, struct err *err)
{
    struct check_round again;

    if (tree_place(&it->tree, sandbox_envd(box), SANDBOX_WORK, err))
        return err_wrap(err, "put the files into the fresh sandbox");
    if (check_once(r, box, &it->tree, "verify", label, false, &it->verify, err))
        return -1;
    if (it->verify.infra)
        return 0;
    check_compare(&r->tests, &it->verify, r->a);
    if (!it->verify.green)
        return 0;
    label = arena_printf(r->a, "%s-again", label);
    if (check_once(r, box, &it->tree, "again", label, true, &again, err))
        return -1;
    check_flaky(&it->verify, &again, r->a);
    return 0;
}

static int verify_in_fresh_box(struct run *r, const char *label, struct run_iteration *it,
                               struct err *err)
{
    struct sandbox *box;
    int rc;

    if (run_box_open(r, "verify", &box, err))
        return -1;
    rc = verify_in(r, box, label, it, err);
    sandbox_close(box);
    return rc;
}

int run_verify(struct run *r, struct run_iteration *it, struct err *err)
{
    const char *label = arena_printf(r->a, "verify%" PRId64, it->number);
    json_t *event;
    int rc;

    r->phase = RUN_SANDBOX;
    events_emit(r->events, "verify_started", NULL);
    rc = verify_in_fresh_box(r, label, it, err);
    if (could_not_run(r, rc, &it->verify, err)) {
        tell_retry(r);
        rc = verify_in_fresh_box(r, arena_printf(r->a, "%s-retry", label), it, err);
    }
    if (rc)
        return -1;
    it->verified = true;
    it->green = it->verify.green;
    event = json_object();
    json_set(event, "green", json_boolean(it->green));
    json_set(event, "summary", json_c(check_summary(&it->verify, r->a)));
    events_emit(r->events, "verify_finished", event);
    return 0;
}
