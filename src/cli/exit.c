#include "cli/exit.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/cancel.h"

int exit_of_cancel(void)
{
    return EXIT_SIGNAL + (cancel_signal() ? cancel_signal() : SIGINT);
}

int exit_of_error(const struct err *err)
{
    switch (err->kind) {
    case ERR_USAGE:
        return EXIT_USAGE;
    case ERR_NOT_FOUND:
        return EXIT_NOT_FOUND;
    case ERR_AUTH:
        return EXIT_AUTH;
    case ERR_BUDGET:
    case ERR_TIMEOUT:
        return EXIT_LIMIT;
    case ERR_INPUT:
    case ERR_CONFIG:
    case ERR_LIMIT:
        return EXIT_INPUT;
    case ERR_HOST:
        return EXIT_HOST;
    case ERR_NET:
    case ERR_THROTTLED:
    case ERR_REMOTE:
        return EXIT_AGAIN;
    case ERR_CANCELLED:
        return exit_of_cancel();
    case ERR_IO:
        /* A full disk is this machine's matter, not the command's. */
        return err->sys == ENOSPC || err->sys == EDQUOT ? EXIT_HOST : EXIT_FAILED;
    case ERR_NONE:
    case ERR_EXISTS:
    case ERR_PROTOCOL:
    case ERR_INTERNAL:
        break;
    }
    return EXIT_FAILED;
}

static int of_reason(enum task_reason reason)
{
    switch (reason) {
    case TASK_OK:
        return EXIT_OK;
    case TASK_CHECKS_RED:
    case TASK_NO_PROGRESS:
    case TASK_BLOCKED:
    case TASK_AGENT_ERROR:
        return EXIT_NOT_GREEN;
    case TASK_BUDGET:
    case TASK_TIME_LIMIT:
        return EXIT_LIMIT;
    case TASK_SANDBOX_ERROR:
    case TASK_HOST_ERROR:
        return EXIT_HOST;
    case TASK_KEY_REFUSED:
        return EXIT_AUTH;
    case TASK_MODEL_ERROR:
        return EXIT_AGAIN;
    case TASK_INTERRUPTED:
        return exit_of_cancel();
    }
    return EXIT_FAILED;
}

int exit_of_task(const char *state, const char *reason)
{
    if (!state || !reason)
        return EXIT_FAILED;
    if (strcmp(state, task_state_name(TASK_SUCCEEDED)) == 0)
        return EXIT_OK;
    for (int r = TASK_CHECKS_RED; r <= TASK_INTERRUPTED; r++)
        if (strcmp(reason, task_reason_name((enum task_reason)r)) == 0)
            return of_reason((enum task_reason)r);
    return EXIT_FAILED;
}
