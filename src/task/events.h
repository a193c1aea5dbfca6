/*
 * Events: everything that happens to a task, one JSON object a line in events.ndjson, and the same
 * objects to whoever watches. The console and `kiln watch` draw from them and from nothing else.
 *
 * data/help/events.txt (`kiln help events`) lists the types and their fields.
 */
#ifndef KILN_TASK_EVENTS_H
#define KILN_TASK_EVENTS_H

#include "base/err.h"
#include "json/json.h"

struct events;

/* Appends to `path`. The subscriber (NULL: none) is called with each event, borrowed. */
int events_open(const char *path, const char *task_id,
                void (*subscriber)(void *ctx, const json_t *event), void *ctx, struct events **ret,
                struct err *err);
void events_close(struct events *e);

/* Writes one event; takes over `fields` (an object; NULL: none). A disk that is full is remembered
 * and returned by events_error, so that emitting needs no check at each call. */
void events_emit(struct events *e, const char *type, json_t *fields);

/* 0, or -1 with the first write error. */
int events_error(const struct events *e, struct err *err);

#endif
