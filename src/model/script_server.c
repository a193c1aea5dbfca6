#include "model/script_server.h"

#include <string.h>

#include "base/text.h"
#include "model/script_check.h"
#include "model/script_expect.h"

enum { BODY_MAX = 64 * 1024 * 1024, UNMET_MAX = 1000 };

struct script_server {
    struct script_play play;
    struct http_server *http;
};

/* What was decided about a request, under the lock. */
struct decision {
    const struct script_turn *turn; /* to play, or NULL */
    const char *refused;            /* why not; in the exchange's arena */
    struct script_reply reply;
};

static void add_unmet(struct script_play *p, const char *text)
{
    if (json_array_size(p->unmet) < UNMET_MAX)
        json_add(p->unmet, json_c(text));
}

/* Takes the next play of a turn, or NULL at the end of the script. */
static const struct script_turn *take_turn(struct script_play *p)
{
    const struct script *s = p->script;
    const struct script_turn *turn;

    if (p->turn == s->n_turns)
        return s->repeat_last ? &s->turns[s->n_turns - 1] : NULL;
    turn = &s->turns[p->turn];
    p->turns_played++;
    if (++p->played_of_turn == turn->times) {
        p->turn++;
        p->played_of_turn = 0;
    }
    return turn;
}

static const char *turn_name(const struct script_play *p, struct arena *a,
                             const struct script_turn *turn)
{
    return arena_printf(a, "turn %zu (line %u)", (size_t)(turn - p->script->turns) + 1, turn->line);
}

static bool reaches_model(const struct script_turn *turn)
{
    return turn->fault.status == 0;
}

/* Counts the request and says what is wrong with it, or NULL. */
static const char *look(struct script_play *p, struct http_exchange *x, const json_t *body,
                        struct decision *d)
{
    struct arena *a = http_exchange_arena(x);
    bool all_read = true;
    const char *wrong;

    if (!http_exchange_header(x, "anthropic-version"))
        return arena_printf(a, "request %u: anthropic-version: header is required", p->requests);
    if ((wrong = script_check_request(a, body)))
        return arena_printf(a, "request %u: %s", p->requests, wrong);
    d->turn = take_turn(p);
    if (!d->turn)
        return arena_printf(a, "request %u came after the script's last turn", p->requests);
    d->reply = (struct script_reply){d->turn, p->script->model, p->requests, {0}};
    if (reaches_model(d->turn)) {
        d->reply.usage = script_cache_count(&p->cache, body, &all_read);
        script_reply_count(&d->reply);
    }
    wrong = script_expect_unmet(a, &d->turn->expect, body, x, all_read);
    if (wrong)
        return arena_printf(a, "%s: %s", turn_name(p, a, d->turn), wrong);
    if (reaches_model(d->turn))
        usage_add(&p->usage, &d->reply.usage);
    return NULL;
}

static void send_fault(struct http_exchange *x, const struct script_fault *fault)
{
    struct arena *a = http_exchange_arena(x);

    if (fault->retry_after >= 0)
        http_reply_header(x, "retry-after", arena_printf(a, "%lld", (long long)fault->retry_after));
    if (fault->retry_after_ms >= 0)
        http_reply_header(x, "retry-after-ms",
                          arena_printf(a, "%lld", (long long)fault->retry_after_ms));
    if (fault->should_retry)
        http_reply_header(x, "x-should-retry",
                          json_is_true(fault->should_retry) ? "true" : "false");
    if (fault->body)
        http_reply(x, (int)fault->status, "text/html", str_from(fault->body));
    else
        script_send_error(x, (int)fault->status, fault->type, fault->code,
                          fault->message ? fault->message : "as the script says");
}

static void on_messages(struct script_play *p, struct http_exchange *x)
{
    JSON_CLEANUP json_t *body = json_parse(http_exchange_body(x), "body", NULL);
    struct decision d = {0};

    pthread_mutex_lock(&p->lock);
    p->requests++;
    d.refused = look(p, x, body, &d);
    if (d.refused)
        add_unmet(p, d.refused);
    pthread_mutex_unlock(&p->lock);

    if (d.refused)
        script_send_error(x, 400, NULL, NULL, d.refused);
    else if (d.turn->fault.status) // NOLINT(clang-analyzer-core.NullDereference): not refused
        send_fault(x, &d.turn->fault);
    else
        script_send_reply(x, &d.reply, json_get_bool(body, "stream", false));
}

