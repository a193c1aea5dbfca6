/* Stacks from their YAML files. Whatever could go wrong in a check because of a slip in a stack is
 * refused here, with its place. */
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/embed.h"
#include "base/fs.h"
#include "check/check_assertions.h"
#include "check/report.h"
#include "check/stack.h"
#include "check/stack_rule.h"
#include "json/yaml.h"

enum { MAX_STACKS = 200, MAX_RULES = 50, DEFAULT_ORDER = 100 };

struct loader {
    struct arena *arena;
    struct json_source src;
};

/* ---- rules ---- */

struct raw_rule {
    struct stack_rule rule;
    const json_t *ok, *findings;
};

static const struct json_field rule_fields[] = {
    {"when", JSON_KIND_STRINGS, offsetof(struct raw_rule, rule.when), false, 0, 0},
    {"any", JSON_KIND_STRINGS, offsetof(struct raw_rule, rule.any), false, 0, 0},
    {"needs", JSON_KIND_STRINGS, offsetof(struct raw_rule, rule.needs), false, 0, 0},
    {"run", JSON_KIND_STRING, offsetof(struct raw_rule, rule.run), false, 0, 0},
    {"reports", JSON_KIND_STRINGS, offsetof(struct raw_rule, rule.reports), false, 0, 0},
    {"ok", JSON_KIND_ARRAY, offsetof(struct raw_rule, ok), false, 0, 0},
    {"findings", JSON_KIND_ARRAY, offsetof(struct raw_rule, findings), false, 0, 0},
    {"timeout", JSON_KIND_INT, offsetof(struct raw_rule, rule.timeout_s), false, 1, 3600},
    {"why", JSON_KIND_STRING, offsetof(struct raw_rule, rule.why), true, 0, 0},
    {0},
};

static int decode_codes(struct loader *l, const json_t *list, struct stack_codes *ret,
                        struct err *err)
{
    size_t n = json_array_size(list);
    int *codes = ARENA_ARRAY(l->arena, n + 1, int);

    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i);

        if (!json_is_integer(item) || json_integer_value(item) < 0 ||
            json_integer_value(item) > 255)
            return json_err(&l->src, item, err, "an exit code must be from 0 to 255");
        codes[i] = (int)json_integer_value(item);
    }
    if (n)
        *ret = (struct stack_codes){codes, n};
    return 0;
}

static int check_conditions(const struct loader *l, const json_t *at,
                            const struct json_strings *conditions, struct err *err)
{
    struct err why = {0};

    for (size_t i = 0; i < conditions->n; i++)
        if (stack_rule_check(conditions->items[i], &why) < 0)
            return json_err(&l->src, at, err, "%s", why.msg);
    return 0;
}

static bool has_tool(const struct stack *s, const char *name)
{
    for (size_t i = 0; i < s->tools.n; i++)
        if (strcmp(s->tools.items[i].name, name) == 0)
            return true;
    return false;
}

static int check_needs(const struct loader *l, const json_t *at, const struct stack *s,
                       const struct json_strings *needs, struct err *err)
{
    for (size_t i = 0; i < needs->n; i++)
        if (!has_tool(s, needs->items[i]))
            return json_err(&l->src, at, err, "'%s' is needed but not listed in 'tools'",
                            needs->items[i]);
    return 0;
}

static int check_reports(const struct loader *l, const json_t *at, const struct json_strings *specs,
                         struct err *err)
{
    for (size_t i = 0; i < specs->n; i++) {
        const char *spec = specs->items[i], *colon = strchr(spec, ':');
        const char *name =
            colon ? arena_dup(l->arena, (struct str){spec, (size_t)(colon - spec)}).p : spec;

        if (!colon || !colon[1])
            return json_err(&l->src, at, err, "report '%s' must be PARSER:GLOB", spec);
        if (!report_find(name))
            return json_err(&l->src, at, err, "there is no report parser '%s'", name);
    }
    return 0;
}

static int decode_rule(struct loader *l, const json_t *object, const struct stack *s, bool tests,
                       struct stack_rule *ret, struct err *err)
{
    static const int clean[] = {0};
    struct raw_rule raw = {.rule.ok = {clean, 1}};
    struct stack_rule *r = &raw.rule;

