/* kiln run: one task in this process. */
#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "base/fs.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/message.h"
#include "cli/scripted.h"
#include "cli/summary.h"
#include "task/result.h"
#include "task/spec.h"
#include "task/task.h"

enum { RESULT_MAX_BYTES = 512 * 1024 * 1024 };

#define DEFAULT_URL "https://api.anthropic.com"

static const struct option_spec options[] = {
    {"file", 'f', OPTION_FILE, "FILE",
     "take the specification from a text file, or the whole task from a .json or .yaml file", NULL,
     false},
    {"out", 0, OPTION_DIR, "DIR", "folder that results are kept in (results)", "results.dir",
     false},
    {"iterations", 0, OPTION_WORD, "N", "most rounds of writing and checking (10)",
     "task.iterations", false},
    {"budget-usd", 0, OPTION_WORD, "X", "most dollars it may cost; 0 means no limit (5.00)",
     "task.budget_usd", false},
    {"timeout", 0, OPTION_WORD, "DURATION", "time limit: 90s, 10m, 1.5h (1h)", "task.timeout_s",
     false},
    {"model", 0, OPTION_WORD, "MODEL", "model id, or opus, sonnet, haiku (opus)", "model.name",
     false},
    {"script", 0, OPTION_FILE, "FILE",
     "let a script play the model: no key and no network (kiln help model-script)", NULL, false},
    {"task-id", 0, OPTION_WORD, "ID", "name the task instead of making an id", NULL, false},
    {0},
};

/* ---- the task ---- */

static bool is_task_file(const char *path)
{
    struct str s = str_from(path);

    return str_ends(s, ".json") || str_ends(s, ".yaml") || str_ends(s, ".yml");
}

static int read_text(struct cli *cli, const char *path, struct task_spec *ret, struct err *err)
{
    struct str text;

    if (fs_read_file(cli->arena, path, SPEC_MAX_BYTES, &text, err))
        return -1;
    return spec_from_text(cli->arena, text, ret, err);
}

static int read_source(struct cli *cli, struct task_spec *ret, struct err *err)
{
    const char *file = options_value(&cli->options, "file");
    const char *arg = cli->options.n_args ? cli->options.args[0] : NULL;

    if (!file == !arg) {
        err_set(err, ERR_USAGE,
                file ? "both a specification and --file are given" : "there is no specification");
        return err_fix(err, "kiln run \"Write ...\", kiln run -f FILE, or kiln run - to read it "
                            "from standard input");
    }
    if (!arg)
        return is_task_file(file) ? spec_from_file(cli->arena, file, ret, err)
                                  : read_text(cli, file, ret, err);
    if (strcmp(arg, "-") == 0)
        return read_text(cli, arg, ret, err);
    return spec_from_text(cli->arena, str_from(arg), ret, err);
}

static int read_spec(struct cli *cli, struct task_spec *ret, struct err *err)
{
    const char *id = options_value(&cli->options, "task-id");

    if (id && !spec_id_ok(id))
        return err_set(err, ERR_USAGE,
                       "--task-id: '%s' is not an id: small letters, digits and '._-', at most %d",
                       id, SPEC_ID_MAX);
    if (read_source(cli, ret, err))
        return -1;
    if (id)
        ret->id = id;
    return 0;
}

/* A server of the user's own may need no key; the public one always does. */
static int check_key(struct cli *cli, struct err *err)
{
    const struct config *c = &cli->config;

    if (options_has(&cli->options, "script") || c->api_key || c->auth_token ||
        strcmp(c->base_url, DEFAULT_URL) != 0)
        return 0;
    cli->error_code = "no_api_key";
    err_set(err, ERR_AUTH,
            "No Anthropic API key found. Looked in ANTHROPIC_API_KEY, ANTHROPIC_API_KEY_FILE, "
            "ANTHROPIC_AUTH_TOKEN and .env.");
    return err_fix(err, "put ANTHROPIC_API_KEY=... into .env and chmod 600 it, set "
                        "ANTHROPIC_BASE_URL to a server of your own, or try --script FILE");
}

