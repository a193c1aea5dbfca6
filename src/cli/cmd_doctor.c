/* kiln doctor: whether this machine and this configuration can run tasks, and what to do if not. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/text.h"
#include "check/stack.h"
#include "cli/command.h"
#include "cli/message.h"
#include "cli/summary.h"
#include "http/client.h"
#include "sandbox/launcher.h"

enum { ROWS_MAX = 64, PROBE_MS = 15000 };

#define GIB (1024ULL * 1024 * 1024)

static const struct option_spec options[] = {
    {"online", 0, OPTION_FLAG, NULL,
     "also ask the model's server whether it takes the key (costs nothing)", NULL, false},
    {0},
};

enum status { OK, WARN, FAIL };

struct row {
    enum status status;
    const char *name, *detail, *fix;
};

struct doctor {
    struct cli *cli;
    struct row rows[ROWS_MAX];
    size_t n;
};

static void add(struct doctor *d, enum status status, const char *name, const char *detail,
                const char *fix)
{
    if (d->n < ROWS_MAX)
        d->rows[d->n++] = (struct row){status, name, detail, fix};
}

static void check_config(struct doctor *d)
{
    struct cli *cli = d->cli;
    int changed = 0, all = 0;

    for (const struct config_setting *s = config_settings; s->key; s++, all++)
        changed += strcmp(config_origin(&cli->config, s->key), "default") != 0;
    add(d, cli->warnings.n ? WARN : OK, "config",
        arena_printf(cli->arena, "%d settings, %d of them not at their default%s", all, changed,
                     cli->warnings.n ? ", with warnings" : ""),
        cli->warnings.n ? "kiln config lint" : NULL);
}

static void check_key(struct doctor *d)
{
    const struct config *c = &d->cli->config;
    struct arena *a = d->cli->arena;

    if (c->api_key)
        add(d, OK, "api key",
            arena_printf(a, "%s from %s", secret_hint(a, c->api_key), c->api_key_origin), NULL);
    else if (c->auth_token)
        add(d, OK, "api key",
            arena_printf(a, "token %s from %s", secret_hint(a, c->auth_token),
                         config_origin(c, "model.auth_token")),
            NULL);
    else
        add(d, WARN, "api key", "none: only scripted models and servers without keys will work",
            "put ANTHROPIC_API_KEY=... into .env");
}

static int test_sandbox(struct arena *a, struct launcher_check **ret, size_t *ret_n,
                        struct err *err)
{
    struct launcher *l;
    int rc;

    if (launcher_start(&l, err))
        return -1;
    rc = launcher_self_test(l, a, ret, ret_n, err);
    launcher_stop(l);
    return rc;
}

static void check_sandbox(struct doctor *d)
{
    struct arena *a = d->cli->arena;
    struct launcher_check *checks;
    struct err err = {0};
    size_t n;

    if (test_sandbox(a, &checks, &n, &err)) {
        add(d, FAIL, "sandbox", arena_strdup(a, err.msg),
            err.fix[0] ? arena_strdup(a, err.fix) : NULL);
        return;
    }
    for (size_t i = 0; i < n; i++)
        add(d,
            checks[i].ok         ? OK
            : checks[i].required ? FAIL
                                 : WARN,
            arena_printf(a, "sandbox %s", checks[i].name), checks[i].detail, checks[i].fix);
}

/* The sandbox sees the host's /usr, so a tool must be there. */
static bool has_tool(struct arena *a, const char *name)
{
    static const char *const folders[] = {"/usr/bin", "/usr/local/bin"};

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        if (access(fs_join(a, folders[i], name), X_OK) == 0)
            return true;
    return false;
}

static const char *join(struct arena *a, const char *list, const char *word)
{
    return arena_printf(a, "%s%s%s", list, *list ? " " : "", word);
}

static void check_tools_of(struct doctor *d, const struct stack *s)
{
    const char *found = "", *missing = "", *packages = "";
    struct arena *a = d->cli->arena;

    for (size_t i = 0; i < s->tools.n; i++) {
        const struct json_pair *tool = &s->tools.items[i];

        if (has_tool(a, tool->name)) {
            found = join(a, found, tool->name);
        } else {
            missing = join(a, missing, tool->name);
            packages = join(a, packages, tool->value);
        }
    }
    add(d, *missing ? WARN : OK, arena_printf(a, "tools of %s", s->name),
        *missing ? arena_printf(a, "found: %s; missing: %s", *found ? found : "none", missing)
                 : found,
        *missing ? arena_printf(a, "install %s if you want such projects checked", packages)
                 : NULL);
}

static void check_tools(struct doctor *d)
{
    const char *dir = d->cli->config.stacks_dir;
    struct arena *a = d->cli->arena;
    struct stack_set stacks;
    struct err err = {0};

    if (stack_load(a, dir, &stacks, &err)) {
        add(d, FAIL, "stacks", arena_strdup(a, err.msg), "mend the file, or checks.stacks");
        return;
    }
    for (size_t i = 0; i < stacks.n; i++)
        check_tools_of(d, &stacks.items[i]);
}

/* The nearest folder that is there: results are made on first use. */
static const char *existing(struct arena *a, const char *path)
{
    char *p = arena_strdup(a, path), *slash;

    while (!fs_exists(p)) {
        slash = strrchr(p, '/');
        if (!slash)
            return ".";
        if (slash == p)
            return "/";
        *slash = '\0';
    }
    return p;
}

