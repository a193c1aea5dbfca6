#include "sandbox/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"

enum { CPU_PERIOD_US = 100000, REMOVE_MS = 1000 };

/* Groups are named kiln-PID-START-N: which launcher made them, and so whether it still lives. */
#define NAME_PREFIX "kiln-"

static int write_value(const char *dir, const char *file, const char *value)
{
    FD_CLEANUP int fd = -1;
    char path[640];

    if (snprintf(path, sizeof(path), "%s/%s", dir, file) >= (int)sizeof(path))
        return ENAMETOOLONG;
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, value, strlen(value)) < 0)
        return errno;
    return 0;
}

static int write_number(const char *dir, const char *file, long long value)
{
    char text[32];

    snprintf(text, sizeof(text), "%lld", value);
    return write_value(dir, file, text);
}

/* When a process started, in clock ticks since boot: field 22 of /proc/PID/stat. 0 if it is gone.
 */
static uint64_t start_time(long pid)
{
    ARENA_CLEANUP struct arena a = {0};
    uint64_t start = 0;
    struct str text, field;
    ptrdiff_t at = -1;

    if (fs_read_file(&a, arena_printf(&a, "/proc/%ld/stat", pid), 4096, &text, NULL))
        return 0;
    /* The name in parentheses may hold anything; fields are counted after the last ')'. */
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == ')')
            at = (ptrdiff_t)i;
    text = str_from_pos(text, (size_t)(at + 1));
    for (int i = 2; i <= 22 && str_next(&text, ' ', &field); i++)
        if (i == 22 && !str_to_u64(field, &start))
            return 0;
    return start;
}

/* ---- making ---- */

static int set_memory(const char *dir, int version, const struct sandbox_limits *l)
{
    int sys;

    if (version == 2) {
        sys = write_number(dir, "memory.max", l->memory_bytes);
        write_value(dir, "memory.swap.max", "0");
        return sys;
    }
    sys = write_number(dir, "memory.limit_in_bytes", l->memory_bytes);
    /* Memory and swap together; the file is missing where swap isn't accounted. */
    write_number(dir, "memory.memsw.limit_in_bytes", l->memory_bytes);
    return sys;
}

static int set_cpu(const char *dir, int version, const struct sandbox_limits *l)
{
    long quota = (long)(l->cpus * CPU_PERIOD_US);
    char text[64];
    int sys;

    if (quota < CPU_PERIOD_US / 100)
        quota = CPU_PERIOD_US / 100;
    if (version == 2) {
        snprintf(text, sizeof(text), "%ld %d", quota, (int)CPU_PERIOD_US);
        return write_value(dir, "cpu.max", text);
    }
    sys = write_number(dir, "cpu.cfs_period_us", CPU_PERIOD_US);
    return sys ? sys : write_number(dir, "cpu.cfs_quota_us", quota);
}

static int set_limit(const char *dir, int version, int controller, const struct sandbox_limits *l)
{
    switch (controller) {
    case LIMITS_MEMORY:
        return set_memory(dir, version, l);
    case LIMITS_PIDS:
        return write_number(dir, "pids.max", l->pids + LIMITS_PIDS_RESERVE);
    case LIMITS_CPU:
        return set_cpu(dir, version, l);
    }
    return EINVAL;
}

/* Makes one group below `parent` and sets its limit, or leaves nothing that wasn't there. */
static bool make_below(const char *parent, const char *name, int version, int controller,
                       const struct sandbox_limits *l, struct limits_group *ret)
{
    struct limits_group g = {.version = version};
    char enable[16];
    bool made;
    int sys;

    if (snprintf(g.path, sizeof(g.path), "%s/%s", parent, name) >= (int)sizeof(g.path))
        return false;
    if (version == 2) {
        /* Fails where it is on already, or where it can't be; the limit's file then tells. */
        snprintf(enable, sizeof(enable), "+%s", limits_controller_names[controller]);
        write_value(parent, "cgroup.subtree_control", enable);
    }
    /* It is there when another controller shares the hierarchy. */
    made = mkdir(g.path, 0755) == 0;
    if (!made && errno != EEXIST)
        return false;
    sys = set_limit(g.path, version, controller, l);
    if (sys) {
        log_debug("cgroup %s: %s", g.path, strerror(sys));
        if (made)
            rmdir(g.path);
        return false;
    }
    *ret = g;
    return true;
}

/*
 * Where groups may be made with version 2 if not below our own: beside it. There a group that has
 * processes can't hand controllers on, so a service that was given a subtree keeps itself in a leaf
 * of it. False if there is no such place.
 */
static bool place_beside(const struct limits_place *place, char *ret, size_t size)
{
    const char *slash = place->version == 2 ? strrchr(place->dir, '/') : NULL;

    return slash && slash != place->dir &&
           snprintf(ret, size, "%.*s", (int)(slash - place->dir), place->dir) < (int)size;
}

/* Makes the groups of all controllers of one version below their own group, or `parent`. Returns
 * how many there are. */
static int make_version(const struct limits_place places[LIMITS_N], int version, const char *parent,
                        const char *name, const struct sandbox_limits *l, struct limits_groups *ret)
{
    int n = 0;

    for (int c = 0; c < LIMITS_N; c++)
        if (places[c].version == version)
            n += make_below(parent ? parent : places[c].dir, name, version, c, l, &ret->of[c]);
    return n;
}

