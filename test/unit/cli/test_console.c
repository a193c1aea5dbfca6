#include "cli/console.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "support/unit.h"

/* A console that draws into memory. */
struct screen {
    FILE *file;
    char *text;
    size_t n;
    struct console *console;
};

static void open_screen(struct screen *s, bool quiet, bool verbose)
{
    *s = (struct screen){0};
    s->file = open_memstream(&s->text, &s->n);
    assert_non_null(s->file);
    s->console =
        console_new(&(struct console_options){.file = s->file, .quiet = quiet, .verbose = verbose});
}

static void close_screen(struct screen *s)
{
    console_free(s->console);
    fclose(s->file);
    free(s->text);
}

static void event(struct screen *s, const char *json)
{
    struct err err = {0};
    JSON_CLEANUP json_t *e = json_parse(str_from(json), "event", &err);

    if (!e)
        fail_msg("%s", err.msg);
    console_event(s->console, e);
}

static const char *const red_then_green[] = {
    "{'type':'task_started','task':'t-1','model':'scripted-1','iterations':3,'budget_usd':'5.00',"
    "'scripted':true}",
    "{'type':'sandbox_opened','purpose':'work','sandbox':{'id':'sb','opened_ms':3}}",
    "{'type':'plan','text':'1. write\\n2. test'}",
    "{'type':'iteration_started','iteration':1,'of':3,'fresh':false}",
    "{'type':'engine_text','text':'I write it.'}",
    "{'type':'engine_tool','text':'create /work/calc.py'}",
    "{'type':'engine_file','path':'/work/calc.py'}",
    "{'type':'engine_tool_end','text':'ok','failed':false}",
    "{'type':'engine_file','path':'test_calc.py'}",
    "{'type':'engine_file','path':'calc.py'}",
    "{'type':'tree_collected','files':2,'bytes':90,'notes':['refused x']}",
    "{'type':'check_started','check':'build','dir':'.'}",
    "{'type':'check_finished','check':'build','dir':'.','outcome':'pass','detail':'2 files'}",
    "{'type':'check_finished','check':'types','dir':'.','outcome':'na','detail':null}",
    "{'type':'check_finished','check':'tests','dir':'api','outcome':'fail','detail':'1 of 4 "
    "failed'}",
    "{'type':'iteration_finished','iteration':1,'green':false}",
    "{'type':'model_retry','reason':'429 rate_limit','wait_ms':4000}",
    "{'type':'iteration_started','iteration':2,'of':3,'fresh':false}",
    "{'type':'tree_collected','files':2,'bytes':90,'notes':[]}",
    "{'type':'check_finished','check':'tests','dir':'.','outcome':'error','detail':'no tool'}",
    "{'type':'warning','text':'odd'}",
    "{'type':'iteration_finished','iteration':2,'green':true}",
    "{'type':'verify_started'}",
    "{'type':'check_finished','check':'tests','dir':'.','outcome':'pass','detail':'4 passed'}",
    "{'type':'verify_finished','green':true}",
    "{'type':'something_new','x':1}",
    "{'type':'task_finished','state':'succeeded','reason':'ok','detail':'tests pass 4',"
    "'iterations':2,'cost_usd':'0.29','wall_ms':4100,'files':[{'path':'calc.py','bytes':90},"
    "{'path':'test_calc.py','bytes':2048}],'verdict':{'green':true,'verified_in_fresh_sandbox':true"
    ",'checks':[{'check':'build','outcome':'na','dir':'.','detail':'no such step'},"
    "{'check':'tests','outcome':'pass','dir':'.','detail':'4 passed','command':'pytest'}]}}",
};

/* Plays events that are written with single quotes for double ones. */
static void play(struct screen *s, const char *const *events, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ARENA_CLEANUP struct arena a = {0};
        char *json = arena_strdup(&a, events[i]);

        for (char *p = json; *p; p++)
            *p = *p == '\'' ? '"' : *p;
        event(s, json);
    }
    fflush(s->file);
}

static void a_task_as_plain_lines(void **state)
{
    struct screen s;

    open_screen(&s, false, false);
    play(&s, red_then_green, ARRAY_LEN(red_then_green));
    assert_string_equal(s.text,
                        "Task t-1\n"
                        "Model scripted-1 (played by a script), at most 3 iterations and $5.00\n"
                        "Planning... done\n"
                        "  1. write\n"
                        "  2. test\n"
                        "\n"
                        "=== ITERATION 1/3 ===\n"
                        "Writing... calc.py, test_calc.py\n"
                        "  refused x\n"
                        "Running build... pass (2 files)\n"
                        "Running types... n/a\n"
                        "Running tests in api... failed (1 of 4 failed)\n"
                        "Waiting 4.0 s for the model: 429 rate_limit\n"
                        "Fixing...\n"
                        "\n"
                        "=== ITERATION 2/3 ===\n"
                        "Writing... 2 files\n"
                        "Running tests... error (no tool)\n"
                        "warning: odd\n"
                        "\n"
                        "=== VERIFYING in a fresh sandbox ===\n"
                        "Running tests... pass (4 passed)\n"
                        "\n"
                        "=== PROJECT READY ===\n"
                        "tests pass 4\n"
                        "\n"
                        "Files\n"
                        "  calc.py                                        90 B\n"
                        "  test_calc.py                                2.0 KiB\n"
                        "\n"
                        "Checks, repeated in a fresh sandbox without network\n"
                        "  build  n/a     no such step\n"
                        "  tests  pass    4 passed  (pytest)\n"
                        "\n"
                        "2 iterations, 4.1 s, $0.29 at list prices\n");
    close_screen(&s);
}

