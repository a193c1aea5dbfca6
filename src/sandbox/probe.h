/*
 * What the self-test tries from inside a sandbox.
 *
 * Runs where a command would run, with the rights of a command, and tries what must not work (and
 * the little that must). It writes a line "CHECK<tab>what is wrong" for each violation, and "done"
 * at the end. A check is a layer of launcher.h, or "loopback" or "privileges".
 */
#ifndef KILN_SANDBOX_PROBE_H
#define KILN_SANDBOX_PROBE_H

#include "sandbox/sandbox.h"

/* Writes to `fd`; returns an exit status. */
int probe_run(int fd, const struct sandbox_limits *limits);

#endif
