/*
 * Checks: tests, build, types and lint, run by kiln in a sandbox, by kiln's own commands.
 *
 * A check passes only on evidence: for tests, exit code 0 AND a readable report AND at least one
 * executed test AND none failed AND no fewer than before (check_compare); for the others, an exit
 * code that the recipe lists as clean. What could not run is an error, never a pass; whose error
 * it is, the reason says.
 */
#ifndef KILN_CHECK_CHECK_H
#define KILN_CHECK_CHECK_H

#include "base/arena.h"
#include "base/err.h"
#include "check/report.h"
#include "check/stack.h"
#include "json/json.h"
#include "sandbox/sandbox.h"
#include "tree/tree.h"

enum check_outcome {
    CHECK_PASS,
    CHECK_FAIL,
    CHECK_NA,    /* this stack has no such step */
    CHECK_ERROR, /* it could not run: kiln's or the host's matter */
};

enum check_reason {
    CHECK_OK,
    CHECK_NO_STEP,    /* na */
    CHECK_NO_PROJECT, /* fail: no stack was found in the tree */
    CHECK_TESTS_FAIL,
    CHECK_NO_TESTS, /* none executed */
    CHECK_ALL_SKIPPED,
    CHECK_COUNTS_DISAGREE, /* exit code and report say different things */
    CHECK_REPORT_MISSING,  /* none was written, or it can't be read */
    CHECK_TESTS_DROPPED,   /* fewer than in an earlier round, or failed ones have gone */
    CHECK_TESTS_WEAKENED,  /* tests that failed pass now, with fewer assertions than before */
    CHECK_BUILD_FAILS,
    CHECK_TYPE_ERRORS,
    CHECK_FINDINGS,
    CHECK_FLAKY,          /* the same tree passed and failed */
    CHECK_INSTALL_FAILED, /* packages that the project names can't be had */
    CHECK_TIMED_OUT,
    CHECK_KILLED, /* by a signal that wasn't ours: crashed, or out of memory */
    CHECK_OUTPUT_LIMIT,
    CHECK_TOOL_MISSING, /* error */
    CHECK_TOOL_BROKE,   /* error: the tool itself failed */
    CHECK_SANDBOX,      /* error */
    CHECK_REASONS,
};

/* A stable word: "tests_fail". */
const char *check_reason_name(enum check_reason reason);
const char *check_outcome_name(enum check_outcome outcome);

/* One check of one unit. */
struct check {
    enum check_kind kind;
    enum check_outcome outcome;
    enum check_reason reason;
    const char *stack, *dir;   /* of the unit */
    const char *command, *why; /* what was run and why that rule */
    int exit_code;             /* -1 when it has none */
    const char *status;        /* "exit status 1", "timed out after 300 s" */
    struct report report;      /* of tests */
    int64_t assertions;        /* lines of test files that look like one; -1 if not known */
    struct str output;         /* cleaned, head and tail, at most 64 KiB */
    const char *log;           /* name of the whole output in options.log_dir; or NULL */
    int64_t wall_ms;
    const char *detail; /* one line for people: "1 of 4 failed", "no test was executed" */
};

/* One round: all checks of all units of a tree. */
struct check_round {
    struct check *checks; /* in the order build, types, lint, tests of each unit */
    size_t n_checks;
    struct stack_unit *units;
    size_t n_units;
    enum check_outcome outcome[CHECK_KINDS]; /* the worst of the units; NA if none has the step */
    bool green;                              /* no fail, no error, and tests pass */
    bool infra;                              /* a check is an error: not the agent's fault */
};

struct check_options {
    const struct stack_set *stacks;
    const char *log_dir; /* whole outputs go there, named after `label`; it exists; may be NULL */
    const char *label;   /* "it2", "verify" */
    bool tests_only;     /* the second run for flakiness */
    const struct envd_env *install_env; /* for install steps alone: where the registries are */
    size_t n_install_env;
    int64_t deadline; /* of the task (clock.h): no command runs past it; 0 means none.
                       * When it is over, check_run returns ERR_TIMEOUT */
    /* Told before and after each check. */
    void (*on_check)(void *ctx, const struct check *check, bool finished);
    void *ctx;
};

/*
 * Runs everything that applies to the tree: for each unit its install step, then its checks. Each
 * runs on a fresh copy of the tree outside of the workspace, which stays as it is; the helpers of
 * the stacks must be below STACK_KILN_DIR. Ends every process in the sandbox before the first
 * check and after each. Errors are those of kiln itself or a cancellation; what a check finds, and
 * a sandbox that fails, the round says.
 */
int check_run(struct sandbox *box, const struct tree *t, const struct check_options *options,
              struct arena *a, struct check_round *ret, struct err *err);

/* What earlier rounds have shown, so that tests can't be lost on the way. */
struct check_history {
    int64_t best_executed;
    int64_t assertions;  /* the most in a round in which a test failed */
    const char **failed; /* ids of tests that failed in the latest round that ran tests */
    size_t n_failed;
};

/*
 * Holds a round's tests against the history and turns a pass into CHECK_TESTS_DROPPED when fewer
 * were executed than ever before, or when a test that failed is gone (a removed or renamed one
 * needs an equal new one: the count decides); and into CHECK_TESTS_WEAKENED when there are fewer
 * assertions than when a test failed. Then takes the round into the history.
 */
void check_compare(struct check_history *h, struct check_round *round, struct arena *a);

/* Turns the tests of `round` into CHECK_FLAKY if `again`, run on the same tree, disagrees. */
void check_flaky(struct check_round *round, const struct check_round *again, struct arena *a);

/* For the functions that change a check: works out outcome, green and infra anew. */
void check_conclude(struct check_round *round);

/* A round as JSON for the result: checks with evidence (outcome, reason, command, exit code,
 * counts, failing tests, output excerpt, log). */
json_t *check_to_json(const struct check_round *round);

/* "tests FAIL 1 of 4, build pass, types na, lint pass". */
const char *check_summary(const struct check_round *round, struct arena *a);

#endif
