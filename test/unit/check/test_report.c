/* Reports as real runners wrote them (test/data/check/reports), and as nobody should. */
#include "support/unit.h"

#include "base/buf.h"
#include "check/report.h"

static int parse(struct arena *a, const char *parser, struct str text, struct report *r,
                 struct err *err)
{
    *r = (struct report){0};
    return report_find(parser)->parse(a, text, r, err);
}

/* "+ id" passed, "- id" failed, "! id" error, "~ id" skipped; then "? why it disagrees". */
static const char *describe(struct arena *a, const struct report *r)
{
    BUF_CLEANUP struct buf out = BUF_INIT(64 * 1024);
    int64_t counts[4] = {0};

    for (size_t i = 0; i < r->n_cases; i++) {
        counts[r->cases[i].status]++;
        buf_printf(&out, NULL, "%c %s\n", "+-!~"[r->cases[i].status], r -> cases[i].id);
    }
    if (r->disagrees)
        buf_printf(&out, NULL, "? %s\n", r->disagrees);
    assert_int_equal(r->passed, counts[REPORT_PASSED]);
    assert_int_equal(r->failed, counts[REPORT_FAILED] + counts[REPORT_ERROR]);
    assert_int_equal(r->skipped, counts[REPORT_SKIPPED]);
    return arena_strdup(a, buf_c(&out));
}

static void read_report(struct arena *a, const char *parser, const char *name, struct report *r)
{
    struct str text;
    struct err err;

    if (fs_read_file(a, arena_printf(a, "test/data/check/reports/%s", name), 1 << 20, &text,
                     &err) ||
        parse(a, parser, text, r, &err))
        fail_msg("%s: %s", name, err.msg);
}

/* ---- real ones ---- */

