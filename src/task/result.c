#include "task/result.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "base/rand.h"
#include "task/spec.h"

#define WORK ".work"

enum { RESULT_MAX_BYTES = 512 * 1024 * 1024 };

struct result_dir {
    struct arena arena;
    char *work, *final, *work_root, *root;
    int lock;
};

/* An exclusive lock that ends with the process; ERR_EXISTS if somebody holds it. */
static int lock_folder(const char *path, int *ret_fd, struct err *err)
{
    FD_CLEANUP int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno, "open '%s'", path);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return err_set(err, ERR_EXISTS, "'%s' is in use by a running kiln", path);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* Makes an empty folder, locked, under a name that nobody looks for. Another task that ends just
 * now may take .work away again, so that is tried a few times. */
static int make_locked(struct result_dir *r, char **ret_path, struct err *err)
{
    char *path = arena_printf(&r->arena, "%s/.new-%s", r->work_root, rand_id(&r->arena, 12));

    for (int tries = 0; tries < 10; tries++) {
        if (fs_make_dirs(r->work_root, 0755, err))
            return -1;
        if (mkdir(path, 0755) == 0) {
            *ret_path = path;
            return lock_folder(path, &r->lock, err);
        }
        if (errno != ENOENT)
            break;
    }
    return err_sys(err, ERR_IO, errno, "make directory '%s'", path);
}

/* The folder gets its name when it is locked already: unlocked, it would be a killed task's. */
static int make_work(struct result_dir *r, const char *task_id, struct err *err)
{
    char *fresh;

    if (fs_exists(r->final)) {
        err_set(err, ERR_EXISTS, "task %s has a result already: %s", task_id, r->final);
        return err_fix(err, "kiln result %s", task_id);
    }
    if (make_locked(r, &fresh, err))
        return -1;
    if (renameat2(AT_FDCWD, fresh, AT_FDCWD, r->work, RENAME_NOREPLACE) == 0)
        return 0;
    err_sys(err, ERR_IO, errno, "rename '%s' to '%s'", fresh, r->work);
    rmdir(fresh);
    if (err && err->sys == EEXIST)
        return err_set(err, ERR_EXISTS, "task %s is running already: %s", task_id, r->work);
    return -1;
}

static void result_free(struct result_dir *r)
{
    cleanup_fd(&r->lock);
    arena_clear(&r->arena);
    free(r);
}

int result_open(const char *dir, const char *task_id, struct result_dir **ret, struct err *err)
{
    struct result_dir *r = calloc(1, sizeof(*r));

    if (!r)
        BUG("out of memory");
    r->lock = -1;
    r->root = arena_strdup(&r->arena, dir);
    r->work_root = fs_join(&r->arena, dir, WORK);
    r->work = fs_join(&r->arena, r->work_root, task_id);
    r->final = fs_join(&r->arena, dir, task_id);
    if (make_work(r, task_id, err)) {
        result_free(r);
        return -1;
    }
    *ret = r;
    return 0;
}

const char *result_path(const struct result_dir *r)
{
    return r->work;
}

char *result_file(const struct result_dir *r, struct arena *a, const char *name)
{
    return fs_join(a, r->work, name);
}

static int publish(const char *work, const char *final, const char *root, const json_t *result,
                   struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    struct str text = str_from(json_dump_pretty(&a, result));

    if (fs_write_file(fs_join(&a, work, "result.json"), text, 0644, err))
        return -1;
    if (renameat2(AT_FDCWD, work, AT_FDCWD, final, RENAME_NOREPLACE) < 0)
        return err_sys(err, ERR_IO, errno, "rename '%s' to '%s'", work, final);
    return fs_sync_dir(root, err);
}

int result_finish(struct result_dir *r, const json_t *result, struct arena *a,
                  const char **ret_path, struct err *err)
{
    if (publish(r->work, r->final, r->root, result, err))
        return -1;
    cleanup_fd(&r->lock);
    rmdir(r->work_root); /* when nobody else is at work */
    *ret_path = arena_strdup(a, r->final);
    return 0;
}

void result_close(struct result_dir *r)
{
    if (r)
        result_free(r);
}

