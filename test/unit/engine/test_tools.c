#include "support/unit.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "engine/tools.h"
#include "engine/tools_text.h"
#include "support/envd.h"

struct box {
    struct test_envd envd;
    struct engine_env env;
    struct tools tools;
    struct arena a;
};

static void box_start(struct box *b)
{
    *b = (struct box){0};
    test_envd_start(&b->envd);
    b->env.envd = b->envd.client;
    b->env.work = b->envd.work;
    b->tools.env = &b->env;
}

static void box_stop(struct box *b)
{
    tools_clear(&b->tools);
    test_envd_stop(&b->envd);
    arena_clear(&b->a);
}

/* Runs a tool; the input is taken over. */
static struct tools_result call(struct box *b, const char *name, json_t *input)
{
    JSON_CLEANUP json_t *owned = input;
    struct tools_result result;
    struct err err = {0};

    assert_non_null(owned);
    if (tools_run(&b->tools, &b->a, name, owned, &result, &err))
        fail_msg("%s", err.msg);
    assert_true(result.text.n > 0);
    assert_non_null(result.brief);
    return result;
}

static struct tools_result bash(struct box *b, const char *command)
{
    return call(b, "bash", json_pack("{s:s}", "command", command));
}

#define edit(b, ...) call(b, "str_replace_based_edit_tool", json_pack(__VA_ARGS__))

static void check_text(struct tools_result result, bool failed, const char *text)
{
    assert_string_equal(result.text.p, text);
    assert_int_equal(result.failed, failed);
}

static void test_commands(void **state)
{
    struct box b;

    box_start(&b);
    check_text(bash(&b, "echo out; echo err >&2"), false, "out\nerr\n");
    check_text(bash(&b, "true"), false, "(no output)");
    check_text(bash(&b, "echo no; exit 3"), true, "no\n[exit code 3]");
    assert_string_equal(bash(&b, "echo first; echo last; exit 3").brief, "[exit code 3] last");
    check_text(bash(&b, "printf 'no line end'; false"), true, "no line end\n[exit code 1]");
    check_text(bash(&b, "kill -9 $$"), true, "[signal: killed]");
    check_text(bash(&b, "cat <<'E'\na 'b' \"c\"\nE\n"), false, "a 'b' \"c\"\n");
    assert_true(bash(&b, "if").failed);
    box_stop(&b);
}

static void test_command_output_is_cleaned(void **state)
{
    struct box b;

    box_start(&b);
    check_text(bash(&b, "printf '\\033[31mred\\033[0m\\a\\xff\\n'"), false, "red\xef\xbf\xbd\n");
    box_stop(&b);
}

static void test_folder_is_kept_between_commands(void **state)
{
    struct box b;
    char *sub;

    box_start(&b);
    sub = arena_printf(&b.a, "%s/it's\n", b.env.work);
    check_text(bash(&b, "pwd"), false, arena_printf(&b.a, "%s\n", b.env.work));
    bash(&b, "mkdir \"it's\"; cd \"it's\"; exit 1");
    check_text(bash(&b, "pwd"), false, sub);
    check_text(bash(&b, "x=1; cd /; (cd /usr)"), false, "(no output)");
    check_text(bash(&b, "pwd; echo [$x]"), false, "/\n[]\n");
    call(&b, "bash", json_pack("{s:b}", "restart", 1));
    check_text(bash(&b, "pwd"), false, arena_printf(&b.a, "%s\n", b.env.work));
    bash(&b, "cd \"it's\" && rmdir \"../it's\"");
    check_text(bash(&b, "pwd"), false, arena_printf(&b.a, "%s\n", b.env.work));
    box_stop(&b);
}

