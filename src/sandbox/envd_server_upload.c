#include "sandbox/envd_server_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "http/multipart.h"
#include "sandbox/envd_server_path.h"

enum { MAX_FILES = 1000 }; /* in one request */

struct upload {
    const struct envd_server *server;
    struct http_exchange *x;
    struct arena *a;
    const char *query_path; /* ?path as it came, or NULL */
    struct multipart_parser *multipart;
    int fd;           /* of the file that is being written, or -1 */
    const char *path; /* of it */
    json_t *written;
    bool answered; /* something was wrong */
};

/* ---- one file ---- */

/* Answers with what is wrong. */
static int refuse_sys(struct upload *u, int sys, const char *what)
{
    bool full = sys == ENOSPC || sys == EDQUOT;

    u->answered = true;
    http_reply_error(u->x, full ? 507 : 500, "%s: %s", what, envd_server_path_why(u->a, sys));
    return -1;
}

/* The part of a path that is a file where a directory is needed. */
static const char *file_on_the_way(struct upload *u, const char *path)
{
    struct stat st;

    while (lstat(path, &st) < 0 && strcmp(path, "/") != 0)
        path = envd_server_path_parent(u->a, path);
    return path;
}

static int make_parents(struct upload *u)
{
    const char *parent = envd_server_path_parent(u->a, u->path);
    int sys;

    if (envd_server_path_make_dirs(u->a, parent) == 0)
        return 0;
    sys = errno;
    if (sys != ENOTDIR && sys != EEXIST)
        return refuse_sys(u, sys, "error ensuring directories");
    u->answered = true;
    http_reply_error(u->x, 500, "error ensuring directories: path is a file: %s",
                     file_on_the_way(u, parent));
    return -1;
}

