/* Decoding by table: the second half of json.h. */
#include <stdio.h>
#include <string.h>

#include "json/json.h"
#include "json/places.h"

static int err_at(const struct json_source *src, const struct json_place *at, struct err *err,
                  const char *text)
{
    if (at)
        return err_set(err, ERR_INPUT, "%s:%u:%u: %s", src->name, at->line, at->column, text);
    return err_set(err, ERR_INPUT, "%s: %s", src->name, text);
}

int(json_err)(const struct json_source *src, const json_t *value, struct err *err, const char *fmt,
              ...)
{
    char text[ERR_MSG_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return err_at(src, places_find(src->places, value, NULL), err, text);
}

const char *json_nearest(const char *word, const char *const *names, size_t n)
{
    const char *best = NULL;
    unsigned best_distance = (unsigned)strlen(word) / 3 + 2;

    for (size_t i = 0; i < n; i++) {
        unsigned d = str_distance(word, names[i]);

        if (d < best_distance) {
            best_distance = d;
            best = names[i];
        }
    }
    return best;
}

static int unknown_key(const struct json_source *src, const json_t *object, const char *key,
                       const char *what, const struct json_field *fields, struct err *err)
{
    const char *names[64], *near;
    char text[ERR_MSG_MAX];
    size_t n = 0;

    for (; n < sizeof(names) / sizeof(names[0]) && fields[n].name; n++)
        names[n] = fields[n].name;
    near = json_nearest(key, names, n);
    snprintf(text, sizeof(text), "unknown key '%s' in %s%s%s%s", key, what,
             near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return err_at(src, places_find(src->places, object, key), err, text);
}

static const char *kind_name(enum json_kind kind)
{
    switch (kind) {
    case JSON_KIND_STRING:
        return "a non-empty string";
    case JSON_KIND_TEXT:
        return "a string";
    case JSON_KIND_INT:
        return "a whole number";
    case JSON_KIND_REAL:
        return "a number";
    case JSON_KIND_BOOL:
        return "true or false";
    case JSON_KIND_STRINGS:
        return "a list of strings";
    case JSON_KIND_PAIRS:
        return "a mapping of names to strings (quote numbers such as 3.10)";
    case JSON_KIND_OBJECT:
        return "a mapping";
    case JSON_KIND_ARRAY:
        return "a list";
    case JSON_KIND_ANY:
        break;
    }
    return "a value";
}

static bool decode_strings(struct arena *a, const json_t *v, struct json_strings *out)
{
    size_t n = json_is_array(v) ? json_array_size(v) : 1;

    if (!json_is_array(v) && !json_is_string(v))
        return false;
    out->items = ARENA_ARRAY(a, n + 1, const char *);
    out->n = n;
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_is_array(v) ? json_array_get(v, i) : v;

        if (!json_is_string(item))
            return false;
        out->items[i] = arena_strdup(a, json_string_value(item));
    }
    return true;
}

static const char *scalar_text(struct arena *a, const json_t *v)
{
    if (json_is_string(v))
        return arena_strdup(a, json_string_value(v));
    if (json_is_integer(v) || json_is_boolean(v))
        return json_dump(a, v);
    return NULL;
}

/* jansson's iteration wants a pointer to non-const and doesn't write through it. */
static json_t *for_iteration(const json_t *object)
{
    return (json_t *)(uintptr_t)object;
}

static bool decode_pairs(struct arena *a, const json_t *v, struct json_pairs *out)
{
    const char *key;
    json_t *item;
    size_t n = 0;

    if (!json_is_object(v))
        return false;
    out->items = ARENA_ARRAY(a, json_object_size(v) + 1, struct json_pair);
    json_object_foreach (for_iteration(v), key, item) {
        const char *text = scalar_text(a, item);

        if (!text)
            return false;
        out->items[n++] = (struct json_pair){arena_strdup(a, key), text};
    }
    out->n = n;
    return true;
}

/* Stores `v` at `to` if it is of the field's kind. */
static bool store(struct arena *a, const struct json_field *f, const json_t *v, void *to)
{
    switch (f->kind) {
    case JSON_KIND_STRING:
    case JSON_KIND_TEXT:
        if (!json_is_string(v) || (f->kind == JSON_KIND_STRING && json_string_length(v) == 0))
            return false;
        *(const char **)to = arena_strdup(a, json_string_value(v));
        return true;
    case JSON_KIND_INT:
        if (!json_is_integer(v))
            return false;
        *(int64_t *)to = (int64_t)json_integer_value(v);
        return true;
    case JSON_KIND_REAL:
        if (!json_is_number(v))
            return false;
        *(double *)to = json_number_value(v);
        return true;
    case JSON_KIND_BOOL:
        if (!json_is_boolean(v))
            return false;
        *(bool *)to = json_is_true(v);
        return true;
    case JSON_KIND_STRINGS:
        return decode_strings(a, v, to);
    case JSON_KIND_PAIRS:
        return decode_pairs(a, v, to);
    case JSON_KIND_OBJECT:
    case JSON_KIND_ARRAY:
        if (!(f->kind == JSON_KIND_OBJECT ? json_is_object(v) : json_is_array(v)))
            return false;
        /* fall through */
    case JSON_KIND_ANY:
        *(const json_t **)to = v;
        return true;
    }
    return false;
}

static bool is_in_range(const struct json_field *f, const json_t *v)
{
    double number = json_number_value(v);

    if (f->kind != JSON_KIND_INT && f->kind != JSON_KIND_REAL)
        return true;
    return (f->min == 0 && f->max == 0) || (number >= f->min && number <= f->max);
}

static int decode_field(struct arena *a, const struct json_source *src, const json_t *object,
                        const char *what, const struct json_field *f, void *out, struct err *err)
{
    const json_t *v = json_object_get(object, f->name);
    const struct json_place *at = places_find(src->places, v, NULL);
    char text[ERR_MSG_MAX];

    /* true and false have no place of their own. */
    if (!at)
        at = places_find(src->places, object, f->name);
    if (!store(a, f, v, (char *)out + f->offset))
        snprintf(text, sizeof(text), "'%s' in %s must be %s", f->name, what, kind_name(f->kind));
    else if (!is_in_range(f, v))
        snprintf(text, sizeof(text), "'%s' in %s must be from %.15g to %.15g", f->name, what,
                 f->min, f->max);
    else
        return 0;
    return err_at(src, at, err, text);
}

static int check_keys(const struct json_source *src, const json_t *object, const char *what,
                      const struct json_field *fields, struct err *err)
{
    const char *key;
    json_t *v;

    json_object_foreach (for_iteration(object), key, v) {
        const struct json_field *f = fields;

        while (f->name && strcmp(f->name, key) != 0)
            f++;
        if (!f->name)
            return unknown_key(src, object, key, what, fields, err);
    }
    return 0;
}

int json_decode(struct arena *a, const struct json_source *src, const json_t *object,
                const char *what, const struct json_field *fields, void *out, struct err *err)
{
    if (!json_is_object(object))
        return json_err(src, object, err, "%s must be a mapping", what);
    if (check_keys(src, object, what, fields, err))
        return -1;
    for (const struct json_field *f = fields; f->name; f++) {
        const json_t *v = json_object_get(object, f->name);

        if (!v || json_is_null(v)) {
            if (f->required)
                return json_err(src, object, err, "'%s' is missing in %s", f->name, what);
            continue;
        }
        if (decode_field(a, src, object, what, f, out, err))
            return -1;
    }
    return 0;
}
