#include "support/unit.h"

#include "support/scripted.h"

static void check_bad(const char *yaml, const char *says)
{
    struct script *script = NULL;
    struct err err = {0};

    assert_int_equal(script_parse(str_from(yaml), "bad.yaml", &script, &err), -1);
    assert_null(script);
    assert_contains(err.msg, says);
}

static void test_bad_scripts_say_where(void **state)
{
    check_bad("turns:\n  - txt: a\n",
              "bad.yaml:2:5: unknown key 'txt' in turn; did you mean 'text'");
    check_bad("turns:\n  - text: a\n    expect: {contain: x}\n", "bad.yaml:3:14: unknown key");
    check_bad("turns:\n  - times: 0\n", "bad.yaml:2:12: 'times' in turn must be from 1");
    check_bad("turns:\n  - tools: [ls]\n", "bad.yaml:2:13: a tool call is");
    check_bad("turns:\n  - tools: [{bash: [1]}]\n", "bad.yaml:2:20: the input of a tool call");
    check_bad("turns:\n  - tools: [{bash: {}, b: {}}]\n", "bad.yaml:2:13: a tool call is");
    check_bad("turns:\n  - fault: {after: cutt}\n",
              "bad.yaml:2:20: 'after' can't be 'cutt'; did you mean 'cut'?");
    check_bad("turns:\n  - fault: {at: tool}\n", "bad.yaml:2:12: a fault has either");
    check_bad("turns:\n  - fault: {status: 500, after: cut}\n", "bad.yaml:2:12: a fault has");
    check_bad("turns:\n  - fault: {status: 200}\n", "must be from 300 to 599");
    check_bad("turns:\n  - fault: {status: 500, should_retry: 1}\n", "must be true or false");
    check_bad("turns:\n  - usage: {output: 1}\n", "unknown key 'output' in usage");
    check_bad("turns: []\n", "bad.yaml:1:8: a script needs at least one turn");
    check_bad("turns: [{}]\nat_end: stop\n", "bad.yaml:2:9: 'at_end' must be error or repeat");
    check_bad("model: x\n", "'turns' is missing");
    check_bad("- a\n", "must be a mapping");
    check_bad("", "must be a mapping");
    check_bad("turns: [", "bad.yaml:");
}

