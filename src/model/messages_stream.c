#include "model/messages_stream.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "model/messages_error.h"

enum { BLOCKS_MAX = 4096, PART_MAX = 32 * 1024 * 1024 };

/* The deltas that add to a string: their type, the member that carries it, and the member of the
 * block that it belongs to. */
enum part { PART_TEXT, PART_THINKING, PART_SIGNATURE, PART_INPUT, PART_COUNT };

static const struct {
    const char *delta, *member, *of_block;
} parts[PART_COUNT] = {
    [PART_TEXT] = {"text_delta", "text", "text"},
    [PART_THINKING] = {"thinking_delta", "thinking", "thinking"},
    [PART_SIGNATURE] = {"signature_delta", "signature", "signature"},
    [PART_INPUT] = {"input_json_delta", "partial_json", "input"},
};

struct block {
    int64_t index;
    bool open;
    json_t *json;
    struct buf parts[PART_COUNT];
    char *bad_input; /* why the input of a tool can't be used; malloc */
};

struct messages_stream {
    const struct messages_progress *progress;
    const struct secret *key;
    json_t *message;      /* of message_start */
    json_t *usage, *stop; /* stop: delta of message_delta */
    struct block *blocks;
    size_t n_blocks, cap_blocks;
    uint64_t received; /* bytes of content */
};

struct messages_stream *messages_stream_new(const struct messages_progress *progress,
                                            const struct secret *key)
{
    struct messages_stream *s = calloc(1, sizeof(*s));

    if (!s)
        BUG("out of memory");
    s->progress = progress;
    s->key = key;
    s->usage = json_object();
    return s;
}

void messages_stream_free(struct messages_stream *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_blocks; i++) {
        json_decref(s->blocks[i].json);
        free(s->blocks[i].bad_input);
        for (size_t p = 0; p < PART_COUNT; p++)
            buf_free(&s->blocks[i].parts[p]);
    }
    free(s->blocks);
    json_decref(s->message);
    json_decref(s->usage);
    json_decref(s->stop);
    free(s);
}

/* As json_parse, but takes "\u0000": a program may well have a NUL in a string, and what the model
 * said must go back unchanged. */
static json_t *parse(struct str text, json_error_t *ret_error)
{
    return json_loadb(text.p, text.n, JSON_ALLOW_NUL, ret_error);
}

static bool type_is(const json_t *object, const char *type)
{
    const char *is = json_get_c(object, "type");

    return is && strcmp(is, type) == 0;
}

static int broken(struct err *err, const char *what)
{
    return err_set(err, ERR_PROTOCOL, "the model API's stream is broken: %s", what);
}

/* Later reports are cumulative; null members (of servers that report late) say nothing. */
static void merge_usage(struct messages_stream *s, json_t *usage)
{
    const char *key;
    json_t *value;

    json_object_foreach (usage, key, value)
        if (!json_is_null(value))
            json_object_set(s->usage, key, value);
}

static int on_message_start(struct messages_stream *s, json_t *event, struct err *err)
{
    json_t *message = json_object_get(event, "message");

    if (s->message || !json_is_object(message))
        return broken(err, s->message ? "a second message_start" : "message_start is empty");
    s->message = json_incref(message);
    merge_usage(s, json_object_get(message, "usage"));
    return 0;
}

static struct block *find_block(struct messages_stream *s, const json_t *event)
{
    int64_t index = json_get_int(event, "index", -1);

    for (size_t i = s->n_blocks; i > 0; i--)
        if (s->blocks[i - 1].index == index && s->blocks[i - 1].open)
            return &s->blocks[i - 1];
    return NULL;
}

static struct block *add_block(struct messages_stream *s)
{
    if (s->n_blocks == s->cap_blocks) {
        s->cap_blocks = s->cap_blocks ? s->cap_blocks * 2 : 8;
        s->blocks = reallocarray(s->blocks, s->cap_blocks, sizeof(s->blocks[0]));
        if (!s->blocks)
            BUG("out of memory");
    }
    s->blocks[s->n_blocks] = (struct block){.open = true};
    return &s->blocks[s->n_blocks++];
}

