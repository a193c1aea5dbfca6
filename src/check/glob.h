/*
 * File patterns as .gitignore has them: one without a slash fits a file's base name at any depth;
 * one with a slash fits the path from the unit's folder ("/setup.py": only there); '*' doesn't
 * cross a slash.
 */
#ifndef KILN_CHECK_GLOB_H
#define KILN_CHECK_GLOB_H

#include <stdbool.h>
#include <stddef.h>

#include "json/json.h"
#include "tree/tree.h"

bool glob_matches(const char *pattern, const char *path);

/* The path as seen from folder `dir` ("." is the root), or NULL if it doesn't lie below it. */
const char *glob_below(const char *dir, const char *path);

/* How many regular files below `dir` fit one of the patterns. */
size_t glob_count(const struct json_strings *patterns, const struct tree *t, const char *dir);

#endif
