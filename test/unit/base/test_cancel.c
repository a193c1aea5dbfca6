/* Each case runs in a child, as a cancellation can't be taken back. */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cancel.h"
#include "support/unit.h"

/* The child exits with the number of the first expectation that doesn't hold. */
#define EXPECT(n, condition)                                                                       \
    do {                                                                                           \
        if (!(condition))                                                                          \
            _exit(n);                                                                              \
    } while (0)

static bool is_readable(int fd)
{
    struct pollfd pfd = {.fd = fd, .events = POLLIN};

    return poll(&pfd, 1, 0) == 1;
}

static int status_of(void (*body)(void))
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        body();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void signal_body(void)
{
    struct err e = {0};

    EXPECT(1, cancel_fd() == -1 && !cancel_requested() && cancel_check(&e) == 0);
    EXPECT(2, cancel_install(&e) == 0);
    EXPECT(3, !is_readable(cancel_fd()) && cancel_signal() == 0);
    EXPECT(4, cancel_sleep_ms(1, &e) == 0);
    raise(SIGTERM);
    EXPECT(5, cancel_requested() && cancel_signal() == SIGTERM);
    EXPECT(6, is_readable(cancel_fd()) && is_readable(cancel_fd()));
    EXPECT(7, cancel_check(&e) == -1 && e.kind == ERR_CANCELLED);
    EXPECT(8, cancel_sleep_ms(1000000, &e) == -1);
    EXPECT(9, write(STDOUT_FILENO, "", 0) == 0);
    raise(SIGPIPE);
}

static void a_signal_cancels(void **state)
{
    assert_int_equal(status_of(signal_body), 0);
}

static void own_body(void)
{
    EXPECT(1, cancel_install(NULL) == 0 && cancel_install(NULL) == 0);
    cancel_request();
    EXPECT(2, is_readable(cancel_fd()) && cancel_signal() == 0);
    raise(SIGINT);
    EXPECT(3, cancel_signal() == SIGINT);
}

static void our_own_request_is_not_the_first_signal(void **state)
{
    assert_int_equal(status_of(own_body), 0);
}

static void second_body(void)
{
    EXPECT(1, cancel_install(NULL) == 0);
    raise(SIGTERM);
    raise(SIGINT);
}

static void a_second_signal_ends_the_process(void **state)
{
    int status = status_of(second_body);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 128 + SIGINT);
}

static void on_alarm(int sig)
{
}

static void alarm_body(void)
{
    EXPECT(1, cancel_install(NULL) == 0);
    signal(SIGALRM, on_alarm);
    ualarm(1000, 1000);
    EXPECT(2, cancel_sleep_ms(20, NULL) == 0);
}

static void another_signal_does_not_cancel(void **state)
{
    assert_int_equal(status_of(alarm_body), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_cancels),
        cmocka_unit_test(our_own_request_is_not_the_first_signal),
        cmocka_unit_test(a_second_signal_ends_the_process),
        cmocka_unit_test(another_signal_does_not_cancel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
