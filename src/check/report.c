#include "check/report.h"

#include <stdarg.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define X(name) extern const struct report_parser report_##name;
#include "check_report_list.h"
#undef X

static const struct report_parser *const parsers[] = {
#define X(name) &report_##name,
#include "check_report_list.h"
#undef X
};

const struct report_parser *report_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(parsers); i++)
        if (strcmp(parsers[i]->name, name) == 0)
            return parsers[i];
    return NULL;
}

/* ---- unique ids: an open hash table of those that are taken ---- */

enum { TABLE_SIZE = 65536 }; /* a power of two, well above REPORT_MAX_CASES */

struct report_ids {
    struct {
        const char *id;
        unsigned last; /* the number that was appended last */
    } slots[TABLE_SIZE];
};

static size_t find_slot(const struct report_ids *ids, const char *id)
{
    size_t h = 14695981039346656037u; /* FNV-1a */

    for (const char *p = id; *p; p++)
        h = (h ^ (unsigned char)*p) * 1099511628211u;
    for (h %= TABLE_SIZE; ids->slots[h].id; h = (h + 1) % TABLE_SIZE)
        if (strcmp(ids->slots[h].id, id) == 0)
            break;
    return h;
}

static const char *unique_id(struct arena *a, struct report *r, const char *id)
{
    const char *tried = id;
    size_t first, at;

    if (!r->ids)
        r->ids = ARENA_NEW(a, struct report_ids);
    first = at = find_slot(r->ids, id);
    while (r->ids->slots[at].id) {
        unsigned number = ++r->ids->slots[first].last;

        tried = arena_printf(a, "%s #%u", id, number);
        at = find_slot(r->ids, tried);
    }
    r->ids->slots[at].id = tried;
    r->ids->slots[at].last = 1;
    return tried;
}

static void count(struct report *r, enum report_status status, int n)
{
    if (status == REPORT_PASSED)
        r->passed += n;
    else if (status == REPORT_SKIPPED)
        r->skipped += n;
    else
        r->failed += n;
}

/* Cleaning can make a text longer, so it is cut before and after. */
static const char *keep_message(struct arena *a, struct report *r, struct str text)
{
    if (!text.n || r->message_bytes >= REPORT_MAX_MESSAGES)
        return NULL;
    text = text_clean(a, text_head_tail(a, text, REPORT_MAX_MESSAGE, 40), TEXT_LINES);
    text = text_head_tail(a, text, REPORT_MAX_MESSAGE, 40);
    r->message_bytes += text.n;
    return text.p;
}

int report_add(struct arena *a, struct report *r, struct str id, enum report_status status,
               struct str message, struct err *err)
{
    struct report_case *c;
    struct str name;

    if (r->n_cases >= REPORT_MAX_CASES)
        return err_set(err, ERR_LIMIT, "more than %d tests", REPORT_MAX_CASES);
    if (id.n > REPORT_MAX_ID)
        id.n = REPORT_MAX_ID;
    name = str_trim(text_clean(a, id, TEXT_ONE_LINE));
    if (!name.n)
        name = STR("(unnamed)");
    r->cases = arena_grow(a, r->cases, r->n_cases, &r->cap_cases, sizeof(*r->cases));
    c = &r->cases[r->n_cases++];
    *c = (struct report_case){.status = status};
    c->id = unique_id(a, r, arena_dup(a, name).p);
    if (status == REPORT_FAILED || status == REPORT_ERROR)
        c->message = keep_message(a, r, str_trim(message));
    count(r, status, 1);
    return 0;
}

void report_disagree(struct arena *a, struct report *r, const char *fmt, ...)
{
    va_list ap;

    if (r->disagrees)
        return;
    va_start(ap, fmt);
    r->disagrees = text_clean(a, str_from(arena_vprintf(a, fmt, ap)), TEXT_ONE_LINE).p;
    va_end(ap);
}

void report_drop_passed(struct report *r, bool (*is_not_test)(const void *ctx, const char *id),
                        const void *ctx)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n_cases; i++) {
        if (r->cases[i].status == REPORT_PASSED && is_not_test(ctx, r->cases[i].id))
            count(r, REPORT_PASSED, -1);
        else
            r->cases[n++] = r->cases[i];
    }
    r->n_cases = n;
}
