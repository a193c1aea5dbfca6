#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Marks a text that was cut because it filled its room. */
static void mark_cut(char *text, size_t room)
{
    memcpy(text + room - sizeof("..."), "...", sizeof("..."));
}

static void __attribute__((format(printf, 4, 0)))
fill(struct err *err, enum err_kind kind, int sys, const char *fmt, va_list ap)
{
    char msg[ERR_MSG_MAX];

    /* The arguments may point into the error that is being replaced. */
    if (vsnprintf(msg, sizeof(msg), fmt, ap) >= (int)sizeof(msg))
        mark_cut(msg, sizeof(msg));
    err->kind = kind;
    err->sys = sys;
    err->fix[0] = '\0';
    memcpy(err->msg, msg, sizeof(msg));
}

int(err_set)(struct err *err, enum err_kind kind, const char *fmt, ...)
{
    va_list ap;

    if (!err)
        return -1;
    va_start(ap, fmt);
    fill(err, kind, 0, fmt, ap);
    va_end(ap);
    return -1;
}

int(err_sys)(struct err *err, enum err_kind kind, int sys, const char *fmt, ...)
{
    const char *reason = strerror(sys);
    size_t n, room = sizeof(err->msg) - strlen(reason) - strlen(": ");
    va_list ap;

    if (!err)
        return -1;
    va_start(ap, fmt);
    fill(err, kind, sys, fmt, ap);
    va_end(ap);
    /* The reason is worth more than the end of a long name. */
    if (strlen(err->msg) >= room)
        mark_cut(err->msg, room);
    n = strlen(err->msg);
    snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", reason);
    return -1;
}

int(err_wrap)(struct err *err, const char *fmt, ...)
{
    char prefix[ERR_MSG_MAX], old[ERR_MSG_MAX];
    va_list ap;

    if (!err)
        return -1;
    va_start(ap, fmt);
    vsnprintf(prefix, sizeof(prefix), fmt, ap);
    va_end(ap);
    memcpy(old, err->msg, sizeof(old));
    if (snprintf(err->msg, sizeof(err->msg), "%s: %s", prefix, old) >= (int)sizeof(err->msg))
        mark_cut(err->msg, sizeof(err->msg));
    return -1;
}

int(err_fix)(struct err *err, const char *fmt, ...)
{
    va_list ap;

    if (!err)
        return -1;
    va_start(ap, fmt);
    vsnprintf(err->fix, sizeof(err->fix), fmt, ap);
    va_end(ap);
    return -1;
}

const char *err_kind_name(enum err_kind kind)
{
    static const char *const names[] = {
        [ERR_NONE] = "none",           [ERR_USAGE] = "usage",
        [ERR_INPUT] = "input",         [ERR_CONFIG] = "config",
        [ERR_NOT_FOUND] = "not_found", [ERR_EXISTS] = "exists",
        [ERR_AUTH] = "auth",           [ERR_IO] = "io",
        [ERR_HOST] = "host",           [ERR_NET] = "net",
        [ERR_PROTOCOL] = "protocol",   [ERR_THROTTLED] = "throttled",
        [ERR_REMOTE] = "remote",       [ERR_TIMEOUT] = "timeout",
        [ERR_LIMIT] = "limit",         [ERR_BUDGET] = "budget",
        [ERR_CANCELLED] = "cancelled", [ERR_INTERNAL] = "internal",
    };

    return names[kind];
}

bool err_is_transient(const struct err *err)
{
    return err->kind == ERR_NET || err->kind == ERR_THROTTLED || err->kind == ERR_TIMEOUT;
}

void err_bug(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "kiln: bug at %s:%d: ", file, line);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}
