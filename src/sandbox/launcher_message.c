#include "sandbox/launcher_message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "sandbox/limits.h"

enum { MAX_ITEMS = 256, MAX_ARGS = 4096 };

/* ---- requests ---- */

static const char *const job_names[] = {
    [LAUNCHER_ENVD] = "envd", [LAUNCHER_COMMAND] = "command", [LAUNCHER_PROBE] = "probe"};

json_t *launcher_message_create(const struct sandbox_spec *spec, const struct launcher_job *job)
{
    const char *kind = job->argv    ? job_names[LAUNCHER_COMMAND]
                       : job->probe ? job_names[LAUNCHER_PROBE]
                                    : job_names[LAUNCHER_ENVD];
    json_t *m = json_object(), *binds = json_array(), *files = json_array(), *args = json_array();

    json_set(m, "op", json_string("create"));
    json_set(m, "id", json_c(spec->id));
    json_set(m, "limits", limits_json(&spec->limits));
    for (size_t i = 0; i < spec->n_binds; i++)
        json_add(binds,
                 json_pack("{s:s,s:s}", "from", spec->binds[i].from, "to", spec->binds[i].to));
    for (size_t i = 0; i < spec->n_files; i++)
        json_add(files, json_pack("{s:s,s:I}", "path", spec->files[i].path, "size",
                                  (json_int_t)spec->files[i].content.n));
    json_set(m, "binds", binds);
    json_set(m, "files", files);
    json_set(m, "job", json_string(kind));
    for (const char *const *arg = job->argv; arg && *arg; arg++)
        json_add(args, json_c(*arg));
    json_set(m, "argv", args);
    json_set(m, "tmpfs", json_boolean(job->quota_tmpfs));
    return m;
}

json_t *launcher_message_destroy(unsigned handle)
{
    return json_pack("{s:s,s:I}", "op", "destroy", "handle", (json_int_t)handle);
}

/* An absolute path that names a place and nothing else: no empty, "." or ".." part. */
static bool is_clean_path(const char *path)
{
    struct str rest = str_from(path), part;

    if (*path != '/' || !path[1] || rest.n >= 4096)
        return false;
    rest = str_from_pos(rest, 1);
    if (str_ends(rest, "/"))
        return false;
    while (str_next(&rest, '/', &part))
        if (part.n == 0 || part.n > 255 || str_eq_c(part, ".") || str_eq_c(part, ".."))
            return false;
    return true;
}

