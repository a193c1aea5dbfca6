/* layer: base */
/* What decodes must survive encoding and decoding again. */
#include <stdlib.h>

#include "base/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_CLEANUP struct arena a = {0};
    struct str in = {(const char *)data, size}, once, twice;

    if (base64_decode(&a, in, &once, NULL))
        return 0;
    if (base64_decode(&a, base64_encode(&a, once), &twice, NULL) || !str_eq(once, twice))
        abort();
    return 0;
}
