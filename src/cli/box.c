#include "cli/box.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "cli/folder.h"
#include "cli/message.h"
#include "task/task.h"

enum { ID_LETTERS = 12 };

int box_env(struct cli *cli, const struct envd_env **ret, size_t *ret_n, struct err *err)
{
    struct envd_env *list = ARENA_ARRAY(cli->arena, cli->options.n_given + 1, struct envd_env);
    const char *given;
    size_t n = 0, at = 0;

    while ((given = options_next(&cli->options, "env", &at))) {
        const char *equals = strchr(given, '=');

        if (!equals || equals == given)
            return err_set(err, ERR_USAGE, "--env: '%s' is not NAME=VALUE", given);
        list[n++] = (struct envd_env){
            arena_dup(cli->arena, (struct str){given, (size_t)(equals - given)}).p, equals + 1};
    }
    *ret = list;
    *ret_n = n;
    return 0;
}

/* "FROM[:TO]"; without TO it is seen at the place where it is. */
static int parse_bind(struct arena *a, const char *given, struct sandbox_bind *ret, struct err *err)
{
    const char *colon = strchr(given, ':'), *to = colon ? colon + 1 : NULL;
    const char *from = colon ? arena_dup(a, (struct str){given, (size_t)(colon - given)}).p : given;
    char *full = realpath(from, NULL);

    if (!full)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno, "--bind: '%s'", from);
    from = arena_strdup(a, full);
    free(full);
    if (to && to[0] != '/')
        return err_set(err, ERR_USAGE, "--bind: '%s' must be an absolute path", to);
    *ret = (struct sandbox_bind){from, to ? to : from};
    return 0;
}

static int parse_binds(struct cli *cli, struct sandbox_spec *spec, struct err *err)
{
    struct sandbox_bind *list =
        ARENA_ARRAY(cli->arena, cli->options.n_given + 1, struct sandbox_bind);
    const char *given;
    size_t at = 0;

    while ((given = options_next(&cli->options, "bind", &at)))
        if (parse_bind(cli->arena, given, &list[spec->n_binds++], err))
            return -1;
    spec->binds = list;
    return 0;
}

static int place_work(struct cli *cli, struct box *b, struct err *err)
{
    const char *dir = options_value(&cli->options, "work");
    size_t left_out;
    struct tree t;

    if (!dir)
        return 0;
    if (folder_read(cli->arena, dir, &t, &left_out, err))
        return err_wrap(err, "--work");
    if (left_out && !cli->quiet)
        message_warning("--work: %zu entries that can't be copied are left out (.git, devices)",
                        left_out);
    return tree_place(&t, sandbox_envd(b->sandbox), SANDBOX_WORK, err);
}

int box_open(struct cli *cli, struct box *ret, struct err *err)
{
    const struct config *c = &cli->config;
    struct sandbox_host_config host = {
        .kind = c->sandbox, .require = c->require.items, .n_require = c->require.n};
    struct sandbox_spec spec = {.id = rand_id(cli->arena, ID_LETTERS),
                                .limits = task_sandbox_limits(c)};
    struct box b = {0};

    if (parse_binds(cli, &spec, err) || sandbox_host_start(&host, &b.host, err))
        return -1;
    if (sandbox_open(b.host, &spec, &b.sandbox, err) || place_work(cli, &b, err)) {
        box_close(&b);
        return -1;
    }
    *ret = b;
    return 0;
}

void box_close(struct box *b)
{
    sandbox_close(b->sandbox);
    sandbox_host_stop(b->host);
}
