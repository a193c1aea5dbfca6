#include "check/stack_rule.h"

#include <regex.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/glob.h"

/* What a condition is decided by. */
struct facts {
    const struct stack_unit *unit;
    const struct tree *tree;
    const struct stack_tools *tools;
};

bool stack_rule_has_tool(const struct stack_tools *tools, const char *name)
{
    for (size_t i = 0; i < tools->n; i++)
        if (strcmp(tools->found[i], name) == 0)
            return true;
    return false;
}

/* The file of the tree at `i` as seen from the unit, or NULL when it isn't a file of it. */
static const char *unit_path(const struct facts *f, size_t i)
{
    return f->tree->files[i].is_link ? NULL : glob_below(f->unit->dir, f->tree->files[i].path);
}

static void free_regex(regex_t *re)
{
    regfree(re);
}

static bool regex_finds(const regex_t *re, struct str text)
{
    regmatch_t range = {.rm_so = 0, .rm_eo = (regoff_t)text.n};

    return text.n && regexec(re, text.p, 1, &range, REG_STARTEND) == 0;
}

/* "GLOB:REGEX" in its two parts. The glob has no colon. */
static bool split(const char *arg, struct str *ret_first, const char **ret_rest)
{
    const char *colon = strchr(arg, ':');

    if (!colon || colon == arg || !colon[1])
        return false;
    *ret_first = (struct str){arg, (size_t)(colon - arg)};
    *ret_rest = colon + 1;
    return true;
}

static int compile(regex_t *re, const char *pattern)
{
    return regcomp(re, pattern, REG_EXTENDED | REG_NEWLINE);
}

/* ---- the kinds of conditions ---- */

static bool holds_file(const struct facts *f, const char *arg)
{
    const struct json_strings one = {&arg, 1};

    return glob_count(&one, f->tree, f->unit->dir) > 0;
}

static bool any_file_matches(const struct facts *f, const char *glob, const char *pattern)
{
    __attribute__((cleanup(free_regex))) regex_t re;

    if (compile(&re, pattern) != 0)
        BUG("condition with a bad pattern '%s'", pattern);
    for (size_t i = 0; i < f->tree->n_files; i++) {
        const char *path = unit_path(f, i);

        if (path && glob_matches(glob, path) && regex_finds(&re, f->tree->files[i].content))
            return true;
    }
    return false;
}

static bool holds_match(const struct facts *f, const char *arg)
{
    ARENA_CLEANUP struct arena scratch = {0};
    const char *pattern;
    struct str glob;

    return split(arg, &glob, &pattern) && any_file_matches(f, arena_dup(&scratch, glob).p, pattern);
}

/* A JSON file in the unit's own folder, or NULL. The caller owns it. */
static json_t *unit_json(const struct facts *f, struct str name)
{
    for (size_t i = 0; i < f->tree->n_files; i++) {
        const char *path = unit_path(f, i);

        if (path && str_eq_c(name, path))
            return json_parse(f->tree->files[i].content, path, NULL);
    }
    return NULL;
}

static bool package_json_names(const struct facts *f, const char *name)
{
    static const char *const lists[] = {"dependencies", "devDependencies", "optionalDependencies"};
    JSON_CLEANUP json_t *package = unit_json(f, STR("package.json"));

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const json_t *list = json_object_get(package, lists[i]);

        if (strcmp(name, "*") == 0 ? json_object_size(list) > 0
                                   : json_object_get(list, name) != NULL)
            return true;
    }
    return false;
}

/* Python's manifests have many forms, all of which have the name as a word of its own with a
 * quote, a line start or a comma before it and a version, an extra or an end behind it. */
static bool python_manifest_names(const struct facts *f, const char *name)
{
    static const char *const files[] = {"/requirements*.txt", "/pyproject.toml", "/setup.cfg",
                                        "/setup.py", "/Pipfile"};
    ARENA_CLEANUP struct arena scratch = {0};
    const char *pattern =
        arena_printf(&scratch, "(^|[\"',[])[[:space:]]*%s[[:space:]]*($|[]\"',;<>=~!@[#])", name);

    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (any_file_matches(f, files[i], pattern))
            return true;
    return false;
}

