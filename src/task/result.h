/*
 * Results on disk.
 *
 *     DIR/TASK_ID/result.json    what `kiln result` shows; schema in data/schema/result.json
 *                events.ndjson   logs/   files/   history.git/
 *     DIR/.work/TASK_ID/         the same while the task runs; a lock on it says that it does
 *
 * A result becomes visible by one rename, whole. What a killed kiln left in .work is finished by
 * the next run as a result of its own (cancelled, interrupted), with everything that was kept.
 */
#ifndef KILN_TASK_RESULT_H
#define KILN_TASK_RESULT_H

#include "base/arena.h"
#include "base/err.h"
#include "json/json.h"

struct result_dir; /* of a running task: locked */

/* Makes DIR/.work/ID and locks it. ERR_EXISTS if the task has a result or is running. */
int result_open(const char *dir, const char *task_id, struct result_dir **ret, struct err *err);

/* Path of the working folder, and of something in it. */
const char *result_path(const struct result_dir *r);
char *result_file(const struct result_dir *r, struct arena *a, const char *name);

/* Writes result.json, syncs, renames into place; gives the final path. The lock is released. */
int result_finish(struct result_dir *r, const json_t *result, struct arena *a,
                  const char **ret_path, struct err *err);

/* Lets go of it; what is in .work stays. NULL is fine. */
void result_close(struct result_dir *r);

/* Turns every unlocked folder in DIR/.work into a result; tells how many. */
int result_recover(const char *dir, size_t *ret_n, struct err *err);

/* Whether a kiln is at work in this folder: it holds the lock. */
bool result_is_locked(const char *path);

/* The folder of a finished (or, if `running` is not NULL, running) task; `id` may be a unique
 * prefix, or "last" for the newest. ERR_NOT_FOUND with what there is. */
int result_find(struct arena *a, const char *dir, const char *id, const char **ret_path,
                bool *ret_running, struct err *err);

#endif