static int on_block_start(struct messages_stream *s, json_t *event, struct err *err)
{
    json_t *start = json_object_get(event, "content_block");
    struct block *b;

    if (!s->message || !json_is_object(start))
        return broken(err, "a content block starts where none may");
    if (type_is(start, "tool_use") &&
        (json_get_str(start, "id").n == 0 || json_get_str(start, "name").n == 0))
        return broken(err, "a tool_use without id or name");
    if (s->n_blocks == BLOCKS_MAX)
        return err_set(err, ERR_LIMIT, "the model's reply has more than %d blocks", BLOCKS_MAX);
    b = add_block(s);
    b->index = json_get_int(event, "index", -1);
    b->json = json_incref(start);
    for (size_t p = 0; p < PART_COUNT; p++) {
        b->parts[p] = BUF_INIT(PART_MAX);
        if (buf_add(&b->parts[p], json_get_str(start, parts[p].of_block), err))
            return -1;
    }
    return 0;
}

static void tell(const struct messages_stream *s, enum part part, struct str piece)
{
    const struct messages_progress *p = s->progress;

    if (p && p->text && part == PART_TEXT)
        p->text(p->ctx, piece);
    if (p && p->thinking && part == PART_THINKING)
        p->thinking(p->ctx, piece);
}

static void add_citation(struct block *b, json_t *citation)
{
    json_t *list = json_object_get(b->json, "citations");

    if (!citation)
        return;
    if (!json_is_array(list)) {
        json_set(b->json, "citations", json_array());
        list = json_object_get(b->json, "citations");
    }
    json_array_append(list, citation);
}

static int on_block_delta(struct messages_stream *s, json_t *event, struct err *err)
{
    const json_t *delta = json_object_get(event, "delta");
    struct block *b = find_block(s, event);

    if (!b)
        return broken(err, "a delta for a content block that isn't open");
    if (type_is(delta, "citations_delta"))
        add_citation(b, json_object_get(delta, "citation"));
    for (size_t p = 0; p < PART_COUNT; p++) {
        if (type_is(delta, parts[p].delta)) {
            struct str piece = json_get_str(delta, parts[p].member);

            s->received += piece.n;
            tell(s, p, piece);
            return buf_add(&b->parts[p], piece, err);
        }
    }
    return 0;
}

/* The input of a tool: what was streamed, or what stood in the start of the block. */
static void close_input(struct block *b)
{
    struct str text = buf_str(&b->parts[PART_INPUT]);
    json_t *input = json_object_get(b->json, "input");
    json_error_t e = {0};

    if (text.n == 0 && json_is_object(input))
        return;
    input = text.n ? parse(text, &e) : json_object();
    if (!input &&
        asprintf(&b->bad_input, "not valid JSON: %s (at character %d)", e.text, e.position) < 0)
        BUG("out of memory");
    if (input && !json_is_object(input)) {
        b->bad_input = strdup("not a JSON object");
        json_decref(input);
        input = NULL;
    }
    json_set(b->json, "input", input ? input : json_object());
}

static int on_block_stop(struct messages_stream *s, json_t *event, struct err *err)
{
    struct block *b = find_block(s, event);

    if (!b)
        return broken(err, "the end of a content block that isn't open");
    b->open = false;
    for (size_t p = 0; p < PART_INPUT; p++) {
        struct str text = buf_str(&b->parts[p]);

        if (text.n)
            json_set(b->json, parts[p].of_block, json_stringn(text.p, text.n));
        buf_free(&b->parts[p]);
    }
    if (json_object_get(b->json, "input") || b->parts[PART_INPUT].n || type_is(b->json, "tool_use"))
        close_input(b);
    buf_free(&b->parts[PART_INPUT]);
    return 0;
}

static int on_message_delta(struct messages_stream *s, json_t *event, struct err *err)
{
    json_t *delta = json_object_get(event, "delta");

    if (!s->message || !json_is_object(delta))
        return broken(err, "message_delta where none may be");
    json_decref(s->stop);
    s->stop = json_incref(delta);
    merge_usage(s, json_object_get(event, "usage"));
    return 0;
}

static int on_message_stop(struct messages_stream *s, json_t *event, struct err *err)
{
    if (!json_get_c(s->stop, "stop_reason"))
        return broken(err, "the message ends without a stop reason");
    for (size_t i = 0; i < s->n_blocks; i++)
        if (s->blocks[i].open)
            return broken(err, "the message ends inside a content block");
    return 1;
}

