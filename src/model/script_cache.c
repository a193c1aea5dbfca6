#include "model/script_cache.h"

#include <inttypes.h>
#include <string.h>

enum { LOOK_BACK = 20, SEEN_MAX = 200000, TOKEN_BYTES = 4 };

enum lifetime { NO_BREAKPOINT, FIVE_MINUTES, ONE_HOUR };

/* The prompt up to the end of one block. */
struct position {
    char key[17]; /* hash in hex */
    size_t bytes;
    enum lifetime breakpoint;
};

struct walk {
    struct arena *a;
    uint64_t hash;
    size_t bytes;
    struct position *items;
    size_t n, cap;
};

uint64_t script_cache_hash(uint64_t hash, struct str bytes)
{
    for (size_t i = 0; i < bytes.n; i++)
        hash = (hash ^ (unsigned char)bytes.p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

void script_cache_clear(struct script_cache *c)
{
    json_decref(c->seen);
    c->seen = NULL;
}

static enum lifetime breakpoint_of(const json_t *block)
{
    const json_t *control = json_object_get(block, "cache_control");
    const char *ttl = json_get_c(control, "ttl");

    if (!json_is_object(control))
        return NO_BREAKPOINT;
    return ttl && strcmp(ttl, "1h") == 0 ? ONE_HOUR : FIVE_MINUTES;
}

static void add_block(struct walk *w, const char *kind, const json_t *block)
{
    JSON_CLEANUP json_t *plain = json_copy((json_t *)(uintptr_t)block);
    struct position *p;
    struct str text;

    if (json_is_object(plain))
        json_object_del(plain, "cache_control");
    text = str_from(json_dump(w->a, plain));
    w->hash = script_cache_hash(script_cache_hash(w->hash, str_from(kind)), text);
    w->bytes += text.n;
    w->items = arena_grow(w->a, w->items, w->n, &w->cap, sizeof(w->items[0]));
    p = &w->items[w->n++];
    p->bytes = w->bytes;
    p->breakpoint = breakpoint_of(block);
    snprintf(p->key, sizeof(p->key), "%016" PRIx64, w->hash);
}

/* A string stands for one text block. */
static void add_blocks(struct walk *w, const char *kind, const json_t *blocks)
{
    JSON_CLEANUP json_t *text = NULL;
    const json_t *block;
    size_t i;

    if (json_is_string(blocks)) {
        text = json_pack("{s:s, s:O}", "type", "text", "text", blocks);
        add_block(w, kind, text);
    }
    json_array_foreach (blocks, i, block)
        add_block(w, kind, block);
}

static void add_prompt(struct walk *w, const json_t *body)
{
    const json_t *messages = json_object_get(body, "messages"), *message;
    size_t i;

    w->hash = script_cache_hash(SCRIPT_CACHE_SEED, json_get_str(body, "model"));
    add_blocks(w, "tool", json_object_get(body, "tools"));
    add_blocks(w, "system", json_object_get(body, "system"));
    json_array_foreach (messages, i, message)
        add_blocks(w, json_get_c(message, "role"), json_object_get(message, "content"));
}

/* How many positions from the start can be read from cache. */
static size_t find_readable(const struct script_cache *c, const struct walk *w)
{
    size_t best = 0;

    for (size_t at = 0; at < w->n; at++) {
        if (w->items[at].breakpoint == NO_BREAKPOINT)
            continue;
        for (size_t i = at + 1; i > best && i + LOOK_BACK > at; i--)
            if (json_is_true(json_object_get(c->seen, w->items[i - 1].key)))
                best = i;
    }
    return best;
}

static size_t find_seen(const struct script_cache *c, const struct walk *w)
{
    size_t n = w->n;

    while (n > 0 && !json_object_get(c->seen, w->items[n - 1].key))
        n--;
    return n;
}

static int64_t tokens(const struct walk *w, size_t n)
{
    return n ? (int64_t)(w->items[n - 1].bytes / TOKEN_BYTES) : 0;
}

static struct usage bill(const struct walk *w, size_t read)
{
    struct usage u = {.cache_read = tokens(w, read)};
    size_t done = read;

    for (size_t at = read; at < w->n; at++) {
        int64_t written = tokens(w, at + 1) - tokens(w, done);

        if (w->items[at].breakpoint == NO_BREAKPOINT)
            continue;
        *(w->items[at].breakpoint == ONE_HOUR ? &u.cache_write_1h : &u.cache_write_5m) += written;
        done = at + 1;
    }
    u.input = tokens(w, w->n) - tokens(w, done);
    return u;
}

static void keep(struct script_cache *c, const struct walk *w)
{
    if (json_object_size(c->seen) > SEEN_MAX)
        script_cache_clear(c);
    if (!c->seen)
        c->seen = json_object();
    for (size_t i = 0; i < w->n; i++)
        if (w->items[i].breakpoint != NO_BREAKPOINT)
            json_set(c->seen, w->items[i].key, json_true());
        else if (!json_object_get(c->seen, w->items[i].key))
            json_set(c->seen, w->items[i].key, json_false());
}

struct usage script_cache_count(struct script_cache *c, const json_t *body, bool *ret_all_read)
{
    ARENA_CLEANUP struct arena a = {0};
    struct walk w = {.a = &a};
    size_t read, seen;

    add_prompt(&w, body);
    read = find_readable(c, &w);
    seen = find_seen(c, &w);
    keep(c, &w);
    *ret_all_read = read > 0 && read == seen;
    return bill(&w, read);
}
