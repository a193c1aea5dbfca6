#include "sandbox/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#define SECOND_ABI_BIT 0x40000000U /* x32 */
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#define SECOND_ABI_BIT 0x40000000U /* never set */
#else
#error "the system call filter was made for x86-64 and arm64"
#endif

/* The first number that this list doesn't know: 450 is set_mempolicy_home_node (Linux 5.17). From
 * 424 on numbers are the same on all architectures. */
enum { FIRST_UNKNOWN = 451, FILTER_MAX_BYTES = 64 * 1024 };

/* Refused with EPERM: mounts and namespaces, keys, tracing and other processes' memory, the kernel
 * itself, files by handle, the clock, NUMA placement, and calls without a use. */
static const char *const refused[] = {
    "mount",
    "umount",
    "umount2",
    "pivot_root",
    "chroot",
    "move_mount",
    "open_tree",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "setns",
    "unshare",
    "add_key",
    "keyctl",
    "request_key",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "process_mrelease",
    "kcmp",
    "pidfd_getfd",
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",
    "open_by_handle_at",
    "name_to_handle_at",
    "acct",
    "swapon",
    "swapoff",
    "reboot",
    "quotactl",
    "quotactl_fd",
    "sethostname",
    "setdomainname",
    "iopl",
    "ioperm",
    "modify_ldt",
    "clock_settime",
    "clock_adjtime",
    "adjtimex",
    "settimeofday",
    "stime",
    "syslog",
    "fanotify_init",
    "fanotify_mark",
    "mbind",
    "set_mempolicy",
    "set_mempolicy_home_node",
    "move_pages",
    "migrate_pages",
    "vhangup",
    "uselib",
    "ustat",
    "sysfs",
    "lookup_dcookie",
    "nfsservctl",
    "vm86",
    "vm86old",
    "_sysctl",
    "create_module",
    "get_kernel_syms",
    "query_module",
};

/* Answered as if the kernel didn't have them, so that libraries take another way: what hides its
 * arguments behind a pointer (clone3, openat2), does system calls out of the filter's sight
 * (io_uring), or holds memory that nothing counts (memfd_secret). */
static const char *const absent[] = {
    "clone3", "openat2", "io_uring_setup", "io_uring_enter", "io_uring_register", "memfd_secret",
};

/* A rule that says no to `name` when all conditions hold. */
static int deny_if(scmp_filter_ctx ctx, int sys, const char *name, unsigned n,
                   const struct scmp_arg_cmp *args)
{
    int nr = seccomp_syscall_resolve_name(name), result;

    /* Not on this architecture. */
    if (nr < 0)
        return 0;
    result = seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO((uint32_t)sys), nr, n, args);
    return result == -EEXIST ? 0 : result;
}

static int deny_names(scmp_filter_ctx ctx, int sys, const char *const *names, size_t n)
{
    int result = 0;

    for (size_t i = 0; i < n && !result; i++)
        result = deny_if(ctx, sys, names[i], 0, NULL);
    return result;
}

/* Namespaces by clone(2): each flag alone is enough for a no. */
static int deny_namespaces(scmp_filter_ctx ctx)
{
    static const unsigned flags[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                     CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};
    int result = 0;

    for (size_t i = 0; i < ARRAY_LEN(flags) && !result; i++) {
        const struct scmp_arg_cmp flag = SCMP_A0(SCMP_CMP_MASKED_EQ, flags[i], flags[i]);

        result = deny_if(ctx, EPERM, "clone", 1, &flag);
    }
    return result;
}

/* Set-user-ID and set-group-ID files, which in a workspace would be so on the host, and device
 * files. `mode` is the number of the argument that holds the mode. */
