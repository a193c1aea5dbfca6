#include "config/dotenv.h"

#include "base/cleanup.h"
#include "support/unit.h"

static struct dotenv parse(struct arena *a, const char *text)
{
    struct dotenv d = {0};
    struct err err = {0};

    if (dotenv_parse(a, str_from(text), ".env", &d, &err))
        fail_msg("%s", err.msg);
    return d;
}

static const char *value_of(struct arena *a, const char *text)
{
    struct dotenv d = parse(a, text);

    assert_int_equal(d.n, 1);
    return d.items[0].value;
}

static void values_are_read_as_written(void **state)
{
    static const struct {
        const char *text, *value;
    } cases[] = {
        {"K=v", "v"},
        {"K=v\r\n", "v"},
        {"export K=v\n", "v"},
        {"  K=v  \n", "v"},
        {"K=", ""},
        {"K= # nothing", ""},
        {"K=a b", "a b"},
        {"K=a # comment", "a"},
        {"K=a#b", "a#b"},
        {"K=#a", "#a"},
        {"K=a=b", "a=b"},
        {"K=a\\nb", "a\\nb"},
        {"K='a # \\n \" $b'", "a # \\n \" $b"},
        {"K='a' # comment", "a"},
        {"K=\"a\\n\\t\\\"\\\\ # 'b'\"", "a\n\t\"\\ # 'b'"},
        {"K=''", ""},
        {"K=\"\" \t", ""},
        {"K=$HOME/x", "$HOME/x"},
        {"_k9=\xc3\xa9", "\xc3\xa9"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ARENA_CLEANUP struct arena a = {0};

        assert_string_equal(value_of(&a, cases[i].text), cases[i].value);
    }
}

static void what_is_not_the_grammar_is_an_error_with_its_line(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"# ok\n\nK", ".env:3: there is no '='"},
        {"K =v", ".env:1: there must be no space before"},
        {"K= v", ".env:1: there must be no space after"},
        {"9K=v", ".env:1: a line must be NAME=value"},
        {"=v", ".env:1: a line must be NAME=value"},
        {"A-B=v", ".env:1: a name is made of"},
        {"K='v", ".env:1: the quote is not closed"},
        {"K=\"v\n\"", ".env:1: the quote is not closed"},
        {"K=\"v\\\"", ".env:1: the quote is not closed"},
        {"K=\"v\\", ".env:1: only \\n"},
        {"K=\"\\x\"", ".env:1: only \\n"},
        {"K='a'b", ".env:1: there is something after"},
        {"K='a'#b", ".env:1: there is something after"},
        {"K=it's", ".env:1: a value with a quote inside"},
        {"K=a\"b\"", ".env:1: a value with a quote inside"},
        {"export", ".env:1: there is no '='"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ARENA_CLEANUP struct arena a = {0};
        struct dotenv d;
        struct err err = {0};

        assert_int_equal(dotenv_parse(&a, str_from(cases[i].text), ".env", &d, &err), -1);
        assert_int_equal(err.kind, ERR_CONFIG);
        assert_contains(err.msg, cases[i].message);
    }
}

static void a_nul_is_an_error(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct dotenv d;
    struct err err = {0};

    assert_int_equal(dotenv_parse(&a, STR("K=a\0b\n"), ".env", &d, &err), -1);
    assert_contains(err.msg, "NUL");
}

static void the_last_of_two_equal_names_wins(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct dotenv d = parse(&a, "K=1\nL=2\nK=3\n");

    assert_int_equal(d.n, 2);
    assert_string_equal(dotenv_find(&d, "K")->value, "3");
    assert_int_equal(dotenv_find(&d, "K")->line, 3);
    assert_null(dotenv_find(&d, "M"));
    assert_int_equal(d.warnings.n, 1);
    assert_contains(d.warnings.items[0], ".env:3: K was set on line 1");
}

static void a_dollar_is_warned_about_unless_it_is_in_single_quotes(void **state)
{
    ARENA_CLEANUP struct arena a = {0};

    assert_int_equal(parse(&a, "K=$x\nL=\"$x\"\n").warnings.n, 2);
    assert_int_equal(parse(&a, "K='$x'\n").warnings.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read_as_written),
        cmocka_unit_test(what_is_not_the_grammar_is_an_error_with_its_line),
        cmocka_unit_test(a_nul_is_an_error),
        cmocka_unit_test(the_last_of_two_equal_names_wins),
        cmocka_unit_test(a_dollar_is_warned_about_unless_it_is_in_single_quotes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
