#include "base/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_EACH 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_EACH 1
#endif
#endif
#ifndef ARENA_EACH
#define ARENA_EACH 0
#endif

enum { BLOCK_SIZE = 32 * 1024, ALIGN = alignof(max_align_t) };

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    alignas(max_align_t) char data[];
};

static struct arena_block *new_block(struct arena *a, size_t size)
{
    struct arena_block *b = calloc(1, sizeof(*b) + size);

    if (!b) {
        fputs("kiln: out of memory\n", stderr);
        abort();
    }
    b->size = size;
    b->next = a->blocks;
    a->blocks = b;
    return b;
}

/* A large object gets a block of its own behind the current one, which stays in use. */
static struct arena_block *new_block_behind(struct arena *a, size_t size)
{
    struct arena_block *first = a->blocks, *b = new_block(a, size);

    b->used = size;
    if (first) {
        a->blocks = first;
        b->next = first->next;
        first->next = b;
    }
    return b;
}

void arena_clear(struct arena *a)
{
    struct arena_block *b = a->blocks;

    while (b) {
        struct arena_block *next = b->next;

        free(b);
        b = next;
    }
    *a = (struct arena){0};
}

void *arena_alloc(struct arena *a, size_t n, size_t size)
{
    struct arena_block *b = a->blocks;
    size_t bytes;
    void *p;

    if (__builtin_mul_overflow(n, size, &bytes) || bytes > (size_t)1 << 40)
        BUG("allocation of %zu objects of %zu bytes", n, size);
    a->total += bytes;
    if (ARENA_EACH)
        return new_block(a, bytes)->data;
    bytes = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (bytes > BLOCK_SIZE / 4)
        return new_block_behind(a, bytes)->data;
    if (!b || b->size - b->used < bytes)
        b = new_block(a, BLOCK_SIZE);
    p = b->data + b->used;
    b->used += bytes;
    return p;
}

struct str arena_dup(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n + 1, 1);

    if (s.n)
        memcpy(p, s.p, s.n);
    return (struct str){p, s.n};
}

char *arena_strdup(struct arena *a, const char *s)
{
    size_t n;
    char *p;

    if (!s)
        return NULL;
    n = strlen(s);
    p = arena_alloc(a, n + 1, 1);
    memcpy(p, s, n);
    return p;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
    va_list again;
    int n;
    char *p;

    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0)
        BUG("format '%s'", fmt);
    p = arena_alloc(a, (size_t)n + 1, 1);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    char *p;

    va_start(ap, fmt);
    p = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return p;
}

void *arena_grow(struct arena *a, void *items, size_t n, size_t *cap, size_t size)
{
    void *larger;

    if (n < *cap)
        return items;
    *cap = *cap ? *cap * 2 : 8;
    larger = arena_alloc(a, *cap, size);
    if (n)
        memcpy(larger, items, n * size);
    return larger;
}
