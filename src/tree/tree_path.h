/*
 * Names of a tree: the rules that tree.h states, and the folded form that finds twins. For the
 * other files of this layer.
 */
#ifndef KILN_TREE_TREE_PATH_H
#define KILN_TREE_TREE_PATH_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

/* Whether a link at `path` (which is OK itself) may have this target; the reason otherwise. */
bool tree_path_link_ok(struct str path, struct str target, const char **ret_why);

/* What a careless file system may take the path for: lower case, without invisible code points. */
struct str tree_path_fold(struct arena *a, struct str path);

/* Any bytes as a name to show in a note: cleaned, quoted, and cut when long. */
const char *tree_path_show(struct arena *a, struct str path);

#endif
