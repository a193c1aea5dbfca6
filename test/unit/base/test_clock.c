#include <limits.h>

#include "base/clock.h"
#include "support/unit.h"

static void deadlines(void **state)
{
    assert_true(clock_deadline(-1) == CLOCK_NEVER);
    assert_true(clock_deadline(INT64_MAX) == CLOCK_NEVER);
    assert_true(clock_deadline(1000) >= clock_now_ms());
    assert_int_equal(clock_poll_ms(CLOCK_NEVER), -1);
    assert_int_equal(clock_poll_ms(clock_now_ms() - 5), 0);
    assert_int_equal(clock_poll_ms(clock_deadline((int64_t)INT_MAX * 10)), INT_MAX);
    assert_in_range(clock_poll_ms(clock_deadline(100000)), 1, 100000);
}

static void dates(void **state)
{
    ARENA_CLEANUP struct arena a = {0};

    assert_string_equal(clock_rfc3339(&a, 0), "1970-01-01T00:00:00.000Z");
    assert_string_equal(clock_rfc3339(&a, 1709210096007), "2024-02-29T12:34:56.007Z");
    /* Later than 2020, before 2200. */
    assert_true(clock_wall_ms() > 1577836800000 && clock_wall_ms() < 7258118400000);
}

static void durations(void **state)
{
    ARENA_CLEANUP struct arena a = {0};

    assert_string_equal(clock_human(&a, 0), "0 ms");
    assert_string_equal(clock_human(&a, 999), "999 ms");
    assert_string_equal(clock_human(&a, 4190), "4.1 s");
    assert_string_equal(clock_human(&a, 59999), "59.9 s");
    assert_string_equal(clock_human(&a, 123456), "2 min 03 s");
    assert_string_equal(clock_human(&a, 3840000), "1 h 04 min");
    assert_string_equal(clock_human(&a, 360000000), "100 h 00 min");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadlines),
        cmocka_unit_test(dates),
        cmocka_unit_test(durations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
