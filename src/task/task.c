/*
 * The life of a task, top to bottom: read task_run() first, then pursue().
 */
#include "task/task.h"

#include "base/clock.h"
#include "task/feedback.h"
#include "task/run.h"

enum { MIB = 1024 * 1024 };

/* ---- ends ---- */

static void end(struct run *r, enum task_reason reason, const char *detail)
{
    r->reason = reason;
    r->detail = detail;
    r->state = reason == TASK_OK            ? TASK_SUCCEEDED
               : reason == TASK_INTERRUPTED ? TASK_CANCELLED
                                            : TASK_FAILED;
}

static enum task_reason reason_of(const struct run *r, const struct err *err)
{
    if (err->kind == ERR_CANCELLED)
        return TASK_INTERRUPTED;
    if (err->kind == ERR_BUDGET && r->phase == RUN_MODEL)
        return TASK_BUDGET;
    if (err->kind == ERR_TIMEOUT && clock_now_ms() >= r->deadline)
        return TASK_TIME_LIMIT;
    if (err->kind == ERR_HOST)
        return TASK_SANDBOX_ERROR;
    if (err->kind == ERR_IO) /* a full disk, mostly, under what is written beside the result */
        return TASK_HOST_ERROR;
    switch (r->phase) {
    case RUN_MODEL:
        return err->kind == ERR_AUTH ? TASK_KEY_REFUSED : TASK_MODEL_ERROR;
    case RUN_SANDBOX:
        return TASK_SANDBOX_ERROR;
    case RUN_SETUP:
    case RUN_RECORD:
        break;
    }
    return TASK_HOST_ERROR;
}

static void end_with_error(struct run *r, const struct err *err)
{
    const char *detail = err->msg;

    if (err->fix[0])
        detail = arena_printf(r->a, "%s (fix: %s)", err->msg, err->fix);
    end(r, reason_of(r, err), arena_strdup(r->a, detail));
}

/* ---- the work ---- */

static int plan(struct run *r, struct err *err)
{
    const char *prompt = feedback_plan(r->spec->specification, &r->spec->tests, r->a);
    int rc;

    r->phase = RUN_MODEL;
    rc = r->ops->plan(r->engine, prompt, r->a, &r->plan, err);
    usage_add(&r->usage, &r->plan.usage);
    r->nano_usd += r->plan.nano_usd;
    r->model_calls += r->plan.model_calls;
    r->model_ms += r->plan.model_ms;
    r->tool_ms += r->plan.tool_ms;
    if (rc)
        return -1;
    events_emit(r->events, "plan", json_pack("{s:o}", "text", json_c(r->plan.text)));
    return 0;
}

/* What an engine's turn ended in, beyond files: true if the task is over. A conversation that grew
 * too long is renewed; one that is too long from the start (`fresh`) won't get shorter. */
static bool engine_gave_up(struct run *r, const struct engine_result *e, bool fresh)
{
    if (e->end == ENGINE_BLOCKED)
        end(r, TASK_BLOCKED, arena_printf(r->a, "the agent says: %s", e->text ? e->text : ""));
    else if (e->end == ENGINE_CONTEXT && fresh && e->model_calls <= 1)
        end(r, TASK_MODEL_ERROR,
            arena_printf(r->a, "the model takes no request of this size: %s",
                         e->text ? e->text : "the specification may be too long for it"));
    else if (e->end == ENGINE_REFUSED)
        end(r, TASK_AGENT_ERROR,
            arena_printf(r->a, "the model refused: %s", e->text ? e->text : "no reason given"));
    else
        return false;
    return true;
}

static void end_red(struct run *r, bool no_progress)
{
    const struct run_iteration *best = run_record_chosen(r);
    const char *red = best ? check_summary(best->verified ? &best->verify : &best->round, r->a)
                           : "no file was written";

    if (!best || best->tree.n_files == 0)
        end(r, TASK_AGENT_ERROR, "the agent wrote no file");
    else if (no_progress)
        end(r, TASK_NO_PROGRESS,
            arena_printf(r->a, "the same failures and the same files again and again: %s", red));
    else
        end(r, TASK_CHECKS_RED, arena_printf(r->a, "after %zu iterations: %s", r->n_its, red));
}

/* A check that could not run, also in a second sandbox: this host's matter. */
static bool could_not_check(struct run *r, const struct check_round *round)
{
    for (size_t i = 0; round->infra && i < round->n_checks; i++) {
        const struct check *c = &round->checks[i];

        if (c->outcome == CHECK_ERROR) {
            end(r, TASK_SANDBOX_ERROR,
                arena_printf(r->a, "%s could not run: %s", check_kind_name(c->kind),
                             c->detail ? c->detail : check_reason_name(c->reason)));
            return true;
        }
    }
    return false;
}

