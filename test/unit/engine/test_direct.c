#include "support/unit.h"

#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "support/envd.h"
#include "support/scripted.h"

/* An engine with a scripted model and an envd of its own. */
struct bench {
    struct test_envd envd;
    struct scripted model;
    struct engine_env env;
    struct engine *engine;
    struct arena a;
    char events[16384];
};

static void note_event(void *ctx, const struct engine_event *event)
{
    static const char *const names[] = {
        [ENGINE_TEXT] = "text", [ENGINE_TOOL] = "tool",   [ENGINE_TOOL_END] = "end",
        [ENGINE_FILE] = "file", [ENGINE_RETRY] = "retry", [ENGINE_USAGE] = "usage",
    };
    struct bench *b = ctx;
    size_t n = strlen(b->events);

    snprintf(b->events + n, sizeof(b->events) - n, "%s%s: %s\n", names[event->kind],
             event->failed ? " failed" : "", event->text ? event->text : "");
}

static void bench_start(struct bench *b, const char *yaml)
{
    struct price_table *prices = NULL;
    struct err err = {0};

    *b = (struct bench){0};
    test_envd_start(&b->envd);
    scripted_start(&b->model, yaml);
    if (price_load(&b->a, NULL, &prices, &err))
        fail_msg("%s", err.msg);
    b->env = (struct engine_env){
        .envd = b->envd.client,
        .work = b->envd.work,
        .model_client = b->model.client,
        .model = "claude-opus-5-5",
        .prices = prices,
        .system_prompt = "You are kiln's agent.",
        .on_event = note_event,
        .ctx = b,
        .transcript_path = arena_printf(&b->a, "%s/transcript.ndjson", b->envd.home),
    };
    if (engine_find("direct")->open(&b->env, &b->engine, &err))
        fail_msg("%s", err.msg);
}

static void bench_stop(struct bench *b)
{
    engine_find("direct")->close(b->engine);
    scripted_stop(&b->model);
    test_envd_stop(&b->envd);
    arena_clear(&b->a);
}

/* Stops it, and fails unless the script was played as it expects. */
static void bench_end(struct bench *b)
{
    JSON_CLEANUP json_t *report = script_server_report(b->model.server);
    const json_t *unmet = json_object_get(report, "unmet");

    if (json_array_size(unmet) != 0)
        fail_msg("%s", json_dump(&b->a, unmet));
    bench_stop(b);
}

static struct engine_result turn(struct bench *b, const char *prompt)
{
    struct engine_result result;
    struct err err = {0};

    if (engine_find("direct")->turn(b->engine, prompt, &b->a, &result, &err))
        fail_msg("%s", err.msg);
    return result;
}

static struct err turn_fails(struct bench *b, struct engine_result *ret)
{
    struct err err = {0};

    assert_int_equal(engine_find("direct")->turn(b->engine, "go", &b->a, ret, &err), -1);
    return err;
}

/* Plays a script in one turn and returns how it ended and with what text. */
static void check_turn(const char *yaml, enum engine_end end, const char *text)
{
    struct engine_result result;
    struct bench b;

    bench_start(&b, yaml);
    result = turn(&b, "go");
    assert_int_equal(result.end, end);
    assert_string_equal(result.text, text);
    bench_end(&b);
}

static const char working[] =
    "turns:\n"
    "  - expect: {contains: [write it], system: [kiln], tools: [bash, "
    "str_replace_based_edit_tool]}\n"
    "    thinking: Let me see.\n"
    "    text: I'll write it.\n"
    "    tools:\n"
    "      - str_replace_based_edit_tool: {command: create, path: a.txt, file_text: \"hello\\n\"}\n"
    "      - bash: {command: \"cat a.txt; exit 2\"}\n"
    "  - expect: {contains: [\"Wrote \", \"hello\\n[exit code 2]\"], errors: 1, cached: true}\n"
    "    text: Finished.\n"
    "  - expect: {contains: [FAIL], lacks: [hello], cached: true}\n"
    "    text: Really finished.\n";

