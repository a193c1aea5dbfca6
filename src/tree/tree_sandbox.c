/* tree_collect and tree_place: trees out of a sandbox and into it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/rand.h"
#include "base/text.h"
#include "tree/tree.h"
#include "tree/tree_build.h"
#include "tree/tree_tar.h"

enum {
    COLLECT_MS = 120 * 1000,
    PLACE_MS = 120 * 1000,
    NOTE_MAX = 400,            /* bytes of a line on standard error that become a note */
    ENTRY_OVERHEAD = 4 * 1024, /* the most that a file takes in an archive beside its data */
};

#define LEFT_OUT "left out "

/* The tools of the system, whatever the sandbox's PATH says, in English. The scripts unset what
 * would change how tar works. */
static const struct envd_env tool_env[] = {{"PATH", "/usr/bin:/bin"}, {"LC_ALL", "C"}};

/*
 * Sorted, so that a cap always leaves out the same files. Folders are left to their files, hard
 * links become files, and GNU's format keeps names as the bytes that they are.
 */
static const char collect_script[] =
    "unset POSIXLY_CORRECT TAR_OPTIONS\n"
    "find . -xdev \"$@\" | sort -z |\n"
    "tar -c -f - --format=gnu --numeric-owner --hard-dereference --no-recursion --null -T -\n";

/* ---- collecting ---- */

struct collecting {
    struct envd_stream *stream;
    struct tree_build *build;
    int64_t deadline;
    uint32_t pid;                 /* 0 until it is known */
    struct buf line;              /* of standard error, so far */
    char complaint[NOTE_MAX + 1]; /* the last whole one */
    bool end;                     /* the process has ended, so: */
    bool exited;
    int exit_code;
};

static void take_line(struct collecting *c)
{
    struct str line = str_trim(buf_str(&c->line));

    if (str_starts(line, LEFT_OUT))
        c->build->capped = true;
    if (line.n) {
        tree_build_note(c->build, "%.*s", STR_ARG(line));
        snprintf(c->complaint, sizeof(c->complaint), "%.*s", STR_ARG(line));
    }
    buf_reset(&c->line);
}

/* What the tools inside complain about becomes notes, a line each. */
static void take_complaint(struct collecting *c, struct str data)
{
    while (data.n) {
        ptrdiff_t newline = str_find_char(data, '\n');
        size_t n = newline < 0 ? data.n : (size_t)newline;

        buf_add_some(&c->line, (struct str){data.p, n});
        if (newline >= 0)
            take_line(c);
        data = str_from_pos(data, newline < 0 ? n : n + 1);
    }
}

static int next_piece(void *ctx, struct str *ret, struct err *err)
{
    struct collecting *c = ctx;

    while (!c->end) {
        struct envd_event event;

        if (envd_stream_next(c->stream, clock_poll_ms(c->deadline), &event, err))
            return -1;
        if (clock_now_ms() >= c->deadline) /* also while something comes all the time */
            return err_set(err, ERR_TIMEOUT, "no end after %d s", COLLECT_MS / 1000);
        switch (event.kind) {
        case ENVD_START:
            c->pid = event.pid;
            break;
        case ENVD_STDERR:
            take_complaint(c, event.data);
            break;
        case ENVD_STDOUT:
            if (event.data.n == 0)
                break;
            *ret = event.data;
            return 0;
        case ENVD_END:
            c->end = true;
            c->exited = event.exited;
            c->exit_code = event.exit_code;
            break;
        default:
            break;
        }
    }
    *ret = STR("");
    return 0;
}

/* Reads what follows the end of the archive, for the complaints and the exit. */
static int drain(struct collecting *c, uint64_t max_bytes, struct err *err)
{
    struct str piece;

    do {
        if (next_piece(c, &piece, err))
            return -1;
        if (piece.n > max_bytes)
            return err_set(err, ERR_PROTOCOL, "more than an archive came");
        max_bytes -= piece.n;
    } while (piece.n);
    return 0;
}

/* tar's 1 and 2 say that some file changed or could not be read, which is in the notes. */
static int judge_exit(const struct collecting *c, struct err *err)
{
    if (c->exited && c->exit_code >= 0 && c->exit_code <= 2)
        return 0;
    if (c->exited)
        return err_set(err, ERR_REMOTE, "tar ended with exit status %d", c->exit_code);
    return err_set(err, ERR_REMOTE, "tar was killed");
}

static int read_archive(struct collecting *c, struct err *err)
{
    const struct tree_caps *caps = &c->build->caps;
    uint64_t max;
    struct tree_tar_source source = {next_piece, c, UINT64_MAX};
    bool end;

    /* Twice the files' bytes, so that what is over the cap is counted when it isn't by far. */
    if (!__builtin_mul_overflow(caps->files, (uint64_t)ENTRY_OVERHEAD, &max) &&
        !__builtin_add_overflow(max, caps->bytes, &max) &&
        !__builtin_mul_overflow(max, (uint64_t)2, &max))
        source.max_bytes = max;
    if (tree_tar_read(&source, c->build, &end, err))
        return c->end && *c->complaint ? err_wrap(err, "%s", c->complaint) : -1;
    if (!end)
        return 0;
    if (drain(c, ENTRY_OVERHEAD * 16, err))
        return -1;
    return judge_exit(c, err);
}

