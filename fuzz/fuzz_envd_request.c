/* layer: sandbox */
/*
 * The envd server's decoding of requests. The first byte chooses: a stream's envelope or a unary
 * body, a Range header, a path; the rest is its text.
 */
#include <stdint.h>

#include "base/arena.h"
#include "sandbox/envd_server_field.h"
#include "sandbox/envd_server_files.h"
#include "sandbox/envd_server_path.h"
#include "sandbox/envd_server_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode_message(struct arena *a, struct str body, bool envelope)
{
    static const char *const env[] = {"PATH=/bin", NULL};
    static const struct envd_server_config config = {.home = "/", .user = "user", .env = env};
    const struct envd_server server = {.config = &config};
    struct envd_server_rpc r = {.server = &server, .a = a};
    struct envd_server_selector which;
    struct envd_server_start start = {0};
    struct str bytes;
    struct err err;
    JSON_CLEANUP json_t *message =
        envd_server_rpc_decode(body, envelope, "process.StartRequest", &err);

    if (!message)
        return;
    r.message = message;
    if (envd_server_request_start(&r, &start) == 0)
        json_decref(envd_server_request_config(&r));
    envd_server_request_selector(&r, &which);
    envd_server_request_signal(message);
    envd_server_field_bytes(a, message, "stdin", &bytes, &err);
    envd_server_rpc_path(&r, "path");
}

static void decode_range(const char *text)
{
    uint64_t first = 0, n = 0;

    if (envd_server_range_parse(text, 1000, &first, &n) == ENVD_SERVER_RANGE_PART &&
        (n == 0 || first + n > 1000))
        BUG("a range outside of the file");
}

static void resolve(struct arena *a, const char *text)
{
    const char *path = envd_server_path_resolve(a, text, "/home/user", "user", NULL);

    if (path && (path[0] != '/' || strstr(path, "//") || strstr(path, "/../")))
        BUG("'%s' was resolved to '%s'", text, path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_CLEANUP struct arena a = {0};
    struct str text;

    if (size == 0)
        return 0;
    text = arena_dup(&a, (struct str){(const char *)data + 1, size - 1});
    switch (data[0]) {
    case 'r':
        decode_range(text.p);
        break;
    case 'p':
        resolve(&a, text.p);
        break;
    default:
        decode_message(&a, text, data[0] == 'e');
    }
    return 0;
}
