/*
 * Attacks in C for test_attacks.c, which runs itself inside the sandbox as `attack VERB ARGS`. A
 * verb tries something that must not work, and prints a line with "VULN" when it does.
 */
#ifndef KILN_TEST_ATTACK_H
#define KILN_TEST_ATTACK_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"

static inline void vuln(const char *what)
{
    printf("VULN %s (%s)\n", what, strerror(errno));
    fflush(stdout);
}

static inline long number(const char *text)
{
    return text ? strtol(text, NULL, 0) : 0;
}

/* ---- system calls that must not get through ---- */

struct attack_call {
    const char *name;
    long nr;
    long args[6];
    int want; /* errno; anything else means that the kernel looked at it */
};

static const struct attack_call attack_calls[] = {
    {"mount", SYS_mount, {0}, EPERM},
    {"umount2", SYS_umount2, {0}, EPERM},
    {"pivot_root", SYS_pivot_root, {0}, EPERM},
    {"chroot", SYS_chroot, {(long)"/"}, EPERM},
    {"fsopen", SYS_fsopen, {(long)"tmpfs"}, EPERM},
    {"open_tree", SYS_open_tree, {AT_FDCWD, (long)"/", 1}, EPERM},
    {"move_mount", SYS_move_mount, {0}, EPERM},
    {"mount_setattr", SYS_mount_setattr, {AT_FDCWD, (long)"/", 0, 0, 0}, EPERM},
    {"unshare", SYS_unshare, {CLONE_NEWUSER}, EPERM},
    {"unshare_net", SYS_unshare, {CLONE_NEWNET}, EPERM},
    {"setns", SYS_setns, {0, 0}, EPERM},
    {"clone_user", SYS_clone, {CLONE_NEWUSER | SIGCHLD}, EPERM},
    {"clone_mount", SYS_clone, {CLONE_NEWNS | SIGCHLD}, EPERM},
    {"clone3", SYS_clone3, {0, 0}, ENOSYS},
    {"open_by_handle_at", SYS_open_by_handle_at, {AT_FDCWD, 0, 0}, EPERM},
    {"name_to_handle_at", SYS_name_to_handle_at, {AT_FDCWD, (long)"/", 0, 0, 0}, EPERM},
    {"keyctl", SYS_keyctl, {0, -3, 0}, EPERM},
    {"add_key", SYS_add_key, {(long)"user", (long)"x", (long)"y", 1, -3}, EPERM},
    {"request_key", SYS_request_key, {(long)"user", (long)"x", 0, -3}, EPERM},
    {"bpf", SYS_bpf, {0, 0, 0}, EPERM},
    {"userfaultfd", SYS_userfaultfd, {1}, EPERM},
    {"io_uring_setup", SYS_io_uring_setup, {1, 0}, ENOSYS},
    {"perf_event_open", SYS_perf_event_open, {0, 0, -1, -1, 0}, EPERM},
    {"kexec_load", SYS_kexec_load, {0}, EPERM},
    {"init_module", SYS_init_module, {0}, EPERM},
    {"finit_module", SYS_finit_module, {0, 0, 0}, EPERM},
    {"delete_module", SYS_delete_module, {(long)"x", 0}, EPERM},
    {"clock_settime", SYS_clock_settime, {0, 0}, EPERM},
    {"settimeofday", SYS_settimeofday, {0, 0}, EPERM},
    {"swapon", SYS_swapon, {(long)"/work", 0}, EPERM},
    {"acct", SYS_acct, {0}, EPERM},
    {"syslog", SYS_syslog, {3, 0, 0}, EPERM},
    {"fanotify_init", SYS_fanotify_init, {0, 0}, EPERM},
    {"kcmp", SYS_kcmp, {1, 1, 0, 0, 0}, EPERM},
    {"ptrace", SYS_ptrace, {PTRACE_TRACEME}, EPERM},
    {"ptrace_init", SYS_ptrace, {PTRACE_SEIZE, 1, 0, 0}, EPERM},
    {"process_vm_readv", SYS_process_vm_readv, {1, 0, 0, 0, 0, 0}, EPERM},
    {"process_vm_writev", SYS_process_vm_writev, {1, 0, 0, 0, 0, 0}, EPERM},
    {"pidfd_getfd", SYS_pidfd_getfd, {0, 0, 0}, EPERM},
    {"quotactl", SYS_quotactl, {0, 0, 0, 0}, EPERM},
    {"sethostname", SYS_sethostname, {(long)"x", 1}, EPERM},
    {"move_pages", SYS_move_pages, {0, 0, 0, 0, 0, 0}, EPERM},
    {"mbind", SYS_mbind, {0, 0, 0, 0, 0, 0}, EPERM},
    {"openat2", SYS_openat2, {AT_FDCWD, (long)"/work", 0, 0}, ENOSYS},
    {"memfd_secret", SYS_memfd_secret, {0}, ENOSYS},
    {"fchmodat2", 452, {AT_FDCWD, (long)"/work", 04755, 0}, ENOSYS},
    {"statmount", 457, {0, 0, 0, 0}, ENOSYS},
    {"unknown_syscall", 600, {0}, ENOSYS},
#ifdef __x86_64__
    {"modify_ldt", SYS_modify_ldt, {0, 0, 0}, EPERM},
    {"iopl", SYS_iopl, {3}, EPERM},
    {"ioperm", SYS_ioperm, {0, 1, 1}, EPERM},
    {"chmod_setuid", SYS_chmod, {(long)"/work", 04755}, EPERM},
    {"mkdir_setgid", SYS_mkdir, {(long)"/work/d", 02755}, EPERM},
    {"mknod_block", SYS_mknod, {(long)"/work/b", S_IFBLK | 0600, 0}, EPERM},
    {"creat_setuid", SYS_creat, {(long)"/work/c", 04755}, EPERM},
#endif
    {"fchmod_setgid", SYS_fchmod, {0, 02755}, EPERM},
    {"fchmodat_setuid", SYS_fchmodat, {AT_FDCWD, (long)"/work", 04755}, EPERM},
    {"openat_setuid", SYS_openat, {AT_FDCWD, (long)"/work/s", O_CREAT | O_RDWR, 04755}, EPERM},
    {"tmpfile_setuid", SYS_openat, {AT_FDCWD, (long)"/work", O_TMPFILE | O_RDWR, 04755}, EPERM},
    {"mknod_char", SYS_mknodat, {AT_FDCWD, (long)"/work/n", S_IFCHR | 0600, 0x103}, EPERM},
    {"mkdirat_setuid", SYS_mkdirat, {AT_FDCWD, (long)"/work/m", 04755}, EPERM},
    {"socket_vsock", SYS_socket, {AF_VSOCK, SOCK_STREAM, 0}, EAFNOSUPPORT},
    {"socket_vsock_high_bits", SYS_socket, {(1L << 32) | AF_VSOCK, SOCK_STREAM, 0}, EAFNOSUPPORT},
    {"socket_unspec", SYS_socket, {0, SOCK_STREAM, 0}, EAFNOSUPPORT},
    {"socket_alg", SYS_socket, {AF_ALG, SOCK_SEQPACKET, 0}, EAFNOSUPPORT},
    {"socket_packet", SYS_socket, {AF_PACKET, SOCK_RAW, 3}, EAFNOSUPPORT},
    {"socket_key", SYS_socket, {AF_KEY, SOCK_RAW, 2}, EAFNOSUPPORT},
    {"socket_bluetooth", SYS_socket, {AF_BLUETOOTH, SOCK_RAW, 1}, EAFNOSUPPORT},
    {"socket_raw4", SYS_socket, {AF_INET, SOCK_RAW, IPPROTO_ICMP}, EPERM},
    {"socket_raw6", SYS_socket, {AF_INET6, SOCK_RAW | SOCK_CLOEXEC, 58}, EPERM},
    {"socket_sctp", SYS_socket, {AF_INET, SOCK_STREAM, IPPROTO_SCTP}, EPROTONOSUPPORT},
    {"socket_mptcp6", SYS_socket, {AF_INET6, SOCK_STREAM, 262}, EPROTONOSUPPORT},
    {"netlink_netfilter", SYS_socket, {AF_NETLINK, SOCK_RAW, 12}, EAFNOSUPPORT},
    {"netlink_uevent", SYS_socket, {AF_NETLINK, SOCK_RAW, 15}, EAFNOSUPPORT},
    {"tiocsti", SYS_ioctl, {0, TIOCSTI, (long)"x"}, EPERM},
    {"tiocsti_high_bits", SYS_ioctl, {0, (long)((1UL << 32) | TIOCSTI), (long)"x"}, EPERM},
    {"tioclinux", SYS_ioctl, {0, TIOCLINUX, (long)"\2"}, EPERM},
    {"setuid_root", SYS_setresuid, {0, 0, 0}, EINVAL},
};

