#include "config/dotenv.h"

#include <string.h>

struct parser {
    struct arena *a;
    const char *file;
    unsigned line;
    struct dotenv out;
    size_t cap_warnings;
    struct err *err;
};

static int fail(const struct parser *p, const char *text)
{
    return err_set(p->err, ERR_CONFIG, "%s:%u: %s", p->file, p->line, text);
}

static void warn(struct parser *p, const char *text)
{
    struct json_strings *w = &p->out.warnings;

    w->items = arena_grow(p->a, w->items, w->n, &p->cap_warnings, sizeof(w->items[0]));
    w->items[w->n++] = arena_printf(p->a, "%s:%u: %s", p->file, p->line, text);
}

static bool is_name_char(char c, bool first)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Takes the name and the '=' off the front. */
static int take_name(struct parser *p, struct str *s, struct str *ret)
{
    size_t n = 0;

    while (n < s->n && is_name_char(s->p[n], n == 0))
        n++;
    if (n == 0)
        return fail(p, "a line must be NAME=value, a comment, or empty");
    if (n == s->n)
        return fail(p, "there is no '=' after the name");
    if (is_space(s->p[n]))
        return fail(p, "there must be no space before the '='");
    if (s->p[n] != '=')
        return fail(p, "a name is made of letters, digits and '_'");
    *ret = (struct str){s->p, n};
    *s = str_from_pos(*s, n + 1);
    return 0;
}

/* What may follow a closing quote: nothing, or a comment after a space. */
static int check_end(const struct parser *p, struct str s)
{
    struct str rest = str_trim(s);

    if (rest.n == 0 || (is_space(s.p[0]) && rest.p[0] == '#'))
        return 0;
    return fail(p, "there is something after the closing quote");
}

static int single_quoted(struct parser *p, struct str s, struct str *ret)
{
    ptrdiff_t end = str_find_char(s, '\'');

    if (end < 0)
        return fail(p, "the quote is not closed on its line");
    *ret = (struct str){s.p, (size_t)end};
    return check_end(p, str_from_pos(s, (size_t)end + 1));
}

/* The character that backslash and `c` stand for, or 0. */
static char unescape(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case '"':
    case '\\':
        return c;
    default:
        return 0;
    }
}

static int double_quoted(struct parser *p, struct str s, struct str *ret)
{
    char *out = arena_alloc(p->a, s.n + 1, 1);
    size_t n = 0, i = 0;

    for (; i < s.n && s.p[i] != '"'; i++) {
        char c = s.p[i];

        if (c == '\\') {
            c = i + 1 < s.n ? unescape(s.p[i + 1]) : 0;
            if (!c)
                return fail(p, "only \\n, \\t, \\\" and \\\\ are known in double quotes");
            i++;
        }
        out[n++] = c;
    }
    if (i == s.n)
        return fail(p, "the quote is not closed on its line");
    *ret = (struct str){out, n};
    return check_end(p, str_from_pos(s, i + 1));
}

static int unquoted(struct parser *p, struct str s, struct str *ret)
{
    if (s.n && is_space(s.p[0]) && str_trim(s).n && str_trim(s).p[0] != '#')
        return fail(p, "there must be no space after the '='");
    for (size_t i = 1; i < s.n; i++)
        if (s.p[i] == '#' && is_space(s.p[i - 1]))
            s.n = i;
    s = str_trim(s);
    if (str_find_char(s, '"') >= 0 || str_find_char(s, '\'') >= 0)
        return fail(p, "a value with a quote inside must be in quotes itself");
    *ret = s;
    return 0;
}

static int take_value(struct parser *p, struct str s, struct str *ret)
{
    bool literal = str_starts(s, "'");
    int failed;

    if (literal)
        failed = single_quoted(p, str_from_pos(s, 1), ret);
    else if (str_starts(s, "\""))
        failed = double_quoted(p, str_from_pos(s, 1), ret);
    else
        failed = unquoted(p, s, ret);
    if (failed)
        return -1;
    if (!literal && str_find_char(*ret, '$') >= 0)
        warn(p, "'$' stands for itself: nothing is expanded (single quotes say so clearly)");
    return 0;
}

static void store(struct parser *p, struct str name, struct str value)
{
    struct dotenv *d = &p->out;
    struct dotenv_entry *e = NULL;

    for (size_t i = 0; i < d->n; i++)
        if (str_eq_c(name, d->items[i].name))
            e = &d->items[i];
    if (e) {
        warn(p, arena_printf(p->a, "%s was set on line %u already; this one counts", e->name,
                             e->line));
    } else {
        d->items = arena_grow(p->a, d->items, d->n, &d->cap, sizeof(d->items[0]));
        e = &d->items[d->n++];
    }
    *e = (struct dotenv_entry){arena_dup(p->a, name).p, arena_dup(p->a, value).p, p->line};
}

static int parse_line(struct parser *p, struct str line)
{
    struct str name, value, s = str_trim(line);

    if (s.n == 0 || s.p[0] == '#')
        return 0;
    if (str_find_char(s, '\0') >= 0)
        return fail(p, "this line has a NUL character in it");
    if (str_starts(s, "export ") || str_starts(s, "export\t"))
        s = str_trim(str_from_pos(s, strlen("export ")));
    if (take_name(p, &s, &name) || take_value(p, s, &value))
        return -1;
    store(p, name, value);
    return 0;
}

int dotenv_parse(struct arena *a, struct str text, const char *file, struct dotenv *ret,
                 struct err *err)
{
    struct parser p = {.a = a, .file = file, .err = err};
    struct str rest = text, line;

    while (str_next_line(&rest, &line)) {
        p.line++;
        if (parse_line(&p, line))
            return -1;
    }
    *ret = p.out;
    return 0;
}

const struct dotenv_entry *dotenv_find(const struct dotenv *d, const char *name)
{
    for (size_t i = 0; i < d->n; i++)
        if (strcmp(d->items[i].name, name) == 0)
            return &d->items[i];
    return NULL;
}