static int recover(struct cli *cli, struct err *err)
{
    size_t n = 0;

    if (result_recover(cli->config.results_dir, &n, err))
        return -1;
    if (n && !cli->quiet)
        message_note("Kept what %zu earlier run%s left unfinished in %s.", n, n == 1 ? "" : "s",
                     cli->config.results_dir);
    return 0;
}

/* ---- its end ---- */

static void warn_of_script(const json_t *report)
{
    const json_t *unmet = json_object_get(report, "unmet"), *one;
    size_t i;

    if (!report)
        message_warning("the scripted model left no report");
    json_array_foreach (unmet, i, one)
        message_warning("script: %s", json_string_value(one));
}

/* The result as it is on disk, and with it where that is and how the script fared. */
static int print_json(struct cli *cli, const struct task_outcome *outcome, json_t *report,
                      struct err *err)
{
    JSON_CLEANUP json_t *result = NULL;
    const char *path = fs_join(cli->arena, outcome->result_path, "result.json");
    struct str text;

    if (fs_read_file(cli->arena, path, RESULT_MAX_BYTES, &text, err))
        return -1;
    result = json_parse(text, path, err);
    if (!result)
        return -1;
    json_set(result, "path", json_c(outcome->result_path));
    if (report)
        json_set(result, "script", json_incref(report));
    message_json(result);
    return 0;
}

static int tell_end(struct cli *cli, const struct task_spec *spec,
                    const struct task_outcome *outcome, json_t *report, struct err *err)
{
    struct term t;

    if (options_has(&cli->options, "script"))
        warn_of_script(report);
    if (outcome->state == TASK_CANCELLED)
        message_note("Stopped. What was there is kept in %s", outcome->result_path);
    if (cli->json)
        return print_json(cli, outcome, report, err);
    term_init(&t, stdout, options_has(&cli->options, "no-color"));
    summary_where(&t, spec->id, outcome->result_path);
    return 0;
}

/* ---- between ---- */

static int run_task(struct cli *cli, const struct task_spec *spec, const char *socket,
                    struct task_outcome *ret, struct err *err)
{
    /* With --json standard output is for the document alone. */
    struct console *console =
        console_new(&(struct console_options){.file = cli->json ? stderr : stdout,
                                              .no_colour = options_has(&cli->options, "no-color"),
                                              .quiet = cli->quiet,
                                              .verbose = cli->verbose});
    struct task_options task = {.config = &cli->config,
                                .model_socket = socket,
                                .scripted = socket != NULL,
                                .on_event = console_event,
                                .ctx = console};
    int rc = console_start(console, err);

    if (rc == 0)
        rc = task_run(cli->arena, spec, &task, ret, err);
    console_free(console);
    return rc;
}

static int run(struct cli *cli, struct err *err)
{
    const char *script = options_value(&cli->options, "script");
    struct task_outcome outcome = {0};
    struct scripted *scripted = NULL;
    JSON_CLEANUP json_t *report = NULL;
    struct task_spec spec = {0};
    int rc;

    if (read_spec(cli, &spec, err) || check_key(cli, err) || cancel_install(err) ||
        recover(cli, err))
        return -1;
    if (script && scripted_start(script, &scripted, err))
        return -1;
    rc = run_task(cli, &spec, scripted ? scripted_socket(scripted) : NULL, &outcome, err);
    if (scripted)
        report = scripted_end(scripted);
    if (rc || tell_end(cli, &spec, &outcome, report, err))
        return -1;
    return exit_of_task(task_state_name(outcome.state), task_reason_name(outcome.reason));
}

const struct command command_run = {
    .name = "run",
    .args = "SPEC | -f FILE | -",
    .summary = "turn a specification into tested code",
    .details =
        "  Plans, writes and checks the code in a sandbox, round after round, until its tests,\n"
        "  build, types and lint are green or a limit is reached, then repeats the checks in a\n"
        "  fresh sandbox. SPEC is the specification itself; - reads it from standard input.\n"
        "  Exit code 0 means green; 5 means not green, 6 that a limit was reached.\n"
        "  With --json the result is one document on standard output.",
    .examples = "  kiln run \"Write a calculator module in Python with unit tests\"\n"
                "  kiln run -f task.yaml --budget-usd 2 --timeout 20m\n"
                "  kiln run -f spec.txt --script demo.yaml --json",
    .options = options,
    .max_args = 1,
    .run = run,
};
