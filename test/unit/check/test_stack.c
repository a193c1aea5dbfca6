/* Stacks: the built-in ones, bad ones, what is found in a tree, and which rule is chosen. */
#include "support/unit.h"

#include "base/buf.h"
#include "check/glob.h"
#include "check/stack.h"
#include "check/stack_rule.h"

static void load(struct arena *a, struct stack_set *set)
{
    struct err err;

    if (stack_load(a, NULL, set, &err) < 0)
        fail_msg("%s", err.msg);
}

static const struct stack *find_stack(const struct stack_set *set, const char *name)
{
    for (size_t i = 0; i < set->n; i++)
        if (strcmp(set->items[i].name, name) == 0)
            return &set->items[i];
    fail_msg("no stack %s", name);
    return NULL;
}

/* A tree of "PATH" or "PATH=CONTENT", one a line. */
static void make_tree(struct arena *a, const char *text, struct tree *ret)
{
    struct tree_file files[32] = {0};
    struct str rest = str_from(text), line;
    struct err err;
    size_t n = 0;

    while (str_next_line(&rest, &line)) {
        ptrdiff_t at = str_find_char(line, '=');
        size_t path = at < 0 ? line.n : (size_t)at;

        assert_in_range(n, 0, 31);
        files[n].path = arena_dup(a, (struct str){line.p, path}).p;
        files[n++].content = at < 0 ? STR("") : str_from_pos(line, path + 1);
    }
    if (tree_make(files, n, a, ret, &err))
        fail_msg("%s", err.msg);
}

/* ---- built-in stacks ---- */

static void test_built_in(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    static const char *const order[] = {"python", "node", "cmake", "make", "c"};
    struct stack_set set;

    load(&a, &set);
    assert_int_equal(set.n, 5);
    for (size_t i = 0; i < set.n; i++) {
        assert_string_equal(set.items[i].name, order[i]);
        assert_true(set.items[i].rules[CHECK_TESTS].n > 0);
        assert_true(set.items[i].rules[CHECK_BUILD].n > 0);
    }
}

static void test_what_stacks_give_together(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct stack_set set;
    struct sandbox_file *files;
    const char **names, *text;
    size_t n;

    load(&a, &set);
    stack_excludes(&set, &a, &names, &n);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(names[i], names[k]);
    stack_files(&set, &a, &files, &n);
    assert_true(n >= 5);
    for (size_t i = 0; i < n; i++) {
        assert_true(str_starts(str_from(files[i].path), STACK_KILN_DIR "/"));
        assert_true(files[i].content.n > 0);
    }
    text = stack_contracts(&set, &a);
    assert_contains(text, "unittest or pytest");
    assert_contains(text, "node:test");
    assert_contains(text, "Folders of these names are never kept: __pycache__, ");
}

/* ---- errors ---- */

#define HEAD "name: x\ngroup: x\ndetect: [x]\nsources: [x]\ntools: {sh: dash}\n"
#define TESTS "checks:\n  tests:\n    - "

