#include "json/yaml.h"
#include "support/unit.h"

struct limits {
    const char *name, *note;
    int64_t iterations;
    double dollars;
    bool network;
    struct json_strings commands;
    struct json_pairs env;
    const json_t *object, *array, *any;
};

static const struct json_field fields[] = {
    {"name", JSON_KIND_STRING, offsetof(struct limits, name), .required = true},
    {"note", JSON_KIND_TEXT, offsetof(struct limits, note)},
    {"iterations", JSON_KIND_INT, offsetof(struct limits, iterations), .min = 1, .max = 100},
    {"dollars", JSON_KIND_REAL, offsetof(struct limits, dollars), .max = 50.5},
    {"network", JSON_KIND_BOOL, offsetof(struct limits, network)},
    {"commands", JSON_KIND_STRINGS, offsetof(struct limits, commands)},
    {"env", JSON_KIND_PAIRS, offsetof(struct limits, env)},
    {"object", JSON_KIND_OBJECT, offsetof(struct limits, object)},
    {"array", JSON_KIND_ARRAY, offsetof(struct limits, array)},
    {"any", JSON_KIND_ANY, offsetof(struct limits, any)},
    {NULL},
};

static void every_kind(void **state)
{
    static const char text[] = "name: x\n"
                               "note: ''\n"
                               "iterations: 100\n"
                               "dollars: 5\n"
                               "network: true\n"
                               "commands: [make, make test]\n"
                               "env: {A: one, B: 2, C: false}\n"
                               "object: {}\n"
                               "array: [1]\n"
                               "any: 3\n";
    ARENA_CLEANUP struct arena a = {0};
    struct json_source src;
    JSON_CLEANUP json_t *v = yaml_parse(&a, STR(text), "k.yaml", &src, NULL);
    struct limits l = {0};

    assert_int_equal(json_decode(&a, &src, v, "limits", fields, &l, NULL), 0);
    assert_string_equal(l.name, "x");
    assert_string_equal(l.note, "");
    assert_int_equal(l.iterations, 100);
    assert_true(l.dollars == 5 && l.network);
    assert_int_equal(l.commands.n, 2);
    assert_string_equal(l.commands.items[1], "make test");
    assert_int_equal(l.env.n, 3);
    assert_string_equal(l.env.items[0].name, "A");
    assert_string_equal(l.env.items[0].value, "one");
    assert_string_equal(l.env.items[1].value, "2");
    assert_string_equal(l.env.items[2].value, "false");
    assert_true(json_is_object(l.object) && json_is_array(l.array));
    assert_int_equal(json_integer_value(l.any), 3);
}

static void absent_and_null_leave_the_default(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct json_source src = {.name = "message"};
    JSON_CLEANUP json_t *v = json_parse(
        STR("{\"name\": \"x\", \"iterations\": null, \"commands\": \"make\"}"), "m", NULL);
    struct limits l = {.iterations = 10, .dollars = 2};

    assert_int_equal(json_decode(&a, &src, v, "limits", fields, &l, NULL), 0);
    assert_int_equal(l.iterations, 10);
    assert_true(l.dollars == 2);
    assert_int_equal(l.commands.n, 1);
    assert_string_equal(l.commands.items[0], "make");
}

static void check_error(struct str text, const char *message)
{
    ARENA_CLEANUP struct arena a = {0};
    struct err e = {0};
    struct json_source src;
    JSON_CLEANUP json_t *v = yaml_parse(&a, text, "k.yaml", &src, NULL);
    struct limits l = {0};

    assert_non_null(v);
    assert_int_equal(json_decode(&a, &src, v, "limits", fields, &l, &e), -1);
    assert_int_equal(e.kind, ERR_INPUT);
    assert_string_equal(e.msg, message);
}

static void unknown_keys(void **state)
{
    check_error(STR("name: x\niteratoins: 3\n"), "k.yaml:2:1: unknown key 'iteratoins' in limits; "
                                                 "did you mean 'iterations'?");
    check_error(STR("name: x\n  \nwidth: 3\n"), "k.yaml:3:1: unknown key 'width' in limits");
}

static void wrong_kinds(void **state)
{
    check_error(STR("{}"), "k.yaml:1:1: 'name' is missing in limits");
    check_error(STR("name:\n"), "k.yaml:1:1: 'name' is missing in limits");
    check_error(STR("[]"), "k.yaml:1:1: limits must be a mapping");
    check_error(STR("name: ''\n"), "k.yaml:1:7: 'name' in limits must be a non-empty string");
    check_error(STR("name: x\nnote: 3\n"), "k.yaml:2:7: 'note' in limits must be a string");
    check_error(STR("name: x\niterations: 1.5\n"),
                "k.yaml:2:13: 'iterations' in limits must be a whole number");
    check_error(STR("name: x\nnetwork: yes\n"),
                "k.yaml:2:10: 'network' in limits must be true or false");
    check_error(STR("name: x\ncommands: [make, 3]\n"),
                "k.yaml:2:11: 'commands' in limits must be a list of strings");
    check_error(STR("name: x\nobject: []\n"), "k.yaml:2:9: 'object' in limits must be a mapping");
    check_error(STR("name: x\narray: {}\n"), "k.yaml:2:8: 'array' in limits must be a list");
    check_error(STR("name: x\nenv: {PYTHON: 3.10}\n"),
                "k.yaml:2:6: 'env' in limits must be a mapping of names to strings "
                "(quote numbers such as 3.10)");
    /* true has no place of its own: the key's is told. */
    check_error(STR("name: x\ndollars: true\n"),
                "k.yaml:2:1: 'dollars' in limits must be a number");
}

static void ranges(void **state)
{
    check_error(STR("name: x\niterations: 0\n"),
                "k.yaml:2:13: 'iterations' in limits must be from 1 to 100");
    check_error(STR("name: x\niterations: 101\n"),
                "k.yaml:2:13: 'iterations' in limits must be from 1 to 100");
    check_error(STR("name: x\ndollars: 50.51\n"),
                "k.yaml:2:10: 'dollars' in limits must be from 0 to 50.5");
    check_error(STR("name: x\ndollars: -1\n"),
                "k.yaml:2:10: 'dollars' in limits must be from 0 to 50.5");
}

static void json_has_no_places(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct json_source src = {.name = "message"};
    JSON_CLEANUP json_t *v = json_parse(STR("{\"name\": 3}"), "message", NULL);
    struct err e = {0};
    struct limits l = {0};

    assert_int_equal(json_decode(&a, &src, v, "task", fields, &l, &e), -1);
    assert_string_equal(e.msg, "message: 'name' in task must be a non-empty string");
    assert_int_equal(json_decode(&a, &src, NULL, "task", fields, &l, &e), -1);
    assert_string_equal(e.msg, "message: task must be a mapping");
}

static void nearest_names(void **state)
{
    static const char *const names[] = {"run", "queue", "doctor"};

    assert_string_equal(json_nearest("quue", names, 3), "queue");
    assert_string_equal(json_nearest("dcotor", names, 3), "doctor");
    assert_null(json_nearest("elephant", names, 3));
    assert_null(json_nearest("x", names, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind),    cmocka_unit_test(absent_and_null_leave_the_default),
        cmocka_unit_test(unknown_keys),  cmocka_unit_test(wrong_kinds),
        cmocka_unit_test(ranges),        cmocka_unit_test(json_has_no_places),
        cmocka_unit_test(nearest_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
