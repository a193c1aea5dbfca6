/* The history, judged by the real git. */
#include "support/unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/proc.h"
#include "tree/history.h"

struct place {
    struct arena a;
    const char *dir, *repo, *clone;
    struct history *h;
};

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    struct err err;

    assert_non_null(p);
    p->dir = unit_folder(&p->a);
    p->repo = fs_join(&p->a, p->dir, "history.git");
    p->clone = fs_join(&p->a, p->dir, "clone");
    if (history_open(p->repo, &p->h, &err))
        fail_msg("%s", err.msg);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    history_close(p->h);
    unit_remove(p->dir);
    arena_clear(&p->a);
    free(p);
    return 0;
}

/* Runs git, which must succeed, and gives what it printed. */
static const char *git(struct place *p, const char *const *args)
{
    const char *file = fs_join(&p->a, p->dir, "output"), *argv[16] = {"git"};
    const char *const env[] = {"PATH=/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM=1",
                               arena_printf(&p->a, "HOME=%s", p->dir), "LC_ALL=C", NULL};
    FD_CLEANUP int out = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const int fds[] = {-1, out, out};
    struct proc_spec spec = {.argv = argv, .env = env, .fds = fds, .n_fds = 3};
    struct proc proc = PROC_NONE;
    struct str text;
    struct err err;
    int status = -1;

    for (size_t i = 0; args[i]; i++)
        argv[i + 1] = args[i];
    if (proc_start(&spec, &proc, &err) || proc_wait(&proc, clock_deadline(60000), &status, &err) ||
        fs_read_file(&p->a, file, 1 << 20, &text, &err))
        fail_msg("%s", err.msg);
    if (status)
        fail_msg("git %s: %s", args[0], text.p);
    return text.p;
}

#define GIT(p, ...) git((p), (const char *const[]){__VA_ARGS__, NULL})

static void commit(struct place *p, const struct tree_file *files, size_t n, const char *message,
                   char id[41], struct tree *ret)
{
    struct err err;

    if (tree_make(files, n, &p->a, ret, &err) || history_commit(p->h, ret, message, id, &err))
        fail_msg("%s", err.msg);
}

static void git_can_clone_and_check_it(void **state)
{
    static const struct tree_file first[] = {
        {.path = "a", .content = STR("1")},
        {.path = "d/e/f", .content = STR("deep")},
        {.path = "d-x", .content = STR("beside d")},
        {.path = "d.x", .content = STR("beside d too")},
        {.path = "l", .content = STR("d/e"), .is_link = true},
        {.path = "run", .content = STR("#!/bin/sh\n"), .executable = true},
    };
    struct place *p = *state;
    char one[41], two[41], three[41];
    struct tree t;
    struct stat st;
    struct str text;

    commit(p, first, ARRAY_LEN(first), "iteration 1", one, &t);
    commit(p, first, ARRAY_LEN(first), "iteration 2: nothing changed", two, &t);
    commit(p, first, 2, "iteration 3", three, &t);
    assert_string_equal(GIT(p, "-C", p->repo, "fsck", "--strict", "--full", "--no-dangling"), "");
    assert_string_equal(GIT(p, "-C", p->repo, "symbolic-ref", "HEAD"), "refs/heads/main\n");
    assert_string_equal(GIT(p, "-C", p->repo, "log", "--format=%H %an <%ae> %cn: %s"),
                        arena_printf(&p->a,
                                     "%s kiln <kiln@localhost> kiln: iteration 3\n"
                                     "%s kiln <kiln@localhost> kiln: iteration 2: nothing changed\n"
                                     "%s kiln <kiln@localhost> kiln: iteration 1\n",
                                     three, two, one));
    GIT(p, "clone", "-q", p->repo, p->clone);
    GIT(p, "-C", p->clone, "checkout", "-q", one);
    assert_string_equal(GIT(p, "-C", p->clone, "status", "--porcelain"), "");
    assert_int_equal(fs_read_file(&p->a, fs_join(&p->a, p->clone, "l/f"), 100, &text, NULL), 0);
    assert_true(str_eq_c(text, "deep"));
    assert_int_equal(stat(fs_join(&p->a, p->clone, "run"), &st), 0);
    assert_true(st.st_mode & 0100);
    assert_int_equal(stat(fs_join(&p->a, p->clone, "d-x"), &st), 0);
    assert_false(st.st_mode & 0100);
}

/* Whatever the rules for names let through, git must take. */
static void git_takes_every_name_of_a_tree(void **state)
{
    static const struct tree_file files[] = {
        {.path = "-rf"},
        {.path = ".gitattributes", .content = STR("* export-subst\n")},
        {.path = ".gitignore", .content = STR("*\n")},
        {.path = ".gitmodules"},
        {.path = "...", .content = STR("1")},
        {.path = "a:b"},
        {.path = "aux/con.txt"},
        {.path = "git~2/x"},
        {.path = "name with space "},
        {.path = "quote\"'`$(x)"},
        {.path = "trailing."},
        {.path = "\xe2\x9d\xa4\xef\xb8\x8f/\xe6\x97\xa5"},
        {.path = "x.git/config", .content = STR("[core]\n")},
        {.path = "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/"
                 "30/31/32"},
    };
    struct place *p = *state;
    char id[41];
    struct tree t;

    commit(p, files, ARRAY_LEN(files), "names", id, &t);
    assert_string_equal(GIT(p, "-C", p->repo, "fsck", "--strict", "--full", "--no-dangling"), "");
    GIT(p, "clone", "-q", "--no-local", "-c", "transfer.fsckObjects=true", p->repo, p->clone);
    assert_string_equal(GIT(p, "-C", p->clone, "status", "--porcelain"), "");
}

