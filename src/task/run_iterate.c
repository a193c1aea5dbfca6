#include "task/run.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

enum { BOXES_LOST_MAX = 3 };

static void add_usage(struct run *r, const struct run_iteration *it, const struct engine_result *e)
{
    json_t *event = json_object();

    usage_add(&r->usage, &e->usage);
    r->nano_usd += e->nano_usd;
    r->model_calls += e->model_calls;
    r->model_ms += e->model_ms;
    r->tool_ms += e->tool_ms;
    json_set(event, "iteration", json_integer(it->number));
    json_set(event, "model_calls", json_integer(e->model_calls));
    json_set(event, "tokens", usage_to_json(&e->usage));
    json_set(event, "cost_usd", json_c(usage_usd(r->a, e->nano_usd)));
    json_set(event, "total_cost_usd", json_c(usage_usd(r->a, r->nano_usd)));
    events_emit(r->events, "usage", event);
}

/* Adds what a part of a turn took to the iteration's sums. */
static void add_result(struct engine_result *sum, const struct engine_result *part)
{
    struct engine_result total = *part;

    usage_add(&total.usage, &sum->usage);
    total.model_calls += sum->model_calls;
    total.tool_calls += sum->tool_calls;
    total.nano_usd += sum->nano_usd;
    total.model_ms += sum->model_ms;
    total.tool_ms += sum->tool_ms;
    *sum = total;
}

static bool box_is_lost(struct run *r, const struct err *err)
{
    const char *why = NULL;

    if (err->kind != ERR_HOST || r->boxes_lost >= BOXES_LOST_MAX)
        return false;
    sandbox_alive(r->box, r->a, &why);
    r->boxes_lost++;
    events_emit(r->events, "warning",
                json_pack("{s:o}", "text",
                          json_c(arena_printf(r->a,
                                              "the sandbox was lost (%s); the agent goes on "
                                              "in a new one",
                                              why ? why : err->msg))));
    return true;
}

/* The engine's turn. A sandbox that dies under it (the agent may have blown it up) is replaced. */
static int take_turn(struct run *r, struct run_iteration *it, const char *prompt, struct err *err)
{
    struct engine_result part = {0};
    int rc;

    for (;;) {
        r->phase = RUN_MODEL;
        rc = r->ops->turn(r->engine, prompt, r->a, &part, err);
        add_usage(r, it, &part);
        add_result(&it->engine, &part);
        if (rc == 0 || !box_is_lost(r, err))
            return rc;
        r->phase = RUN_SANDBOX;
        if (run_box_renew(r, &r->base, err))
            return -1;
        prompt =
            "The sandbox died while you worked (what you ran used it up or destroyed it). You "
            "have a new one; it holds the files from before your turn, without what you changed "
            "since. Go on, and avoid what killed it.";
    }
}

/* Notes which protected tests the agent changed. */
static void note_restored(struct run *r, struct run_iteration *it, const struct tree *collected)
{
    const struct tree *tests = &r->spec->tests;

    it->restored = ARENA_ARRAY(r->a, tests->n_files + 1, const char *);
    for (size_t i = 0; i < tests->n_files; i++) {
        const struct tree_file *now = tree_find(collected, tests->files[i].path);

        if (!now || strcmp(now->sha256, tests->files[i].sha256) != 0)
            it->restored[it->n_restored++] = tests->files[i].path;
    }
}

static json_t *notes_of(const struct tree *t)
{
    json_t *notes = json_array();

    for (size_t i = 0; i < t->n_notes; i++)
        json_add(notes, json_c(t->notes[i]));
    return notes;
}

static void tell_collected(struct run *r, const struct run_iteration *it)
{
    json_t *event = json_object();

    json_set(event, "files", json_integer((json_int_t)it->tree.n_files));
    json_set(event, "bytes", json_integer((json_int_t)it->tree.bytes));
    json_set(event, "sha256", json_c(it->tree.sha256));
    json_set(event, "notes", notes_of(&it->tree));
    json_set(event, "commit", json_c(it->commit));
    events_emit(r->events, "tree_collected", event);
}

