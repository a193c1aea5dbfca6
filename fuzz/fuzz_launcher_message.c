/* layer: sandbox */
/* What a task process says to its launcher: decoding of requests, and of answers. */
#include <string.h>

#include "sandbox/launcher_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_CLEANUP struct arena a = {0};
    const struct str text = {(const char *)data, size};
    struct launcher_request request;
    struct err err = {0};
    JSON_CLEANUP json_t *answer = NULL;

    if (launcher_message_decode(&a, text, &request, &err) == 0 && request.op == LAUNCHER_CREATE) {
        /* What was accepted keeps its promises. */
        if (request.spec.limits.pids <= 0 || request.spec.limits.memory_bytes <= 0)
            __builtin_trap();
        for (size_t i = 0; i < request.spec.n_files; i++)
            if (strncmp(request.spec.files[i].path, "/opt/kiln/", 10) != 0 ||
                strstr(request.spec.files[i].path, "/../"))
                __builtin_trap();
        if ((request.job == LAUNCHER_COMMAND) != (request.argv != NULL))
            __builtin_trap();
    }
    answer = json_parse(text, "answer", &err);
    if (answer)
        launcher_message_check(answer, &err);
    return 0;
}
