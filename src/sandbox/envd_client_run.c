#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/rand.h"
#include "base/text.h"
#include "sandbox/envd_client.h"

enum {
    KEEP_BYTES = 256 * 1024,
    INPUT_PIECE = 256 * 1024,
    INPUT_PATIENCE_MS = 100, /* between two tries while the command doesn't read */
    SERVER_SLACK_MS = 5000,  /* the server keeps the time; when it doesn't, we do */
};

static const uint64_t max_bytes_default = 64 * 1024 * 1024;

struct run {
    struct envd_client *c;
    const struct envd_run_options *o;
    struct envd_stream *stream;
    uint32_t pid;
    int64_t deadline;

    struct str input; /* not given yet */
    bool input_open, input_waits;

    struct buf head, tail; /* the tail's last tail_max bytes count */
    size_t tail_max;
    uint64_t total, max_bytes;

    bool over;
    enum envd_outcome outcome;
    int exit_code;
    const char *status;
};

/* ---- output ---- */

static void keep_tail(struct run *r, struct str piece)
{
    if (piece.n > r->tail_max)
        piece = str_from_pos(piece, piece.n - r->tail_max);
    if (piece.n > r->tail.max - r->tail.n)
        buf_consume(&r->tail, r->tail.n - (r->tail_max - piece.n));
    buf_add_some(&r->tail, piece);
}

static int take_output(struct run *r, struct str piece, struct err *err)
{
    uint64_t room = r->max_bytes - r->total;
    bool too_much = piece.n > room;
    size_t dropped;

    if (too_much)
        piece.n = (size_t)room;
    r->total += piece.n;
    dropped = buf_add_some(&r->head, piece);
    keep_tail(r, str_from_pos(piece, piece.n - dropped));
    if (r->o->log_fd > 0 && fs_write_all(r->o->log_fd, piece, err))
        return err_wrap(err, "log of the command");
    if (r->o->on_output && piece.n && r->o->on_output(r->o->ctx, piece, err))
        return -1;
    if (too_much)
        return err_set(err, ERR_LIMIT, "the command printed more than %llu bytes",
                       (unsigned long long)r->max_bytes);
    return 0;
}

static struct envd_output collect_output(struct run *r, struct arena *a)
{
    struct str tail = buf_str(&r->tail);

    if (tail.n > r->tail_max)
        tail = str_from_pos(tail, tail.n - r->tail_max);
    return (struct envd_output){
        .head = arena_dup(a, buf_str(&r->head)),
        .tail = arena_dup(a, tail),
        .omitted = r->total - r->head.n - tail.n,
        .total = r->total,
    };
}

struct str envd_output_text(struct arena *a, const struct envd_output *o)
{
    BUF_CLEANUP struct buf text = BUF_INIT(o->head.n + o->tail.n + 128);

    buf_add(&text, o->head, NULL);
    if (o->omitted)
        buf_printf(&text, NULL, "\n[... %llu bytes omitted ...]\n", (unsigned long long)o->omitted);
    buf_add(&text, o->tail, NULL);
    return arena_dup(a, buf_str(&text));
}

/* ---- input ---- */

/* A command that ended, or closed its input, without reading it all is no error. */
static int settle_input(struct run *r, int rc, struct err *err)
{
    r->input_waits = false;
    if (rc == 0)
        return 0;
    if (err->kind == ERR_THROTTLED) {
        r->input_waits = true;
        return 0;
    }
    if (err->kind != ERR_NOT_FOUND && err->kind != ERR_REMOTE)
        return err_wrap(err, "input of the command");
    r->input_open = false;
    return 0;
}

/* The next piece of the input, in turn with taking output, so that neither waits for the other. */
static int give_input(struct run *r, struct err *err)
{
    struct str piece = r->input;
    int rc;

    if (!r->input_open || r->pid == 0)
        return 0;
    if (piece.n == 0) {
        rc = settle_input(r, envd_close_stdin(r->c, r->pid, err), err);
        r->input_open = false;
        return rc;
    }
    if (piece.n > INPUT_PIECE)
        piece.n = INPUT_PIECE;
    if (settle_input(r, envd_send_input(r->c, r->pid, piece, false, err), err))
        return -1;
    if (!r->input_waits)
        r->input = str_from_pos(r->input, piece.n);
    return 0;
}

/* ---- events ---- */

static void note_timeout(struct run *r)
{
    r->over = true;
    r->outcome = ENVD_TIMED_OUT;
    r->status = "time limit";
}

