/*
 * .env files: NAME=value, a line each.
 *
 *     # a comment                    export NAME=value     `export` is allowed and means nothing
 *     NAME=value # comment           a comment needs a space before it
 *     NAME='as it is'                single quotes: nothing in them is special
 *     NAME="a\tb \"c\" \\ \n"        double quotes know these escapes and no others
 *
 * Nothing is expanded: `$` stays `$`, with a warning. There are no spaces around `=`, and a value
 * ends with its line. A value with quotes inside must be quoted itself. The last of two equal names
 * wins, with a warning. (Shells, dotenv libraries and Compose disagree about all else, so all else
 * is an error rather than a guess.)
 */
#ifndef KILN_CONFIG_DOTENV_H
#define KILN_CONFIG_DOTENV_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "json/json.h"

enum { DOTENV_MAX_BYTES = 64 * 1024 };

struct dotenv_entry {
    const char *name, *value;
    unsigned line; /* from 1 */
};

struct dotenv {
    struct dotenv_entry *items; /* in the order of the file, each name once */
    size_t n, cap;
    struct json_strings warnings; /* ".env:3: ..." */
};

/* `file` names it in errors (ERR_CONFIG, ".env:3: ...") and warnings. */
int dotenv_parse(struct arena *a, struct str text, const char *file, struct dotenv *ret,
                 struct err *err);

/* The entry with this name, or NULL. */
const struct dotenv_entry *dotenv_find(const struct dotenv *d, const char *name);

#endif
