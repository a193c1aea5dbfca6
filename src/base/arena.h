/*
 * Arenas: memory with one lifetime.
 *
 * Data lives in an arena (one a task, one a request) and is freed with it; there is no freeing of
 * single objects. A parameter `struct arena *a` means "the result lives there". Memory comes
 * zeroed. Running out of memory ends the process: every size that comes from outside is capped
 * before it gets here. Under AddressSanitizer each object is its own allocation, so that an
 * overrun is seen.
 *
 * An arena belongs to one thread at a time.
 */
#ifndef KILN_BASE_ARENA_H
#define KILN_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/str.h"

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t total;               /* bytes handed out */
};

/* A zeroed struct arena is ready for use. Frees everything; the arena can be used again. */
void arena_clear(struct arena *a);

/* Zeroed memory, aligned for any type. `n` objects of `size` bytes; an overflow is a bug. */
void *arena_alloc(struct arena *a, size_t n, size_t size);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), 1, sizeof(type)))
#define ARENA_ARRAY(a, n, type) ((type *)arena_alloc((a), (n), sizeof(type)))

/* Copies. `arena_strdup(a, NULL)` is NULL. arena_dup adds a NUL after the bytes. */
char *arena_strdup(struct arena *a, const char *s);
struct str arena_dup(struct arena *a, struct str s);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* Makes room for one more element in a growing array that lives in the arena: returns `items`, or
 * a larger copy of it when `n` elements fill `*cap`. */
void *arena_grow(struct arena *a, void *items, size_t n, size_t *cap, size_t size);

#define ARENA_CLEANUP __attribute__((cleanup(arena_clear)))

#endif
