#include "task/run.h"

#include <string.h>

#include "base/embed.h"
#include "base/fs.h"

static const char *system_prompt(struct run *r)
{
    struct str text = embed_get("data/prompts/system.txt"), mark = STR("{{CONTRACTS}}");
    ptrdiff_t at = str_find(text, mark);
    struct str after;

    if (at < 0)
        return arena_dup(r->a, text).p;
    after = str_from_pos(text, (size_t)at + mark.n);
    return arena_printf(r->a, "%.*s%s%.*s", (int)at, text.p, stack_contracts(&r->stacks, r->a),
                        STR_ARG(after));
}

static void on_engine_event(void *ctx, const struct engine_event *e)
{
    static const char *const types[] = {
        [ENGINE_TEXT] = "engine_text",         [ENGINE_TOOL] = "engine_tool",
        [ENGINE_TOOL_END] = "engine_tool_end", [ENGINE_FILE] = "engine_file",
        [ENGINE_RETRY] = "model_retry",        [ENGINE_USAGE] = "engine_usage",
    };
    struct run *r = ctx;
    json_t *event = json_object();

    if (e->kind == ENGINE_USAGE) {
        json_set(event, "cost_usd", json_c(usage_usd(r->a, e->nano_usd)));
        json_set(event, "tokens", usage_to_json(&e->usage));
    } else if (e->kind == ENGINE_RETRY) {
        json_set(event, "reason", json_c(e->text));
        json_set(event, "wait_ms", json_integer(e->wait_ms));
    } else {
        json_set(event, e->kind == ENGINE_FILE ? "path" : "text", json_c(e->text));
    }
    if (e->kind == ENGINE_TOOL_END)
        json_set(event, "failed", json_boolean(e->failed));
    events_emit(r->events, types[e->kind], event);
}

static void fill_env(struct run *r)
{
    const struct config *c = r->config;

    r->env.work = SANDBOX_WORK;
    r->env.model_client = r->model;
    r->env.model = price_resolve(r->prices, c->model);
    r->env.thinking = strcmp(c->thinking, "off") == 0 ? NULL : c->thinking;
    r->env.effort = c->effort[0] ? c->effort : NULL;
    r->env.max_tokens = c->max_tokens;
    r->env.prices = r->prices;
    r->env.system_prompt = system_prompt(r);
    r->env.limits = (struct engine_limits){
        .turns = c->turns,
        .tokens = c->max_task_tokens,
        .nano_usd = (int64_t)(c->budget_usd * NANO_USD + 0.5),
        .deadline = r->deadline,
        .command_ms = (int)(c->command_s * 1000),
    };
    r->env.on_event = on_engine_event;
    r->env.ctx = r;
    r->env.transcript_path = result_file(r->dir, r->a, "logs/transcript.ndjson");
}

static int open_model(struct run *r, struct err *err)
{
    const struct config *c = r->config;
    struct messages_config m = {
        .base_url = r->options->model_socket ? "http://model" : c->base_url,
        .unix_socket = r->options->model_socket,
        .api_key = c->api_key,
        .auth_token = c->auth_token,
        .max_retries = (int)c->max_retries,
        .first_byte_ms = (int)(c->first_byte_s * 1000),
        .idle_ms = (int)(c->idle_s * 1000),
    };

    if (r->options->scripted)
        m.api_key = m.auth_token = NULL;
    return messages_new(&m, &r->model, err);
}

/* The budget counts then in money that nobody may have asked for. */
static void warn_of_price(struct run *r)
{
    if (price_knows(r->prices, r->env.model))
        return;
    events_emit(
        r->events, "warning",
        json_pack("{s:o}", "text",
                  json_c(arena_printf(r->a,
                                      "the price of '%s' is not known, so it counts as that "
                                      "of a dear model; model.prices names a file that has "
                                      "it (0 for a server of your own)",
                                      r->env.model))));
}

int run_set_up(struct run *r, struct err *err)
{
    const struct config *c = r->config;
    struct sandbox_host_config host = {
        .kind = c->sandbox, .require = c->require.items, .n_require = c->require.n};

    r->phase = RUN_SETUP;
    if (fs_make_dirs(result_file(r->dir, r->a, "logs"), 0755, err) ||
        history_open(result_file(r->dir, r->a, "history.git"), &r->history, err) ||
        price_load(r->a, c->prices[0] ? c->prices : NULL, &r->prices, err) ||
        stack_load(r->a, c->stacks_dir[0] ? c->stacks_dir : NULL, &r->stacks, err) ||
        open_model(r, err))
        return -1;
    stack_excludes(&r->stacks, r->a, &r->excludes, &r->n_excludes);
    r->ops = engine_find(c->engine);
    if (!r->ops)
        return err_set(err, ERR_CONFIG, "there is no engine '%s'", c->engine);
    fill_env(r);
    warn_of_price(r);
    r->phase = RUN_SANDBOX;
    r->base = r->spec->tests;
    if (sandbox_host_start(&host, &r->host, err) || run_box_renew(r, &r->base, err))
        return -1;
    return r->ops->open(&r->env, &r->engine, err);
}

void run_take_down(struct run *r)
{
    if (r->engine)
        r->ops->close(r->engine);
    messages_free(r->model);
    sandbox_close(r->box);
    sandbox_host_stop(r->host);
    history_close(r->history);
}
