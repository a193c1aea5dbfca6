/*
 * Tokens and money. Amounts of money are nano-dollars (1e-9 USD) in int64_t, so that sums are
 * exact: list prices are cents per million tokens and finer.
 */
#ifndef KILN_MODEL_USAGE_H
#define KILN_MODEL_USAGE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "json/json.h"

#define NANO_USD INT64_C(1000000000)

/* No single count that a server claims is taken for more: 10^12 tokens. */
#define USAGE_COUNT_MAX INT64_C(1000000000000)

/* The four token classes of the Messages API, cache writes by their two lifetimes. The whole
 * input of a request is input + cache_write_5m + cache_write_1h + cache_read. */
struct usage {
    int64_t input, cache_write_5m, cache_write_1h, cache_read, output;
};

void usage_add(struct usage *sum, const struct usage *more);
int64_t usage_input(const struct usage *u); /* the whole input, cached or not */
int64_t usage_total(const struct usage *u);

/* From an API "usage" object: absent fields are 0; cache_creation_input_tokens without its
 * split by lifetime counts as 5 minutes. */
struct usage usage_from_json(const json_t *usage);
/* {"input_tokens":..,"cache_write_5m_tokens":..,"cache_write_1h_tokens":..,
 *  "cache_read_tokens":..,"output_tokens":..} */
json_t *usage_to_json(const struct usage *u);

/* "0.012345": dollars as a decimal string without exponent, at least two digits behind the point,
 * trailing zeros beyond them dropped. */
char *usage_usd(struct arena *a, int64_t nano_usd);

#endif
