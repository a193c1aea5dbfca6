/*
 * EntryInfo: what the file system calls tell about a path.
 */
#ifndef KILN_SANDBOX_ENVD_SERVER_ENTRY_H
#define KILN_SANDBOX_ENVD_SERVER_ENTRY_H

#include "base/arena.h"
#include "json/json.h"

/* Of an absolute path. A symbolic link has type and mode of its target; one that leads nowhere has
 * no type. NULL with errno when the path can't be looked at. A new reference. */
json_t *envd_server_entry(struct arena *a, const char *path);

#endif
