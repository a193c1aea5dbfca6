#include "cli/scripted.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/proc.h"
#include "http/server.h"
#include "model/script.h"

enum { END_GRACE_MS = 5000, REPORT_MAX = 4 * 1024 * 1024 };

struct scripted {
    struct arena arena;
    const char *socket; /* "/proc/self/fd/N" */
    int socket_fd;      /* N: the socket's inode, which has no name any more */
    int report_fd;      /* memory that the child writes its report into */
    struct proc proc;
};

static void scripted_free(struct scripted *s)
{
    proc_end(&s->proc, END_GRACE_MS);
    cleanup_fd(&s->socket_fd);
    cleanup_fd(&s->report_fd);
    arena_clear(&s->arena);
    free(s);
}

/* Mistakes in the script are told before anything is started. */
static int check_script(const char *path, struct err *err)
{
    struct script *script;

    if (script_load(path, &script, err))
        return -1;
    script_free(script);
    return 0;
}

static int start_server(struct scripted *s, const char *script, struct err *err)
{
    static const char *const listen = "fd:3", *const report = "fd:4";
    const char *const argv[] = {"kiln",     "model", "serve", "--quiet", "--listen", listen,
                                "--report", report,  "--",    script,    NULL};
    FD_CLEANUP int listener = -1;

    s->report_fd = memfd_create("report", MFD_CLOEXEC);
    if (s->report_fd < 0)
        return err_sys(err, ERR_IO, errno, "memory for a report");
    if (http_listen_unnamed(&listener, &s->socket_fd, err))
        return -1;
    s->socket = arena_printf(&s->arena, "/proc/self/fd/%d", s->socket_fd);
    return proc_start(
        &(struct proc_spec){.argv = argv,
                            .exe = "/proc/self/exe",
                            .fds = (const int[]){-1, -1, STDERR_FILENO, listener, s->report_fd},
                            .n_fds = 5},
        &s->proc, err);
}

int scripted_start(const char *script, struct scripted **ret, struct err *err)
{
    struct scripted *s;

    if (check_script(script, err))
        return -1;
    s = calloc(1, sizeof(*s));
    if (!s)
        BUG("out of memory");
    s->proc = PROC_NONE;
    s->socket_fd = s->report_fd = -1;
    if (start_server(s, script, err)) {
        scripted_free(s);
        return err_wrap(err, "start the scripted model");
    }
    *ret = s;
    return 0;
}

const char *scripted_socket(const struct scripted *s)
{
    return s->socket;
}

json_t *scripted_end(struct scripted *s)
{
    json_t *report = NULL;
    struct str text;

    proc_end(&s->proc, END_GRACE_MS);
    /* The child has written through the same description and left it at the end. */
    if (lseek(s->report_fd, 0, SEEK_SET) == 0 &&
        fs_read_fd(&s->arena, s->report_fd, REPORT_MAX, &text, NULL) == 0 && text.n)
        report = json_parse(text, "report", NULL);
    scripted_free(s);
    return report;
}
