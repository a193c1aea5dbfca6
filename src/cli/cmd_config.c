/* kiln config: what the settings are and where they come from. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "cli/command.h"
#include "cli/message.h"
#include "cli/summary.h"

static json_t *setting_json(struct cli *cli, const struct config_setting *s)
{
    json_t *o = json_object();

    json_set(o, "key", json_c(s->key));
    json_set(o, "value", json_c(config_show(cli->arena, &cli->config, s)));
    json_set(o, "origin", json_c(config_origin(&cli->config, s->key)));
    json_set(o, "default", json_c(s->fallback));
    json_set(o, "variable", json_c(s->env));
    json_set(o, "alias", json_c(s->alias));
    json_set(o, "help", json_c(s->help));
    return o;
}

static int show_json(struct cli *cli)
{
    JSON_CLEANUP json_t *document = json_object();
    json_t *list = json_array();

    for (const struct config_setting *s = config_settings; s->key; s++)
        json_add(list, setting_json(cli, s));
    json_set(document, "settings", list);
    message_json(document);
    return EXIT_OK;
}

static int show_one(struct cli *cli, const char *key, struct err *err)
{
    const struct config_setting *s = config_find(key);
    const char *near = config_nearest(key);
    JSON_CLEANUP json_t *document = NULL;

    if (!s)
        return err_set(err, ERR_USAGE, "unknown setting '%s'%s%s%s", key,
                       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    if (cli->json) {
        document = setting_json(cli, s);
        message_json(document);
    } else {
        puts(summary_clean(cli->arena, config_show(cli->arena, &cli->config, s)));
    }
    return EXIT_OK;
}

static int show(struct cli *cli, struct err *err)
{
    if (cli->options.n_args)
        return show_one(cli, cli->options.args[0], err);
    if (cli->json)
        return show_json(cli);
    for (const struct config_setting *s = config_settings; s->key; s++) {
        const char *value = config_show(cli->arena, &cli->config, s);

        printf("%-20s %-28s %s\n", s->key, *value ? summary_clean(cli->arena, value) : "-",
               summary_clean(cli->arena, config_origin(&cli->config, s->key)));
    }
    return EXIT_OK;
}

static void add_path(json_t *list, const char *what, const char *path)
{
    if (path)
        json_add(list, json_pack("{s:s, s:s, s:b}", "what", what, "path", path, "exists",
                                 fs_exists(path)));
}

static int path(struct cli *cli, struct err *err)
{
    const struct config_options o = {
        .file = options_value(&cli->options, "config"),
        .env_file = options_value(&cli->options, "env-file"),
        .environ = (const char *const *)environ,
    };
    JSON_CLEANUP json_t *document = json_object();
    json_t *list = json_array(), *one;
    struct config_paths p;
    size_t i;

    json_set(document, "files", list);
    if (config_find_paths(cli->arena, &o, &p, err))
        return -1;
    add_path(list, ".env", p.dotenv);
    add_path(list, "project", p.project);
    add_path(list, "user", p.user);
    add_path(list, "host", p.host);
    if (cli->json) {
        message_json(document);
        return EXIT_OK;
    }
    json_array_foreach (list, i, one)
        printf("%-8s %-7s %s\n", json_get_c(one, "what"),
               json_get_bool(one, "exists", false) ? "read" : "absent",
               summary_clean(cli->arena, json_get_c(one, "path")));
    return EXIT_OK;
}

/* Loading has checked everything already; what is left is to say so. */
static int lint(struct cli *cli, struct err *err)
{
    JSON_CLEANUP json_t *document = NULL;

    if (cli->json) {
        document = json_pack("{s:b, s:i}", "ok", 1, "warnings", (int)cli->warnings.n);
        message_json(document);
    } else if (!cli->quiet) {
        printf("The configuration is valid, with %zu warning%s.\n", cli->warnings.n,
               cli->warnings.n == 1 ? "" : "s");
    }
    return EXIT_OK;
}

static const struct command subcommands[] = {
    {
        .name = "show",
        .args = "[KEY]",
        .summary = "show all settings with their origin, or the value of one",
        .examples = "  kiln config show\n  kiln config show task.iterations",
        .max_args = 1,
        .run = show,
    },
    {
        .name = "path",
        .summary = "show which files are read, strongest first",
        .no_config = true,
        .run = path,
    },
    {
        .name = "lint",
        .summary = "check all configuration files",
        .run = lint,
    },
    {0},
};

const struct command command_config = {
    .name = "config",
    .summary = "show and check the configuration",
    .details = "  Settings come from flags, the environment, .env, kiln.yaml (upwards to the root\n"
               "  of the git checkout), ~/.config/kiln/config.yaml and /etc/kiln/kiln.yaml, the\n"
               "  first of these that has them. `kiln help config` explains each.",
    .subcommands = subcommands,
};
