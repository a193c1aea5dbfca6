/*
 * Conditions of a stack's rules, and the choice of a rule.
 *
 *     file:GLOB          a file of the unit fits (glob.h); !file:GLOB none does
 *     match:GLOB:REGEX   a line of such a file fits the POSIX extended regular expression
 *     dep:NAME           a manifest of the unit names it as a dependency (dep:* for package.json:
 *                        it has any)
 *     key:FILE:A.B       a JSON file of the unit's folder has the key
 *     tool:NAME          the command is there
 *
 * Each but tool: may be negated with '!'. All but tool: are decided by the collected tree, outside
 * of the sandbox.
 */
#ifndef KILN_CHECK_STACK_RULE_H
#define KILN_CHECK_STACK_RULE_H

#include "check/stack.h"

/* Commands that the sandbox has. */
struct stack_tools {
    const char **found;
    size_t n;
};

bool stack_rule_has_tool(const struct stack_tools *tools, const char *name);

/* Whether a condition is well formed. */
int stack_rule_check(const char *condition, struct err *err);

/* The first rule whose conditions hold for the unit, or NULL. */
const struct stack_rule *stack_rule_choose(const struct stack_rules *rules,
                                           const struct stack_unit *unit, const struct tree *t,
                                           const struct stack_tools *tools);

/* The first tool that the rule or its stack needs and that isn't there, or NULL. */
const char *stack_rule_lacks(const struct stack *s, const struct stack_rule *rule,
                             const struct stack_tools *tools);

/* The Debian package of a tool of the stack. */
const char *stack_rule_package(const struct stack *s, const char *tool);

#endif