static int on_error(struct messages_stream *s, json_t *event, struct err *err)
{
    return messages_error_event(json_object_get(event, "error"), s->key, err);
}

static const struct {
    const char *type;
    int (*handle)(struct messages_stream *s, json_t *event, struct err *err);
} handlers[] = {
    {"message_start", on_message_start},
    {"content_block_start", on_block_start},
    {"content_block_delta", on_block_delta},
    {"content_block_stop", on_block_stop},
    {"message_delta", on_message_delta},
    {"message_stop", on_message_stop},
    {"error", on_error},
};

int messages_stream_event(struct messages_stream *s, const struct sse_event *event, struct err *err)
{
    json_error_t e;
    JSON_CLEANUP json_t *json = parse(event->data, &e);

    if (!json_is_object(json))
        return broken(err, json ? "an event that isn't an object" : "an event that isn't JSON");
    for (size_t i = 0; i < ARRAY_LEN(handlers); i++)
        if (type_is(json, handlers[i].type))
            return handlers[i].handle(s, json, err);
    return 0;
}

struct usage messages_stream_usage(const struct messages_stream *s)
{
    struct usage u = usage_from_json(s->usage);
    int64_t at_least = (int64_t)(s->received / 4);

    if (s->message && u.output < at_least)
        u.output = at_least;
    return u;
}

static enum messages_stop stop_from_name(const char *name)
{
    static const char *const names[] = {
        [MESSAGES_END_TURN] = "end_turn",
        [MESSAGES_TOOL_USE] = "tool_use",
        [MESSAGES_MAX_TOKENS] = "max_tokens",
        [MESSAGES_STOP_SEQUENCE] = "stop_sequence",
        [MESSAGES_PAUSE_TURN] = "pause_turn",
        [MESSAGES_REFUSAL] = "refusal",
        [MESSAGES_CONTEXT_EXCEEDED] = "model_context_window_exceeded",
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0)
            return (enum messages_stop)i;
    return MESSAGES_OTHER;
}

static const char *refusal_text(struct arena *a, const json_t *stop)
{
    const json_t *details = json_object_get(stop, "stop_details");
    struct str text = json_get_str(details, "explanation");

    if (text.n == 0)
        text = json_get_str(details, "category");
    return text.n ? text_clean(a, text, TEXT_LINES).p : "no reason was given";
}

/* The last block when it is a tool call that the limit may have cut: even if what there is of its
 * input happens to be JSON, it isn't known to be all. */
static bool is_cut(const struct messages_stream *s, const struct messages_reply *reply, size_t i)
{
    bool limited = reply->stop == MESSAGES_MAX_TOKENS || reply->stop == MESSAGES_CONTEXT_EXCEEDED;

    return limited && i + 1 == s->n_blocks && type_is(s->blocks[i].json, "tool_use");
}

static void finish_block(const struct messages_stream *s, size_t i, struct arena *a,
                         struct messages_reply *ret)
{
    const struct block *b = &s->blocks[i];

    if (type_is(b->json, "text") && json_get_str(b->json, "text").n == 0)
        return;
    if (is_cut(s, ret, i)) {
        ret->cut_tool = arena_strdup(a, json_get_c(b->json, "name"));
        return;
    }
    if (b->bad_input && type_is(b->json, "tool_use"))
        json_set(ret->bad_inputs, json_get_c(b->json, "id"), json_c(b->bad_input));
    json_array_append(ret->content, b->json);
}

void messages_stream_finish(struct messages_stream *s, struct arena *a, struct messages_reply *ret)
{
    ret->stop_name = arena_strdup(a, json_get_c(s->stop, "stop_reason"));
    ret->stop = stop_from_name(ret->stop_name);
    ret->model = arena_strdup(a, json_get_c(s->message, "model"));
    ret->usage = usage_from_json(s->usage);
    if (ret->stop == MESSAGES_REFUSAL)
        ret->refusal = refusal_text(a, s->stop);
    ret->content = json_array();
    ret->bad_inputs = json_object();
    for (size_t i = 0; i < s->n_blocks; i++)
        finish_block(s, i, a, ret);
}
