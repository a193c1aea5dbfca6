#include "sandbox/envd_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "http/server.h"
#include "sandbox/envd_server_files.h"
#include "sandbox/envd_server_process.h"
#include "sandbox/envd_server_rpc.h"

enum {
    MAX_CONNECTIONS = ENVD_SERVER_MAX_PROCESSES + 64, /* a stream a process, and other calls */
    RECEIVE_MS = 600 * 1000,                          /* a large upload */
};

/* ---- requests ---- */

static bool is(struct http_exchange *x, const char *method, const char *path)
{
    return strcmp(http_exchange_path(x), path) == 0 && strcmp(http_exchange_method(x), method) == 0;
}

static const struct envd_server_method *find_method(const struct envd_server_method *m,
                                                    const char *path)
{
    for (; m->path; m++)
        if (strcmp(m->path, path) == 0)
            return m;
    return NULL;
}

static void reply_wrong_method(struct http_exchange *x, const char *allow)
{
    http_reply_header(x, "Allow", allow);
    http_reply(x, 405, "text/plain; charset=utf-8", STR(""));
}

static void handle_rest(const struct envd_server *server, struct http_exchange *x)
{
    const char *path = http_exchange_path(x);
    bool reads =
        strcmp(http_exchange_method(x), "GET") == 0 || strcmp(http_exchange_method(x), "HEAD") == 0;

    if (strcmp(path, "/health") == 0 && reads) {
        http_reply_header(x, "Cache-Control", "no-store");
        http_reply(x, 204, NULL, STR(""));
    } else if (strcmp(path, "/health") == 0) {
        reply_wrong_method(x, "GET");
    } else if (strcmp(path, "/files") == 0 && reads) {
        envd_server_download(server, x);
    } else if (strcmp(path, "/files") == 0) {
        reply_wrong_method(x, "GET, POST");
    } else {
        http_reply(x, 404, "text/plain; charset=utf-8", STR("404 page not found\n"));
    }
}

static void begin(struct http_exchange *x, void *ctx)
{
    if (is(x, "POST", "/files"))
        envd_server_upload_begin(ctx, x);
}

static void handle(struct http_exchange *x, void *ctx)
{
    const struct envd_server *server = ctx;
    const char *path = http_exchange_path(x);
    const struct envd_server_method *m = find_method(envd_server_process_methods, path);

    if (!m)
        m = find_method(envd_server_filesystem_methods, path);
    if (m)
        envd_server_rpc_handle(server, x, m);
    else if (is(x, "POST", "/files"))
        envd_server_upload_reply(x);
    else
        handle_rest(server, x);
}

static void done(struct http_exchange *x, void *ctx)
{
    envd_server_upload_done(x);
}

/* ---- life ---- */

static void wait_for(int stop_fd)
{
    struct pollfd p = {.fd = stop_fd, .events = POLLIN};

    while (poll(&p, 1, -1) <= 0)
        ;
}

static int serve(const struct envd_server_config *config, struct envd_server_table *table,
                 int stop_fd, struct err *err)
{
    struct envd_server server = {.config = config, .table = table};
    struct http_server_config http_config = {
        .listen_fd = config->listen_fd,
        .handler = {.begin = begin, .handle = handle, .done = done, .ctx = &server},
        .max_connections = MAX_CONNECTIONS,
        .max_body = ENVD_SERVER_MESSAGE_MAX,
        .receive_ms = RECEIVE_MS,
    };
    struct http_server *http;

    if (http_server_start(&http_config, &http, err))
        return -1;
    wait_for(stop_fd);
    envd_server_table_drain(table);
    http_server_stop(http);
    return 0;
}

int envd_server_run(const struct envd_server_config *config, int stop_fd, struct err *err)
{
    struct envd_server_table *table;
    sigset_t blocked, before;
    int rc;

    /* SIGCHLD goes to the table's thread alone, and a process that doesn't read its input is an
     * error of write. Threads inherit the mask. */
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    sigaddset(&blocked, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    /* As PID 1 it is that already: orphans of a killed shim come to us. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    rc = envd_server_table_new(&table, err);
    if (rc == 0) {
        rc = serve(config, table, stop_fd, err);
        envd_server_table_free(table);
    } else {
        close(config->listen_fd);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}
