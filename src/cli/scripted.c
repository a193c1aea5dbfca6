#include "cli/scripted.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/proc.h"
#include "http/server.h"
#include "model/script.h"

enum { END_GRACE_MS = 5000, REPORT_MAX = 4 * 1024 * 1024 };

struct scripted {
    struct arena arena;
    char *folder, *socket, *report;
    struct proc proc;
};

static void scripted_free(struct scripted *s)
{
    proc_end(&s->proc, END_GRACE_MS);
    if (s->folder)
        fs_remove_tree(s->folder, NULL);
    arena_clear(&s->arena);
    free(s);
}

/* Mistakes in the script are told before anything is started. */
static int check_script(const char *path, struct err *err)
{
    struct script *script;

    if (script_load(path, &script, err))
        return -1;
    script_free(script);
    return 0;
}

static int make_folder(struct scripted *s, struct err *err)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR"), *tmp = getenv("TMPDIR");
    char *path;

    if (!runtime || access(runtime, W_OK) < 0)
        runtime = tmp && *tmp ? tmp : "/tmp";
    path = fs_join(&s->arena, runtime, "kiln-XXXXXX");
    if (!mkdtemp(path))
        return err_sys(err, ERR_IO, errno, "make the folder '%s'", path);
    s->folder = path;
    s->socket = fs_join(&s->arena, path, "model");
    s->report = fs_join(&s->arena, path, "report.json");
    return 0;
}

static int start_server(struct scripted *s, const char *script, struct err *err)
{
    FD_CLEANUP int listener = -1;
    const char *const argv[] = {"kiln",     "model",   "serve", "--quiet", "--listen", "fd:3",
                                "--report", s->report, "--",    script,    NULL};

    if (http_listen(arena_printf(&s->arena, "unix:%s", s->socket), &listener, err))
        return -1;
    return proc_start(&(struct proc_spec){.argv = argv,
                                          .exe = "/proc/self/exe",
                                          .fds = (const int[]){-1, -1, STDERR_FILENO, listener},
                                          .n_fds = 4},
                      &s->proc, err);
}

int scripted_start(const char *script, struct scripted **ret, struct err *err)
{
    struct scripted *s;

    if (check_script(script, err))
        return -1;
    s = calloc(1, sizeof(*s));
    if (!s)
        BUG("out of memory");
    s->proc = PROC_NONE;
    if (make_folder(s, err) || start_server(s, script, err)) {
        scripted_free(s);
        return err_wrap(err, "start the scripted model");
    }
    *ret = s;
    return 0;
}

const char *scripted_socket(const struct scripted *s)
{
    return s->socket;
}

json_t *scripted_end(struct scripted *s)
{
    json_t *report = NULL;
    struct str text;

    proc_end(&s->proc, END_GRACE_MS);
    if (fs_read_file(&s->arena, s->report, REPORT_MAX, &text, NULL) == 0)
        report = json_parse(text, "report", NULL);
    scripted_free(s);
    return report;
}
