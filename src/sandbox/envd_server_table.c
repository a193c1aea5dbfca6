#include "sandbox/envd_server_process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "sandbox/envd_server_tree.h"

enum { INPUT_WAIT_MS = 1000, KILL_WAIT_MS = 10000 };

void envd_server_pump_wake(struct envd_server_table *t)
{
    eventfd_write(t->wake_fd, 1);
}

/* ---- the table ---- */

static int open_fds(struct envd_server_table *t, struct err *err)
{
    sigset_t child;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    t->child_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (t->wake_fd < 0 || t->child_fd < 0)
        return err_sys(err, ERR_IO, errno, "descriptors of the process table");
    return 0;
}

static void close_table(struct envd_server_table *t)
{
    cleanup_fd(&t->wake_fd);
    cleanup_fd(&t->child_fd);
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

int envd_server_table_new(struct envd_server_table **ret, struct err *err)
{
    struct envd_server_table *t = calloc(1, sizeof(*t));
    pthread_condattr_t attr;
    int sys;

    if (!t)
        return err_set(err, ERR_IO, "out of memory");
    t->wake_fd = t->child_fd = -1;
    pthread_mutex_init(&t->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&t->changed, &attr);
    pthread_condattr_destroy(&attr);
    if (open_fds(t, err)) {
        close_table(t);
        return -1;
    }
    sys = pthread_create(&t->thread, NULL, envd_server_pump_main, t);
    if (sys) {
        close_table(t);
        return err_sys(err, ERR_IO, sys, "start a thread");
    }
    *ret = t;
    return 0;
}

void envd_server_table_drain(struct envd_server_table *t)
{
    pthread_mutex_lock(&t->lock);
    t->draining = true;
    for (const struct envd_server_process *p = t->first; p; p = p->next)
        envd_server_process_wake_readers(p);
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

static void doom(struct envd_server_table *t, struct envd_server_process *p)
{
    if (!p->doomed) {
        p->doomed = true;
        p->doomed_at = p->next_kill = clock_now_ms();
    }
    envd_server_pump_wake(t);
}

void envd_server_table_free(struct envd_server_table *t)
{
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    t->stopping = true;
    for (struct envd_server_process *p = t->first; p; p = p->next)
        doom(t, p);
    envd_server_pump_wake(t);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    close_table(t);
}

/* ---- starting and following ---- */

static struct envd_server_reader *attach(struct envd_server_table *t, struct envd_server_process *p,
                                         struct err *err)
{
    struct envd_server_reader *r = calloc(1, sizeof(*r));
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (!r || fd < 0) {
        err_sys(err, ERR_LIMIT, errno, "follow a process");
        free(r);
        return NULL;
    }
    *r = (struct envd_server_reader){
        .next = p->readers,
        .table = t,
        .process = p,
        .position = p->output.seen,
        .wake_fd = fd,
        .pid = (uint32_t)p->fds.leader,
    };
    p->readers = r;
    return r;
}

static struct envd_server_process *add(struct envd_server_table *t,
                                       const struct envd_server_start *start,
                                       const struct envd_server_spawned *fds)
{
    struct envd_server_process *p = calloc(1, sizeof(*p));

    if (!p)
        BUG("out of memory");
    p->fds = *fds;
    p->pty = start->spawn.pty;
    p->tag = start->tag ? strdup(start->tag) : NULL;
    p->config = json_incref(start->config);
    p->input = BUF_INIT(ENVD_SERVER_INPUT_MAX + ENVD_SERVER_MESSAGE_MAX);
    p->kill_at = clock_deadline(start->timeout_ms);
    p->poll_at = -1;
    if (t->last)
        t->last->next = p;
    else
        t->first = p;
    t->last = p;
    t->n++;
    envd_server_pump_wake(t);
    return p;
}

static int start_locked(struct envd_server_table *t, struct arena *a,
                        const struct envd_server_start *start, struct envd_server_reader **ret,
                        struct err *err)
{
    struct envd_server_spawned fds;
    struct envd_server_process *p;

    if (t->n >= ENVD_SERVER_MAX_PROCESSES)
        return err_set(err, ERR_LIMIT, "more than %d processes at once", ENVD_SERVER_MAX_PROCESSES);
    if (t->draining)
        return err_set(err, ERR_CANCELLED, "the server stops");
    if (envd_server_spawn(a, &start->spawn, &fds, err))
        return -1;
    p = add(t, start, &fds);
    *ret = attach(t, p, err);
    if (*ret)
        return 0;
    doom(t, p);
    return -1;
}

/* The fork is made under the lock: no shim is ever alive that the table doesn't list. */
int envd_server_table_start(struct envd_server_table *t, struct arena *a,
                            const struct envd_server_start *start, struct envd_server_reader **ret,
                            struct err *err)
{
    int rc;

    pthread_mutex_lock(&t->lock);
    rc = start_locked(t, a, start, ret, err);
    pthread_mutex_unlock(&t->lock);
    return rc;
}

/* Of two records with one pid (the kernel used it again) the younger counts. */
static struct envd_server_process *find(struct envd_server_table *t,
                                        const struct envd_server_selector *which, struct err *err)
{
    struct envd_server_process *found = NULL;

    for (struct envd_server_process *p = t->first; p; p = p->next)
        if (which->tag ? p->tag && strcmp(p->tag, which->tag) == 0
                       : (uint32_t)p->fds.leader == which->pid)
            found = p;
    if (!found && which->tag)
        err_set(err, ERR_NOT_FOUND, "process with tag %s not found", which->tag);
    else if (!found)
        err_set(err, ERR_NOT_FOUND, "process with pid %u not found", which->pid);
    return found;
}

/* The same for what needs a process that is still there: `gone` ones count as unknown. */
static struct envd_server_process *
find_alive(struct envd_server_table *t, const struct envd_server_selector *which, struct err *err)
{
    struct envd_server_process *p = find(t, which, err);

    if (!p || !p->gone)
        return p;
    err_set(err, ERR_NOT_FOUND, "process with pid %d not found", (int)p->fds.leader);
    return NULL;
}

int envd_server_table_connect(struct envd_server_table *t, const struct envd_server_selector *which,
                              struct envd_server_reader **ret, struct err *err)
{
    struct envd_server_process *p;
    struct envd_server_reader *r = NULL;

    pthread_mutex_lock(&t->lock);
    p = find(t, which, err);
    if (p)
        r = attach(t, p, err);
    pthread_mutex_unlock(&t->lock);
    if (!r)
        return -1;
    *ret = r;
    return 0;
}

/* ---- input ---- */

static void wait_for_change(struct envd_server_table *t, int64_t deadline)
{
    struct timespec at = {.tv_sec = deadline / 1000, .tv_nsec = deadline % 1000 * 1000000};

    pthread_cond_timedwait(&t->changed, &t->lock, &at);
}

static int check_input(const struct envd_server_process *p, bool pty, struct err *err)
{
    if (pty && !p->pty)
        return err_set(err, ERR_INTERNAL, "error writing to tty: tty not assigned to process");
    if (!pty && p->pty)
        return err_set(err, ERR_INTERNAL,
                       "error writing to stdin: tty assigned to process - input should be written "
                       "to the pty, not the stdin");
    if (p->fds.in < 0 || p->close_input)
        return err_set(err, ERR_INTERNAL, "error writing to stdin: stdin not enabled or closed");
    return 0;
}

static int queue_input(struct envd_server_table *t, const struct envd_server_selector *which,
                       struct str data, bool pty, struct err *err)
{
    int64_t deadline = clock_deadline(INPUT_WAIT_MS);

    for (;;) {
        /* Looked up again after each wait: the record may be gone. */
        struct envd_server_process *p = find_alive(t, which, err);

        if (!p || check_input(p, pty, err))
            return -1;
        if (p->input.n == 0 || p->input.n + data.n <= ENVD_SERVER_INPUT_MAX) {
            envd_server_pump_wake(t);
            return buf_add(&p->input, data, err);
        }
        if (clock_now_ms() >= deadline || t->draining)
            return err_set(err, ERR_THROTTLED, "the process doesn't read its input");
        wait_for_change(t, deadline);
    }
}

int envd_server_table_input(struct envd_server_table *t, const struct envd_server_selector *which,
                            struct str data, bool pty, struct err *err)
{
    int rc;

    pthread_mutex_lock(&t->lock);
    rc = queue_input(t, which, data, pty, err);
    pthread_mutex_unlock(&t->lock);
    return rc;
}

static int close_input_locked(struct envd_server_table *t, struct envd_server_process *p,
                              struct err *err)
{
    if (p->pty)
        return err_set(err, ERR_INTERNAL,
                       "error closing stdin: cannot close stdin for PTY process - send Ctrl+D "
                       "(0x04) instead");
    p->close_input = true;
    envd_server_pump_wake(t);
    return 0;
}

int envd_server_table_close_input(struct envd_server_table *t,
                                  const struct envd_server_selector *which, struct err *err)
{
    struct envd_server_process *p;
    int rc;

    pthread_mutex_lock(&t->lock);
    p = find_alive(t, which, err);
    rc = p ? close_input_locked(t, p, err) : -1;
    pthread_mutex_unlock(&t->lock);
    return rc;
}

static int resize_locked(const struct envd_server_process *p, unsigned rows, unsigned columns,
                         struct err *err)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};

    if (!p->pty || p->fds.out[0] < 0)
        return err_set(err, ERR_INTERNAL, "error resizing tty: tty not assigned to process");
    if (ioctl(p->fds.out[0], TIOCSWINSZ, &size) < 0)
        return err_sys(err, ERR_INTERNAL, errno, "error resizing tty");
    return 0;
}