    if (json_decode(l->arena, &l->src, object, "rule", rule_fields, &raw, err) < 0 ||
        decode_codes(l, raw.ok, &r->ok, err) < 0 ||
        decode_codes(l, raw.findings, &r->findings, err) < 0 ||
        check_conditions(l, object, &r->when, err) < 0 ||
        check_conditions(l, object, &r->any, err) < 0 ||
        check_needs(l, object, s, &r->needs, err) < 0 ||
        check_reports(l, object, &r->reports, err) < 0)
        return -1;
    if (tests && r->run && !r->reports.n)
        return json_err(&l->src, object, err, "tests are counted: the rule needs 'reports'");
    *ret = *r;
    return 0;
}

static int decode_rules(struct loader *l, const json_t *list, const struct stack *s, bool tests,
                        struct stack_rules *ret, struct err *err)
{
    size_t n = json_array_size(list);

    if (n > MAX_RULES)
        return json_err(&l->src, list, err, "more than %d rules", MAX_RULES);
    ret->items = ARENA_ARRAY(l->arena, n + 1, struct stack_rule);
    ret->n = n;
    for (size_t i = 0; i < n; i++)
        if (decode_rule(l, json_array_get(list, i), s, tests, &ret->items[i], err) < 0)
            return -1;
    return 0;
}

/* ---- stacks ---- */

struct raw_stack {
    struct stack stack;
    const json_t *checks;
};

struct raw_checks {
    const json_t *install, *rules[CHECK_KINDS];
};

#define FIELD(key, kind, must)                                                                     \
    {                                                                                              \
#key, kind, offsetof(struct raw_stack, stack.key), must, 0, 0                              \
    }
static const struct json_field stack_fields[] = {
    FIELD(name, JSON_KIND_STRING, true),
    FIELD(group, JSON_KIND_STRING, true),
    {"order", JSON_KIND_INT, offsetof(struct raw_stack, stack.order), false, 1, 1000},
    FIELD(contract, JSON_KIND_STRING, false),
    FIELD(prepare, JSON_KIND_STRING, false),
    FIELD(detect, JSON_KIND_STRINGS, false),
    FIELD(requires, JSON_KIND_STRINGS, false),
    FIELD(weak, JSON_KIND_STRINGS, false),
    FIELD(sources, JSON_KIND_STRINGS, true),
    FIELD(tests, JSON_KIND_STRINGS, false),
    FIELD(assertions, JSON_KIND_STRINGS, false),
    FIELD(trivial, JSON_KIND_STRINGS, false),
    FIELD(exclude, JSON_KIND_STRINGS, false),
    FIELD(needs, JSON_KIND_STRINGS, false),
    FIELD(files, JSON_KIND_STRINGS, false),
    FIELD(tools, JSON_KIND_PAIRS, true),
    FIELD(env, JSON_KIND_PAIRS, false),
    {"checks", JSON_KIND_OBJECT, offsetof(struct raw_stack, checks), true, 0, 0},
    {0},
};
#undef FIELD

static const struct json_field check_fields[] = {
    {"install", JSON_KIND_ARRAY, offsetof(struct raw_checks, install), false, 0, 0},
    {"build", JSON_KIND_ARRAY, offsetof(struct raw_checks, rules[CHECK_BUILD]), false, 0, 0},
    {"types", JSON_KIND_ARRAY, offsetof(struct raw_checks, rules[CHECK_TYPES]), false, 0, 0},
    {"lint", JSON_KIND_ARRAY, offsetof(struct raw_checks, rules[CHECK_LINT]), false, 0, 0},
    {"tests", JSON_KIND_ARRAY, offsetof(struct raw_checks, rules[CHECK_TESTS]), true, 0, 0},
    {0},
};

static int decode_checks(struct loader *l, const json_t *object, struct stack *s, struct err *err)
{
    struct raw_checks raw = {0};

    if (json_decode(l->arena, &l->src, object, "checks", check_fields, &raw, err) < 0 ||
        decode_rules(l, raw.install, s, false, &s->install, err) < 0)
        return -1;
    for (int k = 0; k < CHECK_KINDS; k++)
        if (decode_rules(l, raw.rules[k], s, k == CHECK_TESTS, &s->rules[k], err) < 0)
            return -1;
    return 0;
}