static void test_real(void **state)
{
    static const struct {
        const char *parser, *file, *expected;
    } rows[] = {
        {"junit", "unittest.xml",
         "- test_a.T.test_bad\n! test_a.T.test_err\n+ test_a.T.test_ok\n~ test_a.T.test_skip\n"
         "- test_a.T.test_sub (i=2)\n"},
        {"junit", "pytest.xml",
         "+ p_test.test_ok\n- p_test.test_bad\n~ p_test.test_xfail\n! p_test.test_setup\n"
         "+ p_test.test_par[a.b]\n- p_test.test_par[c/d]\n"},
        {"junit", "ctest.xml", "+ good\n- bad\n! gone\n~ off\n~ skip\n"},
        {"tap", "node20.tap",
         "- broken.test.js\n+ add\n- div > by zero\n~ div > skips\n~ div > todo\n"
         "+ early.test.js\n+ test/helper.js\n"},
        {"tap", "node20_hook.tap",
         "- outer > inner\n- outer\n+ deep > deeper # not a directive > deepest\n"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ARENA_CLEANUP struct arena a = {0};
        struct report r;

        read_report(&a, rows[i].parser, rows[i].file, &r);
        assert_string_equal(describe(&a, &r), rows[i].expected);
    }
}

static const char *message_of(const struct report *r, const char *id)
{
    for (size_t i = 0; i < r->n_cases; i++)
        if (strcmp(r->cases[i].id, id) == 0)
            return r->cases[i].message;
    fail_msg("no case %s", id);
    return NULL;
}

static void test_messages(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct report r;

    read_report(&a, "junit", "unittest.xml", &r);
    assert_contains(message_of(&r, "test_a.T.test_bad"), "not <equal> & so");
    assert_null(message_of(&r, "test_a.T.test_ok"));
    assert_null(message_of(&r, "test_a.T.test_skip"));
    read_report(&a, "junit", "pytest.xml", &r);
    assert_contains(message_of(&r, "p_test.test_bad"), "At index 1 diff: 2 != 3\n");
    assert_contains(message_of(&r, "p_test.test_bad"), "p_test.py:3: AssertionError");
    read_report(&a, "junit", "ctest.xml", &r);
    assert_string_equal(message_of(&r, "bad"), "why it failed");
    assert_string_equal(message_of(&r, "gone"), "Unable to find executable");
    read_report(&a, "tap", "node20.tap", &r);
    assert_contains(message_of(&r, "div > by zero"), "\nerror: 'Missing expected exception.'\n");
    assert_null(strstr(message_of(&r, "div > by zero"), "duration_ms"));
    read_report(&a, "tap", "node20_hook.tap", &r);
    assert_contains(message_of(&r, "outer"), "error: 'no set-up'");
}

/* ---- TAP ---- */

static void test_tap(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"1..2\nok 1 - a\nnot ok 2 - b\n", "+ a\n- b\n"},
        {"TAP version 14\nok - a\nok\n1..2", "+ a\n+ (unnamed)\n"},
        {"1..3\r\nok 1 a\r\nok 2 a\r\nok 3 a #2\r\n", "+ a\n+ a #2\n+ a #2 #2\n"},
        {"1..0 # SKIP no database\n", ""},
        {"1..4\nok 1 - a # SKIP\nok 2 - b # skip: why\nnot ok 3 - c # TODO later\nok 4 - d #5\n",
         "~ a\n~ b\n~ c\n+ d #5\n"},
        {"1..1\nok 1 - a \\# SKIP\n", "+ a # SKIP\n"},
        {"cc -o t t.c\n./t\n1..1\nok 1 - a\n./u\n1..2\nok 1 - b\nok 2 - c\n", "+ a\n+ b\n+ c\n"},
        {"ok 1 - a\n1..1\nok 1 - b\nok 2 - c\n1..2\n", "+ a\n+ b\n+ c\n"},
        {"1..1\nok 1 - a\nok 1 - b\n1..1\n", "+ a\n+ b\n"},
        /* What doesn't fit together. */
        {"1..2\nok 1 - a\n", "+ a\n? 1 test, but the plan says 2\n"},
        {"1..1\nok 1 - a\nok 2 - b\n",
         "+ a\n+ b\n? 1 test but no plan (1..N): it may have stopped early\n"},
        {"ok 1 - a\n", "+ a\n? 1 test but no plan (1..N): it may have stopped early\n"},
        {"1..2\nok 1 - a\nBail out! no disk\n", "+ a\n? Bail out! no disk\n"},
        {"1..3\nok 1\n1..1\nok 1\n",
         "+ (unnamed)\n+ (unnamed) #2\n? 1 test, but the plan says 3\n"},
        /* Subtests. */
        {"    ok 1 - in\n    1..1\nok 1 - out\n1..1\n", "+ out > in\n"},
        {"    not ok 1 - in\n    1..1\nnot ok 1 - out\n1..1\n", "- out > in\n"},
        {"    not ok 1 - in\n    1..1\nok 1 - out\n1..1\n",
         "- out > in\n? 'out' passed, but a test in it failed\n"},
        {"    ok 1 - in\n    1..1\nnot ok 1 - out\n1..1\n", "+ out > in\n- out\n"},
        {"    ok 1 - in\n    1..2\nok 1 - out\n1..1\n",
         "+ out > in\n? 1 test, but the plan says 2\n"},
        {"    ok 1 - in\n", "+ in\n? it ends inside a subtest\n"},
        {"        ok 1 - x\n        1..1\n    ok 1 - y\n    1..1\nok 1 - z\n1..1\n",
         "+ z > y > x\n"},
        /* Not results. */
        {"1..1\nokay\nok: no\nnot okay\n  ok 1 - by two\nok 1 - a\n", "+ a\n"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ARENA_CLEANUP struct arena a = {0};
        struct report r;
        struct err err;

        if (parse(&a, "tap", str_from(rows[i].text), &r, &err))
            fail_msg("%s: %s", rows[i].text, err.msg);
        assert_string_equal(describe(&a, &r), rows[i].expected);
    }
}

