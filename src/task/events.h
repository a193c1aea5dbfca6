/*
 * Events: everything that happens to a task, one JSON object a line in events.ndjson, and the same
 * objects to whoever watches. The console and `kiln watch` draw from them and from nothing else.
 *
 * Every event has "time" (RFC 3339), "type" and "task". Fields by type:
 *
 *     task_started       specification, model, engine, iterations, budget_usd, scripted
 *     sandbox_opened     sandbox (the record), purpose: work | verify
 *     plan               text
 *     iteration_started  iteration, of, fresh (a new conversation), rolled_back_to?
 *     engine_text        text
 *     engine_tool        text          engine_tool_end  text, failed
 *     engine_file        path
 *     model_retry        reason, wait_ms
 *     usage              iteration, model_calls, tokens{}, cost_usd, total_cost_usd
 *     tree_collected     files, bytes, sha256, notes[], commit
 *     check_started      check, stack, dir, command, phase: iteration | verify | again
 *     check_finished     check, stack, dir, outcome, reason, detail, wall_ms, phase
 *     iteration_finished iteration, green, summary
 *     verify_started     (fresh sandbox)       verify_finished   green, summary
 *     warning            text
 *     task_finished      state, reason, blame, detail, iterations, cost_usd, wall_ms, result
 * (path), files[], checks{}
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
