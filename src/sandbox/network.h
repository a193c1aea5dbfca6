/*
 * The network of a sandbox: a namespace with a loopback interface and nothing else.
 */
#ifndef KILN_SANDBOX_NETWORK_H
#define KILN_SANDBOX_NETWORK_H

#include "base/err.h"

/*
 * Brings the loopback interface up, in the namespace of this process. Runs while the process is
 * still trusted: this is the place at which sockets that listen inside are made and passed out to
 * whoever serves them.
 */
int network_up(struct err *err);

#endif
