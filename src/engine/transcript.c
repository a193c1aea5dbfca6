#include "engine/transcript.h"

#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"

struct transcript {
    int fd; /* -1: nothing is kept */
    size_t written;
};

int transcript_open(const char *path, struct transcript **ret, struct err *err)
{
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

    if (path && fd < 0)
        return err_sys(err, ERR_IO, errno, "open '%s'", path);
    *ret = calloc(1, sizeof(**ret));
    if (!*ret)
        BUG("out of memory");
    (*ret)->fd = fd;
    return 0;
}

void transcript_close(struct transcript *t)
{
    if (!t)
        return;
    cleanup_fd(&t->fd);
    free(t);
}

static int write_line(struct transcript *t, struct arena *a, const json_t *line, struct err *err)
{
    struct str text = str_from(arena_printf(a, "%s\n", json_dump(a, line)));

    t->written += text.n;
    return fs_write_all(t->fd, text, err) ? err_wrap(err, "write the transcript") : 0;
}

int transcript_add(struct transcript *t, json_t *line, struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    JSON_CLEANUP json_t *owned = line, *whole = json_object();

    if (t->fd < 0 || t->written > TRANSCRIPT_MAX)
        return 0;
    json_set(whole, "at", json_c(clock_rfc3339(&a, clock_wall_ms())));
    json_object_update(whole, owned);
    if (write_line(t, &a, whole, err))
        return -1;
    if (t->written <= TRANSCRIPT_MAX)
        return 0;
    json_object_clear(whole);
    json_set(whole, "event", json_c("the transcript is full"));
    return write_line(t, &a, whole, err);
}
