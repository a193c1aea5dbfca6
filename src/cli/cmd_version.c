/* kiln version */
#include <stdio.h>

#include "cli/command.h"
#include "cli/message.h"

static int run(struct cli *cli, struct err *err)
{
    JSON_CLEANUP json_t *document = NULL;

    if (!cli->json) {
        puts("kiln " KILN_VERSION);
        return EXIT_OK;
    }
    document = json_pack("{s:s}", "version", KILN_VERSION);
    message_json(document);
    return EXIT_OK;
}

const struct command command_version = {
    .name = "version",
    .summary = "show the version",
    .no_config = true,
    .run = run,
};
