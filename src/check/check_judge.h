/*
 * What a check's evidence means. No input and output: a table of cases tests it.
 */
#ifndef KILN_CHECK_CHECK_JUDGE_H
#define KILN_CHECK_CHECK_JUDGE_H

#include "check/check.h"
#include "check/check_step.h"

/* Fills outcome, reason, status, exit code, report, output and detail of `c`, whose kind is set.
 * `has_test_files`: the tree has some, so that no test at all is not for want of them. */
void check_judge(struct check *c, const struct check_evidence *e, const struct stack_unit *unit,
                 const struct stack_rule *rule, bool has_test_files, struct arena *a);

/* The same for an install step: a package manager that ran and refused is a failure, for the
 * project names what isn't to be had. True if all is there. */
bool check_judge_installed(const struct check_evidence *e, const struct stack_rule *rule,
                           struct check *c, struct arena *a);

#endif