bool result_is_locked(const char *path)
{
    FD_CLEANUP int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    /* A shared lock, so that two who look don't see each other. */
    return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* ---- recovery ---- */

/* The first event of a type in an events file, or NULL. */
static json_t *first_event(struct arena *a, const char *work, const char *type)
{
    struct str text, line;

    if (fs_read_file(a, fs_join(a, work, "events.ndjson"), RESULT_MAX_BYTES, &text, NULL))
        return NULL;
    while (str_next_line(&text, &line)) {
        json_t *event = json_parse(line, "events.ndjson", NULL);
        const char *is = event ? json_get_c(event, "type") : NULL;

        if (is && strcmp(is, type) == 0)
            return event;
        json_decref(event);
    }
    return NULL;
}

static json_t *interrupted_result(struct arena *a, const char *work, const char *task_id)
{
    JSON_CLEANUP json_t *started = first_event(a, work, "task_started");
    const char *spec = started ? json_get_c(started, "specification") : NULL;
    json_t *result = json_object();

    json_set(result, "schema", json_c("kiln.result/1"));
    json_set(result, "task_id", json_c(task_id));
    json_set(result, "state", json_c("cancelled"));
    json_set(result, "reason", json_c("interrupted"));
    json_set(result, "blame", json_c("host"));
    json_set(result, "detail",
             json_c("kiln was killed before the task was finished; its events, logs and history "
                    "up to then are kept"));
    json_set(result, "specification", spec ? json_c(spec) : json_null());
    json_set(result, "finished_at", json_c(clock_rfc3339(a, clock_wall_ms())));
    json_set(result, "files", json_array());
    json_set(result, "iterations", json_array());
    return result;
}

/* 1 if it was finished, 0 if its task is running, -1 on errors. */
static int recover_one(const char *dir, const char *task_id, struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    const char *work = arena_printf(&a, "%s/%s/%s", dir, WORK, task_id);
    JSON_CLEANUP json_t *result = NULL;
    FD_CLEANUP int lock = -1;
    struct err held = {0};

    if (lock_folder(work, &lock, &held)) {
        if (held.kind == ERR_EXISTS || held.kind == ERR_NOT_FOUND)
            return 0;
        *err = held;
        return -1;
    }
    if (task_id[0] == '.') { /* killed before it had a name */
        rmdir(work);
        return 0;
    }
    if (!fs_exists(work)) /* its task ended, and moved it, before the lock was free */
        return 0;
    result = interrupted_result(&a, work, task_id);
    return publish(work, fs_join(&a, dir, task_id), dir, result, err) ? -1 : 1;
}

int result_recover(const char *dir, size_t *ret_n, struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    const char *work_root = fs_join(&a, dir, WORK);
    DIR *d = opendir(work_root);
    struct dirent *entry;
    size_t n = 0;
    int rc = 0;

    if (!d && errno != ENOENT)
        return err_sys(err, ERR_IO, errno, "open '%s'", work_root);
    while (d && rc >= 0 && (entry = readdir(d))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        rc = recover_one(dir, entry->d_name, err);
        n += rc > 0;
    }
    if (d)
        closedir(d);
    if (rc < 0)
        return err_wrap(err, "finish what an earlier run left");
    rmdir(work_root);
    *ret_n = n;
    return 0;
}

/* ---- finding ---- */

struct search {
    struct arena *arena;
    const char *id;   /* wanted: a prefix, or NULL for the newest */
    const char *name; /* found */
    int64_t newest_ns;
    size_t hits, all;
    bool exact, running;
};

static int64_t change_time(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return -1;
    return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

static void consider(struct search *s, const char *dir, const char *name, bool running)
{
    ARENA_CLEANUP struct arena a = {0};
    int64_t at = change_time(fs_join(&a, dir, name));
    bool exact = s->id && strcmp(name, s->id) == 0;

    s->all++;
    if (s->exact || (s->id && !str_starts(str_from(name), s->id)))
        return;
    s->hits = exact ? 1 : s->hits + 1;
    s->exact = exact;
    if (exact || !s->name || (!s->id && at > s->newest_ns)) {
        s->name = arena_strdup(s->arena, name);
        s->newest_ns = at;
        s->running = running;
    }
}

static void search_folder(struct search *s, const char *dir, bool running)
{
    DIR *d = opendir(dir);
    struct dirent *entry;

    while (d && (entry = readdir(d)))
        if (spec_id_ok(entry->d_name))
            consider(s, dir, entry->d_name, running);
    if (d)
        closedir(d);
}

int result_find(struct arena *a, const char *dir, const char *id, const char **ret_path,
                bool *ret_running, struct err *err)
{
    bool newest = strcmp(id, "last") == 0;
    struct search s = {.arena = a, .id = newest ? NULL : id};
    const char *work_root = fs_join(a, dir, WORK);

    search_folder(&s, dir, false);
    if (ret_running)
        search_folder(&s, work_root, true);
    if (!s.name) {
        err_set(err, ERR_NOT_FOUND, "no task %s%s%s in '%s' (%zu there)", newest ? "" : "'",
                newest ? "at all" : id, newest ? "" : "'", dir, s.all);
        return err_fix(err, "kiln run \"...\" makes one; --out DIR says where results are");
    }
    if (!newest && s.hits > 1)
        return err_set(err, ERR_INPUT, "'%s' is the beginning of %zu task ids; give more of it", id,
                       s.hits);
    *ret_path = fs_join(a, s.running ? work_root : dir, s.name);
    if (ret_running)
        *ret_running = s.running;
    return 0;
}
