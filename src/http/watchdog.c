#include "http/watchdog.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

struct watched {
    struct watched *prev, *next;
    int fd;
    int64_t deadline;
    const char *farewell;
};

struct watchdog {
    pthread_t thread;
    pthread_mutex_t lock; /* over all that follows, and the list's elements */
    pthread_cond_t changed;
    struct watched *first;
    unsigned n;
    int64_t wakes_at; /* when the thread will look again by itself */
    bool stopping;
};

static void cut(struct watched *x)
{
    if (x->farewell)
        (void)!send(x->fd, x->farewell, strlen(x->farewell), MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(x->fd, SHUT_RDWR);
    x->deadline = CLOCK_NEVER;
}

static int64_t cut_overdue(struct watchdog *w)
{
    int64_t now = clock_now_ms(), next = CLOCK_NEVER;

    for (struct watched *x = w->first; x; x = x->next) {
        if (x->deadline <= now)
            cut(x);
        if (x->deadline < next)
            next = x->deadline;
    }
    return next;
}

static void wait_until(struct watchdog *w, int64_t deadline)
{
    struct timespec ts = {.tv_sec = deadline / 1000, .tv_nsec = deadline % 1000 * 1000000};

    w->wakes_at = deadline;
    if (deadline == CLOCK_NEVER)
        pthread_cond_wait(&w->changed, &w->lock);
    else
        pthread_cond_timedwait(&w->changed, &w->lock, &ts);
}

static void *watch(void *arg)
{
    struct watchdog *w = arg;

    pthread_mutex_lock(&w->lock);
    while (!w->stopping)
        wait_until(w, cut_overdue(w));
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

int watchdog_start(struct watchdog **ret, struct err *err)
{
    struct watchdog *w = calloc(1, sizeof(*w));
    pthread_condattr_t attr;
    int r;

    if (!w)
        return err_set(err, ERR_IO, "no memory for a server");
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &attr);
    pthread_condattr_destroy(&attr);
    w->wakes_at = CLOCK_NEVER;
    r = pthread_create(&w->thread, NULL, watch, w);
    if (r) {
        free(w);
        return err_sys(err, ERR_IO, r, "start a thread");
    }
    *ret = w;
    return 0;
}

void watchdog_stop(struct watchdog *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    if (w->first)
        BUG("a socket is still watched");
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

struct watched *watchdog_add(struct watchdog *w, int fd, int64_t deadline)
{
    struct watched *x = calloc(1, sizeof(*x));

    if (!x)
        BUG("out of memory for a connection");
    x->fd = fd;
    x->deadline = CLOCK_NEVER;
    pthread_mutex_lock(&w->lock);
    x->next = w->first;
    if (x->next)
        x->next->prev = x;
    w->first = x;
    w->n++;
    pthread_mutex_unlock(&w->lock);
    watchdog_set(w, x, deadline, NULL);
    return x;
}

void watchdog_remove(struct watchdog *w, struct watched *x)
{
    pthread_mutex_lock(&w->lock);
    *(x->prev ? &x->prev->next : &w->first) = x->next;
    if (x->next)
        x->next->prev = x->prev;
    w->n--;
    pthread_mutex_unlock(&w->lock);
    free(x);
}

void watchdog_set(struct watchdog *w, struct watched *x, int64_t deadline, const char *farewell)
{
    pthread_mutex_lock(&w->lock);
    x->deadline = deadline;
    x->farewell = farewell;
    if (deadline < w->wakes_at)
        pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

unsigned watchdog_count(struct watchdog *w)
{
    unsigned n;

    pthread_mutex_lock(&w->lock);
    n = w->n;
    pthread_mutex_unlock(&w->lock);
    return n;
}
