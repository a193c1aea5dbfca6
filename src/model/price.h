/*
 * What tokens cost: one table, data/prices.yaml (list prices in USD per million tokens), which is
 * part of the program. A file of the same form given by the user overrides and adds models.
 */
#ifndef KILN_MODEL_PRICE_H
#define KILN_MODEL_PRICE_H

#include "base/arena.h"
#include "base/err.h"
#include "model/usage.h"

struct price_table;

/* `override_path` may be NULL. Lives in the arena. */
int price_load(struct arena *a, const char *override_path, struct price_table **ret,
               struct err *err);

/* Cost of one request in nano-dollars. Models with a dearer rate for long prompts are priced by
 * the whole input. A model that the table doesn't know is priced as its "unknown" entry. */
int64_t price_cost(const struct price_table *t, const char *model, const struct usage *u);

/* Whether the table knows the model (by id, alias, or id with a date suffix). */
bool price_knows(const struct price_table *t, const char *model);

/* The id that an alias ("opus") stands for, else the name itself. */
const char *price_resolve(const struct price_table *t, const char *model);

#endif
