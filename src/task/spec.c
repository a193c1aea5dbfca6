#include "task/spec.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/rand.h"
#include "base/text.h"
#include "json/yaml.h"

/* Ids sort by time and can't collide: "20261122-014458-k3v9x2". */
static char *make_id(struct arena *a)
{
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm tm;

    gmtime_r(&now, &tm);
    return arena_printf(a, "%04d%02d%02d-%02d%02d%02d-%s", tm.tm_year + 1900, tm.tm_mon + 1,
                        tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, rand_id(a, 6));
}

bool spec_id_ok(const char *id)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t n = strlen(id);

    return n > 0 && n <= SPEC_ID_MAX && strspn(id, allowed) == n && id[0] != '.' && id[0] != '-' &&
           id[0] != '_';
}

static int check_text(struct str text, struct err *err)
{
    if (str_trim(text).n == 0) {
        err_set(err, ERR_INPUT, "the specification is empty");
        return err_fix(err, "say what to build: kiln run \"Create a calculator with tests\"");
    }
    if (text.n > SPEC_MAX_BYTES)
        return err_set(err, ERR_INPUT, "the specification has %zu bytes; at most %d are taken",
                       text.n, SPEC_MAX_BYTES);
    if (str_find_char(text, '\0') >= 0)
        return err_set(err, ERR_INPUT, "the specification has a NUL byte at position %td",
                       str_find_char(text, '\0'));
    if (!text_is_utf8(text)) {
        err_set(err, ERR_INPUT, "the specification is not valid UTF-8");
        return err_fix(err, "convert it: iconv -t utf-8 FILE");
    }
    return 0;
}

int spec_from_text(struct arena *a, struct str text, struct task_spec *ret, struct err *err)
{
    struct task_spec spec = {0};

    if (check_text(text, err))
        return -1;
    spec.id = make_id(a);
    spec.specification = arena_dup(a, text).p;
    if (tree_make(NULL, 0, a, &spec.tests, err))
        return -1;
    *ret = spec;
    return 0;
}

/* What a task file may hold. */
struct task_file {
    const char *specification, *task_id;
    struct json_pairs tests;
};

static const struct json_field task_fields[] = {
    {"specification", JSON_KIND_TEXT, offsetof(struct task_file, specification), .required = true},
    {"task_id", JSON_KIND_STRING, offsetof(struct task_file, task_id)},
    {"tests", JSON_KIND_PAIRS, offsetof(struct task_file, tests)},
    {0},
};

static int make_tests(struct arena *a, const struct json_pairs *tests, struct tree *ret,
                      struct err *err)
{
    struct tree_file *files = ARENA_ARRAY(a, tests->n + 1, struct tree_file);

    for (size_t i = 0; i < tests->n; i++)
        files[i] = (struct tree_file){.path = tests->items[i].name,
                                      .content = str_from(tests->items[i].value)};
    if (tree_make(files, tests->n, a, ret, err))
        return err_wrap(err, "'tests'");
    return 0;
}

static int from_file(struct arena *a, const struct json_source *src, const json_t *value,
                     struct task_spec *ret, struct err *err)
{
    struct task_file file = {0};
    struct task_spec spec = {0};

    if (json_decode(a, src, value, "task", task_fields, &file, err))
        return -1;
    if (check_text(str_from(file.specification), err))
        return err_wrap(err, "%s", src->name);
    if (file.task_id && !spec_id_ok(file.task_id))
        return json_err(src, json_object_get(value, "task_id"), err,
                        "'task_id' must be 1 to %d characters of a-z 0-9 . _ - and begin with a "
                        "letter or digit",
                        SPEC_ID_MAX);
    spec.id = file.task_id ? file.task_id : make_id(a);
    spec.specification = file.specification;
    if (make_tests(a, &file.tests, &spec.tests, err))
        return err_wrap(err, "%s", src->name);
    *ret = spec;
    return 0;
}

int spec_from_file(struct arena *a, const char *path, struct task_spec *ret, struct err *err)
{
    struct json_source src = {.name = path};
    JSON_CLEANUP json_t *value = NULL;
    struct str text;

    if (fs_read_file(a, path, YAML_MAX_BYTES, &text, err))
        return -1;
    if (str_ends(str_from(path), ".json"))
        value = json_parse(text, path, err);
    else
        value = yaml_parse(a, text, path, &src, err);
    return value ? from_file(a, &src, value, ret, err) : -1;
}