static void note_end(struct run *r, struct arena *a, const struct envd_event *event)
{
    r->over = true;
    r->outcome = event->exited ? ENVD_EXITED : ENVD_SIGNALLED;
    r->exit_code = event->exit_code;
    r->status = arena_strdup(a, event->status);
}

static int take_event(struct run *r, struct arena *a, const struct envd_event *event,
                      struct err *err)
{
    switch (event->kind) {
    case ENVD_NONE:
        if (clock_now_ms() >= r->deadline)
            note_timeout(r);
        return 0;
    case ENVD_START:
        r->pid = event->pid;
        return 0;
    case ENVD_STDOUT:
    case ENVD_STDERR:
    case ENVD_PTY:
        return take_output(r, event->data, err);
    case ENVD_END:
        note_end(r, a, event);
        return 0;
    }
    return 0;
}

static int wait_ms(const struct run *r)
{
    if (r->input_open && r->pid)
        return r->input_waits ? INPUT_PATIENCE_MS : 0;
    return clock_poll_ms(r->deadline);
}

static int follow(struct run *r, struct arena *a, struct err *err)
{
    struct envd_event event;

    while (!r->over) {
        if (give_input(r, err))
            return -1;
        do {
            if (envd_stream_next(r->stream, wait_ms(r), &event, err)) {
                if (err->kind != ERR_TIMEOUT)
                    return -1;
                note_timeout(r);
                return 0;
            }
            if (take_event(r, a, &event, err))
                return -1;
        } while (!r->over && event.kind != ENVD_NONE && event.kind != ENVD_START);
    }
    return 0;
}

/* ---- the whole ---- */

/* Whatever happened: nothing of it goes on. By the tag when we never learned the pid. */
static int end_tree(struct run *r, const char *tag, struct err *err)
{
    if (envd_client_signal(r->c, r->pid, tag, SIGKILL, true, err) == 0 ||
        err->kind == ERR_NOT_FOUND)
        return 0;
    return err_wrap(err, "end what the command started");
}

static int run_started(struct run *r, struct arena *a, const char *tag, struct err *err)
{
    struct err end_err;
    int rc = follow(r, a, err);

    envd_stream_close(r->stream);
    if (end_tree(r, tag, &end_err) && rc == 0) {
        *err = end_err;
        rc = -1;
    }
    return rc;
}

static void init_run(struct run *r, struct envd_client *c, const struct envd_process *p,
                     const struct envd_run_options *o)
{
    size_t keep = o->keep_bytes ? o->keep_bytes : KEEP_BYTES;

    *r = (struct run){
        .c = c,
        .o = o,
        .deadline = p->timeout_ms > 0 ? clock_deadline((int64_t)p->timeout_ms + SERVER_SLACK_MS)
                                      : CLOCK_NEVER,
        .input = o->stdin_data,
        .input_open = o->stdin_data.n > 0,
        .head = BUF_INIT(keep / 2),
        .tail = BUF_INIT(2 * (keep - keep / 2)),
        .tail_max = keep - keep / 2,
        .max_bytes = o->max_bytes ? o->max_bytes : max_bytes_default,
        .outcome = ENVD_SIGNALLED, /* unless we learn better: we kill it */
        .exit_code = -1,
        .status = "signal: killed",
    };
}

int envd_run(struct envd_client *c, struct arena *a, const struct envd_process *p,
             const struct envd_run_options *options, struct envd_result *ret, struct err *err)
{
    static const struct envd_run_options none;
    struct envd_process process = *p;
    int64_t started = clock_now_ms();
    struct err local;
    struct run r;
    int rc;

    err = err ? err : &local;
    init_run(&r, c, p, options ? options : &none);
    process.open_stdin = process.open_stdin || r.input_open;
    if (!process.tag)
        process.tag = arena_printf(a, "run-%s", rand_id(a, 20));
    if (envd_start(c, &process, &r.stream, err))
        return -1;
    rc = run_started(&r, a, process.tag, err);
    if (rc == 0 || err->kind == ERR_LIMIT)
        *ret = (struct envd_result){
            .outcome = r.outcome,
            .exit_code = r.exit_code,
            .status = r.status,
            .out = collect_output(&r, a),
            .wall_ms = clock_now_ms() - started,
        };
    buf_free(&r.head);
    buf_free(&r.tail);
    return rc;
}
