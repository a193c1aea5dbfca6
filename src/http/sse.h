/*
 * Server-sent events (WHATWG HTML, section 9.2), both directions.
 */
#ifndef KILN_HTTP_SSE_H
#define KILN_HTTP_SSE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct sse_event {
    const char *name; /* "message" when the stream gave none */
    struct str data;  /* lines joined by '\n' */
};

/* A parser that takes bytes as they come, cut anywhere. */
struct sse_parser;

/* `max_event` caps name and data of one event; more is ERR_LIMIT. */
struct sse_parser *sse_parser_new(size_t max_event);
void sse_parser_free(struct sse_parser *p);

/* Gives it bytes, at most 1 MiB before they are taken by sse_parser_next. */
int sse_parser_feed(struct sse_parser *p, struct str bytes, struct err *err);

/* 1 and the next whole event (valid until the next call), 0 when more bytes are needed, -1 on
 * errors. Comments, ids and retry fields are passed over. */
int sse_parser_next(struct sse_parser *p, struct sse_event *ret, struct err *err);

/* Appends one event in wire form, or nothing on errors. Line breaks of any kind in `data` arrive as
 * '\n'; `name` (NULL for none) can't have any. */
int sse_write(struct buf *out, const char *name, struct str data, struct err *err);

#endif
