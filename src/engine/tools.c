#include "engine/tools.h"

#include <string.h>

#include "base/text.h"

enum { LINE_MAX_BYTES = 200 };

static const struct tool {
    const char *type, *name;
    const char *says[2]; /* members of the input that say what a call does */
    int (*run)(struct tools *t, struct arena *a, const json_t *input, struct tools_result *ret,
               struct err *err);
} all[] = {
    {"bash_20250124", "bash", {"command", NULL}, tools_bash},
    {"text_editor_20250728", "str_replace_based_edit_tool", {"command", "path"}, tools_edit},
};

enum { COUNT = sizeof(all) / sizeof(all[0]) };

void tools_clear(struct tools *t)
{
    free(t->cwd);
    t->cwd = NULL;
}

json_t *tools_offer(void)
{
    json_t *list = json_array();

    for (size_t i = 0; i < COUNT; i++)
        json_add(list, json_pack("{s:s, s:s}", "type", all[i].type, "name", all[i].name));
    return list;
}

const char *tools_get_string(const json_t *input, const char *key)
{
    const json_t *value = json_object_get(input, key);
    const char *text = json_string_value(value);

    return text && strlen(text) == json_string_length(value) ? text : NULL;
}

const char *tools_one_line(struct arena *a, struct str text, size_t max)
{
    struct str line = text_clean(a, str_trim(text), TEXT_ONE_LINE);

    if (line.n <= max)
        return line.p;
    for (line.n = max - 3; line.n > 0 && ((unsigned char)line.p[line.n] & 0xc0) == 0x80; line.n--)
        ;
    return arena_printf(a, "%.*s...", STR_ARG(line));
}

static const struct tool *find(const char *name)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(all[i].name, name) == 0)
            return &all[i];
    return NULL;
}

const char *tools_describe(struct arena *a, const char *name, const json_t *input)
{
    const struct tool *tool = find(name);
    char *line = arena_printf(a, "%s:", tool && tool->run == tools_edit ? "edit" : name);

    for (size_t i = 0; tool && i < 2 && tool->says[i]; i++)
        line = arena_printf(a, "%s %.*s", line, STR_ARG(json_get_str(input, tool->says[i])));
    if (json_get_bool(input, "restart", false))
        line = arena_printf(a, "%s restart", line);
    return tools_one_line(a, str_from(line), LINE_MAX_BYTES);
}

static int report(struct arena *a, struct tools_result *ret, bool failed, const char *text)
{
    ret->text = str_from(text);
    ret->failed = failed;
    ret->brief = tools_one_line(a, ret->text, LINE_MAX_BYTES);
    return 0;
}

int tools_fail(struct arena *a, struct tools_result *ret, const char *fmt, ...)
{
    va_list ap;
    char *text;

    va_start(ap, fmt);
    text = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return report(a, ret, true, text);
}

int tools_say(struct arena *a, struct tools_result *ret, const char *fmt, ...)
{
    va_list ap;
    char *text;

    va_start(ap, fmt);
    text = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return report(a, ret, false, text);
}

int tools_blame(struct arena *a, const struct err *why, struct tools_result *ret, struct err *err)
{
    switch (why->kind) {
    case ERR_CANCELLED:
        return err_set(err, ERR_CANCELLED, "%s", why->msg);
    case ERR_NET:
    case ERR_TIMEOUT:
    case ERR_PROTOCOL:
    case ERR_INTERNAL:
        return err_set(err, ERR_HOST, "the sandbox doesn't answer as it should: %s", why->msg);
    default:
        return tools_fail(a, ret, "%s", why->msg);
    }
}

int tools_run(struct tools *t, struct arena *a, const char *name, const json_t *input,
              struct tools_result *ret, struct err *err)
{
    const struct tool *tool = find(name);

    *ret = (struct tools_result){0};
    if (!tool)
        return tools_fail(a, ret, "There is no tool '%s'. The tools are: %s, %s.", name,
                          all[0].name, all[1].name);
    return tool->run(t, a, input, ret, err);
}
