/*
 * A scripted model as a child process of a run (`kiln run --script`): this program again, in the
 * role `model serve`, on a unix socket in a folder of its own that only we can enter.
 */
#ifndef KILN_CLI_SCRIPTED_H
#define KILN_CLI_SCRIPTED_H

#include "base/err.h"
#include "json/json.h"

struct scripted;

/* Checks the script, then starts its server. */
int scripted_start(const char *script, struct scripted **ret, struct err *err);

/* The socket it listens on. */
const char *scripted_socket(const struct scripted *s);

/* Ends it and returns its report (script.h), which is the caller's; NULL if it left none. */
json_t *scripted_end(struct scripted *s);

#endif
