#include "model/script_reply.h"

#include <string.h>

#include "base/text.h"
#include "model/script_check.h"

enum { TOKEN_BYTES = 4 };

void script_reply_count(struct script_reply *reply)
{
    const struct script_turn *turn = reply->turn;
    const json_t *given = turn->usage;
    struct usage *u = &reply->usage;
    size_t bytes = str_from(turn->text).n + str_from(turn->thinking).n;

    for (size_t i = 0; i < turn->n_calls; i++)
        bytes += strlen(turn->calls[i].name) + strlen(turn->calls[i].input);
    u->output = json_get_int(given, "output_tokens", (int64_t)(bytes / TOKEN_BYTES) + 1);
    u->input = json_get_int(given, "input_tokens", u->input);
    u->cache_read = json_get_int(given, "cache_read_input_tokens", u->cache_read);
    u->cache_write_5m = json_get_int(given, "cache_creation_input_tokens", u->cache_write_5m);
}

static json_t *usage_json(const struct usage *u, int64_t output)
{
    return json_pack("{s:I, s:I, s:I, s:{s:I, s:I}, s:I, s:s}", "input_tokens",
                     (json_int_t)u->input, "cache_creation_input_tokens",
                     (json_int_t)(u->cache_write_5m + u->cache_write_1h), "cache_read_input_tokens",
                     (json_int_t)u->cache_read, "cache_creation", "ephemeral_5m_input_tokens",
                     (json_int_t)u->cache_write_5m, "ephemeral_1h_input_tokens",
                     (json_int_t)u->cache_write_1h, "output_tokens", (json_int_t)output,
                     "service_tier", "standard");
}

static const char *stop_of(const struct script_turn *turn)
{
    if (turn->refusal)
        return "refusal";
    if (turn->stop)
        return turn->stop;
    return turn->n_calls ? "tool_use" : "end_turn";
}

static json_t *stop_details(const struct script_turn *turn)
{
    if (!turn->refusal)
        return json_null();
    return json_pack("{s:s, s:n, s:s}", "type", "refusal", "category", "explanation",
                     turn->refusal);
}

/* The frame of a message: nothing in it yet. */
static json_t *frame(const struct script_reply *reply, struct arena *a, int64_t output)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:[], s:n, s:n, s:o}", "id",
                     arena_printf(a, "msg_script_%06u", reply->number), "type", "message", "role",
                     "assistant", "model", reply->model, "content", "stop_reason", "stop_sequence",
                     "usage", usage_json(&reply->usage, output));
}

static const char *call_id(const struct script_reply *reply, struct arena *a, size_t i)
{
    return arena_printf(a, "toolu_script_%06u_%zu", reply->number, i + 1);
}

json_t *script_reply_message(const struct script_reply *reply, struct arena *a)
{
    const struct script_turn *turn = reply->turn;
    json_t *message = frame(reply, a, reply->usage.output);
    json_t *content = json_object_get(message, "content");

    if (turn->thinking)
        json_add(content,
                 json_pack("{s:s, s:s, s:s}", "type", "thinking", "thinking", turn->thinking,
                           "signature", script_check_sign(a, str_from(turn->thinking))));
    if (turn->text)
        json_add(content, json_pack("{s:s, s:s}", "type", "text", "text", turn->text));
    for (size_t i = 0; i < turn->n_calls; i++) {
        json_t *input = json_parse(str_from(turn->calls[i].input), "input", NULL);

        json_add(content,
                 json_pack("{s:s, s:s, s:s, s:o}", "type", "tool_use", "id", call_id(reply, a, i),
                           "name", turn->calls[i].name, "input", input ? input : json_object()));
    }
    json_set(message, "stop_reason", json_c(stop_of(turn)));
    json_set(message, "stop_details", stop_details(turn));
    return message;
}

/* ---- as a stream ---- */

struct writer {
    const struct script_reply *reply;
    struct arena *a;
    struct script_stream *out;
    int block; /* that is being written, or -1 */
    int n_blocks;
};

/* Takes the event's reference. */
static void put(struct writer *w, const char *event, json_t *data)
{
    struct script_stream *out = w->out;

    out->pieces = arena_grow(w->a, out->pieces, out->n, &out->cap, sizeof(out->pieces[0]));
    out->pieces[out->n++] = (struct script_piece){event, str_from(json_dump(w->a, data)), w->block};
    json_decref(data);
}

static void put_start(struct writer *w, json_t *block)
{
    w->block = w->n_blocks++;
    put(w, "content_block_start",
        json_pack("{s:s, s:i, s:o}", "type", "content_block_start", "index", w->block,
                  "content_block", block));
    if (w->block == 0)
        put(w, "ping", json_pack("{s:s}", "type", "ping"));
}

