/*
 * The direct engine: kiln's own loop of model calls and tool calls, outside of the sandbox, over
 * any server of the Messages API.
 */
#include <string.h>

#include "base/text.h"
#include "engine/direct.h"

enum {
    TURNS = 30,
    CUTS_MAX = 3,           /* replies in a row that were too long */
    PLANNING_CALLS_MAX = 3, /* replies of a plan that call tools all the same */
};

/* The work on one prompt. */
struct turn {
    struct engine *e;
    struct arena *a;
    bool planning;
    bool nudged;
    int cuts, planning_calls;
    struct engine_result *ret;
};

enum next { GO_ON, OVER, FAILED };

/* ---- what a reply says ---- */

static bool has_block(const json_t *content, const char *type)
{
    const json_t *block;
    size_t i;

    json_array_foreach (content, i, block)
        if (str_eq_c(json_get_str(block, "type"), type))
            return true;
    return false;
}

/* A reply of nothing but thinking says nothing, and the API doesn't take it back. */
static bool says_something(const json_t *content)
{
    const json_t *block;
    size_t i;

    json_array_foreach (content, i, block)
        if (!str_ends(json_get_str(block, "type"), "thinking"))
            return true;
    return false;
}

static const char *reply_text(struct arena *a, const json_t *content)
{
    BUF_CLEANUP struct buf all = BUF_INIT(64 * 1024 * 1024);
    const json_t *block;
    size_t i;

    json_array_foreach (content, i, block) {
        if (!str_eq_c(json_get_str(block, "type"), "text"))
            continue;
        if (all.n)
            buf_add_some(&all, STR("\n"));
        buf_add_some(&all, json_get_str(block, "text"));
    }
    return text_clean(a, buf_str(&all), TEXT_LINES).p;
}

/* The part from a line on that starts with "BLOCKED:", or NULL. */
static const char *find_blocked(const char *text)
{
    static const char mark[] = "BLOCKED:";

    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, mark, strlen(mark)) == 0)
            return line;
    }
    return NULL;
}

/* ---- one step ---- */

static enum next end_turn(struct turn *t, enum engine_end end)
{
    t->ret->end = end;
    return OVER;
}

static enum next finish(struct turn *t)
{
    const char *blocked = find_blocked(t->ret->text);

    if (!blocked)
        return end_turn(t, ENGINE_DONE);
    t->ret->text = blocked;
    return end_turn(t, ENGINE_BLOCKED);
}

static enum next on_nothing(struct turn *t, struct err *err)
{
    if (t->nudged)
        return finish(t);
    t->nudged = true;
    return direct_add_user_text(t->e,
                                "Your last reply was empty. Go on with the work, or, if it is "
                                "finished, say so in a short summary.",
                                err)
               ? FAILED
               : GO_ON;
}

static enum next on_cut(struct turn *t, const struct messages_reply *reply, struct err *err)
{
    const char *what = reply->cut_tool
                           ? arena_printf(t->a, "before its call of %s was whole", reply->cut_tool)
                           : "before its end";

    if (++t->cuts > CUTS_MAX)
        return finish(t);
    return direct_add_user_text(
               t->e,
               arena_printf(t->a,
                            "Your last reply reached the limit of its length %s; that part is "
                            "lost. Go on in smaller pieces: write long files in several steps.",
                            what),
               err)
               ? FAILED
               : GO_ON;
}

static enum next on_tools(struct turn *t, const struct messages_reply *reply, struct err *err)
{
    if (direct_run_tools(t->e, reply, t->planning, t->ret, err))
        return FAILED;
    if (t->planning && ++t->planning_calls == PLANNING_CALLS_MAX)
        return finish(t);
    return GO_ON;
}

static enum next take_content(struct turn *t, const struct messages_reply *reply, struct err *err)
{
    const char *text = reply_text(t->a, reply->content);
    enum next next = GO_ON;

