/*
 * The launcher's process. For each sandbox, in order:
 *
 *     1. a user number, a workspace and control groups, all without a lasting name on the host
 *     2. clone3: new user, mount, pid, network, ipc and uts namespaces
 *     3. the user mapping; then the first process goes on by itself (guest.c)
 *     4. its report; the answer to the task process
 */
#include "sandbox/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/log.h"
#include "sandbox/diagnose.h"
#include "sandbox/guest.h"
#include "sandbox/hostuid.h"
#include "sandbox/launcher_message.h"
#include "sandbox/limits.h"
#include "sandbox/lockdown.h"
#include "sandbox/seccomp.h"
#include "sandbox/workspace.h"

enum { SOCKET = 3, MAX_BOXES = 64, IDLE_MS = 2 };

/* A sandbox. */
struct box {
    unsigned handle; /* 0: free */
    pid_t pid;
    int pidfd;
    int uid_fd; /* holds the user number; -1 for the caller's */
    uid_t uid;
    struct limits_groups groups;
    int workspace; /* root folder of its loop image; -1: it is a tmpfs */
};

struct process {
    struct arena arena; /* for as long as the process lives */
    struct limits_place places[LIMITS_N];
    struct sock_fprog filters[2][2]; /* by seccomp_options; made when needed */
    struct box boxes[MAX_BOXES];
    unsigned last_handle;
    bool root;

    /* Made ahead, with the size of the last one; -1: none. */
    int spare;
    struct workspace_template template;
};

/* ---- what a sandbox needs ---- */

static int get_filter(struct process *p, const struct limits_groups *g,
                      const struct sock_fprog **ret, struct err *err)
{
    const struct seccomp_options o = {.no_memfd = g->of[LIMITS_MEMORY].version == 0,
                                      .no_affinity = g->of[LIMITS_CPU].version == 0};
    struct sock_fprog *filter = &p->filters[o.no_memfd][o.no_affinity];

    if (!filter->len && seccomp_compile(&p->arena, &o, filter, err))
        return -1;
    *ret = filter;
    return 0;
}

/* The spare one if it fits, or a new one; -1 means that it will be a tmpfs. `*ret_root` is its root
 * folder. */
static int get_workspace(struct process *p, const struct launcher_request *r, uid_t uid,
                         int *ret_root)
{
    const struct sandbox_limits *l = &r->spec.limits;
    const struct workspace_template *t = &p->template;
    FD_CLEANUP int mount = -1;
    struct err err = {0};

    if (!p->root || r->tmpfs)
        return -1;
    if (t->bytes == l->disk_bytes && t->inodes == l->disk_inodes)
        mount = TAKE_FD(p->spare);
    else
        cleanup_fd(&p->spare);
    if ((mount < 0 && workspace_make(&p->template, l->disk_bytes, l->disk_inodes, &mount, &err)) ||
        workspace_give(mount, uid, ret_root, &err)) {
        log_debug("no loop image: %s", err.msg);
        return -1;
    }
    return TAKE_FD(mount);
}

/* Makes the next workspace while nobody waits. */
static void prepare_spare(struct process *p)
{
    struct workspace_template *t = &p->template;

    if (p->spare < 0 && t->image >= 0)
        workspace_make(t, t->bytes, t->inodes, &p->spare, NULL);
}

/* ---- starting the first process ---- */

static int write_map(pid_t pid, const char *file, const char *text, struct err *err)
{
    FD_CLEANUP int fd = -1;
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        return err_sys(err, ERR_HOST, errno, "map the sandbox's user: write '%s'", file);
    return 0;
}

/* Users inside: one. */
static int map_user(pid_t pid, uid_t uid, gid_t gid, struct err *err)
{
    char uid_map[64], gid_map[64];

    snprintf(uid_map, sizeof(uid_map), "%d %u 1", (int)LOCKDOWN_UID, (unsigned)uid);
    snprintf(gid_map, sizeof(gid_map), "%d %u 1", (int)LOCKDOWN_GID, (unsigned)gid);
    if (write_map(pid, "setgroups", "deny", err) || write_map(pid, "uid_map", uid_map, err))
        return -1;
    return write_map(pid, "gid_map", gid_map, err);
}

/* As fork(), into new namespaces. */
static pid_t clone_into_namespaces(int cgroup, int *ret_pidfd)
{
    struct clone_args args = {
        .flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                 CLONE_NEWUTS | CLONE_PIDFD,
        .pidfd = (uintptr_t)ret_pidfd,
        .exit_signal = SIGCHLD,
    };

    if (cgroup >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)cgroup;
    }
    return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* Lets the first process build the sandbox and hears what came of it. */
