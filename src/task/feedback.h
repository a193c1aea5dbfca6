/*
 * What kiln tells the agent: the first prompt, and after a red round the facts that it needs to
 * mend it. Pure functions from a round to a text of at most FEEDBACK_MAX bytes.
 *
 * The message has one line for each check, then room for the first that fails in the order build,
 * types, tests, lint (what follows a broken build is noise): all failing names first, regressions
 * before old failures, then the details of the first few distinct ones, then facts that the agent
 * can't see for itself.
 */
#ifndef KILN_TASK_FEEDBACK_H
#define KILN_TASK_FEEDBACK_H

#include "base/arena.h"
#include "check/check.h"
#include "task/progress.h"
#include "tree/tree.h"

enum { FEEDBACK_MAX = 8 * 1024 };

struct feedback {
    const struct check_round *round;
    const struct check_round *previous; /* the round before, or NULL */
    int64_t iteration, of;
    enum progress_action action;
    bool verifying;  /* it was green in its own sandbox and red in a fresh one */
    bool unchanged;  /* the agent's last turn changed no file */
    bool tests_only; /* it changed test files alone, while code fails */
    const struct tree *tree;
    const char *const *restored; /* protected tests that it had changed */
    size_t n_restored;
};

const char *feedback_message(const struct feedback *f, struct arena *a);

/* The first prompt of a task: gives the specification and asks for a plan, before anything is
 * written. `tests` are the protected ones. */
const char *feedback_plan(const char *specification, const struct tree *tests, struct arena *a);

/* The second: asks for the project. */
const char *feedback_start(void);

/* The first prompt of a fresh conversation on a tree that another one left; `digest` says what was
 * tried. */
const char *feedback_fresh(const char *specification, const struct feedback *f, const char *digest,
                           struct arena *a);

/* One line about a round for the digest: "round 3: tests FAIL 1 of 4: test_x; changed calc.py". */
const char *feedback_digest_line(const struct feedback *f, const struct tree_diff *changes,
                                 size_t n_changes, struct arena *a);

#endif
