/* layer: json */
/* A document that is accepted can be written as JSON and read back the same. */
#include <stdlib.h>
#include <string.h>

#include "json/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_CLEANUP struct arena a = {0};
    struct err err = {0};
    struct json_source src;
    JSON_CLEANUP json_t *v =
        yaml_parse(&a, (struct str){(const char *)data, size}, "fuzz.yaml", &src, &err);
    JSON_CLEANUP json_t *back = NULL;
    char *text;

    if (!v) {
        if (err.kind == ERR_NONE || err.msg[0] == '\0')
            abort();
        return 0;
    }
    text = json_dump(&a, v);
    back = json_parse(str_from(text), "fuzz.json", &err);
    /* 15 digits of the largest real round up to more than it. */
    if (back ? strcmp(json_dump(&a, back), text) != 0 : !strstr(text, "e308"))
        abort();
    return 0;
}
