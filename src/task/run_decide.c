#include "task/run.h"

#include "base/buf.h"
#include "task/feedback.h"

static bool only_tests_changed(const struct run_iteration *it)
{
    for (size_t i = 0; i < it->n_changes; i++) {
        bool is_test = false;

        for (size_t u = 0; u < it->round.n_units; u++)
            is_test |= stack_is_test(it->round.units[u].stack, it->changes[i].path);
        if (!is_test)
            return false;
    }
    return it->n_changes > 0;
}

static struct feedback feedback_of(struct run *r, const struct run_iteration *it,
                                   enum progress_action action)
{
    const struct run_iteration *before = it > r->its ? it - 1 : NULL;

    return (struct feedback){
        .round = it->verified ? &it->verify : &it->round,
        .previous = before ? &before->round : NULL,
        .iteration = it->number,
        .of = r->config->iterations,
        .action = action,
        .verifying = it->verified,
        .unchanged = it->n_changes == 0,
        .tests_only = only_tests_changed(it),
        .tree = &it->tree,
        .restored = it->restored,
        .n_restored = it->n_restored,
    };
}

/* What was tried so far, a line a round. */
static const char *digest(struct run *r)
{
    BUF_CLEANUP struct buf b = BUF_INIT(4096);

    for (size_t i = 0; i < r->n_its; i++) {
        struct feedback f = feedback_of(r, &r->its[i], PROGRESS_GO_ON);

        buf_add_some(
            &b, str_from(feedback_digest_line(&f, r->its[i].changes, r->its[i].n_changes, r->a)));
    }
    return arena_strdup(r->a, buf_c(&b));
}

/* Puts a tree in place of what is in the workspace. */
static int put_back(struct run *r, const struct tree *t, struct err *err)
{
    r->phase = RUN_SANDBOX;
    r->base = *t;
    return tree_place(t, r->env.envd, SANDBOX_WORK, err);
}

int run_decide(struct run *r, const char **ret_prompt, struct err *err)
{
    struct run_iteration *it = &r->its[r->n_its - 1];
    const struct check_round *round = it->verified ? &it->verify : &it->round;
    enum progress_action action = progress_next(&r->progress, round, it->tree.sha256, r->a);
    struct run_iteration *best = &r->its[r->progress.best];
    struct feedback f = feedback_of(r, it, action);

    r->base = it->tree;
    if (it->engine.end == ENGINE_CONTEXT)
        action = progress_renew(&r->progress, action);
    switch (action) {
    case PROGRESS_STOP:
        *ret_prompt = NULL;
        return 0;
    case PROGRESS_GO_ON:
    case PROGRESS_SAY_REPEATED:
        *ret_prompt = feedback_message(&f, r->a);
        return 0;
    case PROGRESS_ROLL_BACK:
        *ret_prompt = feedback_message(&f, r->a);
        return put_back(r, &best->tree, err);
    case PROGRESS_FRESH_BEST:
    case PROGRESS_FRESH_EMPTY:
        break;
    }
    r->ops->restart(r->engine);
    if (action == PROGRESS_FRESH_EMPTY) /* another project, with tests of its own */
        r->tests = (struct check_history){0};
    f = feedback_of(r, best, action);
    *ret_prompt = feedback_fresh(r->spec->specification, &f, digest(r), r->a);
    return put_back(r, action == PROGRESS_FRESH_BEST ? &best->tree : &r->spec->tests, err);
}
