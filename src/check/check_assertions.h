/*
 * Counting assertions: how many lines of a unit's test files look like one by the stack's patterns.
 *
 * A weak measure, used for one thing alone: tests that failed must not pass because assertions were
 * taken out of them. A line that fits `trivial` too ("assertTrue(True)") doesn't count.
 */
#ifndef KILN_CHECK_CHECK_ASSERTIONS_H
#define KILN_CHECK_CHECK_ASSERTIONS_H

#include "check/stack.h"
#include "tree/tree.h"

/* -1 if the stack doesn't say what an assertion looks like. */
int64_t check_assertions_count(const struct stack_unit *unit, const struct tree *t);

/* Whether a pattern is an extended regular expression (POSIX). */
bool check_assertions_pattern_ok(const char *pattern);

#endif
