/*
 * The end of a task for people: verdict, files with sizes, checks with their evidence, cost, time.
 */
#ifndef KILN_CLI_SUMMARY_H
#define KILN_CLI_SUMMARY_H

#include "cli/term.h"
#include "json/json.h"

/* `outcome` is a task_finished event or a result.json: both have state, reason, detail, files,
 * verdict, iterations and cost_usd. */
void summary_print(const struct term *t, const json_t *outcome);

/* Where the result is and what to type next. */
void summary_where(const struct term *t, const char *task_id, const char *path);

/* A text from outside, fit for one line of a terminal; "" for NULL. */
const char *summary_clean(struct arena *a, const char *text);

/* For people: "pass", "failed", "n/a", "error"; and its colour. */
const char *summary_outcome(const char *outcome, enum term_style *ret_style);

#endif
