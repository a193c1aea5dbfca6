/* Reading a model script; script_server.c plays it. */
#include "model/script.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "json/places.h"
#include "json/yaml.h"
#include "model/script_turn.h"

/* Reads a script into `s`. */
struct reader {
    struct script *s;
    struct json_source src;
    struct err *err;
};

/* A turn and a fault as they stand in the file. */
struct raw_turn {
    struct script_turn turn;
    const json_t *expect, *tools, *fault;
};

struct raw_fault {
    struct script_fault fault;
    const char *after, *at;
};

struct raw_script {
    const char *model, *at_end;
    const json_t *turns;
};

static const struct json_field script_fields[] = {
    JSON_FIELD("model", STRING, struct raw_script, model),
    JSON_FIELD("at_end", STRING, struct raw_script, at_end),
    JSON_FIELD("turns", ARRAY, struct raw_script, turns, .required = true),
    JSON_FIELDS_END,
};

static const struct json_field turn_fields[] = {
    JSON_FIELD("expect", OBJECT, struct raw_turn, expect),
    JSON_FIELD("thinking", TEXT, struct raw_turn, turn.thinking),
    JSON_FIELD("text", TEXT, struct raw_turn, turn.text),
    JSON_FIELD("tools", ARRAY, struct raw_turn, tools),
    JSON_FIELD("stop", STRING, struct raw_turn, turn.stop),
    JSON_FIELD("refusal", STRING, struct raw_turn, turn.refusal),
    JSON_FIELD("usage", OBJECT, struct raw_turn, turn.usage),
    JSON_FIELD("times", INT, struct raw_turn, turn.times, .min = 1, .max = 1e6),
    JSON_FIELD("chunk_ms", INT, struct raw_turn, turn.chunk_ms, .min = 0, .max = 60000),
    JSON_FIELD("fault", OBJECT, struct raw_turn, fault),
    JSON_FIELDS_END,
};

static const struct json_field expect_fields[] = {
    JSON_FIELD("contains", STRINGS, struct script_expect, contains),
    JSON_FIELD("lacks", STRINGS, struct script_expect, lacks),
    JSON_FIELD("system", STRINGS, struct script_expect, system_prompt),
    JSON_FIELD("tools", STRINGS, struct script_expect, tools),
    JSON_FIELD("headers", PAIRS, struct script_expect, headers),
    JSON_FIELD("cached", BOOL, struct script_expect, cached),
    JSON_FIELD("errors", INT, struct script_expect, errors, .min = 0, .max = 1e6),
    JSON_FIELDS_END,
};

static const struct json_field fault_fields[] = {
    JSON_FIELD("status", INT, struct raw_fault, fault.status, .min = 300, .max = 599),
    JSON_FIELD("type", STRING, struct raw_fault, fault.type),
    JSON_FIELD("message", TEXT, struct raw_fault, fault.message),
    JSON_FIELD("code", STRING, struct raw_fault, fault.code),
    JSON_FIELD("body", TEXT, struct raw_fault, fault.body),
    JSON_FIELD("retry_after", INT, struct raw_fault, fault.retry_after, .min = 0, .max = 1e6),
    JSON_FIELD("retry_after_ms", INT, struct raw_fault, fault.retry_after_ms, .min = 0, .max = 1e9),
    JSON_FIELD("should_retry", ANY, struct raw_fault, fault.should_retry),
    JSON_FIELD("after", STRING, struct raw_fault, after),
    JSON_FIELD("at", STRING, struct raw_fault, at),
    JSON_FIELD("ms", INT, struct raw_fault, fault.ms, .min = 0, .max = 3600000),
    JSON_FIELDS_END,
};

struct usage_check {
    int64_t counts[4];
};

static const struct json_field usage_fields[] = {
    JSON_FIELD("input_tokens", INT, struct usage_check, counts[0], .max = 1e12),
    JSON_FIELD("output_tokens", INT, struct usage_check, counts[1], .max = 1e12),
    JSON_FIELD("cache_read_input_tokens", INT, struct usage_check, counts[2], .max = 1e12),
    JSON_FIELD("cache_creation_input_tokens", INT, struct usage_check, counts[3], .max = 1e12),
    JSON_FIELDS_END,
};

static const char *const break_names[] = {
    [SCRIPT_WHOLE] = "",      [SCRIPT_CUT] = "cut",
    [SCRIPT_STALL] = "stall", [SCRIPT_MALFORMED] = "malformed",
    [SCRIPT_ERROR] = "error", [SCRIPT_SLOW_FIRST_BYTE] = "slow_first_byte",
};

static const char *const where_names[] = {
    [SCRIPT_LAST_BLOCK] = "", [SCRIPT_START] = "start", [SCRIPT_TEXT] = "text",
    [SCRIPT_TOOL] = "tool",   [SCRIPT_END] = "end",
};

