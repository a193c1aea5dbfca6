/*
 * Paths and the user of requests, by the rules of E2B's envd: an absolute path is taken as it is,
 * "~" and relative ones start at HOME, an empty one is HOME.
 */
#ifndef KILN_SANDBOX_ENVD_SERVER_PATH_H
#define KILN_SANDBOX_ENVD_SERVER_PATH_H

#include "base/arena.h"
#include "base/err.h"

/* The absolute path without ".", ".." and double slashes, resolved by its text alone. ERR_INPUT
 * for "~name" and for what is longer than the kernel takes. */
const char *envd_server_path_resolve(struct arena *a, const char *path, const char *home,
                                     const char *user, struct err *err);

/* The folder that `path` (as from resolve) is in. */
const char *envd_server_path_parent(struct arena *a, const char *path);

/* Makes a directory and its parents; what is there already is fine. Fails with errno. */
int envd_server_path_make_dirs(struct arena *a, const char *path);

/* The text of an errno in Go's spelling ("no such file or directory"): clients of E2B know it. */
const char *envd_server_path_why(struct arena *a, int sys);

#endif
