/* layer: json */
/* A table with every kind of field, filled from any JSON or YAML. */
#include <stdlib.h>
#include <string.h>

#include "json/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct target {
    const char *string, *text;
    int64_t number;
    double real;
    bool flag;
    struct json_strings strings;
    struct json_pairs pairs;
    const json_t *object, *array, *any;
};

static const struct json_field fields[] = {
    {"string", JSON_KIND_STRING, offsetof(struct target, string)},
    {"text", JSON_KIND_TEXT, offsetof(struct target, text)},
    {"number", JSON_KIND_INT, offsetof(struct target, number), .min = 1, .max = 9},
    {"real", JSON_KIND_REAL, offsetof(struct target, real)},
    {"flag", JSON_KIND_BOOL, offsetof(struct target, flag)},
    {"strings", JSON_KIND_STRINGS, offsetof(struct target, strings)},
    {"pairs", JSON_KIND_PAIRS, offsetof(struct target, pairs)},
    {"object", JSON_KIND_OBJECT, offsetof(struct target, object)},
    {"array", JSON_KIND_ARRAY, offsetof(struct target, array)},
    {"any", JSON_KIND_ANY, offsetof(struct target, any)},
    {NULL},
};

static void check(const struct target *t)
{
    size_t n = 0;

    for (size_t i = 0; i < t->strings.n; i++)
        n += strlen(t->strings.items[i]);
    for (size_t i = 0; i < t->pairs.n; i++)
        n += strlen(t->pairs.items[i].name) + strlen(t->pairs.items[i].value);
    if (n > (size_t)1 << 32 || (t->string && !t->string[0]) || t->number < 0 || t->number > 9)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_CLEANUP struct arena a = {0};
    struct str text = {(const char *)data, size};
    struct json_source src = {.name = "fuzz"};
    struct target t = {0};
    struct err err = {0};
    JSON_CLEANUP json_t *v = json_parse(text, "fuzz", NULL);

    if (!v)
        v = yaml_parse(&a, text, "fuzz", &src, NULL);
    if (!v)
        return 0;
    if (json_decode(&a, &src, v, "target", fields, &t, &err) == 0)
        check(&t);
    else if (err.kind != ERR_INPUT)
        abort();
    return 0;
}