static void test_tap_messages(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct report r;
    struct err err;

    assert_int_equal(parse(&a, "tap",
                           STR("1..3\nnot ok 1 - a\n# expected 3\n#   got 4\nok 2 - b\n# fine\n"
                               "not ok 3 - c\n  ---\n  error: |-\n    two\n    lines\n  ...\n"
                               "make: *** [test] Error 1\n# not of c\n"),
                           &r, &err),
                     0);
    assert_string_equal(r.cases[0].message, "expected 3\ngot 4");
    assert_null(r.cases[1].message);
    assert_string_equal(r.cases[2].message, "error: |-\n  two\n  lines");
}

static void test_not_tap(void **state)
{
    static const char *const texts[] = {"", "All tests passed. OK\n", "1..x\n", "1..99999999999\n",
                                        "okay 1\n"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        ARENA_CLEANUP struct arena a = {0};
        struct report r;
        struct err err = {0};

        assert_int_equal(parse(&a, "tap", str_from(texts[i]), &r, &err), -1);
        assert_int_equal(err.kind, ERR_INPUT);
    }
}

/* ---- JUnit ---- */

static void test_junit(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"<testsuite/>", ""},
        {"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- <!DOCTYPE --><testsuites><testsuite>"
         "<testcase name='a'/></testsuite></testsuites>\n",
         "+ a\n"},
        {"<testsuite><testcase name='a'/><testcase name='a'></testcase></testsuite>",
         "+ a\n+ a #2\n"},
        {"<testsuite><testcase classname='c' "
         "name='&lt;&#x41;&#66;&amp;&quot;&apos;>'/></testsuite>",
         "+ c.<AB&\"'>\n"},
        {"<testsuite><testcase/></testsuite>", "+ (unnamed)\n"},
        {"<testsuite><testcase name='a'><properties><property name='x'><failure/></property>"
         "</properties></testcase></testsuite>",
         "+ a\n"},
        {"<testsuite><testcase name='a'><skipped/><failure/></testcase></testsuite>", "- a\n"},
        {"<testsuite><testcase name='a'><failure/><skipped/></testcase></testsuite>", "- a\n"},
        {"<testsuite><testcase name='a' status='notrun' result='suppressed'/></testsuite>",
         "~ a\n"},
        {"<testsuite failures='1' errors='1'><testcase name='a'><failure/></testcase></testsuite>",
         "- a\n? the report declares 2 failures but lists 1\n"},
        {"<testsuites failures='1'><testsuite failures='0'><testcase name='a'/></testsuite>"
         "</testsuites>",
         "+ a\n? the report declares 1 failure but lists 0\n"},
        {"<testsuite failures='-1'><testcase name='a&#10;b\xff&#x1b;[31m'/></testsuite>",
         "+ a\\nb\xef\xbf\xbd\n"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ARENA_CLEANUP struct arena a = {0};
        struct report r;
        struct err err;

        if (parse(&a, "junit", str_from(rows[i].text), &r, &err))
            fail_msg("%s: %s", rows[i].text, err.msg);
        assert_string_equal(describe(&a, &r), rows[i].expected);
    }
}

static void test_not_junit(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "line 1: the document ends too early"},
        {"OK\n", "line 1: text outside of the root element"},
        {"<html></html>", "XML, but no test report"},
        {"<testsuite>\n<testcase name='a'/>\n", "line 3: the document ends too early"},
        {"<testsuite><testcase name='a'></testsuite>", "line 1: an end tag that doesn't match"},
        {"<testsuite/><testsuite/>", "line 1: a second root element"},
        {"<testsuite/>more", "line 1: text outside of the root element"},
        {"<!DOCTYPE a [<!ENTITY b 'c'>]><testsuite/>",
         "line 1: a document type declaration is not accepted"},
        {"<testsuite name='&b;'/>", "line 1: an entity that XML doesn't have by itself"},
        {"<testsuite name='&#0;'/>", "line 1: an entity that XML doesn't have by itself"},
        {"<testsuite name='&#xd800;'/>", "line 1: an entity that XML doesn't have by itself"},
        {"<testsuite name='&#x110000;'/>", "line 1: an entity that XML doesn't have by itself"},
        {"<testsuite name=a/>", "line 1: an attribute without quotes"},
        {"<testsuite name/>", "line 1: not an attribute"},
        {"<testsuite name='a/>", "line 1: the document ends too early"},
        {"<testsuite><![CDATA[x</testsuite>", "line 1: the document ends too early"},
        {"< testsuite/>", "line 1: '<' without a name"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ARENA_CLEANUP struct arena a = {0};
        struct report r;
        struct err err = {0};

        assert_int_equal(parse(&a, "junit", str_from(rows[i].text), &r, &err), -1);
        assert_int_equal(err.kind, ERR_INPUT);
        assert_string_equal(err.msg, rows[i].why);
    }
}

