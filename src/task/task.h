/*
 * One task, from specification to result: the pipeline.
 *
 *     open a sandbox -> plan -> iterate (engine's turn, collect, check, feedback) -> verify in a
 *     fresh sandbox -> result on disk
 *
 * Runs in the calling process, blocking; stops at once on cancellation (base/cancel.h) and still
 * writes its result then.
 */
#ifndef KILN_TASK_TASK_H
#define KILN_TASK_TASK_H

#include "base/err.h"
#include "config/config.h"
#include "sandbox/sandbox.h"
#include "task/spec.h"

enum task_state { TASK_SUCCEEDED, TASK_FAILED, TASK_CANCELLED };

/* Why it failed, and so whose fault it was. */
enum task_reason {
    TASK_OK,
    TASK_CHECKS_RED,  /* the iterations are used up and a check is red */
    TASK_NO_PROGRESS, /* the same failures again and again */
    TASK_BLOCKED,     /* the agent says that the specification contradicts itself */
    TASK_BUDGET,      /* dollars or tokens are used up */
    TASK_TIME_LIMIT,
    TASK_AGENT_ERROR,   /* the agent wrote nothing, or the model refused */
    TASK_SANDBOX_ERROR, /* this host's matter */
    TASK_KEY_REFUSED,   /* the model API refuses the key */
    TASK_MODEL_ERROR,   /* the model API is away, or answers with errors */
    TASK_HOST_ERROR,    /* results can't be written: a full disk, no rights */
    TASK_INTERRUPTED,   /* cancelled: kiln was stopped or killed */
};

const char *task_state_name(enum task_state state);
const char *task_reason_name(enum task_reason reason); /* "checks_red" */
/* Who has to act: "agent", "model", "host", "limit", "user"; "none" for success. */
const char *task_blame(enum task_reason reason);

struct task_options {
    const struct config *config;
    const char *model_socket; /* unix socket of the model server instead of base_url; or NULL */
    bool scripted;            /* a script plays the model: recorded and said */
    void (*on_event)(void *ctx, const json_t *event);
    void *ctx;
};

struct task_outcome {
    enum task_state state;
    enum task_reason reason;
    const char *detail;      /* one sentence for people */
    const char *result_path; /* of the result's folder; in the arena */
};

/* The limits of every sandbox, by the settings. */
struct sandbox_limits task_sandbox_limits(const struct config *c);

/* Fails only if not even a result could be written (disk full): then the error says so, and the
 * state is filled as far as it is known. */
int task_run(struct arena *a, const struct task_spec *spec, const struct task_options *options,
             struct task_outcome *ret, struct err *err);

#endif
