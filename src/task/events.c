#include "task/events.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "base/fs.h"

struct events {
    int fd;
    char *task_id;
    void (*subscriber)(void *ctx, const json_t *event);
    void *ctx;
    struct err error; /* the first */
    struct arena arena;
};

int events_open(const char *path, const char *task_id,
                void (*subscriber)(void *ctx, const json_t *event), void *ctx, struct events **ret,
                struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    struct events *e;

    if (fd < 0)
        return err_sys(err, ERR_IO, errno, "create '%s'", path);
    e = calloc(1, sizeof(*e));
    if (!e)
        BUG("out of memory");
    e->fd = fd;
    e->task_id = arena_strdup(&e->arena, task_id);
    e->subscriber = subscriber;
    e->ctx = ctx;
    *ret = e;
    return 0;
}

void events_close(struct events *e)
{
    if (!e)
        return;
    close(e->fd);
    arena_clear(&e->arena);
    free(e);
}

/* The line's common members first, then the event's own. */
static json_t *complete(const struct events *e, struct arena *a, const char *type, json_t *fields)
{
    json_t *event = json_object();

    json_set(event, "time", json_c(clock_rfc3339(a, clock_wall_ms())));
    json_set(event, "type", json_c(type));
    json_set(event, "task", json_c(e->task_id));
    if (fields)
        json_object_update_new(event, fields);
    return event;
}

void events_emit(struct events *e, const char *type, json_t *fields)
{
    ARENA_CLEANUP struct arena a = {0};
    JSON_CLEANUP json_t *event = complete(e, &a, type, fields);
    const char *line = arena_printf(&a, "%s\n", json_dump(&a, event));

    if (e->error.kind == ERR_NONE)
        fs_write_all(e->fd, str_from(line), &e->error);
    if (e->subscriber)
        e->subscriber(e->ctx, event);
}

int events_error(const struct events *e, struct err *err)
{
    if (e->error.kind == ERR_NONE)
        return 0;
    if (err)
        *err = e->error;
    return err_wrap(err, "events.ndjson");
}