static void test_missing_file(void **state)
{
    struct script *script = NULL;
    struct err err = {0};

    assert_int_equal(script_load("/nonexistent/script.yaml", &script, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

/* ---- the server, as a plain HTTP client sees it ---- */

struct raw {
    struct scripted s;
    struct http_client *http;
    struct arena a;
};

static void raw_start(struct raw *r, const char *yaml)
{
    *r = (struct raw){0};
    scripted_start(&r->s, yaml);
    assert_int_equal(http_client_new(&r->http, NULL), 0);
}

static void raw_stop(struct raw *r)
{
    http_client_free(r->http);
    arena_clear(&r->a);
    scripted_stop(&r->s);
}

static struct http_response exchange(struct raw *r, const char *method, const char *path,
                                     const char *body)
{
    static const struct http_header headers[] = {{"anthropic-version", "2023-06-01"}};
    struct http_request req = {.method = method,
                               .url = arena_printf(&r->a, "%s%s", r->s.url, path),
                               .headers = headers,
                               .n_headers = 1,
                               .body = str_from(body)};
    struct http_response response;
    struct err err = {0};

    if (http_client_send(r->http, &req, &r->a, &response, &err))
        fail_msg("%s", err.msg);
    return response;
}

#define HELLO                                                                                      \
    "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"

static const char *post(struct raw *r, const char *body, int status)
{
    struct http_response response = exchange(r, "POST", "/v1/messages?beta=true", body);

    if (response.status != status)
        fail_msg("%d: %s", response.status, response.body.p);
    return response.body.p;
}

static void test_answers_without_stream(void **state)
{
    struct raw r;

    raw_start(&r, "turns: [{thinking: t, text: hi, tools: [{bash: {command: ls}}], "
                  "usage: {output_tokens: 7}}]");
    assert_string_equal(
        post(&r, HELLO, 200),
        "{\"id\":\"msg_script_000001\",\"type\":\"message\",\"role\":\"assistant\","
        "\"model\":\"scripted-1\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"t\","
        "\"signature\":\"c2lnLQaf63e94c860202a3\"},{\"type\":\"text\",\"text\":\"hi\"},"
        "{\"type\":\"tool_use\",\"id\":\"toolu_script_000001_1\",\"name\":\"bash\","
        "\"input\":{\"command\":\"ls\"}}],\"stop_reason\":\"tool_use\",\"stop_sequence\":null,"
        "\"usage\":{\"input_tokens\":6,\"cache_creation_input_tokens\":0,"
        "\"cache_read_input_tokens\":0,\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,"
        "\"ephemeral_1h_input_tokens\":0},\"output_tokens\":7,\"service_tier\":\"standard\"},"
        "\"stop_details\":null}");
    raw_stop(&r);
}

static void test_models_and_token_counts(void **state)
{
    struct raw r;

    raw_start(&r, "{model: demo, turns: [{}]}");
    assert_contains(exchange(&r, "GET", "/v1/models", "").body.p, "\"id\":\"demo\"");
    assert_string_equal(exchange(&r, "POST", "/v1/messages/count_tokens", HELLO).body.p,
                        "{\"input_tokens\":6}");
    assert_int_equal(exchange(&r, "POST", "/v1/messages/count_tokens", "[").status, 400);
    assert_int_equal(exchange(&r, "GET", "/v1/messages", "").status, 404);
    assert_int_equal(exchange(&r, "POST", "/v2", "").status, 404);
    raw_stop(&r);
}

static void test_stream_is_cut_in_small_pieces(void **state)
{
    struct raw r;
    const char *stream;

    raw_start(&r, "turns: [{text: 'one two three', tools: [{bash: {command: 'ls -la'}}]}]");
    stream = post(&r,
                  "{\"model\":\"m\",\"max_tokens\":9,\"stream\":true,\"messages\":"
                  "[{\"role\":\"user\",\"content\":\"hi\"}]}",
                  200);
    assert_contains(stream, "event: message_start\ndata: {\"type\":\"message_start\"");
    assert_contains(stream, "event: ping\n");
    assert_contains(stream, "{\"type\":\"text_delta\",\"text\":\"one \"}");
    assert_contains(stream, "{\"type\":\"text_delta\",\"text\":\"two three\"}");
    assert_contains(stream, "{\"type\":\"input_json_delta\",\"partial_json\":\"\"}");
    assert_contains(stream, "{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"co\"}");
    assert_contains(stream, "\"stop_reason\":\"tool_use\"");
    assert_contains(stream, "event: message_stop\n");
    raw_stop(&r);
}

/* ---- what is refused ---- */

static void check_refused(const char *messages, const char *says)
{
    struct raw r;
    char *body;

    raw_start(&r, "turns: [{}]");
    body = arena_printf(&r.a, "{\"model\":\"m\",\"max_tokens\":9,\"messages\":%s}", messages);
    assert_contains(post(&r, body, 400), says);
    raw_stop(&r);
}

#define CALL                                                                                       \
    "{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"b\","    \
    "\"input\":{}}]}"
#define USER "{\"role\":\"user\",\"content\":\"hi\"}"

static void test_what_the_api_refuses_is_refused(void **state)
{
    check_refused("[]", "at least one message");
    check_refused("[{\"role\":\"user\",\"content\":\"\"}]", "non-empty content");
    check_refused("[{\"role\":\"user\",\"content\":[]}]", "non-empty content");
    check_refused("[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"\"}]}]",
                  "text content blocks must be non-empty");
    check_refused("[{\"role\":\"robot\",\"content\":\"hi\"}]", "messages.0.role");
    check_refused("[" USER "," CALL "," USER "]", "`tool_use` ids were found without");
    check_refused("[" USER "," CALL "]", "`tool_use` ids were found without");
    check_refused("[{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
                  "\"tool_use_id\":\"t9\",\"content\":\"x\"}]}]",
                  "unexpected `tool_use_id`");
    check_refused("[" USER "," CALL ",{\"role\":\"user\",\"content\":[{\"type\":\"text\","
                  "\"text\":\"a\"},{\"type\":\"tool_result\",\"tool_use_id\":\"t1\"}]}]",
                  "must come first");
    check_refused("[" USER ",{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
                  "\"thinking\":\"t\",\"signature\":\"x\"}]}," USER "]",
                  "Invalid `signature`");
    check_refused("[{\"role\":\"user\",\"content\":[" /* five of them */
                  "{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{}},"
                  "{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{}},"
                  "{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{}},"
                  "{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{}},"
                  "{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{}}]}]",
                  "A maximum of 4");
}

static void test_broken_bodies_are_refused(void **state)
{
    struct raw r;

    raw_start(&r, "turns: [{}]");
    assert_contains(post(&r, "[", 400), "must be a JSON object");
    assert_contains(post(&r, "{}", 400), "model: Field required");
    assert_contains(post(&r, "{\"model\":\"m\"}", 400), "max_tokens");
    raw_stop(&r);
}

/* ---- expectations ---- */

static void check_unmet(const char *yaml, const char *says)
{
    struct raw r;
    JSON_CLEANUP json_t *report = NULL;

    raw_start(&r, yaml);
    assert_contains(post(&r, HELLO, 400), says);
    report = script_server_report(r.s.server);
    assert_contains(json_dump(&r.a, json_object_get(report, "unmet")), says);
    assert_int_equal(script_server_unmet(r.s.server), 1);
    raw_stop(&r);
}

static void test_unmet_expectations(void **state)
{
    check_unmet("turns:\n  - expect: {contains: [bye]}\n",
                "turn 1 (line 2): the request doesn't contain 'bye'");
    check_unmet("turns: [{expect: {lacks: hi}}]", "the request contains 'hi'");
    check_unmet("turns: [{expect: {system: kiln}}]", "the system prompt doesn't contain 'kiln'");
    check_unmet("turns: [{expect: {tools: [bash]}}]", "doesn't offer the tool 'bash'");
    check_unmet("turns: [{expect: {headers: {x-api-key: a}}}]", "the header x-api-key is not 'a'");
    check_unmet("turns: [{expect: {errors: 1}}]", "0 of the tool results are errors, not 1");
    check_unmet("turns: [{expect: {cached: true}}]", "not read from cache");
}

static void test_report(void **state)
{
    struct raw r;
    JSON_CLEANUP json_t *report = NULL;

    raw_start(&r, "turns:\n  - text: a\n    usage: {input_tokens: 5, output_tokens: 6}\n"
                  "  - times: 3\n  - text: c\n");
    post(&r, HELLO, 200);
    post(&r, HELLO, 200);
    report = script_server_report(r.s.server);
    assert_int_equal(json_get_int(report, "requests", 0), 2);
    assert_int_equal(json_get_int(report, "turns_played", 0), 2);
    assert_int_equal(json_get_int(report, "turns_left", 0), 3);
    assert_int_equal(json_get_int(json_object_get(report, "usage"), "output_tokens", 0), 7);
    assert_string_equal(json_dump(&r.a, json_object_get(report, "unmet")),
                        "[\"turn 2 (line 4): played 1 of 3 times\","
                        "\"turn 3 (line 5): played 0 of 1 time\"]");
    raw_stop(&r);
}

static void test_end_of_the_script(void **state)
{
    struct raw r;

    raw_start(&r, "turns: [{text: a}]");
    post(&r, HELLO, 200);
    assert_contains(post(&r, HELLO, 400), "request 2 came after the script's last turn");
    assert_int_equal(script_server_unmet(r.s.server), 1);
    raw_stop(&r);

    raw_start(&r, "{at_end: repeat, turns: [{text: a}, {text: b}]}");
    assert_contains(post(&r, HELLO, 200), "\"text\":\"a\"");
    assert_contains(post(&r, HELLO, 200), "\"text\":\"b\"");
    assert_contains(post(&r, HELLO, 200), "\"text\":\"b\"");
    assert_int_equal(script_server_unmet(r.s.server), 0);
    raw_stop(&r);
}

static void test_faults_without_stream(void **state)
{
    struct raw r;
    struct http_response response;

    raw_start(&r, "turns: [{fault: {status: 429, retry_after: 3, should_retry: false, "
                  "message: slow down}}, {text: a, fault: {after: error}}, "
                  "{text: a, fault: {after: malformed}}]");
    response = exchange(&r, "POST", "/v1/messages", HELLO);
    assert_int_equal(response.status, 429);
    assert_string_equal(http_response_header(&response, "retry-after"), "3");
    assert_string_equal(http_response_header(&response, "x-should-retry"), "false");
    assert_string_equal(response.body.p,
                        "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\","
                        "\"message\":\"slow down\"},\"request_id\":\"req_script_error\"}");
    assert_contains(post(&r, HELLO, 529), "overloaded_error");
    assert_null(json_parse(str_from(post(&r, HELLO, 200)), "half", NULL));
    raw_stop(&r);
}

/* ---- the cache ---- */

static struct usage post_usage(struct raw *r, const char *body)
{
    JSON_CLEANUP json_t *reply = json_parse(str_from(post(r, body, 200)), "reply", NULL);

    return usage_from_json(json_object_get(reply, "usage"));
}

static void test_cache_needs_the_same_bytes_and_a_breakpoint(void **state)
{
    static const char with[] =
        "{\"model\":\"%s\",\"max_tokens\":9,\"system\":[{\"type\":\"text\",\"text\":\"%s\","
        "\"cache_control\":{\"type\":\"ephemeral\"%s}}],\"messages\":[{\"role\":\"user\","
        "\"content\":\"hi\"}]}";
    struct raw r;
    struct usage u;

    raw_start(&r, "{at_end: repeat, turns: [{}]}");
    u = post_usage(&r, arena_printf(&r.a, with, "m", "a prompt", ""));
    assert_int_equal(u.cache_write_5m, 8);
    assert_int_equal(u.input, 7);
    u = post_usage(&r, arena_printf(&r.a, with, "m", "a prompt", ""));
    assert_int_equal(u.cache_read, 8);
    assert_int_equal(u.cache_write_5m, 0);
    u = post_usage(&r, arena_printf(&r.a, with, "m", "A prompt", ",\"ttl\":\"1h\""));
    assert_int_equal(u.cache_read, 0);
    assert_int_equal(u.cache_write_1h, 8);
    u = post_usage(&r, arena_printf(&r.a, with, "other", "a prompt", ""));
    assert_int_equal(u.cache_read, 0);
    raw_stop(&r);
}

/* A message of `n` blocks with a breakpoint at the end of the last one. */
static struct usage post_blocks(struct raw *r, int n)
{
    JSON_CLEANUP json_t *body = json_pack("{s:s, s:i, s:[{s:s, s:[]}]}", "model", "m", "max_tokens",
                                          9, "messages", "role", "user", "content");
    json_t *content =
        json_object_get(json_array_get(json_object_get(body, "messages"), 0), "content");

    for (int i = 0; i < n; i++)
        json_add(content, json_pack("{s:s, s:i}", "type", "x", "n", i));
    json_set(json_array_get(content, (size_t)n - 1), "cache_control", json_object());
    return post_usage(r, json_dump(&r->a, body));
}

static void test_cache_looks_back_twenty_blocks(void **state)
{
    struct raw r;

    raw_start(&r, "{at_end: repeat, turns: [{}]}");
    assert_int_equal(post_blocks(&r, 1).cache_read, 0);
    assert_int_equal(post_blocks(&r, 22).cache_read, 0);
    raw_stop(&r);

    raw_start(&r, "{at_end: repeat, turns: [{}]}");
    assert_int_equal(post_blocks(&r, 1).cache_write_5m, 4);
    assert_int_equal(post_blocks(&r, 21).cache_read, 4);
    raw_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_scripts_say_where),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_answers_without_stream),
        cmocka_unit_test(test_models_and_token_counts),
        cmocka_unit_test(test_stream_is_cut_in_small_pieces),
        cmocka_unit_test(test_what_the_api_refuses_is_refused),
        cmocka_unit_test(test_broken_bodies_are_refused),
        cmocka_unit_test(test_unmet_expectations),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_end_of_the_script),
        cmocka_unit_test(test_faults_without_stream),
        cmocka_unit_test(test_cache_needs_the_same_bytes_and_a_breakpoint),
        cmocka_unit_test(test_cache_looks_back_twenty_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