static void test_a_task(void **state)
{
    struct engine_result result;
    struct bench b;
    struct str file;

    bench_start(&b, working);
    result = turn(&b, "write it");
    assert_int_equal(result.end, ENGINE_DONE);
    assert_string_equal(result.text, "Finished.");
    assert_int_equal(result.model_calls, 2);
    assert_int_equal(result.tool_calls, 2);
    assert_true(result.usage.cache_read > 0 && result.usage.output > 0);
    assert_int_equal(result.nano_usd, price_cost(b.env.prices, b.env.model, &result.usage));
    assert_int_equal(fs_read_file(&b.a, fs_join(&b.a, b.env.work, "a.txt"), 100, &file, NULL), 0);
    assert_str(file, "hello\n");
    assert_string_equal(b.events, arena_printf(&b.a,
                                               "usage: \n"
                                               "text: I'll write it.\n"
                                               "tool: edit: create a.txt\n"
                                               "end: Wrote %s/a.txt (6 bytes).\n"
                                               "file: %s/a.txt\n"
                                               "tool: bash: cat a.txt; exit 2\n"
                                               "end failed: [exit code 2] hello\n"
                                               "usage: \n"
                                               "text: Finished.\n",
                                               b.env.work, b.env.work));
    result = turn(&b, "FAIL 1 of 2");
    assert_string_equal(result.text, "Really finished.");
    assert_int_equal(result.model_calls, 1);
    bench_end(&b);
}

static void test_transcript(void **state)
{
    struct bench b;
    struct str text, line;
    const char *roles = "";

    bench_start(&b, working);
    turn(&b, "write it");
    assert_int_equal(fs_read_file(&b.a, b.env.transcript_path, 100000, &text, NULL), 0);
    while (str_next(&text, '\n', &line)) {
        JSON_CLEANUP json_t *json = json_parse(line, "transcript", NULL);

        assert_non_null(json);
        assert_non_null(json_get_c(json, "at"));
        roles = arena_printf(&b.a, "%s%s ", roles, json_get_c(json, "role"));
    }
    assert_string_equal(roles, "user assistant user assistant ");
    bench_stop(&b);
}

static void test_ends(void **state)
{
    check_turn("turns: [{text: ok}]", ENGINE_DONE, "ok");
    check_turn("turns: [{text: ok, stop: something_new}]", ENGINE_DONE, "ok");
    check_turn("turns: [{refusal: 'not this'}]", ENGINE_REFUSED, "not this");
    check_turn("turns: [{text: half, stop: model_context_window_exceeded}]", ENGINE_CONTEXT, "");
    check_turn("turns: [{fault: {status: 400, message: 'prompt is too long: 2 > 1'}}]",
               ENGINE_CONTEXT, "");
    check_turn("turns: [{text: \"I looked.\\nBLOCKED: 3 and 5 exclude each other\"}]",
               ENGINE_BLOCKED, "BLOCKED: 3 and 5 exclude each other");
    check_turn("turns: [{text: 'It is not BLOCKED: fine'}]", ENGINE_DONE,
               "It is not BLOCKED: fine");
    check_turn("turns: [{text: part, stop: pause_turn}, {text: rest}]", ENGINE_DONE, "rest");
}

static void test_empty_replies_are_nudged_once(void **state)
{
    check_turn("turns: [{}, {expect: {contains: [reply was empty]}, text: done}]", ENGINE_DONE,
               "done");
    check_turn("turns: [{text: ''}, {thinking: 'only thought'}]", ENGINE_DONE, "");
}

static void test_cut_replies(void **state)
{
    check_turn("turns: [{text: part, stop: max_tokens}, "
               "{expect: {contains: [before its end]}, text: done}]",
               ENGINE_DONE, "done");
    /* The whole call is carried out, the cut one isn't. */
    check_turn("turns:\n"
               "  - tools: [{bash: {command: echo whole}}, {bash: {command: echo cut}}]\n"
               "    stop: max_tokens\n"
               "  - expect: {contains: [whole, call of bash was whole], lacks: [cut], errors: 0}\n"
               "    text: done\n",
               ENGINE_DONE, "done");
    check_turn("turns: [{tools: [{bash: {command: echo cut}}], stop: max_tokens}, "
               "{thinking: long, stop: max_tokens}, {text: done}]",
               ENGINE_DONE, "done");
    check_turn("turns: [{text: part, stop: max_tokens, times: 4}]", ENGINE_DONE, "part");
}

