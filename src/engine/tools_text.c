#include "engine/tools_text.h"

#include <string.h>

#include "base/err.h"

/* Offset of the start of line `n` (from 0), or the end of the text. */
static size_t line_start(struct str text, size_t n)
{
    size_t at = 0;

    for (; n > 0; n--) {
        ptrdiff_t end = str_find_char(str_from_pos(text, at), '\n');

        if (end < 0)
            return text.n;
        at += (size_t)end + 1;
    }
    return at;
}

size_t tools_text_lines(struct str text)
{
    struct str line;
    size_t n = 0;

    while (str_next(&text, '\n', &line))
        n++;
    return n;
}

struct str tools_text_numbered(struct arena *a, struct str text, size_t first, size_t last)
{
    struct str rest = str_from_pos(text, line_start(text, first - 1)), line;
    /* A line gets a number of at most 20 digits, a tab and a line end. */
    size_t room = rest.n + (last - first + 1) * 22 + 1, n = 0;
    char *out = arena_alloc(a, room, 1);

    for (size_t i = first; i <= last && str_next(&rest, '\n', &line); i++) {
        n += (size_t)snprintf(out + n, room - n, "%6zu\t", i);
        if (line.n)
            memcpy(out + n, line.p, line.n);
        n += line.n;
        out[n++] = '\n';
    }
    return (struct str){out, n};
}

size_t tools_text_count(struct str text, struct str part, size_t *ret_line)
{
    size_t n = 0, at = 0;
    ptrdiff_t found;

    while ((found = str_find(str_from_pos(text, at), part)) >= 0) {
        if (n++ == 0 && ret_line)
            *ret_line = tools_text_lines((struct str){text.p, at + (size_t)found}) +
                        (at + (size_t)found == 0 || text.p[at + (size_t)found - 1] == '\n');
        at += (size_t)found + part.n;
    }
    return n;
}

static struct str join3(struct arena *a, struct str x, struct str y, struct str z)
{
    char *p = arena_alloc(a, x.n + y.n + z.n + 1, 1);

    if (x.n)
        memcpy(p, x.p, x.n);
    if (y.n)
        memcpy(p + x.n, y.p, y.n);
    if (z.n)
        memcpy(p + x.n + y.n, z.p, z.n);
    return (struct str){p, x.n + y.n + z.n};
}

struct str tools_text_replace(struct arena *a, struct str text, struct str from, struct str to)
{
    ptrdiff_t at = str_find(text, from);

    if (at < 0)
        BUG("what is to be replaced isn't there");
    return join3(a, (struct str){text.p, (size_t)at}, to, str_from_pos(text, (size_t)at + from.n));
}

struct str tools_text_insert(struct arena *a, struct str text, size_t after, struct str lines)
{
    size_t at = line_start(text, after);
    struct str before = {text.p, at};

    if (at > 0 && text.p[at - 1] != '\n')
        before = join3(a, before, STR("\n"), STR(""));
    if (lines.n == 0 || lines.p[lines.n - 1] != '\n')
        lines = join3(a, lines, STR("\n"), STR(""));
    return join3(a, before, lines, str_from_pos(text, at));
}

struct str tools_text_crlf(struct arena *a, struct str text)
{
    char *out = arena_alloc(a, text.n * 2 + 1, 1);
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\n')
            out[n++] = '\r';
        out[n++] = text.p[i];
    }
    return (struct str){out, n};
}
