#include "check/xml.h"

#include <string.h>

#include "base/text.h"

void xml_init(struct xml *x, struct arena *a, struct str text)
{
    *x = (struct xml){.arena = a, .text = text, .rest = text};
    if (str_starts(x->rest, "\xef\xbb\xbf"))
        x->rest = str_from_pos(x->rest, 3);
}

static int fail(const struct xml *x, struct err *err, const char *what)
{
    size_t line = 1;

    for (const char *p = x->text.p; p < x->rest.p; p++)
        line += *p == '\n';
    return err_set(err, ERR_INPUT, "line %zu: %s", line, what);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == ':' || (unsigned char)c >= 0x80;
}

static void skip(struct xml *x, size_t n)
{
    x->rest = str_from_pos(x->rest, n);
}

static void skip_space(struct xml *x)
{
    while (x->rest.n && is_space(*x->rest.p))
        skip(x, 1);
}

static struct str take_name(struct xml *x)
{
    struct str name = {x->rest.p, 0};

    while (x->rest.n && is_name_char(*x->rest.p)) {
        skip(x, 1);
        name.n++;
    }
    return name;
}

/* Everything up to `end`, which is skipped too. */
static int take_until(struct xml *x, const char *end, struct str *ret, struct err *err)
{
    ptrdiff_t at = str_find(x->rest, str_from(end));

    if (at < 0)
        return fail(x, err, "the document ends too early");
    *ret = (struct str){x->rest.p, (size_t)at};
    skip(x, (size_t)at + strlen(end));
    return 0;
}

/* ---- references ---- */

static bool number_of(struct str ref, unsigned *ret)
{
    unsigned base = 10, value = 0;
    size_t i = 1;

    if (ref.n > 1 && (ref.p[1] == 'x' || ref.p[1] == 'X')) {
        base = 16;
        i = 2;
    }
    if (i == ref.n)
        return false;
    for (; i < ref.n; i++) {
        static const char digits[] = "0123456789abcdef";
        char c = ref.p[i] >= 'A' && ref.p[i] <= 'F' ? (char)(ref.p[i] + 32) : ref.p[i];
        const char *d = memchr(digits, c, base);

        if (!d || value > 0x10ffff)
            return false;
        value = value * base + (unsigned)(d - digits);
    }
    *ret = value;
    return value > 0 && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff);
}

static bool reference(struct str ref, unsigned *ret)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};

    if (ref.n && ref.p[0] == '#')
        return number_of(ref, ret);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (str_eq_c(ref, known[i].name)) {
            *ret = (unsigned char)known[i].c;
            return true;
        }
    return false;
}

/* Puts characters in the place of references; the result is never longer than `raw`. */
static int expand(struct xml *x, struct str raw, struct str *ret, struct err *err)
{
    char *out;
    size_t n = 0;

    if (str_find_char(raw, '&') < 0) {
        *ret = raw;
        return 0;
    }
    out = arena_alloc(x->arena, raw.n + 1, 1);
    while (raw.n) {
        ptrdiff_t end;
        unsigned c;

        if (*raw.p != '&') {
            out[n++] = *raw.p;
            raw = str_from_pos(raw, 1);
            continue;
        }
        end = str_find_char((struct str){raw.p, raw.n < 12 ? raw.n : 12}, ';');
        if (end < 0 || !reference((struct str){raw.p + 1, (size_t)end - 1}, &c))
            return fail(x, err, "an entity that XML doesn't have by itself");
        n += text_utf8_put(c, out + n);
        raw = str_from_pos(raw, (size_t)end + 1);
    }
    *ret = (struct str){out, n};
    return 0;
}

/* ---- tags ---- */