static void test_bad_calls_are_answered(void **state)
{
    check_turn("turns:\n"
               "  - tools: [{bash: '{\"command\": '}, {python: {code: x}}, {bash: {}}]\n"
               "  - expect: {contains: [not valid JSON, There is no tool 'python', \"needs "
               "'command'\"], errors: 3}\n"
               "    text: done\n",
               ENGINE_DONE, "done");
}

static void test_many_calls_in_one_reply(void **state)
{
    struct engine_result result;
    struct bench b;
    BUF_CLEANUP struct buf yaml = BUF_INIT(100000);

    buf_add_c(&yaml, "turns:\n  - tools:\n", NULL);
    for (int i = 0; i < 200; i++)
        buf_add_c(&yaml, "      - str_replace_based_edit_tool: {command: view, path: .}\n", NULL);
    buf_add_c(&yaml, "  - expect: {errors: 136, contains: [at most 64]}\n    text: done\n", NULL);
    bench_start(&b, buf_c(&yaml));
    result = turn(&b, "go");
    assert_int_equal(result.tool_calls, 64);
    bench_end(&b);
}

static void test_plan(void **state)
{
    struct engine_result result;
    struct bench b;

    bench_start(&b, "turns:\n"
                    "  - expect: {contains: [plan it], tools: [bash]}\n"
                    "    tools: [{bash: {command: touch made}}]\n"
                    "  - expect: {contains: [Plan first], errors: 1}\n"
                    "    text: 1. write\n"
                    "  - expect: {contains: [do it], cached: true}\n"
                    "    text: done\n");
    assert_int_equal(engine_find("direct")->plan(b.engine, "plan it", &b.a, &result, NULL), 0);
    assert_string_equal(result.text, "1. write");
    assert_int_equal(result.tool_calls, 0);
    assert_int_equal(access(fs_join(&b.a, b.env.work, "made"), F_OK), -1);
    turn(&b, "do it");
    bench_end(&b);

    bench_start(&b, "turns: [{text: but first, tools: [{bash: {command: ls}}], times: 3}]");
    assert_int_equal(engine_find("direct")->plan(b.engine, "plan it", &b.a, &result, NULL), 0);
    assert_string_equal(result.text, "but first");
    bench_end(&b);
}

static void test_restart_forgets(void **state)
{
    struct engine_result first, second;
    struct bench b;

    bench_start(&b, "turns: [{text: one}, {expect: {contains: [begin], cached: true}, text: two}]");
    first = turn(&b, "start");
    engine_find("direct")->restart(b.engine);
    second = turn(&b, "begin");
    assert_string_equal(second.text, "two");
    /* Words of the same length, and nothing else before them. */
    assert_int_equal(usage_input(&second.usage), usage_input(&first.usage));
    bench_end(&b);
}

static void test_turn_limit(void **state)
{
    struct engine_result result;
    struct bench b;

    bench_start(&b, "turns: [{tools: [{bash: {command: 'true'}}], times: 2}, "
                    "{expect: {contains: [go on]}, text: done}]");
    b.env.limits.turns = 2;
    result = turn(&b, "go");
    assert_int_equal(result.end, ENGINE_TURN_LIMIT);
    assert_int_equal(result.model_calls, 2);
    /* The conversation can be taken up again. */
    assert_int_equal(turn(&b, "go on").end, ENGINE_DONE);
    bench_end(&b);
}

static void test_money_limit(void **state)
{
    struct engine_result result;
    struct bench b;
    struct err err;

    /* A call may cost 16 000 tokens of output: 0.32 USD. */
    bench_start(&b, "turns: [{usage: {output_tokens: 8000}, tools: [{bash: {command: 'true'}}]}]");
    b.env.limits.nano_usd = NANO_USD * 17 / 100;
    err = turn_fails(&b, &result);
    assert_int_equal(err.kind, ERR_BUDGET);
    assert_contains(err.msg, "of the budget of 0.17 USD are spent");
    assert_int_equal(result.model_calls, 1);
    assert_true(result.nano_usd > NANO_USD * 16 / 100 && result.nano_usd <= NANO_USD * 17 / 100);
    /* What was spent isn't forgotten. */
    engine_find("direct")->restart(b.engine);
    assert_int_equal(turn_fails(&b, &result).kind, ERR_BUDGET);
    assert_int_equal(result.model_calls, 0);
    bench_end(&b);
}

