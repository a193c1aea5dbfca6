#include "base/text.h"

#include <string.h>

size_t text_utf8_len(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t need;

    if (s.n == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    need = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (s.n < need)
        return 0;
    for (size_t i = 1; i < need; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    /* Overlong forms, surrogates, and what lies beyond U+10FFFF. */
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return need;
}

size_t text_utf8_put(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

bool text_is_utf8(struct str s)
{
    while (s.n) {
        size_t n = text_utf8_len(s);

        if (n == 0)
            return false;
        s = str_from_pos(s, n);
    }
    return true;
}

bool text_is_plain(struct str s)
{
    return str_find_char(s, '\0') < 0 && text_is_utf8(s);
}

static bool in_range(const char *p, unsigned char first, unsigned char last)
{
    return (unsigned char)*p >= first && (unsigned char)*p <= last;
}

/* Length of the escape sequence that starts with ESC at s.p[0]; at least 1. A broken sequence ends
 * before the byte that can't belong to it (ECMA-48 section 5). */
static size_t escape_len(struct str s)
{
    size_t i = 2;

    if (s.n < 2 || !in_range(s.p + 1, 0x20, 0x7e))
        return 1;
    switch (s.p[1]) {
    case '[': /* CSI: parameters, then one final byte */
        while (i < s.n && in_range(s.p + i, 0x20, 0x3f))
            i++;
        return i < s.n && in_range(s.p + i, 0x40, 0x7e) ? i + 1 : i;
    case ']': /* OSC, DCS, SOS, PM, APC: up to BEL or ESC backslash */
    case 'P':
    case 'X':
    case '^':
    case '_':
        for (; i < s.n && s.p[i] != '\n'; i++) {
            if (s.p[i] == '\a')
                return i + 1;
            if (s.p[i] == '\033')
                return i + 1 < s.n && s.p[i + 1] == '\\' ? i + 2 : i;
        }
        return i;
    default: /* intermediate bytes if any, then one final byte */
        i = 1;
        while (i < s.n && in_range(s.p + i, 0x20, 0x2f))
            i++;
        return i < s.n && in_range(s.p + i, 0x30, 0x7e) ? i + 1 : i;
    }
}

/* C1 controls (U+0080 to U+009F) and bidirectional controls. */
static bool is_hostile(const char *p, size_t n)
{
    const unsigned char *u = (const unsigned char *)p;

    if (n == 2)
        return u[0] == 0xc2 && u[1] < 0xa0;
    if (n != 3 || u[0] != 0xe2)
        return false;
    return (u[1] == 0x80 && u[2] >= 0xaa && u[2] <= 0xae) ||
           (u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9);
}

struct cleaner {
    char *out;
    size_t n, line; /* bytes written; where the line that is being written starts */
    bool rewind;    /* a '\r' came: what is written next replaces the line */
    enum text_flags flags;
};

static void put(struct cleaner *c, const char *p, size_t n)
{
    if (c->rewind)
        c->n = c->line;
    c->rewind = false;
    memcpy(c->out + c->n, p, n);
    c->n += n;
}

/* Takes a control character or an escape sequence from the front; returns how long it was. */
static size_t clean_control(struct cleaner *c, struct str s)
{
    bool one_line = c->flags & TEXT_ONE_LINE;

    switch (s.p[0]) {
    case '\n':
        c->rewind = false;
        put(c, one_line ? "\\n" : "\n", one_line ? 2 : 1);
        c->line = c->n;
        return 1;
    case '\t':
        put(c, one_line ? "\\t" : "\t", one_line ? 2 : 1);
        return 1;
    case '\r':
        c->rewind = true;
        return 1;
    case '\033':
        return escape_len(s);
    default:
        return 1;
    }
}

struct str text_clean(struct arena *a, struct str s, enum text_flags flags)
{
    /* One byte in gives at most three bytes out (U+FFFD). */
    struct cleaner c = {.out = arena_alloc(a, s.n * 3 + 1, 1), .flags = flags};
    bool any = flags & TEXT_ANY_UTF8;

    while (s.n) {
        unsigned char b = (unsigned char)s.p[0];
        size_t n;

        if (b < 0x20 || b == 0x7f) {
            if (any && b != 0)
                put(&c, s.p, 1);
            n = any ? 1 : clean_control(&c, s);
        } else if ((n = text_utf8_len(s)) == 0) {
            put(&c, "\xef\xbf\xbd", 3);
            n = 1;
        } else if (any || !is_hostile(s.p, n)) {
            put(&c, s.p, n);
        }
        s = str_from_pos(s, n);
    }
    c.out[c.n] = '\0';
    return (struct str){c.out, c.n};
}

static size_t count_lines(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '\n';
    return n;
}

/* Moves a cut at `at` back to the end of a line if one is near, else to a character boundary. */
static size_t cut_back(struct str s, size_t at)
{
    for (size_t i = at; i > at / 2; i--)
        if (s.p[i - 1] == '\n')
            return i;
    for (int i = 0; i < 3 && at > 0 && in_range(s.p + at, 0x80, 0xbf); i++)
        at--;
    return at;
}

/* Moves a cut at `at` (not 0) forward to the start of a line, else to a character boundary. */
static size_t cut_forward(struct str s, size_t at)
{
    for (size_t i = at; i < at + (s.n - at) / 2; i++)
        if (s.p[i - 1] == '\n')
            return i;
    for (int i = 0; i < 3 && at < s.n && in_range(s.p + at, 0x80, 0xbf); i++)
        at++;
    return at;
}

struct str text_head_tail(struct arena *a, struct str s, size_t max, unsigned head_percent)
{
    size_t head, tail, n;
    struct str gap;
    char *mark, *text;

    if (s.n <= max)
        return arena_dup(a, s);
    head = max / 100 * head_percent + max % 100 * head_percent / 100;
    tail = cut_forward(s, s.n - (max - head));
    head = cut_back(s, head);
    gap = (struct str){s.p + head, tail - head};
    mark = arena_printf(a, "%s[... %zu bytes (%zu lines) omitted ...]\n",
                        head && s.p[head - 1] != '\n' ? "\n" : "", gap.n, count_lines(gap));
    n = strlen(mark);
    text = arena_alloc(a, head + n + (s.n - tail) + 1, 1);
    memcpy(text, s.p, head);
    memcpy(text + head, mark, n);
    memcpy(text + head + n, s.p + tail, s.n - tail);
    return (struct str){text, head + n + (s.n - tail)};
}

char *text_plural(struct arena *a, long long n, const char *word)
{
    return arena_printf(a, "%lld %s%s", n, word, n == 1 ? "" : "s");
}

char *text_bytes(struct arena *a, unsigned long long n)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double v = (double)n / 1024;
    size_t u = 0;

    if (n < 1024)
        return arena_printf(a, "%llu B", n);
    while (v >= 1024 && u < 3) {
        v /= 1024;
        u++;
    }
    return arena_printf(a, "%.1f %s", v, units[u]);
}
