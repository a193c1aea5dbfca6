/*
 * The scripted model's counting of tokens: a quarter of the bytes, and a prompt cache by the rules
 * of the API (its guide, "Prompt caching"): exact prefixes in the order tools, system, messages;
 * entries are written at breakpoints; each breakpoint looks back over 20 blocks for the longest
 * entry. Entries don't expire, and there is no least length.
 */
#ifndef KILN_MODEL_SCRIPT_CACHE_H
#define KILN_MODEL_SCRIPT_CACHE_H

#include "json/json.h"
#include "model/usage.h"

struct script_cache {
    json_t *seen; /* hash of a prefix -> true if it can be read, false if it was only seen */
};

#define SCRIPT_CACHE_SEED UINT64_C(0xcbf29ce484222325)

/* FNV-1a: a cache that forgives no difference is modelled, not one that resists attack. */
uint64_t script_cache_hash(uint64_t hash, struct str bytes);

void script_cache_clear(struct script_cache *c);

/* Counts the input of a request and keeps its prefixes. `ret_all_read`: the longest prefix that was
 * ever seen was read from cache. */
struct usage script_cache_count(struct script_cache *c, const json_t *body, bool *ret_all_read);

#endif
