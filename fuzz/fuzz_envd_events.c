/* layer: sandbox */
/*
 * The envd client's decoding of what the untrusted side sends: the messages of a stream, and the
 * body of a refusal. The first byte cuts the stream in two.
 */
#include <stdint.h>

#include "sandbox/envd_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take_messages(struct arena *a, struct connect_parser *p)
{
    struct connect_message message;
    struct envd_event event;
    struct err err;
    int rc;

    while ((rc = connect_parser_next(p, &message, &err)) == 1)
        if (envd_client_decode_event(a, &message, &event, &err))
            return -1;
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_CLEANUP struct arena a = {0};
    struct connect_parser p;
    struct str text = {(const char *)data + 1, size - 1}, first;
    struct err err;

    if (size == 0)
        return 0;
    first = (struct str){text.p, data[0] < text.n ? data[0] : text.n};
    connect_parser_init(&p);
    if (connect_parser_feed(&p, first, &err) == 0 && take_messages(&a, &p) == 0 &&
        connect_parser_feed(&p, str_from_pos(text, first.n), &err) == 0)
        take_messages(&a, &p);
    connect_parser_free(&p);
    envd_client_refused(500, text, &err);
    return 0;
}
