#include "model/script_expect.h"

#include <string.h>

enum { TEXT_MAX = 64 * 1024 * 1024 };

/* Adds every string value below `value`, a line each. */
static void gather(struct buf *out, const json_t *value)
{
    json_t *object = (json_t *)(uintptr_t)value, *item;
    const char *key;
    size_t i;

    if (json_is_string(value)) {
        buf_add_some(out, (struct str){json_string_value(value), json_string_length(value)});
        buf_add_some(out, STR("\n"));
    }
    json_array_foreach (value, i, item)
        gather(out, item);
    json_object_foreach (object, key, item)
        gather(out, item);
}

/* Index of the first message behind the model's last turn. */
static size_t first_new(const json_t *messages)
{
    size_t i = json_array_size(messages);

    while (i > 0) {
        const char *role = json_get_c(json_array_get(messages, i - 1), "role");

        if (role && strcmp(role, "assistant") == 0)
            break;
        i--;
    }
    return i;
}

static void gather_new(struct buf *out, const json_t *messages)
{
    for (size_t i = first_new(messages); i < json_array_size(messages); i++)
        gather(out, json_object_get(json_array_get(messages, i), "content"));
}

static int64_t count_errors(const json_t *messages)
{
    const json_t *block;
    int64_t n = 0;
    size_t k;

    for (size_t i = first_new(messages); i < json_array_size(messages); i++)
        json_array_foreach (json_object_get(json_array_get(messages, i), "content"), k, block)
            n += json_get_bool(block, "is_error", false);
    return n;
}

/* The first of `texts` that stands in `text` (or doesn't), or NULL. */
static const char *first_in(const struct json_strings *texts, const struct buf *text, bool stands)
{
    for (size_t i = 0; i < texts->n; i++)
        if ((str_find(buf_str(text), str_from(texts->items[i])) >= 0) == stands)
            return texts->items[i];
    return NULL;
}

static bool offers(const json_t *tools, const char *name)
{
    const json_t *tool;
    size_t i;

    json_array_foreach (tools, i, tool)
        if (str_eq_c(json_get_str(tool, "name"), name))
            return true;
    return false;
}

static const char *unmet_texts(struct arena *a, const struct script_expect *expect,
                               const json_t *body)
{
    BUF_CLEANUP struct buf said = BUF_INIT(TEXT_MAX);
    BUF_CLEANUP struct buf prompt = BUF_INIT(TEXT_MAX);
    const char *text;

    gather_new(&said, json_object_get(body, "messages"));
    gather(&prompt, json_object_get(body, "system"));
    if ((text = first_in(&expect->contains, &said, false)))
        return arena_printf(a, "the request doesn't contain '%s'", text);
    if ((text = first_in(&expect->lacks, &said, true)))
        return arena_printf(a, "the request contains '%s'", text);
    if ((text = first_in(&expect->system_prompt, &prompt, false)))
        return arena_printf(a, "the system prompt doesn't contain '%s'", text);
    return NULL;
}

static const char *unmet_headers(struct arena *a, const struct json_pairs *headers,
                                 const struct http_exchange *x)
{
    for (size_t i = 0; i < headers->n; i++) {
        const char *name = headers->items[i].name, *want = headers->items[i].value;
        const char *value = http_exchange_header(x, name);

        if (!value || strcmp(value, want) != 0)
            return arena_printf(a, "the header %s is not '%s'", name, want);
    }
    return NULL;
}

const char *script_expect_unmet(struct arena *a, const struct script_expect *expect,
                                const json_t *body, const struct http_exchange *x, bool all_read)
{
    const char *unmet = unmet_texts(a, expect, body);
    int64_t errors = count_errors(json_object_get(body, "messages"));

    if (!unmet)
        unmet = unmet_headers(a, &expect->headers, x);
    for (size_t i = 0; i < expect->tools.n && !unmet; i++)
        if (!offers(json_object_get(body, "tools"), expect->tools.items[i]))
            unmet =
                arena_printf(a, "the request doesn't offer the tool '%s'", expect->tools.items[i]);
    if (!unmet && expect->errors >= 0 && errors != expect->errors)
        unmet = arena_printf(a, "%lld of the tool results are errors, not %lld", (long long)errors,
                             (long long)expect->errors);
    if (!unmet && expect->cached && !all_read)
        unmet = "the prefix that was seen before is not read from cache";
    return unmet;
}
