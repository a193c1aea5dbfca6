#include "http/connect.h"

#include <string.h>

enum { HEAD_BYTES = 5, FEED_ROOM = 1024 * 1024 };

/* ---- envelopes ---- */

void connect_parser_init(struct connect_parser *p)
{
    *p = (struct connect_parser){
        .pending = BUF_INIT((size_t)CONNECT_MAX_MESSAGE + HEAD_BYTES + FEED_ROOM)};
}

void connect_parser_free(struct connect_parser *p)
{
    buf_free(&p->pending);
    p->taken = 0;
}

int connect_parser_feed(struct connect_parser *p, struct str bytes, struct err *err)
{
    buf_consume(&p->pending, p->taken);
    p->taken = 0;
    return buf_add(&p->pending, bytes, err);
}

static size_t read_length(const unsigned char *p)
{
    return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

int connect_parser_next(struct connect_parser *p, struct connect_message *ret, struct err *err)
{
    struct str s = str_from_pos(buf_str(&p->pending), p->taken);
    const unsigned char *head = (const unsigned char *)s.p;
    size_t n;

    if (s.n < HEAD_BYTES)
        return 0;
    if (head[0] & ~(unsigned)(CONNECT_COMPRESSED | CONNECT_END_STREAM))
        return err_set(err, ERR_PROTOCOL, "a message of the stream has unknown flags 0x%02x",
                       head[0]);
    n = read_length(head + 1);
    if (n > CONNECT_MAX_MESSAGE)
        return err_set(err, ERR_LIMIT, "a message of the stream has %zu bytes; the most is %d", n,
                       CONNECT_MAX_MESSAGE);
    if (s.n < HEAD_BYTES + n)
        return 0;
    ret->flags = head[0];
    ret->payload = (struct str){s.p + HEAD_BYTES, n};
    p->taken += HEAD_BYTES + n;
    return 1;
}

int connect_write(struct buf *out, unsigned flags, struct str payload, struct err *err)
{
    unsigned char head[HEAD_BYTES] = {(unsigned char)flags, (unsigned char)(payload.n >> 24),
                                      (unsigned char)(payload.n >> 16),
                                      (unsigned char)(payload.n >> 8), (unsigned char)payload.n};
    char *room;

    if (payload.n > CONNECT_MAX_MESSAGE)
        return err_set(err, ERR_LIMIT, "a message of %zu bytes is too large for a stream",
                       payload.n);
    if (buf_reserve(out, sizeof(head) + payload.n, &room, err))
        return -1;
    memcpy(room, head, sizeof(head));
    if (payload.n)
        memcpy(room + sizeof(head), payload.p, payload.n);
    buf_added(out, sizeof(head) + payload.n);
    return 0;
}

/* ---- error codes ---- */

static const struct {
    const char *name;
    int status;
    enum err_kind kind;
} codes[] = {
    [CONNECT_OK] = {"ok", 200, ERR_NONE},
    [CONNECT_CANCELED] = {"canceled", 499, ERR_CANCELLED},
    [CONNECT_UNKNOWN] = {"unknown", 500, ERR_REMOTE},
    [CONNECT_INVALID_ARGUMENT] = {"invalid_argument", 400, ERR_INPUT},
    [CONNECT_DEADLINE_EXCEEDED] = {"deadline_exceeded", 504, ERR_TIMEOUT},
    [CONNECT_NOT_FOUND] = {"not_found", 404, ERR_NOT_FOUND},
    [CONNECT_ALREADY_EXISTS] = {"already_exists", 409, ERR_EXISTS},
    [CONNECT_PERMISSION_DENIED] = {"permission_denied", 403, ERR_REMOTE},
    [CONNECT_RESOURCE_EXHAUSTED] = {"resource_exhausted", 429, ERR_THROTTLED},
    [CONNECT_FAILED_PRECONDITION] = {"failed_precondition", 400, ERR_REMOTE},
    [CONNECT_ABORTED] = {"aborted", 409, ERR_REMOTE},
    [CONNECT_OUT_OF_RANGE] = {"out_of_range", 400, ERR_INPUT},
    [CONNECT_UNIMPLEMENTED] = {"unimplemented", 501, ERR_PROTOCOL},
    [CONNECT_INTERNAL] = {"internal", 500, ERR_REMOTE},
    [CONNECT_UNAVAILABLE] = {"unavailable", 503, ERR_NET},
    [CONNECT_DATA_LOSS] = {"data_loss", 500, ERR_REMOTE},
    [CONNECT_UNAUTHENTICATED] = {"unauthenticated", 401, ERR_AUTH},
};

const char *connect_code_name(enum connect_code code)
{
    return codes[code].name;
}

enum connect_code connect_code_from_name(const char *name)
{
    for (int i = CONNECT_CANCELED; i <= CONNECT_UNAUTHENTICATED; i++)
        if (strcmp(codes[i].name, name) == 0)
            return (enum connect_code)i;
    return CONNECT_UNKNOWN;
}

int connect_code_status(enum connect_code code)
{
    return codes[code].status;
}

enum err_kind connect_code_kind(enum connect_code code)
{
    return codes[code].kind;
}

enum connect_code connect_code_from_kind(enum err_kind kind)
{
    switch (kind) {
    case ERR_NONE:
        return CONNECT_OK;
    case ERR_USAGE:
    case ERR_INPUT:
    case ERR_PROTOCOL:
        return CONNECT_INVALID_ARGUMENT;
    case ERR_CONFIG:
    case ERR_HOST:
        return CONNECT_FAILED_PRECONDITION;
    case ERR_NOT_FOUND:
        return CONNECT_NOT_FOUND;
    case ERR_EXISTS:
        return CONNECT_ALREADY_EXISTS;
    case ERR_AUTH:
        return CONNECT_UNAUTHENTICATED;
    case ERR_NET:
        return CONNECT_UNAVAILABLE;
    case ERR_THROTTLED:
    case ERR_LIMIT:
    case ERR_BUDGET:
        return CONNECT_RESOURCE_EXHAUSTED;
    case ERR_REMOTE:
        return CONNECT_UNKNOWN;
    case ERR_TIMEOUT:
        return CONNECT_DEADLINE_EXCEEDED;
    case ERR_CANCELLED:
        return CONNECT_CANCELED;
    case ERR_IO:
    case ERR_INTERNAL:
        return CONNECT_INTERNAL;
    }
    return CONNECT_UNKNOWN;
}
