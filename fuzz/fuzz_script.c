/* layer: model */
/* Model scripts, and what their first turn says. */
#include "model/script.h"
#include "model/script_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void play(const struct script *s)
{
    ARENA_CLEANUP struct arena a = {0};
    struct script_reply reply = {.turn = &s->turns[0], .model = s->model, .number = 1};
    struct script_stream stream;
    JSON_CLEANUP json_t *message = NULL;

    script_reply_count(&reply);
    script_reply_stream(&reply, &a, &stream);
    message = script_reply_message(&reply, &a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script *s;
    struct err err;

    if (script_parse((struct str){(const char *)data, size}, "fuzz.yaml", &s, &err) == 0) {
        play(s);
        script_free(s);
    }
    return 0;
}
