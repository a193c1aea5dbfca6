/*
 * A scripted model as a child process of a run (`kiln run --script`): this program again, in the
 * role `model serve`, on a unix socket. The socket loses its name before anybody can meet it, and
 * the report comes back in memory, so that no file is left however a run ends.
 */
#ifndef KILN_CLI_SCRIPTED_H
#define KILN_CLI_SCRIPTED_H

#include "base/err.h"
#include "json/json.h"

struct scripted;

/* Checks the script, then starts its server. */
int scripted_start(const char *script, struct scripted **ret, struct err *err);

/* A path to connect to; it means something in this process alone. */
const char *scripted_socket(const struct scripted *s);

/* Ends it and returns its report (script.h), which is the caller's; NULL if it left none. */
json_t *scripted_end(struct scripted *s);

#endif