    if (direct_add_reply(t->e, reply, err))
        return FAILED;
    if (text[0]) {
        t->ret->text = text;
        direct_tell(t->e, &(struct engine_event){.kind = ENGINE_TEXT, .text = text});
    }
    if (has_block(reply->content, "tool_use"))
        next = on_tools(t, reply, err);
    else if (reply->stop != MESSAGES_MAX_TOKENS && reply->stop != MESSAGES_PAUSE_TURN)
        return finish(t);
    if (next == GO_ON && reply->stop == MESSAGES_MAX_TOKENS)
        return on_cut(t, reply, err);
    t->cuts = 0;
    return next;
}

static enum next take_reply(struct turn *t, const struct messages_reply *reply, struct err *err)
{
    if (reply->stop == MESSAGES_REFUSAL) {
        t->ret->text = reply->refusal;
        return end_turn(t, ENGINE_REFUSED);
    }
    if (reply->stop == MESSAGES_CONTEXT_EXCEEDED)
        return end_turn(t, ENGINE_CONTEXT);
    if (says_something(reply->content))
        return take_content(t, reply, err);
    if (reply->stop == MESSAGES_MAX_TOKENS)
        return on_cut(t, reply, err);
    return on_nothing(t, err);
}

static enum next step(struct turn *t, struct err *err)
{
    int64_t limit = t->e->env->limits.turns > 0 ? t->e->env->limits.turns : TURNS;
    struct messages_reply reply = {0};
    enum next next;

    if (t->ret->model_calls >= limit)
        return end_turn(t, ENGINE_TURN_LIMIT);
    if (direct_call(t->e, t->a, &reply, t->ret, err))
        next = err->kind == ERR_LIMIT ? end_turn(t, ENGINE_CONTEXT) : FAILED;
    else
        next = take_reply(t, &reply, err);
    messages_reply_clear(&reply);
    return next;
}

static int run(struct engine *e, const char *prompt, bool planning, struct arena *a,
               struct engine_result *ret, struct err *err)
{
    struct turn t = {.e = e, .a = a, .planning = planning, .ret = ret};
    struct err why = {0};
    enum next next = GO_ON;

    *ret = (struct engine_result){.text = ""};
    if (direct_add_user_text(e, prompt, &why))
        next = FAILED;
    while (next == GO_ON)
        next = step(&t, &why);
    if (next == OVER)
        return 0;
    if (err)
        *err = why;
    return -1;
}

/* ---- the operations ---- */

static int direct_open(struct engine_env *env, struct engine **ret, struct err *err)
{
    struct transcript *transcript;
    struct engine *e;

    if (transcript_open(env->transcript_path, &transcript, err))
        return -1;
    e = calloc(1, sizeof(*e));
    if (!e)
        BUG("out of memory");
    e->env = env;
    e->tools.env = env;
    e->transcript = transcript;
    e->offer = tools_offer();
    e->messages = json_array();
    *ret = e;
    return 0;
}

static int direct_turn(struct engine *e, const char *prompt, struct arena *a,
                       struct engine_result *ret, struct err *err)
{
    return run(e, prompt, false, a, ret, err);
}

/* The tools stay on offer, because taking them away would cost the cached prefix. */
static int direct_plan(struct engine *e, const char *prompt, struct arena *a,
                       struct engine_result *ret, struct err *err)
{
    return run(e, prompt, true, a, ret, err);
}

static void direct_restart(struct engine *e)
{
    json_array_clear(e->messages);
    tools_clear(&e->tools);
    e->known_tokens = e->known_bytes = 0;
    transcript_add(e->transcript, json_pack("{s:s}", "event", "restart"), NULL);
}

static void direct_close(struct engine *e)
{
    if (!e)
        return;
    transcript_close(e->transcript);
    tools_clear(&e->tools);
    json_decref(e->offer);
    json_decref(e->messages);
    free(e);
}

const struct engine_ops engine_direct = {
    .name = "direct",
    .help = "kiln's own loop over the Messages API",
    .open = direct_open,
    .turn = direct_turn,
    .plan = direct_plan,
    .restart = direct_restart,
    .close = direct_close,
};