static inline int attack_call(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(attack_calls); i++) {
        const struct attack_call *c = &attack_calls[i];
        long result;

        if (strcmp(c->name, name) != 0)
            continue;
        errno = 0;
        result =
            syscall(c->nr, c->args[0], c->args[1], c->args[2], c->args[3], c->args[4], c->args[5]);
        if (result == 0 && c->nr == SYS_clone)
            _exit(0);
        if (result >= 0 || errno != c->want)
            vuln(name);
        return 0;
    }
    printf("VULN no call %s\n", name);
    return 1;
}

/* ---- other architectures of the same kernel ---- */

#ifdef __x86_64__
static inline long int80(long nr, long arg)
{
    long result;

    __asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(arg) : "memory");
    return result;
}

static inline void must_be_killed(const char *what, void (*attack)(void))
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        attack();
        _exit(0);
    }
    waitpid(child, &status, 0);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
        vuln(what);
}

static inline void call_i386(void)
{
    int80(20, 0); /* getpid */
}

static inline void call_i386_unshare(void)
{
    int80(310, CLONE_NEWUSER);
}

static inline void call_x32(void)
{
    syscall(0x40000000 + SYS_getpid);
}
#endif

static inline void attack_abi(void)
{
#ifdef __x86_64__
    must_be_killed("int 0x80", call_i386);
    must_be_killed("int 0x80 unshare", call_i386_unshare);
    must_be_killed("x32", call_x32);
#endif
}

