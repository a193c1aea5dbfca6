#include "task/run.h"

#include <string.h>

#include "base/clock.h"

enum { CONTENT_MAX = 64 * 1024 };

const struct run_iteration *run_record_chosen(const struct run *r)
{
    const struct run_iteration *last = r->n_its ? &r->its[r->n_its - 1] : NULL;

    if (!last)
        return NULL;
    if (last->green)
        return last;
    if (r->progress.n)
        return &r->its[r->progress.best];
    return last->tree.files ? last : NULL;
}

static json_t *changes_json(const struct run_iteration *it)
{
    static const char *const names[] = {
        [TREE_ADDED] = "added", [TREE_MODIFIED] = "modified", [TREE_DELETED] = "deleted"};
    json_t *list = json_array();

    for (size_t i = 0; i < it->n_changes && i < 200; i++)
        json_add(list, json_pack("{s:o, s:s}", "path", json_c(it->changes[i].path), "change",
                                 names[it->changes[i].change]));
    return list;
}

static json_t *engine_json(struct arena *a, const struct engine_result *e)
{
    json_t *o = json_object();

    json_set(o, "text", json_c(e->text));
    json_set(o, "model_calls", json_integer(e->model_calls));
    json_set(o, "tool_calls", json_integer(e->tool_calls));
    json_set(o, "tokens", usage_to_json(&e->usage));
    json_set(o, "cost_usd", json_c(usage_usd(a, e->nano_usd)));
    json_set(o, "model_ms", json_integer(e->model_ms));
    json_set(o, "tool_ms", json_integer(e->tool_ms));
    return o;
}

static json_t *iteration_json(struct arena *a, const struct run_iteration *it)
{
    json_t *o = json_object();

    json_set(o, "iteration", json_integer(it->number));
    json_set(o, "conversation", json_integer(it->thread));
    json_set(o, "green", json_boolean(it->green));
    json_set(o, "commit", it->commit[0] ? json_c(it->commit) : json_null());
    json_set(o, "tree_sha256", it->tree.sha256[0] ? json_c(it->tree.sha256) : json_null());
    json_set(o, "changes", changes_json(it));
    json_set(o, "round", check_to_json(&it->round));
    json_set(o, "verify", it->verified ? check_to_json(&it->verify) : json_null());
    json_set(o, "engine", engine_json(a, &it->engine));
    json_set(o, "wall_ms", json_integer(it->wall_ms));
    return o;
}

static json_t *iterations_json(const struct run *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->n_its; i++)
        json_add(list, iteration_json(r->a, &r->its[i]));
    return list;
}

/* What kiln concluded, and whether that comes from the fresh sandbox. */
static json_t *verdict_json(const struct run_iteration *it)
{
    json_t *o = check_to_json(it->verified ? &it->verify : &it->round);

    json_set(o, "green", json_boolean(it->green));
    json_set(o, "verified_in_fresh_sandbox", json_boolean(it->verified));
    json_set(o, "iteration", json_integer(it->number));
    return o;
}

static json_t *notes_json(const struct tree *t)
{
    json_t *list = json_array();

    for (size_t i = 0; i < t->n_notes; i++)
        json_add(list, json_c(t->notes[i]));
    return list;
}

static void add_tree(json_t *o, const struct run_iteration *it)
{
    json_set(o, "files", it ? tree_to_json(&it->tree, CONTENT_MAX) : json_array());
    json_set(o, "tree_sha256", it ? json_c(it->tree.sha256) : json_null());
    json_set(o, "notes", it ? notes_json(&it->tree) : json_array());
    json_set(o, "verdict", it && it->round.n_checks ? verdict_json(it) : json_null());
}

static json_t *limits_json(struct arena *a, const struct config *c)
{
    json_t *o = json_object();

    json_set(o, "iterations", json_integer(c->iterations));
    json_set(o, "budget_usd", json_c(usage_usd(a, (int64_t)(c->budget_usd * NANO_USD + 0.5))));
    json_set(o, "timeout_s", json_real(c->timeout_s));
    json_set(o, "turns", json_integer(c->turns));
    json_set(o, "tokens", json_integer(c->max_task_tokens));
    return o;
}

static json_t *model_json(const struct run *r)
{
    json_t *o = json_object();

    json_set(o, "name", json_c(r->env.model));
    json_set(o, "scripted", json_boolean(r->options->scripted));
    json_set(o, "engine", json_c(r->config->engine));
    return o;
}

/* Where the time went; `kiln_ms` is what is left: kiln's own work. */
static json_t *timings_json(const struct run *r, int64_t wall_ms)
{
    json_t *o = json_object();

    json_set(o, "wall_ms", json_integer(wall_ms));
    json_set(o, "model_ms", json_integer(r->model_ms));
    json_set(o, "tools_ms", json_integer(r->tool_ms));
    json_set(o, "checks_ms", json_integer(r->check_ms));
    json_set(o, "sandbox_ms", json_integer(r->sandbox_ms));
    json_set(o, "kiln_ms",
             json_integer(wall_ms - r->model_ms - r->tool_ms - r->check_ms - r->sandbox_ms));
    return o;
}

static void add_head(const struct run *r, json_t *o)
{
    json_set(o, "schema", json_c("kiln.result/1"));
    json_set(o, "task_id", json_c(r->spec->id));
    json_set(o, "state", json_c(task_state_name(r->state)));
    json_set(o, "reason", json_c(task_reason_name(r->reason)));
    json_set(o, "blame", json_c(task_blame(r->reason)));
    json_set(o, "detail", json_c(r->detail));
    json_set(o, "specification", json_c(r->spec->specification));
    json_set(o, "plan", json_c(r->plan.text));
    json_set(o, "started_at", json_c(clock_rfc3339(r->a, r->started_wall_ms)));
    json_set(o, "finished_at", json_c(clock_rfc3339(r->a, clock_wall_ms())));
}

json_t *run_record(const struct run *r)
{
    json_t *o = json_object();

    add_head(r, o);
    json_set(o, "model", model_json(r));
    json_set(o, "limits", limits_json(r->a, r->config));
    add_tree(o, run_record_chosen(r));
    json_set(o, "iterations", iterations_json(r));
    json_set(o, "model_calls", json_integer(r->model_calls));
    json_set(o, "tokens", usage_to_json(&r->usage));
    json_set(o, "cost_usd", json_c(usage_usd(r->a, r->nano_usd)));
    json_set(o, "timings", timings_json(r, clock_now_ms() - r->started_ms));
    json_set(o, "sandbox", r->box_record ? json_incref(r->box_record) : json_null());
    json_set(o, "versions", json_pack("{s:s}", "kiln", KILN_VERSION));
    return o;
}
