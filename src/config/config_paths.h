/*
 * Where configuration files are. Internal to config/; config_find_paths() is in config.h.
 */
#ifndef KILN_CONFIG_CONFIG_PATHS_H
#define KILN_CONFIG_CONFIG_PATHS_H

#include "config/config.h"

/* The value of an environment variable; one that is empty counts as unset. */
const char *config_paths_env(const char *const *env, const char *name);

/* The folder of a file, or NULL for the current one. */
const char *config_paths_dir(struct arena *a, const char *path);

#endif
