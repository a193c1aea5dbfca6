/*
 * Attacks on a sandbox from inside. Each row is a test: a shell script in a sandbox of its own that
 * prints "VULN" when something works that must not, and "END" when it came to its end. Scripts get
 * what to look for on the host as $1 to $6 (struct host); $A runs this program as `attack`.
 */
#include "support/boxes.h"

#include "attack.h"

enum { MIB = 1 << 20 };

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

struct row {
    const char *name, *script;
};

/* ---- the host's side: things that nobody inside may find ---- */

struct host {
    char *folder, *secret; /* a readable file of the host */
    pid_t victim;          /* a process */
    int listener, port;    /* a TCP service on the loopback interface */
    int abstract, shm;
    const char *exe;
} host;

static const char secret_text[] = "CANARY-5f1d";

static void start_services(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(in);
    int n;

    host.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(host.listener, (struct sockaddr *)&in, sizeof(in)), 0);
    assert_int_equal(listen(host.listener, 8), 0);
    assert_int_equal(getsockname(host.listener, (struct sockaddr *)&in, &size), 0);
    host.port = ntohs(in.sin_port);
    host.abstract = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    n = snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "kiln-test-%d", (int)getpid());
    assert_int_equal(bind(host.abstract, (struct sockaddr *)&un,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)),
                     0);
    assert_int_equal(listen(host.abstract, 1), 0);
    host.shm = shmget((key_t)getpid(), 4096, IPC_CREAT | 0666);
}