static void put_delta(struct writer *w, const char *type, const char *member, struct str text)
{
    put(w, "content_block_delta",
        json_pack("{s:s, s:i, s:{s:s, s:o}}", "type", "content_block_delta", "index", w->block,
                  "delta", "type", type, member, json_str(text)));
}

static void put_stop(struct writer *w)
{
    put(w, "content_block_stop",
        json_pack("{s:s, s:i}", "type", "content_block_stop", "index", w->block));
    w->block = -1;
}

/* The length of the next piece of a text: uneven, as from a model, and never within a character. */
static size_t piece_len(struct str text, size_t n_before)
{
    static const size_t lengths[] = {4, 9, 17, 31, 12, 60};
    size_t n = lengths[n_before % 6];

    while (n < text.n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n++;
    return n < text.n ? n : text.n;
}

static void put_text(struct writer *w, const char *type, const char *member, struct str text)
{
    for (size_t i = 0; text.n; i++) {
        size_t n = piece_len(text, i);

        put_delta(w, type, member, (struct str){text.p, n});
        text = str_from_pos(text, n);
    }
}

static void put_thinking(struct writer *w, const char *thinking)
{
    struct str text = str_from(thinking);

    put_start(w, json_pack("{s:s, s:s, s:s}", "type", "thinking", "thinking", "", "signature", ""));
    put_text(w, "thinking_delta", "thinking", text);
    put_delta(w, "signature_delta", "signature", str_from(script_check_sign(w->a, text)));
    put_stop(w);
}

static void put_call(struct writer *w, size_t i)
{
    const struct script_turn *turn = w->reply->turn;
    struct str input = str_from(turn->calls[i].input);

    if (i + 1 == turn->n_calls && strcmp(stop_of(turn), "max_tokens") == 0)
        input.n /= 2;
    put_start(w, json_pack("{s:s, s:s, s:s, s:{}}", "type", "tool_use", "id",
                           call_id(w->reply, w->a, i), "name", turn->calls[i].name, "input"));
    put_delta(w, "input_json_delta", "partial_json", STR(""));
    put_text(w, "input_json_delta", "partial_json", input);
    put_stop(w);
}

static void put_end(struct writer *w)
{
    const struct script_reply *reply = w->reply;

    put(w, "message_delta",
        json_pack("{s:s, s:{s:s, s:n, s:o}, s:o}", "type", "message_delta", "delta", "stop_reason",
                  stop_of(reply->turn), "stop_sequence", "stop_details", stop_details(reply->turn),
                  "usage", usage_json(&reply->usage, reply->usage.output)));
    put(w, "message_stop", json_pack("{s:s}", "type", "message_stop"));
}

/* The block in whose middle a fault strikes, or -1 when there is none of the kind. */
static int fault_block(const struct script_turn *turn, int n_blocks)
{
    switch (turn->fault.at) {
    case SCRIPT_TEXT:
        return turn->text ? turn->thinking != NULL : -1;
    case SCRIPT_TOOL:
        return turn->n_calls ? n_blocks - 1 : -1;
    case SCRIPT_LAST_BLOCK:
        return n_blocks - 1;
    default:
        return -1;
    }
}

static size_t find_break(const struct script_turn *turn, const struct script_stream *s,
                         int n_blocks)
{
    int block = fault_block(turn, n_blocks);
    size_t first = s->n, last = 0;

    if (turn->fault.after == SCRIPT_WHOLE || turn->fault.after == SCRIPT_SLOW_FIRST_BYTE)
        return s->n;
    if (turn->fault.at == SCRIPT_START)
        return 0;
    for (size_t i = 0; i < s->n; i++) {
        if (block < 0 || s->pieces[i].block != block)
            continue;
        first = first < i ? first : i;
        last = i;
    }
    /* Before message_delta, or behind the middle of the block, where something has come of it. */
    return block < 0 ? s->n - 2 : (first + last) / 2 + 1;
}

void script_reply_stream(const struct script_reply *reply, struct arena *a,
                         struct script_stream *ret)
{
    const struct script_turn *turn = reply->turn;
    struct writer w = {.reply = reply, .a = a, .out = ret, .block = -1};

    *ret = (struct script_stream){0};
    put(&w, "message_start",
        json_pack("{s:s, s:o}", "type", "message_start", "message", frame(reply, a, 1)));
    if (turn->thinking)
        put_thinking(&w, turn->thinking);
    if (turn->text) {
        put_start(&w, json_pack("{s:s, s:s}", "type", "text", "text", ""));
        put_text(&w, "text_delta", "text", str_from(turn->text));
        put_stop(&w);
    }
    for (size_t i = 0; i < turn->n_calls; i++)
        put_call(&w, i);
    put_end(&w);
    ret->break_at = find_break(turn, ret, w.n_blocks);
}
