/*
 * Whether a request is what a turn of a model script expects.
 */
#ifndef KILN_MODEL_SCRIPT_EXPECT_H
#define KILN_MODEL_SCRIPT_EXPECT_H

#include "http/server.h"
#include "model/script_turn.h"

/* NULL, or the first expectation that isn't met: "the request doesn't contain 'FAIL'". */
const char *script_expect_unmet(struct arena *a, const struct script_expect *expect,
                                const json_t *body, const struct http_exchange *x, bool all_read);

#endif
