#include "sandbox/lockdown.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

int lockdown_user(struct err *err)
{
    if (setresgid(LOCKDOWN_GID, LOCKDOWN_GID, LOCKDOWN_GID) < 0 ||
        setresuid(LOCKDOWN_UID, LOCKDOWN_UID, LOCKDOWN_UID) < 0)
        return err_sys(err, ERR_HOST, errno, "become the sandbox's user");
    umask(022);
    return 0;
}

static int drop_capabilities(struct err *err)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};

    /* EINVAL says that the kernel knows no more of them. */
    for (int cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
        ;
    if (errno != EINVAL)
        return err_sys(err, ERR_HOST, errno, "drop the capability bounding set");
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
        syscall(SYS_capset, &header, none) < 0)
        return err_sys(err, ERR_HOST, errno, "drop capabilities");
    return 0;
}

int lockdown_rights(struct err *err)
{
    if (drop_capabilities(err))
        return -1;
    /* The death signal comes last: changes of credentials clear it. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return err_sys(err, ERR_HOST, errno, "give up rights");
    return 0;
}

int lockdown_fds(int first, struct err *err)
{
    if (syscall(SYS_close_range, (unsigned)first, ~0U, 0) < 0)
        return err_sys(err, ERR_HOST, errno, "close descriptors");
    return 0;
}
