#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_free(struct buf *b)
{
    free(b->p);
    *b = BUF_INIT(b->max);
}

void buf_reset(struct buf *b)
{
    b->n = 0;
    if (b->p)
        b->p[0] = '\0';
}

static void grow(struct buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : 256;
    char *p;

    if (need > SIZE_MAX / 4)
        BUG("a buffer of %zu bytes", need);
    while (cap < need + 1)
        cap *= 2;
    if (cap - 1 > b->max)
        cap = b->max + 1;
    p = realloc(b->p, cap);
    if (!p) {
        fputs("kiln: out of memory\n", stderr);
        abort();
    }
    b->p = p;
    b->p[b->n] = '\0';
    b->cap = cap;
}

int buf_reserve(struct buf *b, size_t n, char **ret_room, struct err *err)
{
    if (n > b->max - b->n)
        return err_set(err, ERR_LIMIT, "more than the %zu bytes allowed here", b->max);
    if (b->n + n + 1 > b->cap)
        grow(b, b->n + n);
    *ret_room = b->p + b->n;
    return 0;
}

void buf_added(struct buf *b, size_t n)
{
    if (b->n + n + 1 > b->cap)
        BUG("%zu bytes were added to a buffer with room for %zu", n, b->cap - b->n - 1);
    b->n += n;
    b->p[b->n] = '\0';
}

int buf_add(struct buf *b, struct str s, struct err *err)
{
    char *room;

    if (buf_reserve(b, s.n, &room, err))
        return -1;
    if (s.n)
        memcpy(room, s.p, s.n);
    buf_added(b, s.n);
    return 0;
}

int buf_add_c(struct buf *b, const char *s, struct err *err)
{
    return buf_add(b, str_from(s), err);
}

int buf_printf(struct buf *b, struct err *err, const char *fmt, ...)
{
    va_list ap;
    char *room;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        BUG("format '%s'", fmt);
    if (buf_reserve(b, (size_t)n, &room, err))
        return -1;
    va_start(ap, fmt);
    vsnprintf(room, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->n += (size_t)n;
    return 0;
}

size_t buf_add_some(struct buf *b, struct str s)
{
    size_t left = b->max - b->n, dropped = s.n > left ? s.n - left : 0;

    s.n -= dropped;
    if (buf_add(b, s, NULL))
        BUG("a buffer refused %zu bytes that fit", s.n);
    return dropped;
}

void buf_consume(struct buf *b, size_t n)
{
    if (n > b->n)
        BUG("%zu bytes taken of %zu", n, b->n);
    if (n == 0)
        return;
    memmove(b->p, b->p + n, b->n - n + 1);
    b->n -= n;
}

struct str buf_str(const struct buf *b)
{
    return (struct str){b->p ? b->p : "", b->n};
}

const char *buf_c(const struct buf *b)
{
    return b->p ? b->p : "";
}
