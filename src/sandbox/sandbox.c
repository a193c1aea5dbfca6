#include "sandbox/sandbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define X(name) extern const struct sandbox_kind sandbox_kind_##name;
#include "sandbox_kind_list.h"
#undef X

static const struct sandbox_kind *const kinds[] = {
#define X(name) &sandbox_kind_##name,
#include "sandbox_kind_list.h"
#undef X
};

struct sandbox_host {
    const struct sandbox_kind *kind;
    void *state;
};

struct sandbox {
    const struct sandbox_kind *kind;
    void *state;
};

static const struct sandbox_kind *find_kind(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}

int sandbox_host_start(const struct sandbox_host_config *config, struct sandbox_host **ret,
                       struct err *err)
{
    const struct sandbox_kind *kind = find_kind(config->kind);
    struct sandbox_host *h;
    void *state;

    if (!kind)
        return err_set(err, ERR_CONFIG, "there is no sandbox kind '%s'", config->kind);
    if (kind->start(config, &state, err))
        return -1;
    h = calloc(1, sizeof(*h));
    if (!h)
        BUG("out of memory");
    *h = (struct sandbox_host){kind, state};
    *ret = h;
    return 0;
}

void sandbox_host_stop(struct sandbox_host *h)
{
    if (!h)
        return;
    h->kind->stop(h->state);
    free(h);
}

int sandbox_open(struct sandbox_host *h, const struct sandbox_spec *spec, struct sandbox **ret,
                 struct err *err)
{
    struct sandbox *s;
    void *state;

    if (h->kind->open(h->state, spec, &state, err))
        return err_wrap(err, "open sandbox '%s'", spec->id);
    s = calloc(1, sizeof(*s));
    if (!s)
        BUG("out of memory");
    *s = (struct sandbox){h->kind, state};
    *ret = s;
    return 0;
}

void sandbox_close(struct sandbox *s)
{
    if (!s)
        return;
    s->kind->close(s->state);
    free(s);
}

struct envd_client *sandbox_envd(struct sandbox *s)
{
    return s->kind->envd(s->state);
}

const json_t *sandbox_record(const struct sandbox *s)
{
    return s->kind->record(s->state);
}

bool sandbox_alive(struct sandbox *s, struct arena *a, const char **ret_why)
{
    return s->kind->alive(s->state, a, ret_why);
}

int sandbox_kill_all(struct sandbox *s, struct err *err)
{
    if (s->kind->kill_all(s->state, err))
        return err_wrap(err, "end the sandbox's processes");
    return 0;
}
