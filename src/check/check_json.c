/* A round as the result keeps it: what was run, what came out, and what that means. */
#include "check/check.h"

enum { MAX_FAILED = 200 };

static const char *status_name(enum report_status s)
{
    static const char *const names[] = {"passed", "failed", "error", "skipped"};

    return names[s];
}

static json_t *failed_json(const struct report *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->n_cases && json_array_size(list) < MAX_FAILED; i++) {
        const struct report_case *c = &r->cases[i];
        json_t *o;

        if (c->status != REPORT_FAILED && c->status != REPORT_ERROR)
            continue;
        o = json_object();
        json_set(o, "id", json_c(c->id));
        json_set(o, "status", json_c(status_name(c->status)));
        json_set(o, "message", json_c(c->message));
        json_add(list, o);
    }
    return list;
}

static json_t *tests_json(const struct check *c)
{
    const struct report *r = &c->report;
    json_t *o = json_object();

    json_set(o, "executed", json_integer(r->passed + r->failed));
    json_set(o, "passed", json_integer(r->passed));
    json_set(o, "failed", json_integer(r->failed));
    json_set(o, "skipped", json_integer(r->skipped));
    json_set(o, "assertions", c->assertions < 0 ? json_null() : json_integer(c->assertions));
    json_set(o, "failing", failed_json(r));
    return o;
}

static json_t *one_json(const struct check *c)
{
    json_t *o = json_object();

    json_set(o, "check", json_c(check_kind_name(c->kind)));
    json_set(o, "stack", json_c(c->stack));
    json_set(o, "dir", json_c(c->dir));
    json_set(o, "outcome", json_c(check_outcome_name(c->outcome)));
    json_set(o, "reason", json_c(check_reason_name(c->reason)));
    json_set(o, "detail", json_c(c->detail));
    json_set(o, "why", json_c(c->why));
    json_set(o, "command", json_c(c->command));
    json_set(o, "exit_code", c->exit_code < 0 ? json_null() : json_integer(c->exit_code));
    json_set(o, "status", json_c(c->status));
    json_set(o, "wall_ms", json_integer(c->wall_ms));
    if (c->kind == CHECK_TESTS)
        json_set(o, "tests", tests_json(c));
    json_set(o, "output", json_str(c->output));
    json_set(o, "log", json_c(c->log));
    return o;
}

json_t *check_to_json(const struct check_round *round)
{
    json_t *o = json_object(), *outcome = json_object(), *list = json_array();

    for (int k = 0; k < CHECK_KINDS; k++)
        json_set(outcome, check_kind_name((enum check_kind)k),
                 json_c(check_outcome_name(round->outcome[k])));
    for (size_t i = 0; i < round->n_checks; i++)
        json_add(list, one_json(&round->checks[i]));
    json_set(o, "green", json_boolean(round->green));
    json_set(o, "outcome", outcome);
    json_set(o, "checks", list);
    return o;
}
