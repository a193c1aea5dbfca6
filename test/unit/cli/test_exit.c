#include "cli/exit.h"

#include <signal.h>

#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/embed.h"
#include "support/unit.h"

static int of_kind(enum err_kind kind)
{
    const struct err err = {.kind = kind};

    return exit_of_error(&err);
}

/* The numbers are an interface: they are written out here. */
static void errors(void **state)
{
    assert_int_equal(of_kind(ERR_INTERNAL), 1);
    assert_int_equal(of_kind(ERR_IO), 1);
    assert_int_equal(of_kind(ERR_EXISTS), 1);
    assert_int_equal(of_kind(ERR_PROTOCOL), 1);
    assert_int_equal(of_kind(ERR_USAGE), 2);
    assert_int_equal(of_kind(ERR_NOT_FOUND), 3);
    assert_int_equal(of_kind(ERR_AUTH), 4);
    assert_int_equal(of_kind(ERR_BUDGET), 6);
    assert_int_equal(of_kind(ERR_TIMEOUT), 6);
    assert_int_equal(of_kind(ERR_INPUT), 7);
    assert_int_equal(of_kind(ERR_CONFIG), 7);
    assert_int_equal(of_kind(ERR_LIMIT), 7);
    assert_int_equal(of_kind(ERR_HOST), 9);
    assert_int_equal(of_kind(ERR_NET), 75);
    assert_int_equal(of_kind(ERR_THROTTLED), 75);
    assert_int_equal(of_kind(ERR_REMOTE), 75);
}

static int of_reason(enum task_reason reason)
{
    enum task_state state = reason == TASK_OK            ? TASK_SUCCEEDED
                            : reason == TASK_INTERRUPTED ? TASK_CANCELLED
                                                         : TASK_FAILED;

    return exit_of_task(task_state_name(state), task_reason_name(reason));
}

static void tasks(void **state)
{
    assert_int_equal(of_reason(TASK_OK), 0);
    assert_int_equal(of_reason(TASK_CHECKS_RED), 5);
    assert_int_equal(of_reason(TASK_NO_PROGRESS), 5);
    assert_int_equal(of_reason(TASK_BLOCKED), 5);
    assert_int_equal(of_reason(TASK_AGENT_ERROR), 5);
    assert_int_equal(of_reason(TASK_BUDGET), 6);
    assert_int_equal(of_reason(TASK_TIME_LIMIT), 6);
    assert_int_equal(of_reason(TASK_SANDBOX_ERROR), 9);
    assert_int_equal(of_reason(TASK_HOST_ERROR), 9);
    assert_int_equal(of_reason(TASK_MODEL_ERROR), 75);
    assert_int_equal(of_reason(TASK_INTERRUPTED), 130);
}

static void what_nobody_knows_is_a_failure(void **state)
{
    assert_int_equal(exit_of_task(NULL, NULL), 1);
    assert_int_equal(exit_of_task("failed", "bored"), 1);
    assert_int_equal(exit_of_task("failed", "ok"), 1);
}

static void help_lists_every_code(void **state)
{
    static const int codes[] = {0, 1, 2, 3, 4, 5, 6, 7, 9, 75, 130, 143};
    struct str text = embed_get("data/help/exit-codes.txt");

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        char line[16];
        int n = snprintf(line, sizeof(line), "\n  %-5d", codes[i]);

        if (str_find(text, (struct str){line, (size_t)n}) < 0)
            fail_msg("exit code %d is not in the help topic", codes[i]);
    }
}

/* Runs last: the process is cancelled from here on. */
static void a_signal_is_told_by_its_number(void **state)
{
    struct err err = {0};

    assert_int_equal(of_kind(ERR_CANCELLED), 130);
    assert_int_equal(cancel_install(&err), 0);
    raise(SIGTERM);
    assert_int_equal(of_kind(ERR_CANCELLED), 143);
    assert_int_equal(of_reason(TASK_INTERRUPTED), 143);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors),
        cmocka_unit_test(tasks),
        cmocka_unit_test(what_nobody_knows_is_a_failure),
        cmocka_unit_test(help_lists_every_code),
        cmocka_unit_test(a_signal_is_told_by_its_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
