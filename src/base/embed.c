#include "base/embed.h"

#include <string.h>

#include "base/err.h"

bool embed_find(const char *name, struct str *ret)
{
    for (const struct embed_file *f = embed_files; f->name; f++) {
        if (strcmp(f->name, name) == 0) {
            *ret = (struct str){f->start, (size_t)(f->end - f->start)};
            return true;
        }
    }
    return false;
}

struct str embed_get(const char *name)
{
    struct str s;

    if (!embed_find(name, &s))
        BUG("'%s' is not part of the program", name);
    return s;
}

const struct embed_file *embed_next(const char *dir, size_t *at)
{
    while (embed_files[*at].name) {
        const struct embed_file *f = &embed_files[(*at)++];

        if (str_starts(str_from(f->name), dir))
            return f;
    }
    return NULL;
}