static void test_bad(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"name: x\n", "x.yaml:1:1: 'group' is missing in stack"},
        {HEAD, "x.yaml:1:1: 'checks' is missing in stack"},
        {HEAD "checks: {}\n", "x.yaml:6:9: 'tests' is missing in checks"},
        {HEAD "colour: red\n" TESTS "why: w\n", "x.yaml:6:1: unknown key 'colour' in stack"},
        {HEAD "detects: [y]\n" TESTS "why: w\n",
         "x.yaml:6:1: unknown key 'detects' in stack; did you mean 'detect'?"},
        {HEAD TESTS "run: sh\n      why: w\n",
         "x.yaml:8:7: tests are counted: the rule needs 'reports'"},
        {HEAD TESTS "run: sh\n", "x.yaml:8:7: 'why' is missing in rule"},
        {HEAD TESTS "why: w\n      reports: [xunit]\n",
         "x.yaml:8:7: report 'xunit' must be PARSER:GLOB"},
        {HEAD TESTS "why: w\n      reports: [\"trx:*\"]\n",
         "x.yaml:8:7: there is no report parser 'trx'"},
        {HEAD TESTS "why: w\n      when: [always]\n",
         "x.yaml:8:7: 'always' is no condition; there are file: match: dep: key: tool:"},
        {HEAD TESTS "why: w\n      when: [\"match:*.py:(\"]\n",
         "x.yaml:8:7: '(' is not a regular expression"},
        {HEAD TESTS "why: w\n      any: [\"match:x\"]\n",
         "x.yaml:8:7: condition 'match:x' needs two parts, FILE:WHAT"},
        {HEAD TESTS "why: w\n      when: [\"dep:a.b*\"]\n",
         "x.yaml:8:7: 'a.b*' can't be the name of a dependency"},
        {HEAD TESTS "why: w\n      needs: [bash]\n",
         "x.yaml:8:7: 'bash' is needed but not listed in 'tools'"},
        {HEAD TESTS "why: w\n      ok: [256]\n", "x.yaml:9:12: an exit code must be from 0 to 255"},
        {HEAD TESTS "why: w\n      timeout: 0\n",
         "x.yaml:9:16: 'timeout' in rule must be from 1 to 3600"},
        {HEAD "files: [passwd]\n" TESTS "why: w\n", "x.yaml:1:1: kiln has no helper file 'passwd'"},
        {"name: X y\ngroup: x\ndetect: [x]\nsources: [x]\ntools: {}\n" TESTS "why: w\n",
         "x.yaml:1:1: the name 'X y' must be of a-z, 0-9 and '-'"},
        {"name: x\ngroup: x\ndetect: [x]\nsources: [x]\ntools: {$(id): x}\n" TESTS "why: w\n",
         "x.yaml:1:1: tool '$(id)' must be of a-z, 0-9 and '-_.+'"},
        {"name: x\ngroup: x\nsources: [x]\ntools: {}\n" TESTS "why: w\n",
         "x.yaml:1:1: a stack needs 'detect' or 'weak'"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ARENA_CLEANUP struct arena a = {0};
        struct stack s;
        struct err err = {0};

        assert_int_equal(stack_parse(&a, str_from(rows[i].text), "x.yaml", &s, &err), -1);
        assert_int_equal(err.kind, ERR_INPUT);
        assert_string_equal(err.msg, rows[i].why);
    }
}

static void write_file(struct arena *a, const char *dir, const char *name, const char *text)
{
    struct err err;

    assert_int_equal(fs_write_file(fs_join(a, dir, name), str_from(text), 0644, &err), 0);
}

/* A folder of one's own adds stacks and replaces built-in ones. */
static void test_own_folder(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    const char *dir = unit_folder(&a);
    struct stack_set set;
    struct err err = {0};

    write_file(&a, dir, "x.yaml", HEAD TESTS "why: mine\n");
    write_file(&a, dir, "c.yaml",
               "name: c\ngroup: c\nweak: [\"*.c\"]\nsources: [\"*.c\"]\ntools: {}\n" TESTS
               "why: my own\n");
    write_file(&a, dir, "notes.txt", "no stack");
    assert_int_equal(stack_load(&a, dir, &set, &err), 0);
    assert_int_equal(set.n, 6);
    assert_string_equal(find_stack(&set, "c")->rules[CHECK_TESTS].items[0].why, "my own");
    assert_int_equal(find_stack(&set, "x")->rules[CHECK_TESTS].items[0].ok.n, 1);
    write_file(&a, dir, "bad.yaml", "name: [\n");
    assert_int_equal(stack_load(&a, dir, &set, &err), -1);
    assert_contains(err.msg, "bad.yaml:2:1: ");
    unit_remove(dir);
    assert_int_equal(stack_load(&a, dir, &set, &err), -1);
    assert_int_equal(err.kind, ERR_CONFIG);
}

/* ---- detection ---- */

static const char *describe(struct arena *a, const struct stack_unit *units, size_t n)
{
    char *text = arena_strdup(a, "");

    for (size_t i = 0; i < n; i++)
        text = arena_printf(a, "%s%s%s in %s (%s)", text, i ? "; " : "", units[i].stack->name,
                            units[i].dir, units[i].reason);
    return text;
}