/* ---- network and IPC of the host ---- */

static inline void attack_tcp(const char *ip, int port)
{
    struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    bool six = strchr(ip, ':') != NULL;
    int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    int result;

    if (six) {
        inet_pton(AF_INET6, ip, &a6.sin6_addr);
        result = connect(fd, (struct sockaddr *)&a6, sizeof(a6));
    } else {
        inet_pton(AF_INET, ip, &a4.sin_addr);
        result = connect(fd, (struct sockaddr *)&a4, sizeof(a4));
    }
    if (result == 0)
        vuln(ip);
}

static inline void attack_udp(const char *ip, int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    inet_pton(AF_INET, ip, &a.sin_addr);
    if (sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)) >= 0)
        vuln(ip);
}

static inline void attack_abstract(const char *name)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), n;

    n = snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "%s", name);
    if (connect(fd, (struct sockaddr *)&a,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) == 0)
        vuln("abstract socket of the host");
}

/* ---- processes ---- */

static inline void attack_fds(void)
{
    for (int fd = 3; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            vuln("inherited descriptor");
}

static inline void attack_init(void)
{
    int fd = open("/proc/1/mem", O_RDWR);

    if (fd >= 0)
        vuln("/proc/1/mem");
    if (kill(1, SIGKILL) == 0)
        usleep(10000);
    if (open("/proc/1/fd", O_RDONLY | O_DIRECTORY) >= 0)
        vuln("/proc/1/fd");
    if (open("/proc/1/environ", O_RDONLY) >= 0)
        vuln("/proc/1/environ");
}

static inline void attack_priority(void)
{
    struct sched_param p = {.sched_priority = 10};

    if (sched_setscheduler(0, SCHED_FIFO, &p) == 0)
        vuln("real-time priority");
    if (setpriority(PRIO_PROCESS, 0, -5) == 0)
        vuln("negative nice");
}

static inline void attack_core(void)
{
    int status;
    pid_t child = fork();

    if (child == 0)
        abort();
    waitpid(child, &status, 0);
    if (WCOREDUMP(status))
        vuln("core dump");
}

/* ---- bombs: bounded, and told how far they may come ---- */

static inline void bomb_forks(long bound, long most)
{
    long n = 0;

    for (; n < bound; n++) {
        pid_t child = fork();

        if (child == 0) {
            pause();
            _exit(0);
        }
        if (child < 0)
            break;
    }
    if (n > most)
        printf("VULN %ld processes\n", n);
}

static inline void bomb_file(const char *path, long mib, long most)
{
    static char block[1 << 20];
    long n = 0;
    int fd = open(path, O_CREAT | O_WRONLY, 0644);

    memset(block, 'x', sizeof(block));
    for (; fd >= 0 && n < mib; n++)
        if (write(fd, block, sizeof(block)) != (ssize_t)sizeof(block))
            break;
    if (n > most)
        printf("VULN %ld MiB in %s\n", n, path);
    if (fd < 0 || n == 0)
        printf("VULN nothing could be written to %s\n", path);
    unlink(path);
}

static inline void bomb_inodes(const char *dir, long bound, long most)
{
    char path[256];
    long n = 0;

    for (; n < bound; n++) {
        int fd;

        snprintf(path, sizeof(path), "%s/i%ld", dir, n);
        fd = open(path, O_CREAT | O_WRONLY, 0644);
        if (fd < 0)
            break;
        close(fd);
    }
    if (n > most)
        printf("VULN %ld files in %s\n", n, dir);
}

static inline void bomb_fds(long most)
{
    long n = 0;

    while (n < 100000 && dup(0) >= 0)
        n++;
    if (n > most)
        printf("VULN %ld descriptors\n", n);
}

static inline void bomb_ptys(void)
{
    long n = 0;

    while (n < 100 && open("/dev/ptmx", O_RDWR | O_NOCTTY) >= 0)
        n++;
    if (n > 64 || n == 0)
        printf("VULN %ld ptys\n", n);
}

static inline void bomb_memory(long mib)
{
    for (long n = 0; n < mib; n++) {
        char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
            return;
        memset(p, 1, 1 << 20);
    }
    printf("VULN %ld MiB of memory\n", mib);
}

static inline void bomb_memfd(long mib)
{
    static char block[1 << 20];
    int fd = memfd_create("bomb", 0);

    for (long n = 0; n < mib; n++)
        if (fd < 0 || write(fd, block, sizeof(block)) < 0)
            return;
    printf("VULN %ld MiB in a memory file\n", mib);
}

/* Past sanitizers, which answer mlock() themselves. */
static inline void bomb_lock(void)
{
    void *p = mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p != MAP_FAILED && syscall(SYS_mlock, p, 8 << 20) == 0)
        vuln("8 MiB locked");
}

