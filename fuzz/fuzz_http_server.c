/* layer: http */
/* Raw bytes from a client, which then half-closes and reads what comes. The server must close the
 * connection and close each exchange once. */
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "http/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATIENCE_MS = 5000 };

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static atomic_int begun, ended, sources;

static int take(void *ctx, struct str chunk, struct err *err)
{
    return chunk.n > 100 ? err_set(err, ERR_LIMIT, "too much for me") : 0;
}

static int next_piece(void *ctx, struct buf *out)
{
    int *left = ctx;

    return (*left)-- > 0 && buf_add_c(out, "piece", NULL) == 0;
}

static void close_source(void *ctx)
{
    atomic_fetch_sub(&sources, 1);
}

static void begin(struct http_exchange *x, void *ctx)
{
    const char *path = http_exchange_path(x);

    atomic_fetch_add(&begun, 1);
    if (strcmp(path, "/sink") == 0)
        http_exchange_body_sink(x, (struct http_sink){.write = take});
    if (strcmp(path, "/no") == 0)
        http_reply_error(x, 403, "no: %s", http_exchange_method(x));
}

static void handle(struct http_exchange *x, void *ctx)
{
    struct http_source source = {.next = next_piece, .close = close_source};
    const char *q = http_exchange_query(x, "q");
    int *left;

    http_reply_header(x, "X-Path", http_exchange_path(x));
    http_reply_header(x, "X-Query", q ? q : "");
    if (strcmp(http_exchange_path(x), "/source") != 0) {
        http_reply(x, 200, q ? "text/plain" : NULL, http_exchange_body(x));
        return;
    }
    source.ctx = left = arena_alloc(http_exchange_arena(x), 1, sizeof(*left));
    *left = 3;
    atomic_fetch_add(&sources, 1);
    http_reply_source(x, 200, "text/plain", source, q ? 10 : -1);
}

static void done(struct http_exchange *x, void *ctx)
{
    atomic_fetch_add(&ended, 1);
}

static void start(void)
{
    struct http_server_config config = {
        .max_head = 4096,
        .max_body = 1000,
        .handler = {.begin = begin, .handle = handle, .done = done}};
    static struct http_server *server;
    socklen_t n = sizeof(address.sun_family);

    /* An address that the kernel chooses, in no folder. */
    config.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(config.listen_fd, (struct sockaddr *)&address, n) || listen(config.listen_fd, 64))
        BUG("no socket to listen on");
    n = sizeof(address);
    getsockname(config.listen_fd, (struct sockaddr *)&address, &n);
    if (http_server_start(&config, &server, NULL))
        BUG("no server");
}

static void read_all(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char room[4096];

    do {
        if (poll(&p, 1, PATIENCE_MS) <= 0)
            BUG("the server keeps the connection open");
    } while (recv(fd, room, sizeof(room), 0) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    socklen_t n = sizeof(address.sun_family) + 6;
    int fd;

    if (address.sun_path[1] == '\0')
        start();
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, n))
        BUG("no connection");
    if (size && send(fd, data, size, MSG_NOSIGNAL) < 0)
        BUG("the server didn't take %zu bytes", size);
    shutdown(fd, SHUT_WR);
    read_all(fd);
    close(fd);
    for (int ms = 0; atomic_load(&begun) != atomic_load(&ended); ms++) {
        if (ms == PATIENCE_MS)
            BUG("%d exchanges began, %d ended", begun, ended);
        poll(NULL, 0, 1);
    }
    if (atomic_load(&sources) != 0)
        BUG("%d sources are open", sources);
    return 0;
}