static void quiet_shows_the_end_alone(void **state)
{
    struct screen s;

    open_screen(&s, true, false);
    play(&s, red_then_green, ARRAY_LEN(red_then_green));
    assert_true(str_starts(str_from(s.text), "\n=== PROJECT READY ===\n"));
    close_screen(&s);
}

static void verbose_shows_what_the_agent_does(void **state)
{
    struct screen s;

    open_screen(&s, false, true);
    play(&s, red_then_green, ARRAY_LEN(red_then_green));
    assert_contains(s.text, "\n  I write it.\n  > create /work/calc.py\n    ok\n");
    assert_contains(s.text, "\nSandbox sb opened in 3 ms\n");
    close_screen(&s);
}

static void a_red_task_says_why(void **state)
{
    static const char *const events[] = {
        "{'type':'task_finished','state':'failed','reason':'checks_red','detail':'after 3 "
        "iterations: tests FAIL','iterations':3,'cost_usd':'1.00','wall_ms':1000,'files':[],"
        "'verdict':null}",
    };
    struct screen s;

    open_screen(&s, false, false);
    play(&s, events, 1);
    assert_string_equal(s.text, "\n=== NOT READY: checks_red ===\n"
                                "after 3 iterations: tests FAIL\n"
                                "\n3 iterations, 1.0 s, $1.00 at list prices\n");
    close_screen(&s);
}

static void nothing_from_outside_reaches_the_terminal_raw(void **state)
{
    static const char *const events[] = {
        "{'type':'task_started','task':'\\u001b[2J','model':'\\u001b]0;x\\u0007','iterations':1}",
        "{'type':'plan','text':'\\u001b[31mred'}",
        "{'type':'engine_tool','text':'\\u001b[1m\\nforged line'}",
        "{'type':'engine_file','path':'\\u202egpj.exe'}",
        "{'type':'tree_collected','files':1,'notes':['\\u001b[H\\nforged line']}",
        "{'type':'check_finished','check':'tests','outcome':'\\u001b[5m','detail':'\\r\\nforged "
        "line'}",
        "{'type':'task_finished','state':'\\u001b','reason':'\\u001bc','detail':'\\u009b1m',"
        "'files':[{'path':'\\u001b[2J','bytes':-1}],'verdict':{'checks':[{'check':'\\u001b',"
        "'detail':'a\\nforged line'}]}}",
    };
    struct screen s;

    open_screen(&s, false, true);
    play(&s, events, ARRAY_LEN(events));
    assert_null(strchr(s.text, '\033'));
    assert_null(strchr(s.text, '\a'));
    assert_null(strstr(s.text, "\xe2\x80\xae"));
    assert_null(strstr(s.text, "\xc2\x9b"));
    assert_null(strstr(s.text, "\nforged line"));
    close_screen(&s);
}

/* Events of wrong shapes, as a damaged file may hold them. */
static void any_json_is_survived(void **state)
{
    static const char *const events[] = {
        "{}",
        "[]",
        "{'type':1}",
        "{'type':'plan','text':{}}",
        "{'type':'tree_collected','notes':'x'}",
        "{'type':'check_finished','check':[],'outcome':7}",
        "{'type':'usage','total_cost_usd':'nan'}",
        "{'type':'task_finished','files':[1,null],'verdict':{'checks':[null,'x']}}",
    };
    struct screen s;

    open_screen(&s, false, true);
    play(&s, events, ARRAY_LEN(events));
    assert_contains(s.text, "NOT READY");
    close_screen(&s);
}

static void silence_is_broken_every_30_seconds(void **state)
{
    static const char *const events[] = {
        "{'type':'task_started','task':'t','model':'m','iterations':1}",
        "{'type':'engine_usage','cost_usd':'0.25'}",
        "{'type':'check_started','check':'tests','dir':'.'}",
    };
    int64_t now = clock_now_ms();
    struct screen s;
    size_t before;

    open_screen(&s, false, false);
    play(&s, events, ARRAY_LEN(events));
    before = s.n;
    console_tick(s.console, now + 20000);
    fflush(s.file);
    assert_int_equal(s.n, before);
    console_tick(s.console, now + 40000);
    fflush(s.file);
    assert_contains(s.text + before, "... Running tests, ");
    assert_contains(s.text + before, ", $0.25\n");
    close_screen(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_as_plain_lines),
        cmocka_unit_test(quiet_shows_the_end_alone),
        cmocka_unit_test(verbose_shows_what_the_agent_does),
        cmocka_unit_test(a_red_task_says_why),
        cmocka_unit_test(nothing_from_outside_reaches_the_terminal_raw),
        cmocka_unit_test(any_json_is_survived),
        cmocka_unit_test(silence_is_broken_every_30_seconds),
    };

    /* The tests are about plain lines. */
    unsetenv("FORCE_COLOR");
    unsetenv("CLICOLOR_FORCE");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
