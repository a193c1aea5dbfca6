/*
 * One command of a stack, run on a fresh copy of the tree, and what came out of it.
 *
 * Every step starts from the collected tree alone, placed anew in a folder with a random name, so
 * that nothing which the agent or an earlier step left behind has a say: no stale object file, no
 * cache, no process. Its environment is made from nothing; HOME, TMPDIR and REPORT are empty
 * folders of its own. Only DEPS, what the install step fetched, is shared by the steps of a unit.
 */
#ifndef KILN_CHECK_CHECK_STEP_H
#define KILN_CHECK_CHECK_STEP_H

#include "base/arena.h"
#include "base/err.h"
#include "check/report.h"
#include "check/stack.h"
#include "sandbox/envd.h"
#include "tree/tree.h"

/* Where steps run: a sandbox, as much of it as they need. */
struct check_place {
    struct envd_client *envd;
    const char *tmp;      /* folder for everything that is made: "/tmp" */
    const char *kiln_dir; /* where the helpers of stacks are: STACK_KILN_DIR */
    /* Ends every process inside; NULL: nothing is left to do after envd_run. */
    int (*end_all)(void *ctx, struct err *err);
    void *ctx;
};

struct check_step {
    const struct stack_unit *unit;
    const struct stack_rule *rule;
    const char *deps;           /* folder inside */
    const struct envd_env *env; /* on top of the stack's */
    size_t n_env;
    const char *log_path; /* of the host: the whole output; NULL: none */
    int64_t timeout_s;    /* unless the rule has one */
    int64_t deadline;     /* it isn't run past it; CLOCK_NEVER */
};

enum check_report_state { CHECK_REPORT_NONE, CHECK_REPORT_READ, CHECK_REPORT_BAD };

/* What is known about a step that was run. */
struct check_evidence {
    struct envd_result result;
    bool output_limit; /* it printed too much and was ended */
    struct str output; /* cleaned, head and tail, without names of our folders */
    enum check_report_state report_state;
    const char *report_error; /* CHECK_REPORT_BAD: why it can't be read */
    struct report report;
};

enum { CHECK_OUTPUT_MAX = 64 * 1024 };

/* Runs a step. An error means that the sandbox failed, not the command; or a cancellation; or
 * that the deadline is over (ERR_TIMEOUT). */
int check_step_run(const struct check_place *place, const struct tree *t,
                   const struct check_step *step, struct arena *a, struct check_evidence *ret,
                   struct err *err);

#endif
