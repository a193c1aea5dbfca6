/*
 * Raw sockets for tests of HTTP: what a client or server that misbehaves does on the wire. Every
 * wait ends after WIRE_MS, so that a test fails and doesn't hang.
 */
#ifndef KILN_TEST_WIRE_H
#define KILN_TEST_WIRE_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "http/server.h"

enum { WIRE_MS = 10000 };

static inline int wire_connect(int port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    return fd;
}

static inline int wire_connect_unix(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    return fd;
}

/* False when the peer has closed. */
static inline bool wire_send(int fd, const char *text)
{
    size_t n = strlen(text);

    return send(fd, text, n, MSG_NOSIGNAL) == (ssize_t)n;
}

/* Reads until `until` has come, the peer closes (the only end if `until` is NULL) or WIRE_MS have
 * passed without a byte; says whether it ended as wanted. The caller frees. For any thread. */
static inline char *wire_take(int fd, const char *until, bool *ret_complete)
{
    size_t n = 0, cap = 8 << 20;
    char *all = calloc(1, cap + 1);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    ssize_t got = 1;

    *ret_complete = false;
    while (all && n < cap && !*ret_complete && got > 0 && poll(&p, 1, WIRE_MS) > 0) {
        got = recv(fd, all + n, cap - n, 0);
        n += got > 0 ? (size_t)got : 0;
        *ret_complete = until ? strstr(all, until) != NULL : got <= 0;
    }
    return all;
}

/* All that comes until the peer closes, which it must. The caller frees. */
static inline char *wire_rest(int fd)
{
    bool complete;
    char *all = wire_take(fd, NULL, &complete);

    if (!complete)
        fail_msg("the peer doesn't close after \"%s\"", all);
    return all;
}

/* Reads until `text` has come, which it must. */
static inline void wire_expect(int fd, const char *text)
{
    bool complete;
    char *all = wire_take(fd, text, &complete);

    if (!complete)
        fail_msg("\"%s\" didn't come, but \"%s\"", text, all);
    free(all);
}

/* True when the peer closes without sending anything more. */
static inline bool wire_closed(int fd)
{
    char *rest = wire_rest(fd);
    bool empty = rest[0] == '\0';

    free(rest);
    return empty;
}

/* What a server here gets: a head, and what comes with it. The caller frees. */
static inline char *wire_head(int fd)
{
    bool complete;

    return wire_take(fd, "\r\n\r\n", &complete);
}

/* Drops what comes until the peer closes. For any thread. */
static inline void wire_await_close(int fd)
{
    bool complete;

    free(wire_take(fd, NULL, &complete));
}

/* ---- a server of one thread that does what a test tells it ---- */

struct wire_server {
    int listen_fd, port;
    pthread_t thread;
    void (*serve)(struct wire_server *w, int fd); /* once a connection; `fd` is closed after it */
    void *ctx;
    int connections; /* made so far; read it after wire_stop */
};

static inline void *wire_run(void *arg)
{
    struct wire_server *w = arg;
    int fd;

    while ((fd = accept(w->listen_fd, NULL, NULL)) >= 0) {
        w->connections++;
        w->serve(w, fd);
        close(fd);
    }
    return NULL;
}

static inline void wire_start_on(struct wire_server *w, const char *address)
{
    struct err err = {0};

    if (http_listen(address, &w->listen_fd, &err))
        fail_msg("%s", err.msg);
    w->port = http_listen_port(w->listen_fd);
    assert_int_equal(pthread_create(&w->thread, NULL, wire_run, w), 0);
}

static inline void wire_start(struct wire_server *w)
{
    wire_start_on(w, "127.0.0.1:0");
}

static inline void wire_stop(struct wire_server *w)
{
    shutdown(w->listen_fd, SHUT_RDWR);
    pthread_join(w->thread, NULL);
    close(w->listen_fd);
}

#endif
