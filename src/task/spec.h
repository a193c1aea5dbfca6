/*
 * A task as it was given: the specification and what may come with it.
 */
#ifndef KILN_TASK_SPEC_H
#define KILN_TASK_SPEC_H

#include "base/arena.h"
#include "base/err.h"
#include "json/json.h"
#include "tree/tree.h"

enum { SPEC_MAX_BYTES = 1024 * 1024, SPEC_ID_MAX = 64 };

struct task_spec {
    const char *id;            /* [a-z0-9][a-z0-9._-]*, at most SPEC_ID_MAX */
    const char *specification; /* any text: UTF-8, no NUL; at most SPEC_MAX_BYTES */
    struct tree tests;         /* protected: placed at the start, put back before each check */
};

/* From text that a person typed or a file held. Makes an id. */
int spec_from_text(struct arena *a, struct str text, struct task_spec *ret, struct err *err);

/*
 * From a task file, JSON or YAML by its name: {"specification": "...", "task_id"?: "...",
 * "tests"?: {"test_x.py": "content", ...}}. The published schema is data/schema/task.json.
 */
int spec_from_file(struct arena *a, const char *path, struct task_spec *ret, struct err *err);

bool spec_id_ok(const char *id);

#endif