static inline void attack_sparse(void)
{
    int fd = open("/work/sparse", O_CREAT | O_RDWR, 0644);

    if (ftruncate(fd, 1L << 40) == 0)
        vuln("a sparse file of 1 TiB");
}

static inline int attack_main(int argc, char **argv)
{
    const char *verb = argc > 2 ? argv[2] : "", *a = argc > 3 ? argv[3] : "",
               *b = argc > 4 ? argv[4] : NULL, *c = argc > 5 ? argv[5] : NULL;

    signal(SIGXFSZ, SIG_IGN);
    if (strcmp(verb, "call") == 0)
        attack_call(a);
    else if (strcmp(verb, "abi") == 0)
        attack_abi();
    else if (strcmp(verb, "tcp") == 0)
        attack_tcp(a, (int)number(b));
    else if (strcmp(verb, "udp") == 0)
        attack_udp(a, (int)number(b));
    else if (strcmp(verb, "abstract") == 0)
        attack_abstract(a);
    else if (strcmp(verb, "shm") == 0 && shmget((key_t)number(a), 0, 0) >= 0)
        vuln("shared memory of the host");
    else if (strcmp(verb, "fds") == 0)
        attack_fds();
    else if (strcmp(verb, "init") == 0)
        attack_init();
    else if (strcmp(verb, "priority") == 0)
        attack_priority();
    else if (strcmp(verb, "core") == 0)
        attack_core();
    else if (strcmp(verb, "killall") == 0)
        kill(-1, SIGKILL);
    else if (strcmp(verb, "forks") == 0)
        bomb_forks(number(a), number(b));
    else if (strcmp(verb, "file") == 0)
        bomb_file(a, number(b), number(c));
    else if (strcmp(verb, "inodes") == 0)
        bomb_inodes(a, number(b), number(c));
    else if (strcmp(verb, "dup") == 0)
        bomb_fds(number(a));
    else if (strcmp(verb, "ptys") == 0)
        bomb_ptys();
    else if (strcmp(verb, "memory") == 0)
        bomb_memory(number(a));
    else if (strcmp(verb, "memfd") == 0)
        bomb_memfd(number(a));
    else if (strcmp(verb, "lock") == 0)
        bomb_lock();
    else if (strcmp(verb, "sparse") == 0)
        attack_sparse();
    fflush(stdout);
    /* Not exit(): a leak checker would trace, which is forbidden here. */
    _exit(0);
}

#endif
