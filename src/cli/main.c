/* From argv to a command, and from its outcome to an exit code. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/command.h"
#include "cli/message.h"

/* What an error on the way to the command must know already. */
static bool wants(int argc, char **argv, const char *flag)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], flag) == 0)
            return true;
    return false;
}

static int check_args(struct cli *cli, struct err *err)
{
    const struct command *c = cli->command;
    int n = cli->options.n_args;

    if (n >= c->min_args && (c->max_args < 0 || n <= c->max_args))
        return 0;
    if (n < c->min_args)
        err_set(err, ERR_USAGE, "'%s' needs an argument: %s", command_path(cli->arena, c), c->args);
    else if (c->max_args == 0)
        err_set(err, ERR_USAGE, "'%s' takes no argument, but '%s' was given",
                command_path(cli->arena, c), cli->options.args[0]);
    else
        err_set(err, ERR_USAGE, "there is more than '%s' takes: '%s'; quotes keep words together",
                command_path(cli->arena, c), cli->options.args[c->max_args]);
    return err_fix(err, "%s --help", command_path(cli->arena, c));
}

static void set_log_level(const char *name)
{
    static const struct {
        const char *name;
        enum log_level level;
    } levels[] = {
        {"error", LOG_ERROR}, {"warn", LOG_WARN}, {"info", LOG_INFO}, {"debug", LOG_DEBUG}};

    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        if (strcmp(levels[i].name, name) == 0)
            log_set_level(levels[i].level);
}

/* Leaves no core and lets no other process of this user look: keys are also in the environment, and
 * in copies that libraries make. */
static void hide_keys(const struct config *c)
{
    if (c->api_key || c->auth_token)
        prctl(PR_SET_DUMPABLE, 0);
}

static int load_config(struct cli *cli, struct err *err)
{
    struct config_override *overrides;
    struct config_options o = {
        .file = options_value(&cli->options, "config"),
        .env_file = options_value(&cli->options, "env-file"),
        .environ = (const char *const *)environ,
    };

    options_overrides(&cli->options, cli->arena, &overrides, &o.n_overrides);
    o.overrides = overrides;
    if (config_load(cli->arena, &o, &cli->config, &cli->warnings, err))
        return -1;
    hide_keys(&cli->config);
    for (size_t i = 0; i < cli->warnings.n && !cli->quiet; i++)
        message_warning("%s", cli->warnings.items[i]);
    set_log_level(cli->config.log_level);
    return 0;
}

static int run_command(struct cli *cli, struct err *err)
{
    if (check_args(cli, err))
        return -1;
    cli->json = options_has(&cli->options, "json");
    cli->quiet = options_has(&cli->options, "quiet");
    cli->verbose = options_has(&cli->options, "verbose");
    if (!cli->command->no_config && load_config(cli, err))
        return -1;
    return cli->command->run(cli, err);
}

/* Follows the words of argv from command to command; argv[0] is the word that was taken last.
 * Returns 0 when cli->command is the one to run, 1 when help was given instead. */
static int find_command(struct cli *cli, int argc, char **argv, struct err *err)
{
    const struct option_spec *tables[] = {command_global_options, NULL, NULL};
    const struct command *c = cli->command;
    bool leads_on = !c || c->subcommands;

    tables[1] = c ? c->options : NULL;
    if (options_parse(cli->arena, tables, argc, argv, leads_on || c->options_first, &cli->options,
                      err))
        return -1;
    if (leads_on && cli->options.n_args) {
        const char *word = cli->options.args[0];
        int taken = argc - cli->options.n_args;

        cli->command = c ? command_find_sub(c, word, err) : command_find(word, err);
        return cli->command ? find_command(cli, argc - taken, argv + taken, err) : -1;
    }
    if (options_has(&cli->options, "version")) {
        puts("kiln " KILN_VERSION);
        return 1;
    }
    if (options_has(&cli->options, "help")) {
        fputs(c ? command_help_text(cli->arena, c) : command_overview(cli->arena), stdout);
        return 1;
    }
    if (leads_on) {
        err_set(err, ERR_USAGE, "%s needs a command", c ? command_path(cli->arena, c) : "kiln");
        return err_fix(err, "%s --help", c ? command_path(cli->arena, c) : "kiln");
    }
    return 0;
}

/* Data that nobody could take is a failure, except to a pipe whose reader has had enough. */
static int flush_output(struct err *err)
{
    if ((fflush(stdout) == 0 && !ferror(stdout)) || errno == EPIPE)
        return 0;
    return err_sys(err, ERR_IO, errno, "write to standard output");
}

int main(int argc, char **argv)
{
    ARENA_CLEANUP struct arena a = {0};
    struct cli cli = {.arena = &a};
    struct err err = {0};
    int code;

    message_init(wants(argc, argv, "--no-color"));
    code = find_command(&cli, argc, argv, &err);
    if (code == 0)
        code = run_command(&cli, &err);
    else if (code > 0)
        code = EXIT_OK;
    config_clear(&cli.config);
    if (code >= 0 && flush_output(&err))
        code = -1;
    if (code >= 0)
        return code;
    message_error(wants(argc, argv, "--json"), cli.error_code, &err);
    return exit_of_error(&err);
}
