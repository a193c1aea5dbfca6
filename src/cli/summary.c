#include "cli/summary.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/text.h"

enum { FILES_SHOWN = 30, COMMAND_SHOWN = 60 };

const char *summary_clean(struct arena *a, const char *text)
{
    return text_clean(a, str_from(text), TEXT_ONE_LINE).p;
}

const char *summary_outcome(const char *outcome, enum term_style *ret_style)
{
    static const struct {
        const char *outcome, *word;
        enum term_style style;
    } words[] = {
        {"pass", "pass", TERM_GREEN},
        {"fail", "failed", TERM_RED},
        {"na", "n/a", TERM_DIM},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (outcome && strcmp(outcome, words[i].outcome) == 0) {
            *ret_style = words[i].style;
            return words[i].word;
        }
    }
    *ret_style = TERM_YELLOW;
    return "error";
}

static void print_head(const struct term *t, struct arena *a, const json_t *outcome)
{
    const char *state = json_get_c(outcome, "state"), *detail = json_get_c(outcome, "detail");
    bool ready = state && strcmp(state, "succeeded") == 0;
    enum term_style style = ready ? TERM_GREEN : TERM_RED;

    if (ready)
        fprintf(t->file, "%s=== PROJECT READY ===%s\n", term_on(t, style), term_off(t, style));
    else
        fprintf(t->file, "%s=== NOT READY: %s ===%s\n", term_on(t, style),
                summary_clean(a, json_get_c(outcome, "reason")), term_off(t, style));
    if (detail && *detail)
        fprintf(t->file, "%s\n", summary_clean(a, detail));
}

static void print_files(const struct term *t, struct arena *a, const json_t *files)
{
    size_t n = json_array_size(files);

    if (n == 0)
        return;
    fprintf(t->file, "\nFiles\n");
    for (size_t i = 0; i < n && i < FILES_SHOWN; i++) {
        const json_t *f = json_array_get(files, i);
        int64_t bytes = json_get_int(f, "bytes", 0);

        fprintf(t->file, "  %-40s %10s\n", summary_clean(a, json_get_c(f, "path")),
                text_bytes(a, bytes > 0 ? (unsigned long long)bytes : 0));
    }
    if (n > FILES_SHOWN)
        fprintf(t->file, "  and %zu more\n", n - FILES_SHOWN);
}

/* The start of a command: all of it is in result.json. */
static const char *shorten(struct arena *a, const char *command)
{
    struct str text = str_trim(str_from(command));

    text = text_clean(a, text, TEXT_ONE_LINE);
    if (text.n <= COMMAND_SHOWN)
        return text.p;
    text.n = COMMAND_SHOWN;
    while (text.n && !text_is_utf8(text))
        text.n--;
    return arena_printf(a, "%.*s...", STR_ARG(text));
}

static void print_check(const struct term *t, struct arena *a, const json_t *check)
{
    enum term_style style;
    const char *word = summary_outcome(json_get_c(check, "outcome"), &style);
    const char *dir = json_get_c(check, "dir"), *command = json_get_c(check, "command");
    bool elsewhere = dir && strcmp(dir, ".") != 0;

    fprintf(t->file, "  %-6s %s%-6s%s  %s%s%s", summary_clean(a, json_get_c(check, "check")),
            term_on(t, style), word, term_off(t, style),
            summary_clean(a, json_get_c(check, "detail")), elsewhere ? " in " : "",
            elsewhere ? summary_clean(a, dir) : "");
    if (command && *command)
        fprintf(t->file, "  %s(%s)%s", term_on(t, TERM_DIM), shorten(a, command),
                term_off(t, TERM_DIM));
    fputc('\n', t->file);
}

static void print_checks(const struct term *t, struct arena *a, const json_t *verdict)
{
    const json_t *checks = json_object_get(verdict, "checks"), *check;
    size_t i;

    if (json_array_size(checks) == 0)
        return;
    fprintf(t->file, "\nChecks%s\n",
            json_get_bool(verdict, "verified_in_fresh_sandbox", false)
                ? ", repeated in a fresh sandbox without network"
                : "");
    json_array_foreach (checks, i, check)
        print_check(t, a, check);
}

/* An event has the number of iterations, a result the iterations themselves. */
static long long count_iterations(const json_t *outcome)
{
    const json_t *list = json_object_get(outcome, "iterations");

    return json_is_array(list) ? (long long)json_array_size(list)
                               : json_get_int(outcome, "iterations", 0);
}

static int64_t wall_ms(const json_t *outcome)
{
    int64_t of_result = json_get_int(json_object_get(outcome, "timings"), "wall_ms", 0);

    return json_get_int(outcome, "wall_ms", of_result);
}

void summary_print(const struct term *t, const json_t *outcome)
{
    ARENA_CLEANUP struct arena a = {0};
    double cost;

    fputc('\n', t->file);
    print_head(t, &a, outcome);
    print_files(t, &a, json_object_get(outcome, "files"));
    print_checks(t, &a, json_object_get(outcome, "verdict"));
    fprintf(t->file, "\n%s, %s", text_plural(&a, count_iterations(outcome), "iteration"),
            clock_human(&a, wall_ms(outcome)));
    if (str_to_double(json_get_str(outcome, "cost_usd"), &cost))
        fprintf(t->file, ", $%.2f at list prices", cost);
    fputc('\n', t->file);
}

void summary_where(const struct term *t, const char *task_id, const char *path)
{
    size_t n = strlen(path) - strlen(fs_base_name(path));
    struct str dir = {path, n ? n - 1 : 0};
    bool usual = str_eq_c(dir, "results");

    /* As kiln was called, so that the line can be taken as it is. */
    fprintf(t->file, "Result: %s\nNext:   %s result %s%s%.*s --files DIR\n", path,
            program_invocation_name, task_id, usual ? "" : " --out ", usual ? 0 : (int)dir.n,
            dir.p);
}
