#include "json/yaml.h"

#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "json/places.h"

enum { MAX_DEPTH = 32 };

struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    bool have_event;
    const char *name;
    struct str text;
    struct json_places *places;
    struct err *err;
};

static int fail(struct reader *r, yaml_mark_t at, const char *text)
{
    return err_set(r->err, ERR_INPUT, "%s:%zu:%zu: %s", r->name, at.line + 1, at.column + 1, text);
}

/* The parser marks no place when the bytes themselves are wrong, but counts them. */
static yaml_mark_t mark_of_byte(struct str text, size_t offset)
{
    yaml_mark_t at = {0};

    for (size_t i = 0; i < offset && i < text.n; i++) {
        if (text.p[i] == '\n') {
            at.line++;
            at.column = 0;
        } else if (((unsigned char)text.p[i] & 0xc0) != 0x80) {
            at.column++;
        }
    }
    return at;
}

/* Refuses what belongs to the node that the event starts and isn't in our subset. */
static int check_node(struct reader *r, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor)
        return fail(r, r->event.start_mark, "anchors are not supported here");
    if (tag)
        return fail(r, r->event.start_mark, "tags are not supported here");
    return 0;
}

static int check_event(struct reader *r)
{
    const yaml_event_t *e = &r->event;

    switch (e->type) {
    case YAML_SCALAR_EVENT:
        if (memchr(e->data.scalar.value, '\0', e->data.scalar.length))
            return fail(r, e->start_mark, "this text has a NUL character in it");
        return check_node(r, e->data.scalar.anchor, e->data.scalar.tag);
    case YAML_SEQUENCE_START_EVENT:
        return check_node(r, e->data.sequence_start.anchor, e->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return check_node(r, e->data.mapping_start.anchor, e->data.mapping_start.tag);
    case YAML_ALIAS_EVENT:
        return fail(r, e->start_mark, "aliases are not supported here");
    default:
        return 0;
    }
}

static int next(struct reader *r)
{
    const char *problem;

    if (r->have_event)
        yaml_event_delete(&r->event);
    r->have_event = yaml_parser_parse(&r->parser, &r->event);
    if (r->have_event)
        return check_event(r);
    problem = r->parser.problem ? r->parser.problem : "not YAML";
    if (r->parser.error == YAML_READER_ERROR)
        return fail(r, mark_of_byte(r->text, r->parser.problem_offset), problem);
    return fail(r, r->parser.problem_mark, problem);
}

/* Skips a run of digits; false if there is none. */
static bool skip_digits(struct str *s)
{
    size_t n = 0;

    while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
        n++;
    *s = str_from_pos(*s, n);
    return n > 0;
}

/* The number grammar of RFC 8259 section 6. */
static bool is_number(struct str s)
{
    if (str_starts(s, "-"))
        s = str_from_pos(s, 1);
    if (s.n > 1 && s.p[0] == '0' && s.p[1] >= '0' && s.p[1] <= '9')
        return false;
    if (!skip_digits(&s))
        return false;
    if (str_starts(s, ".")) {
        s = str_from_pos(s, 1);
        if (!skip_digits(&s))
            return false;
    }
    if (str_starts(s, "e") || str_starts(s, "E")) {
        s = str_from_pos(s, 1);
        if (str_starts(s, "+") || str_starts(s, "-"))
            s = str_from_pos(s, 1);
        if (!skip_digits(&s))
            return false;
    }
    return s.n == 0;
}

static bool is_one_of(struct str s, const char *const *words)
{
    while (*words && !str_eq_c(s, *words))
        words++;
    return *words;
}

static json_t *plain_scalar(struct str s)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    int64_t i;
    double d;

    if (is_one_of(s, nulls))
        return json_null();
    if (is_one_of(s, trues))
        return json_true();
    if (is_one_of(s, falses))
        return json_false();
    if (!is_number(s))
        return json_str(s);
    if (str_to_i64(s, &i))
        return json_integer(i);
    /* A whole number that doesn't fit stays text: as a real it would lose digits. */
    if (strpbrk(s.p, ".eE") && str_to_double(s, &d))
        return json_real(d);
    return json_str(s);
}

