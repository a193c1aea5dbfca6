#include "cli/term.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_DEFAULT = 80, COLUMNS_MIN = 20 };

static bool is_set(const char *name)
{
    const char *value = getenv(name);

    return value && *value && strcmp(value, "0") != 0;
}

static bool wants_colour(bool no_colour, bool terminal)
{
    const char *none = getenv("NO_COLOR");

    if (no_colour || (none && *none))
        return false;
    return terminal || is_set("FORCE_COLOR") || is_set("CLICOLOR_FORCE");
}

void term_init(struct term *t, FILE *file, bool no_colour)
{
    const char *name = getenv("TERM");
    bool dumb = !name || !*name || strcmp(name, "dumb") == 0;
    bool terminal = isatty(fileno(file)) && !dumb;

    *t = (struct term){.file = file, .live = terminal, .colour = wants_colour(no_colour, terminal)};
}

int term_columns(const struct term *t)
{
    struct winsize w;

    if (ioctl(fileno(t->file), TIOCGWINSZ, &w) < 0 || w.ws_col == 0)
        return COLUMNS_DEFAULT;
    return w.ws_col < COLUMNS_MIN ? COLUMNS_MIN : w.ws_col;
}

const char *term_on(const struct term *t, enum term_style style)
{
    static const char *const codes[] = {
        [TERM_PLAIN] = "",        [TERM_BOLD] = "\033[1m",   [TERM_DIM] = "\033[2m",
        [TERM_RED] = "\033[31m",  [TERM_GREEN] = "\033[32m", [TERM_YELLOW] = "\033[33m",
        [TERM_CYAN] = "\033[36m",
    };

    return t->colour ? codes[style] : "";
}

const char *term_off(const struct term *t, enum term_style style)
{
    return t->colour && style != TERM_PLAIN ? "\033[0m" : "";
}