static int await_report(int sync, struct guest_report *ret, struct err *err)
{
    ssize_t n;

    if (send(sync, "1", 1, MSG_NOSIGNAL) < 0)
        return err_sys(err, ERR_IO, errno, "start the sandbox");
    do
        n = recv(sync, ret, sizeof(*ret), 0);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof(*ret))
        return err_set(err, ERR_HOST, "the sandbox ended while it was built");
    if (ret->ok)
        return send(sync, "1", 1, MSG_NOSIGNAL) < 0
                   ? err_sys(err, ERR_IO, errno, "start the sandbox")
                   : 0;
    *err = ret->err;
    return -1;
}

/* Clones the first process and brings it up. */
static int start_guest(struct process *p, struct box *b, struct guest *g, int *ret_abi,
                       struct err *err)
{
    gid_t gid = p->root ? (gid_t)b->uid : getegid();
    struct guest_report report = {0};
    FD_CLEANUP int ours = -1;
    FD_CLEANUP int theirs = -1;
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return err_sys(err, ERR_IO, errno, "make a socket");
    ours = pair[0];
    theirs = pair[1];
    b->pid = clone_into_namespaces(g->groups.v2, &b->pidfd);
    if (b->pid < 0)
        return err_sys(err, ERR_HOST, errno, "make namespaces");
    if (b->pid == 0) {
        /* Or it would never see that the launcher is gone. */
        close(ours);
        g->sync = theirs;
        guest_main(g);
    }
    cleanup_fd(&theirs);
    if (map_user(b->pid, b->uid, gid, err) || await_report(ours, &report, err))
        return -1;
    *ret_abi = report.landlock_abi;
    return 0;
}

/* ---- the requests ---- */

/* Kills what is left of it and takes everything back. Returns the wait status. */
static int end_box(struct box *b, long long *ret_oom_kills)
{
    int status = 0;

    if (b->pid > 0)
        syscall(SYS_pidfd_send_signal, b->pidfd, SIGKILL, NULL, 0);
    workspace_forsake(b->workspace);
    cleanup_fd(&b->workspace);
    /* The first process of a pid namespace is only gone when all the others are. */
    while (b->pid > 0 && waitpid(b->pid, &status, 0) < 0 && errno == EINTR)
        ;
    cleanup_fd(&b->pidfd);
    *ret_oom_kills = limits_cgroup_oom_kills(&b->groups);
    limits_cgroup_remove(&b->groups);
    cleanup_fd(&b->uid_fd);
    *b = (struct box){0};
    return status;
}

static struct box *find_box(struct process *p, unsigned handle)
{
    for (size_t i = 0; i < MAX_BOXES; i++)
        if (p->boxes[i].handle == handle)
            return &p->boxes[i];
    return NULL;
}

static json_t *layers(const struct process *p, const struct box *b, int abi)
{
    json_t *l = json_object();
    char text[64];

    snprintf(text, sizeof(text), "uid %u", (unsigned)b->uid);
    json_set(l, "user_namespace", json_string(p->root ? text : "caller"));
    json_set(l, "namespaces", json_string("mount pid net ipc uts cgroup"));
    json_set(l, "filesystem", json_string("on"));
    snprintf(text, sizeof(text), "abi %d", abi);
    json_set(l, "landlock", json_string(abi ? text : "unavailable"));
    json_set(l, "seccomp", json_string("on"));
    json_set(l, "cgroup", limits_record(&b->groups));
    json_set(l, "quota", json_string(b->workspace >= 0 ? "loop ext4" : "tmpfs"));
    json_set(l, "network", json_string("none"));
    return l;
}

/* Makes a sandbox; on failure the box may be half made. */
static int make_box(struct process *p, struct box *b, const struct launcher_request *r,
                    const int *fds, size_t n_fds, int *ret_abi, struct err *err)
{
    struct guest g = {.request = r, .workspace = -1};
    FD_CLEANUP int workspace = -1;
    int result;

    if (n_fds != (r->job == LAUNCHER_ENVD ? 1 : 3))
        return err_set(err, ERR_PROTOCOL, "a sandbox can't be made with %zu descriptors", n_fds);
    memcpy(g.fds, fds, n_fds * sizeof(*fds));
    b->uid = geteuid();
    if (p->root && hostuid_reserve(&b->uid, &b->uid_fd, err))
        return -1;
    workspace = get_workspace(p, r, b->uid, &b->workspace);
    g.workspace = workspace;
    limits_cgroup_make(p->places, b->handle, &r->spec.limits, &b->groups);
    g.limits = (struct limits_self){.l = r->spec.limits,
                                    .memory = b->groups.of[LIMITS_MEMORY].version == 0,
                                    .cpu = b->groups.of[LIMITS_CPU].version == 0};
    if (get_filter(p, &b->groups, &g.filter, err) || limits_cgroup_open(&b->groups, &g.groups, err))
        return -1;
    result = start_guest(p, b, &g, ret_abi, err);
    limits_cgroup_close(&g.groups);
    return result;
}

