#include "sandbox/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

enum { MAX_OUTPUT = 64 * 1024 };

/* The rows, in the order in which they are shown. */
enum row {
    USER_NAMESPACE,
    NAMESPACES,
    FILESYSTEM,
    LANDLOCK,
    SECCOMP,
    PRIVILEGES,
    CGROUP,
    QUOTA,
    NETWORK,
    LOOPBACK,
    N_ROWS
};

static const struct launcher_check rows[N_ROWS] = {
    [USER_NAMESPACE] = {.name = "user_namespace", .required = true},
    [NAMESPACES] = {.name = "namespaces", .required = true},
    [FILESYSTEM] = {.name = "filesystem", .required = true},
    [LANDLOCK] = {.name = "landlock",
                  .fix = "a kernel of Linux 5.19 or newer with landlock in its list of security "
                         "modules (lsm=landlock,...)"},
    [SECCOMP] = {.name = "seccomp", .required = true},
    [PRIVILEGES] = {.name = "privileges", .required = true},
    [CGROUP] = {.name = "cgroup",
                .fix = "run kiln as root, or where cgroups are delegated to it: "
                       "systemd-run --user --scope -p Delegate=yes"},
    [QUOTA] = {.name = "quota", .required = true},
    [NETWORK] = {.name = "network", .required = true},
    [LOOPBACK] = {.name = "loopback", .required = true},
};

static struct launcher_check *find_row(struct launcher_check *checks, struct str name)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (str_eq_c(name, checks[i].name))
            return &checks[i];
    return NULL;
}

/* Notes what the probes said: each line is a violation but the last, which is "done". */
static void note_output(struct arena *a, struct launcher_check *checks, struct str output)
{
    struct str line, name;
    bool done = false;

    while (str_next_line(&output, &line)) {
        struct launcher_check *c;

        done = str_eq_c(line, "done");
        c = str_next(&line, '\t', &name) ? find_row(checks, name) : NULL;
        if (c && c->ok) {
            c->ok = false;
            c->detail = arena_dup(a, line).p;
        }
    }
    if (!done) {
        checks[NAMESPACES].ok = false;
        checks[NAMESPACES].detail = "the probes didn't come to their end";
    }
}

/* "memory v1, pids v1, cpu affinity". */
static void note_cgroup(struct arena *a, struct launcher_check *c, const json_t *how)
{
    const char *memory = json_get_c(how, "memory"), *pids = json_get_c(how, "pids"),
               *cpu = json_get_c(how, "cpu");

    c->detail = arena_printf(a, "memory %s, pids %s, cpu %s", memory, pids, cpu);
    c->ok = memory && *memory == 'v' && pids && *pids == 'v' && cpu && *cpu == 'v';
}

static void note_layers(struct arena *a, struct launcher_check *checks, const json_t *layers)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        checks[i].ok = true;
        checks[i].detail = arena_strdup(a, json_get_c(layers, checks[i].name));
        if (!checks[i].detail)
            checks[i].detail = "on";
    }
    checks[LANDLOCK].ok = strcmp(checks[LANDLOCK].detail, "unavailable") != 0;
    note_cgroup(a, &checks[CGROUP], json_object_get(layers, "cgroup"));
}

/* Makes a sandbox with the probes in it; `output` is the writing end of a pipe. */
static int run_probes(struct launcher *l, struct arena *a, int output,
                      struct launcher_check *checks, struct err *err)
{
    const struct sandbox_spec spec = {.id = "self-test"};
    const struct launcher_job job = {
        .envd_listen_fd = -1, .probe = true, .stdio = {-1, output, -1}};
    struct launched box;
    int status, result;

    if (launcher_create(l, &spec, &job, &box, err))
        return -1;
    note_layers(a, checks, box.layers);
    json_decref(box.layers);
    result = launcher_wait(l, box.handle, box.pidfd, &status, err);
    close(box.pidfd);
    return result;
}

int launcher_self_test(struct launcher *l, struct arena *a, struct launcher_check **ret,
                       size_t *ret_n, struct err *err)
{
    struct launcher_check *checks = ARENA_ARRAY(a, N_ROWS, struct launcher_check);
    FD_CLEANUP int in = -1;
    FD_CLEANUP int out = -1;
    struct err failed = {0};
    struct str output;
    int pair[2], result;

    memcpy(checks, rows, sizeof(rows));
    if (pipe2(pair, O_CLOEXEC) < 0)
        return err_sys(err, ERR_IO, errno, "pipe");
    in = pair[0];
    out = pair[1];
    result = run_probes(l, a, out, checks, &failed);
    cleanup_fd(&out);
    if (result == 0) {
        if (fs_read_fd(a, in, MAX_OUTPUT, &output, err))
            return err_wrap(err, "self-test");
        note_output(a, checks, output);
    } else {
        for (size_t i = 0; i < N_ROWS; i++)
            checks[i].detail = "not tried";
        checks[NAMESPACES].detail = arena_strdup(a, failed.msg);
        checks[NAMESPACES].fix = failed.fix[0] ? arena_strdup(a, failed.fix) : NULL;
    }
    for (size_t i = 0; i < N_ROWS; i++)
        if (checks[i].ok)
            checks[i].fix = NULL;
    *ret = checks;
    *ret_n = N_ROWS;
    return 0;
}
