#include "sandbox/envd_server_request.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "sandbox/envd_server_field.h"
#include "sandbox/envd_server_path.h"

enum { MAX_WORDS = 65536 }; /* arguments or variables of one process */

static int decode_args(struct envd_server_rpc *r, const json_t *process, const char *cmd,
                       const char *const **ret)
{
    const json_t *args = envd_server_field(process, "args"), *arg;
    size_t i, n = json_array_size(args);
    const char **argv;

    if ((args && !json_is_array(args)) || n > MAX_WORDS)
        return envd_server_rpc_fail(r, CONNECT_INVALID_ARGUMENT,
                                    "args must be a list of at most %d strings", MAX_WORDS);
    argv = ARENA_ARRAY(r->a, n + 2, const char *);
    argv[0] = cmd;
    json_array_foreach (args, i, arg) {
        if (!json_is_string(arg))
            return envd_server_rpc_fail(r, CONNECT_INVALID_ARGUMENT, "args[%zu] is no string", i);
        argv[i + 1] = json_string_value(arg);
    }
    *ret = argv;
    return 0;
}

static bool is_set_in(const json_t *envs, const char *assignment)
{
    const char *equals = strchr(assignment, '=');

    return equals && envs && json_object_getn(envs, assignment, (size_t)(equals - assignment));
}

/* The server's variables, then the request's in their place. */
static int decode_env(struct envd_server_rpc *r, const json_t *process, const char *const **ret)
{
    const char *const *base = r->server->config->env;
    json_t *envs = json_object_get(process, "envs"), *value;
    const char *name, **env;
    size_t n = 0, n_base = 0;

    if ((envs && !json_is_object(envs) && !json_is_null(envs)) ||
        json_object_size(envs) > MAX_WORDS)
        return envd_server_rpc_fail(r, CONNECT_INVALID_ARGUMENT,
                                    "envs must be an object of at most %d strings", MAX_WORDS);
    while (base[n_base])
        n_base++;
    env = ARENA_ARRAY(r->a, n_base + json_object_size(envs) + 1, const char *);
    for (size_t i = 0; i < n_base; i++)
        if (!is_set_in(envs, base[i]))
            env[n++] = base[i];
    json_object_foreach (envs, name, value) {
        if (!json_is_string(value) || name[0] == '\0' || strchr(name, '='))
            return envd_server_rpc_fail(r, CONNECT_INVALID_ARGUMENT,
                                        "envs: '%s' is no variable with a string value", name);
        env[n++] = arena_printf(r->a, "%s=%s", name, json_string_value(value));
    }
    *ret = env;
    return 0;
}

static int decode_cwd(struct envd_server_rpc *r, const json_t *process, const char **ret)
{
    const struct envd_server_config *config = r->server->config;
    const char *cwd = "";
    struct stat st;
    struct err err;

    if (envd_server_field_string(process, "cwd", &cwd, &err))
        return envd_server_rpc_fail_err(r, &err);
    cwd = envd_server_path_resolve(r->a, cwd, config->home, config->user, &err);
    if (!cwd)
        return envd_server_rpc_fail_err(r, &err);
    if (stat(cwd, &st) < 0)
        return envd_server_rpc_fail(r, CONNECT_INVALID_ARGUMENT, "cwd '%s' does not exist", cwd);
    if (!S_ISDIR(st.st_mode))
        return envd_server_rpc_fail(r, CONNECT_INVALID_ARGUMENT, "cwd '%s' is not a directory",
                                    cwd);
    *ret = cwd;
    return 0;
}

int envd_server_request_size(const json_t *message, bool *ret_pty, unsigned *ret_rows,
                             unsigned *ret_columns, struct err *err)
{
    const json_t *pty = NULL, *size = NULL;

    if (envd_server_field_message(message, "pty", &pty, err))
        return -1;
    *ret_pty = pty != NULL;
    if (!pty || envd_server_field_message(pty, "size", &size, err))
        return pty ? -1 : 0;
    if (!size)
        return 0;
    if (envd_server_field_u32(size, "rows", ret_rows, err) ||
        envd_server_field_u32(size, "cols", ret_columns, err))
        return -1;
    if (*ret_rows > UINT16_MAX || *ret_columns > UINT16_MAX)
        return err_set(err, ERR_INPUT, "a terminal of %u by %u", *ret_rows, *ret_columns);
    return 0;
}

int envd_server_request_start(struct envd_server_rpc *r, struct envd_server_start *s)
{
    const json_t *process = NULL;
    const char *cmd = "";
    struct err err;

    s->spawn.open_stdin = true; /* what E2B's envd takes an absent field for */
    s->spawn.before_exec = r->server->config->before_exec;
    s->spawn.before_exec_ctx = r->server->config->before_exec_ctx;
    s->timeout_ms = r->timeout_ms;
    if (envd_server_field_message(r->message, "process", &process, &err) ||
        envd_server_field_string(process, "cmd", &cmd, &err) ||
        envd_server_field_string(r->message, "tag", &s->tag, &err) ||
        envd_server_field_bool(r->message, "stdin", &s->spawn.open_stdin, &err) ||
        envd_server_request_size(r->message, &s->spawn.pty, &s->spawn.rows, &s->spawn.columns,
                                 &err))
        return envd_server_rpc_fail_err(r, &err);
    if (cmd[0] == '\0')
        return envd_server_rpc_fail(r, CONNECT_INVALID_ARGUMENT, "process.cmd is missing");
    if (decode_args(r, process, cmd, &s->spawn.argv) || decode_env(r, process, &s->spawn.env))
        return -1;
    return decode_cwd(r, process, &s->spawn.cwd);
}

int envd_server_request_selector(struct envd_server_rpc *r, struct envd_server_selector *ret)
{
    const json_t *process = NULL;
    struct err err;

    *ret = (struct envd_server_selector){0};
    if (envd_server_field_message(r->message, "process", &process, &err) ||
        envd_server_field_u32(process, "pid", &ret->pid, &err) ||
        envd_server_field_string(process, "tag", &ret->tag, &err))
        return envd_server_rpc_fail_err(r, &err);
    if (!ret->tag && !envd_server_field(process, "pid"))
        return envd_server_rpc_fail(r, CONNECT_UNIMPLEMENTED,
                                    "invalid input type *process.ProcessSelector");
    return 0;
}

int envd_server_request_signal(const json_t *message)
{
    const json_t *value = envd_server_field(message, "signal");
    const char *name = json_string_value(value);

    if (json_integer_value(value) == SIGTERM || (name && strcmp(name, "SIGNAL_SIGTERM") == 0))
        return SIGTERM;
    if (json_integer_value(value) == SIGKILL || (name && strcmp(name, "SIGNAL_SIGKILL") == 0))
        return SIGKILL;
    return 0;
}

json_t *envd_server_request_config(const struct envd_server_rpc *r)
{
    static const char *const names[] = {"cmd", "args", "envs", "cwd"};
    const json_t *process = envd_server_field(r->message, "process");
    json_t *config = json_object();

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const json_t *value = envd_server_field(process, names[i]);

        if (json_string_length(value) + json_array_size(value) + json_object_size(value) > 0)
            json_set(config, names[i], json_deep_copy(value));
    }
    return config;
}
