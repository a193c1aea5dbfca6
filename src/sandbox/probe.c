#include "sandbox/probe.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "sandbox/lockdown.h"

static void report(int fd, const char *check, const char *wrong)
{
    dprintf(fd, "%s\t%s\n", check, wrong);
}

/* ---- filesystem ---- */

static void probe_files(int fd)
{
    static const char *const host[] = {"/root", "/var", "/run",   "/sys",        "/boot",
                                       "/srv",  "/mnt", "/media", "/etc/shadow", "/etc/machine-id"};
    static const char *const fixed[] = {"/probe", "/usr/probe", "/etc/probe", "/dev/probe",
                                        "/opt/probe"};
    static const char *const host_settings[] = {"/proc/sys/kernel/core_pattern",
                                                "/proc/sysrq-trigger"};

    for (size_t i = 0; i < ARRAY_LEN(host); i++)
        if (access(host[i], F_OK) == 0)
            report(fd, "filesystem", host[i]);
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        if (mkdir(fixed[i], 0700) == 0)
            report(fd, "filesystem", "a read-only folder can be written");
    for (size_t i = 0; i < ARRAY_LEN(host_settings); i++) {
        FD_CLEANUP int file = open(host_settings[i], O_WRONLY | O_CLOEXEC);

        if (file >= 0)
            report(fd, "filesystem", "settings of the host's kernel can be written");
    }
}

static void probe_workspace(int fd, const struct sandbox_limits *limits)
{
    FD_CLEANUP int file =
        open(SANDBOX_WORK "/probe", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
    struct statvfs fs;

    if (file < 0 || write(file, "x", 1) != 1)
        report(fd, "quota", "the workspace can't be written");
    if (fchmod(file, 04755) == 0)
        report(fd, "seccomp", "a set-user-ID file can be made");
    if (statvfs(SANDBOX_WORK, &fs) < 0 ||
        (uint64_t)fs.f_blocks * fs.f_frsize > (uint64_t)limits->disk_bytes ||
        /* ext4 rounds the number of inodes up to whole groups. */
        fs.f_files > (uint64_t)limits->disk_inodes * 2 + 1024)
        report(fd, "quota", "the workspace is larger than its limit");
    unlink(SANDBOX_WORK "/probe");
}

/* ---- processes and privileges ---- */

static void probe_processes(int fd)
{
    DIR *dir = opendir("/proc");
    struct dirent *e;

    if (!dir) {
        report(fd, "namespaces", "/proc can't be read");
        return;
    }
    while ((e = readdir(dir))) {
        uint64_t pid;

        if (str_to_u64(str_from(e->d_name), &pid) && pid != 1 && pid != (uint64_t)getpid())
            report(fd, "namespaces", "other processes can be seen");
    }
    closedir(dir);
}

static void probe_status(int fd)
{
    ARENA_CLEANUP struct arena a = {0};
    struct str text, line, name;

    if (fs_read_file(&a, "/proc/self/status", 64 * 1024, &text, NULL)) {
        report(fd, "privileges", "/proc/self/status can't be read");
        return;
    }
    while (str_next_line(&text, &line)) {
        if (!str_next(&line, ':', &name))
            continue;
        line = str_trim(line);
        if (str_starts(name, "Cap") && !str_eq_c(line, "0000000000000000"))
            report(fd, "privileges", "a capability is left");
        if (str_eq_c(name, "NoNewPrivs") && !str_eq_c(line, "1"))
            report(fd, "privileges", "no_new_privs is off");
        if (str_eq_c(name, "Seccomp") && !str_eq_c(line, "2"))
            report(fd, "seccomp", "there is no filter");
    }
}

static void probe_privileges(int fd)
{
    FD_CLEANUP int memory = open("/proc/1/mem", O_RDONLY | O_CLOEXEC);

    if (getuid() != LOCKDOWN_UID || geteuid() != LOCKDOWN_UID || getgid() != LOCKDOWN_GID)
        report(fd, "user_namespace", "the user isn't the sandbox's");
    if (setresuid(0, 0, 0) == 0)
        report(fd, "privileges", "root can be had");
    if (memory >= 0)
        report(fd, "privileges", "the first process can be read");
    for (int other = STDERR_FILENO + 1; other < 256; other++) {
        int flags = fcntl(other, F_GETFD);

        if (flags >= 0 && !(flags & FD_CLOEXEC))
            report(fd, "privileges", "a command would inherit a descriptor");
    }
}

static void probe_seccomp(int fd)
{
    FD_CLEANUP int vsock = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (vsock >= 0)
        report(fd, "seccomp", "vsock can be had");
    if (syscall(SYS_unshare, CLONE_NEWUSER) == 0)
        report(fd, "seccomp", "a user namespace can be made");
    if (syscall(SYS_clone3, NULL, 0) == 0 || errno != ENOSYS)
        report(fd, "seccomp", "clone3 gets through");
    if (syscall(SYS_keyctl, 0, -3, 0, 0, 0) >= 0)
        report(fd, "seccomp", "the host's keyrings can be reached");
}

/* ---- network ---- */

static void probe_interfaces(int fd)
{
    struct if_nameindex *all = if_nameindex();

    if (!all) {
        report(fd, "network", "interfaces can't be listed");
        return;
    }
    for (const struct if_nameindex *i = all; i->if_index; i++)
        if (strcmp(i->if_name, "lo") != 0)
            report(fd, "network", i->if_name);
    if_freenameindex(all);
}

static void probe_loopback(int fd)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    FD_CLEANUP int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    FD_CLEANUP int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof(addr);

    if (bind(server, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(server, 1) < 0 ||
        getsockname(server, (struct sockaddr *)&addr, &size) < 0 ||
        connect(client, (struct sockaddr *)&addr, size) < 0)
        report(fd, "loopback", strerror(errno));
}

int probe_run(int fd, const struct sandbox_limits *limits)
{
    probe_privileges(fd);
    probe_files(fd);
    probe_workspace(fd, limits);
    probe_processes(fd);
    probe_status(fd);
    probe_seccomp(fd);
    probe_interfaces(fd);
    probe_loopback(fd);
    dprintf(fd, "done\n");
    return 0;
}
