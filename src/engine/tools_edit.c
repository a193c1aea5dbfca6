#include "engine/tools.h"

#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "engine/tools_text.h"

enum { LIST_DEPTH = 2, LIST_MAX = 500 };

/* One call of the editor. */
struct edit {
    struct tools *t;
    struct arena *a;
    const json_t *input;
    const char *path; /* absolute */
    struct tools_result *ret;
    struct err *err;
};

static int blame(const struct edit *e, const struct err *why)
{
    return tools_blame(e->a, why, e->ret, e->err);
}

/* 1 with the file's content, 0 when the model has been told why not, -1 on errors. */
static int read_file(const struct edit *e, struct str *ret)
{
    struct err why = {0};

    if (envd_read(e->t->env->envd, e->a, e->path, 0, TOOLS_FILE_MAX, ret, &why))
        return blame(e, &why);
    if (str_find_char(*ret, '\0') >= 0)
        return tools_fail(e->a, e->ret, "'%s' is a binary file of %zu bytes.", e->path, ret->n);
    return 1;
}

/* 1 when it is written. */
static int write_file(const struct edit *e, struct str text)
{
    struct err why = {0};

    if (envd_write(e->t->env->envd, e->path, text, &why))
        return blame(e, &why);
    e->ret->file = e->path;
    return 1;
}

/* ---- view ---- */

static int view_dir(const struct edit *e)
{
    BUF_CLEANUP struct buf out = BUF_INIT(TOOLS_OUTPUT_MAX);
    struct envd_entry *entries;
    struct err why = {0};
    size_t n, shown = 0;

    if (envd_list_dir(e->t->env->envd, e->a, e->path, LIST_DEPTH, &entries, &n, &why))
        return blame(e, &why);
    for (size_t i = 0; i < n; i++) {
        const char *path = tools_one_line(e->a, str_from(entries[i].path), 1000);

        if (strstr(path, "/.") || shown >= LIST_MAX ||
            buf_printf(&out, NULL, "%s%s\n", path, entries[i].type == ENVD_DIR ? "/" : ""))
            continue;
        shown++;
    }
    return tools_say(e->a, e->ret,
                     "%s, to a depth of %d (%zu of %zu entries; hidden ones are not shown):\n%s",
                     e->path, LIST_DEPTH, shown, n, buf_c(&out));
}

/* 1 with the lines to show, 0 when the model has been told that the range is wrong. */
static int read_range(const struct edit *e, size_t lines, size_t *ret_first, size_t *ret_last)
{
    const json_t *range = json_object_get(e->input, "view_range");
    json_int_t first = json_integer_value(json_array_get(range, 0));
    json_int_t last = json_integer_value(json_array_get(range, 1));

    *ret_first = 1;
    *ret_last = lines;
    if (!range || json_is_null(range))
        return 1;
    if (json_array_size(range) != 2 || first < 1 || (last != -1 && last < first))
        return tools_fail(e->a, e->ret,
                          "'view_range' must be [first, last]: line numbers from 1, or -1 for the "
                          "last line.");
    if ((size_t)first > lines)
        return tools_fail(e->a, e->ret, "'view_range' starts at line %lld, but '%s' has %s.",
                          (long long)first, e->path, text_plural(e->a, (long long)lines, "line"));
    *ret_first = (size_t)first;
    if (last != -1 && (size_t)last < lines)
        *ret_last = (size_t)last;
    return 1;
}

static int view_file(const struct edit *e)
{
    size_t lines, first, last;
    struct str text, shown;
    int rc = read_file(e, &text);

    if (rc != 1)
        return rc;
    text = text_clean(e->a, text, TEXT_LINES);
    lines = tools_text_lines(text);
    if (lines == 0)
        return tools_say(e->a, e->ret, "'%s' is empty.", e->path);
    if (read_range(e, lines, &first, &last) != 1)
        return 0;
    shown = tools_text_numbered(e->a, text, first, last);
    tools_say(e->a, e->ret, "%s: %s", e->path, text_plural(e->a, (long long)lines, "line"));
    if (shown.n > TOOLS_OUTPUT_MAX)
        shown = str_from(arena_printf(e->a, "%s\n[use view_range to see the rest]\n",
                                      text_head_tail(e->a, shown, TOOLS_OUTPUT_MAX, 70).p));
    e->ret->text = shown;
    return 0;
}

