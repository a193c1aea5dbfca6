#include "http/sse.h"

#include <string.h>

/* Above the largest event: the field's name in front of it, and bytes fed ahead of the reader. */
enum { FIELD_ROOM = 16, FEED_ROOM = 1024 * 1024 };

struct sse_parser {
    struct buf fed;
    size_t at; /* of `fed`: what lies before has been parsed */
    struct buf line, name, data;
    bool begun;     /* the first line has been seen, which may start with a byte order mark */
    bool after_cr;  /* a '\n' that comes next belongs to the line end before */
    bool has_data;  /* there was a data field, even an empty one */
    bool delivered; /* name and data were handed out */
};

struct sse_parser *sse_parser_new(size_t max_event)
{
    struct sse_parser *p = calloc(1, sizeof(*p));

    if (!p)
        BUG("out of memory for a parser");
    p->fed = BUF_INIT(max_event + FEED_ROOM);
    p->line = BUF_INIT(max_event + FIELD_ROOM);
    p->name = BUF_INIT(max_event);
    p->data = BUF_INIT(max_event);
    return p;
}

void sse_parser_free(struct sse_parser *p)
{
    if (!p)
        return;
    buf_free(&p->fed);
    buf_free(&p->line);
    buf_free(&p->name);
    buf_free(&p->data);
    free(p);
}

int sse_parser_feed(struct sse_parser *p, struct str bytes, struct err *err)
{
    return buf_add(&p->fed, bytes, err);
}

static int too_large(const struct sse_parser *p, struct err *err)
{
    return err_set(err, ERR_LIMIT, "an event of the stream is larger than %zu bytes", p->data.max);
}

static void begin_event(struct sse_parser *p)
{
    buf_reset(&p->name);
    buf_reset(&p->data);
    p->has_data = false;
    p->delivered = false;
}

static int take_field(struct sse_parser *p, struct str field, struct str value, struct err *err)
{
    if (str_eq_c(field, "event")) {
        buf_reset(&p->name);
        return buf_add(&p->name, value, NULL) ? too_large(p, err) : 0;
    }
    if (!str_eq_c(field, "data"))
        return 0;
    if (p->has_data && buf_add(&p->data, STR("\n"), NULL))
        return too_large(p, err);
    p->has_data = true;
    return buf_add(&p->data, value, NULL) ? too_large(p, err) : 0;
}

static int take_line(struct sse_parser *p, struct str line, struct err *err)
{
    ptrdiff_t colon = str_find_char(line, ':');
    struct str value;

    if (colon < 0)
        return take_field(p, line, STR(""), err);
    value = str_from_pos(line, (size_t)colon + 1);
    if (str_starts(value, " "))
        value = str_from_pos(value, 1);
    return take_field(p, (struct str){line.p, (size_t)colon}, value, err);
}

/* 1 when a whole line is in p->line, 0 when more bytes are needed. */
static int next_line(struct sse_parser *p, struct err *err)
{
    struct str rest = str_from_pos(buf_str(&p->fed), p->at);
    size_t n = 0;

    if (p->after_cr && rest.n) {
        p->at += rest.p[0] == '\n';
        rest = str_from_pos(buf_str(&p->fed), p->at);
        p->after_cr = false;
    }
    while (n < rest.n && rest.p[n] != '\r' && rest.p[n] != '\n')
        n++;
    if (buf_add(&p->line, (struct str){rest.p, n}, NULL))
        return too_large(p, err);
    p->at += n;
    if (n == rest.n)
        return 0;
    p->after_cr = rest.p[n] == '\r';
    p->at++;
    return 1;
}

/* Takes the line in p->line: 1 when it ends an event, 0 when not. */
static int end_line(struct sse_parser *p, struct err *err)
{
    struct str line = buf_str(&p->line);
    int result = 0;

    if (!p->begun && str_starts(line, "\xef\xbb\xbf"))
        line = str_from_pos(line, 3);
    p->begun = true;
    if (line.n)
        result = take_line(p, line, err);
    else if (p->has_data)
        result = 1;
    else
        begin_event(p);
    buf_reset(&p->line);
    return result;
}

int sse_parser_next(struct sse_parser *p, struct sse_event *ret, struct err *err)
{
    int more;

    if (p->delivered)
        begin_event(p);
    while ((more = next_line(p, err)) == 1) {
        int ended = end_line(p, err);

        if (ended < 0)
            return -1;
        if (ended) {
            p->delivered = true;
            ret->name = p->name.n ? buf_c(&p->name) : "message";
            ret->data = buf_str(&p->data);
            return 1;
        }
    }
    if (more == 0) {
        buf_reset(&p->fed);
        p->at = 0;
    }
    return more;
}

static int write_lines(struct buf *out, struct str data, struct err *err)
{
    for (;;) {
        size_t n = 0;

        while (n < data.n && data.p[n] != '\r' && data.p[n] != '\n')
            n++;
        if (buf_add_c(out, "data: ", err) || buf_add(out, (struct str){data.p, n}, err) ||
            buf_add_c(out, "\n", err))
            return -1;
        if (n == data.n)
            return buf_add_c(out, "\n", err);
        n += str_starts(str_from_pos(data, n), "\r\n") ? 2 : 1;
        data = str_from_pos(data, n);
    }
}

int sse_write(struct buf *out, const char *name, struct str data, struct err *err)
{
    size_t before = out->n;

    if (name && strpbrk(name, "\r\n"))
        BUG("an event's name has a line break in it");
    if ((!name || buf_printf(out, err, "event: %s\n", name) == 0) &&
        write_lines(out, data, err) == 0)
        return 0;
    out->n = before;
    if (out->p)
        out->p[before] = '\0';
    return -1;
}
