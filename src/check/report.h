/*
 * Test reports: what a test runner wrote because kiln asked for it, reduced to cases and counts.
 *
 * Reports are hostile input: capped in size, depth and count; no entity is expanded; a report that
 * can't be read has no tests, which is never a pass. One format is one file,
 * src/check/report_NAME.c, that defines `const struct report_parser report_NAME`.
 */
#ifndef KILN_CHECK_REPORT_H
#define KILN_CHECK_REPORT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum report_status { REPORT_PASSED, REPORT_FAILED, REPORT_ERROR, REPORT_SKIPPED };

struct report_case {
    const char *id; /* "tests.test_calc.TestCalc.test_add": stable between runs */
    enum report_status status;
    const char *message; /* of a failure: cleaned text, at most 4 KiB; or NULL */
};

struct report {
    struct report_case *cases; /* in the order of the report; ids are made unique (" #2") */
    size_t n_cases, cap_cases;
    int64_t passed, failed, skipped; /* errors count as failed */
    size_t message_bytes;
    const char *disagrees; /* the first thing in which a report contradicts itself, or NULL:
                              "3 tests, but the plan says 5" */
    struct report_ids *ids;
};

enum {
    REPORT_MAX_CASES = 20000,
    REPORT_MAX_BYTES = 16 * 1024 * 1024,
    REPORT_MAX_ID = 512,
    REPORT_MAX_MESSAGE = 4096,
    REPORT_MAX_MESSAGES = 1024 * 1024, /* together; later failures have none */
};

struct report_parser {
    const char *name; /* "junit" */
    /* Adds the cases of one report file to `r`. A text that isn't such a report is ERR_INPUT. */
    int (*parse)(struct arena *a, struct str text, struct report *r, struct err *err);
};

const struct report_parser *report_find(const char *name);

/* For parsers: adds a case and counts it; ERR_LIMIT above REPORT_MAX_CASES. */
int report_add(struct arena *a, struct report *r, struct str id, enum report_status status,
               struct str message, struct err *err);

/* For parsers: notes a contradiction, unless there is one already. */
void report_disagree(struct arena *a, struct report *r, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Takes out the passed cases for which `is_not_test` says true, and their counts. */
void report_drop_passed(struct report *r, bool (*is_not_test)(const void *ctx, const char *id),
                        const void *ctx);

#endif
