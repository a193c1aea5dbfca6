#include "sandbox/hostuid.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/rand.h"

/* 0x70000000 to 0x7fffffff: above the ranges of login.defs, systemd and its containers, and
 * subuid. */
enum { FIRST_UID = 0x70000000, UIDS = 0x10000000, TRIES = 100 };

/* Binds the abstract name of a slot; returns the socket, or -1 with errno. */
static int bind_slot(unsigned slot)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    FD_CLEANUP int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int n = snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1, "kiln-uid-%u", slot);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);

    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, size) < 0)
        return -1;
    return TAKE_FD(fd);
}

int hostuid_reserve(uid_t *ret_uid, int *ret_fd, struct err *err)
{
    /* Any local user can bind such names, but neither guess nor take all of them. */
    for (int i = 0; i < TRIES; i++) {
        unsigned slot = (unsigned)rand_below(UIDS);
        int fd = bind_slot(slot);

        if (fd >= 0) {
            *ret_fd = fd;
            *ret_uid = FIRST_UID + slot;
            return 0;
        }
        if (errno != EADDRINUSE)
            return err_sys(err, ERR_IO, errno, "reserve a user number for a sandbox");
    }
    return err_set(err, ERR_LIMIT, "%d user numbers for a sandbox were tried, and all are taken",
                   (int)TRIES);
}
