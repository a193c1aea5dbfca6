/*
 * Randomness from the kernel.
 */
#ifndef KILN_BASE_RAND_H
#define KILN_BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

void rand_bytes(void *p, size_t n);

/* Even over 0 .. bound-1; `bound` at least 1. */
uint64_t rand_below(uint64_t bound);

/* `n` characters of [a-z0-9]: an identifier that can't be guessed from 20 on. */
char *rand_id(struct arena *a, size_t n);

#endif
