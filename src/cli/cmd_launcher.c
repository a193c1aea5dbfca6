/* The role of the process that makes sandboxes (sandbox/launcher.h). */
#include "cli/command.h"
#include "sandbox/launcher.h"

static int run(struct cli *cli, struct err *err)
{
    return launcher_main();
}

const struct command command_launcher = {
    .name = "launcher",
    .summary = "make sandboxes for the kiln that started this process",
    .hidden = true,
    .no_config = true,
    .run = run,
};
