/* Loading: the sources of settings are applied from the weakest to the strongest. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/text.h"
#include "config/config.h"
#include "config/config_paths.h"
#include "config/config_value.h"
#include "config/dotenv.h"
#include "json/places.h"
#include "json/yaml.h"

enum { SECRET_FILE_MAX = 8 * 1024, LIKELY_TYPO = 3 /* characters */ };

struct loader {
    struct arena *a;
    const struct config_options *options;
    struct config_paths paths;
    struct config config;
    struct json_strings warnings;
    size_t cap_warnings;
    struct err *err;
};

static void warn(struct loader *l, const char *text)
{
    struct json_strings *w = &l->warnings;

    w->items = arena_grow(l->a, w->items, w->n, &l->cap_warnings, sizeof(w->items[0]));
    w->items[w->n++] = text;
}

static void set_origin(struct loader *l, const struct config_setting *s, const char *origin)
{
    l->config.origins[s - config_settings] = origin;
}

/* ---- files ---- */

/* Whether we take settings from what this user wrote: us, root, or who called us with sudo. */
static bool is_trusted(const struct loader *l, uid_t uid)
{
    const char *sudo = geteuid() == 0 ? config_paths_env(l->options->environ, "SUDO_UID") : NULL;
    uint64_t caller;

    return uid == 0 || uid == geteuid() ||
           (sudo && str_to_u64(str_from(sudo), &caller) && caller == uid);
}

/*
 * Reads a file that was found, not named. Such a file may send the key to any server, so one that
 * somebody else put there (in a shared folder, say) is refused.
 */
static int read_found(struct loader *l, const char *path, size_t max, struct str *ret)
{
    FD_CLEANUP int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return err_sys(l->err, ERR_CONFIG, errno, "open '%s'", path);
    if (!is_trusted(l, st.st_uid)) {
        err_set(l->err, ERR_CONFIG, "%s belongs to another user (%u) and is not trusted", path,
                (unsigned)st.st_uid);
        return err_fix(l->err, "chown it, or name it with --config or --env-file if you trust it");
    }
    return fs_read_fd(l->a, fd, max, ret, l->err);
}

static int read_settings(struct loader *l, const char *path, bool named, size_t max,
                         struct str *ret)
{
    return named ? fs_read_file(l->a, path, max, ret, l->err) : read_found(l, path, max, ret);
}

/* ---- YAML ---- */

/* Puts "kiln.yaml:3:5: " before the error. */
static int err_at(struct loader *l, const struct json_source *src, const json_t *object,
                  const char *key)
{
    const struct json_place *at = places_find(src->places, object, key);

    if (at)
        return err_wrap(l->err, "%s:%u:%u", src->name, at->line, at->column);
    return err_wrap(l->err, "%s", src->name);
}

