/*
 * The history of a task: a bare git repository that kiln writes (libgit2), one commit an
 * iteration. The agent never sees it; `git clone` of it works. Nothing of it is read from a
 * sandbox, and no hook or configuration of the project is ever run or read. `git fsck` finds no
 * fault in it, unless a .gitmodules or .gitattributes of the project says what git thinks amiss.
 */
#ifndef KILN_TREE_HISTORY_H
#define KILN_TREE_HISTORY_H

#include "base/err.h"
#include "tree/tree.h"

struct history;

/* Opens the bare repository at `path`, or makes it (branch main). One process at a time may: locks
 * that a killed one left behind are removed. */
int history_open(const char *path, struct history **ret, struct err *err);
void history_close(struct history *h);

/* Commits the tree on main (on top of what is there) and gives the commit's id. An unchanged tree
 * makes a commit too: an iteration that changed nothing is part of the history. When it returns 0
 * the commit survives a crash. */
int history_commit(struct history *h, const struct tree *t, const char *message, char ret_id[41],
                   struct err *err);

/* Reads the files of a commit back (roll-back to the best iteration). ERR_NOT_FOUND. */
int history_checkout(struct history *h, const char *id, struct arena *a, struct tree *ret,
                     struct err *err);

#endif
