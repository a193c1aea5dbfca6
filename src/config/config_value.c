#include "config/config_value.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/text.h"

enum { SHOWN_MAX = 80 };

/* "... must be WHAT, not 'abc'". The value came from outside and may be anything. */
static int bad_value(struct arena *a, const struct config_setting *s, const char *what,
                     struct str text, struct err *err)
{
    struct str shown = text_clean(a, text, TEXT_ONE_LINE);

    if (shown.n > SHOWN_MAX)
        shown = str_from(arena_printf(a, "%.*s...", SHOWN_MAX, shown.p));
    return err_set(err, ERR_CONFIG, "%s must be %s, not '%s'", s->key, what, shown.p);
}

static bool in_range(const struct config_setting *s, double v)
{
    return v >= s->min && v <= s->max;
}

static int set_int(struct arena *a, const struct config_setting *s, struct str text, int64_t *to,
                   struct err *err)
{
    int64_t v;

    if (!str_to_i64(text, &v) || !in_range(s, (double)v))
        return bad_value(
            a, s, arena_printf(a, "a whole number from %.15g to %.15g", s->min, s->max), text, err);
    *to = v;
    return 0;
}

static int set_real(struct arena *a, const struct config_setting *s, struct str text, double *to,
                    struct err *err)
{
    double v;

    if (!str_to_double(text, &v) || !in_range(s, v))
        return bad_value(a, s, arena_printf(a, "a number from %.15g to %.15g", s->min, s->max),
                         text, err);
    *to = v;
    return 0;
}

/* "90", "90s", "10m", "1.5h", "500ms". */
static bool to_seconds(struct str text, double *ret)
{
    static const struct {
        const char *suffix;
        double seconds;
    } units[] = {{"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}};
    double factor = 1;

    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (str_ends(text, units[i].suffix)) {
            text.n -= strlen(units[i].suffix);
            factor = units[i].seconds;
            break;
        }
    }
    if (!str_to_double(text, ret))
        return false;
    *ret *= factor;
    return true;
}

static int set_seconds(struct arena *a, const struct config_setting *s, struct str text, double *to,
                       struct err *err)
{
    double v;

    if (!to_seconds(text, &v) || !in_range(s, v))
        return bad_value(
            a, s,
            arena_printf(a, "a time such as 90s or 10m, from %.15g to %.15g s", s->min, s->max),
            text, err);
    *to = v;
    return 0;
}

static bool is_choice(const char *choices, struct str text)
{
    struct str rest = str_from(choices), choice;

    while (str_next(&rest, ' ', &choice))
        if (str_eq(choice, text))
            return true;
    return false;
}

static const char *list_choices(struct arena *a, const char *choices)
{
    struct str rest = str_from(choices), choice;
    const char *list = NULL;

    while (str_next(&rest, ' ', &choice))
        list = list ? arena_printf(a, "%s or %.*s", list, STR_ARG(choice)) : arena_dup(a, choice).p;
    return list;
}

static int set_text(struct arena *a, const struct config_setting *s, struct str text,
                    const char **to, struct err *err)
{
    if (!text_is_plain(text))
        return bad_value(a, s, "text in UTF-8", text, err);
    if (text.n == 0 && s->fallback[0])
        return err_set(err, ERR_CONFIG, "%s must not be empty", s->key);
    if (text.n && s->choices && !is_choice(s->choices, text))
        return bad_value(a, s, list_choices(a, s->choices), text, err);
    *to = arena_dup(a, text).p;
    return 0;
}

static int set_strings(struct arena *a, struct str text, struct json_strings *to)
{
    struct str rest = text, part;
    struct json_strings list = {.items = ARENA_ARRAY(a, text.n + 1, const char *)};

    while (str_next(&rest, ',', &part)) {
        part = str_trim(part);
        if (part.n)
            list.items[list.n++] = arena_dup(a, part).p;
    }
    *to = list;
    return 0;
}

static int set_secret(const struct config_setting *s, struct str text, struct secret **to,
                      struct err *err)
{
    struct secret *secret;

    if (secret_new(text, &secret, err)) {
        err->kind = ERR_CONFIG;
        return err_wrap(err, "%s", s->key);
    }
    secret_free(*to);
    *to = secret;
    return 0;
}

int config_value_set(struct arena *a, const struct config_setting *s, struct str text,
                     const char *dir, struct config *c, struct err *err)
{
    void *to = (char *)c + s->offset;

    switch (s->kind) {
    case CONFIG_PATH:
        if (set_text(a, s, text, to, err))
            return -1;
        if (dir && text.n)
            *(const char **)to = fs_join(a, dir, *(const char **)to);
        return 0;
    case CONFIG_TEXT:
        return set_text(a, s, text, to, err);
    case CONFIG_INT:
        return set_int(a, s, text, to, err);
    case CONFIG_REAL:
        return set_real(a, s, text, to, err);
    case CONFIG_SECONDS:
        return set_seconds(a, s, text, to, err);
    case CONFIG_STRINGS:
        return set_strings(a, text, to);
    case CONFIG_SECRET:
        return set_secret(s, text, to, err);
    }
    BUG("kind %d of '%s'", (int)s->kind, s->key);
}

static int set_json_strings(struct arena *a, const struct config_setting *s, const json_t *array,
                            struct json_strings *to, struct err *err)
{
    size_t n = json_array_size(array);
    struct json_strings list = {.items = ARENA_ARRAY(a, n + 1, const char *), .n = n};

    for (size_t i = 0; i < n; i++) {
        const char *item = json_string_value(json_array_get(array, i));

        if (!item || !*item)
            return err_set(err, ERR_CONFIG, "%s must be a list of words", s->key);
        list.items[i] = arena_strdup(a, item);
    }
    *to = list;
    return 0;
}

/* What a value of the kind looks like in YAML, or NULL if `value` does. */
static const char *type_mismatch(const struct config_setting *s, const json_t *value)
{
    switch (s->kind) {
    case CONFIG_INT:
        return json_is_integer(value) ? NULL : "a whole number without quotes";
    case CONFIG_REAL:
        return json_is_number(value) ? NULL : "a number without quotes";
    case CONFIG_SECONDS:
        return json_is_number(value) || json_is_string(value) ? NULL : "a time such as 90s or 10m";
    case CONFIG_STRINGS:
        return json_is_string(value) ? NULL : "a list of words";
    default:
        return json_is_string(value) ? NULL : "a text; put it in quotes";
    }
}

int config_value_set_json(struct arena *a, const struct config_setting *s, const json_t *value,
                          const char *dir, struct config *c, struct err *err)
{
    const char *mismatch;

    if (s->kind == CONFIG_SECRET) {
        err_set(err, ERR_CONFIG, "%s is a secret and doesn't belong in this file", s->key);
        return err_fix(err, "put %s=... into .env, or into the environment",
                       s->alias ? s->alias : s->env);
    }
    if (s->kind == CONFIG_STRINGS && json_is_array(value))
        return set_json_strings(a, s, value, (void *)((char *)c + s->offset), err);
    mismatch = type_mismatch(s, value);
    if (mismatch)
        return err_set(err, ERR_CONFIG, "%s must be %s", s->key, mismatch);
    return config_value_set(
        a, s, str_from(json_is_string(value) ? json_string_value(value) : json_dump(a, value)), dir,
        c, err);
}
