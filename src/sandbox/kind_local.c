/*
 * Sandboxes on this machine: made by the launcher, with kiln's own envd as their first process.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/proc.h"
#include "http/server.h"
#include "sandbox/launcher.h"
#include "sandbox/limits.h"
#include "sandbox/sandbox.h"

enum { HEALTH_MS = 10000 };

struct host {
    struct launcher *launcher;
};

struct box {
    struct arena arena;
    struct host *host;
    unsigned handle; /* 0: destroyed already */
    int pidfd;
    int socket; /* O_PATH: the only name that the listening socket has left */
    struct envd_client *envd;
    json_t *record;
    const char *why; /* it died, once that is known */
};

/* ---- the host ---- */

static bool is_required(const struct sandbox_host_config *config, const struct launcher_check *c)
{
    for (size_t i = 0; i < config->n_require; i++)
        if (strcmp(config->require[i], c->name) == 0)
            return true;
    return c->required;
}

/* Sandboxed or refused: a layer that is missing is an error here, not a note. */
static int check_layers(struct launcher *l, const struct sandbox_host_config *config,
                        struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    struct launcher_check *checks;
    const struct launcher_check *bad = NULL;
    size_t n;

    if (launcher_self_test(l, &a, &checks, &n, err))
        return -1;
    for (size_t i = 0; i < n; i++)
        /* One that says what to do is worth more. */
        if (!checks[i].ok && is_required(config, &checks[i]) &&
            (!bad || (checks[i].fix && !bad->fix)))
            bad = &checks[i];
    if (!bad)
        return 0;
    err_set(err, ERR_HOST, "no safe sandbox can be made here: %s: %s", bad->name, bad->detail);
    return err_fix(err, "%s", bad->fix ? bad->fix : "kiln doctor shows each layer");
}

static int local_start(const struct sandbox_host_config *config, void **ret_host, struct err *err)
{
    struct host *h;
    struct launcher *l;

    if (launcher_start(&l, err))
        return -1;
    if (check_layers(l, config, err)) {
        launcher_stop(l);
        return -1;
    }
    h = calloc(1, sizeof(*h));
    if (!h)
        BUG("out of memory");
    h->launcher = l;
    *ret_host = h;
    return 0;
}

static void local_stop(void *host)
{
    struct host *h = host;

    launcher_stop(h->launcher);
    free(h);
}

/* ---- opening ---- */

static void local_close(void *box)
{
    struct box *b = box;

    envd_free(b->envd);
    if (b->handle)
        launcher_destroy(b->host->launcher, b->handle, NULL, NULL, NULL, NULL);
    cleanup_fd(&b->pidfd);
    cleanup_fd(&b->socket);
    json_decref(b->record);
    arena_clear(&b->arena);
    free(b);
}

/* Makes the sandbox and waits until its envd answers. */
static int start_box(struct box *b, const struct sandbox_spec *spec, struct err *err)
{
    struct launcher_job job = {.envd_listen_fd = -1};
    struct launched launched;
    FD_CLEANUP int listening = -1;
    char path[32];
    const struct sandbox_limits limits = limits_with_defaults(&spec->limits);
    const struct envd_config config = {.base_url = "http://envd", .unix_socket = path};
    int64_t start = clock_now_ms();

    if (http_listen_unnamed(&listening, &b->socket, err))
        return -1;
    job.envd_listen_fd = listening;
    if (launcher_create(b->host->launcher, spec, &job, &launched, err))
        return -1;
    b->handle = launched.handle;
    b->pidfd = launched.pidfd;
    b->record = json_object();
    json_set(b->record, "kind", json_string("local"));
    json_set(b->record, "id", json_c(spec->id));
    json_set(b->record, "layers", launched.layers);
    json_set(b->record, "limits", limits_json(&limits));
    /* Nobody else must listen, or a dead sandbox would look like one that is slow. */
    cleanup_fd(&listening);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", b->socket);
    if (envd_new(&config, &b->envd, err) || envd_health(b->envd, HEALTH_MS, err))
        return -1;
    json_set(b->record, "opened_ms", json_integer(clock_now_ms() - start));
    return 0;
}

static int local_open(void *host, const struct sandbox_spec *spec, void **ret_box, struct err *err)
{
    struct box *b = calloc(1, sizeof(*b));

    if (!b)
        BUG("out of memory");
    *b = (struct box){.host = host, .pidfd = -1, .socket = -1};
    if (start_box(b, spec, err)) {
        local_close(b);
        return -1;
    }
    *ret_box = b;
    return 0;
}

/* ---- using ---- */

static struct envd_client *local_envd(void *box)
{
    struct box *b = box;

    return b->envd;
}

static const json_t *local_record(const void *box)
{
    const struct box *b = box;

    return b->record;
}

/* Finds out why it died; what it still has on the host goes with that. */
static void bury(struct box *b)
{
    const char *why = NULL;
    int status = 0;

    if (launcher_destroy(b->host->launcher, b->handle, &b->arena, &why, &status, NULL))
        b->why = "its launcher is gone";
    else
        b->why = arena_printf(&b->arena, "envd ended: %s",
                              why ? why : proc_describe_status(&b->arena, status));
    b->handle = 0;
}

static bool local_alive(void *box, struct arena *a, const char **ret_why)
{
    struct box *b = box;
    struct pollfd pfd = {.fd = b->pidfd, .events = POLLIN};

    if (b->handle && poll(&pfd, 1, 0) == 0)
        return true;
    if (b->handle)
        bury(b);
    *ret_why = arena_strdup(a, b->why);
    return false;
}

/* Without a process of its own, which a full sandbox may have no room for. */
static int local_kill_all(void *box, struct err *err)
{
    struct box *b = box;

    return envd_signal(b->envd, 1, SIGKILL, err);
}

const struct sandbox_kind sandbox_kind_local = {
    .name = "local",
    .help = "on this machine, by kiln's own launcher",
    .start = local_start,
    .stop = local_stop,
    .open = local_open,
    .close = local_close,
    .envd = local_envd,
    .record = local_record,
    .alive = local_alive,
    .kill_all = local_kill_all,
};
