#include "sandbox/envd_server_output.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/* A new piece has room for at least this much, so that a program that prints byte by byte to
 * nobody doesn't make a piece of each. */
enum { PIECE_MIN = 1024 };

static size_t cost(const struct envd_server_piece *p)
{
    return sizeof(*p) + p->cap;
}

static void drop_first(struct envd_server_output *o)
{
    struct envd_server_piece *p = o->first;

    o->first = p->next;
    if (!o->first)
        o->last = NULL;
    o->bytes -= cost(p);
    free(p);
}

void envd_server_output_free(struct envd_server_output *o)
{
    while (o->first)
        drop_first(o);
}

bool envd_server_output_full(const struct envd_server_output *o)
{
    return o->bytes >= ENVD_SERVER_OUTPUT_MAX;
}

/* Into the last piece, if nobody has taken that yet. */
static bool join_last(struct envd_server_output *o, enum envd_server_source source, struct str data)
{
    struct envd_server_piece *p = o->last;

    if (!p || p->source != source || p->position < o->seen || data.n > p->cap - p->n)
        return false;
    memcpy(p->data + p->n, data.p, data.n);
    p->n += data.n;
    return true;
}

static void append(struct envd_server_output *o, enum envd_server_source source, struct str data)
{
    size_t cap = data.n < PIECE_MIN ? PIECE_MIN : data.n;
    struct envd_server_piece *p = malloc(sizeof(*p) + cap);

    if (!p)
        BUG("out of memory");
    *p = (struct envd_server_piece){
        .position = o->next++, .source = source, .n = data.n, .cap = cap};
    memcpy(p->data, data.p, data.n);
    if (o->last)
        o->last->next = p;
    else
        o->first = p;
    o->last = p;
    o->bytes += cost(p);
}

void envd_server_output_add(struct envd_server_output *o, enum envd_server_source source,
                            struct str data, bool drop)
{
    if (data.n == 0 || join_last(o, source, data))
        return;
    append(o, source, data);
    while (drop && o->first != o->last && envd_server_output_full(o))
        drop_first(o);
}

const struct envd_server_piece *envd_server_output_at(const struct envd_server_output *o,
                                                      uint64_t position)
{
    const struct envd_server_piece *p = o->first;

    while (p && p->position < position)
        p = p->next;
    return p;
}

void envd_server_output_trim(struct envd_server_output *o, uint64_t position)
{
    while (o->first && o->first->position < position)
        drop_first(o);
}