static int view(const struct edit *e)
{
    struct envd_entry entry;
    struct err why = {0};

    if (envd_stat(e->t->env->envd, e->a, e->path, &entry, &why))
        return blame(e, &why);
    return entry.type == ENVD_DIR ? view_dir(e) : view_file(e);
}

/* ---- create, str_replace, insert ---- */

static int create(const struct edit *e)
{
    const json_t *text = json_object_get(e->input, "file_text");
    int rc;

    if (!json_is_string(text))
        return tools_fail(e->a, e->ret, "'create' needs 'file_text', a string.");
    rc = write_file(e, json_get_str(e->input, "file_text"));
    if (rc != 1)
        return rc;
    return tools_say(e->a, e->ret, "Wrote %s (%zu bytes).", e->path, json_string_length(text));
}

static int replace(const struct edit *e)
{
    struct str from = json_get_str(e->input, "old_str"), to = json_get_str(e->input, "new_str");
    size_t n, line = 0;
    struct str text;
    int rc;

    if (from.n == 0)
        return tools_fail(e->a, e->ret, "'str_replace' needs 'old_str', a text that isn't empty.");
    rc = read_file(e, &text);
    if (rc != 1)
        return rc;
    n = tools_text_count(text, from, &line);
    if (n == 0 && str_find(text, STR("\r\n")) >= 0) {
        /* The line ends of the file aren't shown, so the model can't know them. */
        from = tools_text_crlf(e->a, from);
        to = tools_text_crlf(e->a, to);
        n = tools_text_count(text, from, &line);
    }
    if (n == 0)
        return tools_fail(e->a, e->ret,
                          "'old_str' does not occur in %s; nothing was changed. It must be the "
                          "exact text, white space included: view the file first.",
                          e->path);
    if (n > 1)
        return tools_fail(e->a, e->ret,
                          "'old_str' occurs %zu times in %s (first at line %zu); nothing was "
                          "changed. Add surrounding lines until it occurs once.",
                          n, e->path, line);
    rc = write_file(e, tools_text_replace(e->a, text, from, to));
    if (rc != 1)
        return rc;
    return tools_say(e->a, e->ret, "Changed %s at line %zu.", e->path, line);
}

static int insert(const struct edit *e)
{
    const json_t *at = json_object_get(e->input, "insert_line");
    /* Earlier versions of the tool called it new_str, and models remember. */
    const char *key = json_object_get(e->input, "insert_text") ? "insert_text" : "new_str";
    json_int_t line = json_integer_value(at);
    struct str text;
    int rc;

    if (!json_is_integer(at) || !json_is_string(json_object_get(e->input, key)))
        return tools_fail(e->a, e->ret,
                          "'insert' needs 'insert_line', a number, and 'insert_text', a string.");
    rc = read_file(e, &text);
    if (rc != 1)
        return rc;
    if (line < 0 || (size_t)line > tools_text_lines(text))
        return tools_fail(e->a, e->ret, "'insert_line' must be from 0 to %zu in %s.",
                          tools_text_lines(text), e->path);
    rc = write_file(e, tools_text_insert(e->a, text, (size_t)line, json_get_str(e->input, key)));
    if (rc != 1)
        return rc;
    return tools_say(e->a, e->ret, "Inserted behind line %lld of %s.", (long long)line, e->path);
}

int tools_edit(struct tools *t, struct arena *a, const json_t *input, struct tools_result *ret,
               struct err *err)
{
    static const struct {
        const char *name;
        int (*run)(const struct edit *e);
    } commands[] = {
        {"view", view}, {"create", create}, {"str_replace", replace}, {"insert", insert}};
    const char *command = tools_get_string(input, "command");
    const char *path = tools_get_string(input, "path");
    struct edit e = {t, a, input, NULL, ret, err};

    if (!path || !path[0])
        return tools_fail(a, ret, "The input needs 'path', the absolute path of a file.");
    e.path = fs_join(a, t->env->work, path);
    for (size_t i = 0; command && i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(commands[i].name, command) == 0)
            return commands[i].run(&e);
    return tools_fail(a, ret, "'command' must be view, create, str_replace or insert.");
}
