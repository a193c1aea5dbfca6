/*
 * Stacks: declarative recipes for a language and its tools, one YAML file each in stacks/ (part of
 * the program; a user's own folder adds and overrides by name). A new language is one file and no
 * C. data/help/stacks.txt (`kiln help stacks`) is the full description; in short:
 *
 *     name: python
 *     group: python            # stacks of one group are alternatives: the first that fits a folder
 *     order: 20                # the lower, the earlier
 *     detect: [pyproject.toml] # strong marks: files in a folder; `requires`: and one of these
 *     weak: ["*.py"]           # weak marks: files anywhere, for the root only
 *     sources: ["*.py"]        # what counts as code
 *     tests: ["test*.py"]      # what counts as a test file
 *     assertions: ["assert"]   # what an assertion looks like, so that weakened tests are noticed
 *     exclude: [__pycache__]   # folders that are never collected
 *     tools: {python3: python3, mypy: mypy}    # commands, and the Debian package of each
 *     needs: [python3]         # those without which nothing of the stack runs
 *     env: {PYTHONHASHSEED: "0"}
 *     files: [unittest_junit.py]               # of data/checks/, placed in $KILN
 *     prepare: ...             # shell commands in front of every check
 *     contract: |              # what the agent is told
 *     checks:                  # ordered rules: of each list the first that applies is run
 *       install: [...]         # then build, types, lint, tests
 *
 * A rule: when (all must hold), any (one must), needs (tools), run (a shell command in the unit's
 * folder; absent: nothing to do, `why` says so), reports, ok and findings (exit codes), timeout,
 * why.
 */
#ifndef KILN_CHECK_STACK_H
#define KILN_CHECK_STACK_H

#include "base/arena.h"
#include "base/err.h"
#include "json/json.h"
#include "sandbox/sandbox.h"
#include "tree/tree.h"

enum check_kind { CHECK_BUILD, CHECK_TYPES, CHECK_LINT, CHECK_TESTS, CHECK_KINDS };

/* "build", "types", "lint", "tests". */
const char *check_kind_name(enum check_kind kind);

struct stack_codes {
    const int *items;
    size_t n;
};

struct stack_rule {
    struct json_strings when, any; /* conditions, see stack_rule.h */
    struct json_strings needs;     /* names of the stack's tools */
    const char *run;               /* NULL: nothing to do here */
    struct json_strings reports;   /* "junit:*.xml" below $REPORT: the first that is there counts */
    struct stack_codes ok;         /* exit codes of a clean run: 0 unless given */
    struct stack_codes findings;   /* of one that found something; empty: all others */
    int64_t timeout_s;
    const char *why; /* shown with the choice */
};

struct stack_rules {
    struct stack_rule *items;
    size_t n;
};

struct stack {
    const char *name, *group, *contract, *prepare;
    int64_t order;
    struct json_strings detect, requires, weak, sources, tests, exclude, needs, files;
    struct json_strings assertions, trivial; /* regular expressions */
    struct json_pairs tools, env;
    struct stack_rules install, rules[CHECK_KINDS];
};

struct stack_set {
    struct stack *items; /* in order of precedence */
    size_t n;
};

/* The built-in stacks, then those in `dir` (NULL or "": none). Errors have file, line and column.
 */
int stack_load(struct arena *a, const char *dir, struct stack_set *ret, struct err *err);

/* One stack from the text of its file; `name` is the file's, for errors. */
int stack_parse(struct arena *a, struct str text, const char *name, struct stack *ret,
                struct err *err);

/* A folder of the tree that a stack applies to. */
struct stack_unit {
    const struct stack *stack;
    const char *dir;    /* "." or relative */
    const char *reason; /* "pyproject.toml", "2 files match *.py" */
};

/*
 * Which stacks apply where. Strong marks: the root first, then its folders (packages/ and the like
 * in two levels), one stack of a group a folder, a child only where the root has no unit of the
 * same group. Weak marks: of the root, if nothing strong was found, or if test files of the
 * stack are there. Nothing found is not an error: `*ret_n` is 0.
 */
void stack_detect(const struct stack_set *set, const struct tree *t, struct arena *a,
                  struct stack_unit **ret, size_t *ret_n);

/* Whether the unit has files that its stack takes for tests; true if the stack doesn't say. */
bool stack_has_test_files(const struct stack_unit *unit, const struct tree *t);

/* Whether a path of the tree is a test file by the stack's patterns. */
bool stack_is_test(const struct stack *stack, const char *path);

/* All `exclude` names of all stacks. */
void stack_excludes(const struct stack_set *set, struct arena *a, const char ***ret, size_t *ret_n);

/* The contracts of all stacks as one text for the agent. */
const char *stack_contracts(const struct stack_set *set, struct arena *a);

/* All helper files of all stacks, to be placed in a sandbox (sandbox_spec.files) below
 * STACK_KILN_DIR. */
#define STACK_KILN_DIR "/opt/kiln/checks"
void stack_files(const struct stack_set *set, struct arena *a, struct sandbox_file **ret,
                 size_t *ret_n);

#endif
