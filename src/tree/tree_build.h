/*
 * Building a tree: takes files one by one, keeps to the caps, notes what it leaves out, and at the
 * end settles what only shows when all are known (twins, files below files). For the other files
 * of this layer.
 */
#ifndef KILN_TREE_TREE_BUILD_H
#define KILN_TREE_TREE_BUILD_H

#include "base/arena.h"
#include "base/str.h"
#include "tree/tree.h"

/* Room is left for the two lines that say how much more there was. */
enum { TREE_BUILD_NOTES = 98 };

struct tree_build {
    struct arena *a;
    struct tree_caps caps; /* with the defaults filled in */
    struct tree_entry *entries;
    size_t n, cap;
    uint64_t bytes;
    size_t left_out; /* files for which there was no room */
    const char *notes[TREE_BUILD_NOTES];
    size_t n_notes; /* also those that there was no room for */
    bool capped;
};

void tree_build_start(struct tree_build *b, const struct tree_caps *caps, struct arena *a);

/* Adds a line to the notes. It may hold any bytes. */
void tree_build_note(struct tree_build *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Notes that a file was refused. */
void tree_build_refuse(struct tree_build *b, struct str path, const char *why);

/* Whether a file (or a link, with the length of its target) of this size fits in; else notes it. */
bool tree_build_room(struct tree_build *b, struct str path, uint64_t size);

/* Adds a file whose path and target pass the rules and for which there is room. Its path and
 * content live in the arena already; its hash is worked out here. */
void tree_build_add(struct tree_build *b, const struct tree_file *f);

/* As tree_build_add with the rules and the room checked, noting a refusal. Copies. */
void tree_build_offer(struct tree_build *b, const struct tree_file *f);

void tree_build_finish(struct tree_build *b, struct tree *ret);

/* The mode as git writes it. */
const char *tree_build_mode(const struct tree_file *f);

#endif
