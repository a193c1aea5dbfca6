/*
 * Line and column of values that were read from YAML.
 */
#ifndef KILN_JSON_PLACES_H
#define KILN_JSON_PLACES_H

#include "json/json.h"

struct json_places {
    struct arena *arena;
    struct json_place {
        const json_t *value; /* the value; for keys, the object and the key */
        const char *key;
        unsigned line, column; /* from 1 */
    } * items;
    size_t n, cap;
};

void places_add(struct json_places *p, const json_t *value, const char *key, unsigned line,
                unsigned column);

/* The place of a key in an object (or of a value with key NULL), or NULL. */
const struct json_place *places_find(const struct json_places *p, const json_t *value,
                                     const char *key);

#endif
