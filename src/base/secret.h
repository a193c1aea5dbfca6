/*
 * Secrets: API keys and tokens.
 *
 * A secret can't be printed by accident: it is opaque, and no function here, in log or in json
 * formats one. Whoever must send it calls secret_reveal() at the last moment. The bytes are wiped
 * when it is freed, left out of core dumps, and not inherited by forked children.
 */
#ifndef KILN_BASE_SECRET_H
#define KILN_BASE_SECRET_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct secret;

/* Copies `value` and leaves the source alone. Fails on an empty value, on one longer than 4000
 * bytes, and on spaces and control characters (a key pasted with a line break). */
int secret_new(struct str value, struct secret **ret, struct err *err);
void secret_free(struct secret *s);

/* The NUL-terminated value, valid until secret_free. */
const char *secret_reveal(const struct secret *s);

/* What may be shown: "…f3A", the last three characters; "…" for a short one. */
const char *secret_hint(struct arena *a, const struct secret *s);

/* Overwrites memory in a way that the compiler keeps. */
void secret_wipe(void *p, size_t n);

#endif
