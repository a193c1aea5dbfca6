/*
 * Values of settings: text checked against the table and stored. Internal to config/.
 */
#ifndef KILN_CONFIG_CONFIG_VALUE_H
#define KILN_CONFIG_CONFIG_VALUE_H

#include "config/config.h"

/*
 * Stores `text` as the value of `s`; a secret that was there is freed. `dir` is where relative
 * paths start; NULL keeps them as they are. Errors (ERR_CONFIG) name the key, not the place.
 */
int config_value_set(struct arena *a, const struct config_setting *s, struct str text,
                     const char *dir, struct config *c, struct err *err);

/* The same from a value of a YAML file, whose type must fit. */
int config_value_set_json(struct arena *a, const struct config_setting *s, const json_t *value,
                          const char *dir, struct config *c, struct err *err);

#endif