static int take_attr(struct xml *x, struct xml_event *e, struct err *err)
{
    struct xml_attr *attr = &e->attrs[e->n_attrs];
    struct str raw;
    char quote[2] = "";

    if (e->n_attrs == XML_MAX_ATTRS)
        return fail(x, err, "too many attributes");
    attr->name = take_name(x);
    skip_space(x);
    if (!attr->name.n || !x->rest.n || *x->rest.p != '=')
        return fail(x, err, "not an attribute");
    skip(x, 1);
    skip_space(x);
    if (!x->rest.n || (*x->rest.p != '"' && *x->rest.p != '\''))
        return fail(x, err, "an attribute without quotes");
    quote[0] = *x->rest.p;
    skip(x, 1);
    if (take_until(x, quote, &raw, err) < 0 || expand(x, raw, &attr->value, err) < 0)
        return -1;
    e->n_attrs++;
    return 0;
}

static int open_tag(struct xml *x, struct xml_event *e, struct err *err)
{
    skip(x, 1);
    e->kind = XML_OPEN;
    e->name = take_name(x);
    if (!e->name.n)
        return fail(x, err, "'<' without a name");
    if (x->depth == XML_MAX_DEPTH)
        return fail(x, err, "nested too deeply");
    if (!x->depth && x->root_seen)
        return fail(x, err, "a second root element");
    for (;;) {
        skip_space(x);
        if (str_starts(x->rest, ">") || str_starts(x->rest, "/>"))
            break;
        if (take_attr(x, e, err) < 0)
            return -1;
    }
    x->empty_element = *x->rest.p == '/';
    skip(x, x->empty_element ? 2 : 1);
    x->open[x->depth++] = e->name;
    x->root_seen = true;
    return 0;
}

static int close_tag(struct xml *x, struct xml_event *e, struct err *err)
{
    skip(x, 2);
    e->kind = XML_CLOSE;
    e->name = take_name(x);
    skip_space(x);
    if (!str_starts(x->rest, ">") || !x->depth || !str_eq(x->open[x->depth - 1], e->name))
        return fail(x, err, "an end tag that doesn't match");
    skip(x, 1);
    x->depth--;
    return 0;
}

static int take_text(struct xml *x, struct xml_event *e, struct err *err)
{
    ptrdiff_t at = str_find_char(x->rest, '<');
    struct str raw = {x->rest.p, at < 0 ? x->rest.n : (size_t)at};

    if (!x->depth && str_trim(raw).n)
        return fail(x, err, "text outside of the root element");
    skip(x, raw.n);
    e->kind = XML_TEXT;
    return expand(x, raw, &e->text, err);
}

int xml_next(struct xml *x, struct xml_event *e, struct err *err)
{
    struct str ignored;

    e->n_attrs = 0;
    if (x->empty_element) {
        x->empty_element = false;
        e->kind = XML_CLOSE;
        e->name = x->open[--x->depth];
        return 0;
    }
    while (x->rest.n) {
        if (*x->rest.p != '<') {
            if (take_text(x, e, err) < 0)
                return -1;
            if (x->depth)
                return 0;
        } else if (str_starts(x->rest, "<?")) {
            if (take_until(x, "?>", &ignored, err) < 0)
                return -1;
        } else if (str_starts(x->rest, "<!--")) {
            skip(x, 4);
            if (take_until(x, "-->", &ignored, err) < 0)
                return -1;
        } else if (str_starts(x->rest, "<![CDATA[") && x->depth) {
            skip(x, 9);
            e->kind = XML_TEXT;
            return take_until(x, "]]>", &e->text, err);
        } else if (str_starts(x->rest, "<!")) {
            return fail(x, err, "a document type declaration is not accepted");
        } else if (str_starts(x->rest, "</")) {
            return close_tag(x, e, err);
        } else {
            return open_tag(x, e, err);
        }
    }
    if (x->depth || !x->root_seen)
        return fail(x, err, "the document ends too early");
    e->kind = XML_DONE;
    return 0;
}

struct str xml_attr(const struct xml_event *e, const char *name)
{
    for (size_t i = 0; i < e->n_attrs; i++)
        if (str_eq_c(e->attrs[i].name, name))
            return e->attrs[i].value;
    return (struct str){0};
}
