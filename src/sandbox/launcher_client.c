#include "sandbox/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/proc.h"
#include "sandbox/launcher_message.h"

enum { STOP_MS = 30000 };

struct launcher {
    struct proc proc;
    int sock;
};

int launcher_start(struct launcher **ret, struct err *err)
{
    static const char *const argv[] = {"kiln", "launcher", NULL};
    FD_CLEANUP int ours = -1;
    FD_CLEANUP int theirs = -1;
    struct proc_spec spec = {
        .argv = argv, .exe = "/proc/self/exe", .n_fds = 4, .survives_parent = true};
    struct launcher *l;
    struct proc proc;
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return err_sys(err, ERR_IO, errno, "make a socket");
    ours = pair[0];
    theirs = pair[1];
    spec.fds = (const int[]){-1, -1, STDERR_FILENO, theirs};
    if (proc_start(&spec, &proc, err))
        return err_wrap(err, "start the launcher");
    l = calloc(1, sizeof(*l));
    if (!l)
        BUG("out of memory");
    *l = (struct launcher){.proc = proc, .sock = TAKE_FD(ours)};
    *ret = l;
    return 0;
}

void launcher_stop(struct launcher *l)
{
    int status;

    if (!l)
        return;
    /* It ends its sandboxes and itself when the socket closes. */
    cleanup_fd(&l->sock);
    if (proc_wait(&l->proc, clock_deadline(STOP_MS), &status, NULL))
        proc_end(&l->proc, 0);
    free(l);
}

/* Sends a request and reads its answer, which the caller owns; NULL on failure. `ret_fd` gets the
 * descriptor that came with it, or -1. */
static json_t *call(struct launcher *l, const json_t *request, const int *fds, size_t n_fds,
                    int *ret_fd, struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    JSON_CLEANUP json_t *answer = NULL;
    int got_fds[LAUNCHER_FDS_MAX], got;
    size_t n_got = 0;
    struct str text;

    if (launcher_message_send(l->sock, request, fds, n_fds, err))
        return NULL;
    got = launcher_message_receive(l->sock, &a, &text, got_fds, &n_got, err);
    if (got == 0)
        err_set(err, ERR_IO, "the launcher ended");
    if (got <= 0)
        return NULL;
    *ret_fd = n_got ? got_fds[0] : -1;
    for (size_t i = 1; i < n_got; i++)
        cleanup_fd(&got_fds[i]);
    answer = json_parse(text, "launcher's answer", err);
    if (!answer || launcher_message_check(answer, err)) {
        cleanup_fd(ret_fd);
        return NULL;
    }
    return TAKE(answer);
}

/* All contents one after another, in memory. */
static int pack_files(const struct sandbox_spec *spec, int *ret_fd, struct err *err)
{
    FD_CLEANUP int fd = memfd_create("files", MFD_CLOEXEC);

    if (fd < 0)
        return err_sys(err, ERR_IO, errno, "make a memory file");
    for (size_t i = 0; i < spec->n_files; i++)
        if (fs_write_all(fd, spec->files[i].content, err))
            return -1;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return err_sys(err, ERR_IO, errno, "rewind a memory file");
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int launcher_create(struct launcher *l, const struct sandbox_spec *spec,
                    const struct launcher_job *job, struct launched *ret, struct err *err)
{
    JSON_CLEANUP json_t *request = launcher_message_create(spec, job);
    JSON_CLEANUP json_t *answer = NULL;
    FD_CLEANUP int files = -1;
    FD_CLEANUP int pidfd = -1;
    FD_CLEANUP int null = -1;
    int fds[LAUNCHER_FDS_MAX];
    size_t n = 0;

    if (spec->n_files) {
        if (pack_files(spec, &files, err))
            return -1;
        fds[n++] = files;
    }
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return err_sys(err, ERR_IO, errno, "open '/dev/null'");
    if (!job->argv && !job->probe)
        fds[n++] = job->envd_listen_fd;
    else
        for (int i = 0; i < 3; i++)
            fds[n++] = job->stdio[i] < 0 ? null : job->stdio[i];
    answer = call(l, request, fds, n, &pidfd, err);
    if (!answer)
        return err_wrap(err, "make a sandbox");
    if (pidfd < 0 || !json_is_object(json_object_get(answer, "layers")))
        return err_set(err, ERR_PROTOCOL, "the launcher's answer lacks something");
    *ret = (struct launched){.handle = (unsigned)json_get_int(answer, "handle", 0),
                             .pidfd = TAKE_FD(pidfd),
                             .layers = json_incref(json_object_get(answer, "layers"))};
    return 0;
}

int launcher_destroy(struct launcher *l, unsigned handle, struct arena *a, const char **ret_why,
                     int *ret_status, struct err *err)
{
    JSON_CLEANUP json_t *request = launcher_message_destroy(handle);
    FD_CLEANUP int fd = -1;
    JSON_CLEANUP json_t *answer = call(l, request, NULL, 0, &fd, err);

    if (!answer)
        return err_wrap(err, "end a sandbox");
    if (ret_why)
        *ret_why = arena_strdup(a, json_get_c(answer, "why"));
    if (ret_status)
        *ret_status = (int)json_get_int(answer, "status", 0);
    return 0;
}

int launcher_wait(struct launcher *l, unsigned handle, int pidfd, int *ret_status, struct err *err)
{
    struct pollfd pfds[] = {{.fd = pidfd, .events = POLLIN}, {.fd = cancel_fd(), .events = POLLIN}};
    int n;

    do
        n = poll(pfds, 2, -1);
    while (n < 0 && errno == EINTR);
    if (launcher_destroy(l, handle, NULL, NULL, ret_status, err))
        return -1;
    return pfds[0].revents ? 0 : cancel_check(err);
}
