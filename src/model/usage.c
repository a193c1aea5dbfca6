#include "model/usage.h"

#include <inttypes.h>
#include <string.h>

void usage_add(struct usage *sum, const struct usage *more)
{
    sum->input += more->input;
    sum->cache_write_5m += more->cache_write_5m;
    sum->cache_write_1h += more->cache_write_1h;
    sum->cache_read += more->cache_read;
    sum->output += more->output;
}

int64_t usage_input(const struct usage *u)
{
    return u->input + u->cache_write_5m + u->cache_write_1h + u->cache_read;
}

int64_t usage_total(const struct usage *u)
{
    return usage_input(u) + u->output;
}

/* A count that a server claims. The bounds keep every later sum and product exact. */
static int64_t count(const json_t *object, const char *key)
{
    int64_t n = json_get_int(object, key, 0);

    return n < 0 ? 0 : n > USAGE_COUNT_MAX ? USAGE_COUNT_MAX : n;
}

struct usage usage_from_json(const json_t *usage)
{
    const json_t *split = json_object_get(usage, "cache_creation");
    int64_t written = count(usage, "cache_creation_input_tokens");
    struct usage u = {
        .input = count(usage, "input_tokens"),
        .cache_write_5m = count(split, "ephemeral_5m_input_tokens"),
        .cache_write_1h = count(split, "ephemeral_1h_input_tokens"),
        .cache_read = count(usage, "cache_read_input_tokens"),
        .output = count(usage, "output_tokens"),
    };

    if (u.cache_write_5m + u.cache_write_1h < written)
        u.cache_write_5m = written - u.cache_write_1h;
    return u;
}

json_t *usage_to_json(const struct usage *u)
{
    json_t *object = json_object();

    json_set(object, "input_tokens", json_integer(u->input));
    json_set(object, "cache_write_5m_tokens", json_integer(u->cache_write_5m));
    json_set(object, "cache_write_1h_tokens", json_integer(u->cache_write_1h));
    json_set(object, "cache_read_tokens", json_integer(u->cache_read));
    json_set(object, "output_tokens", json_integer(u->output));
    return object;
}

char *usage_usd(struct arena *a, int64_t nano_usd)
{
    /* Negated as unsigned, so that the most negative amount is right too. */
    uint64_t amount = nano_usd < 0 ? -(uint64_t)nano_usd : (uint64_t)nano_usd;
    char *text = arena_printf(a, "%s%" PRIu64 ".%09" PRIu64, nano_usd < 0 ? "-" : "",
                              amount / NANO_USD, amount % NANO_USD);
    char *last = text + strlen(text) - 1, *cents = last - 7;

    while (last > cents && *last == '0')
        *last-- = '\0';
    return text;
}
