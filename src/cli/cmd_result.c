/* kiln result: what a task has come to. */
#include <stdio.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/folder.h"
#include "cli/message.h"
#include "cli/summary.h"
#include "task/result.h"

enum { RESULT_MAX_BYTES = 512 * 1024 * 1024 };

static const struct option_spec options[] = {
    {"files", 0, OPTION_DIR, "DIR", "put the project's files into this folder, which must be new",
     NULL, false},
    {"out", 0, OPTION_DIR, "DIR", "folder that results are kept in (results)", "results.dir",
     false},
    {0},
};

static int find(struct cli *cli, const char **ret_path, struct err *err)
{
    const char *id = cli->options.n_args ? cli->options.args[0] : "last";
    const char *dir = cli->config.results_dir;
    bool running = false;
    const char *path;

    if (result_find(cli->arena, dir, id, ret_path, NULL, err) == 0)
        return 0;
    if (err->kind == ERR_NOT_FOUND &&
        result_find(cli->arena, dir, id, &path, &running, NULL) == 0 && running) {
        id = fs_base_name(path);
        err_set(err, ERR_NOT_FOUND, "task %s has no result yet", id);
        return err_fix(err, "kiln watch %s", id);
    }
    return -1;
}

/* An empty folder is as good as none. */
static int copy_files(struct cli *cli, const char *path, const char *to, struct err *err)
{
    const char *from = fs_join(cli->arena, path, "files");
    size_t left_out;
    struct tree t;

    if (!fs_exists(from))
        return err_set(err, ERR_NOT_FOUND, "task %s has no files", fs_base_name(path));
    if (rmdir(to) < 0 && fs_exists(to)) {
        err_set(err, ERR_EXISTS, "'%s' is there and not empty", to);
        return err_fix(err, "name a folder that doesn't exist yet");
    }
    if (folder_read(cli->arena, from, &t, &left_out, err) || tree_write(&t, to, err))
        return -1;
    if (!cli->quiet)
        message_note("Copied %s to %s", text_plural(cli->arena, (long long)t.n_files, "file"), to);
    return 0;
}

static int run(struct cli *cli, struct err *err)
{
    const char *to = options_value(&cli->options, "files"), *path, *file;
    JSON_CLEANUP json_t *result = NULL;
    struct str text;
    struct term t;

    if (find(cli, &path, err))
        return -1;
    file = fs_join(cli->arena, path, "result.json");
    if (fs_read_file(cli->arena, file, RESULT_MAX_BYTES, &text, err))
        return -1;
    result = json_parse(text, file, err);
    if (!result)
        return -1;
    if (to && copy_files(cli, path, to, err))
        return -1;
    if (cli->json) {
        fwrite(text.p, 1, text.n, stdout);
        return EXIT_OK;
    }
    if (to && cli->quiet)
        return EXIT_OK;
    term_init(&t, stdout, options_has(&cli->options, "no-color"));
    printf("Task %s %s\n", fs_base_name(path),
           summary_clean(cli->arena, json_get_c(result, "state")));
    summary_print(&t, result);
    if (!to)
        summary_where(&t, fs_base_name(path), path);
    return EXIT_OK;
}

const struct command command_result = {
    .name = "result",
    .args = "[ID]",
    .summary = "show the result of a task, or copy its files out",
    .details =
        "  ID may be the beginning of a task's id, or \"last\" (the default) for the newest.\n"
        "  The exit code is 0 whatever the verdict; `kiln watch ID` gives the task's own.",
    .examples = "  kiln result last\n"
                "  kiln result last --files out/\n"
                "  kiln result 7k2 --json | jq .verdict.green",
    .options = options,
    .max_args = 1,
    .run = run,
};
