#include "cli/command.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

#define X(name) extern const struct command command_##name;
#include "cli_cmd_list.h"
#undef X

const struct command *const commands[] = {
#define X(name) &command_##name,
#include "cli_cmd_list.h"
#undef X
    NULL,
};

enum { HELP_MAX = 64 * 1024, NAMES_MAX = 64, COLUMN = 28, WIDTH = 96 };

const struct option_spec command_global_options[] = {
    {"json", 0, OPTION_FLAG, NULL, "one JSON document on standard output, also for an error", NULL,
     false},
    {"quiet", 'q', OPTION_FLAG, NULL, "say only what was asked for, and errors", NULL, false},
    {"verbose", 'v', OPTION_FLAG, NULL, "say more", NULL, false},
    {"no-color", 0, OPTION_FLAG, NULL, "no colours", NULL, false},
    {"config", 0, OPTION_FILE, "FILE", "read this file instead of the ones looked for", NULL,
     false},
    {"env-file", 0, OPTION_FILE, "FILE", "read this file instead of ./.env", NULL, false},
    {"help", 'h', OPTION_FLAG, NULL, "show help", NULL, false},
    {"version", 0, OPTION_FLAG, NULL, "show the version", NULL, false},
    {0},
};

static int unknown(const char *what, const char *name, const char *const *names, size_t n,
                   const char *fix, struct err *err)
{
    const char *near = json_nearest(name, names, n);

    err_set(err, ERR_USAGE, "unknown %s '%s'%s%s%s", what, name, near ? "; did you mean '" : "",
            near ? near : "", near ? "'?" : "");
    return err_fix(err, "%s", fix);
}

const struct command *command_find(const char *name, struct err *err)
{
    const char *names[NAMES_MAX];
    size_t n = 0;

    for (const struct command *const *c = commands; *c; c++) {
        if (strcmp((*c)->name, name) == 0)
            return *c;
        if (!(*c)->hidden && n < NAMES_MAX)
            names[n++] = (*c)->name;
    }
    unknown("command", name, names, n, "kiln help", err);
    return NULL;
}

const struct command *command_find_sub(const struct command *parent, const char *name,
                                       struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    const char *names[NAMES_MAX];
    size_t n = 0;

    for (const struct command *c = parent->subcommands; c->name && n < NAMES_MAX; c++) {
        if (strcmp(c->name, name) == 0)
            return c;
        names[n++] = c->name;
    }
    unknown(arena_printf(&a, "%s command", parent->name), name, names, n,
            arena_printf(&a, "kiln %s --help", parent->name), err);
    return NULL;
}

const char *command_path(struct arena *a, const struct command *c)
{
    for (const struct command *const *p = commands; *p; p++)
        for (const struct command *s = (*p)->subcommands; s && s->name; s++)
            if (s == c)
                return arena_printf(a, "kiln %s %s", (*p)->name, c->name);
    return arena_printf(a, "kiln %s", c->name);
}

/* "  name    text": the text broken between words, so that it stays in its column. */
static void add_row(struct buf *b, const char *name, const char *text)
{
    struct str rest = str_from(text), word;
    size_t at = COLUMN;

    if (strlen(name) + 4 > COLUMN)
        buf_printf(b, NULL, "  %s\n%*s", name, COLUMN, "");
    else
        buf_printf(b, NULL, "  %-*s", COLUMN - 2, name);
    while (str_next(&rest, ' ', &word)) {
        if (at > COLUMN && at + 1 + word.n > WIDTH) {
            buf_printf(b, NULL, "\n%*s", COLUMN, "");
            at = COLUMN;
        }
        buf_printf(b, NULL, "%s%.*s", at > COLUMN ? " " : "", STR_ARG(word));
        at += word.n + (at > COLUMN);
    }
    buf_add_c(b, "\n", NULL);
}

static void add_options(struct arena *a, struct buf *b, const char *title,
                        const struct option_spec *o)
{
    if (!o || !o->name)
        return;
    buf_printf(b, NULL, "\n%s\n", title);
    for (; o->name; o++) {
        const char *letter = o->letter ? arena_printf(a, "-%c, ", o->letter) : "    ";

        add_row(b,
                arena_printf(a, "%s--%s%s%s", letter, o->name, o->value ? " " : "",
                             o->value ? o->value : ""),
                o->help);
    }
}

static void add_subcommands(struct arena *a, struct buf *b, const struct command *c)
{
    if (!c->subcommands)
        return;
    buf_add_c(b, "\nCommands\n", NULL);
    for (const struct command *s = c->subcommands; s->name; s++)
        add_row(b, arena_printf(a, "%s%s%s", s->name, s->args ? " " : "", s->args ? s->args : ""),
                s->summary);
}

const char *command_help_text(struct arena *a, const struct command *c)
{
    BUF_CLEANUP struct buf b = BUF_INIT(HELP_MAX);
    bool options = c->options && c->options->name;

    buf_printf(&b, NULL, "%s: %s\n\nUsage\n  %s%s%s%s%s\n", command_path(a, c), c->summary,
               command_path(a, c), c->subcommands ? " COMMAND" : "", options ? " [OPTIONS]" : "",
               c->args ? " " : "", c->args ? c->args : "");
    if (c->details)
        buf_printf(&b, NULL, "\n%s\n", c->details);
    if (c->examples)
        buf_printf(&b, NULL, "\nExamples\n%s\n", c->examples);
    add_subcommands(a, &b, c);
    add_options(a, &b, "Options", c->options);
    add_options(a, &b, "Options of every command", command_global_options);
    return arena_dup(a, buf_str(&b)).p;
}

const char *command_overview(struct arena *a)
{
    BUF_CLEANUP struct buf b = BUF_INIT(HELP_MAX);

    buf_add_c(&b,
              "kiln turns a written specification into code that has been tested.\n"
              "\n"
              "Examples\n"
              "  kiln run \"Write a calculator module in Python with unit tests\"\n"
              "  kiln result last --files out/\n"
              "  kiln doctor\n"
              "\n"
              "Commands\n",
              NULL);
    for (const struct command *const *c = commands; *c; c++)
        if (!(*c)->hidden)
            add_row(&b, (*c)->name, (*c)->summary);
    add_options(a, &b, "Options of every command", command_global_options);
    buf_add_c(&b,
              "\nMore\n"
              "  kiln COMMAND --help         all about a command\n"
              "  kiln help TOPIC             errors, exit-codes, env, config, task-json, ...\n"
              "  man kiln                    the manual\n",
              NULL);
    return arena_dup(a, buf_str(&b)).p;
}