/* From the plan to green, or to a limit. Sets the end unless it fails. */
static int pursue(struct run *r, struct err *err)
{
    const char *prompt = feedback_start();

    if (run_set_up(r, err) || plan(r, err))
        return -1;
    if (engine_gave_up(r, &r->plan, true))
        return 0;
    while (prompt && (int64_t)r->n_its < r->config->iterations) {
        struct run_iteration *it;

        if (run_iterate(r, prompt, err))
            return -1;
        it = &r->its[r->n_its - 1];
        if (engine_gave_up(r, &it->engine, it->fresh) || could_not_check(r, &it->round))
            return 0;
        if (it->round.green && run_verify(r, it, err))
            return -1;
        if (it->green) {
            end(r, TASK_OK, check_summary(&it->verify, r->a));
            return 0;
        }
        if (could_not_check(r, &it->verify))
            return 0;
        if (run_decide(r, &prompt, err))
            return -1;
        run_forget_trees(r, false);
    }
    end_red(r, prompt == NULL);
    return 0;
}

/* ---- the result ---- */

static json_t *files_json(const struct tree *t)
{
    json_t *list = json_array();

    for (size_t i = 0; t && i < t->n_files; i++)
        json_add(list, json_pack("{s:o, s:I}", "path", json_c(t->files[i].path), "bytes",
                                 (json_int_t)t->files[i].content.n));
    return list;
}

static void tell_finished(struct run *r, const json_t *record)
{
    const struct run_iteration *it = run_record_chosen(r);
    const json_t *verdict = json_object_get(record, "verdict");
    json_t *event = json_object();

    json_set(event, "state", json_c(task_state_name(r->state)));
    json_set(event, "reason", json_c(task_reason_name(r->reason)));
    json_set(event, "blame", json_c(task_blame(r->reason)));
    json_set(event, "detail", json_c(r->detail));
    json_set(event, "iterations", json_integer((json_int_t)r->n_its));
    json_set(event, "cost_usd", json_c(usage_usd(r->a, r->nano_usd)));
    json_set(event, "tokens", usage_to_json(&r->usage));
    json_set(event, "wall_ms", json_integer(clock_now_ms() - r->started_ms));
    json_set(event, "files", files_json(it ? &it->tree : NULL));
    json_set(event, "verdict", verdict ? json_deep_copy(verdict) : json_null());
    events_emit(r->events, "task_finished", event);
}

/* Everything that goes beside result.json, then result.json itself and the rename. */
static int write_result(struct run *r, const char **ret_path, struct err *err)
{
    const struct run_iteration *it = run_record_chosen(r);
    JSON_CLEANUP json_t *record = run_record(r);

    tell_finished(r, record);
    if (events_error(r->events, err))
        return -1;
    if ((it && tree_write(&it->tree, result_file(r->dir, r->a, "files"), err)) ||
        result_finish(r->dir, record, r->a, ret_path, err))
        return -1;
    return 0;
}

static void tell_task_started(struct run *r)
{
    json_t *event = json_object();

    json_set(event, "specification", json_c(r->spec->specification));
    json_set(event, "model", json_c(r->config->model));
    json_set(event, "engine", json_c(r->config->engine));
    json_set(event, "iterations", json_integer(r->config->iterations));
    json_set(event, "budget_usd",
             json_c(usage_usd(r->a, (int64_t)(r->config->budget_usd * NANO_USD + 0.5))));
    json_set(event, "scripted", json_boolean(r->options->scripted));
    json_set(event, "dir", json_c(result_path(r->dir)));
    events_emit(r->events, "task_started", event);
}

struct sandbox_limits task_sandbox_limits(const struct config *c)
{
    return (struct sandbox_limits){
        .memory_bytes = c->memory_mb * MIB,
        .disk_bytes = c->disk_mb * MIB,
        .tmp_bytes = c->tmp_mb * MIB,
        .pids = c->pids,
        .cpus = c->cpus,
    };
}

int task_run(struct arena *a, const struct task_spec *spec, const struct task_options *options,
             struct task_outcome *ret, struct err *err)
{
    struct run r = {.a = a,
                    .spec = spec,
                    .options = options,
                    .config = options->config,
                    .started_ms = clock_now_ms(),
                    .started_wall_ms = clock_wall_ms()};
    struct err failure = {0};
    const char *path = NULL;
    int rc;

    r.deadline = clock_deadline((int64_t)(r.config->timeout_s * 1000));
    if (result_open(r.config->results_dir, spec->id, &r.dir, err))
        return -1;
    if (events_open(result_file(r.dir, a, "events.ndjson"), spec->id, options->on_event,
                    options->ctx, &r.events, err)) {
        result_close(r.dir);
        return -1;
    }
    tell_task_started(&r);
    if (pursue(&r, &failure))
        end_with_error(&r, &failure);
    run_take_down(&r);
    rc = write_result(&r, &path, err);
    if (rc) {
        err_wrap(err, "the result of task %s can't be written", spec->id);
        err_fix(err,
                "make room or mend the folder; what was kept lies in %s, and the next "
                "`kiln run` makes a result of it",
                result_path(r.dir));
    }
    *ret = (struct task_outcome){
        .state = r.state, .reason = r.reason, .detail = r.detail, .result_path = path};
    run_forget_trees(&r, true);
    events_close(r.events);
    result_close(r.dir);
    json_decref(r.box_record);
    return rc;
}
