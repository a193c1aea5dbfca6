/*
 * Client of the Messages API (POST /v1/messages, streaming): one call sends a conversation and
 * returns the model's turn whole.
 *
 * Retries are those of the API's own SDKs: connection failures, 408, 409, 429, 5xx and streams
 * that break before they are whole, unless x-should-retry says otherwise; the wait is retry-after
 * (or retry-after-ms) if given, else min(0.5 * 2^n, 8) s less up to a quarter at random. Works
 * with any server of this protocol (ANTHROPIC_BASE_URL): Ollama, llama.cpp, LiteLLM.
 */
#ifndef KILN_MODEL_MESSAGES_H
#define KILN_MODEL_MESSAGES_H

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "http/client.h"
#include "json/json.h"
#include "model/usage.h"

struct messages_config {
    const char *base_url;            /* "https://api.anthropic.com"; a path prefix is kept */
    const char *unix_socket;         /* or NULL */
    const struct secret *api_key;    /* sent as x-api-key; may be NULL for local servers */
    const struct secret *auth_token; /* sent as Authorization: Bearer; used if api_key is NULL */
    int max_retries;                 /* -1 means 4 */
    int first_byte_ms;               /* 0 means 120 s */
    int idle_ms;                     /* between two events, pings count; 0 means 120 s */
    int total_ms;                    /* one attempt; 0 means 30 min */
};

/* Borrowed values; nothing is changed or kept. */
struct messages_request {
    const char *model;
    int64_t max_tokens;
    const char *system_prompt;
    const json_t *tools;    /* array, or NULL */
    const json_t *messages; /* array of {"role","content"} without cache_control */
    const char *thinking;   /* "adaptive", or NULL to send none */
    const char *effort;     /* output_config.effort, or NULL */
    int64_t deadline;       /* clock.h; ends attempts, and no retry waits beyond it; 0: none */
};

/*
 * Prompt caching: the client adds cache_control breakpoints itself, in a copy: on the last system
 * block, on the last block of the last message, and on that of the user message before it, so that
 * each turn after the first reads all of its earlier prefix from cache (order: tools, system,
 * messages; at most 4 breakpoints; look-back 20 blocks).
 */

enum messages_stop {
    MESSAGES_END_TURN,
    MESSAGES_TOOL_USE,
    MESSAGES_MAX_TOKENS,
    MESSAGES_STOP_SEQUENCE,
    MESSAGES_PAUSE_TURN, /* send the content back as it is and go on */
    MESSAGES_REFUSAL,
    MESSAGES_CONTEXT_EXCEEDED,
    MESSAGES_OTHER, /* treated as an end of the turn */
};

struct messages_reply {
    /* Blocks exactly as they must be sent back; owned. Empty text blocks, which the API wouldn't
     * take back, are left out. A tool_use whose input isn't a JSON object has {} for its input. */
    json_t *content;
    json_t *bad_inputs;   /* of such: {"toolu_...": "why it can't be used"}; owned */
    const char *cut_tool; /* name of a tool_use cut by max_tokens, which is left out, or NULL */
    enum messages_stop stop;
    const char *stop_name; /* as the API wrote it; in the arena */
    const char *refusal;   /* explanation of a refusal, or NULL */
    const char *model, *request_id;
    struct usage usage; /* of the attempt that succeeded */
    /* Of attempts that broke off after they had begun: what they had reported, with output of at
     * least a quarter of the bytes that came. */
    struct usage wasted;
    int attempts;
};

/* Told while the call runs; any may be NULL. Text arrives in pieces; after a retry of a stream
 * that broke, it starts anew. */
struct messages_progress {
    void (*text)(void *ctx, struct str piece);
    void (*thinking)(void *ctx, struct str piece);
    /* Before a wait: "429 rate_limit_error: ...", attempt 2, in 4000 ms. */
    void (*retry)(void *ctx, const struct err *why, int attempt, int wait_ms);
    void *ctx;
};

struct messages_client;

int messages_new(const struct messages_config *config, struct messages_client **ret,
                 struct err *err);
void messages_free(struct messages_client *c);

/*
 * Errors: ERR_AUTH (401, 403), ERR_BUDGET (402, or a spend limit of the account), ERR_THROTTLED
 * (429 to the end), ERR_INPUT (400: the message says what the API said), ERR_LIMIT (the
 * conversation is larger than the model's window, or than a request may be: 413), ERR_NOT_FOUND
 * (404: no such model), ERR_CONFIG (base_url leads to something else), ERR_NET and ERR_TIMEOUT
 * (unreachable, cut, stalled to the end; the deadline), ERR_REMOTE (5xx, 529 to the end),
 * ERR_PROTOCOL (malformed to the end), ERR_CANCELLED. The key is in none of them.
 * On failure `ret->wasted` and `ret->attempts` are still filled.
 */
int messages_send(struct messages_client *c, const struct messages_request *req,
                  const struct messages_progress *progress, struct arena *a,
                  struct messages_reply *ret, struct err *err);

/* An empty reply is ready to clear. */
void messages_reply_clear(struct messages_reply *r);

#endif
