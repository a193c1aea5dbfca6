#include "check/glob.h"

#include <fnmatch.h>
#include <string.h>

#include "base/fs.h"

bool glob_matches(const char *pattern, const char *path)
{
    if (!strchr(pattern, '/'))
        return fnmatch(pattern, fs_base_name(path), 0) == 0;
    return fnmatch(pattern + (*pattern == '/'), path, FNM_PATHNAME) == 0;
}

const char *glob_below(const char *dir, const char *path)
{
    size_t n = strlen(dir);

    if (strcmp(dir, ".") == 0)
        return path;
    return strncmp(path, dir, n) == 0 && path[n] == '/' ? path + n + 1 : NULL;
}

static bool matches_one(const struct json_strings *patterns, const char *path)
{
    for (size_t i = 0; i < patterns->n; i++)
        if (glob_matches(patterns->items[i], path))
            return true;
    return false;
}

size_t glob_count(const struct json_strings *patterns, const struct tree *t, const char *dir)
{
    size_t n = 0;

    for (size_t i = 0; i < t->n_files; i++) {
        const char *path = glob_below(dir, t->files[i].path);

        n += path && !t->files[i].is_link && matches_one(patterns, path);
    }
    return n;
}
