/* layer: http */
/* The first byte says how the rest is cut; both ways of cutting must give the same events. */
#include "http/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse(struct str text, size_t step, struct buf *out)
{
    struct sse_parser *p = sse_parser_new(512);
    struct sse_event e;
    int more = 0;

    for (size_t at = 0; at < text.n && more >= 0; at += step) {
        struct str piece = str_from_pos(text, at);

        piece.n = piece.n < step ? piece.n : step;
        if (sse_parser_feed(p, piece, NULL))
            BUG("the parser is full");
        while ((more = sse_parser_next(p, &e, NULL)) == 1)
            if (sse_write(out, e.name, e.data, NULL))
                BUG("an event grew");
    }
    sse_parser_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BUF_CLEANUP struct buf one = BUF_INIT(1 << 24), other = BUF_INIT(1 << 24);
    struct str text = {(const char *)data + 1, size - 1};

    if (size < 1 || size > 1 << 16)
        return 0;
    parse(text, data[0] ? data[0] : 1, &one);
    parse(text, size, &other);
    if (!str_eq(buf_str(&one), buf_str(&other)))
        BUG("cutting changes the events");
    return 0;
}
