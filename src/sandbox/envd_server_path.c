#include "sandbox/envd_server_path.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"

/* Appends the parts of `path` to what is in `out` ("" or "/a/b"), going up at "..". */
static void append_clean(char *out, const char *path)
{
    struct str rest = str_from(path), part;
    size_t n = strlen(out);

    while (str_next(&rest, '/', &part)) {
        if (part.n == 0 || str_eq_c(part, "."))
            continue;
        if (str_eq_c(part, "..")) {
            while (n > 0 && out[--n] != '/')
                ;
        } else {
            out[n++] = '/';
            memcpy(out + n, part.p, part.n);
            n += part.n;
        }
        out[n] = '\0';
    }
}

const char *envd_server_path_resolve(struct arena *a, const char *path, const char *home,
                                     const char *user, struct err *err)
{
    char *out = ARENA_ARRAY(a, strlen(home) + strlen(path) + 3, char);

    if (path[0] == '~' && path[1] != '\0' && path[1] != '/') {
        err_set(err, ERR_INPUT,
                "failed to expand path '' for user '%s': cannot expand user-specific home dir",
                user);
        return NULL;
    }
    if (path[0] != '/')
        append_clean(out, home);
    append_clean(out, path[0] == '~' ? path + 1 : path);
    if (out[0] == '\0')
        out[0] = '/';
    if (strlen(out) >= PATH_MAX) {
        err_set(err, ERR_INPUT, "path is longer than %d bytes", PATH_MAX - 1);
        return NULL;
    }
    return out;
}

const char *envd_server_path_parent(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == path ? "/" : arena_printf(a, "%.*s", (int)(slash - path), path);
}

int envd_server_path_make_dirs(struct arena *a, const char *path)
{
    char *copy = arena_strdup(a, path);

    for (char *p = copy + 1;; p++) {
        char c = *p;

        if (c != '/' && c != '\0')
            continue;
        *p = '\0';
        if (mkdir(copy, 0755) < 0 && errno != EEXIST)
            return -1;
        *p = c;
        if (c == '\0')
            return 0;
    }
}

const char *envd_server_path_why(struct arena *a, int sys)
{
    char *text = arena_strdup(a, strerrordesc_np(sys) ? strerrordesc_np(sys) : "unknown error");

    if (text[0] >= 'A' && text[0] <= 'Z')
        text[0] += 'a' - 'A';
    return text;
}
