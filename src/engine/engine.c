#include "engine/engine.h"

#include <string.h>

#include "base/cleanup.h"

#define X(name) extern const struct engine_ops engine_##name;
#include "engine_engine_list.h"
#undef X

static const struct engine_ops *const all[] = {
#define X(name) &engine_##name,
#include "engine_engine_list.h"
#undef X
};

const struct engine_ops *engine_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}
