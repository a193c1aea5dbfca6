#include "json/json.h"

#include <string.h>

#include "base/text.h"

void json_cleanup(json_t **value)
{
    json_decref(*value);
    *value = NULL;
}

json_t *json_parse(struct str text, const char *name, struct err *err)
{
    json_error_t e;
    json_t *value =
        json_loadb(text.n ? text.p : "", text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);

    if (!value)
        err_set(err, ERR_INPUT, "%s:%d:%d: %s", name, e.line, e.column ? e.column : 1, e.text);
    return value;
}

static char *dump(struct arena *a, const json_t *value, size_t flags)
{
    char *text = json_dumps(value, flags | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)), *copy;

    if (!text)
        BUG("a JSON value can't be written");
    copy = arena_strdup(a, text);
    free(text);
    return copy;
}

char *json_dump(struct arena *a, const json_t *value)
{
    return dump(a, value, JSON_COMPACT);
}

char *json_dump_pretty(struct arena *a, const json_t *value)
{
    return arena_printf(a, "%s\n", dump(a, value, JSON_INDENT(2)));
}

json_t *json_str(struct str s)
{
    ARENA_CLEANUP struct arena a = {0};

    if (!text_is_plain(s))
        s = text_clean(&a, s, TEXT_ANY_UTF8);
    return json_stringn(s.n ? s.p : "", s.n);
}

json_t *json_c(const char *s)
{
    return s ? json_str(str_from(s)) : json_null();
}

void json_set(json_t *object, const char *key, json_t *value)
{
    if (!value || json_object_set_new(object, key, value))
        BUG("JSON member '%s'", key);
}

void json_add(json_t *array, json_t *value)
{
    if (!value || json_array_append_new(array, value))
        BUG("JSON element");
}

const char *json_get_c(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

struct str json_get_str(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);

    if (!json_is_string(v))
        return STR("");
    return (struct str){json_string_value(v), json_string_length(v)};
}

int64_t json_get_int(const json_t *object, const char *key, int64_t absent)
{
    const json_t *v = json_object_get(object, key);

    return json_is_integer(v) ? (int64_t)json_integer_value(v) : absent;
}

double json_get_real(const json_t *object, const char *key, double absent)
{
    const json_t *v = json_object_get(object, key);

    return json_is_number(v) ? json_number_value(v) : absent;
}

bool json_get_bool(const json_t *object, const char *key, bool absent)
{
    const json_t *v = json_object_get(object, key);

    return json_is_boolean(v) ? json_is_true(v) : absent;
}
