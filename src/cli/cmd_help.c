/* kiln help: topics, and help of commands. */
#include <stdio.h>
#include <string.h>

#include "base/embed.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/message.h"

#define TOPICS "data/help/"

enum { NAMES_MAX = 128 };

/* "exit-codes" of "data/help/exit-codes.txt". */
static const char *topic_name(struct arena *a, const struct embed_file *f)
{
    struct str s = str_from_pos(str_from(f->name), strlen(TOPICS));

    if (str_ends(s, ".txt"))
        s.n -= strlen(".txt");
    return arena_dup(a, s).p;
}

static json_t *options_json(const struct option_spec *o)
{
    json_t *list = json_array();

    for (; o && o->name; o++) {
        char letter[2] = {o->letter, '\0'};

        json_add(list, json_pack("{s:s, s:s?, s:s?, s:s}", "name", o->name, "letter",
                                 o->letter ? letter : NULL, "value", o->value, "help", o->help));
    }
    return list;
}

static json_t *command_json(const struct command *c)
{
    json_t *o = json_object(), *subs = json_array();

    json_set(o, "name", json_c(c->name));
    json_set(o, "args", json_c(c->args));
    json_set(o, "summary", json_c(c->summary));
    json_set(o, "options", options_json(c->options));
    for (const struct command *s = c->subcommands; s && s->name; s++)
        json_add(subs, command_json(s));
    json_set(o, "commands", subs);
    return o;
}

/* Everything, for programs: completion of other shells, the check of the manual. */
static int everything_as_json(struct cli *cli)
{
    JSON_CLEANUP json_t *document = json_object();
    json_t *list = json_array(), *topics = json_array();
    const struct embed_file *f;
    size_t at = 0;

    for (const struct command *const *c = commands; *c; c++)
        if (!(*c)->hidden)
            json_add(list, command_json(*c));
    while ((f = embed_next(TOPICS, &at)))
        json_add(topics, json_c(topic_name(cli->arena, f)));
    json_set(document, "commands", list);
    json_set(document, "options", options_json(command_global_options));
    json_set(document, "topics", topics);
    message_json(document);
    return EXIT_OK;
}

static int overview(struct cli *cli)
{
    const struct embed_file *f;
    size_t at = 0;

    fputs(command_overview(cli->arena), stdout);
    fputs("\nTopics\n ", stdout);
    while ((f = embed_next(TOPICS, &at)))
        printf(" %s", topic_name(cli->arena, f));
    putchar('\n');
    return EXIT_OK;
}

static int unknown(struct cli *cli, const char *word, struct err *err)
{
    const char *names[NAMES_MAX], *near;
    const struct embed_file *f;
    size_t n = 0, at = 0;

    while (n < NAMES_MAX && (f = embed_next(TOPICS, &at)))
        names[n++] = topic_name(cli->arena, f);
    for (const struct command *const *c = commands; *c && n < NAMES_MAX; c++)
        if (!(*c)->hidden)
            names[n++] = (*c)->name;
    near = json_nearest(word, names, n);
    err_set(err, ERR_USAGE, "no help on '%s'%s%s%s", word, near ? "; did you mean '" : "",
            near ? near : "", near ? "'?" : "");
    return err_fix(err, "kiln help lists all topics");
}

/* A command, with its own command if a second word is given. */
static const struct command *find_command(struct cli *cli)
{
    const char **args = cli->options.args;
    const struct command *c = command_find(args[0], NULL);

    if (c && cli->options.n_args > 1)
        c = c->subcommands ? command_find_sub(c, args[1], NULL) : NULL;
    return c;
}

/* ---- what topics have from the table of settings ---- */

static const char *default_of(const struct config_setting *s)
{
    if (s->kind == CONFIG_SECRET)
        return "secret";
    return s->fallback[0] ? s->fallback : "none";
}

static void list_settings(void)
{
    for (const struct config_setting *s = config_settings; s->key; s++) {
        printf("\n  %s (%s)\n      %s\n", s->key, default_of(s), s->help);
        if (s->choices)
            printf("      one of: %s\n", s->choices);
        else if (s->kind == CONFIG_INT || s->kind == CONFIG_REAL || s->kind == CONFIG_SECONDS)
            printf("      from %.15g to %.15g\n", s->min, s->max);
    }
}

static void list_variables(void)
{
    putchar('\n');
    for (const struct config_setting *s = config_settings; s->key; s++)
        printf("  %-24s %s%s%s\n", s->env, s->key, s->alias ? ", also " : "",
               s->alias ? s->alias : "");
}

static int topic(const char *name, struct str text)
{
    fwrite(text.p, 1, text.n, stdout);
    if (strcmp(name, "config") == 0)
        list_settings();
    else if (strcmp(name, "env") == 0)
        list_variables();
    return EXIT_OK;
}

static int run(struct cli *cli, struct err *err)
{
    const char *word = cli->options.args[0];
    const struct command *c;
    struct str text;

    if (!word)
        return cli->json ? everything_as_json(cli) : overview(cli);
    if (cli->options.n_args == 1 &&
        embed_find(arena_printf(cli->arena, TOPICS "%s.txt", word), &text))
        return topic(word, text);
    c = find_command(cli);
    if (!c)
        return unknown(cli, cli->options.args[cli->options.n_args - 1], err);
    fputs(command_help_text(cli->arena, c), stdout);
    return EXIT_OK;
}

const struct command command_help = {
    .name = "help",
    .args = "[TOPIC | COMMAND]",
    .summary = "explain a topic or a command",
    .examples = "  kiln help exit-codes\n  kiln help config show",
    .max_args = 2,
    .no_config = true,
    .run = run,
};
