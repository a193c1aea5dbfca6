/* layer: check */
/* Any text: what comes out is a report whose counts are those of its cases, or an error. */
#include "check/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_CLEANUP struct arena a = {0};
    struct str text = {(const char *)data, size};
    struct report r = {0};
    struct err err;

    if (report_find("tap")->parse(&a, text, &r, &err) < 0)
        return 0;
    if ((size_t)(r.passed + r.failed + r.skipped) != r.n_cases)
        BUG("the counts are wrong");
    return 0;
}
