/*
 * Exit codes: part of the interface (`kiln help exit-codes`). Errors and outcomes of tasks are
 * mapped to them here and nowhere else.
 */
#ifndef KILN_CLI_EXIT_H
#define KILN_CLI_EXIT_H

#include "base/err.h"
#include "task/task.h"

enum exit_code {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NOT_FOUND = 3,
    EXIT_AUTH = 4,      /* a key is missing or was refused */
    EXIT_NOT_GREEN = 5, /* the task has finished, its checks aren't green */
    EXIT_LIMIT = 6,     /* the budget or the time of the task was used up */
    EXIT_INPUT = 7,     /* the configuration or the input is invalid */
    EXIT_HOST = 9,      /* this machine can't be used as it is */
    EXIT_AGAIN = 75,    /* try again later */
    EXIT_SIGNAL = 128,  /* plus the number of the signal that ended it */
};

int exit_of_error(const struct err *err);

/* By names, because `kiln watch` has nothing else: "failed", "checks_red". Unknown names count as
 * a failure. */
int exit_of_task(const char *state, const char *reason);

/* 128 + the signal that asked us to stop; 130 when it was not a signal. */
int exit_of_cancel(void);

#endif
