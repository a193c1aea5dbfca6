/*
 * The service process.Process.
 */
#include "sandbox/envd_server_field.h"
#include "sandbox/envd_server_request.h"
#include "sandbox/envd_server_rpc.h"
#include "sandbox/envd_server_stream.h"

/* ---- streams ---- */

static int call_start(struct envd_server_rpc *r)
{
    struct envd_server_start start = {0};
    struct envd_server_reader *reader;
    struct err err;
    int rc;

    if (envd_server_request_start(r, &start))
        return -1;
    start.config = envd_server_request_config(r);
    rc = envd_server_table_start(r->server->table, r->a, &start, &reader, &err);
    json_decref(start.config);
    if (rc)
        return envd_server_rpc_fail_err(r, &err);
    envd_server_stream_reply(r, reader, true, -1);
    return 0;
}

static int call_connect(struct envd_server_rpc *r)
{
    struct envd_server_selector which;
    struct envd_server_reader *reader;
    struct err err;

    if (envd_server_request_selector(r, &which))
        return -1;
    if (envd_server_table_connect(r->server->table, &which, &reader, &err))
        return envd_server_rpc_fail_err(r, &err);
    envd_server_stream_reply(r, reader, false, r->timeout_ms);
    return 0;
}

/* ---- unary ---- */

/* The reply of most calls: an empty message. */
static int finish(struct envd_server_rpc *r, int rc, const struct err *err, json_t **ret_reply)
{
    if (rc)
        return envd_server_rpc_fail_err(r, err);
    *ret_reply = json_object();
    return 0;
}

static int call_list(struct envd_server_rpc *r, json_t **ret_reply)
{
    json_t *list = envd_server_table_list(r->server->table), *reply = json_object();

    if (json_array_size(list) > 0)
        json_set(reply, "processes", list);
    else
        json_decref(list);
    *ret_reply = reply;
    return 0;
}

static int call_send_input(struct envd_server_rpc *r, json_t **ret_reply)
{
    struct envd_server_selector which;
    const json_t *input = NULL;
    struct str data = STR("");
    struct err err;
    bool pty;
    int rc;

    if (envd_server_request_selector(r, &which))
        return -1;
    if (envd_server_field_message(r->message, "input", &input, &err))
        return envd_server_rpc_fail_err(r, &err);
    pty = envd_server_field(input, "pty") != NULL;
    if (!pty && !envd_server_field(input, "stdin"))
        return envd_server_rpc_fail(r, CONNECT_UNIMPLEMENTED, "invalid input type <nil>");
    if (envd_server_field_bytes(r->a, input, pty ? "pty" : "stdin", &data, &err))
        return envd_server_rpc_fail_err(r, &err);
    rc = envd_server_table_input(r->server->table, &which, data, pty, &err);
    return finish(r, rc, &err, ret_reply);
}

static int call_close_stdin(struct envd_server_rpc *r, json_t **ret_reply)
{
    struct envd_server_selector which;
    struct err err;
    int rc;

    if (envd_server_request_selector(r, &which))
        return -1;
    rc = envd_server_table_close_input(r->server->table, &which, &err);
    return finish(r, rc, &err, ret_reply);
}

static int call_send_signal(struct envd_server_rpc *r, json_t **ret_reply)
{
    int sig = envd_server_request_signal(r->message), rc;
    struct envd_server_selector which;
    struct err err;

    if (envd_server_request_selector(r, &which))
        return -1;
    if (sig == 0)
        return envd_server_rpc_fail(r, CONNECT_UNIMPLEMENTED,
                                    "invalid signal: only "
                                    "SIGNAL_SIGTERM and SIGNAL_SIGKILL");
    rc = envd_server_table_signal(r->server->table, &which, sig, &err);
    return finish(r, rc, &err, ret_reply);
}

static int call_update(struct envd_server_rpc *r, json_t **ret_reply)
{
    struct envd_server_selector which;
    unsigned rows = 0, columns = 0;
    struct err err;
    bool pty;
    int rc = 0;

    if (envd_server_request_selector(r, &which))
        return -1;
    if (envd_server_request_size(r->message, &pty, &rows, &columns, &err))
        return envd_server_rpc_fail_err(r, &err);
    if (pty)
        rc = envd_server_table_resize(r->server->table, &which, rows, columns, &err);
    return finish(r, rc, &err, ret_reply);
}

const struct envd_server_method envd_server_process_methods[] = {
    {"/process.Process/Start", "process.StartRequest", .stream = call_start},
    {"/process.Process/Connect", "process.ConnectRequest", .stream = call_connect},
    {"/process.Process/List", "process.ListRequest", .unary = call_list},
    {"/process.Process/SendInput", "process.SendInputRequest", .unary = call_send_input},
    {"/process.Process/CloseStdin", "process.CloseStdinRequest", .unary = call_close_stdin},
    {"/process.Process/SendSignal", "process.SendSignalRequest", .unary = call_send_signal},
    {"/process.Process/Update", "process.UpdateRequest", .unary = call_update},
    {0},
};
