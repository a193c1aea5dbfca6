/*
 * A user of its own on the host for each sandbox, when kiln runs as root.
 *
 * What gets out of a sandbox's namespaces is then still nobody: it owns no file, can't signal or
 * trace another sandbox, and counts against limits of its own. Numbers are taken from a range that
 * neither distributions nor container managers hand out, at random: launchers in different network
 * namespaces, which don't see each other's reservations, don't meet either. A number is reserved
 * for as long as an abstract socket of its name is bound, so that launchers need no shared file and
 * a killed one leaves nothing.
 */
#ifndef KILN_SANDBOX_HOSTUID_H
#define KILN_SANDBOX_HOSTUID_H

#include <sys/types.h>

#include "base/err.h"

/* Reserves a user and group number until `*ret_fd` is closed. */
int hostuid_reserve(uid_t *ret_uid, int *ret_fd, struct err *err);

#endif
