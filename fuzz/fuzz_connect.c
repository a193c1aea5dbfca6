/* layer: http */
/* The first byte says how the rest is cut; messages written again must be the bytes read. */
#include "http/connect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BUF_CLEANUP struct buf out = BUF_INIT(1 << 20);
    size_t step = size && data[0] ? data[0] : 1;
    struct connect_parser p;
    struct connect_message m;
    int more = 0;

    if (size < 1 || size > 1 << 16)
        return 0;
    connect_parser_init(&p);
    for (size_t at = 1; at < size && more >= 0; at += step) {
        size_t n = size - at < step ? size - at : step;

        if (connect_parser_feed(&p, (struct str){(const char *)data + at, n}, NULL))
            BUG("the parser is full");
        while ((more = connect_parser_next(&p, &m, NULL)) == 1)
            if (connect_write(&out, m.flags, m.payload, NULL))
                BUG("a message grew");
    }
    if (out.n > size - 1 || !str_eq(buf_str(&out), (struct str){(const char *)data + 1, out.n}))
        BUG("messages differ from what came");
    connect_parser_free(&p);
    return 0;
}
