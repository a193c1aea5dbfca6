/* layer: config */
#include <stdint.h>
#include <string.h>

#include "config/dotenv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever the bytes: an error, or names that are names and values without NUL. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_CLEANUP struct arena a = {0};
    struct dotenv d = {0};
    struct err err = {0};

    if (dotenv_parse(&a, (struct str){(const char *)data, size}, ".env", &d, &err)) {
        if (err.kind != ERR_CONFIG)
            BUG("an error of kind %d", (int)err.kind);
        return 0;
    }
    for (size_t i = 0; i < d.n; i++)
        if (!d.items[i].name[0] || strpbrk(d.items[i].name, "= \n'\"") ||
            dotenv_find(&d, d.items[i].name) != &d.items[i])
            BUG("'%s' is not a name of its own", d.items[i].name);
    return 0;
}
