#include "cli/console.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli/summary.h"

enum { TICK_MS = 100, HEARTBEAT_MS = 30000, ACTIVITY_MAX = 256, FILES_MAX = 4096, PLAN_LINES = 20 };

struct console {
    struct term term;
    bool quiet, verbose;
    pthread_mutex_t lock;
    pthread_cond_t stop; /* of the thread */
    pthread_t thread;
    bool running, stopping;

    char activity[ACTIVITY_MAX]; /* "Running tests"; empty before the start and after the end */
    int64_t since_ms;            /* the activity goes on since then */
    int64_t started_ms, last_line_ms;
    double cost_usd;  /* of the task, for the live line */
    struct buf files; /* written in this iteration and not told yet: "a.py, b.py" */
    bool fixing;      /* the iteration before was red */
    bool line_drawn;  /* the live line is on the screen */
    unsigned frame;
};

/* ---- lines ---- */

static void wipe_live_line(struct console *c)
{
    if (c->line_drawn)
        fputs("\r\033[K", c->term.file);
    c->line_drawn = false;
}

static void line(struct console *c, enum term_style style, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void line(struct console *c, enum term_style style, const char *fmt, ...)
{
    va_list ap;

    if (c->quiet)
        return;
    wipe_live_line(c);
    fputs(term_on(&c->term, style), c->term.file);
    va_start(ap, fmt);
    vfprintf(c->term.file, fmt, ap);
    va_end(ap);
    fprintf(c->term.file, "%s\n", term_off(&c->term, style));
    fflush(c->term.file);
    c->last_line_ms = clock_now_ms();
}

static void set_activity(struct console *c, const char *text)
{
    snprintf(c->activity, sizeof(c->activity), "%s", text);
    c->since_ms = clock_now_ms();
}

/* ---- events ---- */

static void on_task_started(struct console *c, struct arena *a, const json_t *e)
{
    const char *budget = json_get_c(e, "budget_usd");

    c->started_ms = clock_now_ms();
    line(c, TERM_PLAIN, "Task %s", summary_clean(a, json_get_c(e, "task")));
    line(c, TERM_PLAIN, "Model %s%s, at most %s%s%s", summary_clean(a, json_get_c(e, "model")),
         json_get_bool(e, "scripted", false) ? " (played by a script)" : "",
         text_plural(a, json_get_int(e, "iterations", 0), "iteration"), budget ? " and $" : "",
         summary_clean(a, budget));
    set_activity(c, "Opening a sandbox");
}

static void on_sandbox_opened(struct console *c, struct arena *a, const json_t *e)
{
    const json_t *box = json_object_get(e, "sandbox");

    if (c->verbose)
        line(c, TERM_DIM, "Sandbox %s opened in %lld ms", summary_clean(a, json_get_c(box, "id")),
             (long long)json_get_int(box, "opened_ms", 0));
    if (strcmp(summary_clean(a, json_get_c(e, "purpose")), "verify") != 0)
        set_activity(c, "Planning");
}

static void on_plan(struct console *c, struct arena *a, const json_t *e)
{
    struct str text = text_clean(a, json_get_str(e, "text"), TEXT_LINES), one;

    line(c, TERM_PLAIN, "Planning... done");
    /* With -v it was shown as it came. */
    for (int n = 0; !c->verbose && n < PLAN_LINES && str_next_line(&text, &one); n++)
        line(c, TERM_DIM, "  %.*s", STR_ARG(one));
    if (text.n && !c->verbose)
        line(c, TERM_DIM, "  ... (-v shows all of it)");
    set_activity(c, "Writing");
}

static void on_iteration_started(struct console *c, struct arena *a, const json_t *e)
{
    if (c->fixing)
        line(c, TERM_PLAIN, "Fixing...%s",
             json_get_bool(e, "fresh", false) ? " with a fresh look at the task" : "");
    line(c, TERM_PLAIN, "%s", "");
    line(c, TERM_BOLD, "=== ITERATION %lld/%lld ===", (long long)json_get_int(e, "iteration", 0),
         (long long)json_get_int(e, "of", 0));
    buf_reset(&c->files);
    set_activity(c, c->fixing ? "Fixing" : "Writing");
}

static void on_engine_text(struct console *c, struct arena *a, const json_t *e)
{
    struct str text = text_clean(a, json_get_str(e, "text"), TEXT_LINES), one;

    while (c->verbose && str_next_line(&text, &one))
        line(c, TERM_DIM, "  %.*s", STR_ARG(one));
}

static void on_engine_tool(struct console *c, struct arena *a, const json_t *e)
{
    const char *text = summary_clean(a, json_get_c(e, "text"));

    if (c->verbose)
        line(c, TERM_DIM, "  > %s", text);
    set_activity(c, arena_printf(a, "%s: %s", c->fixing ? "Fixing" : "Writing", text));
}

static void on_engine_tool_end(struct console *c, struct arena *a, const json_t *e)
{
    if (c->verbose)
        line(c, TERM_DIM, "    %s%s", json_get_bool(e, "failed", false) ? "failed: " : "",
             summary_clean(a, json_get_c(e, "text")));
    set_activity(c, "Waiting for the model");
}

/* Whether the list "a, b" has this name. */
static bool is_listed(struct str list, const char *name)
{
    struct str part;

    while (str_next(&list, ',', &part))
        if (str_eq_c(str_trim(part), name))
            return true;
    return false;
}

static void on_engine_file(struct console *c, struct arena *a, const json_t *e)
{
    const char *path = summary_clean(a, json_get_c(e, "path"));

    if (str_starts(str_from(path), "/work/"))
        path += strlen("/work/");
    if (!is_listed(buf_str(&c->files), path))
        buf_printf(&c->files, NULL, "%s%s", c->files.n ? ", " : "", path);
    set_activity(c, arena_printf(a, "Writing %s", path));
}

/* The files of the iteration in one line, when the writing is over. */
static void on_tree_collected(struct console *c, struct arena *a, const json_t *e)
{
    const json_t *notes = json_object_get(e, "notes"), *note;
    size_t i;

    line(c, TERM_PLAIN, "Writing... %s",
         c->files.n ? buf_c(&c->files) : text_plural(a, json_get_int(e, "files", 0), "file"));
    buf_reset(&c->files);
    json_array_foreach (notes, i, note)
        line(c, TERM_YELLOW, "  %s", summary_clean(a, json_string_value(note)));
    set_activity(c, "Checking");
}

/* "tests", or "tests in api". */
static const char *check_name(struct arena *a, const json_t *e)
{
    const char *name = summary_clean(a, json_get_c(e, "check")), *dir = json_get_c(e, "dir");

    if (!dir || strcmp(dir, ".") == 0)
        return name;
    return arena_printf(a, "%s in %s", name, summary_clean(a, dir));
}

static void on_check_started(struct console *c, struct arena *a, const json_t *e)
{
    set_activity(c, arena_printf(a, "Running %s", check_name(a, e)));
}

static void on_check_finished(struct console *c, struct arena *a, const json_t *e)
{
    enum term_style style;
    const char *word = summary_outcome(json_get_c(e, "outcome"), &style);
    const char *detail = summary_clean(a, json_get_c(e, "detail"));

    line(c, TERM_PLAIN, "Running %s%s... %s%s%s%s%s%s", check_name(a, e),
         str_eq_c(json_get_str(e, "phase"), "again") ? " again" : "", term_on(&c->term, style),
         word, term_off(&c->term, style), *detail ? " (" : "", detail, *detail ? ")" : "");
    set_activity(c, "Checking");
}

static void on_iteration_finished(struct console *c, struct arena *a, const json_t *e)
{
    c->fixing = !json_get_bool(e, "green", false);
}

static void on_verify_started(struct console *c, struct arena *a, const json_t *e)
{
    line(c, TERM_PLAIN, "%s", "");
    line(c, TERM_BOLD, "=== VERIFYING in a fresh sandbox ===");
    set_activity(c, "Verifying");
}

static void on_verify_finished(struct console *c, struct arena *a, const json_t *e)
{
    c->fixing = !json_get_bool(e, "green", false);
}

static void on_model_retry(struct console *c, struct arena *a, const json_t *e)
{
    const char *reason = summary_clean(a, json_get_c(e, "reason"));

    line(c, TERM_YELLOW, "Waiting %s for the model: %s",
         clock_human(a, json_get_int(e, "wait_ms", 0)), reason);
    set_activity(c, "Waiting for the model");
}

static double money(const json_t *e, const char *key)
{
    double v;

    return str_to_double(json_get_str(e, key), &v) ? v : 0;
}

/* Of one model call, as it comes. */
static void on_engine_usage(struct console *c, struct arena *a, const json_t *e)
{
    c->cost_usd += money(e, "cost_usd");
}

/* Of an iteration: the exact sum. */
static void on_usage(struct console *c, struct arena *a, const json_t *e)
{
    c->cost_usd = money(e, "total_cost_usd");
}

static void on_warning(struct console *c, struct arena *a, const json_t *e)
{
    line(c, TERM_YELLOW, "warning: %s", summary_clean(a, json_get_c(e, "text")));
}

static void on_task_finished(struct console *c, struct arena *a, const json_t *e)
{
    wipe_live_line(c);
    summary_print(&c->term, e);
    fflush(c->term.file);
    c->activity[0] = '\0';
}

static const struct {
    const char *type;
    void (*on)(struct console *c, struct arena *a, const json_t *event);
} handlers[] = {
    {"task_started", on_task_started},
    {"sandbox_opened", on_sandbox_opened},
    {"plan", on_plan},
    {"iteration_started", on_iteration_started},
    {"engine_text", on_engine_text},
    {"engine_tool", on_engine_tool},
    {"engine_tool_end", on_engine_tool_end},
    {"engine_file", on_engine_file},
    {"engine_usage", on_engine_usage},
    {"model_retry", on_model_retry},
    {"usage", on_usage},
    {"tree_collected", on_tree_collected},
    {"check_started", on_check_started},
    {"check_finished", on_check_finished},
    {"iteration_finished", on_iteration_finished},
    {"verify_started", on_verify_started},
    {"verify_finished", on_verify_finished},
    {"warning", on_warning},
    {"task_finished", on_task_finished},
};

void console_event(void *console, const json_t *event)
{
    ARENA_CLEANUP struct arena a = {0};
    struct console *c = console;
    const char *type = json_get_c(event, "type");

    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; type && i < sizeof(handlers) / sizeof(handlers[0]); i++)
        if (strcmp(handlers[i].type, type) == 0)
            handlers[i].on(c, &a, event);
    pthread_mutex_unlock(&c->lock);
}

