#include "check/check_report.h"

#include <fnmatch.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"

enum { MAX_FILES = 200 };

struct str check_report_replace(struct arena *a, struct str text, const char *from, const char *to)
{
    struct str needle = str_from(from), with = str_from(to);
    size_t n = 0;
    ptrdiff_t at = str_find(text, needle);
    char *out;

    if (at < 0)
        return text;
    if (with.n > needle.n)
        BUG("replacing '%s' by something longer", from);
    out = arena_alloc(a, text.n + 1, 1);
    for (; at >= 0; at = str_find(text, needle)) {
        memcpy(out + n, text.p, (size_t)at);
        memcpy(out + n + at, with.p, with.n);
        n += (size_t)at + with.n;
        text = str_from_pos(text, (size_t)at + needle.n);
    }
    memcpy(out + n, text.p, text.n);
    return (struct str){out, n + text.n};
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct envd_entry *)a)->path, ((const struct envd_entry *)b)->path);
}

/* Moves the entries that are reports for `glob` to the front; returns how many. */
static size_t pick(struct envd_entry *entries, size_t n, const char *glob)
{
    size_t picked = 0;

    for (size_t i = 0; i < n; i++) {
        struct envd_entry *e = &entries[i], swap = entries[picked];

        if (e->type != ENVD_FILE || e->symlink_target || fnmatch(glob, fs_base_name(e->path), 0))
            continue;
        entries[picked++] = *e;
        *e = swap;
    }
    qsort(entries, picked, sizeof(*entries), by_path);
    return picked;
}

static int read_one(const struct check_place *place, const struct report_parser *parser,
                    const char *path, const char *work, struct arena *scratch, size_t *room,
                    struct report *r, struct err *err)
{
    struct str text;

    if (envd_read(place->envd, scratch, path, 0, *room, &text, err) < 0)
        return -1;
    *room -= text.n < *room ? text.n : *room;
    text = check_report_replace(scratch, text, work, "");
    if (parser->parse(scratch, text, r, err) < 0)
        return err_wrap(err, "%s", fs_base_name(path));
    return 0;
}

/* A copy that doesn't need what was only for parsing. */
static void keep(struct arena *a, const struct report *from, struct report *to)
{
    *to = *from;
    to->ids = NULL;
    to->cap_cases = from->n_cases;
    to->cases = ARENA_ARRAY(a, from->n_cases + 1, struct report_case);
    to->disagrees = arena_strdup(a, from->disagrees);
    for (size_t i = 0; i < from->n_cases; i++)
        to->cases[i] =
            (struct report_case){arena_strdup(a, from->cases[i].id), from->cases[i].status,
                                 arena_strdup(a, from->cases[i].message)};
}

static bool is_tree_file(const void *ctx, const char *id)
{
    return tree_find(ctx, id) != NULL;
}

/* Transport trouble is the sandbox's; everything else is wrong with the report. */
static bool is_bad_report(const struct err *err)
{
    return err->kind == ERR_INPUT || err->kind == ERR_LIMIT || err->kind == ERR_NOT_FOUND;
}

static int read_all(const struct check_place *place, const struct report_parser *parser,
                    const struct envd_entry *entries, size_t n, const char *work,
                    const struct tree *t, struct arena *a, struct check_evidence *ret,
                    struct err *err)
{
    ARENA_CLEANUP struct arena scratch = {0};
    size_t room = REPORT_MAX_BYTES;
    struct report r = {0};
    struct err bad = {0};

    for (size_t i = 0; i < n; i++) {
        if (read_one(place, parser, entries[i].path, work, &scratch, &room, &r, &bad) == 0)
            continue;
        if (!is_bad_report(&bad)) {
            *err = bad;
            return -1;
        }
        ret->report_state = CHECK_REPORT_BAD;
        ret->report_error = arena_strdup(a, bad.msg);
        return 0;
    }
    report_drop_passed(&r, is_tree_file, t);
    keep(a, &r, &ret->report);
    ret->report_state = CHECK_REPORT_READ;
    return 0;
}

int check_report_fetch(const struct check_place *place, const char *dir, const char *work,
                       const struct json_strings *specs, const struct tree *t, struct arena *a,
                       struct check_evidence *ret, struct err *err)
{
    ARENA_CLEANUP struct arena scratch = {0};
    struct envd_entry *entries;
    struct err failed = {0};
    size_t n;

    if (envd_list_dir(place->envd, &scratch, dir, 2, &entries, &n, &failed) < 0) {
        if (failed.kind == ERR_NOT_FOUND)
            return 0;
        if (failed.kind == ERR_LIMIT || failed.kind == ERR_THROTTLED) {
            ret->report_state = CHECK_REPORT_BAD;
            ret->report_error = "too many files";
            return 0;
        }
        *err = failed;
        return -1;
    }
    for (size_t i = 0; i < specs->n; i++) {
        const char *spec = specs->items[i], *colon = strchr(spec, ':');
        struct str name = {spec, (size_t)(colon - spec)};
        size_t picked = pick(entries, n, colon + 1);

        if (picked > MAX_FILES) {
            ret->report_state = CHECK_REPORT_BAD;
            ret->report_error = arena_printf(a, "more than %d files", MAX_FILES);
            return 0;
        }
        if (picked)
            return read_all(place, report_find(arena_dup(&scratch, name).p), entries, picked, work,
                            t, a, ret, err);
    }
    return 0;
}
