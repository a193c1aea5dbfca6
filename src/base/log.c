#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/text.h"

static enum log_level max_level = LOG_WARN;
static const char *process_name = "kiln";

void log_set_level(enum log_level level)
{
    max_level = level;
}

void log_set_process(const char *name)
{
    process_name = name;
}

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_ERROR:
        return "error";
    case LOG_WARN:
        return "warn";
    case LOG_INFO:
        return "info";
    case LOG_DEBUG:
        return "debug";
    }
    return "info";
}

void log_line(enum log_level level, const char *fmt, ...)
{
    ARENA_CLEANUP struct arena a = {0};
    const char *head, *line;
    int saved = errno;
    struct str text;
    va_list ap;

    if (level > max_level)
        return;
    va_start(ap, fmt);
    text = text_clean(&a, str_from(arena_vprintf(&a, fmt, ap)), TEXT_ONE_LINE);
    va_end(ap);
    if (getenv("JOURNAL_STREAM"))
        head = arena_printf(&a, "<%d>", (int)level);
    else
        head = arena_printf(&a, "%s %s ", clock_rfc3339(&a, clock_wall_ms()), level_name(level));
    line = arena_printf(&a, "%s%s %.*s\n", head, process_name, STR_ARG(text));
    /* One write, so that lines of several processes don't mix. */
    if (write(STDERR_FILENO, line, strlen(line)) < 0) {
        /* Nowhere to say it. */
    }
    errno = saved;
}