int envd_server_table_resize(struct envd_server_table *t, const struct envd_server_selector *which,
                             unsigned rows, unsigned columns, struct err *err)
{
    struct envd_server_process *p;
    int rc;

    pthread_mutex_lock(&t->lock);
    p = find_alive(t, which, err);
    rc = p ? resize_locked(p, rows, columns, err) : -1;
    pthread_mutex_unlock(&t->lock);
    return rc;
}

/* ---- signals ---- */

static int kill_and_wait(struct envd_server_table *t, const struct envd_server_selector *which,
                         struct err *err)
{
    int64_t deadline = clock_deadline(KILL_WAIT_MS);
    struct envd_server_process *p = find_alive(t, which, err);

    if (!p)
        return -1;
    doom(t, p);
    while ((p = find_alive(t, which, NULL)) && p->doomed) {
        if (clock_now_ms() >= deadline || t->draining)
            return err_set(err, ERR_INTERNAL, "process %u is killed and still there", which->pid);
        wait_for_change(t, deadline);
    }
    return 0;
}

/* One kill(2) of the first process of a pid namespace reaches all others. What is started meanwhile
 * doesn't outlive it either. */
static int clear_and_wait(struct envd_server_table *t, struct err *err)
{
    int64_t deadline = clock_deadline(KILL_WAIT_MS);

    t->clearing = true;
    envd_server_pump_wake(t);
    while (t->clearing) {
        if (clock_now_ms() >= deadline || t->draining)
            return err_set(err, ERR_INTERNAL, "everything is killed and something still there");
        wait_for_change(t, deadline);
    }
    return 0;
}

