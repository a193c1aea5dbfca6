#include "sandbox/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/rand.h"

enum {
    DEFAULT_PIDS = 512,
    DEFAULT_FILES = 8192,
    DEFAULT_INODES = 100000,
    DEFAULT_CPUS = 4,
    MEMLOCK_BYTES = 1 << 20,
    QUEUE_BYTES = 1 << 20,
    SIGNALS = 4096,
};
static const int64_t MIB = 1 << 20;

static int64_t or_default(int64_t value, int64_t otherwise)
{
    return value > 0 ? value : otherwise;
}

static double host_cpus(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 1 : (double)n;
}

struct sandbox_limits limits_with_defaults(const struct sandbox_limits *l)
{
    double cpus = host_cpus();

    return (struct sandbox_limits){
        .memory_bytes = or_default(l->memory_bytes, 2048 * MIB),
        .disk_bytes = or_default(l->disk_bytes, 1024 * MIB),
        .disk_inodes = or_default(l->disk_inodes, DEFAULT_INODES),
        .tmp_bytes = or_default(l->tmp_bytes, 256 * MIB),
        .file_bytes = or_default(l->file_bytes, 1024 * MIB),
        .pids = or_default(l->pids, DEFAULT_PIDS),
        .open_files = or_default(l->open_files, DEFAULT_FILES),
        .cpus = l->cpus > 0           ? l->cpus
                : cpus < DEFAULT_CPUS ? cpus
                                      : DEFAULT_CPUS,
    };
}

json_t *limits_json(const struct sandbox_limits *l)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:f}", "memory_bytes",
                     (json_int_t)l->memory_bytes, "disk_bytes", (json_int_t)l->disk_bytes,
                     "disk_inodes", (json_int_t)l->disk_inodes, "tmp_bytes",
                     (json_int_t)l->tmp_bytes, "file_bytes", (json_int_t)l->file_bytes, "pids",
                     (json_int_t)l->pids, "open_files", (json_int_t)l->open_files, "cpus", l->cpus);
}

/* Sets soft and hard limit, but never above the hard limit that is there. Returns an errno. */
static int set_rlimit(int which, int64_t value)
{
    struct rlimit r;

    if (getrlimit((__rlimit_resource_t)which, &r) < 0)
        return errno;
    if (r.rlim_max == RLIM_INFINITY || r.rlim_max > (rlim_t)value)
        r.rlim_max = (rlim_t)value;
    r.rlim_cur = r.rlim_max;
    return setrlimit((__rlimit_resource_t)which, &r) < 0 ? errno : 0;
}

/* Onto as many of the CPUs we may use as the limit allows, from a random one on so that sandboxes
 * don't all sit on the first. */
static int set_affinity(double cpus)
{
    int want = (int)cpus < cpus ? (int)cpus + 1 : (int)cpus, n, skip;
    cpu_set_t have, chosen;

    if (sched_getaffinity(0, sizeof(have), &have) < 0)
        return errno;
    n = CPU_COUNT(&have);
    if (want >= n)
        return 0;
    CPU_ZERO(&chosen);
    skip = (int)rand_below((uint64_t)n);
    for (int pass = 0; pass < 2 && want > 0; pass++)
        for (int cpu = 0; cpu < CPU_SETSIZE && want > 0; cpu++) {
            if (!CPU_ISSET(cpu, &have) || CPU_ISSET(cpu, &chosen) || (pass == 0 && skip-- > 0))
                continue;
            CPU_SET(cpu, &chosen);
            want--;
        }
    return sched_setaffinity(0, sizeof(chosen), &chosen) < 0 ? errno : 0;
}

int limits_self_first(const struct limits_self *s, struct err *err)
{
    const struct {
        int which;
        int64_t value;
    } limits[] = {
        {RLIMIT_CORE, 0},
        {RLIMIT_MEMLOCK, MEMLOCK_BYTES},
        {RLIMIT_MSGQUEUE, QUEUE_BYTES},
        {RLIMIT_SIGPENDING, SIGNALS},
        {RLIMIT_NICE, 0},
        {RLIMIT_RTPRIO, 0},
        {RLIMIT_NPROC, s->l.pids + LIMITS_PIDS_RESERVE},
    };
    int sys = 0;

    for (size_t i = 0; i < ARRAY_LEN(limits) && !sys; i++)
        sys = set_rlimit(limits[i].which, limits[i].value);
    if (!sys && s->cpu)
        sys = set_affinity(s->l.cpus);
    return sys ? err_sys(err, ERR_HOST, sys, "set resource limits") : 0;
}

/* Volunteers for the kernel's killing when memory runs out, before envd. */
static void raise_oom_score(void)
{
    int fd;

    /* /proc/self belongs to nobody in the copy of a process that isn't dumpable. */
    prctl(PR_SET_DUMPABLE, 1);
    fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (write(fd, "500", 3) < 0) {
        /* Then the kernel chooses by size alone. */
    }
    close(fd);
}

int limits_self_command(void *ctx)
{
    const struct limits_self *s = ctx;
    int sys;

    raise_oom_score();
    sys = set_rlimit(RLIMIT_NPROC, s->l.pids);
    if (!sys)
        sys = set_rlimit(RLIMIT_FSIZE, s->l.file_bytes);
    if (!sys)
        sys = set_rlimit(RLIMIT_NOFILE, s->l.open_files);
    if (!sys && s->memory)
        sys = set_rlimit(RLIMIT_DATA, s->l.memory_bytes);
    return sys;
}