static void test_detect(void **state)
{
    static const struct {
        const char *files, *expected;
    } rows[] = {
        {"README.md", ""},
        {"calc.py", "python in . (1 file matches *.py)"},
        {"src/calc.py\ntests/test_calc.py", "python in . (2 files match *.py)"},
        {"pyproject.toml\ncalc.py", "python in . (pyproject.toml)"},
        {"pyproject.toml", ""}, /* and nothing in it to check */
        {"package.json\na.js", "node in . (package.json)"},
        {"a.mjs", "node in . (1 file matches *.js)"},
        /* package.json only for packaging (parson, bats-assert) */
        {"package.json\nMakefile\nCMakeLists.txt\nparson.c", "cmake in . (CMakeLists.txt)"},
        {"package.json\nload.bash", ""},
        /* one of a group */
        {"CMakeLists.txt\nMakefile\na.c", "cmake in . (CMakeLists.txt)"},
        {"Makefile\na.c", "make in . (Makefile)"},
        {"a.c", "c in . (1 file matches *.c)"},
        {"CMakeLists.txt\nexample/Makefile\nexample/a.c", "cmake in . (CMakeLists.txt)"},
        /* a Makefile is not C */
        {"Makefile\ncalc.py", "python in . (1 file matches *.py)"},
        /* children: only where the root has no such stack */
        {"web/package.json\nweb/a.js\napi/requirements.txt\napi/a.py",
         "python in api (api/requirements.txt); node in web (web/package.json)"},
        {"package.json\na.js\nweb/package.json\nweb/a.js", "node in . (package.json)"},
        {"packages/a/package.json\npackages/a/a.js\npackages/b/package.json\npackages/b/b.js",
         "node in packages/a (packages/a/package.json); node in packages/b "
         "(packages/b/package.json)"},
        {"deep/er/package.json\ndeep/er/a.js", "node in . (1 file matches *.js)"},
        /* not ours */
        {"node_modules/x/package.json\nvendor/package.json\nvendor/a.js\n.tools/Makefile\n"
         ".tools/a.c\ncalc.py\npyproject.toml",
         "python in . (pyproject.toml)"},
        /* weak marks beside strong ones need tests of their own */
        {"Makefile\na.c\ntools/gen.py", "make in . (Makefile)"},
        {"Makefile\na.c\ntests/test_a.py",
         "make in . (Makefile); python in . (1 file matches *.py)"},
        {"calc.py\ntest_calc.py\nweb/package.json\nweb/a.js",
         "node in web (web/package.json); python in . (2 files match *.py)"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ARENA_CLEANUP struct arena a = {0};
        struct stack_set set;
        struct stack_unit *units;
        struct tree t;
        size_t n;

        load(&a, &set);
        make_tree(&a, rows[i].files, &t);
        stack_detect(&set, &t, &a, &units, &n);
        assert_string_equal(describe(&a, units, n), rows[i].expected);
    }
}

static void test_glob(void **state)
{
    static const struct {
        const char *pattern, *path;
        bool matches;
    } rows[] = {
        {"*.py", "a.py", true},
        {"*.py", "a/b.py", true},
        {"*.py", "a.pyc", false},
        {"/*.py", "a.py", true},
        {"/*.py", "a/b.py", false},
        {"tests/*.py", "tests/a.py", true},
        {"tests/*.py", "x/tests/a.py", false},
        {"tests/*.py", "tests/a/b.py", false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(glob_matches(rows[i].pattern, rows[i].path), rows[i].matches);
    assert_string_equal(glob_below("web", "web/a.js"), "a.js");
    assert_null(glob_below("web", "website/a.js"));
    assert_null(glob_below("web", "web"));
}

/* ---- rules ---- */

static void test_choice(void **state)
{
    static const struct {
        const char *stack;
        enum check_kind kind;
        const char *files, *why;
    } rows[] = {
        {"python", CHECK_TESTS, "test_a.py=import unittest",
         "unittest, as nothing asks for pytest"},
        {"python", CHECK_TESTS, "test_a.py=import pytest", "the project uses pytest"},
        {"python", CHECK_TESTS, "a.py\nconftest.py", "the project uses pytest"},
        {"python", CHECK_TESTS, "test_a.py=def test_a(): pass", "the project uses pytest"},
        {"python", CHECK_TESTS, "a.py=def test_drive(): pass",
         "unittest, as nothing asks for pytest"},
        {"python", CHECK_TESTS, "a.py\nrequirements.txt=pytest>=7", "the project uses pytest"},
        {"python", CHECK_TESTS, "a.py\nrequirements-dev.txt=pytest", "the project uses pytest"},
        {"python", CHECK_TESTS, "a.py\nrequirements.txt=pytest-cov",
         "unittest, as nothing asks for pytest"},
        {"python", CHECK_TESTS, "a.py\npyproject.toml=test = [\"pytest ~= 7\"]",
         "the project uses pytest"},
        {"python", CHECK_TESTS, "a.py\nx/requirements.txt=pytest",
         "unittest, as nothing asks for pytest"},
        {"node", CHECK_TESTS, "package.json={\"devDependencies\":{\"vitest\":\"3\"}}",
         "the project uses vitest"},
        {"node", CHECK_TESTS, "package.json={\"scripts\":{\"test\":\"vitest\"}}",
         "node's own test runner"},
        {"node", CHECK_TESTS, "package.json=not JSON", "node's own test runner"},
        {"node", CHECK_BUILD, "package.json={\"scripts\":{\"build\":\"tsc\"}}",
         "package.json has a script \"build\""},
        {"node", CHECK_BUILD, "package.json={\"scripts\":{}}", "node parses every source"},
        {"node", CHECK_TYPES, "a.js", "JavaScript has no types to check"},
        {"node", CHECK_TYPES, "a.ts", "TypeScript without a tsconfig.json"},
        {"node", CHECK_TYPES, "a.ts\ntsconfig.json", "tsconfig.json"},
        {"make", CHECK_TESTS, "Makefile=test:", "make test"},
        {"make", CHECK_TESTS, "Makefile=all test: a", "make test"},
        {"make", CHECK_TESTS, "makefile=test::", "make test"},
        {"make", CHECK_TESTS, "Makefile=check: a", "make check"},
        {"make", CHECK_TESTS, "Makefile=.PHONY: test",
         "the Makefile has no rule for a target test or check"},
        {"make", CHECK_TESTS, "Makefile=test := 1",
         "the Makefile has no rule for a target test or check"},
        {"make", CHECK_TESTS, "Makefile=tests: a",
         "the Makefile has no rule for a target test or check"},
        {"make", CHECK_TESTS,
         "sub/Makefile=test:", "the Makefile has no rule for a target test or check"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ARENA_CLEANUP struct arena a = {0};
        const struct stack_rule *rule;
        struct stack_unit unit = {.dir = "."};
        struct stack_tools none = {0};
        struct stack_set set;
        struct tree t;

        load(&a, &set);
        unit.stack = find_stack(&set, rows[i].stack);
        make_tree(&a, rows[i].files, &t);
        rule = stack_rule_choose(&unit.stack->rules[rows[i].kind], &unit, &t, &none);
        assert_non_null(rule);
        assert_string_equal(rule->why, rows[i].why);
    }
}

static void test_install_only_what_is_named(void **state)
{
    static const struct {
        const char *stack, *files;
        bool installs;
    } rows[] = {
        {"python", "requirements.txt=flask", true},
        {"python", "requirements.txt=# nothing", false},
        {"python", "requirements.txt", false},
        {"python", "pyproject.toml=dependencies = []", false},
        {"python", "pyproject.toml=dependencies = [\"flask\"]", true},
        {"node", "package.json={\"dependencies\":{}}", false},
        {"node", "package.json={\"dependencies\":{\"x\":\"1\"}}", true},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ARENA_CLEANUP struct arena a = {0};
        struct stack_unit unit = {.dir = "."};
        struct stack_tools none = {0};
        struct stack_set set;
        struct tree t;

        load(&a, &set);
        unit.stack = find_stack(&set, rows[i].stack);
        make_tree(&a, rows[i].files, &t);
        assert_int_equal(stack_rule_choose(&unit.stack->install, &unit, &t, &none) != NULL,
                         rows[i].installs);
    }
}

/* A unit in a folder is decided by the files of that folder. */
static void test_choice_in_a_folder(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct stack_unit unit = {.dir = "web"};
    struct stack_tools none = {0};
    struct stack_set set;
    struct tree t;

    load(&a, &set);
    unit.stack = find_stack(&set, "node");
    make_tree(&a, "package.json={\"dependencies\":{\"vitest\":\"3\"}}\nweb/package.json={}", &t);
    assert_string_equal(stack_rule_choose(&unit.stack->rules[CHECK_TESTS], &unit, &t, &none)->why,
                        "node's own test runner");
}

static void test_tools(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    const char *found[] = {"python3"};
    struct stack_tools tools = {found, 1}, none = {0};
    const struct stack *python;
    const struct stack_rule *types;
    struct stack_set set;

    load(&a, &set);
    python = find_stack(&set, "python");
    types = &python->rules[CHECK_TYPES].items[0];
    assert_string_equal(stack_rule_lacks(python, types, &none), "python3");
    assert_string_equal(stack_rule_lacks(python, types, &tools), "mypy");
    assert_null(stack_rule_lacks(python, &python->rules[CHECK_BUILD].items[0], &tools));
    assert_string_equal(stack_rule_package(python, "pytest"), "python3-pytest");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_built_in),
        cmocka_unit_test(test_what_stacks_give_together),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_own_folder),
        cmocka_unit_test(test_detect),
        cmocka_unit_test(test_glob),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_install_only_what_is_named),
        cmocka_unit_test(test_choice_in_a_folder),
        cmocka_unit_test(test_tools),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