static void on_count_tokens(struct script_play *p, struct http_exchange *x)
{
    JSON_CLEANUP json_t *body = json_parse(http_exchange_body(x), "body", NULL);
    struct script_cache nothing = {0};
    JSON_CLEANUP json_t *count = json_object();
    struct usage usage;
    bool all_read;

    if (!json_is_object(body)) {
        script_send_error(x, 400, NULL, NULL, "the body must be a JSON object");
        return;
    }
    usage = script_cache_count(&nothing, body, &all_read);
    script_cache_clear(&nothing);
    json_set(count, "input_tokens", json_integer(usage_input(&usage)));
    http_reply(x, 200, "application/json", str_from(json_dump(http_exchange_arena(x), count)));
}

static void on_models(struct script_play *p, struct http_exchange *x)
{
    const char *id = p->script->model;
    JSON_CLEANUP json_t *list =
        json_pack("{s:[{s:s, s:s, s:s, s:s}], s:b, s:s, s:s}", "data", "type", "model", "id", id,
                  "display_name", id, "created_at", "1970-01-01T00:00:00Z", "has_more", 0,
                  "first_id", id, "last_id", id);

    http_reply(x, 200, "application/json", str_from(json_dump(http_exchange_arena(x), list)));
}

static const struct {
    const char *method, *path;
    void (*handle)(struct script_play *p, struct http_exchange *x);
} routes[] = {
    {"POST", "/v1/messages", on_messages},
    {"POST", "/v1/messages/count_tokens", on_count_tokens},
    {"GET", "/v1/models", on_models},
};

static void handle(struct http_exchange *x, void *ctx)
{
    const char *method = http_exchange_method(x), *path = http_exchange_path(x);

    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (strcmp(method, routes[i].method) == 0 && strcmp(path, routes[i].path) == 0) {
            routes[i].handle(ctx, x);
            return;
        }
    }
    script_send_error(x, 404, NULL, NULL, "the scripted model has nothing at this path");
}

static struct script_server *server_new(struct script *s)
{
    struct script_server *server = calloc(1, sizeof(*server));

    if (!server)
        BUG("out of memory");
    server->play.script = s;
    server->play.unmet = json_array();
    pthread_mutex_init(&server->play.lock, NULL);
    return server;
}

int script_serve(struct script *s, int listen_fd, struct script_server **ret, struct err *err)
{
    struct script_server *server = server_new(s);
    struct http_server_config config = {
        .listen_fd = listen_fd,
        .handler = {.handle = handle, .ctx = &server->play},
        .max_body = BODY_MAX,
    };

    if (http_server_start(&config, &server->http, err)) {
        script_server_stop(server);
        return -1;
    }
    *ret = server;
    return 0;
}

void script_server_stop(struct script_server *s)
{
    if (!s)
        return;
    http_server_stop(s->http);
    script_cache_clear(&s->play.cache);
    json_decref(s->play.unmet);
    pthread_mutex_destroy(&s->play.lock);
    free(s);
}

/* What was met so far and what was never played; with the lock held. */
static json_t *all_unmet(const struct script_play *p, int64_t *ret_left)
{
    ARENA_CLEANUP struct arena a = {0};
    json_t *unmet = json_copy(p->unmet);

    *ret_left = 0;
    for (size_t i = p->turn; i < p->script->n_turns; i++) {
        const struct script_turn *turn = &p->script->turns[i];
        int64_t played = i == p->turn ? p->played_of_turn : 0;

        *ret_left += turn->times - played;
        json_add(unmet,
                 json_c(arena_printf(&a, "%s: played %lld of %s", turn_name(p, &a, turn),
                                     (long long)played, text_plural(&a, turn->times, "time"))));
    }
    return unmet;
}

json_t *script_server_report(struct script_server *s)
{
    struct script_play *p = &s->play;
    json_t *report = json_object(), *unmet;
    int64_t left;

    pthread_mutex_lock(&p->lock);
    unmet = all_unmet(p, &left);
    json_set(report, "requests", json_integer(p->requests));
    json_set(report, "turns_played", json_integer(p->turns_played));
    json_set(report, "turns_left", json_integer(left));
    json_set(report, "usage", usage_to_json(&p->usage));
    json_set(report, "unmet", unmet);
    pthread_mutex_unlock(&p->lock);
    return report;
}

size_t script_server_unmet(struct script_server *s)
{
    JSON_CLEANUP json_t *report = script_server_report(s);

    return json_array_size(json_object_get(report, "unmet"));
}
