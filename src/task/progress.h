/*
 * Is the agent getting anywhere? Signature and score of a round of checks, and the policy that
 * follows from their sequence. Pure logic.
 *
 * The signature is what fails: the failing tests and, for each, the first line of its message with
 * everything that changes by chance taken out (numbers, times, addresses). Two rounds with one
 * signature fail in the same way. The score is how good a round is: build, types, the share of
 * tests that pass, lint; in that order.
 *
 * Policy, round by round (a thread is one conversation of the engine):
 *   - the same signature twice running: tell the agent so, and ask for another hypothesis first;
 *   - the same signature three times, or A B A B, or three rounds without a better score: end the
 *     thread; the next one starts fresh, the first time from the best tree so far, after that from
 *     nothing but the specification;
 *   - tests worse than the best round by over a fifth, or a build that broke: go back to the best
 *     tree, same thread; but never to one from before a start from nothing;
 *   - four rounds running with the same tree and the same failures: no progress, stop.
 */
#ifndef KILN_TASK_PROGRESS_H
#define KILN_TASK_PROGRESS_H

#include <stdbool.h>

#include "base/arena.h"
#include "check/check.h"

struct progress_score {
    int build, types; /* 1 good, 0 bad */
    int64_t passed;   /* tests; the share is that of the most ever executed */
    int lint;
};

struct progress_round {
    const char *signature; /* hex; equal for equal failures */
    const char *tree;      /* hash of the tree */
    struct progress_score score;
    unsigned thread; /* 0, 1, ... */
};

enum progress_action {
    PROGRESS_GO_ON,
    PROGRESS_SAY_REPEATED, /* go on, and say that it failed in the same way again */
    PROGRESS_ROLL_BACK,    /* put the best tree back, same conversation */
    PROGRESS_FRESH_BEST,   /* new conversation, from the best tree */
    PROGRESS_FRESH_EMPTY,  /* new conversation, from the task's own files alone */
    PROGRESS_STOP,         /* no progress */
};

struct progress {
    struct progress_round *rounds;
    size_t n, cap;
    unsigned thread;
    size_t thread_start; /* index of the current thread's first round */
    size_t origin;       /* index of the first round of the project that the workspace holds */
    size_t best;         /* index of the best round; the earliest of equals */
    int64_t most_executed;
};

/* Takes a round that wasn't green and says what to do next. `tree` is its tree's hash. */
enum progress_action progress_next(struct progress *p, const struct check_round *round,
                                   const char *tree, struct arena *a);

/* What to do instead of `action` when the conversation can't go on: a fresh one, unless `action` is
 * that already or a stop. */
enum progress_action progress_renew(struct progress *p, enum progress_action action);

/* The signature alone: 64 hex digits. */
const char *progress_signature(const struct check_round *round, struct arena *a);

/* A message with what changes by chance taken out: numbers, addresses, times, temporary names.
 * Its first line that isn't empty. */
struct str progress_normalise(struct arena *a, struct str message);

#endif
