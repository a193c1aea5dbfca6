#include "sandbox/sandbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
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

/* ---- ending what runs inside ---- */

enum { KILL_MS = 20000, KILL_ROUNDS = 200, KILL_PAUSE_MS = 10 };

/*
 * kill(-1) reaches every process at once but the first and the one that calls it; one that is being
 * forked meanwhile isn't born. It also reaches the supervisor that envd has above the caller, so
 * how the caller itself ends says nothing: a second command looks.
 */
static const char kill_everything[] = "kill -9 -1 2>/dev/null; exit 0";

/* Exits with 1 if a process of our user is there besides the first, this one and its parent. What
 * belongs to other users, which some kinds have, isn't ours to end. */
static const char look_around[] =
    "uid_of() {\n"
    "    uid=\n"
    "    while read -r key value rest; do\n"
    "        [ \"$key\" = Uid: ] && uid=$value && return\n"
    "    done <\"$1/status\"\n"
    "}\n"
    "uid_of /proc/$$\n"
    "me=$uid\n"
    "for p in /proc/[0-9]*; do\n"
    "    case $p in /proc/1 | /proc/$$ | /proc/$PPID) continue ;; esac\n"
    "    uid_of \"$p\" 2>/dev/null\n"
    "    [ \"$uid\" = \"$me\" ] && exit 1\n"
    "done\n"
    "exit 0\n";

static int run_script(struct sandbox *s, struct arena *a, const char *script,
                      struct envd_result *ret, struct err *err)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    const struct envd_process process = {.argv = argv, .cwd = "/", .timeout_ms = KILL_MS};
    const struct envd_run_options options = {0};

    return envd_run(sandbox_envd(s), a, &process, &options, ret, err);
}

/* One round: 1 when nothing is left, 0 when something may be. That a command can't be started, as
 * among the last of a fork bomb, is no more than a reason for another round. */
static int kill_and_look(struct sandbox *s, struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    struct envd_result killed, looked;

    if (run_script(s, &a, kill_everything, &killed, err) ||
        run_script(s, &a, look_around, &looked, err))
        return err->kind == ERR_REMOTE || err->kind == ERR_LIMIT || err->kind == ERR_THROTTLED ? 0
                                                                                               : -1;
    return looked.outcome == ENVD_EXITED && looked.exit_code == 0;
}

int sandbox_kill_all(struct sandbox *s, struct err *err)
{
    struct err last = {0};

    for (int i = 0; i < KILL_ROUNDS; i++) {
        int rc = kill_and_look(s, &last);

        if (rc > 0)
            return 0;
        /* The kernel takes a moment to clear a process away. */
        if (rc < 0 || cancel_sleep_ms(KILL_PAUSE_MS, &last))
            break;
    }
    if (last.kind == ERR_NONE)
        err_set(&last, ERR_REMOTE, "they don't end");
    if (err)
        *err = last;
    return err_wrap(err, "end the sandbox's processes");
}
