/*
 * A growable run of bytes with a maximum, always NUL-terminated.
 *
 * Every buffer that takes bytes from outside is made with the most it may ever hold; going over
 * is an error of kind ERR_LIMIT and leaves the buffer as it was.
 */
#ifndef KILN_BASE_BUF_H
#define KILN_BASE_BUF_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct buf {
    char *p; /* NULL until something is added; then NUL-terminated */
    size_t n, cap, max;
};

/* Makes an empty buffer; allocates nothing. `max` is in bytes, without the NUL. */
#define BUF_INIT(max_bytes) ((struct buf){.max = (max_bytes)})

void buf_free(struct buf *b);
#define BUF_CLEANUP __attribute__((cleanup(buf_free)))

/* Empties it and keeps the memory. */
void buf_reset(struct buf *b);

int buf_add(struct buf *b, struct str s, struct err *err);
int buf_add_c(struct buf *b, const char *s, struct err *err);
int buf_printf(struct buf *b, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds what fits and drops the rest; returns how many bytes were dropped. */
size_t buf_add_some(struct buf *b, struct str s);

/* Room for `n` more bytes at the end: write there, then buf_added(). */
int buf_reserve(struct buf *b, size_t n, char **ret_room, struct err *err);
void buf_added(struct buf *b, size_t n);

/* Takes `n` bytes (at most all) off the front. */
void buf_consume(struct buf *b, size_t n);

/* What is in it; valid until the next change. The C string is "" for an empty buffer. */
struct str buf_str(const struct buf *b);
const char *buf_c(const struct buf *b);

#endif
