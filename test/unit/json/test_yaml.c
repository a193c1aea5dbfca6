#include "json/yaml.h"
#include "support/unit.h"

static void check(struct str text, const char *json)
{
    ARENA_CLEANUP struct arena a = {0};
    struct err e = {0};
    JSON_CLEANUP json_t *v = yaml_parse(&a, text, "k.yaml", NULL, &e);

    if (!v)
        fail_msg("%s", e.msg);
    assert_string_equal(json_dump(&a, v), json);
}

static void check_error(struct str text, const char *message)
{
    ARENA_CLEANUP struct arena a = {0};
    struct err e = {0};

    assert_null(yaml_parse(&a, text, "k.yaml", NULL, &e));
    assert_int_equal(e.kind, ERR_INPUT);
    assert_string_equal(e.msg, message);
}

static void scalars(void **state)
{
    check(STR("[null, ~, Null, NULL]"), "[null,null,null,null]");
    check(STR("[true, True, FALSE]"), "[true,true,false]");
    check(STR("[yes, no, on, off, y]"), "[\"yes\",\"no\",\"on\",\"off\",\"y\"]");
    check(STR("[0, -0, 12, -9223372036854775808]"), "[0,0,12,-9223372036854775808]");
    check(STR("[1.5, -2e3, 0.25, 1E+2]"), "[1.5,-2000.0,0.25,100.0]");
    check(STR("[007, 0x1f, 0o17, +1, 1_000, .5, 1., 1e, -, 1.2.3]"),
          "[\"007\",\"0x1f\",\"0o17\",\"+1\",\"1_000\",\".5\",\"1.\",\"1e\",\"-\",\"1.2.3\"]");
    check(STR("[9223372036854775808, 1e999]"), "[\"9223372036854775808\",\"1e999\"]");
    check(STR("[.inf, .nan, nan, inf]"), "[\".inf\",\".nan\",\"nan\",\"inf\"]");
    check(STR("['1', \"true\", \"\", 2024-01-02]"), "[\"1\",\"true\",\"\",\"2024-01-02\"]");
    check(STR("\"\\u00e9\\n\""), "\"é\\n\"");
    check(STR("|\n  one\n  two\n"), "\"one\\ntwo\\n\"");
    check(STR(">-\n  one\n  two\n"), "\"one two\"");
}

static void structures(void **state)
{
    check(STR("# comment\nb:\n  - x: 1\n    y: [a, {c: d}]\n  -\na:\n"),
          "{\"b\":[{\"x\":1,\"y\":[\"a\",{\"c\":\"d\"}]},null],\"a\":null}");
    check(STR("1: x\ntrue: y\n'': z\n"), "{\"1\":\"x\",\"true\":\"y\",\"\":\"z\"}");
    check(STR(""), "null");
    check((struct str){0}, "null");
    check(STR("---\na: 1\n...\n"), "{\"a\":1}");
}

static void outside_of_the_subset(void **state)
{
    check_error(STR("a: &x 1\nb: *x\n"), "k.yaml:1:4: anchors are not supported here");
    check_error(STR("a: &x [1]\n"), "k.yaml:1:4: anchors are not supported here");
    check_error(STR("&x {a: 1}\n"), "k.yaml:1:1: anchors are not supported here");
    check_error(STR("&k a: 1\n"), "k.yaml:1:1: anchors are not supported here");
    check_error(STR("a: *x\n"), "k.yaml:1:4: aliases are not supported here");
    check_error(STR("a: !!str 1\n"), "k.yaml:1:4: tags are not supported here");
    check_error(STR("a: ! 1\n"), "k.yaml:1:4: tags are not supported here");
    check_error(STR("a: !x {}\n"), "k.yaml:1:4: tags are not supported here");
    check_error(STR("!x [1]\n"), "k.yaml:1:1: tags are not supported here");
    check_error(STR("a: 1\nb:\n  c: 2\n  c: 3\n"), "k.yaml:4:3: the key 'c' is given twice");
    check_error(STR("[a]: 1\n"), "k.yaml:1:1: a key must be a plain word or a string");
    check_error(STR("a: 1\n---\nb: 2\n"), "k.yaml:2:1: only one document is allowed");
    check_error(STR("a: \"x\\0y\"\n"), "k.yaml:1:4: this text has a NUL character in it");
    check_error(STR("\"x\\0y\": a\n"), "k.yaml:1:1: this text has a NUL character in it");
}

static void not_yaml(void **state)
{
    check_error(STR("a: [1\nb: 2\n"), "k.yaml:2:2: did not find expected ',' or ']'");
    check_error(STR("a:\n\tb: 1\n"), "k.yaml:2:1: found character that cannot start any token");
    check_error(STR("a: 1\n b: 2\n"), "k.yaml:2:3: mapping values are not allowed in this context");
    check_error(STR("a: 'x\n"), "k.yaml:2:1: found unexpected end of stream");
    check_error(STR("a: 1\né: \xff\n"), "k.yaml:2:4: invalid leading UTF-8 octet");
    check_error(STR("a: \001\n"), "k.yaml:1:4: control characters are not allowed");
}

static void depth(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    char text[2 * 33 + 1];

    memset(text, '[', 33);
    memset(text + 33, ']', 33);
    text[66] = '\0';
    check(str_from(text), text);
    check_error(str_from(arena_printf(&a, "[%s]", text)), "k.yaml:1:34: nested too deeply");
    check_error(str_from(arena_printf(&a, "%s%0900d", text, 1)),
                "k.yaml:1:67: did not find expected <document start>");
}

static void places(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct json_source src;
    struct err e = {0};
    JSON_CLEANUP json_t *v =
        yaml_parse(&a, STR("a: 1\nlist:\n  - é: x\n    b: y\n"), "k.yaml", &src, NULL);
    const json_t *item = json_array_get(json_object_get(v, "list"), 0);

    assert_int_equal(json_err(&src, v, &e, "x"), -1);
    assert_string_equal(e.msg, "k.yaml:1:1: x");
    json_err(&src, item, &e, "x");
    assert_string_equal(e.msg, "k.yaml:3:5: x");
    json_err(&src, json_object_get(item, "é"), &e, "number %d", 7);
    assert_string_equal(e.msg, "k.yaml:3:8: number 7");
    json_err(&src, NULL, &e, "x");
    assert_string_equal(e.msg, "k.yaml: x");
}

static void files(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    char *dir = unit_folder(&a), *path = fs_join(&a, dir, "k.yaml");
    char *big = arena_alloc(&a, YAML_MAX_BYTES + 1, 1);
    struct err e = {0};
    json_t *v;

    assert_int_equal(fs_write_file(path, STR("a: 1\n"), 0600, NULL), 0);
    v = yaml_parse_file(&a, path, NULL, NULL);
    assert_int_equal(json_get_int(v, "a", 0), 1);
    json_decref(v);
    assert_null(yaml_parse_file(&a, dir, NULL, &e));
    assert_int_equal(e.kind, ERR_INPUT);
    memset(big, '#', YAML_MAX_BYTES + 1);
    assert_null(yaml_parse(&a, (struct str){big, YAML_MAX_BYTES + 1}, "k.yaml", NULL, &e));
    assert_int_equal(e.kind, ERR_LIMIT);
    unit_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars),
        cmocka_unit_test(structures),
        cmocka_unit_test(outside_of_the_subset),
        cmocka_unit_test(not_yaml),
        cmocka_unit_test(depth),
        cmocka_unit_test(places),
        cmocka_unit_test(files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
