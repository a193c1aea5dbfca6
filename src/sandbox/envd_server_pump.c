/*
 * The thread of the process table: one poll over the pipes of all processes.
 */
#include "sandbox/envd_server_process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "sandbox/envd_server_tree.h"

enum {
    KILL_EVERY_MS = 10,
    KILL_LATE_MS = 500,
    KILL_ALL_MS = 2000, /* a tree that outran the killing for so long */
    STOP_MS = 10000,
    PTY_PIECE_MAX = 16 * 1024,
};

enum { AT_WAKE, AT_CHILD, AT_FIRST };               /* entries of the poll */
enum { OF_REPORT, OF_OUT, OF_ERR, OF_IN, OF_EACH }; /* of each process */

/* ---- output and input ---- */

static bool wants_output(const struct envd_server_process *p)
{
    return p->ended || !p->readers || !envd_server_output_full(&p->output);
}

static void take_output(struct envd_server_process *p, int i)
{
    char room[ENVD_SERVER_PIECE_MAX];
    ssize_t n = read(p->fds.out[i], room, p->pty ? PTY_PIECE_MAX : sizeof(room));

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) { /* end of file; EIO on a PTY that nobody has open any more */
        cleanup_fd(&p->fds.out[i]);
        return;
    }
    p->left[i] -= (int)n;
    if (p->ended)
        return;
    envd_server_output_add(&p->output,
                           p->pty ? ENVD_SERVER_PTY
                           : i    ? ENVD_SERVER_STDERR
                                  : ENVD_SERVER_STDOUT,
                           (struct str){room, (size_t)n}, !p->readers);
    envd_server_process_wake_readers(p);
}

static void give_input(struct envd_server_table *t, struct envd_server_process *p)
{
    ssize_t n = write(p->fds.in, buf_c(&p->input), p->input.n);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) { /* nobody will read it */
        cleanup_fd(&p->fds.in);
        buf_free(&p->input);
    } else {
        buf_consume(&p->input, (size_t)n);
    }
    pthread_cond_broadcast(&t->changed);
}

/* ---- the end of a process ---- */

static void leader_exited(struct envd_server_process *p, int status)
{
    if (p->exited)
        return;
    p->exited = true;
    p->status = status;
    p->end_by = clock_deadline(ENVD_SERVER_GRACE_MS);
    for (int i = 0; i < 2; i++)
        if (p->fds.out[i] >= 0 && ioctl(p->fds.out[i], FIONREAD, &p->left[i]) < 0)
            p->left[i] = 0;
}

static void take_reports(struct envd_server_table *t, struct envd_server_process *p)
{
    struct envd_server_report r;
    ssize_t n;

    while ((n = read(p->fds.report, &r, sizeof(r))) == (ssize_t)sizeof(r)) {
        if (r.kind == ENVD_SERVER_REPORT_STATUS)
            leader_exited(p, r.value);
        else if (r.kind == ENVD_SERVER_REPORT_GONE)
            p->reported_gone = true;
    }
    if (n < 0)
        return; /* nothing more for now */
    cleanup_fd(&p->fds.report);
    p->orphaned = !p->reported_gone;
    p->gone = p->reported_gone;
    t->strays |= p->orphaned;
    leader_exited(p, SIGKILL);
    pthread_cond_broadcast(&t->changed);
}

static bool output_is_taken(const struct envd_server_process *p, int64_t now)
{
    for (int i = 0; i < 2; i++)
        if (p->fds.out[i] >= 0 && (p->left[i] > 0 || now < p->end_by))
            return false;
    return true;
}

static void end(struct envd_server_process *p, int64_t now)
{
    p->ended = true;
    p->ended_at = now;
    envd_server_process_wake_readers(p);
}

/* ---- killing ---- */

/* A tree may fork faster than /proc shows it. The first process of a pid namespace can kill all
 * others in one step; they belong to the same task. */
static void kill_everything(void)
{
    if (getpid() == 1)
        kill(-1, SIGKILL);
}

static void kill_tree(struct envd_server_process *p, int64_t now)
{
    bool late = now - p->doomed_at >= KILL_ALL_MS;

    p->next_kill = now + (late ? KILL_LATE_MS : KILL_EVERY_MS);
    if (envd_server_tree_signal(p->fds.shim, SIGKILL, NULL) < 0 && !p->exited)
        kill(-p->fds.leader, SIGKILL);
    if (late)
        kill_everything();
}

/* Processes whose shim was killed have become our own children. */
static void kill_strays(struct envd_server_table *t)
{
    pid_t shims[ENVD_SERVER_MAX_PROCESSES];
    size_t n = 0;

    for (const struct envd_server_process *p = t->first; p; p = p->next)
        if (p->fds.report >= 0)
            shims[n++] = p->fds.shim;
    t->strays = envd_server_tree_kill_others(getpid(), shims, n, NULL) > 0;
    if (t->strays)
        return;
    for (struct envd_server_process *p = t->first; p; p = p->next)
        p->gone |= p->orphaned;
    pthread_cond_broadcast(&t->changed);
}

/* Returns whether a child of ours is left. */
static bool reap(const struct envd_server_table *t)
{
    struct signalfd_siginfo info;
    pid_t pid;

    while (read(t->child_fd, &info, sizeof(info)) > 0)
        ;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
        ;
    return pid == 0;
}

/* All processes of the namespace descend from its first: when that has no child, it is alone. */
static void clear(struct envd_server_table *t)
{
    kill_everything();
    if (reap(t))
        return;
    t->clearing = false;
    pthread_cond_broadcast(&t->changed);
}

/* ---- a round ---- */

