/* kiln sandbox: a sandbox by hand. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/rand.h"
#include "cli/box.h"
#include "cli/command.h"
#include "cli/message.h"
#include "cli/shell.h"

enum { JSON_KEEP_BYTES = 1024 * 1024 };

#define SANDBOX_OPTIONS                                                                            \
    {"work", 0, OPTION_DIR, "DIR", "copy this folder into the workspace first", NULL, false},      \
        {"bind", 0,   OPTION_WORD, "FROM[:TO]", "show this file or folder inside, read-only",      \
         NULL,   true},                                                                            \
        {"env", 0, OPTION_WORD, "NAME=VALUE", "set a variable inside", NULL, true},                \
        {"memory", 0, OPTION_WORD, "MIB", "memory of all processes (2048)", "sandbox.memory_mb",   \
         false},                                                                                   \
        {"disk", 0, OPTION_WORD, "MIB", "size of the workspace (1024)", "sandbox.disk_mb", false}, \
        {"pids", 0, OPTION_WORD, "N", "most processes and threads (512)", "sandbox.pids", false},  \
        {"cpus", 0, OPTION_WORD, "N", "processors it may use", "sandbox.cpus", false},             \
    {                                                                                              \
        "require", 0, OPTION_WORD, "LAYERS", "refuse to run without these layers",                 \
            "sandbox.require", false                                                               \
    }

static const struct option_spec exec_options[] = {
    SANDBOX_OPTIONS,
    {"timeout", 0, OPTION_WORD, "DURATION", "kill the command after this time (no limit)",
     "engine.command_s", false},
    {0},
};

static const struct option_spec shell_options[] = {SANDBOX_OPTIONS, {0}};

/* ---- exec ---- */

/* Passes output on as it comes, each stream to its own. */
static int stream_output(const struct envd_event *e, struct err *err)
{
    return fs_write_all(e->kind == ENVD_STDERR ? STDERR_FILENO : STDOUT_FILENO, e->data, err);
}

/* The command's own exit code, or as a shell tells a signal. */
static int code_of(const struct envd_event *e)
{
    return e->exited ? e->exit_code & 0xff : EXIT_SIGNAL + SIGKILL;
}

static int follow(struct envd_stream *s, struct envd_client *envd, struct err *err)
{
    struct envd_event e;
    uint32_t pid = 0;

    for (;;) {
        if (envd_stream_next(s, -1, &e, err)) {
            if (err->kind == ERR_CANCELLED && pid)
                envd_signal(envd, pid, SIGKILL, NULL);
            return -1;
        }
        if (e.kind == ENVD_START)
            pid = e.pid;
        else if (e.kind == ENVD_END)
            return code_of(&e);
        else if (e.kind != ENVD_NONE && stream_output(&e, err))
            return -1;
    }
}

static int exec_streaming(struct box *b, const struct envd_process *p, struct err *err)
{
    struct envd_client *envd = sandbox_envd(b->sandbox);
    struct envd_stream *s;
    int code;

    if (envd_start(envd, p, &s, err))
        return -1;
    code = follow(s, envd, err);
    envd_stream_close(s);
    return code;
}

static int exec_json(struct box *b, const struct envd_process *p, struct arena *a, struct err *err)
{
    static const char *const outcomes[] = {
        [ENVD_EXITED] = "exited", [ENVD_SIGNALLED] = "signalled", [ENVD_TIMED_OUT] = "timed_out"};
    const struct envd_run_options options = {.keep_bytes = JSON_KEEP_BYTES};
    JSON_CLEANUP json_t *document = json_object();
    struct envd_result r;

    if (envd_run(sandbox_envd(b->sandbox), a, p, &options, &r, err))
        return -1;
    json_set(document, "outcome", json_c(outcomes[r.outcome]));
    json_set(document, "exit_code",
             r.outcome == ENVD_EXITED ? json_integer(r.exit_code) : json_null());
    json_set(document, "status", json_c(r.status));
    json_set(document, "output", json_str(envd_output_text(a, &r.out)));
    json_set(document, "output_bytes", json_integer((json_int_t)r.out.total));
    json_set(document, "omitted_bytes", json_integer((json_int_t)r.out.omitted));
    json_set(document, "wall_ms", json_integer(r.wall_ms));
    json_set(document, "sandbox", json_deep_copy(sandbox_record(b->sandbox)));
    message_json(document);
    if (r.outcome == ENVD_TIMED_OUT)
        return EXIT_LIMIT;
    return r.outcome == ENVD_EXITED ? r.exit_code & 0xff : EXIT_SIGNAL + SIGKILL;
}

static int run_exec(struct cli *cli, struct err *err)
{
    struct box b = {0};
    struct envd_process p = {.argv = cli->options.args, .cwd = SANDBOX_WORK};
    int code;

    if (options_has(&cli->options, "timeout"))
        p.timeout_ms = (int)(cli->config.command_s * 1000);
    if (box_env(cli, &p.env, &p.n_env, err) || cancel_install(err) || box_open(cli, &b, err))
        return -1;
    code = cli->json ? exec_json(&b, &p, cli->arena, err) : exec_streaming(&b, &p, err);
    box_close(&b);
    return code;
}

/* ---- shell ---- */

static int run_shell(struct cli *cli, struct err *err)
{
    struct box b = {0};
    struct envd_process p = {.argv = (const char *const[]){"bash", "-l", NULL},
                             .cwd = SANDBOX_WORK};
    int code;

    if (box_env(cli, &p.env, &p.n_env, err) || cancel_install(err) || box_open(cli, &b, err))
        return -1;
    code = shell_run(sandbox_envd(b.sandbox), &p, err);
    box_close(&b);
    return code;
}

/* ---- check ---- */

static int run_check(struct cli *cli, struct err *err)
{
    struct box b = {0};

    if (cancel_install(err) || box_open(cli, &b, err))
        return -1;
    message_json(sandbox_record(b.sandbox));
    box_close(&b);
    return EXIT_OK;
}

static const struct command subcommands[] = {
    {
        .name = "exec",
        .args = "[--] COMMAND [ARG ...]",
        .summary = "run a command in a new sandbox",
        .details =
            "  The command starts in " SANDBOX_WORK
            " with nothing on standard input and no network. Its output\n"
            "  is passed on as it comes, and its exit code is the one of kiln; a command that was\n"
            "  killed counts as 137, one whose time ran out as 6. Everything in the sandbox is\n"
            "  gone when it ends. With --json: one document at the end.",
        .examples = "  kiln sandbox exec -- id\n"
                    "  kiln sandbox exec --work . --timeout 5m -- make test",
        .options = exec_options,
        .min_args = 1,
        .max_args = -1,
        .options_first = true,
        .run = run_exec,
    },
    {
        .name = "shell",
        .summary = "open a shell in a new sandbox",
        .examples = "  kiln sandbox shell --work .",
        .options = shell_options,
        .run = run_shell,
    },
    {
        .name = "check",
        .summary = "open a sandbox and show what isolates it, as JSON",
        .options = shell_options,
        .run = run_check,
    },
    {0},
};

const struct command command_sandbox = {
    .name = "sandbox",
    .summary = "run something in a sandbox by hand",
    .subcommands = subcommands,
};
