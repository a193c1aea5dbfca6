/*
 * The Connect protocol's streaming envelopes: flags (1 byte), length (4 bytes, big-endian),
 * payload; connectrpc.com/docs/protocol, and what E2B's envd does with it (JSON payloads, no
 * compression). Bit 0 of the flags is compression, bit 1 marks the last message, whose payload is
 * {} or {"error":{"code","message"}}.
 */
#ifndef KILN_HTTP_CONNECT_H
#define KILN_HTTP_CONNECT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { CONNECT_COMPRESSED = 1, CONNECT_END_STREAM = 2, CONNECT_MAX_MESSAGE = 16 * 1024 * 1024 };

struct connect_message {
    unsigned flags;
    struct str payload;
};

/* Bytes that have come and are not taken yet. */
struct connect_parser {
    struct buf pending;
    size_t taken; /* bytes at the front of `pending` that were handed out */
};

void connect_parser_init(struct connect_parser *p);
void connect_parser_free(struct connect_parser *p);
int connect_parser_feed(struct connect_parser *p, struct str bytes, struct err *err);
/* 1 and the next message (valid until the next feed), 0 when more bytes are needed, -1 when a
 * message is larger than CONNECT_MAX_MESSAGE or has unknown flags. Take all before feeding more. */
int connect_parser_next(struct connect_parser *p, struct connect_message *ret, struct err *err);

/* Appends an envelope. */
int connect_write(struct buf *out, unsigned flags, struct str payload, struct err *err);

/* The protocol's error codes, their names ("not_found") and the HTTP status of each for unary
 * calls. */
enum connect_code {
    CONNECT_OK = 0,
    CONNECT_CANCELED,
    CONNECT_UNKNOWN,
    CONNECT_INVALID_ARGUMENT,
    CONNECT_DEADLINE_EXCEEDED,
    CONNECT_NOT_FOUND,
    CONNECT_ALREADY_EXISTS,
    CONNECT_PERMISSION_DENIED,
    CONNECT_RESOURCE_EXHAUSTED,
    CONNECT_FAILED_PRECONDITION,
    CONNECT_ABORTED,
    CONNECT_OUT_OF_RANGE,
    CONNECT_UNIMPLEMENTED,
    CONNECT_INTERNAL,
    CONNECT_UNAVAILABLE,
    CONNECT_DATA_LOSS,
    CONNECT_UNAUTHENTICATED,
};

const char *connect_code_name(enum connect_code code);
enum connect_code connect_code_from_name(const char *name); /* CONNECT_UNKNOWN for others */
int connect_code_status(enum connect_code code);

/* What kind of our error a code is, and the other way round. */
enum err_kind connect_code_kind(enum connect_code code);
enum connect_code connect_code_from_kind(enum err_kind kind);

#endif