static void test_long_output_keeps_head_and_tail(void **state)
{
    struct tools_result result;
    unsigned long long omitted;
    struct str head, tail;
    ptrdiff_t at;
    struct box b;

    box_start(&b);
    result = bash(&b, "seq 100000 200000");
    assert_false(result.failed);
    assert_true(result.text.n <= TOOLS_OUTPUT_MAX + 100);
    at = str_find(result.text, STR("\n[... "));
    assert_true(at > 0);
    head = (struct str){result.text.p, (size_t)at + 1};
    tail = str_from_pos(result.text, (size_t)at + 6);
    assert_int_equal(sscanf(tail.p, "%llu bytes omitted", &omitted), 1);
    tail = str_from_pos(tail, (size_t)str_find_char(tail, '\n') + 1);
    /* Nothing is lost that isn't counted: 100 001 lines of 7 bytes. */
    assert_int_equal(head.n + tail.n + omitted, 700007);
    assert_int_equal(head.n % 7, 0);
    assert_int_equal(tail.n % 7, 0);
    assert_true(str_starts(head, "100000\n100001\n"));
    assert_true(str_ends(tail, "\n200000\n"));
    assert_string_equal(result.brief, "200000");
    box_stop(&b);
}

static void test_command_has_a_time_limit(void **state)
{
    struct tools_result result;
    struct box b;

    box_start(&b);
    b.env.limits.command_ms = 300;
    result = bash(&b, "echo started; sleep 60 & echo $! >pid; sleep 60");
    assert_true(result.failed);
    assert_contains(result.text.p, "started\n[stopped after its time limit of 300 ms");
    b.env.limits.command_ms = 0;
    /* What it started in the background is ended too. */
    check_text(bash(&b, "grep -s State: /proc/$(cat pid)/status | grep -v Z; true"), false,
               "(no output)");
    box_stop(&b);
}

static void test_task_deadline_bounds_commands(void **state)
{
    JSON_CLEANUP json_t *input = json_pack("{s:s}", "command", "sleep 60");
    struct tools_result result;
    struct err err = {0};
    struct box b;

    box_start(&b);
    b.env.limits.deadline = clock_now_ms() + 500;
    assert_true(bash(&b, "sleep 60").failed);
    b.env.limits.deadline = clock_now_ms();
    assert_int_equal(tools_run(&b.tools, &b.a, "bash", input, &result, &err), -1);
    assert_int_equal(err.kind, ERR_TIMEOUT);
    box_stop(&b);
}

static void test_too_much_output_stops_a_command(void **state)
{
    struct tools_result result;
    struct box b;

    box_start(&b);
    result = bash(&b, "yes | head -c 80000000");
    assert_true(result.failed);
    assert_contains(result.text.p, "[stopped: it printed too much.");
    box_stop(&b);
}

static void test_bad_input_of_bash(void **state)
{
    char *huge = test_malloc(TOOLS_COMMAND_MAX + 2);
    struct box b;

    box_start(&b);
    memset(huge, 'x', TOOLS_COMMAND_MAX + 1);
    huge[TOOLS_COMMAND_MAX + 1] = '\0';
    assert_contains(call(&b, "bash", json_object()).text.p, "needs 'command'");
    assert_contains(call(&b, "bash", json_pack("{s:i}", "command", 1)).text.p, "needs 'command'");
    assert_contains(call(&b, "bash", json_pack("{s:s%}", "command", "a\0b", (size_t)3)).text.p,
                    "needs 'command'");
    assert_contains(bash(&b, huge).text.p, "at most 102400 are possible");
    assert_contains(call(&b, "python", json_object()).text.p, "There is no tool 'python'");
    test_free(huge);
    box_stop(&b);
}

static void test_files_are_created_and_viewed(void **state)
{
    struct tools_result result;
    struct box b;
    char *path;

    box_start(&b);
    path = arena_printf(&b.a, "%s/pkg/a.py", b.env.work);
    result = edit(&b, "{s:s, s:s, s:s}", "command", "create", "path", path, "file_text",
                  "one\ntwo\nthree");
    assert_false(result.failed);
    assert_string_equal(result.file, path);
    result = edit(&b, "{s:s, s:s}", "command", "view", "path", path);
    check_text(result, false, "     1\tone\n     2\ttwo\n     3\tthree\n");
    assert_null(result.file);
    /* Relative paths are those of the workspace. */
    check_text(
        edit(&b, "{s:s, s:s, s:[i,i]}", "command", "view", "path", "pkg/a.py", "view_range", 2, -1),
        false, "     2\ttwo\n     3\tthree\n");
    check_text(
        edit(&b, "{s:s, s:s, s:[i,i]}", "command", "view", "path", "pkg/a.py", "view_range", 1, 1),
        false, "     1\tone\n");
    assert_contains(
        edit(&b, "{s:s, s:s, s:[i,i]}", "command", "view", "path", "pkg/a.py", "view_range", 4, 5)
            .text.p,
        "starts at line 4");
    assert_contains(
        edit(&b, "{s:s, s:s, s:[i]}", "command", "view", "path", "pkg/a.py", "view_range", 1)
            .text.p,
        "must be [first, last]");
    result = edit(&b, "{s:s, s:s}", "command", "view", "path", b.env.work);
    assert_contains(result.text.p, "/work/pkg/\n");
    assert_contains(result.text.p, "/work/pkg/a.py\n");
    box_stop(&b);
}

