/*
 * Tar archives to and from trees (libarchive). Reading takes hostile input from a source that may
 * never end. For the other files of this layer.
 */
#ifndef KILN_TREE_TREE_TAR_H
#define KILN_TREE_TREE_TAR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "tree/tree_build.h"

struct tree_tar_source {
    /* The next bytes, valid until the next call; none at the end. */
    int (*next)(void *ctx, struct str *ret, struct err *err);
    void *ctx;
    uint64_t max_bytes; /* of the stream; what lies behind is left out with a note */
};

/*
 * Puts the files of an uncompressed tar archive (ustar, pax, GNU) into the tree. `*ret_end` is
 * false when it stopped early, at a limit. Errors: those of the source; ERR_PROTOCOL for what is
 * no archive or breaks off.
 */
int tree_tar_read(const struct tree_tar_source *source, struct tree_build *b, bool *ret_end,
                  struct err *err);

/* Adds an archive (GNU) of the tree to the buffer; every file's time is `mtime`, in seconds. */
int tree_tar_write(const struct tree *t, int64_t mtime, struct buf *out, struct err *err);

#endif
