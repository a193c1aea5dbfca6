#include <string.h>

#include "base/cleanup.h"
#include "sandbox/envd_client.h"

/* For the whole of a transfer: an envd that sends byte by byte would hold us for ever. */
enum { TRANSFER_MS = 5 * 60 * 1000 };

/* ---- whole files ---- */

/* "/files?path=..." with all but RFC 3986's unreserved characters escaped. */
static const char *files_path(struct arena *a, const char *path)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-._~";
    static const char hex[] = "0123456789ABCDEF";
    char *escaped = arena_alloc(a, strlen(path) * 3 + 1, 1), *o = escaped;

    for (; *path; path++) {
        unsigned char ch = (unsigned char)*path;

        if (strchr(plain, ch)) {
            *o++ = *path;
        } else {
            *o++ = '%';
            *o++ = hex[ch >> 4];
            *o++ = hex[ch & 15];
        }
    }
    return arena_printf(a, "/files?path=%s", escaped);
}

/* The bytes from `offset` on, whatever part of the file was sent. */
static int take_body(const struct http_response *response, uint64_t offset, size_t max,
                     struct str *ret, struct err *err)
{
    struct str body = response->body;

    if (response->status == 416) {
        *ret = STR("");
        return 0;
    }
    if (response->status != 200 && response->status != 206)
        return envd_client_refused(response->status, body, err);
    if (response->status == 200)
        body = str_from_pos(body, offset < body.n ? (size_t)offset : body.n);
    if (body.n > max)
        return err_set(err, ERR_LIMIT, "the file is larger than the %zu bytes allowed", max);
    *ret = body;
    return 0;
}

int envd_read(struct envd_client *c, struct arena *a, const char *path, uint64_t offset, size_t max,
              struct str *ret, struct err *err)
{
    struct http_header range = {"Range",
                                arena_printf(a, "bytes=%llu-", (unsigned long long)offset)};
    struct http_request req =
        envd_client_request(c, a, "GET", files_path(a, path), &range, offset ? 1 : 0);
    struct http_response response;

    req.limits.total_ms = TRANSFER_MS;
    req.limits.max_body = max < 4096 ? 4096 : max; /* an error's text has room */
    if (http_client_send(c->http, &req, a, &response, err) ||
        take_body(&response, offset, max, ret, err))
        return err_wrap(err, "read '%s'", path);
    return 0;
}

int envd_write(struct envd_client *c, const char *path, struct str data, struct err *err)
{
    static const struct http_header type = {"Content-Type", "application/octet-stream"};
    ARENA_CLEANUP struct arena a = {0};
    struct http_request req = envd_client_request(c, &a, "POST", files_path(&a, path), &type, 1);
    struct http_response response;

    req.body = data;
    req.limits.total_ms = TRANSFER_MS;
    if (http_client_send(c->http, &req, &a, &response, err))
        return err_wrap(err, "write '%s'", path);
    if (response.status != 200) {
        envd_client_refused(response.status, response.body, err);
        return err_wrap(err, "write '%s'", path);
    }
    return 0;
}

/* ---- the file system ---- */

static json_t *with_path(const char *path)
{
    json_t *message = json_object();

    json_set(message, "path", json_c(path));
    return message;
}

/* int64 comes as a string. */
static uint64_t decode_size(const json_t *entry)
{
    uint64_t size;

    if (str_to_u64(json_get_str(entry, "size"), &size))
        return size;
    return (uint64_t)json_get_int(entry, "size", 0);
}

static enum envd_type decode_type(const json_t *entry)
{
    const char *name = json_get_c(entry, "type");

    if (name && strcmp(name, "FILE_TYPE_FILE") == 0)
        return ENVD_FILE;
    if (name && strcmp(name, "FILE_TYPE_DIRECTORY") == 0)
        return ENVD_DIR;
    return ENVD_UNKNOWN;
}

static int decode_entry(struct arena *a, const json_t *entry, struct envd_entry *ret,
                        struct err *err)
{
    const char *name = json_get_c(entry, "name"), *path = json_get_c(entry, "path");

    if (!name || !path)
        return err_set(err, ERR_PROTOCOL, "envd: an entry without name and path");
    *ret = (struct envd_entry){
        .name = arena_strdup(a, name),
        .path = arena_strdup(a, path),
        .type = decode_type(entry),
        .size = decode_size(entry),
        .mode = (unsigned)json_get_int(entry, "mode", 0) & 07777,
        .symlink_target = arena_strdup(a, json_get_c(entry, "symlinkTarget")),
    };
    return 0;
}

int envd_stat(struct envd_client *c, struct arena *a, const char *path, struct envd_entry *ret,
              struct err *err)
{
    JSON_CLEANUP json_t *reply = NULL;

    if (envd_client_call(c, "/filesystem.Filesystem/Stat", with_path(path), false, &reply, err))
        return -1;
    return decode_entry(a, json_object_get(reply, "entry"), ret, err);
}

int envd_list_dir(struct envd_client *c, struct arena *a, const char *path, unsigned depth,
                  struct envd_entry **ret, size_t *ret_n, struct err *err)
{
    JSON_CLEANUP json_t *reply = NULL;
    json_t *message = with_path(path);
    struct envd_entry *entries;
    const json_t *list, *item;
    size_t i;

    json_set(message, "depth", json_integer(depth));
    if (envd_client_call(c, "/filesystem.Filesystem/ListDir", message, false, &reply, err))
        return -1;
    list = json_object_get(reply, "entries");
    entries = ARENA_ARRAY(a, json_array_size(list) + 1, struct envd_entry);
    json_array_foreach (list, i, item) {
        if (decode_entry(a, item, &entries[i], err))
            return -1;
    }
    *ret = entries;
    *ret_n = json_array_size(list);
    return 0;
}

int envd_make_dir(struct envd_client *c, const char *path, struct err *err)
{
    return envd_client_call(c, "/filesystem.Filesystem/MakeDir", with_path(path), false, NULL, err);
}

int envd_move(struct envd_client *c, const char *from, const char *to, struct err *err)
{
    json_t *message = json_object();

    json_set(message, "source", json_c(from));
    json_set(message, "destination", json_c(to));
    return envd_client_call(c, "/filesystem.Filesystem/Move", message, false, NULL, err);
}

int envd_remove(struct envd_client *c, const char *path, struct err *err)
{
    return envd_client_call(c, "/filesystem.Filesystem/Remove", with_path(path), false, NULL, err);
}
