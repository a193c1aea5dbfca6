#include "model/messages_error.h"

#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/rand.h"
#include "base/text.h"

enum { SAID_MAX = 500, BACKOFF_FIRST_MS = 500, BACKOFF_MAX_MS = 8000 };

/* The parts of an error object, cleaned for people. */
struct said {
    const char *type, *message;
    const char *code; /* error.details.error_code */
    bool is_api;      /* it has the API's form */
};

/* What is known of a status or, in a stream, of an error type. */
static const struct cause {
    int status;
    const char *type;
    enum err_kind kind;
    const char *what, *fix;
} causes[] = {
    {400, "invalid_request_error", ERR_INPUT, "the model API refused the request", ""},
    {401, "authentication_error", ERR_AUTH, "the model API refused the key",
     "check that the key is whole, not revoked, and belongs to this server"},
    {402, "billing_error", ERR_BUDGET, "the account of the model API can't be charged",
     "see to the account's billing, then run again"},
    {403, "permission_error", ERR_AUTH, "the model API doesn't allow this key to do that",
     "use a key that may use this model, or another model"},
    {404, "not_found_error", ERR_NOT_FOUND, "the model API has no such model",
     "check the name of the model"},
    {413, "request_too_large", ERR_LIMIT, "the request is larger than the model API takes", ""},
    {408, "", ERR_REMOTE, "the model API gave up waiting", ""},
    {409, "conflict_error", ERR_REMOTE, "the model API reports a conflict", ""},
    {429, "rate_limit_error", ERR_THROTTLED, "the model API limits the rate of requests",
     "run fewer tasks at the same time, or raise the account's rate limit"},
    {500, "api_error", ERR_REMOTE, "the model API failed", "try again later"},
    {504, "timeout_error", ERR_REMOTE, "the model API took too long", "try again later"},
    {529, "overloaded_error", ERR_REMOTE, "the model API is overloaded", "try again later"},
};

static const struct cause other_5xx = {500, "", ERR_REMOTE, "the model API failed",
                                       "try again later"};
static const struct cause other_4xx = {400, "", ERR_INPUT, "the model API refused the request", ""};
static const struct cause spend_limit = {0, "", ERR_BUDGET,
                                         "the account's spend limit at the model API is reached",
                                         "raise the limit of the account, or wait for its reset"};
static const struct cause too_long = {
    0, "", ERR_LIMIT, "the conversation is longer than the model's context window", ""};
static const struct cause not_the_api = {0, "", ERR_CONFIG, "this is not a Messages API",
                                         "check the base URL: '/v1/messages' is added to it"};

bool messages_error_passes(enum err_kind kind)
{
    return kind == ERR_NET || kind == ERR_TIMEOUT || kind == ERR_PROTOCOL ||
           kind == ERR_THROTTLED || kind == ERR_REMOTE;
}

const char *messages_error_type(int status)
{
    for (size_t i = 0; i < ARRAY_LEN(causes); i++)
        if (causes[i].status == status && causes[i].type[0])
            return causes[i].type;
    return status < 500 ? "invalid_request_error" : "api_error";
}

int64_t messages_error_backoff_ms(int n)
{
    int64_t ms = n < 4 ? BACKOFF_FIRST_MS << n : BACKOFF_MAX_MS;

    return ms - (int64_t)rand_below((uint64_t)ms / 4 + 1);
}

/* A server may repeat a header that it didn't like. */
static void blank_out(struct str text, const struct secret *key)
{
    struct str hidden = key ? str_from(secret_reveal(key)) : STR("");
    ptrdiff_t at;

    if (hidden.n == 0)
        return;
    while ((at = str_find(text, hidden)) >= 0) {
        /* The text is our own copy. */
        memset((char *)(uintptr_t)text.p + at, '*', hidden.n);
        text = str_from_pos(text, (size_t)at + hidden.n);
    }
}

static const char *clean(struct arena *a, struct str text, const struct secret *key)
{
    struct str copy = text_clean(a, str_trim(text), TEXT_ONE_LINE);

    blank_out(copy, key);
    if (copy.n <= SAID_MAX)
        return copy.p;
    return arena_printf(a, "%.*s...", SAID_MAX - 3, copy.p);
}

