#include "base/clock.h"

#include <inttypes.h>
#include <limits.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_now_ms(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_deadline(int64_t ms)
{
    int64_t at;

    if (ms < 0 || __builtin_add_overflow(clock_now_ms(), ms, &at))
        return CLOCK_NEVER;
    return at;
}

int clock_poll_ms(int64_t deadline)
{
    int64_t left;

    if (deadline == CLOCK_NEVER)
        return -1;
    left = deadline - clock_now_ms();
    if (left < 0)
        return 0;
    return left > INT_MAX ? INT_MAX : (int)left;
}

char *clock_rfc3339(struct arena *a, int64_t wall_ms)
{
    time_t s = (time_t)(wall_ms / 1000);
    struct tm tm;

    gmtime_r(&s, &tm);
    return arena_printf(a, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                        tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(wall_ms % 1000));
}

char *clock_human(struct arena *a, int64_t ms)
{
    if (ms < 1000)
        return arena_printf(a, "%" PRId64 " ms", ms);
    if (ms < 60 * 1000)
        return arena_printf(a, "%" PRId64 ".%" PRId64 " s", ms / 1000, ms % 1000 / 100);
    if (ms < 60 * 60 * 1000)
        return arena_printf(a, "%" PRId64 " min %02" PRId64 " s", ms / 60000, ms / 1000 % 60);
    return arena_printf(a, "%" PRId64 " h %02" PRId64 " min", ms / 3600000, ms / 60000 % 60);
}
