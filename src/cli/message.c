#include "cli/message.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/term.h"

static bool no_colour_given;

void message_init(bool no_colour)
{
    no_colour_given = no_colour;
}

static void say(enum term_style style, const char *label, const char *text)
{
    ARENA_CLEANUP struct arena a = {0};
    struct term t;

    term_init(&t, stderr, no_colour_given);
    fprintf(stderr, "%s%s%s%s%s\n", term_on(&t, style), label, term_off(&t, style),
            *label ? ": " : "", text_clean(&a, str_from(text), TEXT_LINES).p);
}

void message_json(const json_t *document)
{
    ARENA_CLEANUP struct arena a = {0};

    fputs(json_dump_pretty(&a, document), stdout);
}

static void error_as_json(const char *code, const struct err *err)
{
    JSON_CLEANUP json_t *document = json_object();
    json_t *e = json_object();

    json_set(e, "code", json_c(code));
    json_set(e, "message", json_str(str_from(err->msg)));
    json_set(e, "fix", err->fix[0] ? json_str(str_from(err->fix)) : json_null());
    json_set(e, "retryable", json_boolean(err_is_transient(err)));
    json_set(document, "error", e);
    message_json(document);
}

void message_error(bool json, const char *code, const struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};

    if (!code)
        code = err_kind_name(err->kind);
    if (json) {
        error_as_json(code, err);
        return;
    }
    say(TERM_RED, arena_printf(&a, "error[%s]", code), err->msg);
    if (err->fix[0])
        say(TERM_CYAN, "  fix", err->fix);
}

static void say_formatted(enum term_style style, const char *label, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

static void say_formatted(enum term_style style, const char *label, const char *fmt, va_list ap)
{
    ARENA_CLEANUP struct arena a = {0};

    say(style, label, arena_vprintf(&a, fmt, ap));
}

void message_warning(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say_formatted(TERM_YELLOW, "warning", fmt, ap);
    va_end(ap);
}

void message_note(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say_formatted(TERM_PLAIN, "", fmt, ap);
    va_end(ap);
}