static struct said read_error(struct arena *a, const json_t *error, const struct secret *key)
{
    struct said said = {
        .type = clean(a, json_get_str(error, "type"), key),
        .message = clean(a, json_get_str(error, "message"), key),
        .code = clean(a, json_get_str(json_object_get(error, "details"), "error_code"), key),
    };

    said.is_api = said.type[0] != '\0';
    return said;
}

static struct said read_body(struct arena *a, struct str body, const struct secret *key)
{
    JSON_CLEANUP json_t *root = json_parse(body, "answer", NULL);
    const json_t *error = json_object_get(root, "error");

    if (json_is_object(error))
        return read_error(a, error, key);
    /* Ollama and others: {"error": "..."}; proxies: a page of HTML. */
    if (json_is_string(error))
        body = json_get_str(root, "error");
    return (struct said){.type = "", .message = clean(a, body, key), .code = ""};
}

static bool mentions(const struct said *said, const char *text)
{
    return str_find(str_from(said->message), str_from(text)) >= 0;
}

/* Causes that the API tells apart only in its text or details. */
static const struct cause *special_cause(int status, const struct said *said)
{
    if (status == 429 && str_ends(str_from(said->code), "spend_limit_reached"))
        return &spend_limit;
    if (status == 400 && (mentions(said, "credit balance is too low") ||
                          mentions(said, "reached your specified API usage limits")))
        return &spend_limit;
    if (status == 400 &&
        (mentions(said, "prompt is too long") || mentions(said, "exceed context limit")))
        return &too_long;
    if ((status == 404 && !said->is_api) || status == 405 || status < 400)
        return &not_the_api;
    return NULL;
}

static const struct cause *find_cause(int status, const struct said *said)
{
    const struct cause *special = special_cause(status, said);

    if (special)
        return special;
    for (size_t i = 0; i < ARRAY_LEN(causes); i++)
        if (causes[i].status == status)
            return &causes[i];
    return status >= 500 ? &other_5xx : &other_4xx;
}

static int report(const struct cause *cause, const char *where, const struct said *said,
                  struct err *err)
{
    err_set(err, cause->kind, "%s: %s%s%s%s%s", cause->what, where, said->type[0] ? " " : "",
            said->type, said->message[0] ? ": " : "", said->message);
    if (cause->fix[0])
        err_fix(err, "%s", cause->fix);
    return -1;
}

/* The wait that the server asks for; -1 when it doesn't, or not in numbers. */
static int64_t asked_wait_ms(const struct messages_answer *answer)
{
    const struct {
        const char *value;
        double factor;
    } headers[] = {{answer->retry_after_ms, 1}, {answer->retry_after, 1000}};

    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        double wait;

        if (headers[i].value && str_to_double(str_from(headers[i].value), &wait) && wait > 0)
            return (int64_t)fmin(ceil(wait * headers[i].factor), 1e12);
    }
    return -1;
}

int messages_error_answer(const struct messages_answer *answer, struct messages_retry *ret,
                          struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    struct said said = read_body(&a, answer->body, answer->key);
    const struct cause *cause = find_cause(answer->status, &said);
    char *where = arena_printf(&a, "%d", answer->status);

    if (cause->kind == ERR_NOT_FOUND)
        where = arena_printf(&a, "'%s': %d", answer->model, answer->status);
    if (cause->kind == ERR_CONFIG)
        where = arena_printf(&a, "'%s' answered %d", answer->url, answer->status);
    if (answer->request_id)
        said.message = arena_printf(&a, "%s (request %s)", said.message,
                                    clean(&a, str_from(answer->request_id), answer->key));
    ret->again = messages_error_passes(cause->kind);
    if (answer->should_retry && cause != &spend_limit)
        ret->again = strcmp(answer->should_retry, "true") == 0;
    ret->wait_ms = asked_wait_ms(answer);
    return report(cause, where, &said, err);
}

int messages_error_event(const json_t *error, const struct secret *key, struct err *err)
{
    ARENA_CLEANUP struct arena a = {0};
    struct said said = read_error(&a, error, key);
    int status = 500;

    for (size_t i = 0; i < ARRAY_LEN(causes); i++)
        if (causes[i].type[0] && strcmp(causes[i].type, said.type) == 0)
            status = causes[i].status;
    return report(find_cause(status, &said), "error in the stream,", &said, err);
}
