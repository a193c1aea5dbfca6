#include "sandbox/diagnose.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

/* Settings of the kernel that forbid user namespaces with the value given here. */
static const struct {
    const char *path, *value, *fix;
    bool root_too;
} settings[] = {
    {"/proc/sys/kernel/unprivileged_userns_clone", "0",
     "the kernel forbids user namespaces: sysctl -w kernel.unprivileged_userns_clone=1", false},
    {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
     "AppArmor forbids user namespaces: give kiln an AppArmor profile with 'userns,', or "
     "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
     false},
    {"/proc/sys/user/max_user_namespaces", "0",
     "the limit of user namespaces is 0: sysctl -w user.max_user_namespaces=10000", true},
};

static bool setting_is(struct arena *a, const char *path, const char *value)
{
    struct str text;

    return fs_read_file(a, path, 64, &text, NULL) == 0 && str_eq_c(str_trim(text), value);
}

/* Whether system calls of this process are filtered already, as container managers do it. */
static bool is_filtered(struct arena *a)
{
    struct str text, line;

    if (fs_read_file(a, "/proc/self/status", 64 * 1024, &text, NULL))
        return false;
    while (str_next_line(&text, &line))
        if (str_starts(line, "Seccomp:"))
            return str_ends(line, "2");
    return false;
}

const char *diagnose_namespaces(struct arena *a, int sys)
{
    bool root = geteuid() == 0;

    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        if ((settings[i].root_too || !root) && setting_is(a, settings[i].path, settings[i].value))
            return settings[i].fix;
    if (sys == ENOSYS)
        return "the kernel is too old or a system call filter hides it: kiln needs Linux 5.12";
    if (sys != EPERM && sys != EACCES)
        return NULL;
    if (is_filtered(a))
        return "a container's system call filter forbids namespaces: run the container with "
               "--security-opt seccomp=unconfined --security-opt apparmor=unconfined "
               "--security-opt systempaths=unconfined, or on the host itself";
    if (root)
        return "root lacks rights here (a container without CAP_SYS_ADMIN, or without a full "
               "uid_map): run kiln as an ordinary user, or give the container those";
    return NULL;
}