static void test_token_limit(void **state)
{
    struct engine_result result;
    struct bench b;
    struct err err;

    bench_start(&b, "turns: [{usage: {output_tokens: 9000}, tools: [{bash: {command: 'true'}}]}]");
    b.env.limits.tokens = 10000;
    err = turn_fails(&b, &result);
    assert_int_equal(err.kind, ERR_BUDGET);
    assert_contains(err.msg, "of 10000 tokens are used");
    assert_int_equal(result.model_calls, 1);
    bench_end(&b);
}

static void test_deadline(void **state)
{
    struct engine_result result;
    struct bench b;

    bench_start(&b, "turns: [{tools: [{bash: {command: sleep 60}}]}]");
    b.env.limits.deadline = clock_now_ms() + 2000;
    assert_int_equal(turn_fails(&b, &result).kind, ERR_TIMEOUT);
    assert_int_equal(result.model_calls, 1);
    bench_end(&b);
}

static void test_model_errors_leave_a_conversation_that_goes_on(void **state)
{
    struct engine_result result;
    struct bench b;

    bench_start(&b, "turns: [{tools: [{bash: {command: echo out}}]}, {fault: {status: 401}}, "
                    "{expect: {contains: [out, again], cached: true}, text: done}]");
    assert_int_equal(turn_fails(&b, &result).kind, ERR_AUTH);
    assert_int_equal(result.model_calls, 2);
    assert_true(result.nano_usd > 0);
    turn(&b, "again");
    bench_end(&b);
}

static void test_retries_are_told_and_waste_is_paid(void **state)
{
    struct engine_result result;
    struct bench b;

    bench_start(&b, "turns: [{fault: {status: 529, retry_after_ms: 1}}, "
                    "{text: x, usage: {input_tokens: 1000}, fault: {after: cut, at: end}}, "
                    "{text: done, usage: {input_tokens: 100}}]");
    result = turn(&b, "go");
    assert_contains(b.events, "retry: the model API is overloaded: 529");
    assert_int_equal(result.usage.input, 1100);
    bench_end(&b);
}

static void test_sandbox_that_dies(void **state)
{
    struct engine_result result;
    struct test_envd other;
    struct bench b;

    test_envd_start(&other); /* first: while there is one thread */
    bench_start(&b, "turns: [{tools: [{bash: {command: 'true'}}, {bash: {command: ls}}]}, "
                    "{expect: {contains: [was broken off, not carried out, in a new one], errors: "
                    "2}, tools: [{bash: {command: echo alive}}]}, {expect: {contains: [alive]}, "
                    "text: done}]");
    test_envd_kill(&b.envd);
    assert_int_equal(turn_fails(&b, &result).kind, ERR_HOST);
    assert_int_equal(result.tool_calls, 1);
    b.env.envd = other.client;
    b.env.work = other.work;
    turn(&b, "go on in a new one");
    test_envd_stop(&other);
    bench_end(&b);
}

static void test_registry(void **state)
{
    assert_non_null(engine_find("direct"));
    assert_null(engine_find("magic"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_task),
        cmocka_unit_test(test_transcript),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_empty_replies_are_nudged_once),
        cmocka_unit_test(test_cut_replies),
        cmocka_unit_test(test_bad_calls_are_answered),
        cmocka_unit_test(test_many_calls_in_one_reply),
        cmocka_unit_test(test_plan),
        cmocka_unit_test(test_restart_forgets),
        cmocka_unit_test(test_turn_limit),
        cmocka_unit_test(test_money_limit),
        cmocka_unit_test(test_token_limit),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_model_errors_leave_a_conversation_that_goes_on),
        cmocka_unit_test(test_retries_are_told_and_waste_is_paid),
        cmocka_unit_test(test_sandbox_that_dies),
        cmocka_unit_test(test_registry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
