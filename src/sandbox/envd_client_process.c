#include <signal.h>

#include "base/base64.h"
#include "sandbox/envd_client.h"

/* "process": which one. */
static json_t *about(uint32_t pid)
{
    return json_pack("{s:{s:I}}", "process", "pid", (json_int_t)pid);
}

int envd_send_input(struct envd_client *c, uint32_t pid, struct str data, bool pty, struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    json_t *message = about(pid), *input = json_object();

    json_set(input, pty ? "pty" : "stdin", json_str(base64_encode(&a, data)));
    json_set(message, "input", input);
    return envd_client_call(c, "/process.Process/SendInput", message, false, NULL, err);
}

int envd_close_stdin(struct envd_client *c, uint32_t pid, struct err *err)
{
    return envd_client_call(c, "/process.Process/CloseStdin", about(pid), false, NULL, err);
}

int envd_resize(struct envd_client *c, uint32_t pid, unsigned rows, unsigned columns,
                struct err *err)
{
    json_t *message = about(pid);

    json_set(message, "pty",
             json_pack("{s:{s:i, s:i}}", "size", "cols", (int)columns, "rows", (int)rows));
    return envd_client_call(c, "/process.Process/Update", message, false, NULL, err);
}

int envd_client_signal(struct envd_client *c, uint32_t pid, const char *tag, int sig,
                       bool ignore_cancel, struct err *err)
{
    json_t *message = pid ? about(pid) : json_pack("{s:{s:s}}", "process", "tag", tag);

    json_set(message, "signal", json_c(sig == SIGKILL ? "SIGNAL_SIGKILL" : "SIGNAL_SIGTERM"));
    return envd_client_call(c, "/process.Process/SendSignal", message, ignore_cancel, NULL, err);
}

int envd_signal(struct envd_client *c, uint32_t pid, int sig, struct err *err)
{
    if (sig != SIGTERM && sig != SIGKILL)
        BUG("signal %d can't be sent to a sandbox", sig);
    return envd_client_signal(c, pid, NULL, sig, false, err);
}

int envd_list(struct envd_client *c, struct arena *a, struct envd_process_info **ret, size_t *ret_n,
              struct err *err)
{
    JSON_CLEANUP json_t *reply = NULL;
    struct envd_process_info *infos;
    const json_t *list, *item;
    size_t i;

    if (envd_client_call(c, "/process.Process/List", json_object(), false, &reply, err))
        return -1;
    list = json_object_get(reply, "processes");
    infos = ARENA_ARRAY(a, json_array_size(list) + 1, struct envd_process_info);
    json_array_foreach (list, i, item) {
        const char *cmd = json_get_c(json_object_get(item, "config"), "cmd");

        infos[i].pid = (uint32_t)json_get_int(item, "pid", 0);
        infos[i].tag = arena_strdup(a, json_get_c(item, "tag"));
        infos[i].cmd = arena_strdup(a, cmd ? cmd : "");
    }
    *ret = infos;
    *ret_n = json_array_size(list);
    return 0;
}
