#include "base/cancel.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

static int event = -1;
static atomic_bool requested;
static atomic_int signal_number;

void cancel_request(void)
{
    const uint64_t one = 1;
    int saved = errno;

    requested = true;
    if (event >= 0 && write(event, &one, sizeof(one)) < 0) {
        /* The counter is full: it is readable already. */
    }
    errno = saved;
}

static void on_signal(int sig)
{
    if (signal_number)
        _exit(128 + sig);
    signal_number = sig;
    cancel_request();
}

int cancel_install(struct err *err)
{
    static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    if (event >= 0)
        return 0;
    event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event < 0)
        return err_sys(err, ERR_IO, errno, "eventfd");
    sigemptyset(&sa.sa_mask);
    for (size_t i = 0; i < ARRAY_LEN(stop_signals); i++)
        sigaction(stop_signals[i], &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
    return 0;
}

int cancel_fd(void)
{
    return event;
}

bool cancel_requested(void)
{
    return requested;
}

int cancel_signal(void)
{
    return signal_number;
}

int cancel_check(struct err *err)
{
    if (!requested)
        return 0;
    return err_set(err, ERR_CANCELLED, "stopped on request");
}

int cancel_sleep_ms(int ms, struct err *err)
{
    struct pollfd pfd = {.fd = event, .events = POLLIN};
    int64_t deadline = clock_deadline(ms);

    while (poll(&pfd, 1, clock_poll_ms(deadline)) < 0 && errno == EINTR)
        if (requested)
            break;
    return cancel_check(err);
}