static void test_what_can_not_be_viewed(void **state)
{
    struct box b;

    box_start(&b);
    bash(&b, "printf 'a\\0b' >binary; : >empty; seq 100000 >long");
    assert_contains(edit(&b, "{s:s, s:s}", "command", "view", "path", "none").text.p, "none");
    assert_true(edit(&b, "{s:s, s:s}", "command", "view", "path", "none").failed);
    assert_contains(edit(&b, "{s:s, s:s}", "command", "view", "path", "binary").text.p,
                    "is a binary file of 3 bytes");
    assert_contains(edit(&b, "{s:s, s:s}", "command", "view", "path", "empty").text.p, "is empty");
    assert_contains(edit(&b, "{s:s, s:s}", "command", "view", "path", "long").text.p,
                    "[use view_range to see the rest]");
    assert_true(edit(&b, "{s:s, s:s}", "command", "create", "path", "x").failed);
    assert_contains(edit(&b, "{s:s, s:s}", "command", "undo", "path", "x").text.p, "must be view");
    assert_contains(edit(&b, "{s:s}", "command", "view").text.p, "needs 'path'");
    box_stop(&b);
}

static struct tools_result replace(struct box *b, const char *old, const char *with)
{
    return edit(b, "{s:s, s:s, s:s, s:s}", "command", "str_replace", "path", "f", "old_str", old,
                "new_str", with);
}

static void test_text_is_replaced_exactly_once(void **state)
{
    struct tools_result result;
    struct box b;

    box_start(&b);
    bash(&b, "printf 'a = 1\\nb = 1\\nc = 2\\n' >f; printf 'x\\r\\ny\\r\\n' >dos");
    result = replace(&b, "= 1", "= 3");
    assert_true(result.failed);
    assert_contains(result.text.p, "occurs 2 times in");
    assert_contains(replace(&b, "= 9", "").text.p, "does not occur in");
    assert_contains(replace(&b, "", "x").text.p, "isn't empty");
    result = replace(&b, "b = 1\n", "b = \\1 & more\n");
    assert_contains(result.text.p, "at line 2");
    assert_non_null(result.file);
    check_text(bash(&b, "cat f"), false, "a = 1\nb = \\1 & more\nc = 2\n");
    /* Without new_str the text is removed. */
    edit(&b, "{s:s, s:s, s:s}", "command", "str_replace", "path", "f", "old_str", "a = 1\n");
    check_text(bash(&b, "cat f"), false, "b = \\1 & more\nc = 2\n");
    edit(&b, "{s:s, s:s, s:s, s:s}", "command", "str_replace", "path", "dos", "old_str", "x\ny",
         "new_str", "p\nq");
    check_text(bash(&b, "od -c dos | head -1"), false, "0000000   p  \\r  \\n   q  \\r  \\n\n");
    box_stop(&b);
}

static void test_text_is_inserted(void **state)
{
    struct box b;

    box_start(&b);
    bash(&b, "printf 'one\\ntwo' >f");
    edit(&b, "{s:s, s:s, s:i, s:s}", "command", "insert", "path", "f", "insert_line", 0,
         "insert_text", "zero\n");
    edit(&b, "{s:s, s:s, s:i, s:s}", "command", "insert", "path", "f", "insert_line", 3,
         "insert_text", "three");
    check_text(bash(&b, "cat f"), false, "zero\none\ntwo\nthree\n");
    assert_contains(edit(&b, "{s:s, s:s, s:i, s:s}", "command", "insert", "path", "f",
                         "insert_line", 5, "insert_text", "x")
                        .text.p,
                    "must be from 0 to 4");
    assert_contains(
        edit(&b, "{s:s, s:s, s:s}", "command", "insert", "path", "f", "insert_text", "x").text.p,
        "needs 'insert_line'");
    box_stop(&b);
}