static int setup(void **state)
{
    static struct arena a;
    struct str program;

    arena_clear(&a);
    host.folder = unit_folder(&a);
    assert_int_equal(chmod(host.folder, 0755), 0);
    /* A copy, as the user whom the tests run as may not reach the folder of the build. */
    host.exe = fs_join(&a, host.folder, "attack");
    assert_int_equal(fs_read_file(&a, "/proc/self/exe", 256 * 1024 * 1024, &program, NULL), 0);
    assert_int_equal(fs_write_file(host.exe, program, 0755, NULL), 0);
    host.secret = fs_join(&a, host.folder, "secret");
    assert_int_equal(fs_write_file(host.secret, str_from(secret_text), 0666, &(struct err){0}), 0);
    setenv("KILN_TEST_SECRET", secret_text, 1);
    start_services();
    host.victim = fork();
    if (host.victim == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    return boxes_setup(state);
}

static int teardown(void **state)
{
    kill(host.victim, SIGKILL);
    waitpid(host.victim, NULL, 0);
    shmctl(host.shm, IPC_RMID, NULL);
    close(host.listener);
    close(host.abstract);
    unit_remove(host.folder);
    return boxes_teardown(state);
}

/* ---- the rows ---- */

#define CANARY "CANARY-5f1d"

static const struct row rows[] = {
    /* files */
    {"read_host_file", "cat \"$1\" 2>/dev/null && echo VULN"},
    {"read_host_secrets", "for f in /etc/shadow /etc/gshadow /root /etc/ssh /etc/ssl/private; do"
                          "  [ -e $f ] && echo VULN $f; done"},
    {"write_system", "for d in / /usr /etc /bin /lib /usr/bin /usr/local/bin /opt /home /dev; do"
                     "  touch $d/T 2>/dev/null && echo VULN $d; done"},
    {"traversal", "cat ../../../../../../../..\"$1\" 2>/dev/null && echo VULN"},
    {"symlink_to_host", "ln -s \"$1\" l; cat l 2>/dev/null && echo VULN"},
    {"hardlink", "ln /usr/bin/env h 2>/dev/null && echo VULN"},
    {"proc_root",
     "for b in /proc/1/root /proc/self/root /proc/1/cwd/../../../.. /proc/self/cwd/../..; do"
     "  cat \"$b$1\" 2>/dev/null && echo VULN $b; done"},
    {"every_proc_root",
     "for q in /proc/[0-9]*; do cat $q/root\"$1\" 2>/dev/null && echo VULN; done"},
    {"unshare_tool", "unshare -Urm true 2>/dev/null && echo VULN"},
    {"device_nodes", "for d in mem kmem port kvm fuse vda sda nvme0n1 loop-control loop0 net/tun"
                     " console kmsg; do [ -e /dev/$d ] && echo VULN $d; done"},
    {"sys", "[ -e /sys/kernel ] && echo VULN"},
    {"proc_sys",
     "for f in /proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches"
     " /proc/sys/kernel/hostname /proc/sysrq-trigger /proc/sys/user/max_user_namespaces;"
     " do (echo x >$f) 2>/dev/null && echo VULN $f; done"},
    {"proc_kernel", "for f in kcore kmsg kallsyms keys timer_list slabinfo; do"
                    "  (head -c 16 /proc/$f | grep -aq .) 2>/dev/null && echo VULN $f; done"},
    {"setuid_program", "cp /usr/bin/env e && chmod u+s e 2>/dev/null && echo VULN;"
                       " chmod g+s e 2>/dev/null && echo VULN; [ -u e ] && echo VULN; true"},
    {"remount", "mount -o remount,rw /usr 2>/dev/null && echo VULN;"
                " mount -o remount,rw / 2>/dev/null && echo VULN"},
    {"unmount", "for m in /proc /usr /tmp /work /proc/sys; do"
                "  umount $m 2>/dev/null && echo VULN $m; umount -l $m 2>/dev/null && echo VULN $m;"
                " done"},
    {"host_sockets", "for s in /var/run/docker.sock /run/docker.sock /run/dbus /tmp/.X11-unix /run"
                     " /var; do [ -e $s ] && echo VULN $s; done"},
    {"host_home", "[ \"$HOME\" = /home/user ] || echo VULN;"
                  " for f in .npmrc .gitconfig .ssh .claude .aws .bashrc; do"
                  "  [ -e $HOME/$f ] && echo VULN $f; done"},
    {"fingerprints", "for f in /etc/machine-id /sys/class/dmi/id/product_uuid /etc/hostid"
                     " /var/lib/dbus/machine-id /etc/npmrc /etc/pip.conf; do"
                     "  [ -e $f ] && echo VULN $f; done"},
    {"host_tmp", "[ -z \"$(ls -A /tmp)\" ] || echo VULN"},
    {"mountinfo_paths", "grep -e /var/tmp -e kiln-test /proc/self/mountinfo | grep -v /opt/attack"
                        " && echo VULN"},
    /* processes */
    {"host_process", "[ -d /proc/$2 ] && grep -q attacks /proc/$2/comm && echo VULN"},
    {"host_environ", "cat /proc/[0-9]*/environ 2>/dev/null | grep -aq " CANARY " && echo VULN;"
                     " env | grep -q KILN && echo VULN"},
    {"host_cmdline",
     "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -aq 'KILN_TES[T]' && echo VULN"},
    {"inherited_fds", "$A fds"},
    {"kill_host_process", "kill -0 $2 2>/dev/null && grep -q attacks /proc/$2/comm && echo VULN"},
    {"kill_everything", "$A killall; echo unreachable >/dev/null"},
    {"first_process", "$A init"},
    {"root_inside",
     "[ $(id -u) = 0 ] && echo VULN; grep -v '^#' /etc/sudoers 2>/dev/null && echo VULN"},
    {"capabilities", "grep ^Cap /proc/self/status | grep -v 0000000000000000 && echo VULN"},
    {"no_new_privs", "grep -q 'NoNewPrivs:.1' /proc/self/status || echo VULN"},
    {"filter", "grep -q 'Seccomp:.2' /proc/self/status || echo VULN"},
    {"priority", "$A priority"},
    {"core_dump", "$A core; ls core* 2>/dev/null && echo VULN"},
    {"shared_memory", "$A shm $4"},
    {"abstract_socket", "$A abstract kiln-test-$5"},
    {"other_abi", "$A abi"},
    /* network */
    {"host_loopback", "$A tcp 127.0.0.1 $3; $A tcp ::1 $3; $A tcp ::ffff:127.0.0.1 $3"},
    {"metadata", "$A tcp 169.254.169.254 80; $A tcp fd00:ec2::254 80"},
    {"outside", "$A tcp 192.0.2.1 443; $A tcp 2001:db8::1 443; $A udp 192.0.2.1 53"},
    {"names", "getent hosts example.com >/dev/null 2>&1 && echo VULN"},
    {"interfaces", "[ $(tail -n +3 /proc/net/dev | grep -vc ' lo:') -gt 0 ] && echo VULN;"
                   " [ $(wc -l </proc/net/route) -gt 1 ] && echo VULN"},
    /* bombs */
    {"fork_bomb", "$A forks 1000 64"},
    {"disk_bomb", "$A file /work/f 64 16"},
    {"tmp_bomb", "$A file /tmp/f 32 8"},
    {"home_bomb", "$A file /home/user/f 32 8"},
    {"shm_bomb", "$A file /dev/shm/f 96 64"},
    {"root_bomb", "$A file /opt/f 1 0 | grep -v 'nothing could'; true"},
    {"inode_bomb", "$A inodes /work 5000 3000"},
    {"tmp_inode_bomb", "mkdir /tmp/i; $A inodes /tmp/i 70000 65536"},
    {"sparse_file", "$A sparse"},
    {"descriptor_bomb", "$A dup 8192"},
    {"pty_bomb", "$A ptys"},
    {"locked_memory", "$A lock"},
};

/* These run where a limit on a program's memory doesn't stop the sanitizer first. */
static const struct row memory_rows[] = {
    {"memory_bomb", "$A memory 512"},
    {"memfd_bomb", "$A memfd 512"},
};

static void run_row(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    const struct row *row = *state;
    const struct sandbox_bind bind = {host.exe, "/opt/attack"};
    const struct sandbox_spec spec = {
        .id = "attack",
        .binds = &bind,
        .n_binds = 1,
        .limits = {.memory_bytes = SANITIZED ? 1L << 46 : 128 * MIB,
                   .disk_bytes = 16 * MIB,
                   .disk_inodes = 1000,
                   .tmp_bytes = 8 * MIB,
                   .file_bytes = 1024 * MIB,
                   .pids = 64},
    };
    const char *script =
        arena_printf(&a, "A='/opt/attack attack'; %s\n[ -n \"$A\" ] && echo END", row->script);
    const char *const argv[] = {"/bin/sh",
                                "-c",
                                script,
                                "sh",
                                host.secret,
                                arena_printf(&a, "%d", (int)host.victim),
                                arena_printf(&a, "%d", host.port),
                                arena_printf(&a, "%d", (int)getpid()),
                                arena_printf(&a, "%d", (int)getpid()),
                                NULL};
    const char *output;
    int status;

    output = boxes_command(&a, &spec, argv, &status);
    if (strstr(output, "VULN"))
        fail_msg("%s", output);
    if (!strstr(output, "END") && strcmp(row->name, "kill_everything") != 0)
        fail_msg("the script didn't come to its end: %s (status %x)", output, status);
}

static size_t add_rows(struct CMUnitTest *tests, const struct row *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct row *copy = malloc(sizeof(*copy));

        *copy = from[i];
        tests[i] =
            (struct CMUnitTest){.name = copy->name, .test_func = run_row, .initial_state = copy};
    }
    return n;
}

/* One row for each system call of attack.h. */
static size_t add_calls(struct arena *a, struct CMUnitTest *tests)
{
    for (size_t i = 0; i < ARRAY_LEN(attack_calls); i++) {
        const struct row row = {attack_calls[i].name,
                                arena_printf(a, "$A call %s", attack_calls[i].name)};

        add_rows(&tests[i], &row, 1);
    }
    return ARRAY_LEN(attack_calls);
}

static int run_all(void)
{
    ARENA_CLEANUP struct arena a = {0};
    struct CMUnitTest tests[256] = {0};
    size_t n = add_rows(tests, rows, ARRAY_LEN(rows));
    int failed;

    if (!SANITIZED)
        n += add_rows(tests + n, memory_rows, ARRAY_LEN(memory_rows));
    n += add_calls(&a, tests + n);
    failed = _cmocka_run_group_tests("attacks", tests, n, setup, teardown);
    for (size_t i = 0; i < n; i++)
        free(tests[i].initial_state);
    return failed;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "launcher") == 0)
        return launcher_main();
    if (argc > 1 && strcmp(argv[1], "attack") == 0)
        return attack_main(argc, argv);
    return boxes_run_twice(run_all);
}
