/* kiln model serve: the scripted model, as a server of the Messages API. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/fs.h"
#include "cli/command.h"
#include "cli/message.h"
#include "http/server.h"
#include "model/script.h"

#define FD_PREFIX "fd:"

static const struct option_spec serve_options[] = {
    {"listen", 0, OPTION_WORD, "ADDRESS",
     "127.0.0.1:0 (the default: any free port), unix:PATH, or fd:N for a socket that listens "
     "already",
     NULL, false},
    {"report", 0, OPTION_FILE, "FILE", "write the report at the end to this file too, as JSON",
     NULL, false},
    {0},
};

/* A descriptor that whoever started us has made. */
static int adopt(const char *number, int *ret_fd, struct err *err)
{
    socklen_t size = sizeof(int);
    int listening = 0;
    int64_t fd;

    if (!str_to_i64(str_from(number), &fd) || fd < 0 || fd > 1 << 20 ||
        getsockopt((int)fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 || !listening)
        return err_set(err, ERR_USAGE, "--listen: descriptor '%s' is no listening socket", number);
    *ret_fd = (int)fd;
    return 0;
}

static int listen_on(const char *address, int *ret_fd, struct err *err)
{
    if (str_starts(str_from(address), FD_PREFIX))
        return adopt(address + strlen(FD_PREFIX), ret_fd, err);
    return http_listen(address, ret_fd, err);
}

/* What to put into the environment of a client. Nothing for a descriptor: its maker knows. */
static void tell_address(struct cli *cli, const char *address, int fd)
{
    JSON_CLEANUP json_t *document = NULL;
    const char *url;

    if (str_starts(str_from(address), FD_PREFIX))
        return;
    url = str_starts(str_from(address), "unix:")
              ? address
              : arena_printf(cli->arena, "http://%.*s:%d", (int)(strrchr(address, ':') - address),
                             address, http_listen_port(fd));
    if (cli->json) {
        document = json_pack("{s:s}", "base_url", url);
        puts(json_dump(cli->arena, document));
    } else {
        printf("ANTHROPIC_BASE_URL=%s\n", url);
    }
    fflush(stdout);
}

static void tell_report(struct cli *cli, const json_t *report)
{
    const json_t *unmet = json_object_get(report, "unmet"), *one;
    size_t i;

    if (cli->json) {
        puts(json_dump(cli->arena, report));
        return;
    }
    if (cli->quiet)
        return;
    printf("%lld requests, %lld turns played, %lld left\n",
           (long long)json_get_int(report, "requests", 0),
           (long long)json_get_int(report, "turns_played", 0),
           (long long)json_get_int(report, "turns_left", 0));
    json_array_foreach (unmet, i, one)
        message_warning("%s", json_string_value(one));
}

static int end(struct cli *cli, struct script_server *server, struct err *err)
{
    const char *file = options_value(&cli->options, "report");
    JSON_CLEANUP json_t *report = script_server_report(server);
    size_t unmet = script_server_unmet(server);

    tell_report(cli, report);
    if (file && fs_write_file(file, str_from(json_dump_pretty(cli->arena, report)), 0644, err))
        return -1;
    return unmet ? EXIT_FAILED : EXIT_OK;
}

static int serve(struct cli *cli, struct err *err)
{
    const char *address = options_value(&cli->options, "listen");
    struct script_server *server;
    struct script *script;
    int fd, rc = -1;

    address = address ? address : "127.0.0.1:0";
    if (cancel_install(err) || script_load(cli->options.args[0], &script, err))
        return -1;
    if (listen_on(address, &fd, err) == 0) {
        tell_address(cli, address, fd);
        if (script_serve(script, fd, &server, err) == 0) {
            cancel_sleep_ms(-1, NULL);
            rc = end(cli, server, err);
            script_server_stop(server);
        }
    }
    script_free(script);
    return rc;
}

static const struct command subcommands[] = {
    {
        .name = "serve",
        .args = "SCRIPT",
        .summary = "serve the Messages API from a script",
        .details = "  Prints the address as a line for the environment of a client, serves until\n"
                   "  Ctrl-C or SIGTERM, then prints what was asked. The exit code is 1 when an\n"
                   "  expectation of the script was not met.",
        .examples = "  kiln model serve demo.yaml\n"
                    "  kiln model serve demo.yaml --listen 127.0.0.1:8080 --report report.json",
        .options = serve_options,
        .min_args = 1,
        .max_args = 1,
        .no_config = true,
        .run = serve,
    },
    {0},
};

const struct command command_model = {
    .name = "model",
    .summary = "stand in for the model, for tests without a key",
    .subcommands = subcommands,
};