static int deny_modes(scmp_filter_ctx ctx)
{
    static const struct {
        const char *name;
        unsigned mode;
        bool node;
    } calls[] = {
        {"chmod", 1, false}, {"fchmod", 1, false},  {"fchmodat", 2, false}, {"creat", 1, false},
        {"mkdir", 1, false}, {"mkdirat", 2, false}, {"mknod", 1, true},     {"mknodat", 2, true},
    };
    static const unsigned bits[] = {S_ISUID, S_ISGID}, nodes[] = {S_IFCHR, S_IFBLK};
    int result = 0;

    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        for (size_t b = 0; b < 2 && !result; b++) {
            const struct scmp_arg_cmp id =
                SCMP_CMP(calls[i].mode, SCMP_CMP_MASKED_EQ, bits[b], bits[b]);
            const struct scmp_arg_cmp node =
                SCMP_CMP(calls[i].mode, SCMP_CMP_MASKED_EQ, S_IFMT, nodes[b]);

            result = deny_if(ctx, EPERM, calls[i].name, 1, &id);
            if (!result && calls[i].node)
                result = deny_if(ctx, EPERM, calls[i].name, 1, &node);
        }
    return result;
}

/* The same for files made by open: the mode only counts with O_CREAT or O_TMPFILE. */
static int deny_open_modes(scmp_filter_ctx ctx)
{
    static const unsigned bits[] = {S_ISUID, S_ISGID}, makes[] = {O_CREAT, __O_TMPFILE};
    int result = 0;

    for (size_t b = 0; b < 2; b++)
        for (size_t m = 0; m < 2 && !result; m++) {
            const struct scmp_arg_cmp open_args[] = {
                SCMP_A1(SCMP_CMP_MASKED_EQ, makes[m], makes[m]),
                SCMP_A2(SCMP_CMP_MASKED_EQ, bits[b], bits[b]),
            };
            const struct scmp_arg_cmp openat_args[] = {
                SCMP_A2(SCMP_CMP_MASKED_EQ, makes[m], makes[m]),
                SCMP_A3(SCMP_CMP_MASKED_EQ, bits[b], bits[b]),
            };

            result = deny_if(ctx, EPERM, "open", 2, open_args);
            if (!result)
                result = deny_if(ctx, EPERM, "openat", 2, openat_args);
        }
    return result;
}

/*
 * Sockets are unix, IPv4, IPv6, and netlink for the list of interfaces (protocol 0): above all not
 * vsock, which no network namespace holds back. Of IP only TCP, UDP and what has a lower number:
 * SCTP, DCCP and the like are large, little used parts of the kernel. Compared as 64 bits, so that
 * a number with high bits set, which the kernel would cut off, is refused too.
 */
static int deny_sockets(scmp_filter_ctx ctx)
{
    const struct scmp_arg_cmp between = SCMP_A0(SCMP_CMP_GT, AF_NETLINK);
    const struct scmp_arg_cmp netlink[] = {SCMP_A0(SCMP_CMP_EQ, AF_NETLINK),
                                           SCMP_A2(SCMP_CMP_NE, 0)};
    static const int ip_families[] = {AF_INET, AF_INET6};
    static const unsigned types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_DCCP};
    int result = deny_if(ctx, EAFNOSUPPORT, "socket", 1, &between);

    for (unsigned family = 0; family < AF_NETLINK && !result; family++) {
        const struct scmp_arg_cmp is = SCMP_A0(SCMP_CMP_EQ, family);

        if (family != AF_UNIX && family != AF_INET && family != AF_INET6)
            result = deny_if(ctx, EAFNOSUPPORT, "socket", 1, &is);
    }
    for (size_t i = 0; i < ARRAY_LEN(ip_families) && !result; i++) {
        const struct scmp_arg_cmp raw[] = {
            SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)ip_families[i]),
            SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_RAW),
        };

        result = deny_if(ctx, EPERM, "socket", 2, raw);
        for (size_t k = 0; k < ARRAY_LEN(types) && !result; k++) {
            const struct scmp_arg_cmp rare[] = {
                SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)ip_families[i]),
                SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, types[k]),
                SCMP_A2(SCMP_CMP_GT, IPPROTO_UDP),
            };

            result = deny_if(ctx, EPROTONOSUPPORT, "socket", 3, rare);
        }
    }
    return result ? result : deny_if(ctx, EAFNOSUPPORT, "socket", 2, netlink);
}

