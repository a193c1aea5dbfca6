/*
 * For tests of what ends up in a tree.
 */
#ifndef KILN_TEST_SUPPORT_TREE_H
#define KILN_TEST_SUPPORT_TREE_H

#include "support/unit.h"
#include "tree/tree.h"

/* Some note has this part. */
static inline void assert_note(const struct tree *t, const char *part)
{
    for (size_t i = 0; i < t->n_notes; i++)
        if (strstr(t->notes[i], part))
            return;
    fail_msg("no note has '%s'; the first of %zu is '%s'", part, t->n_notes,
             t->n_notes ? t->notes[0] : "");
}

#endif
