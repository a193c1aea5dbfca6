#include "sandbox/envd_server_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/str.h"

struct entry {
    pid_t pid, parent;
};

struct table {
    struct entry *items;
    size_t n, cap;
};

/* The fourth field of /proc/PID/stat; the second is a name in parentheses that may hold any. */
static int read_parent(int proc_fd, const char *pid, pid_t *ret)
{
    char path[64], text[512];
    const char *behind_name;
    ssize_t n;
    FD_CLEANUP int fd = -1;
    int parent;

    snprintf(path, sizeof(path), "%s/stat", pid);
    fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    n = read(fd, text, sizeof(text) - 1);
    if (n <= 0)
        return -1;
    text[n] = '\0';
    behind_name = strrchr(text, ')');
    if (!behind_name || sscanf(behind_name, ") %*c %d", &parent) != 1)
        return -1;
    *ret = parent;
    return 0;
}

static int read_table(struct arena *a, struct table *t, struct err *err)
{
    DIR *dir = opendir("/proc");
    struct dirent *d;
    uint64_t pid;

    if (!dir)
        return err_sys(err, ERR_IO, errno, "read /proc");
    while ((d = readdir(dir))) {
        struct entry e;

        if (!str_to_u64(str_from(d->d_name), &pid) || pid > INT32_MAX)
            continue;
        e.pid = (pid_t)pid;
        if (read_parent(dirfd(dir), d->d_name, &e.parent))
            continue; /* it has just ended */
        t->items = arena_grow(a, t->items, t->n, &t->cap, sizeof(*t->items));
        t->items[t->n++] = e;
    }
    closedir(dir);
    return 0;
}

static bool is_among(pid_t pid, const pid_t *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == pid)
            return true;
    return false;
}

/* Breadth first: the processes that were found are moved to the front, in order, and serve as the
 * parents to look for next. */
static int signal_below(pid_t root, int sig, const pid_t *spared, size_t n_spared, struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    struct table t = {0};
    size_t found = 0;

    if (read_table(&a, &t, err))
        return -1;
    for (size_t next = 0; next <= found; next++) {
        pid_t parent = next == 0 ? root : t.items[next - 1].pid;

        for (size_t i = found; i < t.n; i++) {
            struct entry e = t.items[i];

            if (e.parent != parent || (next == 0 && is_among(e.pid, spared, n_spared)))
                continue;
            kill(e.pid, sig);
            t.items[i] = t.items[found];
            t.items[found++] = e;
        }
    }
    return (int)found;
}

int envd_server_tree_signal(pid_t root, int sig, struct err *err)
{
    return signal_below(root, sig, NULL, 0, err);
}

int envd_server_tree_kill_others(pid_t root, const pid_t *spared, size_t n_spared, struct err *err)
{
    return signal_below(root, SIGKILL, spared, n_spared, err);
}
