/*
 * A scripted model in the process of a test, and a client of it.
 */
#ifndef KILN_TEST_SCRIPTED_H
#define KILN_TEST_SCRIPTED_H

#include "http/server.h"
#include "model/messages.h"
#include "model/script.h"

struct scripted {
    struct script *script;
    struct script_server *server;
    struct messages_client *client;
    struct secret *key;
    char url[64];
};

#define SCRIPTED_KEY "sk-test-0123456789abcdef"

/* Starts one that plays `yaml`. The client waits `patience_ms` for a server that says nothing. */
static inline void scripted_start_patient(struct scripted *s, const char *yaml, int patience_ms)
{
    struct messages_config config = {
        .max_retries = -1, .first_byte_ms = patience_ms, .idle_ms = patience_ms};
    struct err err = {0};
    int fd = -1;

    *s = (struct scripted){0};
    if (script_parse(str_from(yaml), "test.yaml", &s->script, &err) ||
        http_listen("127.0.0.1:0", &fd, &err))
        fail_msg("%s", err.msg);
    snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d", http_listen_port(fd));
    if (script_serve(s->script, fd, &s->server, &err) ||
        secret_new(str_from(SCRIPTED_KEY), &s->key, &err))
        fail_msg("%s", err.msg);
    config.base_url = s->url;
    config.api_key = s->key;
    if (messages_new(&config, &s->client, &err))
        fail_msg("%s", err.msg);
}

static inline void scripted_start(struct scripted *s, const char *yaml)
{
    scripted_start_patient(s, yaml, 60 * 1000);
}

static inline void scripted_stop(struct scripted *s)
{
    messages_free(s->client);
    script_server_stop(s->server);
    script_free(s->script);
    secret_free(s->key);
}

/* Stops it, and fails the test if the script wasn't played as it expects. */
static inline void scripted_end(struct scripted *s)
{
    ARENA_CLEANUP struct arena a = {0};
    JSON_CLEANUP json_t *report = script_server_report(s->server);
    const json_t *unmet = json_object_get(report, "unmet");

    if (json_array_size(unmet) != 0)
        fail_msg("%s", json_dump(&a, unmet));
    scripted_stop(s);
}

#endif