static bool holds_dep(const struct facts *f, const char *arg)
{
    return package_json_names(f, arg) || (strcmp(arg, "*") != 0 && python_manifest_names(f, arg));
}

static bool holds_key(const struct facts *f, const char *arg)
{
    JSON_CLEANUP json_t *file = NULL;
    const json_t *value;
    const char *keys;
    struct str name, rest, key;

    if (!split(arg, &name, &keys))
        return false;
    file = unit_json(f, name);
    value = file;
    rest = str_from(keys);
    while (value && str_next(&rest, '.', &key))
        value = json_object_getn(value, key.p, key.n);
    return value != NULL;
}

static bool holds_tool(const struct facts *f, const char *arg)
{
    return stack_rule_has_tool(f->tools, arg);
}

static const struct condition {
    const char *prefix;
    bool (*holds)(const struct facts *f, const char *arg);
} conditions[] = {
    {"file:", holds_file}, {"match:", holds_match}, {"dep:", holds_dep},
    {"key:", holds_key},   {"tool:", holds_tool},
};

static const struct condition *find(const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
        const struct condition *c = &conditions[i];

        if (strncmp(text, c->prefix, strlen(c->prefix)) == 0)
            return c;
    }
    return NULL;
}

static bool is_dep_name(const char *s)
{
    return strcmp(s, "*") == 0 ||
           s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-@/")] == 0;
}

int stack_rule_check(const char *text, struct err *err)
{
    const char *bare = text + (*text == '!'), *arg, *rest;
    const struct condition *c = find(bare);
    struct str first;
    regex_t re;

    if (!c)
        return err_set(err, ERR_INPUT,
                       "'%s' is no condition; there are file: match: dep: key: tool:", text);
    arg = bare + strlen(c->prefix);
    if (!*arg || (c->holds == holds_tool && bare != text))
        return err_set(err, ERR_INPUT, "condition '%s' is incomplete or can't be negated", text);
    if (c->holds == holds_dep && !is_dep_name(arg))
        return err_set(err, ERR_INPUT, "'%s' can't be the name of a dependency", arg);
    if (c->holds != holds_match && c->holds != holds_key)
        return 0;
    if (!split(arg, &first, &rest))
        return err_set(err, ERR_INPUT, "condition '%s' needs two parts, FILE:WHAT", text);
    if (c->holds == holds_key)
        return 0;
    if (compile(&re, rest) != 0)
        return err_set(err, ERR_INPUT, "'%s' is not a regular expression", rest);
    regfree(&re);
    return 0;
}

static bool holds(const struct facts *f, const char *text)
{
    bool negated = *text == '!';
    const char *bare = text + negated;
    const struct condition *c = find(bare);

    if (!c)
        BUG("unchecked condition '%s'", text);
    return c->holds(f, bare + strlen(c->prefix)) != negated;
}

static bool applies(const struct facts *f, const struct stack_rule *rule)
{
    bool any = rule->any.n == 0;

    for (size_t i = 0; i < rule->when.n; i++)
        if (!holds(f, rule->when.items[i]))
            return false;
    for (size_t i = 0; i < rule->any.n && !any; i++)
        any = holds(f, rule->any.items[i]);
    return any;
}

const struct stack_rule *stack_rule_choose(const struct stack_rules *rules,
                                           const struct stack_unit *unit, const struct tree *t,
                                           const struct stack_tools *tools)
{
    const struct facts f = {unit, t, tools};

    for (size_t i = 0; i < rules->n; i++)
        if (applies(&f, &rules->items[i]))
            return &rules->items[i];
    return NULL;
}

static const char *first_missing(const struct json_strings *needs, const struct stack_tools *tools)
{
    for (size_t i = 0; i < needs->n; i++)
        if (!stack_rule_has_tool(tools, needs->items[i]))
            return needs->items[i];
    return NULL;
}

const char *stack_rule_lacks(const struct stack *s, const struct stack_rule *rule,
                             const struct stack_tools *tools)
{
    const char *missing = first_missing(&s->needs, tools);

    return missing ? missing : first_missing(&rule->needs, tools);
}

const char *stack_rule_package(const struct stack *s, const char *tool)
{
    for (size_t i = 0; i < s->tools.n; i++)
        if (strcmp(s->tools.items[i].name, tool) == 0)
            return s->tools.items[i].value;
    return tool;
}
