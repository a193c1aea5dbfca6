/*
 * Commands. One command is one file, src/cli/cmd_NAME.c, that defines `const struct command
 * command_NAME`; the Makefile collects them. The tables here are the only description of the
 * command line: parsing, --help, completion and the check of the man page come from them.
 */
#ifndef KILN_CLI_COMMAND_H
#define KILN_CLI_COMMAND_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "cli/exit.h"
#include "cli/options.h"
#include "config/config.h"

/* A command that was parsed and is to be run. */
struct cli {
    struct arena *arena;
    const struct command *command;
    struct options options;
    struct config config;
    struct json_strings warnings; /* of the configuration */
    bool json, quiet, verbose;
    const char *error_code; /* a stable word for the error that is returned; NULL: its kind's */
};

struct command {
    const char *name;                  /* "run"; the last of a list has a NULL name */
    const char *args;                  /* "SPEC | -f FILE | -", or NULL for none */
    const char *summary;               /* one line */
    const char *details;               /* paragraphs, or NULL */
    const char *examples;              /* lines "kiln run ...", or NULL */
    const struct option_spec *options; /* its own, or NULL */
    const struct command *subcommands; /* then it has no `run` of its own */
    int min_args, max_args;            /* -1: any number */
    const char *arg_words; /* what an argument may be, for completion: "bash zsh fish"; or NULL */
    bool hidden;           /* a role of the program rather than a command for people */
    bool options_first;    /* the first argument ends the options: what follows is a command */
    bool no_config;        /* runs without the configuration being loaded */

    /*
     * Returns the exit code (exit.h), or -1 with the error, which main prints. What a command has
     * for its caller goes to standard output, messages go to standard error (message.h).
     */
    int (*run)(struct cli *cli, struct err *err);
};

/* All commands, hidden ones included, NULL-terminated; sorted by name. */
extern const struct command *const commands[];

/* Options that every command has. */
extern const struct option_spec command_global_options[];

/* By name; NULL and an error with a suggestion if there is none. */
const struct command *command_find(const char *name, struct err *err);
const struct command *command_find_sub(const struct command *parent, const char *name,
                                       struct err *err);

/* "kiln config show": the words that lead to it. */
const char *command_path(struct arena *a, const struct command *c);

/* The text of --help. */
const char *command_help_text(struct arena *a, const struct command *c);

/* The text of `kiln help`. */
const char *command_overview(struct arena *a);

#endif
