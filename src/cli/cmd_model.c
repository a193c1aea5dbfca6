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

enum { FD_MAX = 1 << 20 };

static const struct option_spec serve_options[] = {
    {"listen", 0, OPTION_WORD, "ADDRESS",
     "127.0.0.1:0 (the default: any free port), unix:PATH, or fd:N for a socket that listens "
     "already",
     NULL, false},
    {"report", 0, OPTION_FILE, "FILE",
     "write the report at the end to this file (or fd:N) too, as JSON", NULL, false},
    {0},
};

/* "fd:N": a descriptor that whoever started us has made. */
static bool is_descriptor(const char *text, int *ret_fd)
{
    struct str s = str_from(text);
    int64_t fd;

    if (!str_starts(s, FD_PREFIX) || !str_to_i64(str_from_pos(s, strlen(FD_PREFIX)), &fd) ||
        fd < 0 || fd > FD_MAX)
        return false;
    *ret_fd = (int)fd;
    return true;
}

static int adopt(int fd, int *ret_fd, struct err *err)
{
    socklen_t size = sizeof(int);
    int listening = 0;

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 || !listening)
        return err_set(err, ERR_USAGE, "--listen: descriptor %d is no listening socket", fd);
    *ret_fd = fd;
    return 0;
}

static int listen_on(const char *address, int *ret_fd, struct err *err)
{
    int fd;

    if (is_descriptor(address, &fd))
        return adopt(fd, ret_fd, err);
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

static int write_report(struct cli *cli, const json_t *report, struct err *err)
{
    const char *file = options_value(&cli->options, "report");
    struct str text;
    int fd;

    if (!file)
        return 0;
    text = str_from(json_dump_pretty(cli->arena, report));
    return is_descriptor(file, &fd) ? fs_write_all(fd, text, err)
                                    : fs_write_file(file, text, 0644, err);
}

static int end(struct cli *cli, struct script_server *server, struct err *err)
{
    JSON_CLEANUP json_t *report = script_server_report(server);

    tell_report(cli, report);
    if (write_report(cli, report, err))
        return -1;
    return script_server_unmet(server) ? EXIT_FAILED : EXIT_OK;
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
