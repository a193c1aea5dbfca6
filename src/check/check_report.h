/*
 * Fetches the reports that a step left, and reads them.
 */
#ifndef KILN_CHECK_CHECK_REPORT_H
#define KILN_CHECK_CHECK_REPORT_H

#include "check/check_step.h"

/*
 * `dir` is the folder inside that was $REPORT. The specs ("junit:*.xml") are tried in order, the
 * first for which there is a regular file counts, with at most 200 of them. Names below `work` in
 * the text lose that prefix, so that they are the same in every run. Cases that passed and are
 * named like a file of the tree are dropped: node counts a file without a test as one.
 */
int check_report_fetch(const struct check_place *place, const char *dir, const char *work,
                       const struct json_strings *specs, const struct tree *t, struct arena *a,
                       struct check_evidence *ret, struct err *err);

/* `text` with every `from` replaced. */
struct str check_report_replace(struct arena *a, struct str text, const char *from, const char *to);

#endif
