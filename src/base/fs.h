/*
 * Files. Paths here are ours (configuration, results, embedded data), never names that came out of
 * a sandbox: for those see tree/.
 */
#ifndef KILN_BASE_FS_H
#define KILN_BASE_FS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* The whole of a file, NUL-terminated, at most `max` bytes (more is ERR_LIMIT).
 * ERR_NOT_FOUND if it isn't there. `path` "-" reads standard input. */
int fs_read_file(struct arena *a, const char *path, size_t max, struct str *ret, struct err *err);

/* All that `fd` yields until end of file, at most `max` bytes. */
int fs_read_fd(struct arena *a, int fd, size_t max, struct str *ret, struct err *err);

/* Writes all of it, resuming after signals and short writes. */
int fs_write_all(int fd, struct str data, struct err *err);

/* Makes or replaces `path` so that a reader, and a crash, sees the old file or the new one whole:
 * a file beside it, fsync, rename, fsync of the directory. */
int fs_write_file(const char *path, struct str data, mode_t mode, struct err *err);

/* Makes a directory and its parents; one that exists is fine. */
int fs_make_dirs(const char *path, mode_t mode, struct err *err);

/*
 * Removes a whole tree; one that isn't there is fine. Follows no link and enters no mount point.
 * Copes with what a program may leave behind: any depth, directories without permissions.
 */
int fs_remove_tree(const char *path, struct err *err);

/* fsync of a directory, so that names in it survive a crash. */
int fs_sync_dir(const char *path, struct err *err);

bool fs_exists(const char *path);

/* Both parts with one '/' between. An absolute `name` is returned as it is. */
char *fs_join(struct arena *a, const char *dir, const char *name);

/* The part behind the last '/'. */
const char *fs_base_name(const char *path);

/* Free bytes on the file system of `path`. */
int fs_free_bytes(const char *path, unsigned long long *ret, struct err *err);

#endif