static int signal_locked(struct envd_server_table *t, const struct envd_server_selector *which,
                         int sig, struct err *err)
{
    struct envd_server_process *p;

    if (sig == SIGKILL && !which->tag && which->pid == 1 && getpid() == 1)
        return clear_and_wait(t, err);
    if (sig == SIGKILL)
        return kill_and_wait(t, which, err);
    p = find_alive(t, which, err);
    return p && envd_server_tree_signal(p->fds.shim, sig, err) >= 0 ? 0 : -1;
}

int envd_server_table_signal(struct envd_server_table *t, const struct envd_server_selector *which,
                             int sig, struct err *err)
{
    int rc;

    pthread_mutex_lock(&t->lock);
    rc = signal_locked(t, which, sig, err);
    pthread_mutex_unlock(&t->lock);
    return rc;
}

json_t *envd_server_table_list(struct envd_server_table *t)
{
    json_t *list = json_array();

    pthread_mutex_lock(&t->lock);
    for (const struct envd_server_process *p = t->first; p; p = p->next) {
        json_t *item;

        if (p->ended)
            continue;
        item = json_object();
        json_set(item, "config", json_deep_copy(p->config));
        json_set(item, "pid", json_integer(p->fds.leader));
        if (p->tag)
            json_set(item, "tag", json_c(p->tag));
        json_add(list, item);
    }
    pthread_mutex_unlock(&t->lock);
    return list;
}