static bool is_id(const char *id)
{
    size_t n = strlen(id);

    return n <= 40 && strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

/* One decoded element of "binds" or "files". */
struct item {
    const char *from, *to, *path;
    int64_t size;
};

static int decode_items(struct arena *a, const json_t *array, const char *what,
                        const struct json_field *fields, struct item **ret, struct err *err)
{
    static const struct json_source src = {.name = "message"};
    const json_t *value;
    size_t i, n = json_array_size(array);

    if (n > MAX_ITEMS)
        return err_set(err, ERR_INPUT, "more than %d %s", (int)MAX_ITEMS, what);
    *ret = ARENA_ARRAY(a, n + 1, struct item);
    json_array_foreach (array, i, value)
        if (json_decode(a, &src, value, what, fields, &(*ret)[i], err))
            return -1;
    return 0;
}

static int decode_binds(struct arena *a, const json_t *array, struct sandbox_spec *spec,
                        struct err *err)
{
    static const struct json_field fields[] = {
        {"from", JSON_KIND_STRING, offsetof(struct item, from), true, 0, 0},
        {"to", JSON_KIND_STRING, offsetof(struct item, to), true, 0, 0},
        {0},
    };
    struct sandbox_bind *binds;
    struct item *items;

    if (decode_items(a, array, "binds", fields, &items, err))
        return -1;
    spec->n_binds = json_array_size(array);
    spec->binds = binds = ARENA_ARRAY(a, spec->n_binds + 1, struct sandbox_bind);
    for (size_t i = 0; i < spec->n_binds; i++) {
        if (items[i].from[0] != '/')
            return err_set(err, ERR_INPUT, "bind from '%s': not absolute", items[i].from);
        if (!is_clean_path(items[i].to))
            return err_set(err, ERR_INPUT, "bind to '%s': not a plain absolute path", items[i].to);
        binds[i] = (struct sandbox_bind){.from = items[i].from, .to = items[i].to};
    }
    return 0;
}

static int decode_files(struct arena *a, const json_t *array, struct sandbox_spec *spec,
                        struct err *err)
{
    static const struct json_field fields[] = {
        {"path", JSON_KIND_STRING, offsetof(struct item, path), true, 0, 0},
        {"size", JSON_KIND_INT, offsetof(struct item, size), true, 0, LAUNCHER_FILES_MAX_BYTES},
        {0},
    };
    struct sandbox_file *files;
    struct item *items;
    int64_t total = 0;

    if (decode_items(a, array, "files", fields, &items, err))
        return -1;
    spec->n_files = json_array_size(array);
    spec->files = files = ARENA_ARRAY(a, spec->n_files + 1, struct sandbox_file);
    for (size_t i = 0; i < spec->n_files; i++) {
        if (!is_clean_path(items[i].path) || strncmp(items[i].path, "/opt/kiln/", 10) != 0)
            return err_set(err, ERR_INPUT, "file '%s': not below /opt/kiln/", items[i].path);
        total += items[i].size;
        files[i] =
            (struct sandbox_file){.path = items[i].path, .content = {NULL, (size_t)items[i].size}};
    }
    if (total > LAUNCHER_FILES_MAX_BYTES)
        return err_set(err, ERR_LIMIT, "files for a sandbox have more than %d bytes together",
                       (int)LAUNCHER_FILES_MAX_BYTES);
    return 0;
}

static int decode_limits(struct arena *a, const json_t *object, struct sandbox_limits *ret,
                         struct err *err)
{
#define LIMIT(name, max)                                                                           \
    {                                                                                              \
#name, JSON_KIND_INT, offsetof(struct sandbox_limits, name), true, 0, max                  \
    }
    static const double most = 1LL << 50;
    static const struct json_source src = {.name = "message"};
    const struct json_field fields[] = {
        LIMIT(memory_bytes, most),
        LIMIT(disk_bytes, most),
        LIMIT(disk_inodes, 1e9),
        LIMIT(tmp_bytes, most),
        LIMIT(file_bytes, most),
        LIMIT(pids, 1e6),
        LIMIT(open_files, 1e6),
        {"cpus", JSON_KIND_REAL, offsetof(struct sandbox_limits, cpus), true, 0, 4096},
        {0},
    };
#undef LIMIT
    struct sandbox_limits given = {0};

    if (json_decode(a, &src, object, "limits", fields, &given, err))
        return -1;
    *ret = limits_with_defaults(&given);
    return 0;
}

struct raw_request {
    const char *op, *id, *job;
    int64_t handle;
    const json_t *limits, *binds, *files;
    struct json_strings argv;
    bool tmpfs;
};

static int decode_job(const char *name, enum launcher_job_kind *ret, struct err *err)
{
    for (size_t i = 0; name && i < ARRAY_LEN(job_names); i++)
        if (strcmp(name, job_names[i]) == 0) {
            *ret = (enum launcher_job_kind)i;
            return 0;
        }
    return err_set(err, ERR_INPUT, "unknown job '%s'", name ? name : "");
}

static int decode_create(struct arena *a, const struct raw_request *raw,
                         struct launcher_request *ret, struct err *err)
{
    if (!raw->id || !is_id(raw->id))
        return err_set(err, ERR_INPUT, "a sandbox's id has at most 40 characters of a-z 0-9 -");
    if (!raw->limits || !raw->binds || !raw->files)
        return err_set(err, ERR_INPUT, "create without limits, binds or files");
    if (raw->argv.n > MAX_ARGS)
        return err_set(err, ERR_LIMIT, "a command has more than %d words", (int)MAX_ARGS);
    ret->spec.id = raw->id;
    ret->tmpfs = raw->tmpfs;
    if (decode_job(raw->job, &ret->job, err))
        return -1;
    if ((ret->job == LAUNCHER_COMMAND) != (raw->argv.n > 0))
        return err_set(err, ERR_INPUT, "a command has words, and nothing else has");
    if (raw->argv.n) {
        const char **argv = ARENA_ARRAY(a, raw->argv.n + 1, const char *);

        memcpy(argv, raw->argv.items, raw->argv.n * sizeof(*argv));
        ret->argv = argv;
    }
    if (decode_limits(a, raw->limits, &ret->spec.limits, err) ||
        decode_binds(a, raw->binds, &ret->spec, err))
        return -1;
    return decode_files(a, raw->files, &ret->spec, err);
}

int launcher_message_decode(struct arena *a, struct str text, struct launcher_request *ret,
                            struct err *err)
{
    static const struct json_source src = {.name = "message"};
    static const struct json_field fields[] = {
        {"op", JSON_KIND_STRING, offsetof(struct raw_request, op), true, 0, 0},
        {"handle", JSON_KIND_INT, offsetof(struct raw_request, handle), false, 0, UINT32_MAX},
        {"job", JSON_KIND_STRING, offsetof(struct raw_request, job), false, 0, 0},
        {"id", JSON_KIND_STRING, offsetof(struct raw_request, id), false, 0, 0},
        {"limits", JSON_KIND_OBJECT, offsetof(struct raw_request, limits), false, 0, 0},
        {"binds", JSON_KIND_ARRAY, offsetof(struct raw_request, binds), false, 0, 0},
        {"files", JSON_KIND_ARRAY, offsetof(struct raw_request, files), false, 0, 0},
        {"argv", JSON_KIND_STRINGS, offsetof(struct raw_request, argv), false, 0, 0},
        {"tmpfs", JSON_KIND_BOOL, offsetof(struct raw_request, tmpfs), false, 0, 0},
        {0},
    };
    JSON_CLEANUP json_t *value = json_parse(text, "message", err);
    struct launcher_request request = {0};
    struct raw_request raw = {.handle = -1};

    if (!value || json_decode(a, &src, value, "message", fields, &raw, err))
        return -1;
    if (strcmp(raw.op, "create") == 0) {
        request.op = LAUNCHER_CREATE;
        if (decode_create(a, &raw, &request, err))
            return -1;
    } else if (strcmp(raw.op, "destroy") == 0 && raw.handle >= 0) {
        request.op = LAUNCHER_DESTROY;
        request.handle = (unsigned)raw.handle;
    } else {
        return err_set(err, ERR_INPUT, "unknown request '%s'", raw.op);
    }
    *ret = request;
    return 0;
}

int launcher_message_load_files(struct arena *a, int fd, struct launcher_request *request,
                                struct err *err)
{
    struct sandbox_file *files;
    struct str all;

    if (fs_read_fd(a, fd, LAUNCHER_FILES_MAX_BYTES, &all, err))
        return err_wrap(err, "files for a sandbox");
    files = ARENA_ARRAY(a, request->spec.n_files + 1, struct sandbox_file);
    for (size_t i = 0; i < request->spec.n_files; i++) {
        size_t n = request->spec.files[i].content.n;

        if (n > all.n)
            return err_set(err, ERR_INPUT, "contents of files for a sandbox end early");
        files[i].path = request->spec.files[i].path;
        files[i].content = (struct str){all.p, n};
        all = str_from_pos(all, n);
    }
    request->spec.files = files;
    return 0;
}

/* ---- answers ---- */

json_t *launcher_message_error(const struct err *err)
{
    json_t *e = json_object(), *m = json_object();

    json_set(e, "kind", json_integer(err->kind));
    json_set(e, "sys", json_integer(err->sys));
    json_set(e, "msg", json_c(err->msg));
    json_set(e, "fix", json_c(err->fix));
    json_set(m, "error", e);
    return m;
}

int launcher_message_check(const json_t *answer, struct err *err)
{
    const json_t *e = json_object_get(answer, "error");
    int64_t kind = json_get_int(e, "kind", ERR_INTERNAL);
    const char *msg = json_get_c(e, "msg"), *fix = json_get_c(e, "fix");

    if (!json_is_object(answer))
        return err_set(err, ERR_PROTOCOL, "the launcher's answer is not an object");
    if (!e)
        return 0;
    if (kind <= ERR_NONE || kind > ERR_INTERNAL)
        kind = ERR_INTERNAL;
    err_set(err, (enum err_kind)kind, "%s", msg ? msg : "the launcher failed");
    if (err)
        err->sys = (int)json_get_int(e, "sys", 0);
    if (fix && *fix)
        err_fix(err, "%s", fix);
    return -1;
}

/* ---- packets ---- */

union fd_room {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(LAUNCHER_FDS_MAX * sizeof(int))];
};

