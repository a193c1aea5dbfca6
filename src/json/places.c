#include "json/places.h"

#include <string.h>

void places_add(struct json_places *p, const json_t *value, const char *key, unsigned line,
                unsigned column)
{
    p->items = arena_grow(p->arena, p->items, p->n, &p->cap, sizeof(p->items[0]));
    p->items[p->n++] = (struct json_place){value, arena_strdup(p->arena, key), line, column};
}

const struct json_place *places_find(const struct json_places *p, const json_t *value,
                                     const char *key)
{
    for (size_t i = 0; p && i < p->n; i++) {
        const struct json_place *at = &p->items[i];

        if (at->value == value && !key == !at->key && (!key || strcmp(key, at->key) == 0))
            return at;
    }
    return NULL;
}
