/*
 * Settings: one table says everything about each (key, environment variable, kind, default,
 * range, help); from it come parsing, `kiln config show`, help topics, completion and checks.
 *
 * Where a value comes from, strongest first: a flag, the environment, `.env` (beside kiln.yaml, or
 * in the current folder), ./kiln.yaml (looked for upwards to the root of the git checkout),
 * ~/.config/kiln/config.yaml (XDG_CONFIG_HOME), /etc/kiln/kiln.yaml, the default. An empty variable
 * counts as unset. A file that was found, not named, must belong to us, to root, or to the user
 * that called us with sudo: it may say where the key is sent. Unknown keys are errors with a
 * suggestion. Keys of API providers are secrets: they come from the environment, a file named by
 * NAME_FILE, or .env, never from kiln.yaml or a flag, and are never shown.
 */
#ifndef KILN_CONFIG_CONFIG_H
#define KILN_CONFIG_CONFIG_H

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "json/json.h"

struct config {
    /* results */
    const char *results_dir; /* results.dir */
    /* model */
    const char *model;           /* model.name: id or alias */
    const char *base_url;        /* model.base_url, ANTHROPIC_BASE_URL */
    const char *thinking;        /* model.thinking: adaptive or off */
    const char *effort;          /* model.effort: "", low, medium, high, max */
    const char *prices;          /* model.prices: a file that overrides the price table, or "" */
    int64_t max_tokens;          /* model.max_tokens of one reply */
    int64_t max_retries;         /* model.max_retries */
    double first_byte_s, idle_s; /* model.first_byte_s, model.idle_s */
    struct secret *api_key;      /* ANTHROPIC_API_KEY; NULL if there is none */
    struct secret *auth_token;   /* ANTHROPIC_AUTH_TOKEN; NULL if there is none */
    const char *api_key_origin;  /* as config_origin tells it; NULL if there is no key */
    /* engine */
    const char *engine; /* engine.name: direct */
    int64_t turns;      /* engine.turns: model calls in one iteration */
    double command_s;   /* engine.command_s: limit of one command of the agent */
    /* task */
    int64_t iterations;      /* task.iterations */
    double budget_usd;       /* task.budget_usd; 0 means none */
    int64_t max_task_tokens; /* task.max_tokens; 0 means no limit */
    double timeout_s;        /* task.timeout_s */
    /* sandbox */
    const char *sandbox;                      /* sandbox.kind: local */
    struct json_strings require;              /* sandbox.require: layers that must be there */
    int64_t memory_mb, disk_mb, tmp_mb, pids; /* sandbox.memory_mb ... */
    double cpus; /* sandbox.cpus; 0 means what the host has, at most 4 */
    /* checks */
    const char *stacks_dir; /* checks.stacks: a folder of the user's own stacks, or "" */
    /* logging */
    const char *log_level; /* log.level: error, warn, info, debug */

    const char **origins; /* one a setting; see config_origin */
};

enum config_kind {
    CONFIG_TEXT,
    CONFIG_INT,
    CONFIG_REAL,
    CONFIG_SECONDS, /* a double: 90, "90s", "10m", "1.5h", "500ms" */
    CONFIG_PATH,    /* text; a relative one in a file starts at the file's folder */
    CONFIG_STRINGS, /* in the environment and in flags: separated by commas */
    CONFIG_SECRET,
};

struct config_setting {
    const char *key;   /* "task.iterations" */
    const char *env;   /* "KILN_TASK_ITERATIONS" */
    const char *alias; /* a variable that other programs read too: "ANTHROPIC_BASE_URL"; or NULL */
    enum config_kind kind;
    size_t offset;        /* in struct config */
    const char *fallback; /* the default, as text */
    double min, max;
    const char *choices; /* "adaptive off", or NULL */
    const char *help;    /* one line */
};

/* The table, in the order of `kiln config show`; the last has a NULL key. */
extern const struct config_setting config_settings[];

/* A value given by a flag: stronger than all else. */
struct config_override {
    const char *key, *value, *flag; /* flag: "--iterations", for errors */
};

struct config_options {
    const char *file;     /* --config: this file instead of the ones looked for; or NULL */
    const char *env_file; /* --env-file; or NULL */
    const struct config_override *overrides;
    size_t n_overrides;
    const char *const *environ; /* the environment to read, NULL-terminated */
};

/*
 * Loads all of it into the arena. Errors (ERR_CONFIG) say file, line and key. Warnings for people
 * (a .env that others can read, a duplicate in it) come back as lines.
 */
int config_load(struct arena *a, const struct config_options *options, struct config *ret,
                struct json_strings *ret_warnings, struct err *err);

/* Frees the secrets. */
void config_clear(struct config *c);

/* The files that are read, strongest first. They need not exist; NULL means none is looked for. */
struct config_paths {
    const char *dotenv, *project, *user, *host;
};

int config_find_paths(struct arena *a, const struct config_options *options,
                      struct config_paths *ret, struct err *err);

/* The setting with this key, or NULL. */
const struct config_setting *config_find(const char *key);

/* The key that is most like `key`, or NULL when none is near. */
const char *config_nearest(const char *key);

/* Where the value of a setting came from: "default", "environment KILN_TASK_ITERATIONS",
 * "kiln.yaml:3", ".env:2", "--model". */
const char *config_origin(const struct config *c, const char *key);

/* The value as text; a secret as its hint. */
const char *config_show(struct arena *a, const struct config *c, const struct config_setting *s);

#endif