/* ---- time ---- */

/* What is going on, for people: "Running tests, 12 s; in all 1 min 03 s, $0.12". */
static const char *status(const struct console *c, struct arena *a, int64_t now_ms)
{
    return arena_printf(a, "%s, %s; in all %s, $%.2f", c->activity,
                        clock_human(a, now_ms - c->since_ms),
                        clock_human(a, now_ms - c->started_ms), c->cost_usd);
}

static void draw_live_line(struct console *c, struct arena *a, int64_t now_ms)
{
    static const char *const frames[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
    struct str text = str_from(status(c, a, now_ms));
    size_t room = (size_t)term_columns(&c->term) - 3;

    /* Bytes rather than columns: a line of letters beyond ASCII is cut early, never wrapped. */
    while (text.n > room || (text.n && text_utf8_len(text) == 0))
        text.n--;
    while (text.n && !text_is_utf8(text))
        text.n--;
    fprintf(c->term.file, "\r\033[K%s%s%s %.*s", term_on(&c->term, TERM_CYAN),
            frames[c->frame++ % (sizeof(frames) / sizeof(frames[0]))],
            term_off(&c->term, TERM_CYAN), STR_ARG(text));
    fflush(c->term.file);
    c->line_drawn = true;
}

void console_tick(struct console *c, int64_t now_ms)
{
    ARENA_CLEANUP struct arena a = {0};

    pthread_mutex_lock(&c->lock);
    if (c->activity[0] && !c->quiet) {
        if (c->term.live)
            draw_live_line(c, &a, now_ms);
        else if (now_ms - c->last_line_ms >= HEARTBEAT_MS)
            line(c, TERM_PLAIN, "... %s", status(c, &a, now_ms));
    }
    pthread_mutex_unlock(&c->lock);
}

static void *ticker(void *console)
{
    struct console *c = console;
    bool stopping = false;

    while (!stopping) {
        struct timespec until;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += TICK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_mutex_lock(&c->lock);
        if (!c->stopping)
            pthread_cond_timedwait(&c->stop, &c->lock, &until);
        stopping = c->stopping;
        pthread_mutex_unlock(&c->lock);
        if (!stopping)
            console_tick(c, clock_now_ms());
    }
    return NULL;
}

/* ---- life ---- */

struct console *console_new(const struct console_options *options)
{
    struct console *c = calloc(1, sizeof(*c));

    if (!c)
        BUG("out of memory");
    term_init(&c->term, options->file, options->no_colour);
    c->quiet = options->quiet;
    c->verbose = options->verbose;
    c->files = BUF_INIT(FILES_MAX);
    c->started_ms = c->last_line_ms = clock_now_ms();
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->stop, NULL);
    return c;
}

int console_start(struct console *c, struct err *err)
{
    int sys = pthread_create(&c->thread, NULL, ticker, c);

    if (sys)
        return err_sys(err, ERR_IO, sys, "start a thread");
    c->running = true;
    return 0;
}

void console_free(struct console *c)
{
    if (!c)
        return;
    if (c->running) {
        pthread_mutex_lock(&c->lock);
        c->stopping = true;
        pthread_cond_signal(&c->stop);
        pthread_mutex_unlock(&c->lock);
        pthread_join(c->thread, NULL);
    }
    wipe_live_line(c);
    fflush(c->term.file);
    pthread_cond_destroy(&c->stop);
    pthread_mutex_destroy(&c->lock);
    buf_free(&c->files);
    free(c);
}
