#include "support/unit.h"

#include <pthread.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "support/scripted.h"

static void add_message(json_t *messages, const char *role, const char *text)
{
    json_add(messages, json_pack("{s:s, s:[{s:s, s:s}]}", "role", role, "content", "type", "text",
                                 "text", text));
}

struct retries {
    int n, last_attempt, waited_ms;
    char text[4096];
};

static void count_retry(void *ctx, const struct err *why, int attempt, int wait_ms)
{
    struct retries *r = ctx;

    r->n++;
    r->last_attempt = attempt;
    r->waited_ms += wait_ms;
}

static void keep_text(void *ctx, struct str piece)
{
    struct retries *r = ctx;
    size_t n = strlen(r->text);

    snprintf(r->text + n, sizeof(r->text) - n, "%.*s", STR_ARG(piece));
}

/* Sends "hello" in a conversation of its own. */
static int send_hello(struct scripted *s, struct arena *a, struct retries *retries,
                      struct messages_reply *ret, struct err *err)
{
    JSON_CLEANUP json_t *messages = json_array();
    struct messages_request req = {.model = "m", .max_tokens = 1000, .messages = messages};
    struct messages_progress progress = {.retry = count_retry, .text = keep_text, .ctx = retries};

    add_message(messages, "user", "hello");
    *retries = (struct retries){0};
    return messages_send(s->client, &req, &progress, a, ret, err);
}

