/*
 * Fields of requests in protobuf's JSON form (protobuf.dev/programming-guides/json).
 *
 * A name is given in lowerCamelCase and is accepted in snake_case too; null counts as absent;
 * unknown fields are passed over. A value of the wrong type is an error of kind ERR_INPUT. An
 * absent field leaves the result as it was. Strings are borrowed from the message.
 */
#ifndef KILN_SANDBOX_ENVD_SERVER_FIELD_H
#define KILN_SANDBOX_ENVD_SERVER_FIELD_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "json/json.h"

/* The value, or NULL. */
const json_t *envd_server_field(const json_t *message, const char *name);

int envd_server_field_string(const json_t *message, const char *name, const char **ret,
                             struct err *err);
int envd_server_field_bool(const json_t *message, const char *name, bool *ret, struct err *err);
/* A number, or a string of digits. */
int envd_server_field_u32(const json_t *message, const char *name, uint32_t *ret, struct err *err);
int envd_server_field_message(const json_t *message, const char *name, const json_t **ret,
                              struct err *err);
/* Base64; the bytes live in the arena. */
int envd_server_field_bytes(struct arena *a, const json_t *message, const char *name,
                            struct str *ret, struct err *err);

#endif
