/*
 * Time. Durations and deadlines are milliseconds of the monotonic clock (which a change of the
 * wall clock doesn't move); the wall clock is only for people and records.
 */
#ifndef KILN_BASE_CLOCK_H
#define KILN_BASE_CLOCK_H

#include <stdint.h>

#include "base/arena.h"

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t clock_now_ms(void);

/* Never, as a deadline. */
#define CLOCK_NEVER INT64_MAX

/* The moment `ms` from now; a negative `ms` means never. */
int64_t clock_deadline(int64_t ms);

/* For poll(2): milliseconds until `deadline`, at least 0 and at most INT_MAX; -1 for never. */
int clock_poll_ms(int64_t deadline);

/* Seconds since 1970 and milliseconds of it. */
int64_t clock_wall_ms(void);

/* RFC 3339 in UTC with milliseconds: "2026-11-22T01:38:43.120Z". */
char *clock_rfc3339(struct arena *a, int64_t wall_ms);

/* For people: "340 ms", "4.1 s", "2 min 03 s", "1 h 04 min". */
char *clock_human(struct arena *a, int64_t ms);

#endif