static int commit(struct run *r, struct run_iteration *it, struct err *err)
{
    const char *message =
        arena_printf(r->a, "iteration %" PRId64 "\n\nTask: %s\n", it->number, r->spec->id);

    r->phase = RUN_RECORD;
    if (history_commit(r->history, &it->tree, message, it->commit, err))
        return err_wrap(err, "record the iteration");
    return events_error(r->events, err);
}

/* Ends what the agent left running, takes the files out, and puts protected tests back. */
static int collect(struct run *r, struct run_iteration *it, struct err *err)
{
    int64_t start = clock_now_ms();
    struct tree collected;

    r->phase = RUN_SANDBOX;
    if (sandbox_kill_all(r->box, err) ||
        tree_collect(r->env.envd, SANDBOX_WORK, r->excludes, r->n_excludes, NULL, &it->tree_arena,
                     &collected, err))
        return err_wrap(err, "collect the files");
    note_restored(r, it, &collected);
    tree_overlay(&collected, &r->spec->tests, &it->tree_arena, &it->tree);
    if (it->n_restored && tree_place(&it->tree, r->env.envd, SANDBOX_WORK, err))
        return err_wrap(err, "put protected tests back");
    tree_compare(&r->base, &it->tree, r->a, &it->changes, &it->n_changes);
    r->sandbox_ms += clock_now_ms() - start;
    if (commit(r, it, err))
        return -1;
    tell_collected(r, it);
    return 0;
}

static void tell_started(struct run *r, const struct run_iteration *it)
{
    json_t *event = json_object();

    json_set(event, "iteration", json_integer(it->number));
    json_set(event, "of", json_integer(r->config->iterations));
    json_set(event, "fresh", json_boolean(it->fresh));
    events_emit(r->events, "iteration_started", event);
}

static void tell_finished(struct run *r, const struct run_iteration *it)
{
    json_t *event = json_object();

    json_set(event, "iteration", json_integer(it->number));
    json_set(event, "green", json_boolean(it->round.green));
    json_set(event, "summary", json_c(check_summary(&it->round, r->a)));
    events_emit(r->events, "iteration_finished", event);
}

void run_forget_trees(struct run *r, bool all)
{
    for (size_t i = 0; i < r->n_its; i++) {
        if (!all && (i + 1 == r->n_its || i == r->progress.best))
            continue;
        arena_clear(&r->its[i].tree_arena);
        r->its[i].tree.files = NULL;
        r->its[i].tree.n_files = r->its[i].tree.n_notes = 0;
    }
}

/* What the agent wrote before its turn broke off (budget, time, the model) is kept, unchecked. */
static void keep_partial(struct run *r, struct run_iteration *it, const struct err *why)
{
    enum run_phase phase = r->phase;

    if (r->box && why->kind != ERR_CANCELLED && why->kind != ERR_HOST)
        collect(r, it, NULL);
    r->phase = phase;
}

int run_iterate(struct run *r, const char *prompt, struct err *err)
{
    int64_t start = clock_now_ms();
    struct run_iteration *it;

    r->its = arena_grow(r->a, r->its, r->n_its, &r->cap_its, sizeof(r->its[0]));
    it = &r->its[r->n_its++];
    *it = (struct run_iteration){.number = (int64_t)r->n_its, .thread = r->progress.thread};
    it->fresh = it->thread > 0 && it[-1].thread != it->thread;
    tell_started(r, it);
    if (take_turn(r, it, prompt, err)) {
        keep_partial(r, it, err);
        return -1;
    }
    if (collect(r, it, err) || run_check(r, it, err))
        return -1;
    it->wall_ms = clock_now_ms() - start;
    tell_finished(r, it);
    return 0;
}