static json_t *read_scalar(struct reader *r)
{
    struct str s = {(const char *)r->event.data.scalar.value, r->event.data.scalar.length};

    if (r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return plain_scalar(s);
    return json_str(s);
}

static json_t *read_value(struct reader *r, int depth);

static json_t *read_sequence(struct reader *r, int depth)
{
    JSON_CLEANUP json_t *array = json_array();

    for (;;) {
        json_t *item;

        if (next(r))
            return NULL;
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return TAKE(array);
        item = read_value(r, depth + 1);
        if (!item)
            return NULL;
        json_add(array, item);
    }
}

/* Reads "key: value" when the key is the current event. */
static int read_pair(struct reader *r, json_t *object, int depth)
{
    ARENA_CLEANUP struct arena a = {0};
    yaml_mark_t at = r->event.start_mark;
    const char *key;
    json_t *value;

    if (r->event.type != YAML_SCALAR_EVENT)
        return fail(r, at, "a key must be a plain word or a string");
    key = arena_strdup(&a, (const char *)r->event.data.scalar.value);
    if (json_object_get(object, key))
        return fail(r, at, arena_printf(&a, "the key '%s' is given twice", key));
    places_add(r->places, object, key, (unsigned)at.line + 1, (unsigned)at.column + 1);
    if (next(r))
        return -1;
    value = read_value(r, depth + 1);
    if (!value)
        return -1;
    json_set(object, key, value);
    return 0;
}

static json_t *read_mapping(struct reader *r, int depth)
{
    JSON_CLEANUP json_t *object = json_object();

    for (;;) {
        if (next(r))
            return NULL;
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return TAKE(object);
        if (read_pair(r, object, depth))
            return NULL;
    }
}

/* Reads the value that starts with the current event. */
static json_t *read_value(struct reader *r, int depth)
{
    yaml_mark_t at = r->event.start_mark;
    json_t *value = NULL;

    if (depth > MAX_DEPTH) {
        fail(r, at, "nested too deeply");
        return NULL;
    }
    switch (r->event.type) {
    case YAML_SCALAR_EVENT:
        value = read_scalar(r);
        break;
    case YAML_SEQUENCE_START_EVENT:
        value = read_sequence(r, depth);
        break;
    case YAML_MAPPING_START_EVENT:
        value = read_mapping(r, depth);
        break;
    default:
        fail(r, at, "a value is missing");
        break;
    }
    /* null, true and false are shared objects: they have no place of their own. */
    if (value && value->refcount != (size_t)-1)
        places_add(r->places, value, NULL, (unsigned)at.line + 1, (unsigned)at.column + 1);
    return value;
}

static json_t *read_document(struct reader *r)
{
    JSON_CLEANUP json_t *value = NULL;

    do {
        if (next(r))
            return NULL;
        if (r->event.type == YAML_STREAM_END_EVENT)
            return json_null();
    } while (r->event.type != YAML_DOCUMENT_START_EVENT);
    if (next(r))
        return NULL;
    value = read_value(r, 0);
    if (!value)
        return NULL;
    if (next(r) || next(r))
        return NULL;
    if (r->event.type != YAML_STREAM_END_EVENT) {
        fail(r, r->event.start_mark, "only one document is allowed");
        return NULL;
    }
    return TAKE(value);
}

json_t *yaml_parse(struct arena *a, struct str text, const char *name, struct json_source *ret_src,
                   struct err *err)
{
    struct json_places *places = ARENA_NEW(a, struct json_places);
    struct reader r = {.name = name, .text = text, .places = places, .err = err};
    json_t *value;

    places->arena = a;
    if (text.n > YAML_MAX_BYTES) {
        err_set(err, ERR_LIMIT, "%s: larger than %d bytes", name, YAML_MAX_BYTES);
        return NULL;
    }
    if (!yaml_parser_initialize(&r.parser))
        BUG("yaml_parser_initialize");
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.n ? text.p : ""), text.n);
    value = read_document(&r);
    if (r.have_event)
        yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    if (value && ret_src)
        *ret_src = (struct json_source){.name = arena_strdup(a, name), .places = places};
    return value;
}

json_t *yaml_parse_file(struct arena *a, const char *path, struct json_source *ret_src,
                        struct err *err)
{
    struct str text;

    if (fs_read_file(a, path, YAML_MAX_BYTES, &text, err))
        return NULL;
    return yaml_parse(a, text, path, ret_src, err);
}
