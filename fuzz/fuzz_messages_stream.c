/* layer: model */
/* Bytes of a reply's event stream, as a broken or hostile server may send them. */
#include "http/sse.h"
#include "model/messages_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void finish(struct messages_stream *s)
{
    ARENA_CLEANUP struct arena a = {0};
    struct messages_reply reply = {0};

    messages_stream_finish(s, &a, &reply);
    json_dump(&a, reply.content);
    messages_reply_clear(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct messages_stream *s = messages_stream_new(NULL, NULL);
    struct sse_parser *sse = sse_parser_new(1024 * 1024);
    struct sse_event event;
    struct err err = {0};
    int done = 0;

    if (sse_parser_feed(sse, (struct str){(const char *)data, size}, &err) == 0)
        while (done == 0 && sse_parser_next(sse, &event, &err) == 1)
            done = messages_stream_event(s, &event, &err);
    messages_stream_usage(s);
    if (done == 1)
        finish(s);
    sse_parser_free(sse);
    messages_stream_free(s);
    return 0;
}