static void keep_time(struct envd_server_process *p, int64_t now)
{
    if (!p->exited && now >= p->kill_at && !p->doomed) {
        p->timed_out = p->doomed = true;
        p->doomed_at = now;
    }
    if (p->doomed && p->fds.report >= 0 && now >= p->next_kill)
        kill_tree(p, now);
    if (p->close_input && p->input.n == 0)
        cleanup_fd(&p->fds.in);
    if (p->exited && !p->ended && output_is_taken(p, now))
        end(p, now);
}

static bool can_be_removed(const struct envd_server_process *p)
{
    return p->ended && p->gone && !p->readers;
}

/* When keep_time or remove_old has something to do without being told by poll. */
static int64_t next_event(const struct envd_server_process *p, int64_t now)
{
    if (p->doomed && p->fds.report >= 0)
        return p->next_kill;
    if (!p->exited)
        return p->kill_at;
    if (!p->ended)
        return now < p->end_by ? p->end_by : CLOCK_NEVER;
    return can_be_removed(p) ? p->ended_at + ENVD_SERVER_ENDED_MS : CLOCK_NEVER;
}

static void remove_process(struct envd_server_table *t, struct envd_server_process **link,
                           struct envd_server_process *before)
{
    struct envd_server_process *p = *link;

    *link = p->next;
    if (t->last == p)
        t->last = before;
    t->n--;
    envd_server_spawned_close(&p->fds);
    envd_server_output_free(&p->output);
    buf_free(&p->input);
    json_decref(p->config);
    free(p->tag);
    free(p);
}

/* The oldest of too many, and those whose time is over. With `all`, every one that can go. */
static void remove_old(struct envd_server_table *t, int64_t now, bool all)
{
    struct envd_server_process **link = &t->first, *before = NULL;
    size_t n_ended = 0;

    for (const struct envd_server_process *p = t->first; p; p = p->next)
        n_ended += can_be_removed(p);
    while (*link) {
        struct envd_server_process *p = *link;

        if (can_be_removed(p) &&
            (all || n_ended > ENVD_SERVER_MAX_ENDED || now - p->ended_at >= ENVD_SERVER_ENDED_MS)) {
            remove_process(t, link, before);
            n_ended--;
        } else {
            before = p;
            link = &p->next;
        }
    }
}

static struct pollfd entry(int fd, bool wanted, short events)
{
    return (struct pollfd){.fd = wanted ? fd : -1, .events = events};
}

static nfds_t fill_polls(struct envd_server_table *t, int64_t *ret_deadline)
{
    int64_t now = clock_now_ms();
    nfds_t n = AT_FIRST;

    *ret_deadline = t->strays || t->clearing ? now + KILL_EVERY_MS : CLOCK_NEVER;
    t->polls[AT_WAKE] = entry(t->wake_fd, true, POLLIN);
    t->polls[AT_CHILD] = entry(t->child_fd, true, POLLIN);
    for (struct envd_server_process *p = t->first; p; p = p->next) {
        struct pollfd *polls = t->polls + n;
        int64_t at = next_event(p, now);

        p->poll_at = (int)n;
        polls[OF_REPORT] = entry(p->fds.report, true, POLLIN);
        polls[OF_OUT] = entry(p->fds.out[0], wants_output(p), POLLIN);
        polls[OF_ERR] = entry(p->fds.out[1], wants_output(p), POLLIN);
        polls[OF_IN] = entry(p->fds.in, p->input.n > 0, POLLOUT);
        n += OF_EACH;
        if (at < *ret_deadline)
            *ret_deadline = at;
    }
    return n;
}

static void serve(struct envd_server_table *t, struct envd_server_process *p)
{
    const struct pollfd *polls = t->polls + p->poll_at;

    /* Output before reports: what the leader wrote is counted when its exit is taken. */
    for (int i = 0; i < 2; i++)
        if (polls[OF_OUT + i].revents)
            take_output(p, i);
    if (polls[OF_IN].revents)
        give_input(t, p);
    if (polls[OF_REPORT].revents)
        take_reports(t, p);
}

static void round_of(struct envd_server_table *t)
{
    int64_t now = clock_now_ms();
    eventfd_t count;

    eventfd_read(t->wake_fd, &count);
    for (struct envd_server_process *p = t->first; p; p = p->next)
        if (p->poll_at >= 0) /* else it was started during the poll */
            serve(t, p);
    reap(t);
    if (t->clearing)
        clear(t);
    if (t->strays)
        kill_strays(t);
    for (struct envd_server_process *p = t->first; p; p = p->next)
        keep_time(p, now);
    remove_old(t, now, t->stopping);
}

/* A process that the kernel can't end (it hangs in a device) doesn't keep the thread. */
static bool is_over(const struct envd_server_table *t)
{
    int64_t now = clock_now_ms();

    if (!t->stopping)
        return false;
    for (const struct envd_server_process *p = t->first; p; p = p->next)
        if (!p->gone && now - p->doomed_at < STOP_MS)
            return false;
    return true;
}

void *envd_server_pump_main(void *arg)
{
    struct envd_server_table *t = arg;
    int64_t deadline;
    nfds_t n;

    pthread_mutex_lock(&t->lock);
    while (!is_over(t)) {
        n = fill_polls(t, &deadline);
        pthread_mutex_unlock(&t->lock);
        poll(t->polls, n, clock_poll_ms(deadline));
        pthread_mutex_lock(&t->lock);
        round_of(t);
    }
    while (t->first)
        remove_process(t, &t->first, NULL);
    reap(t);
    pthread_mutex_unlock(&t->lock);
    return NULL;
}
