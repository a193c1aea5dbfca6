/*
 * A task while it runs: what the steps of the pipeline share. Internal to task/.
 */
#ifndef KILN_TASK_RUN_H
#define KILN_TASK_RUN_H

#include "check/check.h"
#include "engine/engine.h"
#include "sandbox/sandbox.h"
#include "task/events.h"
#include "task/progress.h"
#include "task/result.h"
#include "task/task.h"
#include "tree/history.h"
#include "tree/tree.h"

/* Whose fault an error is depends on what was being done. */
enum run_phase { RUN_SETUP, RUN_MODEL, RUN_SANDBOX, RUN_RECORD };

struct run_iteration {
    int64_t number;
    unsigned thread; /* conversation: 0, 1, ... */
    bool fresh;      /* the turn began a conversation; the first one's begins with the plan */
    struct arena tree_arena; /* of the tree: large, so freed when no longer needed */
    struct tree tree;        /* as collected, protected tests put back */
    char commit[41];
    struct check_round round;  /* in the agent's sandbox */
    struct check_round verify; /* in a fresh one; n_checks is 0 if it wasn't done */
    bool verified;             /* the verification was done */
    bool green;                /* and everything was green */
    struct engine_result engine;
    struct tree_diff *changes; /* by the agent's turn */
    size_t n_changes;
    const char **restored; /* protected tests the agent had changed */
    size_t n_restored;
    int64_t wall_ms;
};

struct run {
    struct arena *a;
    const struct task_spec *spec;
    const struct task_options *options;
    const struct config *config;

    struct result_dir *dir;
    struct events *events;
    struct history *history;
    struct price_table *prices;
    struct stack_set stacks;
    const char **excludes;
    size_t n_excludes;

    struct sandbox_host *host;
    struct sandbox *box; /* the agent's */
    int64_t boxes_lost;
    json_t *box_record; /* of the agent's latest sandbox; owned */
    struct messages_client *model;
    struct engine_env env;
    const struct engine_ops *ops;
    struct engine *engine;

    enum run_phase phase;
    int64_t deadline; /* of the task */
    int64_t started_ms, started_wall_ms;
    struct engine_result plan; /* its text is the plan */
    struct run_iteration *its;
    size_t n_its, cap_its;
    struct tree base; /* what the workspace held before the agent's turn; its files belong to the
                       * specification or to an iteration that run_forget_trees keeps */
    struct progress progress;
    struct check_history tests;
    struct usage usage; /* all of the task */
    int64_t nano_usd, model_calls;
    int64_t model_ms, tool_ms, check_ms, sandbox_ms;

    enum task_state state;
    enum task_reason reason;
    const char *detail;
};

/* ---- run_setup.c: what a task needs, from its configuration ---- */

int run_set_up(struct run *r, struct err *err);
void run_take_down(struct run *r);

/* ---- run_box.c: sandboxes ---- */

/* Opens a sandbox with the task's limits; `purpose` is "work" or "verify". */
int run_box_open(struct run *r, const char *purpose, struct sandbox **ret, struct err *err);
/* Opens the agent's sandbox (again) and puts `tree` into it. */
int run_box_renew(struct run *r, const struct tree *tree, struct err *err);

/* ---- run_iterate.c: one iteration ---- */

/* The engine's turn on `prompt`, then collecting and checking; appends to r->its. */
int run_iterate(struct run *r, const char *prompt, struct err *err);

/* Frees the files of all iterations but the last and the best (all: at the end). */
void run_forget_trees(struct run *r, bool all);

/* ---- run_check.c: checks and verification ---- */

/* Runs the checks of an iteration's tree in the agent's sandbox; once more in a new one if they
 * could not run. */
int run_check(struct run *r, struct run_iteration *it, struct err *err);
/* Runs everything again from the tree alone in a fresh sandbox, and the tests twice; once more in
 * another one if they could not run. */
int run_verify(struct run *r, struct run_iteration *it, struct err *err);

/* ---- run_decide.c: what comes after a red iteration ---- */

/* Puts the workspace into the state that the next turn starts from, and gives the prompt for it;
 * `*ret_prompt` is NULL when there is no progress and no next turn. */
int run_decide(struct run *r, const char **ret_prompt, struct err *err);

/* ---- run_record.c: the result ---- */

/* The iteration that the result shows: the verified one, else the best so far; NULL if none. */
const struct run_iteration *run_record_chosen(const struct run *r);
json_t *run_record(const struct run *r);

#endif