static void test_dead_sandbox_is_an_error(void **state)
{
    JSON_CLEANUP json_t *view = json_pack("{s:s, s:s}", "command", "view", "path", "f");
    JSON_CLEANUP json_t *command = json_pack("{s:s}", "command", "true");
    struct tools_result result;
    struct err err = {0};
    struct box b;

    box_start(&b);
    test_envd_kill(&b.envd);
    assert_int_equal(tools_run(&b.tools, &b.a, "bash", command, &result, &err), -1);
    assert_int_equal(err.kind, ERR_HOST);
    err.kind = ERR_NONE;
    assert_int_equal(tools_run(&b.tools, &b.a, "str_replace_based_edit_tool", view, &result, &err),
                     -1);
    assert_int_equal(err.kind, ERR_HOST);
    box_stop(&b);
}

static void test_descriptions(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    JSON_CLEANUP json_t *command = json_pack("{s:s}", "command", "make\ntest\033[1m");
    JSON_CLEANUP json_t *view = json_pack("{s:s, s:s}", "command", "view", "path", "/work/a.c");
    JSON_CLEANUP json_t *odd = json_pack("[]");

    assert_string_equal(tools_describe(&a, "bash", command), "bash: make\\ntest");
    assert_string_equal(tools_describe(&a, "str_replace_based_edit_tool", view),
                        "edit: view /work/a.c");
    assert_string_equal(tools_describe(&a, "bash", odd), "bash:");
    assert_string_equal(tools_describe(&a, "other", view), "other:");
    assert_string_equal(tools_one_line(&a, STR("aaääää"), 8), "aaä...");
}

static void test_lines(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    size_t line = 0;

    assert_int_equal(tools_text_lines(STR("")), 0);
    assert_int_equal(tools_text_lines(STR("a")), 1);
    assert_int_equal(tools_text_lines(STR("a\n")), 1);
    assert_int_equal(tools_text_lines(STR("a\n\nb")), 3);
    assert_int_equal(tools_text_count(STR("aaaa"), STR("aa"), &line), 2);
    assert_int_equal(line, 1);
    assert_int_equal(tools_text_count(STR("a\nb\nc b"), STR("b"), &line), 2);
    assert_int_equal(line, 2);
    assert_int_equal(tools_text_count(STR("a\nc b"), STR("b"), &line), 1);
    assert_int_equal(line, 2);
    assert_str(tools_text_insert(&a, STR(""), 0, STR("x")), "x\n");
    assert_str(tools_text_insert(&a, STR("a\nb\n"), 1, STR("x\n")), "a\nx\nb\n");
    assert_str(tools_text_numbered(&a, STR("a\n\nb"), 1, 3), "     1\ta\n     2\t\n     3\tb\n");
    assert_str(tools_text_crlf(&a, STR("a\nb\n")), "a\r\nb\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_command_output_is_cleaned),
        cmocka_unit_test(test_folder_is_kept_between_commands),
        cmocka_unit_test(test_long_output_keeps_head_and_tail),
        cmocka_unit_test(test_command_has_a_time_limit),
        cmocka_unit_test(test_task_deadline_bounds_commands),
        cmocka_unit_test(test_too_much_output_stops_a_command),
        cmocka_unit_test(test_bad_input_of_bash),
        cmocka_unit_test(test_files_are_created_and_viewed),
        cmocka_unit_test(test_what_can_not_be_viewed),
        cmocka_unit_test(test_text_is_replaced_exactly_once),
        cmocka_unit_test(test_text_is_inserted),
        cmocka_unit_test(test_dead_sandbox_is_an_error),
        cmocka_unit_test(test_descriptions),
        cmocka_unit_test(test_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
