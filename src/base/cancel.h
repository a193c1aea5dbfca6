/*
 * Cancellation of the whole process: Ctrl-C, SIGTERM, or our own decision to stop.
 *
 * Everything that blocks polls cancel_fd() beside what it waits for, and returns an error of kind
 * ERR_CANCELLED when it becomes readable. It stays readable. Work that must still be done after a
 * cancellation (closing a sandbox, writing a result) doesn't look at it.
 */
#ifndef KILN_BASE_CANCEL_H
#define KILN_BASE_CANCEL_H

#include <stdbool.h>

#include "base/err.h"

/* Installs handlers for SIGINT, SIGTERM and SIGHUP and ignores SIGPIPE. Call once, early, while
 * the process has one thread. A second signal of those ends the process at once. */
int cancel_install(struct err *err);

/* As if a signal had come. Safe from any thread and from a signal handler. */
void cancel_request(void);

/* Readable once cancelled; -1 (which poll ignores) when cancel_install was not called. */
int cancel_fd(void);

bool cancel_requested(void);

/* The signal that asked, or 0. */
int cancel_signal(void);

/* Returns -1 with ERR_CANCELLED if cancelled, else 0. */
int cancel_check(struct err *err);

/* Sleeps; returns -1 with ERR_CANCELLED when interrupted. */
int cancel_sleep_ms(int ms, struct err *err);

#endif
