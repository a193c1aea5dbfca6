#include "http/multipart.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"

enum {
    BOUNDARY_MAX = 70, /* RFC 2046, section 5.1.1 */
    HEAD_MAX = 8 * 1024,
    SLICE = 32 * 1024, /* of the body, looked at at once */
};

enum state {
    BEFORE,    /* text before the first boundary, which has no meaning */
    DELIMITER, /* behind a boundary */
    HEAD,      /* in the headers of a part */
    DATA,
    AFTER, /* behind the closing boundary: no meaning either */
};

struct multipart_parser {
    const struct multipart_ops *ops;
    void *ctx;
    enum state state;
    char delimiter[BOUNDARY_MAX + 8]; /* "\r\n--boundary" */
    struct str delim;
    struct buf held; /* not consumed yet */
};

/* ---- parameters of a header: ; name=value; name="value" ---- */

static bool is_param_char(char c)
{
    return (unsigned char)c > 0x20 && c != 0x7f && !strchr("()<>@,;:\\\"/[]?=", c);
}

/* In quotes, a backslash is an escape only before a quote or another backslash, as in Go's
 * mime package, which E2B's envd uses: Windows paths come unescaped. */
static bool next_quoted(struct str *rest, char *out)
{
    size_t i = 1;

    for (; i < rest->n && rest->p[i] != '"'; i++) {
        if (rest->p[i] == '\\' && i + 1 < rest->n && strchr("\"\\", rest->p[i + 1]))
            i++;
        if ((unsigned char)rest->p[i] < 0x20 || rest->p[i] == 0x7f)
            return false;
        *out++ = rest->p[i];
    }
    *out = '\0';
    if (i == rest->n)
        return false;
    *rest = str_from_pos(*rest, i + 1);
    return true;
}

static struct str next_token(struct str *rest)
{
    struct str token = {rest->p, 0};

    while (token.n < rest->n && rest->p[token.n] && is_param_char(rest->p[token.n]))
        token.n++;
    *rest = str_from_pos(*rest, token.n);
    return token;
}

static void skip_blanks(struct str *rest)
{
    while (rest->n && (rest->p[0] == ' ' || rest->p[0] == '\t'))
        *rest = str_from_pos(*rest, 1);
}

/* 1 and a parameter, 0 at the end, -1 when it can't be read. */
static int next_param(struct arena *a, struct str *rest, struct str *ret_name, char **ret_value)
{
    skip_blanks(rest);
    if (rest->n == 0)
        return 0;
    if (rest->p[0] != ';')
        return -1;
    *rest = str_from_pos(*rest, 1);
    skip_blanks(rest);
    *ret_name = next_token(rest);
    if (ret_name->n == 0 || !str_starts(*rest, "="))
        return -1;
    *rest = str_from_pos(*rest, 1);
    if (str_starts(*rest, "\"")) {
        *ret_value = arena_alloc(a, rest->n, 1);
        return next_quoted(rest, *ret_value) ? 1 : -1;
    }
    *ret_value = arena_strdup(a, arena_dup(a, next_token(rest)).p);
    return **ret_value ? 1 : -1;
}

/* Finds the parameters called names[i] in "word; name=value; ...". A name that comes twice is an
 * error, others are passed over. */
static int find_params(struct arena *a, struct str header, const char *word,
                       const char *const *names, const char **values, size_t n)
{
    struct str rest = header, name;
    char *value = NULL;
    int more;

    skip_blanks(&rest);
    if (rest.n < strlen(word) || !str_eq_nocase((struct str){rest.p, strlen(word)}, word))
        return -1;
    rest = str_from_pos(rest, strlen(word));
    while ((more = next_param(a, &rest, &name, &value)) == 1) {
        for (size_t i = 0; i < n; i++) {
            if (!str_eq_nocase(name, names[i]))
                continue;
            if (values[i])
                return -1;
            values[i] = value;
        }
    }
    return more;
}

/* ---- the parser ---- */

int multipart_new(const char *content_type, const struct multipart_ops *ops, void *ctx,
                  struct multipart_parser **ret, struct err *err)
{
    static const char *const names[] = {"boundary"};
    ARENA_CLEANUP struct arena a = {0};
    struct multipart_parser *p;
    const char *boundary = NULL;

    if (find_params(&a, str_trim(str_from(content_type)), "multipart/form-data", names, &boundary,
                    1))
        return err_set(err, ERR_INPUT, "the content type is not a proper multipart/form-data");
    if (!boundary || strlen(boundary) < 1 || strlen(boundary) > BOUNDARY_MAX)
        return err_set(err, ERR_INPUT, "the content type needs a boundary of 1 to %d characters",
                       BOUNDARY_MAX);
    p = calloc(1, sizeof(*p));
    if (!p)
        BUG("out of memory for a parser");
    p->ops = ops;
    p->ctx = ctx;
    p->delim.n = (size_t)snprintf(p->delimiter, sizeof(p->delimiter), "\r\n--%s", boundary);
    p->delim.p = p->delimiter;
    p->held = BUF_INIT(SLICE + HEAD_MAX);
    /* So that a boundary at the very start is one like all others. */
    buf_add(&p->held, STR("\r\n"), NULL);
    *ret = p;
    return 0;
}

