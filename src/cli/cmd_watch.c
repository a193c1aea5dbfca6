/* kiln watch: a task from its events, while it runs or again when it is over. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/summary.h"
#include "task/result.h"

enum { POLL_MS = 200, ALIVE_MS = 2000, READ_STEP = 64 * 1024, LINE_MAX_BYTES = 64 * 1024 * 1024 };

static const struct option_spec options[] = {
    {"out", 0, OPTION_DIR, "DIR", "folder that results are kept in (results)", "results.dir",
     false},
    {0},
};

struct watch {
    struct cli *cli;
    struct console *console; /* NULL with --json */
    const char *id;
    int fd;         /* of events.ndjson: stays good when the folder is renamed */
    struct buf buf; /* what was read and not taken */
    bool finished;
    int exit_code;
};

static int take_line(struct watch *w, struct str line, struct err *err)
{
    JSON_CLEANUP json_t *event = json_parse(line, "events.ndjson", err);
    const char *type;

    if (!event)
        return -1;
    if (w->console) {
        console_event(w->console, event);
    } else {
        printf("%.*s\n", STR_ARG(line));
        fflush(stdout);
    }
    type = json_get_c(event, "type");
    if (type && strcmp(type, "task_finished") == 0) {
        w->finished = true;
        w->exit_code = exit_of_task(json_get_c(event, "state"), json_get_c(event, "reason"));
    }
    return 0;
}

/* Takes all whole lines that are there; the last one may still be being written. */
static int take_lines(struct watch *w, struct err *err)
{
    for (;;) {
        struct str all = buf_str(&w->buf);
        ptrdiff_t end = str_find_char(all, '\n');

        if (end < 0)
            return 0;
        if (take_line(w, (struct str){all.p, (size_t)end}, err))
            return -1;
        buf_consume(&w->buf, (size_t)end + 1);
    }
}

/* Reads what has come: `*ret_n` bytes. */
static int read_more(struct watch *w, size_t *ret_n, struct err *err)
{
    char *room;
    ssize_t n;

    *ret_n = 0;
    do {
        if (buf_reserve(&w->buf, READ_STEP, &room, err))
            return -1;
        n = read(w->fd, room, READ_STEP);
        if (n < 0)
            return err_sys(err, ERR_IO, errno, "read events.ndjson");
        buf_added(&w->buf, (size_t)n);
        *ret_n += (size_t)n;
    } while (n > 0);
    return take_lines(w, err);
}

static bool is_running(struct watch *w)
{
    bool running = false;
    const char *path;

    return result_find(w->cli->arena, w->cli->config.results_dir, w->id, &path, &running, NULL) ==
               0 &&
           running && result_is_locked(path);
}

static int ended_silently(struct watch *w, struct err *err)
{
    bool unfinished = false;
    const char *path;

    err_set(err, ERR_NOT_FOUND, "task %s ended without saying so: its kiln was killed", w->id);
    if (result_find(w->cli->arena, w->cli->config.results_dir, w->id, &path, &unfinished, NULL) ||
        unfinished)
        return err_fix(err, "the next `kiln run` makes a result of what was kept");
    return err_fix(err, "kiln result %s shows what was kept", w->id);
}

static int follow(struct watch *w, struct err *err)
{
    int64_t look_again = clock_deadline(ALIVE_MS);
    bool running = is_running(w);
    size_t n;

    while (!w->finished) {
        if (read_more(w, &n, err))
            return -1;
        if (w->finished || n > 0)
            continue;
        if (!running)
            return ended_silently(w, err);
        if (cancel_sleep_ms(POLL_MS, err))
            return -1;
        if (clock_now_ms() >= look_again) {
            running = is_running(w);
            look_again = clock_deadline(ALIVE_MS);
        }
    }
    return 0;
}

static int open_events(struct watch *w, struct err *err)
{
    const char *id = w->cli->options.n_args ? w->cli->options.args[0] : "last", *path, *file;
    bool running;

    if (result_find(w->cli->arena, w->cli->config.results_dir, id, &path, &running, err))
        return -1;
    w->id = fs_base_name(path);
    file = fs_join(w->cli->arena, path, "events.ndjson");
    w->fd = open(file, O_RDONLY | O_CLOEXEC);
    if (w->fd < 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno, "open '%s'", file);
    return 0;
}

static int watch(struct watch *w, struct err *err)
{
    struct cli *cli = w->cli;
    int rc = 0;

    if (!cli->json) {
        w->console = console_new(
            &(struct console_options){.file = stdout,
                                      .no_colour = options_has(&cli->options, "no-color"),
                                      .quiet = cli->quiet,
                                      .verbose = cli->verbose});
        rc = console_start(w->console, err);
    }
    if (rc == 0)
        rc = follow(w, err);
    console_free(w->console);
    return rc;
}

static int run(struct cli *cli, struct err *err)
{
    struct watch w = {.cli = cli, .fd = -1, .buf = BUF_INIT(LINE_MAX_BYTES)};
    int rc = -1;

    if (cancel_install(err) == 0 && open_events(&w, err) == 0)
        rc = watch(&w, err);
    cleanup_fd(&w.fd);
    buf_free(&w.buf);
    return rc ? -1 : w.exit_code;
}

const struct command command_watch = {
    .name = "watch",
    .args = "[ID]",
    .summary = "follow a running task, or replay one that is over",
    .details =
        "  ID may be the beginning of a task's id, or \"last\" (the default) for the newest.\n"
        "  Ends with the task, with the exit code that its `kiln run` has. Ctrl-C stops\n"
        "  watching and leaves the task alone. With --json: its events, one a line.",
    .examples = "  kiln watch last\n"
                "  kiln watch 7k2 --json | jq -r .type",
    .options = options,
    .max_args = 1,
    .run = run,
};