/* Typing into a terminal for somebody else. The kernel looks at the low 32 bits of the request, and
 * so must the filter (CVE-2019-10063). */
static int deny_terminal(scmp_filter_ctx ctx)
{
    static const unsigned requests[] = {TIOCSTI, TIOCLINUX};
    int result = 0;

    for (size_t i = 0; i < ARRAY_LEN(requests) && !result; i++) {
        const struct scmp_arg_cmp request = SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, requests[i]);

        result = deny_if(ctx, EPERM, "ioctl", 1, &request);
    }
    return result;
}

static int add_rules(scmp_filter_ctx ctx, const struct seccomp_options *o)
{
    int result = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

    /* A search tree instead of a list: every call that has rules on its arguments runs it. */
    if (!result)
        result = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (!result)
        result = deny_names(ctx, EPERM, refused, ARRAY_LEN(refused));
    if (!result)
        result = deny_names(ctx, ENOSYS, absent, ARRAY_LEN(absent));
    if (!result)
        result = deny_namespaces(ctx);
    if (!result)
        result = deny_modes(ctx);
    if (!result)
        result = deny_open_modes(ctx);
    if (!result)
        result = deny_sockets(ctx);
    if (!result)
        result = deny_terminal(ctx);
    if (!result && o->no_memfd)
        result = deny_if(ctx, ENOSYS, "memfd_create", 0, NULL);
    if (!result && o->no_affinity)
        result = deny_if(ctx, EPERM, "sched_setaffinity", 0, NULL);
    return result;
}

/*
 * libseccomp can't compare system call numbers, so what answers unknown ones goes before its
 * program. Other architectures fall through to it, and so does x32, which it ends.
 */
static struct sock_fprog with_prologue(struct arena *a, struct str body)
{
    const struct sock_filter prologue[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, SECOND_ABI_BIT, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FIRST_UNKNOWN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    };
    struct sock_filter *all =
        arena_alloc(a, ARRAY_LEN(prologue) + body.n / sizeof(*all), sizeof(*all));

    memcpy(all, prologue, sizeof(prologue));
    memcpy(all + ARRAY_LEN(prologue), body.p, body.n);
    return (struct sock_fprog){.len = (unsigned short)(ARRAY_LEN(prologue) + body.n / sizeof(*all)),
                               .filter = all};
}

/* The compiled rules, by way of a memory file. */
static int export(struct arena *a, scmp_filter_ctx ctx, struct str *ret, struct err *err)
{
    FD_CLEANUP int fd = memfd_create("filter", MFD_CLOEXEC);
    int result;

    if (fd < 0)
        return err_sys(err, ERR_IO, errno, "make a memory file");
    result = seccomp_export_bpf(ctx, fd);
    if (result)
        return err_sys(err, ERR_INTERNAL, -result, "compile the system call filter");
    if (lseek(fd, 0, SEEK_SET) < 0)
        return err_sys(err, ERR_IO, errno, "rewind a memory file");
    return fs_read_fd(a, fd, FILTER_MAX_BYTES, ret, err);
}

int seccomp_compile(struct arena *a, const struct seccomp_options *options, struct sock_fprog *ret,
                    struct err *err)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    struct str body;
    int result;

    if (!ctx)
        return err_set(err, ERR_INTERNAL, "libseccomp doesn't start");
    result = add_rules(ctx, options);
    if (result)
        result = err_sys(err, ERR_INTERNAL, -result, "make the system call filter");
    else
        result = export(a, ctx, &body, err);
    seccomp_release(ctx);
    if (result)
        return -1;
    *ret = with_prologue(a, body);
    return 0;
}

int seccomp_apply(const struct sock_fprog *program, struct err *err)
{
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, program) < 0)
        return err_sys(err, ERR_HOST, errno, "load the system call filter");
    return 0;
}
