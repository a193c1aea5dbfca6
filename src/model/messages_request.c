#include "model/messages_request.h"

#include <string.h>

static void mark(json_t *block)
{
    json_set(block, "cache_control", json_pack("{s:s}", "type", "ephemeral"));
}

static bool is_type(const json_t *block, const char *type)
{
    const char *is = json_get_c(block, "type");

    return is && strcmp(is, type) == 0;
}

/* The last block that may carry a breakpoint: thinking may not, nor may empty text. */
static json_t *markable(const json_t *content)
{
    for (size_t i = json_array_size(content); i > 0; i--) {
        json_t *block = json_array_get(content, i - 1);
        bool empty_text = is_type(block, "text") && json_get_str(block, "text").n == 0;

        if (!empty_text && !is_type(block, "thinking") && !is_type(block, "redacted_thinking"))
            return block;
    }
    return NULL;
}

/* Replaces message `i` of our own array by a copy with a breakpoint at its end. */
static void mark_message(json_t *messages, size_t i)
{
    json_t *message = json_deep_copy(json_array_get(messages, i)), *block;
    const json_t *content = json_object_get(message, "content");

    if (json_is_string(content))
        json_set(message, "content", json_pack("[{s:s, s:O}]", "type", "text", "text", content));
    block = markable(json_object_get(message, "content"));
    if (block)
        mark(block);
    json_array_set_new(messages, i, message);
}

static bool is_user(const json_t *message)
{
    const char *role = json_get_c(message, "role");

    return role && strcmp(role, "user") == 0;
}

/*
 * Breakpoints at the end of the conversation, for the next request to read, and at the end of the
 * user message before, where the last request put its own: that entry is found however many blocks
 * were added since.
 */
static json_t *marked_messages(const json_t *messages)
{
    json_t *copy = json_copy((json_t *)(uintptr_t)messages);
    size_t n = json_array_size(copy);

    if (n == 0)
        return copy;
    mark_message(copy, n - 1);
    for (size_t i = n - 1; i > 0; i--) {
        if (is_user(json_array_get(copy, i - 1))) {
            mark_message(copy, i - 1);
            break;
        }
    }
    return copy;
}

static json_t *system_blocks(const char *text)
{
    json_t *blocks = json_array(), *block = json_object();

    json_set(block, "type", json_c("text"));
    json_set(block, "text", json_c(text));
    mark(block);
    json_add(blocks, block);
    return blocks;
}

struct str messages_request_body(struct arena *a, const struct messages_request *req)
{
    JSON_CLEANUP json_t *body = json_object();

    json_set(body, "model", json_c(req->model));
    json_set(body, "max_tokens", json_integer(req->max_tokens));
    json_set(body, "stream", json_true());
    if (req->thinking)
        json_set(body, "thinking", json_pack("{s:s}", "type", req->thinking));
    if (req->effort)
        json_set(body, "output_config", json_pack("{s:s}", "effort", req->effort));
    if (req->tools)
        json_set(body, "tools", json_copy((json_t *)(uintptr_t)req->tools));
    if (req->system_prompt && req->system_prompt[0])
        json_set(body, "system", system_blocks(req->system_prompt));
    json_set(body, "messages", marked_messages(req->messages));
    return str_from(json_dump(a, body));
}
