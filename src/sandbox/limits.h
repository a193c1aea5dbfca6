/*
 * Limits of a sandbox: cgroups where there are any, resource limits of processes everywhere.
 *
 * Each of memory, processes and CPU is looked at alone: on hosts with cgroups of version 1 and 2 at
 * the same time every controller has its own place. A controller that can't be used here (not
 * mounted, not delegated to this user) falls back to what a process can do to itself, and the
 * record says so.
 *
 *                cgroup v1                    cgroup v2                 without
 *     memory     memory.limit_in_bytes        memory.max, swap 0        RLIMIT_DATA of a process
 *     pids       pids.max                     pids.max                  RLIMIT_NPROC
 *     cpu        cpu.cfs_quota_us             cpu.max                   CPU affinity
 *
 * When memory runs out the kernel kills the largest process, not the sandbox: commands volunteer
 * for it before envd (oom_score_adj).
 */
#ifndef KILN_SANDBOX_LIMITS_H
#define KILN_SANDBOX_LIMITS_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "json/json.h"
#include "sandbox/sandbox.h"

/* What envd may have beyond limits.pids: room for its threads and for the command that is to end
 * a fork bomb. */
enum { LIMITS_PIDS_RESERVE = 64 };

/* Fills in the defaults that sandbox.h states. */
struct sandbox_limits limits_with_defaults(const struct sandbox_limits *l);

/* As an object with the names of the fields; the caller owns it. */
json_t *limits_json(const struct sandbox_limits *l);

/* ---- where the host keeps control groups (limits_find.c) ---- */

enum limits_controller { LIMITS_MEMORY, LIMITS_PIDS, LIMITS_CPU, LIMITS_N };

extern const char *const limits_controller_names[LIMITS_N];

struct limits_place {
    int version;     /* 1, 2, or 0: no such controller here */
    const char *dir; /* of the group that this process is in */
};

/*
 * From the texts of /proc/self/cgroup and /proc/self/mountinfo. A controller of version 1 is
 * preferred where it is mounted: then version 2 doesn't have it.
 */
void limits_find(struct arena *a, struct str cgroup, struct str mountinfo,
                 struct limits_place ret[LIMITS_N]);

/* ---- control groups (limits_cgroup.c) ---- */

struct limits_group {
    int version; /* 0: not used */
    char path[512];
};

struct limits_groups {
    struct limits_group of[LIMITS_N];
};

/* Makes the groups of one sandbox, as many as can be had. `n` is
 * part of the name. */
void limits_cgroup_make(const struct limits_place places[LIMITS_N], unsigned n,
                        const struct sandbox_limits *l, struct limits_groups *ret);

/* The way into them, held open. A process of version 2 is best cloned into its group
 * (CLONE_INTO_CGROUP); with version 1 it must move itself. Both without the lock that moving
 * another process takes, and which costs ten milliseconds when it is asked for rarely. */
struct limits_entry {
    int v2;              /* folder of the group, or -1 */
    int tasks[LIMITS_N]; /* files to write to, or -1 */
};

int limits_cgroup_open(const struct limits_groups *g, struct limits_entry *ret, struct err *err);
void limits_cgroup_close(struct limits_entry *e);

/* Moves this process, which has one thread, into the groups of version 1. */
int limits_cgroup_enter(const struct limits_entry *e, struct err *err);

/* How many processes were killed because memory ran out. */
long long limits_cgroup_oom_kills(const struct limits_groups *g);

/* Removes them; they must be empty or about to be. */
void limits_cgroup_remove(struct limits_groups *g);

/* Removes empty groups of launchers that were killed. */
void limits_cgroup_sweep(const struct limits_place places[LIMITS_N]);

/* {"memory":"v1","pids":"rlimit","cpu":"affinity"}; the caller owns it. */
json_t *limits_record(const struct limits_groups *g);

/* ---- what a process does to itself (limits_self.c) ---- */

/* What is left to do inside. */
struct limits_self {
    struct sandbox_limits l;
    bool memory, cpu; /* there is no control group for it */
};

/* For the first process: what must hold for it and all that it starts. */
int limits_self_first(const struct limits_self *s, struct err *err);

/* For each other process, before it becomes the command (struct envd_server_config.before_exec):
 * async-signal-safe, returns 0 or an errno. `ctx` is a struct limits_self. */
int limits_self_command(void *ctx);

#endif
