#include "engine/tools.h"

#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

enum { COMMAND_MS = 120 * 1000, CWD_MAX = 4096, BRIEF_MAX = 200 };

/* Where a shell leaves the folder it ended in. It is read back only to be given to the next one,
 * so that nothing but the sandbox's own comfort hangs on it. */
#define CWD_FILE ".kiln-cwd" /* in HOME */

static const char *quote(struct arena *a, const char *text)
{
    char *quoted = arena_alloc(a, strlen(text) * 4 + 3, 1), *out = quoted;

    *out++ = '\'';
    for (; *text; text++) {
        if (*text == '\'')
            out = stpcpy(out, "'\\''");
        else
            *out++ = *text;
    }
    *out = '\'';
    return quoted;
}

/* The command behind one line that puts it where the last one ended. */
static const char *script(const struct tools *t, struct arena *a, const char *command)
{
    return arena_printf(a,
                        "cd -- %s 2>/dev/null || cd -- %s || exit; "
                        "trap 'pwd -P 2>/dev/null >~/" CWD_FILE "' EXIT\n%s",
                        quote(a, t->cwd ? t->cwd : t->env->work), quote(a, t->env->work), command);
}

static int keep_cwd(struct tools *t, struct arena *a, struct err *err)
{
    struct tools_result ignored;
    struct err why = {0};
    struct str path;

    if (envd_read(t->env->envd, a, CWD_FILE, 0, CWD_MAX, &path, &why))
        return tools_blame(a, &why, &ignored, err);
    path = text_clean(a, str_trim(path), TEXT_ONE_LINE);
    if (path.n == 0 || path.p[0] != '/')
        return 0;
    free(t->cwd);
    t->cwd = strndup(path.p, path.n);
    return 0;
}

/* What was kept of the output, cut at line ends, and exactly how much is missing. */
static struct str output_text(struct arena *a, const struct envd_output *o)
{
    struct str head = o->head, tail = o->tail;
    uint64_t omitted = o->omitted;
    ptrdiff_t end;

    if (omitted == 0) {
        BUF_CLEANUP struct buf whole = BUF_INIT(head.n + tail.n);

        buf_add(&whole, head, NULL);
        buf_add(&whole, tail, NULL);
        return text_clean(a, buf_str(&whole), TEXT_LINES);
    }
    for (size_t n = head.n; n > head.n / 2; n--) {
        if (head.p[n - 1] == '\n') {
            omitted += head.n - n;
            head.n = n;
            break;
        }
    }
    end = str_find_char(tail, '\n');
    if (end >= 0 && (size_t)end < tail.n / 2) {
        omitted += (uint64_t)end + 1;
        tail = str_from_pos(tail, (size_t)end + 1);
    }
    head = text_clean(a, head, TEXT_LINES);
    return str_from(arena_printf(a, "%s%s[... %llu bytes omitted ...]\n%s", head.p,
                                 str_ends(head, "\n") ? "" : "\n", (unsigned long long)omitted,
                                 text_clean(a, tail, TEXT_LINES).p));
}

/* How it ended, when that isn't a plain success. */
static const char *ending(struct arena *a, const struct envd_result *r, bool too_much, int limit_ms)
{
    if (too_much)
        return "[stopped: it printed too much. Write the output to a file and look at parts of "
               "it.]";
    if (r->outcome == ENVD_TIMED_OUT)
        return arena_printf(a,
                            "[stopped after its time limit of %s, with all that it had started. "
                            "Nothing may be left running; run long work in parts.]",
                            clock_human(a, limit_ms));
    if (r->outcome == ENVD_SIGNALLED)
        return arena_printf(a, "[%s]", r->status ? r->status : "ended by a signal");
    if (r->exit_code != 0)
        return arena_printf(a, "[exit code %d]", r->exit_code);
    return NULL;
}

static struct str last_line(struct str text)
{
    text = str_trim(text);
    for (size_t i = text.n; i > 0; i--)
        if (text.p[i - 1] == '\n')
            return str_from_pos(text, i);
    return text;
}

static void report(struct arena *a, const struct envd_result *r, bool too_much, int limit_ms,
                   struct tools_result *ret)
{
    struct str text = output_text(a, &r->out);
    const char *end = ending(a, r, too_much, limit_ms);
    struct str line = last_line(text);

    ret->failed = end != NULL;
    ret->brief = tools_one_line(a,
                                str_from(arena_printf(a, "%s%s%.*s", end ? end : "",
                                                      end && line.n ? " " : "", STR_ARG(line))),
                                BRIEF_MAX);
    if (end)
        text = str_from(arena_printf(a, "%.*s%s%s", STR_ARG(text),
                                     text.n && text.p[text.n - 1] != '\n' ? "\n" : "", end));
    ret->text = str_trim(text).n ? text : STR("(no output)");
}

/* The command's time limit, within the task's. */
static int limit_ms(const struct engine_limits *limits)
{
    int command_ms = limits->command_ms > 0 ? limits->command_ms : COMMAND_MS;
    int64_t left = limits->deadline > 0 ? limits->deadline - clock_now_ms() : CLOCK_NEVER;

    return left < command_ms ? (int)(left > 0 ? left : 0) : command_ms;
}

static int run(struct tools *t, struct arena *a, const char *command, struct tools_result *ret,
               struct err *err)
{
    const char *argv[] = {"/bin/bash", "-c", script(t, a, command), NULL};
    static const struct envd_env env[] = {{"PAGER", "cat"}, {"GIT_PAGER", "cat"}, {"TERM", "dumb"}};
    struct envd_process process = {
        .argv = argv,
        .env = env,
        .n_env = ARRAY_LEN(env),
        .cwd = t->env->work,
        .timeout_ms = limit_ms(&t->env->limits),
    };
    struct envd_run_options options = {.keep_bytes = TOOLS_OUTPUT_MAX};
    struct envd_result result = {0};
    struct err why = {0};
    bool too_much;

    if (process.timeout_ms == 0)
        return err_set(err, ERR_TIMEOUT, "the task's time limit ran out");
    too_much = envd_run(t->env->envd, a, &process, &options, &result, &why) != 0;
    if (too_much && why.kind != ERR_LIMIT)
        return tools_blame(a, &why, ret, err);
    report(a, &result, too_much, process.timeout_ms, ret);
    return keep_cwd(t, a, err);
}

int tools_bash(struct tools *t, struct arena *a, const json_t *input, struct tools_result *ret,
               struct err *err)
{
    const char *command = tools_get_string(input, "command");

    if (json_get_bool(input, "restart", false)) {
        tools_clear(t);
        return tools_say(a, ret, "The shell was restarted, in %s.", t->env->work);
    }
    if (!command)
        return tools_fail(a, ret,
                          "The input of bash needs 'command', a string without NUL characters, or "
                          "'restart': true.");
    if (strlen(command) > TOOLS_COMMAND_MAX)
        return tools_fail(a, ret,
                          "The command has %zu bytes; at most %d are possible. Create files with "
                          "str_replace_based_edit_tool instead.",
                          strlen(command), TOOLS_COMMAND_MAX);
    return run(t, a, command, ret, err);
}
