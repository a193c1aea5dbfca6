/* The words for states, reasons and whose matter they are: task.h. */
#include "task/task.h"

const char *task_state_name(enum task_state state)
{
    static const char *const names[] = {
        [TASK_SUCCEEDED] = "succeeded", [TASK_FAILED] = "failed", [TASK_CANCELLED] = "cancelled"};

    return names[state];
}

/* The word of a reason, and who has to act. */
static const struct {
    const char *name, *blame;
} reasons[] = {
    [TASK_OK] = {"ok", "none"},
    [TASK_CHECKS_RED] = {"checks_red", "agent"},
    [TASK_NO_PROGRESS] = {"no_progress", "agent"},
    [TASK_BLOCKED] = {"blocked", "user"},
    [TASK_BUDGET] = {"budget", "limit"},
    [TASK_TIME_LIMIT] = {"time_limit", "limit"},
    [TASK_AGENT_ERROR] = {"agent_error", "agent"},
    [TASK_SANDBOX_ERROR] = {"sandbox_error", "host"},
    [TASK_KEY_REFUSED] = {"key_refused", "user"},
    [TASK_MODEL_ERROR] = {"model_error", "model"},
    [TASK_HOST_ERROR] = {"host_error", "host"},
    [TASK_INTERRUPTED] = {"interrupted", "user"},
};

const char *task_reason_name(enum task_reason reason)
{
    return reasons[reason].name;
}

const char *task_blame(enum task_reason reason)
{
    return reasons[reason].blame;
}
