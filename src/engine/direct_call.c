/* One call of the model: what it may cost, the call, what it did cost. */
#include <inttypes.h>

#include "base/clock.h"
#include "engine/direct.h"

enum {
    REPLY_TOKENS = 16000,
    REPLY_TOKENS_MIN = 1024, /* less is of no use */
    BYTES_PER_TOKEN = 2,     /* at least, even of dense text: for the worst case */
    MILLION = 1000000,
};

static int64_t json_bytes(const json_t *value)
{
    return (int64_t)json_dumpb(value, NULL, 0, JSON_COMPACT);
}

static int64_t conversation_bytes(const struct engine *e)
{
    return json_bytes(e->messages) + json_bytes(e->offer) +
           (int64_t)str_from(e->env->system_prompt).n;
}

/* The most that the prompt can come to. */
static int64_t prompt_tokens_at_most(const struct engine *e)
{
    int64_t added = conversation_bytes(e) - e->known_bytes;

    return e->known_tokens + (added > 0 ? added : 0) / BYTES_PER_TOKEN + 1;
}

static int64_t min_i64(int64_t x, int64_t y)
{
    return x < y ? x : y;
}

/* How many tokens of reply the money allows when nothing of the prompt is read from cache; -1 when
 * not even the prompt can be paid. */
static int64_t affordable_reply(const struct engine *e, int64_t prompt, int64_t left)
{
    const struct price_table *prices = e->env->prices;
    struct usage worst = {.cache_write_5m = prompt};
    int64_t for_prompt = price_cost(prices, e->env->model, &worst), for_million;

    worst.output = MILLION;
    for_million = price_cost(prices, e->env->model, &worst) - for_prompt;
    if (for_prompt > left)
        return -1;
    if (for_million == 0)
        return INT64_MAX;
    return (int64_t)((__int128)(left - for_prompt) * MILLION / for_million);
}

static int over_money(const struct engine *e, int64_t limit, struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};

    err_set(err, ERR_BUDGET,
            "%s of the budget of %s USD are spent, and the rest may not pay the "
            "next call of the model",
            usage_usd(&a, e->spent_nano_usd), usage_usd(&a, limit));
    return err_fix(err, "allow a larger budget, or give the task in smaller parts");
}

static int over_tokens(const struct engine *e, int64_t limit, struct err *err)
{
    err_set(err, ERR_BUDGET,
            "%" PRId64 " of %" PRId64 " tokens are used, and the rest may not be "
            "enough for the next call of the model",
            e->spent_tokens, limit);
    return err_fix(err, "allow more tokens, or give the task in smaller parts");
}

/* How long the reply may be, within all limits. */
static int reply_tokens(const struct engine *e, int64_t *ret, struct err *err)
{
    const struct engine_limits *limits = &e->env->limits;
    int64_t prompt = prompt_tokens_at_most(e);
    int64_t tokens = e->env->max_tokens > 0 ? e->env->max_tokens : REPLY_TOKENS;
    int64_t least = min_i64(tokens, REPLY_TOKENS_MIN);

    if (limits->deadline > 0 && clock_now_ms() >= limits->deadline)
        return err_set(err, ERR_TIMEOUT, "the task's time limit ran out");
    if (limits->nano_usd > 0)
        tokens = min_i64(tokens, affordable_reply(e, prompt, limits->nano_usd - e->spent_nano_usd));
    if (tokens < least)
        return over_money(e, limits->nano_usd, err);
    if (limits->tokens > 0)
        tokens = min_i64(tokens, limits->tokens - e->spent_tokens - prompt);
    if (tokens < least)
        return over_tokens(e, limits->tokens, err);
    *ret = tokens;
    return 0;
}

static void tell_retry(void *ctx, const struct err *why, int attempt, int wait_ms)
{
    direct_tell(ctx,
                &(struct engine_event){.kind = ENGINE_RETRY, .text = why->msg, .wait_ms = wait_ms});
}

static void account(struct engine *e, const struct messages_reply *reply, struct engine_result *sum)
{
    const struct engine_env *env = e->env;
    int64_t cost = price_cost(env->prices, env->model, &reply->usage) +
                   price_cost(env->prices, env->model, &reply->wasted);
    struct usage usage = reply->usage;

    usage_add(&usage, &reply->wasted);
    usage_add(&sum->usage, &usage);
    sum->nano_usd += cost;
    e->spent_nano_usd += cost;
    e->spent_tokens += usage_total(&usage);
    if (usage_total(&usage) > 0)
        direct_tell(e,
                    &(struct engine_event){.kind = ENGINE_USAGE, .usage = usage, .nano_usd = cost});
}

int direct_call(struct engine *e, struct arena *a, struct messages_reply *ret,
                struct engine_result *sum, struct err *err)
{
    const struct messages_progress progress = {.retry = tell_retry, .ctx = e};
    struct messages_request req = {
        .model = e->env->model,
        .system_prompt = e->env->system_prompt,
        .tools = e->offer,
        .messages = e->messages,
        .thinking = e->env->thinking,
        .effort = e->env->effort,
        .deadline = e->env->limits.deadline,
    };
    int64_t start = clock_now_ms();
    int rc;

    if (reply_tokens(e, &req.max_tokens, err))
        return -1;
    rc = messages_send(e->env->model_client, &req, &progress, a, ret, err);
    sum->model_calls++;
    sum->model_ms += clock_now_ms() - start;
    account(e, ret, sum);
    if (rc == 0 && usage_input(&ret->usage) > 0) { /* some servers don't count */
        e->known_tokens = usage_total(&ret->usage);
        e->known_bytes = conversation_bytes(e) + json_bytes(ret->content);
    }
    return rc;
}