/* For a key that is no setting. One that is misspelt is told as it stands in its section. */
static int err_unknown(struct loader *l, const char *section, const char *key)
{
    const char *full = arena_printf(l->a, "%s%s%s", section, *section ? "." : "", key);
    const char *near = config_nearest(full), *prefix = arena_printf(l->a, "%s.", section);

    if (near && str_starts(str_from(near), prefix))
        err_set(l->err, ERR_CONFIG, "unknown setting '%s' in %s; did you mean '%s'?", key, section,
                near + strlen(prefix));
    else
        err_set(l->err, ERR_CONFIG, "unknown setting '%s'%s%s%s", full,
                near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return err_fix(l->err, "kiln help config lists all settings");
}

static int load_setting(struct loader *l, const struct json_source *src, const char *name,
                        const json_t *section, const char *key, const json_t *value)
{
    const struct config_setting *s = config_find(arena_printf(l->a, "%s.%s", name, key));
    const struct json_place *at = places_find(src->places, section, key);

    if (!s) {
        err_unknown(l, name, key);
        return err_at(l, src, section, key);
    }
    if (json_is_null(value))
        return 0;
    if (config_value_set_json(l->a, s, value, config_paths_dir(l->a, src->name), &l->config,
                              l->err))
        return err_at(l, src, section, key);
    set_origin(l, s, at ? arena_printf(l->a, "%s:%u", src->name, at->line) : src->name);
    return 0;
}

/* A mapping of the top level: "task" in "task.iterations". */
static int load_section(struct loader *l, const struct json_source *src, json_t *root,
                        const char *name, json_t *section)
{
    const char *key;
    json_t *value;

    if (json_is_null(section))
        return 0;
    if (!json_is_object(section)) {
        err_unknown(l, "", name);
        return err_at(l, src, root, name);
    }
    json_object_foreach (section, key, value)
        if (load_setting(l, src, name, section, key, value))
            return -1;
    return 0;
}

static int load_yaml(struct loader *l, const char *path, bool named)
{
    JSON_CLEANUP json_t *root = NULL;
    struct json_source src;
    const char *name;
    json_t *section;
    struct str text;

    if (read_settings(l, path, named, YAML_MAX_BYTES, &text) == 0)
        root = yaml_parse(l->a, text, path, &src, l->err);
    if (!root) {
        if (l->err->kind == ERR_INPUT || l->err->kind == ERR_LIMIT)
            l->err->kind = ERR_CONFIG;
        return -1;
    }
    if (json_is_null(root))
        return 0;
    if (!json_is_object(root))
        return err_set(l->err, ERR_CONFIG, "%s: must be a mapping of settings", path);
    json_object_foreach (root, name, section)
        if (load_section(l, &src, root, name, section))
            return -1;
    return 0;
}

static int load_yaml_if_there(struct loader *l, const char *path)
{
    return path && fs_exists(path) ? load_yaml(l, path, false) : 0;
}

/* ---- variables: the environment and .env ---- */

/* Where variables come from. */
struct variables {
    const char *const *env;      /* or NULL */
    const struct dotenv *dotenv; /* or NULL */
    const char *file, *dir;      /* of the .env; NULL for the environment */
};

static const char *variable_get(const struct variables *v, const char *name)
{
    const struct dotenv_entry *e;

    if (v->env)
        return config_paths_env(v->env, name);
    e = dotenv_find(v->dotenv, name);
    return e && e->value[0] ? e->value : NULL;
}

static const char *variable_origin(struct loader *l, const struct variables *v, const char *name)
{
    if (v->env)
        return arena_printf(l->a, "environment %s", name);
    return arena_printf(l->a, "%s:%u", v->file, dotenv_find(v->dotenv, name)->line);
}

static int load_value(struct loader *l, const struct variables *v, const struct config_setting *s,
                      const char *name, struct str value)
{
    const char *origin = variable_origin(l, v, name);

    if (config_value_set(l->a, s, value, v->dir, &l->config, l->err))
        return err_wrap(l->err, "%s", origin);
    set_origin(l, s, origin);
    return 0;
}

/* NAME_FILE: the file holds the value; white space around it doesn't count. */
static int load_value_file(struct loader *l, const struct variables *v,
                           const struct config_setting *s, const char *name, const char *path)
{
    struct str text;

    path = v->dir ? fs_join(l->a, v->dir, path) : path;
    if (fs_read_file(l->a, path, SECRET_FILE_MAX, &text, l->err)) {
        l->err->kind = ERR_CONFIG;
        return err_wrap(l->err, "%s", variable_origin(l, v, name));
    }
    return load_value(l, v, s, name, str_trim(text));
}

static int load_variable(struct loader *l, const struct variables *v,
                         const struct config_setting *s, const char *name)
{
    const char *value = variable_get(v, name), *file_name;

    if (value)
        return load_value(l, v, s, name, str_from(value));
    if (s->kind != CONFIG_SECRET)
        return 0;
    file_name = arena_printf(l->a, "%s_FILE", name);
    value = variable_get(v, file_name);
    return value ? load_value_file(l, v, s, file_name, value) : 0;
}

/* The alias first, so that kiln's own name is the stronger one. */
static int load_variables(struct loader *l, const struct variables *v)
{
    for (const struct config_setting *s = config_settings; s->key; s++) {
        if (s->alias && load_variable(l, v, s, s->alias))
            return -1;
        if (load_variable(l, v, s, s->env))
            return -1;
    }
    return 0;
}

/* Whether a setting has this name (in `ret_near`: or one that it was probably meant to be). */
static bool is_known(struct loader *l, const char *name, const char **ret_near)
{
    bool file = str_ends(str_from(name), "_FILE");
    unsigned best = LIKELY_TYPO + 1;

    *ret_near = NULL;
    for (const struct config_setting *s = config_settings; s->key; s++) {
        const char *names[] = {s->env, s->alias};

        for (size_t i = 0; i < ARRAY_LEN(names) && names[i]; i++) {
            const char *full = file && s->kind == CONFIG_SECRET
                                   ? arena_printf(l->a, "%s_FILE", names[i])
                                   : names[i];
            unsigned distance = str_distance(name, full);

            if (distance < best) {
                best = distance;
                *ret_near = full;
            }
        }
    }
    return best == 0;
}

static bool is_ours(const char *name)
{
    return str_starts(str_from(name), "KILN_");
}

/* Names of other programs look like ours, so a likely mistake is only a warning. */
static void warn_if_misspelt(struct loader *l, const char *where, const char *name)
{
    const char *near;

    if ((is_ours(name) || str_starts(str_from(name), "ANTHROPIC_")) && !is_known(l, name, &near) &&
        near)
        warn(l, arena_printf(l->a, "%s: %s is not known; did you mean %s?", where,
                             text_clean(l->a, str_from(name), TEXT_ONE_LINE).p, near));
}

static void check_environment(struct loader *l)
{
    for (const char *const *e = l->options->environ; e && *e; e++) {
        struct str rest = str_from(*e), name;

        if (str_next(&rest, '=', &name))
            warn_if_misspelt(l, "environment", arena_dup(l->a, name).p);
    }
}

/* A .env is written for this project: a KILN_ name in it that is no setting is an error. */
static int check_dotenv(struct loader *l, const struct variables *v)
{
    for (size_t i = 0; i < v->dotenv->n; i++) {
        const struct dotenv_entry *e = &v->dotenv->items[i];
        const char *near;

        if (is_ours(e->name) && !is_known(l, e->name, &near)) {
            err_set(l->err, ERR_CONFIG, "%s:%u: unknown setting '%s'%s%s%s", v->file, e->line,
                    e->name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
            return err_fix(l->err, "kiln help env lists all variables");
        }
        warn_if_misspelt(l, arena_printf(l->a, "%s:%u", v->file, e->line), e->name);
    }
    return 0;
}

static bool has_secret(const struct dotenv *d)
{
    for (const struct config_setting *s = config_settings; s->key; s++)
        if (s->kind == CONFIG_SECRET &&
            (dotenv_find(d, s->env) || (s->alias && dotenv_find(d, s->alias))))
            return true;
    return false;
}

static int load_dotenv(struct loader *l, const char *path)
{
    struct dotenv d;
    struct variables v = {.dotenv = &d, .file = path, .dir = config_paths_dir(l->a, path)};
    struct str text;
    struct stat st;

    if (read_settings(l, path, l->options->env_file, DOTENV_MAX_BYTES, &text)) {
        l->err->kind = ERR_CONFIG;
        return -1;
    }
    if (dotenv_parse(l->a, text, path, &d, l->err) || check_dotenv(l, &v))
        return -1;
    for (size_t i = 0; i < d.warnings.n; i++)
        warn(l, d.warnings.items[i]);
    if (has_secret(&d) && stat(path, &st) == 0 && (st.st_mode & 077))
        warn(l,
             arena_printf(l->a, "%s holds a key and others can read it; chmod 600 %s", path, path));
    return load_variables(l, &v);
}

/* ---- all of it ---- */

static int load_defaults(struct loader *l)
{
    size_t n = 0;

    while (config_settings[n].key)
        n++;
    l->config.origins = ARENA_ARRAY(l->a, n, const char *);
    for (const struct config_setting *s = config_settings; s->key; s++) {
        if (s->kind != CONFIG_SECRET &&
            config_value_set(l->a, s, str_from(s->fallback), NULL, &l->config, l->err))
            BUG("default of '%s': %s", s->key, l->err->msg);
        set_origin(l, s, "default");
    }
    return 0;
}

static int load_overrides(struct loader *l)
{
    for (size_t i = 0; i < l->options->n_overrides; i++) {
        const struct config_override *o = &l->options->overrides[i];
        const struct config_setting *s = config_find(o->key);

        if (!s)
            BUG("%s overrides '%s'", o->flag, o->key);
        if (config_value_set(l->a, s, str_from(o->value), NULL, &l->config, l->err)) {
            l->err->kind = ERR_USAGE;
            return err_wrap(l->err, "%s", o->flag);
        }
        set_origin(l, s, o->flag);
    }
    return 0;
}

static int load_files(struct loader *l)
{
    const struct config_paths *p = &l->paths;

    if (load_yaml_if_there(l, p->host) || load_yaml_if_there(l, p->user))
        return -1;
    return l->options->file ? load_yaml(l, p->project, true) : load_yaml_if_there(l, p->project);
}

static int load_all(struct loader *l)
{
    struct variables environment = {.env = l->options->environ};
    const char *dotenv = l->paths.dotenv;

    if (load_defaults(l) || load_files(l))
        return -1;
    if ((l->options->env_file || fs_exists(dotenv)) && load_dotenv(l, dotenv))
        return -1;
    check_environment(l);
    if (environment.env && load_variables(l, &environment))
        return -1;
    return load_overrides(l);
}

int config_load(struct arena *a, const struct config_options *options, struct config *ret,
                struct json_strings *ret_warnings, struct err *err)
{
    struct err own;
    struct loader l = {.a = a, .options = options, .err = err ? err : &own};

    if (config_find_paths(a, options, &l.paths, err) || load_all(&l)) {
        config_clear(&l.config);
        return -1;
    }
    if (l.config.api_key)
        l.config.api_key_origin = config_origin(&l.config, "model.api_key");
    *ret = l.config;
    *ret_warnings = l.warnings;
    return 0;
}
