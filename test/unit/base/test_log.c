#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "support/unit.h"

/* What `log` writes to standard error. */
static const char *captured(struct arena *a, void (*log)(void))
{
    FD_CLEANUP int in = -1;
    FD_CLEANUP int saved = dup(STDERR_FILENO);
    struct str s;
    int fds[2];

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    in = fds[0];
    dup2(fds[1], STDERR_FILENO);
    close(fds[1]);
    log();
    dup2(saved, STDERR_FILENO);
    assert_int_equal(fs_read_fd(a, in, 100000, &s, NULL), 0);
    return s.p;
}

static void all_levels(void)
{
    log_error("e");
    log_warn("w");
    log_info("i");
    log_debug("d");
}

static void levels(void **state)
{
    ARENA_CLEANUP struct arena a = {0};

    setenv("JOURNAL_STREAM", "1:2", 1);
    log_set_level(LOG_WARN);
    assert_string_equal(captured(&a, all_levels), "<3>kiln e\n<4>kiln w\n");
    log_set_level(LOG_DEBUG);
    log_set_process("task");
    assert_string_equal(captured(&a, all_levels), "<3>task e\n<4>task w\n<6>task i\n<7>task d\n");
    log_set_process("kiln");
}

static void one_event(void)
{
    errno = ENOTTY;
    log_error("opened id=%s ms=%d", "sb-3", 4);
    if (errno != ENOTTY)
        log_error("errno changed");
}

static void a_line_has_time_level_and_process(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    const char *line;
    int year, end = 0;

    unsetenv("JOURNAL_STREAM");
    line = captured(&a, one_event);
    assert_int_equal(sscanf(line, "%d-%*d-%*dT%*d:%*d:%*d.%*dZ error kiln %n", &year, &end), 1);
    assert_string_equal(line + end, "opened id=sb-3 ms=4\n");
}

static void hostile_event(void)
{
    log_error("a\nb\033[31m\xff");
}

static void an_event_is_one_clean_line(void **state)
{
    ARENA_CLEANUP struct arena a = {0};

    setenv("JOURNAL_STREAM", "1:2", 1);
    assert_string_equal(captured(&a, hostile_event), "<3>kiln a\\nb\xef\xbf\xbd\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels),
        cmocka_unit_test(a_line_has_time_level_and_process),
        cmocka_unit_test(an_event_is_one_clean_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
