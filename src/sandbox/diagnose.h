/*
 * Why a host doesn't let us make sandboxes, from the causes that are known, and what to do.
 */
#ifndef KILN_SANDBOX_DIAGNOSE_H
#define KILN_SANDBOX_DIAGNOSE_H

#include "base/arena.h"
#include "base/err.h"

/* The fix for an error `sys` when namespaces were made or used, or NULL if no cause is known. */
const char *diagnose_namespaces(struct arena *a, int sys);

#endif
