/*
 * YAML files read into JSON values, so that one decoder serves both.
 *
 * The subset people use for configuration: mappings with string keys, sequences, and scalars.
 * Plain scalars are null (also "~" and nothing), true, false, and numbers as JSON writes them if
 * they fit; all else is a string: "yes", "no", 0755, 0x1f, +1. Not accepted, with a clear error:
 * anchors and aliases, tags, duplicate keys, more than one document, nesting deeper than 32.
 */
#ifndef KILN_JSON_YAML_H
#define KILN_JSON_YAML_H

#include "json/json.h"

enum { YAML_MAX_BYTES = 8 * 1024 * 1024 };

/* Parses a document. The value is the caller's; `ret_src` (which may be NULL) keeps the lines of
 * its values for errors and lives in the arena. An empty document is null. */
json_t *yaml_parse(struct arena *a, struct str text, const char *name, struct json_source *ret_src,
                   struct err *err);

/* The same from a file. */
json_t *yaml_parse_file(struct arena *a, const char *path, struct json_source *ret_src,
                        struct err *err);

#endif