void multipart_free(struct multipart_parser *p)
{
    if (!p)
        return;
    buf_free(&p->held);
    free(p);
}

static int parse_disposition(struct arena *a, struct str value, struct multipart_part *ret,
                             struct err *err)
{
    static const char *const names[] = {"name", "filename"};
    const char *values[2] = {NULL, NULL};

    if (find_params(a, value, "form-data", names, values, 2))
        return err_set(err, ERR_INPUT, "the Content-Disposition of a part can't be read");
    if (!values[0])
        return err_set(err, ERR_INPUT, "a part of the form has no name");
    ret->name = values[0];
    ret->filename = values[1];
    return 0;
}

static int parse_head(struct arena *a, struct str head, struct multipart_part *ret, struct err *err)
{
    struct str line;

    while (str_next_line(&head, &line)) {
        ptrdiff_t colon = str_find_char(line, ':');

        if (colon <= 0)
            return err_set(err, ERR_INPUT, "a header of a part can't be read");
        if (!str_eq_nocase((struct str){line.p, (size_t)colon}, "Content-Disposition"))
            continue;
        if (ret->name)
            return err_set(err, ERR_INPUT, "a part has two Content-Dispositions");
        if (parse_disposition(a, str_trim(str_from_pos(line, (size_t)colon + 1)), ret, err))
            return -1;
    }
    if (!ret->name)
        return err_set(err, ERR_INPUT, "a part has no Content-Disposition");
    return 0;
}

/* The steps return 1 when the state has changed, 0 when more bytes are needed, -1 on errors. */

static int step_before(struct multipart_parser *p)
{
    ptrdiff_t at = str_find(buf_str(&p->held), p->delim);

    if (at < 0) {
        if (p->held.n >= p->delim.n)
            buf_consume(&p->held, p->held.n - p->delim.n + 1);
        return 0;
    }
    buf_consume(&p->held, (size_t)at + p->delim.n);
    p->state = DELIMITER;
    return 1;
}

static int step_delimiter(struct multipart_parser *p, struct err *err)
{
    struct str rest = buf_str(&p->held);

    if (rest.n >= 2 && str_starts(rest, "--")) {
        p->state = AFTER;
        return 1;
    }
    skip_blanks(&rest);
    if (rest.n < 2)
        return p->held.n > HEAD_MAX ? err_set(err, ERR_LIMIT, "a boundary line is too long") : 0;
    if (!str_starts(rest, "\r\n"))
        return err_set(err, ERR_INPUT, "there is text behind a boundary of the form");
    /* The line end stays: the headers may be empty, and they end with an empty line. */
    buf_consume(&p->held, p->held.n - rest.n);
    p->state = HEAD;
    return 1;
}

static int step_head(struct multipart_parser *p, struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    struct multipart_part part = {0};
    ptrdiff_t end = str_find(buf_str(&p->held), STR("\r\n\r\n"));

    if (end < 0 && p->held.n <= HEAD_MAX)
        return 0;
    if (end < 0 || end > HEAD_MAX)
        return err_set(err, ERR_LIMIT, "the headers of a part have more than %d bytes", HEAD_MAX);
    if (end == 0)
        return err_set(err, ERR_INPUT, "a part has no headers");
    if (parse_head(&a, (struct str){p->held.p + 2, (size_t)end - 2}, &part, err) ||
        p->ops->begin(p->ctx, &part, err))
        return -1;
    buf_consume(&p->held, (size_t)end + 4);
    p->state = DATA;
    return 1;
}

static int give_data(struct multipart_parser *p, size_t n, struct err *err)
{
    if (n && p->ops->data(p->ctx, (struct str){p->held.p, n}, err))
        return -1;
    buf_consume(&p->held, n);
    return 0;
}

static int step_data(struct multipart_parser *p, struct err *err)
{
    ptrdiff_t at = str_find(buf_str(&p->held), p->delim);

    if (at < 0) {
        if (p->held.n < p->delim.n)
            return 0;
        return give_data(p, p->held.n - p->delim.n + 1, err);
    }
    if (give_data(p, (size_t)at, err) || p->ops->end(p->ctx, err))
        return -1;
    buf_consume(&p->held, p->delim.n);
    p->state = DELIMITER;
    return 1;
}

static int step(struct multipart_parser *p, struct err *err)
{
    switch (p->state) {
    case BEFORE:
        return step_before(p);
    case DELIMITER:
        return step_delimiter(p, err);
    case HEAD:
        return step_head(p, err);
    case DATA:
        return step_data(p, err);
    case AFTER:
        buf_reset(&p->held);
        return 0;
    }
    BUG("state %d", p->state);
}

int multipart_feed(struct multipart_parser *p, struct str bytes, struct err *err)
{
    while (bytes.n) {
        struct str slice = {bytes.p, bytes.n < SLICE - 16 ? bytes.n : SLICE - 16};
        int more;

        if (buf_add(&p->held, slice, err))
            return -1;
        while ((more = step(p, err)) == 1)
            ;
        if (more < 0)
            return -1;
        bytes = str_from_pos(bytes, slice.n);
    }
    return 0;
}

int multipart_finish(struct multipart_parser *p, struct err *err)
{
    if (p->state != AFTER)
        return err_set(err, ERR_INPUT, "the form ends without its closing boundary");
    return 0;
}
