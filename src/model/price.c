#include "model/price.h"

#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/embed.h"
#include "json/yaml.h"

enum { TOKENS_PER_PRICE = 1000000 };

/* USD per million tokens, as a file has them. */
struct rates {
    double input, output, cache_write_5m, cache_write_1h, cache_read;
};

struct row {
    struct json_strings models;
    struct rates rates;
    const json_t *long_json;
    int64_t long_above; /* tokens of input; 0: no dearer rate */
    struct rates long_rates;
    struct row *next;
};

struct alias {
    const char *name, *model;
    struct alias *next;
};

/* What was loaded last stands first in the lists, so that it overrides. */
struct price_table {
    struct row *rows;
    struct alias *aliases;
    const char *unknown;
    const struct row *unknown_row;
};

#define RATE(key, member) JSON_FIELD(key, REAL, struct row, member, .required = true, .max = 1e6)
#define RATES(set)                                                                                 \
    RATE("input", set.input), RATE("output", set.output),                                          \
        RATE("cache_write_5m", set.cache_write_5m), RATE("cache_write_1h", set.cache_write_1h),    \
        RATE("cache_read", set.cache_read)

static const struct json_field row_fields[] = {
    JSON_FIELD("models", STRINGS, struct row, models, .required = true),
    RATES(rates),
    JSON_FIELD("long_prompt", OBJECT, struct row, long_json),
    JSON_FIELDS_END,
};

static const struct json_field long_fields[] = {
    JSON_FIELD("above", INT, struct row, long_above, .required = true, .min = 1, .max = 1e12),
    RATES(long_rates),
    JSON_FIELDS_END,
};

struct file {
    const char *unknown;
    struct json_pairs aliases;
    const json_t *prices;
};

static const struct json_field file_fields[] = {
    JSON_FIELD("unknown", STRING, struct file, unknown),
    JSON_FIELD("aliases", PAIRS, struct file, aliases),
    JSON_FIELD("prices", ARRAY, struct file, prices),
    JSON_FIELDS_END,
};

static int add_row(struct arena *a, const struct json_source *src, const json_t *json,
                   struct price_table *t, struct err *err)
{
    struct row *row = ARENA_NEW(a, struct row);

    if (json_decode(a, src, json, "price", row_fields, row, err))
        return -1;
    if (row->long_json && json_decode(a, src, row->long_json, "long_prompt", long_fields, row, err))
        return -1;
    row->long_json = NULL; /* not ours to keep */
    row->next = t->rows;
    t->rows = row;
    return 0;
}

static const struct row *find_exact(const struct price_table *t, struct str model)
{
    for (const struct row *row = t->rows; row; row = row->next)
        for (size_t i = 0; i < row->models.n; i++)
            if (str_eq_c(model, row->models.items[i]))
                return row;
    return NULL;
}

/* Length of an id without its date: "claude-haiku-4-5-20251001". */
static size_t undated_len(const char *model)
{
    size_t n = strlen(model);

    if (n < 10 || model[n - 9] != '-')
        return n;
    for (size_t i = n - 8; i < n; i++)
        if (!isdigit((unsigned char)model[i]))
            return n;
    return n - 9;
}

static const struct row *find(const struct price_table *t, const char *model)
{
    const char *id = price_resolve(t, model);
    const struct row *row = find_exact(t, str_from(id));

    return row ? row : find_exact(t, (struct str){id, undated_len(id)});
}

/* Every name in a table must lead to a row. */
static int check_aliases(const struct price_table *t, const char *name, struct err *err)
{
    for (const struct alias *alias = t->aliases; alias; alias = alias->next)
        if (!find_exact(t, str_from(alias->model)))
            return err_set(err, ERR_INPUT, "%s: the alias '%s' stands for '%s', which has no price",
                           name, alias->name, alias->model);
    return 0;
}

static int add_file(struct arena *a, const struct json_source *src, const json_t *root,
                    struct price_table *t, struct err *err)
{
    struct file file = {.unknown = t->unknown};
    const json_t *row;
    size_t i;

    if (json_decode(a, src, root, "the price table", file_fields, &file, err))
        return -1;
    json_array_foreach (file.prices, i, row)
        if (add_row(a, src, row, t, err))
            return -1;
    for (i = 0; i < file.aliases.n; i++) {
        struct alias *alias = ARENA_NEW(a, struct alias);

        *alias =
            (struct alias){file.aliases.items[i].name, file.aliases.items[i].value, t->aliases};
        t->aliases = alias;
    }
    t->unknown = file.unknown;
    t->unknown_row = file.unknown ? find_exact(t, str_from(file.unknown)) : NULL;
    if (!t->unknown_row)
        return err_set(err, ERR_INPUT, "%s: 'unknown' must name a model that has a price",
                       src->name);
    return check_aliases(t, src->name, err);
}

int price_load(struct arena *a, const char *override_path, struct price_table **ret,
               struct err *err)
{
    static const char builtin_name[] = "data/prices.yaml";
    struct price_table *t = ARENA_NEW(a, struct price_table);
    JSON_CLEANUP json_t *builtin = NULL, *override = NULL;
    struct json_source src;

    builtin = yaml_parse(a, embed_get(builtin_name), builtin_name, &src, err);
    if (!builtin || add_file(a, &src, builtin, t, err))
        return -1;
    if (override_path) {
        override = yaml_parse_file(a, override_path, &src, err);
        if (!override || add_file(a, &src, override, t, err))
            return -1;
    }
    *ret = t;
    return 0;
}

/* Nano-dollars for a million tokens: an exact integer for every real price. */
static __int128 times(int64_t tokens, double usd)
{
    return (__int128)tokens * llround(usd * (double)NANO_USD);
}

int64_t price_cost(const struct price_table *t, const char *model, const struct usage *u)
{
    const struct row *row = find(t, model);
    const struct rates *r;
    __int128 sum;

    if (!row)
        row = t->unknown_row;
    r = row->long_above && usage_input(u) > row->long_above ? &row->long_rates : &row->rates;
    sum = times(u->input, r->input) + times(u->output, r->output) +
          times(u->cache_write_5m, r->cache_write_5m) +
          times(u->cache_write_1h, r->cache_write_1h) + times(u->cache_read, r->cache_read);
    sum = (sum + TOKENS_PER_PRICE - 1) / TOKENS_PER_PRICE;
    return sum > INT64_MAX ? INT64_MAX : (int64_t)sum;
}

bool price_knows(const struct price_table *t, const char *model)
{
    return find(t, model) != NULL;
}

const char *price_resolve(const struct price_table *t, const char *model)
{
    for (const struct alias *alias = t->aliases; alias; alias = alias->next)
        if (strcmp(alias->name, model) == 0)
            return alias->model;
    return model;
}
