/*
 * check_run's inside, for a place that need not be a sandbox: the tests use a folder and an
 * ordinary process.
 */
#ifndef KILN_CHECK_CHECK_RUN_H
#define KILN_CHECK_CHECK_RUN_H

#include "check/check.h"
#include "check/check_step.h"

int check_run_at(const struct check_place *place, const struct tree *t,
                 const struct check_options *options, struct arena *a, struct check_round *ret,
                 struct err *err);

#endif
