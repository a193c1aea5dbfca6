#include "model/script_check.h"

#include <inttypes.h>
#include <string.h>

#include "model/script_cache.h"

enum { BREAKPOINTS_MAX = 4 };

struct check {
    struct arena *a;
    size_t message; /* that is looked at */
    const char *wrong;
    size_t breakpoints;
};

#define WRONG(c, ...) ((c)->wrong = arena_printf((c)->a, __VA_ARGS__))

const char *script_check_sign(struct arena *a, struct str thinking)
{
    return arena_printf(a, "c2lnLQ%016" PRIx64, script_cache_hash(SCRIPT_CACHE_SEED, thinking));
}

static bool type_is(const json_t *block, const char *type)
{
    const char *is = json_get_c(block, "type");

    return is && strcmp(is, type) == 0;
}

static bool role_is(const json_t *message, const char *role)
{
    const char *is = json_get_c(message, "role");

    return is && strcmp(is, role) == 0;
}

static void count_breakpoint(struct check *c, const json_t *object)
{
    if (!json_is_object(json_object_get(object, "cache_control")))
        return;
    if (++c->breakpoints > BREAKPOINTS_MAX)
        WRONG(c, "A maximum of %d blocks with cache_control may be provided", BREAKPOINTS_MAX);
}

static void check_thinking(struct check *c, const json_t *block)
{
    const char *signature = json_get_c(block, "signature");
    const char *right = script_check_sign(c->a, json_get_str(block, "thinking"));

    if (!signature || strcmp(signature, right) != 0)
        WRONG(c, "messages.%zu: Invalid `signature` in `thinking` block", c->message);
    if (json_object_get(block, "cache_control"))
        WRONG(c, "messages.%zu: thinking blocks cannot have cache_control", c->message);
}

static void check_block(struct check *c, const json_t *block)
{
    if (!json_is_object(block) || !json_get_c(block, "type"))
        WRONG(c, "messages.%zu: a content block needs a type", c->message);
    else if (type_is(block, "text") && json_get_str(block, "text").n == 0)
        WRONG(c, "messages.%zu: text content blocks must be non-empty", c->message);
    else if (type_is(block, "tool_use") && !json_is_object(json_object_get(block, "input")))
        WRONG(c, "messages.%zu: tool_use.input: Input should be a valid dictionary", c->message);
    else if (type_is(block, "thinking"))
        check_thinking(c, block);
    count_breakpoint(c, block);
}

static void check_content(struct check *c, const json_t *message, bool last)
{
    const json_t *content = json_object_get(message, "content"), *block;
    bool empty =
        json_is_string(content) ? json_string_length(content) == 0 : json_array_size(content) == 0;
    size_t i;

    if (empty && !(last && role_is(message, "assistant")))
        WRONG(c, "messages.%zu: all messages must have non-empty content", c->message);
    json_array_foreach (content, i, block)
        check_block(c, block);
}

/* Whether a message has a block of this type whose `member` is `id`. */
static bool has_block(const json_t *message, const char *type, const char *member, const char *id)
{
    const json_t *content = json_object_get(message, "content"), *block;
    size_t i;

    json_array_foreach (content, i, block) {
        const char *is = json_get_c(block, member);

        if (type_is(block, type) && is && strcmp(is, id) == 0)
            return true;
    }
    return false;
}

/* Every call in `message` is answered in `next`, and every result in it answers one in `before`. */
static void check_pairs(struct check *c, const json_t *before, const json_t *message,
                        const json_t *next)
{
    const json_t *content = json_object_get(message, "content"), *block;
    bool other = false;
    size_t i;

    json_array_foreach (content, i, block) {
        const char *call = json_get_c(block, "id"), *result = json_get_c(block, "tool_use_id");

        if (type_is(block, "tool_use") &&
            !(call && has_block(next, "tool_result", "tool_use_id", call)))
            WRONG(c,
                  "messages.%zu: `tool_use` ids were found without `tool_result` blocks "
                  "immediately after: %s",
                  c->message, call ? call : "(none)");
        if (!type_is(block, "tool_result")) {
            other = true;
            continue;
        }
        if (other)
            WRONG(c, "messages.%zu: `tool_result` blocks must come first", c->message);
        if (!result || !has_block(before, "tool_use", "id", result))
            WRONG(c, "messages.%zu: unexpected `tool_use_id` found in `tool_result` blocks: %s",
                  c->message, result ? result : "(none)");
    }
}

static void check_messages(struct check *c, const json_t *messages)
{
    size_t n = json_array_size(messages);

    if (n == 0)
        WRONG(c, "messages: at least one message is required");
    for (size_t i = 0; i < n && !c->wrong; i++) {
        const json_t *message = json_array_get(messages, i);

        c->message = i;
        if (!role_is(message, "user") && !role_is(message, "assistant") &&
            !role_is(message, "system"))
            WRONG(c, "messages.%zu.role: must be user, assistant or system", i);
        check_content(c, message, i + 1 == n);
        check_pairs(c, i ? json_array_get(messages, i - 1) : NULL, message,
                    json_array_get(messages, i + 1));
    }
}

static void count_breakpoints(struct check *c, const json_t *blocks)
{
    const json_t *block;
    size_t i;

    json_array_foreach (blocks, i, block)
        count_breakpoint(c, block);
}

const char *script_check_request(struct arena *a, const json_t *body)
{
    struct check c = {.a = a};

    if (!json_is_object(body))
        return "the body must be a JSON object";
    if (json_get_str(body, "model").n == 0)
        return "model: Field required";
    if (json_get_int(body, "max_tokens", 0) < 1)
        return "max_tokens: must be at least 1";
    count_breakpoints(&c, json_object_get(body, "tools"));
    count_breakpoints(&c, json_object_get(body, "system"));
    check_messages(&c, json_object_get(body, "messages"));
    return c.wrong;
}
