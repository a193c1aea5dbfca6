#include "sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/rootfs.h"

/* What the kernel headers of the build machine may not have yet. */
#define FS_TRUNCATE (1ULL << 14)          /* ABI 3 */
#define FS_IOCTL_DEV (1ULL << 15)         /* ABI 5 */
#define SCOPE_ABSTRACT_SOCKET (1ULL << 0) /* ABI 6 */
#define SCOPE_SIGNAL (1ULL << 1)          /* ABI 6 */

struct ruleset_attr {
    uint64_t handled_access_fs, handled_access_net, scoped;
};

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RUN (READ | LANDLOCK_ACCESS_FS_EXECUTE)
#define CHANGE (READ | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)
/* Everything but device files and their ioctls. */
#define WORK                                                                                       \
    (RUN | CHANGE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |               \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |    \
     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER)
#define ON_FILES                                                                                   \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |   \
     FS_TRUNCATE | FS_IOCTL_DEV)

static const struct {
    const char *path;
    uint64_t access;
} rules[] = {
    {"/", LANDLOCK_ACCESS_FS_READ_DIR},
    {"/usr", RUN},
    {"/bin", RUN},
    {"/sbin", RUN},
    {"/lib", RUN},
    {"/lib32", RUN},
    {"/lib64", RUN},
    {"/libx32", RUN},
    {"/opt/kiln", RUN},
    {"/etc", READ},
    {"/proc", CHANGE}, /* of its own processes: oom_score_adj, comm */
    {"/dev", CHANGE | FS_IOCTL_DEV},
    {"/dev/shm", WORK},
    {"/tmp", WORK},
    {ROOTFS_HOME, WORK},
    {SANDBOX_WORK, WORK},
};

/* Everything that this version of Landlock knows. */
static struct ruleset_attr handled(int abi)
{
    struct ruleset_attr attr = {.handled_access_fs = (LANDLOCK_ACCESS_FS_REFER << 1) - 1};

    if (abi >= 3)
        attr.handled_access_fs |= FS_TRUNCATE;
    if (abi >= 5)
        attr.handled_access_fs |= FS_IOCTL_DEV;
    if (abi >= 6)
        attr.scoped = SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL;
    return attr;
}

static int add_rule(int ruleset, const char *path, uint64_t access, uint64_t known, struct err *err)
{
    FD_CLEANUP int fd = open(path, O_PATH | O_CLOEXEC);
    struct landlock_path_beneath_attr rule = {.allowed_access = access & known, .parent_fd = fd};
    struct stat st;

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_sys(err, ERR_HOST, errno, "open '%s' for Landlock", path);
    if (!S_ISDIR(st.st_mode))
        rule.allowed_access &= ON_FILES;
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
        return err_sys(err, ERR_HOST, errno, "Landlock rule for '%s'", path);
    return 0;
}

int landlock_apply(const struct sandbox_spec *spec, int *ret_abi, struct err *err)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct ruleset_attr attr;
    FD_CLEANUP int ruleset = -1;
    size_t size;

    /* The first version refuses every rename from one folder to another. */
    *ret_abi = abi < 2 ? 0 : (int)abi;
    if (abi < 2)
        return 0;
    attr = handled((int)abi);
    /* Older kernels know a shorter structure. */
    size = abi >= 6 ? sizeof(attr) : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
    ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
    if (ruleset < 0)
        return err_sys(err, ERR_HOST, errno, "make a Landlock ruleset");
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (add_rule(ruleset, rules[i].path, rules[i].access, attr.handled_access_fs, err))
            return -1;
    for (size_t i = 0; i < spec->n_binds; i++)
        if (add_rule(ruleset, spec->binds[i].to, RUN, attr.handled_access_fs, err))
            return -1;
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
        return err_sys(err, ERR_HOST, errno, "restrict the sandbox by Landlock");
    return 0;
}
