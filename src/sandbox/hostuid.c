#include "sandbox/hostuid.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

/* 0x70000000 and up: above the ranges of login.defs, systemd and its containers, and subuid. */
enum { FIRST_UID = 1879048192, UIDS = 60000 };

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
    for (unsigned slot = 0; slot < UIDS; slot++) {
        int fd = bind_slot(slot);

        if (fd >= 0) {
            *ret_fd = fd;
            *ret_uid = FIRST_UID + slot;
            return 0;
        }
        if (errno != EADDRINUSE)
            return err_sys(err, ERR_IO, errno, "reserve a user number for a sandbox");
    }
    return err_set(err, ERR_LIMIT, "all %d user numbers for sandboxes are taken", (int)UIDS);
}