int launcher_message_send(int sock, const json_t *message, const int *fds, size_t n_fds,
                          struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    char *text = json_dump(&a, message);
    struct iovec iov = {text, strlen(text)};
    union fd_room room = {0};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n;

    if (iov.iov_len > LAUNCHER_MESSAGE_MAX)
        return err_set(err, ERR_LIMIT, "a message to the launcher has more than %d bytes",
                       (int)LAUNCHER_MESSAGE_MAX);
    if (n_fds > LAUNCHER_FDS_MAX)
        BUG("%zu descriptors in a message", n_fds);
    if (n_fds) {
        room.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
                                       .cmsg_type = SCM_RIGHTS,
                                       .cmsg_len = CMSG_LEN(n_fds * sizeof(int))};
        memcpy(CMSG_DATA(&room.header), fds, n_fds * sizeof(int));
        msg.msg_control = room.bytes;
        msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
    }
    do
        n = sendmsg(sock, &msg, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_sys(err, ERR_IO, errno, "send to the launcher's socket");
    return 0;
}

/* Takes the descriptors out of a packet. */
static size_t take_fds(struct msghdr *msg, int fds[LAUNCHER_FDS_MAX])
{
    size_t n = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(c), n * sizeof(int));
    }
    return n;
}

int launcher_message_receive(int sock, struct arena *a, struct str *ret_text,
                             int ret_fds[LAUNCHER_FDS_MAX], size_t *ret_n_fds, struct err *err)
{
    char *text = arena_alloc(a, LAUNCHER_MESSAGE_MAX, 1);
    struct iovec iov = {text, LAUNCHER_MESSAGE_MAX};
    union fd_room room = {0};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = room.bytes,
                         .msg_controllen = sizeof(room.bytes)};
    size_t n_fds;
    ssize_t n;

    do
        n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_sys(err, ERR_IO, errno, "receive from the launcher's socket");
    if (n == 0)
        return 0;
    n_fds = take_fds(&msg, ret_fds);
    if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        while (n_fds)
            cleanup_fd(&ret_fds[--n_fds]);
        return err_set(err, ERR_PROTOCOL, "a message at the launcher's socket is too long");
    }
    *ret_text = (struct str){text, (size_t)n};
    *ret_n_fds = n_fds;
    return 1;
}
