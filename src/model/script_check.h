/*
 * What the Messages API demands of a request, and refuses with 400 otherwise: as far as a client
 * can get it wrong while its conversation grows.
 */
#ifndef KILN_MODEL_SCRIPT_CHECK_H
#define KILN_MODEL_SCRIPT_CHECK_H

#include "base/arena.h"
#include "json/json.h"

/* NULL, or what is wrong: "messages.3: text content blocks must be non-empty". */
const char *script_check_request(struct arena *a, const json_t *body);

/* The signature that the scripted model gives a thinking block. */
const char *script_check_sign(struct arena *a, struct str thinking);

#endif
