/*
 * The processes below a process, as /proc shows them.
 *
 * Every command that envd starts has a supervisor ("shim", envd_server_spawn.h) that is the
 * subreaper of all that the command starts. So whatever a descendant does - a session of its own,
 * a double fork - it stays below the shim, and following parents finds it.
 */
#ifndef KILN_SANDBOX_ENVD_SERVER_TREE_H
#define KILN_SANDBOX_ENVD_SERVER_TREE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* Sends `sig` once to every process below `root`, parents before their children. Returns how many
 * there were, or -1. Processes that are made meanwhile are missed: to end a tree, repeat. */
int envd_server_tree_signal(pid_t root, int sig, struct err *err);

/* The same with SIGKILL for all but the direct children `spared` and what is below those. */
int envd_server_tree_kill_others(pid_t root, const pid_t *spared, size_t n_spared, struct err *err);

#endif