/* Position of the value of `key` in `names`; 0 when it isn't there; -1 with an error. */
static int read_word(struct reader *r, const json_t *object, const char *key,
                     const char *const *names, size_t n)
{
    const json_t *value = json_object_get(object, key);
    const char *word = json_string_value(value), *near;

    if (!word)
        return 0;
    for (size_t i = 1; i < n; i++)
        if (strcmp(names[i], word) == 0)
            return (int)i;
    near = json_nearest(word, names + 1, n - 1);
    return json_err(&r->src, value, r->err, "'%s' can't be '%s'%s%s%s", key, word,
                    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int read_fault(struct reader *r, const json_t *json, struct script_fault *ret)
{
    struct raw_fault raw = {.fault = {.retry_after = -1, .retry_after_ms = -1, .ms = -1}};
    int after, at;

    if (json_decode(&r->s->arena, &r->src, json, "fault", fault_fields, &raw, r->err))
        return -1;
    after = read_word(r, json, "after", break_names, ARRAY_LEN(break_names));
    at = read_word(r, json, "at", where_names, ARRAY_LEN(where_names));
    if (after < 0 || at < 0)
        return -1;
    if ((raw.fault.status != 0) == (after != SCRIPT_WHOLE))
        return json_err(&r->src, json, r->err, "a fault has either 'status' or 'after'");
    if (raw.fault.should_retry && !json_is_boolean(raw.fault.should_retry))
        return json_err(&r->src, raw.fault.should_retry, r->err,
                        "'should_retry' in fault must be true or false");
    *ret = raw.fault;
    ret->after = (enum script_break)after;
    ret->at = (enum script_where)at;
    return 0;
}

/* "- bash: {command: ls}" */
static int read_call(struct reader *r, const json_t *json, struct script_call *ret)
{
    void *entry = json_object_iter((json_t *)(uintptr_t)json);
    const json_t *input = json_object_iter_value(entry);

    if (json_object_size(json) != 1)
        return json_err(&r->src, json, r->err, "a tool call is 'NAME: {its input}'");
    if (!json_is_object(input) && !json_is_string(input))
        return json_err(&r->src, input ? input : json, r->err,
                        "the input of a tool call must be a mapping, or a string to send as it is");
    ret->name = arena_strdup(&r->s->arena, json_object_iter_key(entry));
    ret->input = json_is_string(input) ? arena_strdup(&r->s->arena, json_string_value(input))
                                       : json_dump(&r->s->arena, input);
    return 0;
}

static int read_calls(struct reader *r, const json_t *tools, struct script_turn *turn)
{
    const json_t *call;
    size_t i;

    turn->n_calls = json_array_size(tools);
    turn->calls = ARENA_ARRAY(&r->s->arena, turn->n_calls, struct script_call);
    json_array_foreach (tools, i, call)
        if (read_call(r, call, &turn->calls[i]))
            return -1;
    return 0;
}

static int read_turn(struct reader *r, const json_t *json, struct script_turn *ret)
{
    struct raw_turn raw = {.turn = {.times = 1, .expect.errors = -1}};
    const struct json_place *place = places_find(r->src.places, json, NULL);
    struct script_turn *turn = &raw.turn;
    struct arena *a = &r->s->arena;
    struct usage_check usage;

    if (json_decode(a, &r->src, json, "turn", turn_fields, &raw, r->err))
        return -1;
    if (raw.expect &&
        json_decode(a, &r->src, raw.expect, "expect", expect_fields, &turn->expect, r->err))
        return -1;
    if (turn->usage && json_decode(a, &r->src, turn->usage, "usage", usage_fields, &usage, r->err))
        return -1;
    if (raw.fault && read_fault(r, raw.fault, &turn->fault))
        return -1;
    if (raw.tools && read_calls(r, raw.tools, turn))
        return -1;
    turn->line = place ? place->line : 0;
    *ret = *turn;
    return 0;
}

static int read_script(struct reader *r)
{
    struct raw_script raw = {.model = "scripted-1", .at_end = "error"};
    struct script *s = r->s;
    const json_t *turn;
    size_t i;

    if (json_decode(&s->arena, &r->src, s->root, "the script", script_fields, &raw, r->err))
        return -1;
    s->repeat_last = strcmp(raw.at_end, "repeat") == 0;
    if (!s->repeat_last && strcmp(raw.at_end, "error") != 0)
        return json_err(&r->src, json_object_get(s->root, "at_end"), r->err,
                        "'at_end' must be error or repeat");
    s->n_turns = json_array_size(raw.turns);
    if (s->n_turns == 0)
        return json_err(&r->src, raw.turns, r->err, "a script needs at least one turn");
    s->model = raw.model;
    s->turns = ARENA_ARRAY(&s->arena, s->n_turns, struct script_turn);
    json_array_foreach (raw.turns, i, turn)
        if (read_turn(r, turn, &s->turns[i]))
            return -1;
    return 0;
}

int script_parse(struct str text, const char *name, struct script **ret, struct err *err)
{
    struct script *s = calloc(1, sizeof(*s));
    struct reader r = {.s = s, .err = err};

    if (!s)
        BUG("out of memory");
    s->root = yaml_parse(&s->arena, text, name, &r.src, err);
    if (!s->root || read_script(&r)) {
        script_free(s);
        return -1;
    }
    *ret = s;
    return 0;
}

int script_load(const char *path, struct script **ret, struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    struct str text;

    if (fs_read_file(&a, path, YAML_MAX_BYTES, &text, err))
        return -1;
    return script_parse(text, path, ret, err);
}

void script_free(struct script *s)
{
    if (!s)
        return;
    json_decref(s->root);
    arena_clear(&s->arena);
    free(s);
}