static size_t append(const char **argv, size_t n, const char *const *words, size_t n_words)
{
    memcpy(argv + n, words, n_words * sizeof(*words));
    return n + n_words;
}

/* The script with find's expression: prune what is excluded, name what is too large, list the
 * rest. */
static const char *const *collect_argv(const char *const *exclude, size_t n_exclude,
                                       uint64_t max_size, struct arena *a)
{
    unsigned long long max = max_size;
    const char *const head[] = {"sh", "-c", collect_script, "sh", "-name", ".git", "-prune", "-o"};
    const char *const tail[] = {
        "-type",
        "f",
        "-size",
        arena_printf(a, "+%lluc", max),
        "-fprintf",
        "/dev/stderr",
        arena_printf(a, LEFT_OUT "'%%P': %%s bytes, a file may have %llu\n", max),
        "-o",
        "!",
        "-type",
        "d",
        "-print0",
        NULL,
    };
    const char **argv =
        ARENA_ARRAY(a, ARRAY_LEN(head) + n_exclude * 6 + ARRAY_LEN(tail), const char *);
    size_t n = append(argv, 0, head, ARRAY_LEN(head));

    for (size_t i = 0; i < n_exclude; i++)
        n = append(argv, n,
                   (const char *const[]){"-type", "d", "-name", exclude[i], "-prune", "-o"}, 6);
    append(argv, n, tail, ARRAY_LEN(tail));
    return argv;
}

static int collect(struct envd_client *envd, const struct envd_process *process,
                   struct tree_build *b, struct err *err)
{
    struct collecting c = {.build = b, .line = BUF_INIT(NOTE_MAX)};
    int status;

    c.deadline = clock_deadline(COLLECT_MS);
    if (envd_start(envd, process, &c.stream, err))
        return -1;
    status = read_archive(&c, err);
    take_line(&c);
    if (!c.end && c.pid)
        envd_signal(envd, c.pid, SIGKILL, NULL);
    envd_stream_close(c.stream);
    buf_free(&c.line);
    return status;
}

int tree_collect(struct envd_client *envd, const char *dir, const char *const *exclude,
                 size_t n_exclude, const struct tree_caps *caps, struct arena *a, struct tree *ret,
                 struct err *err)
{
    ARENA_CLEANUP struct arena scratch = {0};
    struct tree_build b;
    struct envd_process process = {
        .env = tool_env,
        .n_env = ARRAY_LEN(tool_env),
        .cwd = dir,
        .timeout_ms = COLLECT_MS,
    };

    tree_build_start(&b, caps, a);
    process.argv = collect_argv(exclude, n_exclude, b.caps.file_bytes, &scratch);
    if (collect(envd, &process, &b, err))
        return err_wrap(err, "collect the files of '%s'", dir);
    tree_build_finish(&b, ret);
    return 0;
}

/* ---- placing ---- */

/*
 * chmod first: what ran before may have left folders that even their owner can't enter. Its
 * complaints don't matter; find's do.
 */
static const char place_script[] = "unset POSIXLY_CORRECT TAR_OPTIONS\n"
                                   "umask 022\n"
                                   "mkdir -p -- \"$1\" && cd -- \"$1\" || exit 1\n"
                                   "chmod -R u+rwX . 2>/dev/null\n"
                                   "find . -mindepth 1 -delete &&\n"
                                   "tar -x -f \"$2\" --no-same-owner --preserve-permissions\n";

static int extract(struct envd_client *envd, const char *dir, const char *archive, struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    const char *const argv[] = {"sh", "-c", place_script, "sh", dir, archive, NULL};
    struct envd_process process = {
        .argv = argv,
        .env = tool_env,
        .n_env = ARRAY_LEN(tool_env),
        .cwd = "/",
        .timeout_ms = PLACE_MS,
    };
    struct envd_run_options options = {.keep_bytes = ERR_MSG_MAX / 2};
    struct envd_result result;

    if (envd_run(envd, &a, &process, &options, &result, err))
        return -1;
    if (result.outcome == ENVD_TIMED_OUT)
        return err_set(err, ERR_TIMEOUT, "no end after %d s", PLACE_MS / 1000);
    if (result.outcome == ENVD_EXITED && result.exit_code == 0)
        return 0;
    return err_set(err, ERR_REMOTE, "%s: %s", result.status,
                   text_clean(&a, envd_output_text(&a, &result.out), TEXT_ONE_LINE).p);
}

int tree_place(const struct tree *t, struct envd_client *envd, const char *dir, struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    BUF_CLEANUP struct buf tar = BUF_INIT(t->bytes + (t->n_files + 8) * ENTRY_OVERHEAD);
    const char *archive = arena_printf(&a, "/tmp/kiln-tree-%s.tar", rand_id(&a, 20));
    /* A sandbox's clock may be a little behind ours; make warns of times in the future. */
    int64_t mtime = clock_wall_ms() / 1000 - 2;
    int status;

    if (tree_tar_write(t, mtime, &tar, err) || envd_write(envd, archive, buf_str(&tar), err))
        return err_wrap(err, "place files in '%s'", dir);
    status = extract(envd, dir, archive, err);
    if (envd_remove(envd, archive, status ? NULL : err))
        status = -1;
    return status ? err_wrap(err, "place files in '%s'", dir) : 0;
}
