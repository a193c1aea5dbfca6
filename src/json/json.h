/*
 * JSON values (jansson), read strictly and decoded by tables.
 *
 * Values from outside are decoded into plain structs by a table of fields, so that one piece of
 * code checks types, ranges, missing and unknown keys, and says where: "kiln.yaml:3:5: unknown key
 * 'iteratoins' in 'limits'; did you mean 'iterations'?". YAML files (yaml.h) become the same
 * values.
 */
#ifndef KILN_JSON_JSON_H
#define KILN_JSON_JSON_H

#include <jansson.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define JSON_CLEANUP __attribute__((cleanup(json_cleanup)))
void json_cleanup(json_t **value);

/* Parses a whole text: strict, no duplicate keys, no trailing text, any top-level value. `name`
 * says what it is in errors: "task.json:3:9: unexpected token near ...". The caller owns it. */
json_t *json_parse(struct str text, const char *name, struct err *err);

/* One line, keys in insertion order, non-ASCII as UTF-8. */
char *json_dump(struct arena *a, const json_t *value);
/* For people: indented by two. Ends with a newline. */
char *json_dump_pretty(struct arena *a, const json_t *value);

/* A string value from any bytes: invalid UTF-8 and NUL are repaired (text.h, TEXT_ANY_UTF8). */
json_t *json_str(struct str s);
json_t *json_c(const char *s); /* NULL becomes null */

/* object[key] = value, taking over the reference. A NULL value is a bug. */
void json_set(json_t *object, const char *key, json_t *value);
void json_add(json_t *array, json_t *value);

/* Lenient look-ups for protocols in which absent means default. A wrong type counts as absent. */
const char *json_get_c(const json_t *object, const char *key);  /* NULL if absent */
struct str json_get_str(const json_t *object, const char *key); /* empty if absent */
int64_t json_get_int(const json_t *object, const char *key, int64_t absent);
double json_get_real(const json_t *object, const char *key, double absent);
bool json_get_bool(const json_t *object, const char *key, bool absent);

/* ---- decoding by table ---- */

enum json_kind {
    JSON_KIND_STRING,  /* const char *, non-empty; lives in the arena */
    JSON_KIND_TEXT,    /* const char *, may be empty */
    JSON_KIND_INT,     /* int64_t */
    JSON_KIND_REAL,    /* double; an integer will do */
    JSON_KIND_BOOL,    /* bool */
    JSON_KIND_STRINGS, /* struct json_strings; a single string counts as a list of one */
    JSON_KIND_PAIRS,   /* struct json_pairs: an object of strings (whole numbers and booleans will
                        * do; a real won't, as 3.10 would become "3.1") */
    JSON_KIND_OBJECT,  /* const json_t *, borrowed from the value that is decoded */
    JSON_KIND_ARRAY,   /* const json_t *, borrowed */
    JSON_KIND_ANY,     /* const json_t *, borrowed */
};

struct json_strings {
    const char **items;
    size_t n;
};

struct json_pair {
    const char *name, *value;
};

struct json_pairs {
    struct json_pair *items;
    size_t n;
};

struct json_field {
    const char *name; /* the last field of a table has a NULL name */
    enum json_kind kind;
    size_t offset; /* offsetof() in the struct */
    bool required;
    double min, max; /* for numbers; both 0 means any */
};

/* One row of a table: JSON_FIELD("max_tokens", INT, struct options, max_tokens, .min = 1). */
#define JSON_FIELD(key, kind_suffix, type, member, ...)                                            \
    {                                                                                              \
        .name = (key), .kind = JSON_KIND_##kind_suffix, .offset = offsetof(type, member),          \
        __VA_ARGS__                                                                                \
    }
#define JSON_FIELDS_END                                                                            \
    {                                                                                              \
        .name = NULL                                                                               \
    }

/* Where values came from, for errors. `places` is NULL for JSON. */
struct json_source {
    const char *name; /* file name or "message" */
    const struct json_places *places;
};

/*
 * Fills the struct at `out` from an object. Fields that are absent or null are left as they are,
 * so defaults are set before. `what` names the object in errors: "stack", "limits".
 */
int json_decode(struct arena *a, const struct json_source *src, const json_t *object,
                const char *what, const struct json_field *fields, void *out, struct err *err);

/* An error of kind ERR_INPUT about `value`, with its place when it is known. Returns -1. */
int json_err(const struct json_source *src, const json_t *value, struct err *err, const char *fmt,
             ...) __attribute__((format(printf, 4, 5)));

#ifdef KILN_ANALYZE /* see err.h */
#define json_err(...) ERR_FAILS(json_err(__VA_ARGS__))
#endif

/* The name in `names` (n of them) that is nearest to `word`, or NULL when none is near. */
const char *json_nearest(const char *word, const char *const *names, size_t n);

#endif
