/*
 * Deadlines for sockets that other threads work on: when one runs out, the socket is shut down,
 * which wakes its thread whatever it waits for. One thread watches all sockets of a server.
 *
 * All functions may be called from any thread. A socket must be removed before it is closed.
 */
#ifndef KILN_HTTP_WATCHDOG_H
#define KILN_HTTP_WATCHDOG_H

#include <stdint.h>

#include "base/err.h"

struct watchdog;
struct watched;

int watchdog_start(struct watchdog **ret, struct err *err);
/* Nothing may be watched any more. NULL is fine. */
void watchdog_stop(struct watchdog *w);

/* Watches `fd` with a deadline of clock.h; CLOCK_NEVER for none yet. */
struct watched *watchdog_add(struct watchdog *w, int fd, int64_t deadline);
void watchdog_remove(struct watchdog *w, struct watched *x);

/* Sets the deadline anew. `farewell` (static, or NULL) is sent before the socket is shut down. */
void watchdog_set(struct watchdog *w, struct watched *x, int64_t deadline, const char *farewell);

unsigned watchdog_count(struct watchdog *w);

#endif