void limits_cgroup_make(const struct limits_place places[LIMITS_N], unsigned n,
                        const struct sandbox_limits *l, struct limits_groups *ret)
{
    char name[96], beside[512];
    bool made = false;

    *ret = (struct limits_groups){0};
    snprintf(name, sizeof(name), NAME_PREFIX "%d-%" PRIu64 "-%u", (int)getpid(),
             start_time(getpid()), n);
    make_version(places, 1, NULL, name, l, ret);
    /* A process is in one group of version 2, so all controllers must be had in one place. */
    made = make_version(places, 2, NULL, name, l, ret) > 0;
    for (int c = 0; c < LIMITS_N && !made; c++)
        if (place_beside(&places[c], beside, sizeof(beside)))
            made = make_version(places, 2, beside, name, l, ret) > 0;
}

/* ---- using ---- */

void limits_cgroup_close(struct limits_entry *e)
{
    cleanup_fd(&e->v2);
    for (int c = 0; c < LIMITS_N; c++)
        cleanup_fd(&e->tasks[c]);
}

/* Opens the way into one group. */
static int open_group(const struct limits_group *g, int controller, struct limits_entry *e)
{
    char path[640];

    if (g->version == 0 || (g->version == 2 && e->v2 >= 0))
        return 0;
    if (g->version == 2) {
        e->v2 = open(g->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return e->v2 < 0 ? -1 : 0;
    }
    snprintf(path, sizeof(path), "%s/tasks", g->path);
    e->tasks[controller] = open(path, O_WRONLY | O_CLOEXEC);
    return e->tasks[controller] < 0 ? -1 : 0;
}

int limits_cgroup_open(const struct limits_groups *g, struct limits_entry *ret, struct err *err)
{
    struct limits_entry e = {.v2 = -1};

    for (int c = 0; c < LIMITS_N; c++)
        e.tasks[c] = -1;
    for (int c = 0; c < LIMITS_N; c++)
        if (open_group(&g->of[c], c, &e)) {
            err_sys(err, ERR_HOST, errno, "open cgroup '%s'", g->of[c].path);
            limits_cgroup_close(&e);
            return -1;
        }
    *ret = e;
    return 0;
}

int limits_cgroup_enter(const struct limits_entry *e, struct err *err)
{
    /* 0 is the thread that writes. */
    for (int c = 0; c < LIMITS_N; c++)
        if (e->tasks[c] >= 0 && write(e->tasks[c], "0", 1) < 0)
            return err_sys(err, ERR_HOST, errno, "enter the %s cgroup", limits_controller_names[c]);
    return 0;
}

long long limits_cgroup_oom_kills(const struct limits_groups *g)
{
    const struct limits_group *m = &g->of[LIMITS_MEMORY];
    ARENA_CLEANUP struct arena a = {0};
    struct str text, line;
    int64_t n;

    if (m->version == 0 ||
        fs_read_file(&a,
                     arena_printf(&a, "%s/%s", m->path,
                                  m->version == 2 ? "memory.events" : "memory.oom_control"),
                     4096, &text, NULL))
        return 0;
    while (str_next_line(&text, &line))
        if (str_starts(line, "oom_kill ") &&
            str_to_i64(str_from_pos(line, strlen("oom_kill ")), &n))
            return n;
    return 0;
}

/* ---- removing ---- */

void limits_cgroup_remove(struct limits_groups *g)
{
    int64_t deadline = clock_deadline(REMOVE_MS);

    for (int c = 0; c < LIMITS_N; c++) {
        if (g->of[c].version == 0)
            continue;
        /* The kernel takes a moment to let go of the last process. */
        while (rmdir(g->of[c].path) < 0 && errno == EBUSY && clock_now_ms() < deadline)
            usleep(1000);
        g->of[c] = (struct limits_group){0};
    }
}

/* Whether a group's name says that its launcher is gone. */
static bool is_stale(const char *name)
{
    uint64_t start;
    unsigned n;
    long pid;

    return sscanf(name, NAME_PREFIX "%ld-%" SCNu64 "-%u", &pid, &start, &n) == 3 &&
           start_time(pid) != start;
}

static void sweep_dir(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *e;

    if (!dir)
        return;
    while ((e = readdir(dir)))
        if (is_stale(e->d_name))
            unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
    closedir(dir);
}

void limits_cgroup_sweep(const struct limits_place places[LIMITS_N])
{
    char beside[512];

    for (int c = 0; c < LIMITS_N; c++) {
        if (places[c].version)
            sweep_dir(places[c].dir);
        if (place_beside(&places[c], beside, sizeof(beside)))
            sweep_dir(beside);
    }
}

json_t *limits_record(const struct limits_groups *g)
{
    static const char *const without[LIMITS_N] = {"rlimit", "rlimit", "affinity"};
    json_t *record = json_object();

    for (int c = 0; c < LIMITS_N; c++) {
        const char *how = g->of[c].version == 1 ? "v1" : g->of[c].version == 2 ? "v2" : without[c];

        json_set(record, limits_controller_names[c], json_string(how));
    }
    return record;
}
