#include "cli/options.h"

#include "base/cleanup.h"
#include "support/unit.h"

static const struct option_spec global[] = {
    {"json", 0, OPTION_FLAG, NULL, "", NULL, false},
    {"quiet", 'q', OPTION_FLAG, NULL, "", NULL, false},
    {0},
};

static const struct option_spec own[] = {
    {"file", 'f', OPTION_FILE, "FILE", "", NULL, false},
    {"iterations", 0, OPTION_WORD, "N", "", "task.iterations", false},
    {"model", 0, OPTION_WORD, "MODEL", "", "model.name", false},
    {"bind", 0, OPTION_WORD, "PATH", "", NULL, true},
    {0},
};

static const struct option_spec *const tables[] = {global, own, NULL};

/* Splits "run --json x" at spaces and parses it. */
static int parse(struct arena *a, const char *line, bool options_first, struct options *ret,
                 struct err *err)
{
    char **argv = ARENA_ARRAY(a, strlen(line) + 1, char *);
    struct str rest = str_from(line), word;
    int argc = 0;

    while (str_next(&rest, ' ', &word))
        memcpy(&argv[argc++], &(const char *){arena_dup(a, word).p}, sizeof(char *));
    return options_parse(a, tables, argc, argv, options_first, ret, err);
}

static struct options parsed(struct arena *a, const char *line, bool options_first)
{
    struct options o = {0};
    struct err err = {0};

    if (parse(a, line, options_first, &o, &err))
        fail_msg("%s: %s", line, err.msg);
    return o;
}

static void options_and_arguments_in_any_order(void **state)
{
    static const char *const lines[] = {
        "run -q --file x spec --model=opus",
        "run spec --model opus -f x --quiet",
        "run -qfx --model opus spec",
        "run -q -fx --model opus -- spec",
    };

    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        ARENA_CLEANUP struct arena a = {0};
        struct options o = parsed(&a, lines[i], false);

        assert_true(options_has(&o, "quiet"));
        assert_false(options_has(&o, "json"));
        assert_string_equal(options_value(&o, "file"), "x");
        assert_string_equal(options_value(&o, "model"), "opus");
        assert_null(options_value(&o, "iterations"));
        assert_int_equal(o.n_args, 1);
        assert_string_equal(o.args[0], "spec");
        assert_null(o.args[1]);
    }
}

static void a_lone_dash_is_an_argument(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct options o = parsed(&a, "run -q -", false);

    assert_int_equal(o.n_args, 1);
    assert_string_equal(o.args[0], "-");
}

static void what_follows_a_command_is_not_ours(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct options o = parsed(&a, "exec -q make --json -f x", true);

    assert_true(options_has(&o, "quiet"));
    assert_false(options_has(&o, "json"));
    assert_int_equal(o.n_args, 4);
    assert_string_equal(o.args[0], "make");
    assert_string_equal(o.args[1], "--json");
}

static void options_of_both_levels_add_up(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct options o = parsed(&a, "kiln -q run", true);
    struct err err = {0};

    assert_int_equal(parse(&a, "run --json x", false, &o, &err), 0);
    assert_true(options_has(&o, "quiet"));
    assert_true(options_has(&o, "json"));
    assert_string_equal(o.args[0], "x");
}

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"run --itterations 3", "unknown option '--itterations'; did you mean '--iterations'?"},
        {"run --itterations=3", "unknown option '--itterations'; did you mean '--iterations'?"},
        {"run --iter 3", "unknown option '--iter'; did you mean '--iterations'?"},
        {"run --iter=3", "unknown option '--iter'; did you mean '--iterations'?"},
        {"run --q", "unknown option '--q'; did you mean '--quiet'?"},
        {"run --zzzzzzzzz", "unknown option '--zzzzzzzzz'"},
        {"run -x", "unknown option '-x'"},
        {"run -qx", "unknown option '-x'"},
        {"run --model", "'--model' needs a value: MODEL"},
        {"run -f", "'--file' needs a value: FILE"},
        {"run --json=yes", "'--json' takes no value"},
        {"run --model a --model b", "'--model' is given twice"},
        {"run spec -f a --file=b", "'--file' is given twice"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ARENA_CLEANUP struct arena a = {0};
        struct options o = {0};
        struct err err = {0};

        assert_int_equal(parse(&a, cases[i].line, false, &o, &err), -1);
        assert_int_equal(err.kind, ERR_USAGE);
        assert_string_equal(err.msg, cases[i].message);
        assert_int_equal(o.n_given, 0);
    }
}

static void some_repeat(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct options o = parsed(&a, "exec --bind /a -q --bind=/b", false);
    size_t at = 0;

    assert_string_equal(options_next(&o, "bind", &at), "/a");
    assert_string_equal(options_next(&o, "bind", &at), "/b");
    assert_null(options_next(&o, "bind", &at));
}

static void those_with_a_key_override_settings(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct options o = parsed(&a, "run --iterations 3 -q --model=x", false);
    struct config_override *list;
    size_t n;

    options_overrides(&o, &a, &list, &n);
    assert_int_equal(n, 2);
    assert_string_equal(list[0].key, "task.iterations");
    assert_string_equal(list[0].value, "3");
    assert_string_equal(list[0].flag, "--iterations");
    assert_string_equal(list[1].key, "model.name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_arguments_in_any_order),
        cmocka_unit_test(a_lone_dash_is_an_argument),
        cmocka_unit_test(what_follows_a_command_is_not_ours),
        cmocka_unit_test(options_of_both_levels_add_up),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(some_repeat),
        cmocka_unit_test(those_with_a_key_override_settings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
