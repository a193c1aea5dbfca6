/*
 * One sandbox for one command of the command line, made from the configuration and from --bind,
 * --env and --work.
 */
#ifndef KILN_CLI_BOX_H
#define KILN_CLI_BOX_H

#include "cli/command.h"
#include "sandbox/sandbox.h"

struct box {
    struct sandbox_host *host;
    struct sandbox *sandbox;
};

/* Nothing is left behind on failure. */
int box_open(struct cli *cli, struct box *ret, struct err *err);
void box_close(struct box *b);

/* The variables that --env gave. */
int box_env(struct cli *cli, const struct envd_env **ret, size_t *ret_n, struct err *err);

#endif
