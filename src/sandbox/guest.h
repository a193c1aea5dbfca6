/*
 * The first process of a sandbox: builds the sandbox around itself, gives up its rights, and serves
 * envd in it or runs one command.
 *
 * It is cloned from the launcher and executes nothing. It starts trusted, with all capabilities of
 * its new user namespace and, when the launcher is root, the launcher's access to files; guest.c
 * lists the steps after which it has none of that.
 */
#ifndef KILN_SANDBOX_GUEST_H
#define KILN_SANDBOX_GUEST_H

#include <linux/filter.h>

#include "sandbox/launcher_message.h"
#include "sandbox/limits.h"

struct guest {
    const struct launcher_request *request;
    int fds[3];    /* standard input, output, error of the command; or the listening socket */
    int workspace; /* a mount, or -1 for a tmpfs */
    struct limits_entry groups; /* to enter */
    struct limits_self limits;
    const struct sock_fprog *filter;
    int sync; /* socket to the launcher */
};

/* What it tells the launcher when the sandbox is built, or couldn't be. */
struct guest_report {
    bool ok;
    int landlock_abi;
    struct err err; /* if not ok */
};

/*
 * Waits for a byte on `sync`, which says that its user is mapped; builds the sandbox;
 * sends a report; waits for another byte, so that it doesn't outlive a launcher that died
 * meanwhile; and does its work. An end of file instead of a byte ends it.
 */
_Noreturn void guest_main(const struct guest *g);

#endif
