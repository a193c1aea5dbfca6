/*
 * The service filesystem.Filesystem, without watching.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "sandbox/envd_server_entry.h"
#include "sandbox/envd_server_field.h"
#include "sandbox/envd_server_path.h"
#include "sandbox/envd_server_rpc.h"

enum { MAX_ENTRIES = 10000, MAX_DEPTH = 64 };

static enum connect_code code_of(int sys)
{
    switch (sys) {
    case ENOENT:
        return CONNECT_NOT_FOUND;
    case EACCES:
    case EPERM:
        return CONNECT_PERMISSION_DENIED;
    case ELOOP:
        return CONNECT_FAILED_PRECONDITION;
    case ENAMETOOLONG:
    case ENOTDIR:
        return CONNECT_INVALID_ARGUMENT;
    case ENOSPC:
    case EDQUOT:
        return CONNECT_RESOURCE_EXHAUSTED;
    default:
        return CONNECT_INTERNAL;
    }
}

/* "<what>: lstat /x: no such file or directory" */
static int fail_sys(struct envd_server_rpc *r, int sys, const char *what, const char *call,
                    const char *path)
{
    return envd_server_rpc_fail(r, code_of(sys), "%s: %s %s: %s", what, call, path,
                                envd_server_path_why(r->a, sys));
}

static int reply_entry(struct envd_server_rpc *r, const char *path, json_t **ret_reply)
{
    json_t *entry = envd_server_entry(r->a, path);

    if (!entry)
        return fail_sys(r, errno, "file not found", "lstat", path);
    *ret_reply = json_object();
    json_set(*ret_reply, "entry", entry);
    return 0;
}

static int call_stat(struct envd_server_rpc *r, json_t **ret_reply)
{
    const char *path = envd_server_rpc_path(r, "path");

    return path ? reply_entry(r, path, ret_reply) : -1;
}

static int call_make_dir(struct envd_server_rpc *r, json_t **ret_reply)
{
    const char *path = envd_server_rpc_path(r, "path");
    struct stat st;

    if (!path)
        return -1;
    if (stat(path, &st) == 0)
        return S_ISDIR(st.st_mode)
                   ? envd_server_rpc_fail(r, CONNECT_ALREADY_EXISTS, "directory already exists: %s",
                                          path)
                   : envd_server_rpc_fail(r, CONNECT_INVALID_ARGUMENT,
                                          "path already exists but it is not a directory: %s",
                                          path);
    if (envd_server_path_make_dirs(r->a, path) < 0)
        return fail_sys(r, errno, "error creating directory", "mkdir", path);
    return reply_entry(r, path, ret_reply);
}

static int call_move(struct envd_server_rpc *r, json_t **ret_reply)
{
    const char *from = envd_server_rpc_path(r, "source");
    const char *to = from ? envd_server_rpc_path(r, "destination") : NULL;
    const char *parent;

    if (!to)
        return -1;
    parent = envd_server_path_parent(r->a, to);
    if (envd_server_path_make_dirs(r->a, parent) < 0)
        return fail_sys(r, errno, "error creating directory", "mkdir", parent);
    if (rename(from, to) < 0)
        return fail_sys(r, errno, errno == ENOENT ? "source file not found" : "error renaming",
                        "rename", arena_printf(r->a, "%s %s", from, to));
    return reply_entry(r, to, ret_reply);
}

static int call_remove(struct envd_server_rpc *r, json_t **ret_reply)
{
    const char *path = envd_server_rpc_path(r, "path");
    struct err err;

    if (!path)
        return -1;
    if (fs_remove_tree(path, &err))
        return envd_server_rpc_fail(r, CONNECT_INTERNAL, "error removing file or directory: %s",
                                    err.msg);
    *ret_reply = json_object();
    return 0;
}

/* ---- ListDir ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in a directory, sorted; -1 with errno, EOVERFLOW for more than can be listed. */
static int read_names(struct arena *a, const char *path, const char ***ret, size_t *ret_n)
{
    const char **names = NULL;
    size_t n = 0, cap = 0;
    DIR *dir = opendir(path);
    struct dirent *d;

    if (!dir)
        return -1;
    while (n <= MAX_ENTRIES && (d = readdir(dir))) {
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        names = arena_grow(a, names, n, &cap, sizeof(*names));
        names[n++] = arena_strdup(a, d->d_name);
    }
    closedir(dir);
    if (n > 1)
        qsort(names, n, sizeof(*names), by_name);
    *ret = names;
    *ret_n = n;
    return 0;
}

static int list_below(struct envd_server_rpc *r, const char *path, uint32_t depth, json_t *entries)
{
    const char **names;
    size_t n;
    int rc = 0;

    if (read_names(r->a, path, &names, &n) < 0)
        return fail_sys(r, errno, "error reading directory", "open", path);
    for (size_t i = 0; i < n && rc == 0; i++) {
        const char *child = fs_join(r->a, path, names[i]);
        json_t *entry = envd_server_entry(r->a, child);
        struct stat st;

        if (!entry)
            continue; /* it has just gone */
        json_add(entries, entry);
        if (json_array_size(entries) > MAX_ENTRIES)
            return envd_server_rpc_fail(r, CONNECT_RESOURCE_EXHAUSTED, "more than %d entries",
                                        MAX_ENTRIES);
        if (depth > 1 && lstat(child, &st) == 0 && S_ISDIR(st.st_mode))
            rc = list_below(r, child, depth - 1, entries);
    }
    return rc;
}

static int call_list_dir(struct envd_server_rpc *r, json_t **ret_reply)
{
    const char *path = envd_server_rpc_path(r, "path");
    uint32_t depth = 0;
    json_t *entries;
    struct stat st;
    struct err err;

    if (!path)
        return -1;
    if (envd_server_field_u32(r->message, "depth", &depth, &err))
        return envd_server_rpc_fail_err(r, &err);
    if (depth > MAX_DEPTH)
        return envd_server_rpc_fail(r, CONNECT_INVALID_ARGUMENT, "depth is more than %d",
                                    MAX_DEPTH);
    if (stat(path, &st) < 0)
        return fail_sys(r, errno, "path not found", "lstat", path);
    if (!S_ISDIR(st.st_mode))
        return envd_server_rpc_fail(r, CONNECT_INVALID_ARGUMENT, "path is not a directory: %s",
                                    path);
    entries = json_array();
    if (list_below(r, path, depth ? depth : 1, entries)) {
        json_decref(entries);
        return -1;
    }
    *ret_reply = json_object();
    if (json_array_size(entries) > 0)
        json_set(*ret_reply, "entries", entries);
    else
        json_decref(entries);
    return 0;
}

const struct envd_server_method envd_server_filesystem_methods[] = {
    {"/filesystem.Filesystem/Stat", "filesystem.StatRequest", .unary = call_stat},
    {"/filesystem.Filesystem/MakeDir", "filesystem.MakeDirRequest", .unary = call_make_dir},
    {"/filesystem.Filesystem/Move", "filesystem.MoveRequest", .unary = call_move},
    {"/filesystem.Filesystem/ListDir", "filesystem.ListDirRequest", .unary = call_list_dir},
    {"/filesystem.Filesystem/Remove", "filesystem.RemoveRequest", .unary = call_remove},
    {0},
};
