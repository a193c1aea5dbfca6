/* layer: http */
/* The first byte says how the body is cut, the first line is the content type. Both ways of
 * cutting must give the same parts. */
#include "base/arena.h"
#include "base/buf.h"
#include "http/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_begin(void *ctx, const struct multipart_part *part, struct err *err)
{
    return buf_printf(ctx, err, "[%s|%s:", part->name, part->filename ? part->filename : "");
}

static int on_data(void *ctx, struct str chunk, struct err *err)
{
    return buf_add(ctx, chunk, err);
}

static int on_end(void *ctx, struct err *err)
{
    return buf_add_c(ctx, "]", err);
}

static int parse(const char *type, struct str body, size_t step, struct buf *out)
{
    static const struct multipart_ops ops = {on_begin, on_data, on_end};
    struct multipart_parser *p;
    int result = 0;

    if (multipart_new(type, &ops, out, &p, NULL))
        return -1;
    for (size_t at = 0; at < body.n && result == 0; at += step) {
        struct str piece = str_from_pos(body, at);

        piece.n = piece.n < step ? piece.n : step;
        result = multipart_feed(p, piece, NULL);
    }
    if (result == 0)
        result = multipart_finish(p, NULL);
    multipart_free(p);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_CLEANUP struct arena a = {0};
    BUF_CLEANUP struct buf one = BUF_INIT(1 << 20), other = BUF_INIT(1 << 20);
    struct str rest, line;
    const char *type;
    int result;

    if (size < 2 || size > 1 << 16)
        return 0;
    rest = (struct str){(const char *)data + 1, size - 1};
    str_next(&rest, '\n', &line);
    type = arena_dup(&a, line).p;
    result = parse(type, rest, data[0] ? data[0] : 1, &one);
    if (parse(type, rest, size, &other) != result ||
        (result == 0 && !str_eq(buf_str(&one), buf_str(&other))))
        BUG("cutting changes the parts");
    return 0;
}