/* ---- caps ---- */

static struct str repeat(struct arena *a, const char *before, const char *what, size_t n,
                         const char *after)
{
    BUF_CLEANUP struct buf b = BUF_INIT(REPORT_MAX_BYTES);

    buf_add_c(&b, before, NULL);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(buf_add_c(&b, what, NULL), 0);
    buf_add_c(&b, after, NULL);
    return arena_dup(a, buf_str(&b));
}

static void test_caps(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct report r;
    struct err err;

    assert_int_equal(parse(&a, "junit", repeat(&a, "", "<a>", 65, ""), &r, &err), -1);
    assert_contains(err.msg, "nested too deeply");
    assert_int_equal(parse(&a, "tap", repeat(&a, "1..1\n", " ", 32, "ok 1\n"), &r, &err), -1);
    assert_contains(err.msg, "nested too deeply");
    assert_int_equal(parse(&a, "tap", repeat(&a, "", "ok\n", REPORT_MAX_CASES + 1, ""), &r, &err),
                     -1);
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_int_equal(parse(&a, "tap", repeat(&a, "1..1\nok ", "x", 5000, "\n"), &r, &err), 0);
    assert_int_equal(strlen(r.cases[0].id), REPORT_MAX_ID);
    assert_int_equal(
        parse(&a, "tap", repeat(&a, "1..1\nnot ok a\n", "# why\n", 50000, ""), &r, &err), 0);
    assert_in_range(strlen(r.cases[0].message), 1000, REPORT_MAX_MESSAGE + 100);
}

/* However many fail, their messages stay within a cap. */
static void test_messages_cap(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    const char *message = repeat(&a, "", "x", REPORT_MAX_MESSAGE, "").p;
    struct report r = {0};
    struct err err;

    for (int i = 0; i < 1000; i++)
        assert_int_equal(report_add(&a, &r, STR("a"), REPORT_FAILED, str_from(message), &err), 0);
    assert_int_equal(r.failed, 1000);
    assert_non_null(r.cases[0].message);
    assert_null(r.cases[999].message);
    assert_in_range(r.message_bytes, 1, REPORT_MAX_MESSAGES + REPORT_MAX_MESSAGE);
}

static bool is_file(const void *ctx, const char *id)
{
    return strcmp(id, ctx) == 0;
}

/* Only what passed is dropped: a file that fails is a failure. */
static void test_drop(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct report r;
    struct err err;

    assert_int_equal(parse(&a, "tap", STR("1..2\nok 1 - f.js\nok 2 - a\n"), &r, &err), 0);
    report_drop_passed(&r, is_file, "f.js");
    assert_string_equal(describe(&a, &r), "+ a\n");
    assert_int_equal(parse(&a, "tap", STR("1..1\nnot ok 1 - f.js\n"), &r, &err), 0);
    report_drop_passed(&r, is_file, "f.js");
    assert_string_equal(describe(&a, &r), "- f.js\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real),         cmocka_unit_test(test_messages),
        cmocka_unit_test(test_tap),          cmocka_unit_test(test_tap_messages),
        cmocka_unit_test(test_not_tap),      cmocka_unit_test(test_junit),
        cmocka_unit_test(test_not_junit),    cmocka_unit_test(test_caps),
        cmocka_unit_test(test_messages_cap), cmocka_unit_test(test_drop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
