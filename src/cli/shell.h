/*
 * An interactive program in a sandbox on this terminal: raw mode, window size, input.
 */
#ifndef KILN_CLI_SHELL_H
#define KILN_CLI_SHELL_H

#include "sandbox/envd.h"

/* Runs it to its end and gives the terminal back. Returns its exit code, or -1. ERR_USAGE when
 * standard input is no terminal. */
int shell_run(struct envd_client *envd, const struct envd_process *process, struct err *err);

#endif
