/* The conversation: what is sent with the next call of the model, and kept in the transcript. */
#include <string.h>

#include "engine/direct.h"

void direct_tell(const struct engine *e, const struct engine_event *event)
{
    if (e->env->on_event)
        e->env->on_event(e->env->ctx, event);
}

static json_t *text_blocks(const char *text)
{
    json_t *blocks = json_array(), *block = json_object();

    json_set(block, "type", json_c("text"));
    json_set(block, "text", json_c(text));
    json_add(blocks, block);
    return blocks;
}

int direct_add_user(struct engine *e, json_t *blocks, struct err *err)
{
    json_t *last = json_array_get(e->messages, json_array_size(e->messages) - 1);
    const char *role = json_get_c(last, "role");
    json_t *line = json_pack("{s:s, s:O}", "role", "user", "content", blocks);

    if (role && strcmp(role, "user") == 0)
        json_array_extend(json_object_get(last, "content"), blocks);
    else
        json_add(e->messages, json_incref(line));
    json_decref(blocks);
    return transcript_add(e->transcript, line, err);
}

int direct_add_user_text(struct engine *e, const char *text, struct err *err)
{
    return direct_add_user(e, text_blocks(text), err);
}

int direct_add_reply(struct engine *e, const struct messages_reply *reply, struct err *err)
{
    json_t *message = json_pack("{s:s, s:O}", "role", "assistant", "content", reply->content);
    json_t *line = json_copy(message);

    json_add(e->messages, message);
    json_set(line, "model", json_c(reply->model));
    json_set(line, "stop_reason", json_c(reply->stop_name));
    json_set(line, "request_id", json_c(reply->request_id));
    json_set(line, "usage", usage_to_json(&reply->usage));
    return transcript_add(e->transcript, line, err);
}
