/* The tool calls of one reply. */
#include <string.h>

#include "base/clock.h"
#include "engine/direct.h"

enum { CALLS_MAX = 64 };

/* The calls of one reply as they are answered, in order. */
struct answering {
    struct engine *e;
    const struct messages_reply *reply;
    bool planning;
    struct engine_result *sum;
    struct err *err;
    json_t *results;
    size_t n;    /* calls so far */
    bool failed; /* the sandbox, or we were cancelled: nothing more is run */
};

static void add_result(struct answering *w, const json_t *call, struct str text, bool failed)
{
    json_t *result = json_object();

    json_set(result, "type", json_c("tool_result"));
    json_set(result, "tool_use_id", json_c(json_get_c(call, "id")));
    json_set(result, "content", json_str(text));
    if (failed)
        json_set(result, "is_error", json_true());
    json_add(w->results, result);
}

static void tell_result(const struct answering *w, const struct tools_result *result)
{
    direct_tell(w->e, &(struct engine_event){.kind = ENGINE_TOOL_END,
                                             .text = result->brief,
                                             .failed = result->failed});
    if (result->file)
        direct_tell(w->e, &(struct engine_event){.kind = ENGINE_FILE, .text = result->file});
}

static void run_call(struct answering *w, const json_t *call)
{
    ARENA_CLEANUP struct arena a = {0};
    const char *name = json_get_c(call, "name");
    const json_t *input = json_object_get(call, "input");
    const char *bad = json_get_c(w->reply->bad_inputs, json_get_c(call, "id"));
    struct tools_result result = {0};

    direct_tell(
        w->e, &(struct engine_event){.kind = ENGINE_TOOL, .text = tools_describe(&a, name, input)});
    w->sum->tool_calls++;
    if (bad)
        tools_fail(&a, &result, "The input of this call is %s. Send it again as a JSON object.",
                   bad);
    else if (tools_run(&w->e->tools, &a, name, input, &result, w->err)) {
        w->failed = true;
        tools_fail(&a, &result, "This call was broken off.");
    }
    add_result(w, call, result.text, result.failed);
    tell_result(w, &result);
}

/* Why a call isn't carried out, or NULL. */
static const char *refusal(const struct answering *w)
{
    if (w->failed)
        return "This call was not carried out: the one before it was broken off.";
    if (w->planning)
        return "Plan first, no tools yet: answer with the plan as text.";
    if (w->n > CALLS_MAX)
        return "This call was not carried out: at most 64 are, of one reply. Send it again if it "
               "is still needed.";
    return NULL;
}

static void answer(struct answering *w, const json_t *block)
{
    const char *type = json_get_c(block, "type"), *why_not;

    if (!type || strcmp(type, "tool_use") != 0)
        return;
    w->n++;
    why_not = refusal(w);
    if (why_not)
        add_result(w, block, str_from(why_not), true);
    else
        run_call(w, block);
}

int direct_run_tools(struct engine *e, const struct messages_reply *reply, bool planning,
                     struct engine_result *sum, struct err *err)
{
    struct answering w = {.e = e,
                          .reply = reply,
                          .planning = planning,
                          .sum = sum,
                          .err = err,
                          .results = json_array()};
    int64_t start = clock_now_ms();
    const json_t *block;
    size_t i;

    json_array_foreach (reply->content, i, block)
        answer(&w, block);
    sum->tool_ms += clock_now_ms() - start;
    if (direct_add_user(e, w.results, w.failed ? NULL : err))
        return -1;
    return w.failed ? -1 : 0;
}
