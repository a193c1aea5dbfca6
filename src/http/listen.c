#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "http/server.h"

static int err_listen(int why, const char *address, struct err *err)
{
    if (why != EADDRINUSE)
        return err_sys(err, ERR_IO, why, "listen on %s", address);
    err_sys(err, ERR_EXISTS, why, "listen on %s", address);
    return err_fix(err, "stop what listens there, or choose another address");
}

/* ---- unix sockets ---- */

static bool is_stale(const struct sockaddr_un *addr)
{
    FD_CLEANUP int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct stat st;

    return fd >= 0 && lstat(addr->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
           connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 && errno == ECONNREFUSED;
}

static int listen_unix(const char *path, int *ret_fd, struct err *err)
{
    FD_CLEANUP int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct str name = str_from(path);
    char where[sizeof(addr.sun_path) + 8];

    if (fd < 0)
        return err_sys(err, ERR_IO, errno, "make a socket");
    if (name.n == 0 || name.n >= sizeof(addr.sun_path))
        return err_set(err, ERR_INPUT, "listen on unix:%s: a path has 1 to %zu bytes", path,
                       sizeof(addr.sun_path) - 1);
    memcpy(addr.sun_path, name.p, name.n);
    /* Linux gives the name this mode (less the umask): nobody else can connect. */
    fchmod(fd, 0600);
    if (is_stale(&addr))
        unlink(path);
    if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, SOMAXCONN) < 0) {
        snprintf(where, sizeof(where), "unix:%s", path);
        return err_listen(errno, where, err);
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* ---- TCP ---- */

static int bind_tcp(const struct addrinfo *ai)
{
    FD_CLEANUP int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (ai->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0)
        return -1;
    return TAKE_FD(fd);
}

static int listen_tcp(const char *host, const char *port, const char *address, int *ret_fd,
                      struct err *err)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICSERV, .ai_socktype = SOCK_STREAM}, *found;
    int r = getaddrinfo(host, port, &hints, &found), fd = -1, why = 0;

    if (r)
        return err_set(err, ERR_INPUT, "listen on %s: %s", address, gai_strerror(r));
    for (struct addrinfo *ai = found; ai && fd < 0; ai = ai->ai_next) {
        fd = bind_tcp(ai);
        why = errno;
    }
    freeaddrinfo(found);
    if (fd < 0)
        return err_listen(why, address, err);
    *ret_fd = fd;
    return 0;
}

int http_listen(const char *address, int *ret_fd, struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    struct str s = str_from(address), host;
    const char *colon = strrchr(address, ':');
    uint64_t port;

    if (str_starts(s, "unix:"))
        return listen_unix(address + 5, ret_fd, err);
    if (!colon || colon == address || !str_to_u64(str_from(colon + 1), &port) || port > 65535)
        return err_set(err, ERR_INPUT,
                       "'%s' is no address to listen on; write 127.0.0.1:8080, [::1]:8080 or "
                       "unix:/path",
                       address);
    host = (struct str){address, (size_t)(colon - address)};
    if (str_starts(host, "[") && str_ends(host, "]"))
        host = (struct str){host.p + 1, host.n - 2};
    return listen_tcp(arena_dup(&a, host).p, colon + 1, address, ret_fd, err);
}

int http_listen_port(int fd)
{
    struct sockaddr_storage addr = {0};
    socklen_t n = sizeof(addr);

    if (getsockname(fd, (struct sockaddr *)&addr, &n) < 0)
        return -1;
    if (addr.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&addr)->sin_port);
    if (addr.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&addr)->sin6_port);
    return -1;
}

/* ---- without a name ---- */

/* XDG_RUNTIME_DIR when it is ours alone, which after sudo it may not be: who can write to a folder
 * can put another in the place of ours. In /tmp the sticky bit forbids that. */
static const char *runtime_dir(void)
{
    const char *dir = getenv("XDG_RUNTIME_DIR");
    struct stat st;

    if (!dir || strlen(dir) > 32 || stat(dir, &st) < 0 || !S_ISDIR(st.st_mode) ||
        st.st_uid != geteuid() || (st.st_mode & 022))
        return "/tmp";
    return dir;
}

int http_listen_unnamed(int *ret_fd, int *ret_path_fd, struct err *err)
{
    const char *runtime = runtime_dir();
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    FD_CLEANUP int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    FD_CLEANUP int path_fd = -1;
    char dir[64], *end = addr.sun_path;
    bool bound;

    snprintf(dir, sizeof(dir), "%s/kiln-XXXXXX", runtime);
    if (listening < 0 || !mkdtemp(dir))
        return err_sys(err, ERR_IO, errno, "make a socket folder in '%s'", runtime);
    snprintf(end, sizeof(addr.sun_path), "%s/socket", dir);
    bound = bind(listening, (struct sockaddr *)&addr, sizeof(addr)) == 0;
    if (!bound || listen(listening, SOMAXCONN) < 0)
        err_sys(err, ERR_IO, errno, "listen on '%s'", addr.sun_path);
    else
        path_fd = open(addr.sun_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (bound)
        unlink(addr.sun_path);
    rmdir(dir);
    if (path_fd < 0)
        return -1;
    *ret_fd = TAKE_FD(listening);
    *ret_path_fd = TAKE_FD(path_fd);
    return 0;
}
