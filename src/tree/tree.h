/*
 * A tree: a snapshot of the project's files, collected out of a sandbox.
 *
 * What a sandbox hands over is hostile: names with "..", absolute names, links that lead out,
 * devices, FIFOs, names that are no text, a million files, a sparse terabyte. A tree holds only
 * what passed every rule; what was refused or capped is listed in its notes, a line each, so that
 * nothing is dropped silently. A tree lives wholly in its arena.
 *
 * Rules for a path: relative, valid UTF-8, no control or bidirectional characters, no backslash,
 * components of 1 to 255 bytes that are not "." or "..", at most 1024 bytes and 32 components, no
 * component that is .git in any spelling that a file system may fold to it (case, invisible code
 * points, trailing dots and spaces, "git~1"). Paths that are equal when case is folded and
 * invisible code points are dropped are twins: one stays, the bytewise first. Kept as they are
 * otherwise. Modes become 0644 or 0755.
 *
 * A symbolic link is kept when its target is relative and stays inside: ".." only at its start and
 * not above the root, for names behind which further links may stand come after it. Nothing may
 * lie below a link. A hard link is refused. What git wouldn't check out is refused too: .gitmodules
 * as a link or a folder.
 */
#ifndef KILN_TREE_TREE_H
#define KILN_TREE_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "json/json.h"
#include "sandbox/envd.h"

struct tree_file {
    const char *path;
    bool is_link; /* then `content` is the target */
    bool executable;
    struct str content; /* all of it */
    char sha256[65];    /* of the content, hex */
};

struct tree {
    struct tree_file *files; /* sorted by path, bytewise */
    size_t n_files;
    uint64_t bytes;     /* of all contents */
    const char **notes; /* "refused 'a/../b': ...", "left out 3 more files: ..." */
    size_t n_notes;     /* at most 100, the last then counts the rest */
    bool capped;        /* something was left out because a cap was reached */
    /* Equal trees, equal hash: SHA-256 over, for each file in order, its mode as git writes it
     * ("100644", "100755", "120000"), a space, its sha256 in hex, a space, its path, a NUL. */
    char sha256[65];
};

/* 0 means the default in parentheses. */
struct tree_caps {
    size_t files;        /* (5000) */
    uint64_t bytes;      /* (64 MiB) */
    uint64_t file_bytes; /* (8 MiB) */
};

/*
 * Collects the workspace `dir` through envd: a tar stream made inside, read here as hostile input.
 * Folders that `exclude` names (base names, wildcards allowed: "node_modules", "*.egg-info") and
 * .git are left out inside already, and so are files over the cap, which are noted. What is refused
 * here, and what the tools inside complained about (a file that can't be read), is noted.
 * Processes that still run inside may change files meanwhile: each file is some state of it.
 * Errors: those of the sandbox; a stream that is no archive or breaks off is ERR_PROTOCOL.
 */
int tree_collect(struct envd_client *envd, const char *dir, const char *const *exclude,
                 size_t n_exclude, const struct tree_caps *caps, struct arena *a, struct tree *ret,
                 struct err *err);

/* The same from an archive in memory; for tests and fuzzing. */
int tree_from_tar(struct str tar, const struct tree_caps *caps, struct arena *a, struct tree *ret,
                  struct err *err);

/* Puts all files into folder `dir` of a sandbox, which is emptied first (or made). All get the same
 * time, so that make finds nothing older than anything else. */
int tree_place(const struct tree *t, struct envd_client *envd, const char *dir, struct err *err);

/* Writes the files below a folder of ours, which must not exist yet (ERR_EXISTS). Links are made
 * last. On success all of it is on disk; on failure nothing of it is left. */
int tree_write(const struct tree *t, const char *dir, struct err *err);

/* Whether `path` may be in a tree by the rules above; the reason otherwise. */
bool tree_path_ok(struct str path, const char **ret_why);

const struct tree_file *tree_find(const struct tree *t, const char *path);

/* A tree of the files in `base` with those of `over` put over them (protected tests, restored). A
 * file of `base` that is in the way (a twin, a link or file where `over` has a folder, or the
 * other way round) is left out and noted; the notes of `base` are taken over. */
void tree_overlay(const struct tree *base, const struct tree *over, struct arena *a,
                  struct tree *ret);

/* Builds a tree from files given by us: path, is_link, executable and content are read, and copied.
 * The rules hold all the same: the first file that breaks one is ERR_INPUT. There are no caps. */
int tree_make(const struct tree_file *files, size_t n, struct arena *a, struct tree *ret,
              struct err *err);

enum tree_change { TREE_ADDED, TREE_MODIFIED, TREE_DELETED };

struct tree_diff {
    const char *path;
    enum tree_change change;
};

/* What changed from `old` (NULL: the empty tree) to `new`, sorted by path. Nothing of the result
 * points into the trees. */
void tree_compare(const struct tree *old, const struct tree *new, struct arena *a,
                  struct tree_diff **ret, size_t *ret_n);

/* [{"path","bytes","sha256","mode","content"?}]: the mode as git writes it ("100644"), content for
 * text files of at most `max_content` bytes; a link's is its target. */
json_t *tree_to_json(const struct tree *t, size_t max_content);

#endif
