#include "config/config.h"

#include <string.h>

#include "base/cleanup.h"

#define AT(member) offsetof(struct config, member)

enum { DAY_S = 24 * 3600 };

const struct config_setting config_settings[] = {
    {"results.dir", "KILN_RESULTS_DIR", NULL, CONFIG_PATH, AT(results_dir), "results", 0, 0, NULL,
     "folder that results are kept in"},
    {"model.name", "KILN_MODEL_NAME", "ANTHROPIC_MODEL", CONFIG_TEXT, AT(model), "opus", 0, 0, NULL,
     "model that writes the code: an id, or an alias (opus, sonnet, haiku)"},
    {"model.base_url", "KILN_MODEL_BASE_URL", "ANTHROPIC_BASE_URL", CONFIG_TEXT, AT(base_url),
     "https://api.anthropic.com", 0, 0, NULL, "server of the Messages API"},
    {"model.api_key", "KILN_MODEL_API_KEY", "ANTHROPIC_API_KEY", CONFIG_SECRET, AT(api_key), "", 0,
     0, NULL, "key of that server, sent as x-api-key"},
    {"model.auth_token", "KILN_MODEL_AUTH_TOKEN", "ANTHROPIC_AUTH_TOKEN", CONFIG_SECRET,
     AT(auth_token), "", 0, 0, NULL, "token for Authorization: Bearer; used if there is no key"},
    {"model.thinking", "KILN_MODEL_THINKING", NULL, CONFIG_TEXT, AT(thinking), "adaptive", 0, 0,
     "adaptive off", "whether the model thinks before it answers"},
    {"model.effort", "KILN_MODEL_EFFORT", NULL, CONFIG_TEXT, AT(effort), "", 0, 0,
     "low medium high max", "how much effort it spends; empty leaves it to the model"},
    {"model.max_tokens", "KILN_MODEL_MAX_TOKENS", NULL, CONFIG_INT, AT(max_tokens), "16000", 256,
     1000000, NULL, "most tokens of one reply"},
    {"model.max_retries", "KILN_MODEL_MAX_RETRIES", NULL, CONFIG_INT, AT(max_retries), "4", 0, 20,
     NULL, "how often a failed request is tried again"},
    {"model.first_byte_s", "KILN_MODEL_FIRST_BYTE_S", NULL, CONFIG_SECONDS, AT(first_byte_s), "120",
     1, 3600, NULL, "longest wait for a reply to begin"},
    {"model.idle_s", "KILN_MODEL_IDLE_S", NULL, CONFIG_SECONDS, AT(idle_s), "120", 1, 3600, NULL,
     "longest silence in the middle of a reply"},
    {"model.prices", "KILN_MODEL_PRICES", NULL, CONFIG_PATH, AT(prices), "", 0, 0, NULL,
     "file that adds to the price table, in the form of data/prices.yaml"},
    {"engine.name", "KILN_ENGINE_NAME", NULL, CONFIG_TEXT, AT(engine), "direct", 0, 0, "direct",
     "what writes the code"},
    {"engine.turns", "KILN_ENGINE_TURNS", NULL, CONFIG_INT, AT(turns), "30", 1, 1000, NULL,
     "most model calls in one iteration"},
    {"engine.command_s", "KILN_ENGINE_COMMAND_S", NULL, CONFIG_SECONDS, AT(command_s), "120", 1,
     DAY_S, NULL, "time limit of one command of the agent"},
    {"task.iterations", "KILN_TASK_ITERATIONS", NULL, CONFIG_INT, AT(iterations), "10", 1, 100,
     NULL, "most rounds of writing and checking"},
    {"task.budget_usd", "KILN_TASK_BUDGET_USD", NULL, CONFIG_REAL, AT(budget_usd), "5.00", 0,
     100000, NULL, "most dollars a task may cost; 0 means no limit"},
    {"task.max_tokens", "KILN_TASK_MAX_TOKENS", NULL, CONFIG_INT, AT(max_task_tokens), "0", 0, 1e12,
     NULL, "most tokens a task may use, of all classes together; 0 means no limit"},
    {"task.timeout_s", "KILN_TASK_TIMEOUT_S", NULL, CONFIG_SECONDS, AT(timeout_s), "3600", 1,
     7 * DAY_S, NULL, "time limit of a task"},
    {"sandbox.kind", "KILN_SANDBOX_KIND", NULL, CONFIG_TEXT, AT(sandbox), "local", 0, 0, "local",
     "where the agent and the checks run"},
    {"sandbox.require", "KILN_SANDBOX_REQUIRE", NULL, CONFIG_STRINGS, AT(require), "", 0, 0, NULL,
     "layers without which no sandbox may open (kiln doctor lists them)"},
    {"sandbox.memory_mb", "KILN_SANDBOX_MEMORY_MB", NULL, CONFIG_INT, AT(memory_mb), "2048", 64,
     1 << 20, NULL, "memory of all its processes together, in MiB"},
    {"sandbox.disk_mb", "KILN_SANDBOX_DISK_MB", NULL, CONFIG_INT, AT(disk_mb), "1024", 16, 1 << 20,
     NULL, "size of its workspace, in MiB"},
    {"sandbox.tmp_mb", "KILN_SANDBOX_TMP_MB", NULL, CONFIG_INT, AT(tmp_mb), "256", 16, 1 << 20,
     NULL, "size of its /tmp and of its home folder, each, in MiB"},
    {"sandbox.pids", "KILN_SANDBOX_PIDS", NULL, CONFIG_INT, AT(pids), "512", 16, 100000, NULL,
     "most processes and threads in it"},
    {"sandbox.cpus", "KILN_SANDBOX_CPUS", NULL, CONFIG_REAL, AT(cpus), "0", 0, 1024, NULL,
     "processors it may use; 0 means all that the host has, at most 4"},
    {"checks.stacks", "KILN_CHECKS_STACKS", NULL, CONFIG_PATH, AT(stacks_dir), "", 0, 0, NULL,
     "folder of your own stacks (kiln help stacks)"},
    {"log.level", "KILN_LOG_LEVEL", NULL, CONFIG_TEXT, AT(log_level), "warn", 0, 0,
     "error warn info debug", "diagnostics on standard error"},
    {0},
};

