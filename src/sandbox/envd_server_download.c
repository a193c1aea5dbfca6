#include "sandbox/envd_server_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/text.h"
#include "sandbox/envd_server_path.h"

enum { SNIFF = 512, PIECE = 128 * 1024 };

const char *envd_server_files_path(const struct envd_server *server, struct http_exchange *x,
                                   const char *path)
{
    const struct envd_server_config *config = server->config;
    const char *user = http_exchange_query(x, "username"), *resolved;
    struct err err;

    if (user && user[0] && strcmp(user, config->user) != 0) {
        http_reply_error(x, 401, "error looking up user '%s': user: unknown user %s", user, user);
        return NULL;
    }
    resolved = envd_server_path_resolve(http_exchange_arena(x), path ? path : "", config->home,
                                        config->user, &err);
    if (!resolved)
        http_reply_error(x, 400, "%s", err.msg);
    return resolved;
}

/* ---- the body ---- */

struct slice {
    int fd;
    uint64_t at, left;
};

static int next(void *ctx, struct buf *out)
{
    struct slice *s = ctx;
    char *room;
    ssize_t n;

    if (s->left == 0)
        return 0;
    if (buf_reserve(out, PIECE, &room, NULL))
        return -1;
    n = pread(s->fd, room, s->left < PIECE ? s->left : PIECE, (off_t)s->at);
    if (n <= 0) /* shorter than it was: the promised length can't be kept */
        return -1;
    buf_added(out, (size_t)n);
    s->at += (uint64_t)n;
    s->left -= (uint64_t)n;
    return 1;
}

static void close_slice(void *ctx)
{
    struct slice *s = ctx;

    close(s->fd);
    free(s);
}

/* Takes the descriptor over. */
static void reply_slice(struct http_exchange *x, int status, const char *type, int fd,
                        uint64_t first, uint64_t n)
{
    struct slice *s = malloc(sizeof(*s));

    if (!s)
        BUG("out of memory");
    *s = (struct slice){.fd = fd, .at = first, .left = n};
    http_reply_source(x, status, type,
                      (struct http_source){.next = next, .close = close_slice, .ctx = s},
                      (int64_t)n);
}

/* ---- the head ---- */

/* A regular file; nothing else can be waited for without end. */
static int open_file(struct http_exchange *x, const char *path, struct stat *ret_st)
{
    FD_CLEANUP int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        http_reply_error(x, 404, "path '%s' does not exist", path);
    else if (fd < 0 || fstat(fd, ret_st) < 0)
        http_reply_error(x, 500, "error opening file '%s': open %s: %s", path, path,
                         envd_server_path_why(http_exchange_arena(x), errno));
    else if (S_ISDIR(ret_st->st_mode))
        http_reply_error(x, 400, "path '%s' is a directory", path);
    else if (!S_ISREG(ret_st->st_mode))
        http_reply_error(x, 400, "path '%s' is not a regular file", path);
    else
        return TAKE_FD(fd);
    return -1;
}

static const char *content_type(int fd)
{
    char start[SNIFF];
    ssize_t n = pread(fd, start, sizeof(start), 0);
    struct str text = {start, n < 0 ? 0 : (size_t)n};

    /* A character that the end of the sample cuts is no reason to call it binary. */
    for (int cut = 0; cut < 4 && text.n == SNIFF - (size_t)cut && !text_is_plain(text); cut++)
        text.n--;
    return text_is_plain(text) ? "text/plain; charset=utf-8" : "application/octet-stream";
}

/* inline; filename=x, in the form that the name needs (RFC 6266, RFC 8187). */
static void add_disposition(struct http_exchange *x, const char *name)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "!#$&+-.^_`|~";
    struct arena *a = http_exchange_arena(x);
    bool plain = name[0] && name[strspn(name, safe)] == '\0';
    char *escaped = ARENA_ARRAY(a, 3 * strlen(name) + 1, char);
    size_t n = 0;

    for (const char *p = name; *p; p++)
        n +=
            (size_t)snprintf(escaped + n, 4, strchr(safe, *p) ? "%c" : "%%%02X", (unsigned char)*p);
    http_reply_header(x, "Content-Disposition",
                      plain ? arena_printf(a, "inline; filename=%s", name)
                            : arena_printf(a, "inline; filename*=utf-8''%s", escaped));
}

static void add_headers(struct http_exchange *x, const char *path, const struct stat *st)
{
    char date[64];
    struct tm tm;

    gmtime_r(&st->st_mtim.tv_sec, &tm);
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    http_reply_header(x, "Last-Modified", date);
    http_reply_header(x, "Accept-Ranges", "bytes");
    add_disposition(x, fs_base_name(path));
}

void envd_server_download(const struct envd_server *server, struct http_exchange *x)
{
    const char *path = envd_server_files_path(server, x, http_exchange_query(x, "path"));
    struct arena *a = http_exchange_arena(x);
    uint64_t size, first = 0, n;
    struct stat st;
    int fd = path ? open_file(x, path, &st) : -1;

    if (fd < 0)
        return;
    n = size = (uint64_t)st.st_size;
    add_headers(x, path, &st);
    switch (envd_server_range_parse(http_exchange_header(x, "Range"), size, &first, &n)) {
    case ENVD_SERVER_RANGE_ALL:
        reply_slice(x, 200, content_type(fd), fd, 0, size);
        break;
    case ENVD_SERVER_RANGE_PART:
        http_reply_header(x, "Content-Range",
                          arena_printf(a, "bytes %llu-%llu/%llu", (unsigned long long)first,
                                       (unsigned long long)(first + n - 1),
                                       (unsigned long long)size));
        reply_slice(x, 206, content_type(fd), fd, first, n);
        break;
    case ENVD_SERVER_RANGE_NONE:
        http_reply_header(x, "Content-Range",
                          arena_printf(a, "bytes */%llu", (unsigned long long)size));
        http_reply(x, 416, "text/plain; charset=utf-8", STR("invalid range: failed to overlap\n"));
        close(fd);
        break;
    }
}