/* Plays a script whose last turn answers "fine" after `retries` failures. */
static void check_recovers_within(const char *yaml, int retries, int patience_ms)
{
    ARENA_CLEANUP struct arena a = {0};
    struct messages_reply reply;
    struct retries seen;
    struct scripted s;
    struct err err = {0};

    scripted_start_patient(&s, yaml, patience_ms);
    if (send_hello(&s, &a, &seen, &reply, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(seen.n, retries);
    assert_int_equal(reply.attempts, retries + 1);
    assert_string_equal(json_dump(&a, reply.content), "[{\"type\":\"text\",\"text\":\"fine\"}]");
    messages_reply_clear(&reply);
    scripted_end(&s);
}

static void check_recovers(const char *yaml, int retries)
{
    check_recovers_within(yaml, retries, 60 * 1000);
}

static void test_faults_that_pass_are_tried_again(void **state)
{
    check_recovers("turns: [{text: fine}]", 0);
    check_recovers("turns: [{fault: {status: 500, retry_after_ms: 1}}, {text: fine}]", 1);
    check_recovers("turns: [{fault: {status: 529, retry_after_ms: 1}, times: 4}, {text: fine}]", 4);
    check_recovers("turns: [{fault: {status: 408, retry_after_ms: 1}}, "
                   "{fault: {status: 409, retry_after_ms: 1}}, "
                   "{fault: {status: 504, retry_after_ms: 1}}, {text: fine}]",
                   3);
    check_recovers("turns: [{fault: {status: 429, retry_after_ms: 1}}, {text: fine}]", 1);
    check_recovers("turns: [{fault: {status: 400, should_retry: true, retry_after_ms: 1}}, "
                   "{text: fine}]",
                   1);
    check_recovers("turns: [{fault: {status: 502, body: '<html>', retry_after_ms: 1}}, "
                   "{text: fine}]",
                   1);
}

static void test_broken_streams_are_tried_again(void **state)
{
    check_recovers("turns: [{fault: {after: cut, at: start}}, {text: fine}]", 1);
    check_recovers("turns: [{text: 'a long text that is cut', fault: {after: cut}}, {text: fine}]",
                   1);
    check_recovers("turns: [{text: x, tools: [{bash: {command: 'ls -la /work'}}], "
                   "fault: {after: cut, at: tool}}, {text: fine}]",
                   1);
    check_recovers("turns: [{text: whole, fault: {after: cut, at: end}}, {text: fine}]", 1);
    check_recovers("turns: [{text: whole, fault: {after: malformed}}, {text: fine}]", 1);
    check_recovers("turns: [{text: whole, fault: {after: error}}, {text: fine}]", 1);
}

static void test_silent_servers_are_tried_again(void **state)
{
    check_recovers_within("turns: [{text: whole, fault: {after: stall}}, {text: fine}]", 1, 1000);
    check_recovers_within("turns: [{fault: {after: slow_first_byte, ms: 30000}}, {text: fine}]", 1,
                          1000);
}

struct failure {
    enum err_kind kind;
    int attempts;
    char msg[ERR_MSG_MAX + ERR_FIX_MAX];
    struct usage wasted;
};

static struct failure play_failure(const char *yaml)
{
    ARENA_CLEANUP struct arena a = {0};
    struct messages_reply reply;
    struct failure f = {0};
    struct retries seen;
    struct scripted s;
    struct err err = {0};

    scripted_start(&s, yaml);
    assert_int_equal(send_hello(&s, &a, &seen, &reply, &err), -1);
    assert_null(reply.content);
    f.kind = err.kind;
    f.attempts = reply.attempts;
    f.wasted = reply.wasted;
    snprintf(f.msg, sizeof(f.msg), "%s\n%s", err.msg, err.fix);
    assert_null(strstr(f.msg, SCRIPTED_KEY));
    messages_reply_clear(&reply);
    scripted_end(&s);
    return f;
}

static void check_fails(const char *yaml, enum err_kind kind, int attempts, const char *says)
{
    struct failure f = play_failure(yaml);

    if (f.kind != kind)
        fail_msg("%s: %s: %s", yaml, err_kind_name(f.kind), f.msg);
    assert_int_equal(f.attempts, attempts);
    assert_contains(f.msg, says);
}

static void test_faults_that_stay_fail_at_once(void **state)
{
    check_fails("turns: [{fault: {status: 401, message: 'invalid x-api-key'}}]", ERR_AUTH, 1,
                "the model API refused the key: 401 authentication_error: invalid x-api-key");
    check_fails("turns: [{fault: {status: 403}}]", ERR_AUTH, 1, "403 permission_error");
    check_fails("turns: [{fault: {status: 402}}]", ERR_BUDGET, 1, "402 billing_error");
    check_fails("turns: [{fault: {status: 400, message: 'max_tokens: too large'}}]", ERR_INPUT, 1,
                "400 invalid_request_error: max_tokens: too large");
    check_fails("turns: [{fault: {status: 400, message: 'Your credit balance is too low'}}]",
                ERR_BUDGET, 1, "spend limit");
    check_fails("turns: [{fault: {status: 400, message: 'prompt is too long: 9 > 8'}}]", ERR_LIMIT,
                1, "longer than the model's context window");
    check_fails("turns: [{fault: {status: 413, body: 'too large'}}]", ERR_LIMIT, 1, "413");
    check_fails("turns: [{fault: {status: 404, message: 'model: m'}}]", ERR_NOT_FOUND, 1,
                "no such model: 'm': 404 not_found_error: model: m");
    check_fails("turns: [{fault: {status: 404, body: '404 page not found'}}]", ERR_CONFIG, 1,
                "not a Messages API");
    check_fails("turns: [{fault: {status: 301, body: ''}}]", ERR_CONFIG, 1, "answered 301");
    check_fails("turns: [{fault: {status: 500, should_retry: false}}]", ERR_REMOTE, 1,
                "500 api_error");
    check_fails("turns: [{fault: {status: 429, code: enforced_spend_limit_reached}}]", ERR_BUDGET,
                1, "spend limit");
    /* A spend limit doesn't pass, whatever the header says. */
    check_fails("turns: [{fault: {status: 429, code: contract_spend_limit_reached, "
                "should_retry: true}}]",
                ERR_BUDGET, 1, "spend limit");
    check_fails("turns: [{text: x, fault: {after: error, type: invalid_request_error, "
                "message: no}}]",
                ERR_INPUT, 1, "invalid_request_error: no");
}

static void test_faults_that_dont_pass_end_the_retries(void **state)
{
    check_fails("turns: [{fault: {status: 429, retry_after_ms: 1}, times: 5}]", ERR_THROTTLED, 5,
                "429 rate_limit_error");
    check_fails("turns: [{fault: {status: 529, retry_after_ms: 1}, times: 5}]", ERR_REMOTE, 5,
                "529 overloaded_error");
    /* A server that asks for an hour means no. */
    check_fails("turns: [{fault: {status: 429, retry_after: 3600}}]", ERR_THROTTLED, 1, "429");
}

static void test_key_is_blanked_out(void **state)
{
    struct failure f = play_failure("turns: [{fault: {status: 401, message: 'bad key " SCRIPTED_KEY
                                    ", " SCRIPTED_KEY "'}}]");

    assert_contains(f.msg, "bad key ***");
}

static void test_retry_after_is_obeyed(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct messages_reply reply;
    struct retries seen;
    struct scripted s;
    int64_t start;

    scripted_start(&s, "turns: [{fault: {status: 429, retry_after_ms: 120}}, "
                       "{fault: {status: 503}}, {text: fine}]");
    start = clock_now_ms();
    assert_int_equal(send_hello(&s, &a, &seen, &reply, NULL), 0);
    /* 120 ms as asked, then a backoff of 1 s less up to a quarter. */
    assert_in_range(seen.waited_ms, 120 + 750, 120 + 1000);
    assert_true(clock_now_ms() - start >= 120 + 750);
    assert_int_equal(seen.last_attempt, 3);
    messages_reply_clear(&reply);
    scripted_end(&s);
}

static void test_waste_of_broken_streams_is_metered(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct messages_reply reply;
    struct retries seen;
    struct scripted s;

    scripted_start(&s, "turns: [{text: '0123456789012345678901234567890123456789', "
                       "usage: {input_tokens: 700}, fault: {after: cut, at: end}}, {text: fine}]");
    assert_int_equal(send_hello(&s, &a, &seen, &reply, NULL), 0);
    assert_int_equal(reply.wasted.input, 700);
    assert_int_equal(reply.wasted.output, 10);
    assert_int_not_equal(reply.usage.input, 700);
    messages_reply_clear(&reply);
    scripted_end(&s);

    assert_int_equal(play_failure("turns: [{fault: {status: 400}}]").wasted.input, 0);
}

static void test_text_arrives_in_pieces(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct messages_reply reply;
    struct retries seen;
    struct scripted s;

    scripted_start(&s, "turns: [{text: 'häßlich, but whole: ✓✓✓✓✓✓✓✓✓✓'}]");
    assert_int_equal(send_hello(&s, &a, &seen, &reply, NULL), 0);
    assert_string_equal(seen.text, "häßlich, but whole: ✓✓✓✓✓✓✓✓✓✓");
    assert_string_equal(reply.model, "scripted-1");
    assert_string_equal(reply.request_id, "req_script_000001");
    messages_reply_clear(&reply);
    scripted_end(&s);
}

static void check_stop(const char *yaml, enum messages_stop stop, const char *content)
{
    ARENA_CLEANUP struct arena a = {0};
    struct messages_reply reply;
    struct retries seen;
    struct scripted s;
    struct err err = {0};

    scripted_start(&s, yaml);
    if (send_hello(&s, &a, &seen, &reply, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(reply.stop, stop);
    assert_string_equal(json_dump(&a, reply.content), content);
    messages_reply_clear(&reply);
    scripted_end(&s);
}

static void test_stop_reasons(void **state)
{
    check_stop("turns: [{}]", MESSAGES_END_TURN, "[]");
    check_stop("turns: [{text: ''}]", MESSAGES_END_TURN, "[]");
    check_stop("turns: [{stop: stop_sequence}]", MESSAGES_STOP_SEQUENCE, "[]");
    check_stop("turns: [{stop: pause_turn}]", MESSAGES_PAUSE_TURN, "[]");
    check_stop("turns: [{stop: model_context_window_exceeded}]", MESSAGES_CONTEXT_EXCEEDED, "[]");
    check_stop("turns: [{stop: something_new}]", MESSAGES_OTHER, "[]");
    check_stop("turns: [{refusal: 'no.'}]", MESSAGES_REFUSAL, "[]");
    check_stop("turns: [{tools: [{bash: {}}]}]", MESSAGES_TOOL_USE,
               "[{\"type\":\"tool_use\",\"id\":\"toolu_script_000001_1\",\"name\":\"bash\","
               "\"input\":{}}]");
}

static void test_refusal_is_explained(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct messages_reply reply;
    struct retries seen;
    struct scripted s;

    scripted_start(&s, "turns: [{refusal: 'not this.'}]");
    assert_int_equal(send_hello(&s, &a, &seen, &reply, NULL), 0);
    assert_string_equal(reply.refusal, "not this.");
    messages_reply_clear(&reply);
    scripted_end(&s);
}

static void test_tool_cut_by_max_tokens_is_left_out(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct messages_reply reply;
    struct retries seen;
    struct scripted s;

    scripted_start(&s, "turns: [{stop: max_tokens, text: t, tools: [{bash: {command: ls}}, "
                       "{edit: {file_text: abc}}]}]");
    assert_int_equal(send_hello(&s, &a, &seen, &reply, NULL), 0);
    assert_int_equal(reply.stop, MESSAGES_MAX_TOKENS);
    assert_string_equal(reply.cut_tool, "edit");
    assert_int_equal(json_array_size(reply.content), 2);
    messages_reply_clear(&reply);
    scripted_end(&s);
}

static void test_invalid_tool_input_is_marked(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct messages_reply reply;
    struct retries seen;
    struct scripted s;
    const json_t *first;

    scripted_start(&s, "turns: [{tools: [{bash: '{\"command\": '}, {bash: '[1]'}, "
                       "{bash: '{\"command\": \"a\\u0000b\", \"n\": 1.50}'}]}]");
    assert_int_equal(send_hello(&s, &a, &seen, &reply, NULL), 0);
    first = json_array_get(reply.content, 0);
    assert_string_equal(json_dump(&a, json_object_get(first, "input")), "{}");
    assert_contains(json_get_c(reply.bad_inputs, "toolu_script_000001_1"), "not valid JSON");
    assert_contains(json_get_c(reply.bad_inputs, "toolu_script_000001_2"), "not a JSON object");
    assert_int_equal(json_object_size(reply.bad_inputs), 2);
    assert_contains(json_dump(&a, reply.content), "a\\u0000b");
    messages_reply_clear(&reply);
    scripted_end(&s);
}

/* One turn of a longer conversation: sends, and appends the reply and an answer to it. */
static struct usage converse(struct scripted *s, struct messages_request *req, json_t *messages,
                             const char *next)
{
    ARENA_CLEANUP struct arena a = {0};
    struct messages_reply reply;
    struct err err = {0};
    struct usage usage;
    char *before = json_dump(&a, messages);

    if (messages_send(s->client, req, NULL, &a, &reply, &err))
        fail_msg("%s", err.msg);
    assert_string_equal(json_dump(&a, messages), before);
    json_add(messages, json_pack("{s:s, s:O}", "role", "assistant", "content", reply.content));
    add_message(messages, "user", next);
    usage = reply.usage;
    messages_reply_clear(&reply);
    return usage;
}

static void test_conversation_is_read_from_cache(void **state)
{
    struct scripted s;
    JSON_CLEANUP json_t *messages = json_array();
    JSON_CLEANUP json_t *tools = json_pack("[{s:s, s:s}]", "type", "bash_20250124", "name", "bash");
    struct messages_request req = {.model = "m",
                                   .max_tokens = 1000,
                                   .messages = messages,
                                   .tools = tools,
                                   .thinking = "adaptive",
                                   .effort = "high",
                                   .system_prompt = "You are kiln's agent."};
    int64_t before = 0;

    scripted_start(&s, "turns:\n"
                       "  - expect: {system: [kiln], tools: [bash], contains: [first], headers: "
                       "{x-api-key: " SCRIPTED_KEY ", anthropic-version: '2023-06-01'}}\n"
                       "    thinking: 'Let me see: \"ä\" \\ \\n'\n"
                       "    text: one\n"
                       "  - expect: {cached: true, contains: [next], lacks: [first]}\n"
                       "    thinking: more\n"
                       "    text: two\n"
                       "    times: 30\n");
    add_message(messages, "user", "first");
    assert_int_equal(converse(&s, &req, messages, "next").cache_read, 0);
    for (int i = 0; i < 30; i++) {
        struct usage u = converse(&s, &req, messages, "next");

        assert_int_equal(u.input, 0);
        assert_true(u.cache_read > before);
        assert_true(u.cache_write_5m > 0);
        before = u.cache_read + u.cache_write_5m - 1;
    }
    scripted_end(&s);
}

/* More blocks in one step than the cache looks back over. */
static void test_long_steps_are_read_from_cache(void **state)
{
    struct scripted s;
    JSON_CLEANUP json_t *messages = json_array();
    struct messages_request req = {.model = "m", .max_tokens = 1000, .messages = messages};
    json_t *content;

    scripted_start(&s, "turns: [{text: one}, {expect: {cached: true}, text: two}]");
    add_message(messages, "user", "first");
    converse(&s, &req, messages, "next");
    content = json_object_get(json_array_get(messages, 2), "content");
    for (int i = 0; i < 40; i++)
        json_add(content, json_pack("{s:s, s:s}", "type", "text", "text", "more"));
    converse(&s, &req, messages, "next");
    scripted_end(&s);
}

static void test_messages_of_plain_strings(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct scripted s;
    struct messages_reply reply;
    JSON_CLEANUP json_t *messages = json_pack("[{s:s, s:s}]", "role", "user", "content", "hello");
    struct messages_request req = {.model = "m", .max_tokens = 1000, .messages = messages};

    scripted_start(&s, "turns: [{expect: {contains: hello}, text: fine}]");
    assert_int_equal(messages_send(s.client, &req, NULL, &a, &reply, NULL), 0);
    assert_true(reply.usage.cache_write_5m > 0);
    assert_string_equal(json_dump(&a, messages), "[{\"role\":\"user\",\"content\":\"hello\"}]");
    messages_reply_clear(&reply);
    scripted_end(&s);
}

static void test_bearer_token(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct scripted s;
    struct messages_config config = {0};
    struct messages_client *with_token;
    struct messages_reply reply;
    struct retries seen;

    scripted_start(&s, "turns: [{expect: {headers: {authorization: 'Bearer " SCRIPTED_KEY "'}}, "
                       "text: fine}]");
    config.base_url = arena_printf(&a, "%s/", s.url);
    config.auth_token = s.key;
    assert_int_equal(messages_new(&config, &with_token, NULL), 0);
    messages_free(s.client);
    s.client = with_token;
    assert_int_equal(send_hello(&s, &a, &seen, &reply, NULL), 0);
    messages_reply_clear(&reply);
    scripted_end(&s);
}

static void test_deadline_ends_a_call(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct scripted s;
    struct messages_reply reply;
    struct err err = {0};
    JSON_CLEANUP json_t *messages = json_array();
    struct messages_request req = {.model = "m", .max_tokens = 1000, .messages = messages};

    scripted_start(&s, "turns: [{fault: {status: 429, retry_after: 100}}, "
                       "{text: x, fault: {after: stall}}]");
    add_message(messages, "user", "hello");
    req.deadline = clock_now_ms() + 10000;
    /* No wait that can't end in time. */
    assert_int_equal(messages_send(s.client, &req, NULL, &a, &reply, &err), -1);
    assert_int_equal(err.kind, ERR_THROTTLED);
    req.deadline = clock_now_ms() + 100;
    assert_int_equal(messages_send(s.client, &req, NULL, &a, &reply, &err), -1);
    assert_int_equal(err.kind, ERR_TIMEOUT);
    assert_int_equal(messages_send(s.client, &req, NULL, &a, &reply, &err), -1);
    assert_int_equal(err.kind, ERR_TIMEOUT);
    assert_int_equal(reply.attempts, 0);
    scripted_end(&s);
}

static void test_nobody_there(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    JSON_CLEANUP json_t *messages = json_array();
    struct messages_request req = {.model = "m", .max_tokens = 1000, .messages = messages};
    struct messages_config config = {.base_url = "http://localhost",
                                     .unix_socket = "/nonexistent/model.sock"};
    struct messages_client *client;
    struct messages_reply reply;
    struct err err = {0};

    add_message(messages, "user", "hello");
    assert_int_equal(messages_new(&config, &client, NULL), 0);
    assert_int_equal(messages_send(client, &req, NULL, &a, &reply, &err), -1);
    assert_int_equal(err.kind, ERR_NET);
    assert_int_equal(reply.attempts, 1);
    messages_free(client);
}

static void *cancel_soon(void *arg)
{
    usleep(100 * 1000);
    cancel_request();
    return NULL;
}

/* Last: a cancellation stays. */
static void test_cancellation_ends_a_wait(void **state)
{
    struct failure f;
    pthread_t thread;

    assert_int_equal(cancel_install(NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
    f = play_failure("turns: [{fault: {status: 429, retry_after: 300}}]");
    assert_int_equal(f.kind, ERR_CANCELLED);
    assert_int_equal(f.attempts, 1);
    pthread_join(thread, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults_that_pass_are_tried_again),
        cmocka_unit_test(test_broken_streams_are_tried_again),
        cmocka_unit_test(test_silent_servers_are_tried_again),
        cmocka_unit_test(test_faults_that_stay_fail_at_once),
        cmocka_unit_test(test_faults_that_dont_pass_end_the_retries),
        cmocka_unit_test(test_key_is_blanked_out),
        cmocka_unit_test(test_retry_after_is_obeyed),
        cmocka_unit_test(test_waste_of_broken_streams_is_metered),
        cmocka_unit_test(test_text_arrives_in_pieces),
        cmocka_unit_test(test_stop_reasons),
        cmocka_unit_test(test_refusal_is_explained),
        cmocka_unit_test(test_tool_cut_by_max_tokens_is_left_out),
        cmocka_unit_test(test_invalid_tool_input_is_marked),
        cmocka_unit_test(test_conversation_is_read_from_cache),
        cmocka_unit_test(test_long_steps_are_read_from_cache),
        cmocka_unit_test(test_messages_of_plain_strings),
        cmocka_unit_test(test_bearer_token),
        cmocka_unit_test(test_deadline_ends_a_call),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_cancellation_ends_a_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