static void check_disk(struct doctor *d)
{
    struct arena *a = d->cli->arena;
    const char *dir = existing(a, d->cli->config.results_dir);
    unsigned long long bytes;
    struct err err = {0};

    if (fs_free_bytes(dir, &bytes, &err)) {
        add(d, FAIL, "disk", arena_strdup(a, err.msg), NULL);
        return;
    }
    add(d,
        bytes < GIB / 10  ? FAIL
        : bytes < 2 * GIB ? WARN
                          : OK,
        "disk", arena_printf(a, "%s free for results in %s", text_bytes(a, bytes), dir),
        bytes < 2 * GIB ? "make room, or choose another folder: results.dir" : NULL);
    if (access(dir, W_OK) < 0)
        add(d, FAIL, "results", arena_printf(a, "'%s' can't be written", dir),
            "choose another folder: results.dir");
}

/* Lists models: answered by every server of this API that knows keys, and free. */
static int ask_server(struct doctor *d, struct http_response *ret, struct err *err)
{
    const struct config *c = &d->cli->config;
    const struct http_header headers[] = {{"anthropic-version", "2023-06-01"}};
    struct http_request request = {
        .method = "GET",
        .url = arena_printf(d->cli->arena, "%s/v1/models?limit=1", c->base_url),
        .headers = headers,
        .n_headers = 1,
        .limits = {.total_ms = PROBE_MS},
    };
    struct http_client *client;
    int rc;

    if (c->api_key) {
        request.secret_name = "x-api-key";
        request.secret_prefix = "";
        request.secret = c->api_key;
    } else if (c->auth_token) {
        request.secret_name = "authorization";
        request.secret_prefix = "Bearer ";
        request.secret = c->auth_token;
    }
    if (http_client_new(&client, err))
        return -1;
    rc = http_client_send(client, &request, d->cli->arena, ret, err);
    http_client_free(client);
    return rc;
}

static void check_model(struct doctor *d)
{
    const char *url = d->cli->config.base_url;
    struct arena *a = d->cli->arena;
    int64_t start = clock_now_ms();
    struct http_response r;
    struct err err = {0};

    if (ask_server(d, &r, &err))
        add(d, FAIL, "model", arena_strdup(a, err.msg), "check model.base_url and the network");
    else if (r.status == 401 || r.status == 403)
        add(d, FAIL, "model", arena_printf(a, "%s refuses the key (%d)", url, r.status),
            "check ANTHROPIC_API_KEY; `kiln config show` says where it comes from");
    else if (r.status >= 500 || r.status == 429)
        add(d, WARN, "model", arena_printf(a, "%s answers with %d", url, r.status),
            "try again later");
    else
        add(d, OK, "model",
            arena_printf(a, "%s answers in %s", url, clock_human(a, clock_now_ms() - start)), NULL);
}

/* ---- output ---- */

static const char *const status_names[] = {[OK] = "ok", [WARN] = "warn", [FAIL] = "fail"};

static size_t count(const struct doctor *d, enum status status)
{
    size_t n = 0;

    for (size_t i = 0; i < d->n; i++)
        n += d->rows[i].status == status;
    return n;
}

static void print_json(const struct doctor *d)
{
    JSON_CLEANUP json_t *document = json_object();
    json_t *list = json_array();

    for (size_t i = 0; i < d->n; i++) {
        const struct row *r = &d->rows[i];
        json_t *o = json_object();

        json_set(o, "status", json_c(status_names[r->status]));
        json_set(o, "name", json_c(r->name));
        json_set(o, "detail", json_c(r->detail));
        json_set(o, "fix", json_c(r->fix));
        json_add(list, o);
    }
    json_set(document, "ok", json_boolean(count(d, FAIL) == 0));
    json_set(document, "rows", list);
    message_json(document);
}

static void print(const struct doctor *d)
{
    static const enum term_style styles[] = {
        [OK] = TERM_GREEN, [WARN] = TERM_YELLOW, [FAIL] = TERM_RED};
    struct arena *a = d->cli->arena;
    struct term t;

    term_init(&t, stdout, options_has(&d->cli->options, "no-color"));
    for (size_t i = 0; i < d->n; i++) {
        const struct row *r = &d->rows[i];

        if (d->cli->quiet && r->status == OK)
            continue;
        printf("%s%-5s%s %-24s %s\n", term_on(&t, styles[r->status]), status_names[r->status],
               term_off(&t, styles[r->status]), r->name, summary_clean(a, r->detail));
        if (r->fix && r->status != OK)
            printf("%31sfix: %s\n", "", summary_clean(a, r->fix));
    }
    printf("%zu ok, %s, %zu failed.\n", count(d, OK),
           text_plural(a, (long long)count(d, WARN), "warning"), count(d, FAIL));
}

static int run(struct cli *cli, struct err *err)
{
    struct doctor d = {.cli = cli};

    if (cancel_install(err))
        return -1;
    check_config(&d);
    check_key(&d);
    check_sandbox(&d);
    check_tools(&d);
    check_disk(&d);
    if (options_has(&cli->options, "online"))
        check_model(&d);
    if (cancel_check(err))
        return -1;
    if (cli->json)
        print_json(&d);
    else
        print(&d);
    return count(&d, FAIL) ? EXIT_HOST : EXIT_OK;
}

const struct command command_doctor = {
    .name = "doctor",
    .summary = "check this machine and the configuration, with fixes",
    .details =
        "  Makes a sandbox and probes it from inside, among other things. A warning limits\n"
        "  what can be done, a failure prevents tasks from running: then the exit code is 9.",
    .examples = "  kiln doctor\n  kiln doctor --online --json",
    .options = options,
    .run = run,
};
