/*
 * Giving up rights for good.
 */
#ifndef KILN_SANDBOX_LOCKDOWN_H
#define KILN_SANDBOX_LOCKDOWN_H

#include "base/err.h"

/* The user and group inside. */
enum { LOCKDOWN_UID = 1000, LOCKDOWN_GID = 1000 };

/* Becomes the sandbox's user; keeps the capabilities that the new user namespace gave. */
int lockdown_user(struct err *err);

/*
 * Gives up all capabilities, for this process and everything it will ever execute, closes itself to
 * tracing and to reading of its memory, and ends when the launcher ends. The caller must then check
 * that the launcher still lives: it may have died before.
 */
int lockdown_rights(struct err *err);

/* Closes every descriptor from `first` on. */
int lockdown_fds(int first, struct err *err);

#endif
