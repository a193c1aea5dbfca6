/* kiln completion: scripts for shells, made from the tables of commands and options. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

static const char *join(struct arena *a, const char *list, const char *word)
{
    return arena_printf(a, "%s%s%s", list, *list ? " " : "", word);
}

static const char *option_words(struct arena *a, const struct command *c)
{
    const struct option_spec *tables[] = {c ? c->options : NULL, command_global_options};
    const char *list = "";

    for (int i = 0; i < 2; i++) {
        for (const struct option_spec *o = tables[i]; o && o->name; o++) {
            list = join(a, list, arena_printf(a, "--%s", o->name));
            if (o->letter)
                list = join(a, list, arena_printf(a, "-%c", o->letter));
        }
    }
    return list;
}

static const char *command_words(struct arena *a)
{
    const char *list = "";

    for (const struct command *const *c = commands; *c; c++)
        if (!(*c)->hidden)
            list = join(a, list, (*c)->name);
    return list;
}

static const char *subcommand_words(struct arena *a, const struct command *c)
{
    const char *list = c->arg_words ? c->arg_words : "";

    for (const struct command *s = c->subcommands; s && s->name; s++)
        list = join(a, list, s->name);
    return list;
}

/* ---- bash ---- */

static void bash_case(struct arena *a, const char *path, const struct command *c)
{
    printf("    '%s'*) words='%s %s' ;;\n", path, subcommand_words(a, c), option_words(a, c));
}

static void bash(struct arena *a)
{
    printf("# bash completion of kiln: eval \"$(kiln completion bash)\"\n"
           "_kiln() {\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path='' word "
           "words\n"
           "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
           "        case $word in -*) ;; *) path=${path:+$path }$word ;; esac\n"
           "    done\n"
           "    case $prev in\n"
           "    --file|-f|--script|--config|--env-file|--report)\n"
           "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n"
           "    --out|--files|--work|--bind)\n"
           "        mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); return ;;\n"
           "    esac\n"
           "    case $path in\n");
    printf("    '') words='%s %s' ;;\n", command_words(a), option_words(a, NULL));
    for (const struct command *const *c = commands; *c; c++) {
        if ((*c)->hidden)
            continue;
        for (const struct command *s = (*c)->subcommands; s && s->name; s++)
            bash_case(a, arena_printf(a, "%s %s", (*c)->name, s->name), s);
        bash_case(a, (*c)->name, *c);
    }
    printf("    *) words='' ;;\n"
           "    esac\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
           "}\n"
           "complete -o default -F _kiln kiln\n");
}

/* ---- zsh ---- */

/* A text for use inside single quotes of a zsh completion: no quotes, colons or brackets. */
static const char *zsh_text(struct arena *a, const char *text)
{
    char *copy = arena_strdup(a, text);

    for (char *p = copy; *p; p++)
        if (strchr("'[]:`$\\", *p))
            *p = ' ';
    return copy;
}

static const char *zsh_value(const struct option_spec *o)
{
    switch (o->takes) {
    case OPTION_FLAG:
        return "";
    case OPTION_FILE:
        return ":file:_files";
    case OPTION_DIR:
        return ":folder:_files -/";
    case OPTION_WORD:
        break;
    }
    return ":value: ";
}

static void zsh_options(struct arena *a, const struct option_spec *o)
{
    for (; o && o->name; o++) {
        const char *help = zsh_text(a, o->help), *value = zsh_value(o);

        printf(" \\\n            '%s--%s[%s]%s'", o->repeats ? "*" : "", o->name, help, value);
        if (o->letter)
            printf(" '-%c[%s]%s'", o->letter, help, value);
    }
}

static void zsh_case(struct arena *a, const char *path, const struct command *c)
{
    const char *words = subcommand_words(a, c);

    printf("    '%s'*)\n        _arguments -s", path);
    zsh_options(a, c->options);
    zsh_options(a, command_global_options);
    printf(" \\\n            '*:argument:%s%s%s' ;;\n", *words ? "(" : "_files", words,
           *words ? ")" : "");
}

static void zsh(struct arena *a)
{
    printf("#compdef kiln\n"
           "# zsh completion of kiln: eval \"$(kiln completion zsh)\"\n"
           "_kiln() {\n"
           "    local path='' word\n"
           "    for word in \"${(@)words[2,CURRENT-1]}\"; do\n"
           "        case $word in -*) ;; *) path=${path:+$path }$word ;; esac\n"
           "    done\n"
           "    case $path in\n"
           "    '')\n        _arguments -s");
    zsh_options(a, command_global_options);
    printf(" \\\n            '*:command:(%s)' ;;\n", command_words(a));
    for (const struct command *const *c = commands; *c; c++) {
        if ((*c)->hidden)
            continue;
        for (const struct command *s = (*c)->subcommands; s && s->name; s++)
            zsh_case(a, arena_printf(a, "%s %s", (*c)->name, s->name), s);
        zsh_case(a, (*c)->name, *c);
    }
    printf("    esac\n"
           "}\n"
           "compdef _kiln kiln\n");
}

/* ---- fish ---- */

static void fish_options(struct arena *a, const char *condition, const struct option_spec *o)
{
    for (; o && o->name; o++) {
        printf("complete -c kiln %s -l %s", condition, o->name);
        if (o->letter)
            printf(" -s %c", o->letter);
        if (o->takes != OPTION_FLAG)
            printf(o->takes == OPTION_WORD ? " -x" : " -r -F");
        printf(" -d '%s'\n", zsh_text(a, o->help));
    }
}

static void fish_command(struct arena *a, const struct command *c)
{
    const char *seen = arena_printf(a, "-n '__fish_seen_subcommand_from %s'", c->name);

    printf("complete -c kiln -n __fish_use_subcommand -a %s -d '%s'\n", c->name,
           zsh_text(a, c->summary));
    if (*subcommand_words(a, c))
        printf("complete -c kiln %s -a '%s'\n", seen, subcommand_words(a, c));
    fish_options(a, seen, c->options);
    for (const struct command *s = c->subcommands; s && s->name; s++)
        fish_options(a,
                     arena_printf(a,
                                  "-n '__fish_seen_subcommand_from %s; and "
                                  "__fish_seen_subcommand_from %s'",
                                  c->name, s->name),
                     s->options);
}

static void fish(struct arena *a)
{
    printf("# fish completion of kiln: kiln completion fish | source\n"
           "complete -c kiln -f\n");
    fish_options(a, "", command_global_options);
    for (const struct command *const *c = commands; *c; c++)
        if (!(*c)->hidden)
            fish_command(a, *c);
}

static int run(struct cli *cli, struct err *err)
{
    static const struct {
        const char *name;
        void (*write)(struct arena *a);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    const char *name = cli->options.args[0];

    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
        if (strcmp(shells[i].name, name) == 0) {
            shells[i].write(cli->arena);
            return EXIT_OK;
        }
    }
    return err_set(err, ERR_USAGE, "unknown shell '%s': there are bash, zsh and fish", name);
}

const struct command command_completion = {
    .name = "completion",
    .args = "bash | zsh | fish",
    .summary = "write a completion script for a shell",
    .examples = "  eval \"$(kiln completion bash)\"\n"
                "  kiln completion fish >~/.config/fish/completions/kiln.fish",
    .arg_words = "bash zsh fish",
    .min_args = 1,
    .max_args = 1,
    .no_config = true,
    .run = run,
};
