/*
 * Options of the command line, parsed by tables (getopt_long does the work).
 *
 * An option may override a setting of the configuration: then it has that setting's key, and its
 * value is checked there. Long options can't be abbreviated, so that new ones break no script.
 */
#ifndef KILN_CLI_OPTIONS_H
#define KILN_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/config.h"

enum option_takes {
    OPTION_FLAG, /* nothing */
    OPTION_WORD,
    OPTION_FILE,
    OPTION_DIR,
};

struct option_spec {
    const char *name; /* "iterations"; the last of a table has a NULL name */
    char letter;      /* 'f', or 0 */
    enum option_takes takes;
    const char *value; /* what the value is called in help: "N"; NULL for flags */
    const char *help;  /* one line */
    const char *key;   /* the setting it overrides, or NULL */
    bool repeats;      /* may be given several times */
};

/* One that was given. */
struct option_given {
    const struct option_spec *spec;
    const char *value; /* NULL for flags */
};

struct options {
    struct option_given *given; /* in order */
    size_t n_given, cap_given;
    const char **args; /* what is not an option, NULL-terminated */
    int n_args;
};

/*
 * Takes options from argv[1] on: those of any of the tables (NULL-terminated array). With
 * `options_first`, the first argument that is no option ends them. The results are added to what
 * `ret` holds of options; its arguments are replaced. argv[0] is not looked at. Errors are
 * ERR_USAGE, with a suggestion.
 */
int options_parse(struct arena *a, const struct option_spec *const *tables, int argc, char **argv,
                  bool options_first, struct options *ret, struct err *err);

/* Whether an option was given, and its (last) value, or NULL. */
bool options_has(const struct options *o, const char *name);
const char *options_value(const struct options *o, const char *name);

/* The next value of an option that repeats, starting with *at = 0; NULL at the end. */
const char *options_next(const struct options *o, const char *name, size_t *at);

/* Those that override settings. */
void options_overrides(const struct options *o, struct arena *a, struct config_override **ret,
                       size_t *ret_n);

#endif