static void reads_a_commit_back(void **state)
{
    static const struct tree_file files[] = {
        {.path = "a/b", .content = STR("1\0002")},
        {.path = "a-b", .content = STR("3")},
        {.path = "empty"},
        {.path = "l", .content = STR("a"), .is_link = true},
        {.path = "run", .content = STR("4"), .executable = true},
    };
    struct place *p = *state;
    char one[41], two[41];
    struct err err = {0};
    struct tree t, empty, back;

    commit(p, files, ARRAY_LEN(files), "all", one, &t);
    commit(p, files, 0, "nothing", two, &empty);
    assert_int_equal(history_checkout(p->h, one, &p->a, &back, &err), 0);
    assert_string_equal(back.sha256, t.sha256);
    assert_int_equal(history_checkout(p->h, two, &p->a, &back, &err), 0);
    assert_int_equal(back.n_files, 0);
    assert_int_equal(
        history_checkout(p->h, "0123456789012345678901234567890123456789", &p->a, &back, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_int_equal(history_checkout(p->h, "no id", &p->a, &back, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
}

static void goes_on_after_reopening(void **state)
{
    static const struct tree_file files[] = {{.path = "a", .content = STR("1")}};
    struct place *p = *state;
    char one[41], two[41];
    struct err err = {0};
    struct tree t;

    commit(p, files, 1, "one", one, &t);
    history_close(p->h);
    p->h = NULL;
    assert_int_equal(history_open(p->repo, &p->h, &err), 0);
    commit(p, files, 1, "two", two, &t);
    assert_string_equal(GIT(p, "-C", p->repo, "rev-list", "--count", "main"), "2\n");
    assert_string_equal(GIT(p, "-C", p->repo, "rev-parse", "main^"),
                        arena_printf(&p->a, "%s\n", one));
}

static void goes_on_after_a_kill(void **state)
{
    static const char *const leftovers[] = {"refs/heads/main.lock", "HEAD.lock", "config.lock"};
    static const struct tree_file files[] = {{.path = "a", .content = STR("1")}};
    struct place *p = *state;
    struct err err = {0};
    struct tree t;
    char id[41];

    history_close(p->h);
    p->h = NULL;
    for (size_t i = 0; i < ARRAY_LEN(leftovers); i++)
        assert_int_equal(fs_write_file(fs_join(&p->a, p->repo, leftovers[i]), STR(""), 0600, &err),
                         0);
    /* Killed while it made the repository. */
    assert_int_equal(unlink(fs_join(&p->a, p->repo, "HEAD")), 0);
    if (history_open(p->repo, &p->h, &err))
        fail_msg("%s", err.msg);
    commit(p, files, 1, "one", id, &t);
    assert_string_equal(GIT(p, "-C", p->repo, "rev-list", "--count", "main"), "1\n");
}

/* Neither the user's configuration nor one in the tree has a say. */
static void reads_no_configuration(void **state)
{
    static const struct tree_file files[] = {
        {.path = "a.txt", .content = STR("1\r\n")},
        {.path = ".gitattributes", .content = STR("*.txt text=auto eol=lf filter=evil\n")},
    };
    struct place *p = *state;
    struct err err = {0};
    struct tree t, back;
    char id[41];

    history_close(p->h);
    p->h = NULL;
    assert_int_equal(
        fs_write_file(fs_join(&p->a, p->dir, ".gitconfig"), STR("[broken\n"), 0600, &err), 0);
    assert_int_equal(setenv("HOME", p->dir, 1), 0);
    if (history_open(p->repo, &p->h, &err))
        fail_msg("%s", err.msg);
    commit(p, files, 2, "crlf", id, &t);
    assert_int_equal(history_checkout(p->h, id, &p->a, &back, &err), 0);
    assert_string_equal(back.sha256, t.sha256);
}

static void refuses_what_is_no_repository(void **state)
{
    struct place *p = *state;
    const char *path = fs_join(&p->a, p->dir, "file");
    struct history *h = NULL;
    struct err err = {0};

    assert_int_equal(fs_write_file(path, STR("x"), 0600, &err), 0);
    assert_int_equal(history_open(path, &h, &err), -1);
    assert_null(h);
    assert_non_null(strstr(err.msg, "file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(git_can_clone_and_check_it, setup, teardown),
        cmocka_unit_test_setup_teardown(git_takes_every_name_of_a_tree, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_a_commit_back, setup, teardown),
        cmocka_unit_test_setup_teardown(goes_on_after_reopening, setup, teardown),
        cmocka_unit_test_setup_teardown(goes_on_after_a_kill, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_no_configuration, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_repository, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
