/*
 * A folder of this machine as a tree: for `kiln result --files` and `kiln sandbox exec --work`.
 */
#ifndef KILN_CLI_FOLDER_H
#define KILN_CLI_FOLDER_H

#include "tree/tree.h"

/*
 * Reads all files and links below `dir`. What no tree may hold (.git, devices, names that are no
 * text) is left out; `ret_left_out` counts it. ERR_LIMIT above the default caps of a tree.
 */
int folder_read(struct arena *a, const char *dir, struct tree *ret, size_t *ret_left_out,
                struct err *err);

#endif
