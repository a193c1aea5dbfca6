#include "config/config_paths.h"

#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define HOST_FILE "/etc/kiln/kiln.yaml"

const char *config_paths_env(const char *const *env, const char *name)
{
    size_t n = strlen(name);

    for (; env && *env; env++)
        if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
            return (*env)[n + 1] ? *env + n + 1 : NULL;
    return NULL;
}

const char *config_paths_dir(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return NULL;
    if (slash == path)
        return "/";
    return arena_dup(a, (struct str){path, (size_t)(slash - path)}).p;
}

/* kiln.yaml upwards from `dir` to the root of the git checkout; outside of one only in `dir`. */
static const char *find_upwards(struct arena *a, const char *dir)
{
    const char *found = NULL;
    char *at = arena_strdup(a, dir), *slash;

    for (;;) {
        const char *file = fs_join(a, at, "kiln.yaml");

        if (!found && fs_exists(file))
            found = file;
        if (fs_exists(fs_join(a, at, ".git")))
            return found;
        slash = strrchr(at, '/');
        if (!slash || !slash[1])
            return NULL;
        /* "/home" is followed by "/", that by nothing. */
        slash[slash == at] = '\0';
    }
}

static const char *find_project(struct arena *a, struct err *err)
{
    FREE_CLEANUP char *cwd = NULL;
    const char *found;

    if (fs_exists("kiln.yaml"))
        return "kiln.yaml";
    cwd = getcwd(NULL, 0);
    if (!cwd) {
        err_set(err, ERR_IO, "the current folder can't be read");
        return NULL;
    }
    found = find_upwards(a, cwd);
    return found ? found : "kiln.yaml";
}

static const char *find_user(struct arena *a, const char *const *env)
{
    const char *xdg = config_paths_env(env, "XDG_CONFIG_HOME"),
               *home = config_paths_env(env, "HOME");

    /* The XDG base directory specification: a relative path is to be ignored. */
    if (xdg && xdg[0] == '/')
        return fs_join(a, xdg, "kiln/config.yaml");
    return home ? fs_join(a, home, ".config/kiln/config.yaml") : NULL;
}

static const char *find_dotenv(struct arena *a, const char *project)
{
    const char *dir = config_paths_dir(a, project),
               *beside = dir ? fs_join(a, dir, ".env") : ".env";

    return fs_exists(project) && fs_exists(beside) ? beside : ".env";
}

int config_find_paths(struct arena *a, const struct config_options *options,
                      struct config_paths *ret, struct err *err)
{
    struct config_paths p = {.project = options->file, .dotenv = options->env_file};

    if (!p.project) {
        p.project = find_project(a, err);
        if (!p.project)
            return -1;
        p.user = find_user(a, options->environ);
        p.host = HOST_FILE;
    }
    if (!p.dotenv)
        p.dotenv = find_dotenv(a, p.project);
    *ret = p;
    return 0;
}