static int open_file(struct upload *u)
{
    struct stat st;

    if (stat(u->path, &st) == 0 && S_ISDIR(st.st_mode)) {
        u->answered = true;
        http_reply_error(u->x, 400, "path is a directory: %s", u->path);
        return -1;
    }
    /* Non-blocking: a pipe by that name must not hold us. */
    if (make_parents(u))
        return -1;
    u->fd = open(u->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
    if (u->fd < 0 && errno == ENOTDIR) {
        u->answered = true;
        http_reply_error(u->x, 500, "error ensuring directories: path is a file: %s",
                         file_on_the_way(u, u->path));
        return -1;
    }
    if (u->fd < 0)
        return refuse_sys(u, errno, arena_printf(u->a, "error opening file '%s'", u->path));
    return 0;
}

static int begin_file(struct upload *u, const char *path)
{
    u->path = envd_server_files_path(u->server, u->x, path);
    if (!u->path) {
        u->answered = true;
        return -1;
    }
    return open_file(u);
}

static int write_file(struct upload *u, struct str chunk)
{
    struct err err;

    if (fs_write_all(u->fd, chunk, &err))
        return refuse_sys(u, err.sys, arena_printf(u->a, "error writing file '%s'", u->path));
    return 0;
}

/* close() tells of a full disk where the write didn't. */
static int end_file(struct upload *u)
{
    int fd = TAKE_FD(u->fd);
    json_t *item;

    if (close(fd) < 0)
        return refuse_sys(u, errno, arena_printf(u->a, "error writing file '%s'", u->path));
    item = json_object();
    json_set(item, "name", json_c(fs_base_name(u->path)));
    json_set(item, "path", json_c(u->path));
    json_set(item, "type", json_c("file"));
    json_add(u->written, item);
    return 0;
}

/* ---- multipart ---- */

static int refuse_second(struct upload *u, struct err *err)
{
    u->answered = true;
    http_reply_error(u->x, 400,
                     "you cannot upload multiple files to the same path '%s', only the first "
                     "specified file was uploaded",
                     u->path);
    return err_set(err, ERR_INPUT, "several files for one path");
}

static int on_part_begin(void *ctx, const struct multipart_part *part, struct err *err)
{
    struct upload *u = ctx;

    if (strcmp(part->name, "file") != 0)
        return 0; /* its data is passed over */
    if (u->query_path && json_array_size(u->written) > 0)
        return refuse_second(u, err);
    if (json_array_size(u->written) >= MAX_FILES)
        return err_set(err, ERR_LIMIT, "more than %d files in one request", MAX_FILES);
    if (begin_file(u, u->query_path ? u->query_path : part->filename))
        return err_set(err, ERR_IO, "the file can't be made");
    return 0;
}

static int on_part_data(void *ctx, struct str chunk, struct err *err)
{
    struct upload *u = ctx;

    if (u->fd >= 0 && write_file(u, chunk))
        return err_set(err, ERR_IO, "the file can't be written");
    return 0;
}

static int on_part_end(void *ctx, struct err *err)
{
    struct upload *u = ctx;

    if (u->fd >= 0 && end_file(u))
        return err_set(err, ERR_IO, "the file can't be written");
    return 0;
}

static const struct multipart_ops part_ops = {
    .begin = on_part_begin,
    .data = on_part_data,
    .end = on_part_end,
};

/* ---- the request ---- */

static int take(void *ctx, struct str chunk, struct err *err)
{
    struct upload *u = ctx;

    if (u->multipart)
        return multipart_feed(u->multipart, chunk, err);
    return on_part_data(u, chunk, err);
}

static void refuse_begin(struct upload *u, const char *why)
{
    u->answered = true;
    http_reply_error(u->x, 400, "%s", why);
}

static void begin_raw(struct upload *u)
{
    if (!u->query_path)
        refuse_begin(u, "path query parameter is required for raw body upload");
    else
        begin_file(u, u->query_path);
}

static void begin_multipart(struct upload *u, const char *type)
{
    struct err err;

    if (multipart_new(type, &part_ops, u, &u->multipart, &err))
        refuse_begin(u, err.msg);
}

static void begin_by_type(struct upload *u)
{
    const char *header = http_exchange_header(u->x, "Content-Type");
    const char *encoding = http_exchange_header(u->x, "Content-Encoding");
    struct str rest = str_from(header), type = STR("");

    str_next(&rest, ';', &type);
    type = str_trim(type);
    if (encoding && encoding[0] && strcmp(encoding, "identity") != 0)
        refuse_begin(u, "content encodings are not supported");
    else if (str_eq_nocase(type, "application/octet-stream"))
        begin_raw(u);
    else if (str_eq_nocase(type, "multipart/form-data"))
        begin_multipart(u, header);
    else
        refuse_begin(u, arena_printf(u->a,
                                     "unsupported content type: %.*s, expected "
                                     "multipart/form-data or application/octet-stream",
                                     STR_ARG(type)));
}

void envd_server_upload_begin(const struct envd_server *server, struct http_exchange *x)
{
    struct arena *a = http_exchange_arena(x);
    struct upload *u = ARENA_NEW(a, struct upload);
    const char *path = http_exchange_query(x, "path");

    *u = (struct upload){.server = server, .x = x, .a = a, .fd = -1, .written = json_array()};
    u->query_path = path && path[0] ? path : NULL;
    http_exchange_set_data(x, u);
    begin_by_type(u);
    if (!u->answered)
        http_exchange_body_sink(x, (struct http_sink){.write = take, .ctx = u});
}

static int finish(struct upload *u, struct err *err)
{
    const struct err *sink_err = http_exchange_sink_error(u->x);

    if (sink_err) {
        *err = *sink_err;
        return -1;
    }
    return u->multipart ? multipart_finish(u->multipart, err) : on_part_end(u, err);
}

void envd_server_upload_reply(struct http_exchange *x)
{
    struct upload *u = http_exchange_data(x);
    struct err err;

    if (finish(u, &err)) {
        if (!u->answered)
            http_reply_error(x, 400, "error parsing the body: %s", err.msg);
        return;
    }
    /* The type that E2B's server is known by. */
    http_reply(x, 200, "text/plain; charset=utf-8", str_from(json_dump(u->a, u->written)));
}

void envd_server_upload_done(struct http_exchange *x)
{
    struct upload *u = http_exchange_data(x);

    if (!u)
        return;
    multipart_free(u->multipart);
    json_decref(u->written);
    cleanup_fd(&u->fd);
}
