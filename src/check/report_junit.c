/*
 * JUnit XML, as pytest, ctest, vitest, mocha and kiln's own runners write it.
 *
 * There is no standard; this reads what they have in common: <testcase classname name> with
 * <failure>, <error> or <skipped> inside, in <testsuite> elements. ctest's status="notrun" (the
 * test program is missing) comes with <skipped>, but is a failure.
 */
#include "base/text.h"
#include "check/report.h"
#include "check/xml.h"

/* A <testsuite> that is open: what it declares is compared with what it holds. */
struct suite {
    int64_t declared_failed;
    int64_t failed_before;
};

struct junit {
    struct arena *arena;
    struct report *report;
    struct xml xml;
    struct suite suites[XML_MAX_DEPTH];
    size_t n_suites;
    size_t n_elements; /* suites, to tell an empty report from no report */
};

static int64_t attr_int(const struct xml_event *e, const char *name)
{
    int64_t n;

    return str_to_i64(xml_attr(e, name), &n) && n > 0 && n < INT32_MAX ? n : 0;
}

static void open_suite(struct junit *j, const struct xml_event *e)
{
    j->suites[j->n_suites++] = (struct suite){
        .declared_failed = attr_int(e, "failures") + attr_int(e, "errors"),
        .failed_before = j->report->failed,
    };
    j->n_elements++;
}

static void close_suite(struct junit *j)
{
    const struct suite *s = &j->suites[--j->n_suites];
    int64_t listed = j->report->failed - s->failed_before;

    if (s->declared_failed > listed)
        report_disagree(j->arena, j->report, "the report declares %s but lists %lld",
                        text_plural(j->arena, s->declared_failed, "failure"), (long long)listed);
}

/* The text inside an element, up to its end. */
static int inner_text(struct junit *j, struct str *ret, struct err *err)
{
    unsigned depth = j->xml.depth;
    struct xml_event e;

    *ret = (struct str){0};
    do {
        if (xml_next(&j->xml, &e, err) < 0)
            return -1;
        if (e.kind == XML_TEXT && !str_trim(*ret).n)
            *ret = e.text;
    } while (j->xml.depth >= depth);
    return 0;
}

static struct str join_message(struct junit *j, struct str message, struct str text)
{
    text = str_trim(text);
    message = str_trim(message);
    if (!text.n || !message.n || str_find(text, message) >= 0)
        return text.n ? text : message;
    return str_from(arena_printf(j->arena, "%.*s\n%.*s", STR_ARG(message), STR_ARG(text)));
}

static bool outcome_element(struct str name, enum report_status *ret)
{
    if (str_eq_c(name, "failure"))
        *ret = REPORT_FAILED;
    else if (str_eq_c(name, "error"))
        *ret = REPORT_ERROR;
    else if (str_eq_c(name, "skipped"))
        *ret = REPORT_SKIPPED;
    else
        return false;
    return true;
}

static struct str case_id(struct junit *j, const struct xml_event *e)
{
    struct str class_name = xml_attr(e, "classname"), name = xml_attr(e, "name");

    if (!class_name.n || str_eq(class_name, name))
        return name;
    return str_from(arena_printf(j->arena, "%.*s.%.*s", STR_ARG(class_name), STR_ARG(name)));
}

/* What the `status` attribute alone says; ctest and GoogleTest have one. */
static enum report_status status_attr(const struct xml_event *e)
{
    struct str status = xml_attr(e, "status");

    if (str_eq_c(status, "notrun"))
        return xml_attr(e, "result").n ? REPORT_SKIPPED : REPORT_ERROR;
    if (str_eq_c(status, "fail"))
        return REPORT_FAILED;
    return str_eq_c(status, "disabled") ? REPORT_SKIPPED : REPORT_PASSED;
}

/* ctest: a test that asked to be skipped is "notrun" as well. */
static bool skipped_itself(struct str message)
{
    return str_starts(message, "SKIP_RETURN_CODE") ||
           str_starts(message, "SKIP_REGULAR_EXPRESSION");
}

struct outcome {
    enum report_status status;
    struct str message, output; /* what the test printed is the message if there is no other */
};

/* An element inside a <testcase>, which has just been opened. */
static int inside_case(struct junit *j, const struct xml_event *e, struct outcome *o,
                       struct err *err)
{
    struct str name = e->name, message = xml_attr(e, "message"), text;
    enum report_status status;
    bool failed = o->status == REPORT_FAILED || o->status == REPORT_ERROR;

    if (inner_text(j, &text, err) < 0)
        return -1;
    if (str_starts(name, "system-") && !o->output.n)
        o->output = str_trim(text);
    if (!outcome_element(name, &status))
        return 0;
    if (!o->message.n)
        o->message = join_message(j, message, text);
    if (!failed || skipped_itself(message))
        o->status = status;
    return 0;
}

static int test_case(struct junit *j, struct xml_event *e, struct err *err)
{
    struct outcome o = {.status = status_attr(e)};
    struct str id = case_id(j, e);
    unsigned depth = j->xml.depth;

    for (;;) {
        if (xml_next(&j->xml, e, err) < 0)
            return -1;
        if (j->xml.depth < depth)
            break;
        if (e->kind == XML_OPEN && inside_case(j, e, &o, err) < 0)
            return -1;
    }
    return report_add(j->arena, j->report, id, o.status, o.message.n ? o.message : o.output, err);
}

static int parse(struct arena *a, struct str text, struct report *r, struct err *err)
{
    struct junit *j = ARENA_NEW(a, struct junit);
    struct xml_event e;

    j->arena = a;
    j->report = r;
    xml_init(&j->xml, a, text);
    for (;;) {
        bool suite;

        if (xml_next(&j->xml, &e, err) < 0)
            return -1;
        if (e.kind == XML_DONE)
            break;
        suite = str_eq_c(e.name, "testsuite") || str_eq_c(e.name, "testsuites");
        if (e.kind == XML_OPEN && suite)
            open_suite(j, &e);
        else if (e.kind == XML_CLOSE && suite)
            close_suite(j);
        else if (e.kind == XML_OPEN && str_eq_c(e.name, "testcase")) {
            if (test_case(j, &e, err) < 0)
                return -1;
        }
    }
    if (!j->n_elements)
        return err_set(err, ERR_INPUT, "XML, but no test report");
    return 0;
}

const struct report_parser report_junit = {"junit", parse};