static json_t *create(struct process *p, struct arena *a, struct launcher_request *r,
                      const int *fds, size_t n_fds, int *ret_pidfd, struct err *err)
{
    struct box *b = find_box(p, 0);
    long long ignored;
    json_t *answer;
    int abi;

    if (!b) {
        err_set(err, ERR_LIMIT, "a launcher has at most %d sandboxes", (int)MAX_BOXES);
        return NULL;
    }
    if (r->spec.n_files) {
        if (n_fds == 0 || launcher_message_load_files(a, fds[0], r, err))
            return NULL;
        fds++;
        n_fds--;
    }
    *b = (struct box){
        .handle = ++p->last_handle, .pid = -1, .pidfd = -1, .uid_fd = -1, .workspace = -1};
    if (make_box(p, b, r, fds, n_fds, &abi, err)) {
        const char *fix = err->kind == ERR_HOST ? diagnose_namespaces(a, err->sys) : NULL;

        end_box(b, &ignored);
        if (fix)
            err_fix(err, "%s", fix);
        return NULL;
    }
    answer = json_object();
    json_set(answer, "handle", json_integer(b->handle));
    json_set(answer, "layers", layers(p, b, abi));
    *ret_pidfd = b->pidfd;
    return answer;
}

static json_t *destroy(struct process *p, const struct launcher_request *r, struct err *err)
{
    struct box *b = r->handle ? find_box(p, r->handle) : NULL;
    long long oom_kills;
    json_t *answer;

    if (!b) {
        err_set(err, ERR_NOT_FOUND, "no sandbox %u", r->handle);
        return NULL;
    }
    answer = json_object();
    json_set(answer, "status", json_integer(end_box(b, &oom_kills)));
    json_set(answer, "why", oom_kills > 0 ? json_string("out of memory") : json_null());
    return answer;
}

/* Answers one request. */
static int serve(struct process *p, struct arena *a, struct str text, const int *fds, size_t n_fds,
                 struct err *err)
{
    struct launcher_request r;
    JSON_CLEANUP json_t *answer = NULL;
    struct err failed = {0};
    int pidfd = -1;

    if (launcher_message_decode(a, text, &r, &failed) == 0)
        answer = r.op == LAUNCHER_CREATE ? create(p, a, &r, fds, n_fds, &pidfd, &failed)
                                         : destroy(p, &r, &failed);
    if (!answer)
        answer = launcher_message_error(&failed);
    return launcher_message_send(SOCKET, answer, &pidfd, pidfd >= 0, err);
}

static bool is_idle(void)
{
    struct pollfd pfd = {.fd = SOCKET, .events = POLLIN};

    return poll(&pfd, 1, IDLE_MS) == 0;
}

/* Until the task process is gone. */
static int serve_all(struct process *p, struct err *err)
{
    for (;;) {
        ARENA_CLEANUP struct arena a = {0};
        int fds[LAUNCHER_FDS_MAX], got, result;
        struct str text;
        size_t n_fds;

        if (is_idle())
            prepare_spare(p);
        got = launcher_message_receive(SOCKET, &a, &text, fds, &n_fds, err);
        if (got <= 0)
            return got;
        result = serve(p, &a, text, fds, n_fds, err);
        while (n_fds)
            cleanup_fd(&fds[--n_fds]);
        if (result)
            return -1;
    }
}

static void find_cgroups(struct process *p)
{
    struct str cgroup, mountinfo;

    if (fs_read_file(&p->arena, "/proc/self/cgroup", 64 * 1024, &cgroup, NULL) ||
        fs_read_file(&p->arena, "/proc/self/mountinfo", 4 * 1024 * 1024, &mountinfo, NULL))
        return;
    limits_find(&p->arena, cgroup, mountinfo, p->places);
    limits_cgroup_sweep(p->places);
}

int launcher_main(void)
{
    static struct process p = {.spare = -1, .template = {.image = -1}};
    struct err err = {0};
    long long ignored;
    int result;

    log_set_process("launcher");
    signal(SIGPIPE, SIG_IGN);
    p.root = geteuid() == 0;
    if (p.root && syscall(SYS_setgroups, 0, NULL) < 0)
        log_debug("setgroups: %s", strerror(errno));
    find_cgroups(&p);
    result = serve_all(&p, &err);
    /* The task's end by SIGKILL resets the connection: that is an end too. */
    if (result && err.sys != ECONNRESET && err.sys != EPIPE)
        log_error("%s", err.msg);
    for (size_t i = 0; i < MAX_BOXES; i++)
        if (p.boxes[i].handle)
            end_box(&p.boxes[i], &ignored);
    /* Once more: a launcher killed just before this one started may not have been quite gone. */
    limits_cgroup_sweep(p.places);
    cleanup_fd(&p.spare);
    cleanup_fd(&p.template.image);
    arena_clear(&p.arena);
    return result ? 1 : 0;
}