static bool is_name(const char *s, const char *also)
{
    for (; *s; s++)
        if (!((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || strchr(also, *s)))
            return false;
    return true;
}

/* Names end up in shell commands, file names and paths. */
static int check_names(const struct loader *l, const json_t *at, const struct stack *s,
                       struct err *err)
{
    struct str ignored;

    if (!is_name(s->name, "-"))
        return json_err(&l->src, at, err, "the name '%s' must be of a-z, 0-9 and '-'", s->name);
    for (size_t i = 0; i < s->tools.n; i++)
        if (!is_name(s->tools.items[i].name, "-_.+"))
            return json_err(&l->src, at, err, "tool '%s' must be of a-z, 0-9 and '-_.+'",
                            s->tools.items[i].name);
    for (size_t i = 0; i < s->files.n; i++) {
        ARENA_CLEANUP struct arena scratch = {0};

        if (!embed_find(arena_printf(&scratch, "data/checks/%s", s->files.items[i]), &ignored))
            return json_err(&l->src, at, err, "kiln has no helper file '%s'", s->files.items[i]);
    }
    if (!s->detect.n && !s->weak.n)
        return json_err(&l->src, at, err, "a stack needs 'detect' or 'weak'");
    return 0;
}

static int check_patterns(const struct loader *l, const json_t *at,
                          const struct json_strings *patterns, struct err *err)
{
    for (size_t i = 0; i < patterns->n; i++)
        if (!check_assertions_pattern_ok(patterns->items[i]))
            return json_err(&l->src, at, err, "'%s' is no regular expression", patterns->items[i]);
    return 0;
}

int stack_parse(struct arena *a, struct str text, const char *name, struct stack *ret,
                struct err *err)
{
    struct loader l = {.arena = a};
    struct raw_stack raw = {.stack.order = DEFAULT_ORDER};
    struct stack *s = &raw.stack;
    JSON_CLEANUP json_t *value = yaml_parse(a, text, name, &l.src, err);

    if (!value || json_decode(a, &l.src, value, "stack", stack_fields, &raw, err) < 0 ||
        check_names(&l, value, s, err) < 0 ||
        check_patterns(&l, json_object_get(value, "assertions"), &s->assertions, err) < 0 ||
        check_patterns(&l, json_object_get(value, "trivial"), &s->trivial, err) < 0 ||
        check_needs(&l, value, s, &s->needs, err) < 0 || decode_checks(&l, raw.checks, s, err) < 0)
        return -1;
    *ret = *s;
    return 0;
}

/* ---- all of them ---- */

/* Adds a stack, in the place of one that has its name. */
static int add(struct stack_set *set, const struct stack *s, struct err *err)
{
    size_t i = 0;

    while (i < set->n && strcmp(set->items[i].name, s->name) != 0)
        i++;
    if (i == MAX_STACKS)
        return err_set(err, ERR_LIMIT, "more than %d stacks", MAX_STACKS);
    set->items[i] = *s;
    set->n += i == set->n;
    return 0;
}

static int load_file(struct arena *a, const char *path, struct stack_set *set, struct err *err)
{
    struct stack s;
    struct str text;

    if (fs_read_file(a, path, YAML_MAX_BYTES, &text, err) < 0 ||
        stack_parse(a, text, path, &s, err) < 0)
        return -1;
    return add(set, &s, err);
}

static void close_dir(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

static int load_dir(struct arena *a, const char *path, struct stack_set *set, struct err *err)
{
    __attribute__((cleanup(close_dir))) DIR *dir = opendir(path);
    struct dirent *entry;

    if (!dir)
        return err_sys(err, ERR_CONFIG, errno, "open the folder of stacks '%s'", path);
    while ((entry = readdir(dir)))
        if (str_ends(str_from(entry->d_name), ".yaml") && entry->d_name[0] != '.' &&
            load_file(a, fs_join(a, path, entry->d_name), set, err) < 0)
            return -1;
    return 0;
}

static int by_order(const void *a, const void *b)
{
    const struct stack *x = a, *y = b;

    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return strcmp(x->name, y->name);
}

int stack_load(struct arena *a, const char *dir, struct stack_set *ret, struct err *err)
{
    struct stack_set set = {.items = ARENA_ARRAY(a, MAX_STACKS, struct stack)};
    const struct embed_file *file;
    size_t at = 0;

    while ((file = embed_next("stacks/", &at))) {
        struct str text = {file->start, (size_t)(file->end - file->start)};
        struct stack s;

        if (stack_parse(a, text, file->name, &s, err) < 0 || add(&set, &s, err) < 0)
            return -1;
    }
    if (dir && *dir && load_dir(a, dir, &set, err) < 0)
        return -1;
    qsort(set.items, set.n, sizeof(*set.items), by_order);
    *ret = set;
    return 0;
}
