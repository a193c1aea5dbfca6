#include "http/server.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/exchange.h"

enum {
    SPARE_CONNECTIONS = 8, /* above the limit, to say 503 on; what comes beyond is closed */
    REFUSED_MS = 2000,     /* for a refused client to send its request and take the 503 */
    STACK_SIZE = 1024 * 1024,
};

#define TIMEOUT_BODY "{\"code\":408,\"message\":\"the request took too long to come\"}"
_Static_assert(sizeof(TIMEOUT_BODY) - 1 == 58, "Content-Length below");

static const char timeout_reply[] = "HTTP/1.1 408 Request Timeout\r\n"
                                    "Content-Type: application/json\r\n"
                                    "Content-Length: 58\r\n"
                                    "Connection: close\r\n"
                                    "\r\n" TIMEOUT_BODY;

/* ---- callbacks of the library ---- */

static void open_connection(struct http_server *s, struct MHD_Connection *mhd, void **context)
{
    struct http_connection *c = calloc(1, sizeof(*c));

    if (!c)
        BUG("out of memory for a connection");
    c->server = s;
    c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    c->refused = watchdog_count(s->watchdog) >= s->config.max_connections;
    c->receive_until = clock_deadline(c->refused ? REFUSED_MS : s->config.receive_ms);
    c->watched = watchdog_add(s->watchdog, c->fd, CLOCK_NEVER);
    watchdog_set(s->watchdog, c->watched, c->receive_until, timeout_reply);
    *context = c;
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct http_server *s = cls;
    struct http_connection *c = *context;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        open_connection(s, mhd, context);
    } else {
        watchdog_remove(s->watchdog, c->watched);
        free(c);
    }
}

static struct http_connection *connection_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* The request line is there: from now on the clock of the whole request runs. */
static void *on_request_line(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    struct http_server *s = cls;
    struct http_connection *c = connection_of(mhd);

    if (!c->refused)
        c->receive_until = clock_deadline(s->config.receive_ms);
    watchdog_set(s->watchdog, c->watched, c->receive_until, timeout_reply);
    /* A NUL would end the decoded path early. */
    c->bad_uri = uri[0] != '/' || strstr(uri, "%00");
    return NULL;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *path,
                                  const char *method, const char *version, const char *bytes,
                                  size_t *n, void **context)
{
    struct http_exchange *x = *context;

    if (!x) {
        *context = x = http_exchange_new(connection_of(mhd), mhd, method, path);
        return http_exchange_begin(x);
    }
    if (*n == 0)
        return http_exchange_finish(x);
    http_exchange_take(x, (struct str){bytes, *n});
    *n = 0;
    return MHD_YES;
}

/* The exchange is over; the connection may wait for its next request, or be closed. */
static void on_completed(void *cls, struct MHD_Connection *mhd, void **context,
                         enum MHD_RequestTerminationCode how)
{
    struct http_server *s = cls;
    struct http_connection *c = connection_of(mhd);

    if (*context)
        http_exchange_free(*context);
    *context = NULL;
    watchdog_set(s->watchdog, c->watched, clock_deadline(s->config.idle_ms), NULL);
}

/* ---- life of a server ---- */

static struct http_server_config with_defaults(struct http_server_config c)
{
    if (c.max_connections == 0)
        c.max_connections = 64;
    if (c.max_head == 0)
        c.max_head = 32 * 1024;
    if (c.max_body == 0)
        c.max_body = (size_t)16 * 1024 * 1024;
    if (c.receive_ms == 0)
        c.receive_ms = 60 * 1000;
    if (c.idle_ms == 0)
        c.idle_ms = 120 * 1000;
    return c;
}

static struct MHD_Daemon *start_daemon(struct http_server *s)
{
    const struct http_server_config *c = &s->config;

    /* The library's memory of a connection holds the raw head, its parsed form and the buffer for
     * sending. What fits there and is over max_head is refused in exchange.c. */
    return MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL, 0, NULL,
        NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, c->listen_fd, MHD_OPTION_CONNECTION_LIMIT,
        c->max_connections + SPARE_CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        2 * c->max_head + 4096, MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_SIZE,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_URI_LOG_CALLBACK, on_request_line,
        s, MHD_OPTION_END);
}

/* Signals stay with the threads of the process that were there before. */
static int start_threads(struct http_server *s, struct err *err)
{
    sigset_t all, old;
    int result;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    result = watchdog_start(&s->watchdog, err);
    if (result == 0) {
        s->daemon = start_daemon(s);
        if (!s->daemon) {
            watchdog_stop(s->watchdog);
            result = err_sys(err, ERR_IO, errno, "start the HTTP server");
        }
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return result;
}

int http_server_start(const struct http_server_config *config, struct http_server **ret,
                      struct err *err)
{
    struct http_server *s = calloc(1, sizeof(*s));

    if (!s)
        BUG("out of memory for a server");
    s->config = with_defaults(*config);
    /* A client that leaves between poll and accept mustn't block the accepting thread. */
    fcntl(config->listen_fd, F_SETFL, fcntl(config->listen_fd, F_GETFL) | O_NONBLOCK);
    if (start_threads(s, err)) {
        close(config->listen_fd);
        free(s);
        return -1;
    }
    *ret = s;
    return 0;
}

void http_server_stop(struct http_server *s)
{
    if (!s)
        return;
    MHD_quiesce_daemon(s->daemon);
    /* Shuts the sockets of all connections down, then joins their threads. */
    MHD_stop_daemon(s->daemon);
    close(s->config.listen_fd);
    watchdog_stop(s->watchdog);
    free(s);
}