const struct config_setting *config_find(const char *key)
{
    const struct config_setting *s = config_settings;

    while (s->key && strcmp(s->key, key) != 0)
        s++;
    return s->key ? s : NULL;
}

const char *config_nearest(const char *key)
{
    const char *names[ARRAY_LEN(config_settings)];
    size_t n = 0;

    for (; config_settings[n].key; n++)
        names[n] = config_settings[n].key;
    return json_nearest(key, names, n);
}

void config_clear(struct config *c)
{
    secret_free(c->api_key);
    secret_free(c->auth_token);
    c->api_key = c->auth_token = NULL;
}

const char *config_origin(const struct config *c, const char *key)
{
    const struct config_setting *s = config_find(key);

    if (!s)
        BUG("there is no setting '%s'", key);
    return c->origins[s - config_settings];
}

static const char *show_strings(struct arena *a, const struct json_strings *list)
{
    const char *text = "";

    for (size_t i = 0; i < list->n; i++)
        text = arena_printf(a, "%s%s%s", text, i ? "," : "", list->items[i]);
    return text;
}

const char *config_show(struct arena *a, const struct config *c, const struct config_setting *s)
{
    const void *at = (const char *)c + s->offset;
    const struct secret *secret;

    switch (s->kind) {
    case CONFIG_TEXT:
    case CONFIG_PATH:
        return *(const char *const *)at;
    case CONFIG_INT:
        return arena_printf(a, "%lld", (long long)*(const int64_t *)at);
    case CONFIG_REAL:
    case CONFIG_SECONDS:
        return arena_printf(a, "%.15g", *(const double *)at);
    case CONFIG_STRINGS:
        return show_strings(a, at);
    case CONFIG_SECRET:
        secret = *(struct secret *const *)at;
        return secret ? secret_hint(a, secret) : "";
    }
    BUG("kind %d of '%s'", (int)s->kind, s->key);
}
