/* Trees out of and into a sandbox: a real envd, its own process, with nasty folders. */
#include "support/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "sandbox/envd_server.h"
#include "tree/tree.h"

struct box {
    struct arena a;
    const char *dir;  /* all of it */
    const char *work; /* the workspace */
    pid_t server;
    int stop_fd; /* closing it stops the server */
    struct envd_client *envd;
};

/* ---- an envd ---- */

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static void serve(const struct box *box, int listen_fd, int stop_fd)
{
    static const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
    struct envd_server_config config = {
        .listen_fd = listen_fd, .home = box->dir, .user = "user", .env = env};
    struct err err;

    _exit(envd_server_run(&config, stop_fd, &err) ? 1 : 0);
}

static int setup(void **state)
{
    struct box *box = calloc(1, sizeof(*box));
    struct envd_config config = {.base_url = "http://envd"};
    struct err err;
    int stop[2], listen_fd;

    assert_non_null(box);
    box->dir = unit_folder(&box->a);
    box->work = fs_join(&box->a, box->dir, "work");
    config.unix_socket = fs_join(&box->a, box->dir, "envd.sock");
    assert_int_equal(mkdir(box->work, 0755), 0);
    assert_int_equal(pipe2(stop, O_CLOEXEC), 0);
    listen_fd = listen_at(config.unix_socket);
    box->server = fork();
    if (box->server == 0) {
        close(stop[1]);
        serve(box, listen_fd, stop[0]);
    }
    close(stop[0]);
    close(listen_fd);
    box->stop_fd = stop[1];
    if (envd_new(&config, &box->envd, &err))
        fail_msg("%s", err.msg);
    *state = box;
    return 0;
}

static int teardown(void **state)
{
    struct box *box = *state;
    int status;

    envd_free(box->envd);
    close(box->stop_fd);
    assert_int_equal(waitpid(box->server, &status, 0), box->server);
    assert_int_equal(status, 0);
    unit_remove(box->dir);
    arena_clear(&box->a);
    free(box);
    return 0;
}

/* ---- files in the workspace ---- */

static const char *at(struct box *box, const char *name)
{
    return fs_join(&box->a, box->work, name);
}

static void put(struct box *box, const char *name, const char *text)
{
    const char *path = at(box, name);
    char *folder = arena_strdup(&box->a, path);
    struct err err;

    *strrchr(folder, '/') = '\0';
    if (fs_make_dirs(folder, 0755, &err) || fs_write_file(path, str_from(text), 0644, &err))
        fail_msg("%s", err.msg);
}

static void collect(struct box *box, const struct tree_caps *caps, struct tree *ret)
{
    static const char *const exclude[] = {"node_modules", "__pycache__", "*.egg-info"};
    struct err err;

    if (tree_collect(box->envd, box->work, exclude, ARRAY_LEN(exclude), caps, &box->a, ret, &err))
        fail_msg("%s", err.msg);
}

/* ---- collecting ---- */

static void collects_ordinary_files(void **state)
{
    struct box *box = *state;
    struct tree t;

    put(box, "src/a.ts", "export const a = 1;\n");
    put(box, "-rf", "a name like an option");
    put(box, "--checkpoint-action=exec=false", "another");
    put(box, "name with space", "1");
    put(box, "h\xc3\xa4/\xe6\x97\xa5", "2");
    put(box, "empty", "");
    put(box, "run", "#!/bin/sh\n");
    assert_int_equal(chmod(at(box, "run"), 04777), 0);
    assert_int_equal(symlink("src/a.ts", at(box, "link")), 0);
    assert_int_equal(link(at(box, "src/a.ts"), at(box, "hard.ts")), 0);
    assert_int_equal(mkdir(at(box, "empty-folder"), 0755), 0);
    collect(box, NULL, &t);
    assert_int_equal(t.n_notes, 0);
    assert_false(t.capped);
    assert_int_equal(t.n_files, 9);
    assert_str(tree_find(&t, "src/a.ts")->content, "export const a = 1;\n");
    assert_str(tree_find(&t, "hard.ts")->content, "export const a = 1;\n");
    assert_str(tree_find(&t, "-rf")->content, "a name like an option");
    assert_non_null(tree_find(&t, "--checkpoint-action=exec=false"));
    assert_str(tree_find(&t, "h\xc3\xa4/\xe6\x97\xa5")->content, "2");
    assert_true(tree_find(&t, "run")->executable);
    assert_true(tree_find(&t, "link")->is_link);
    assert_str(tree_find(&t, "link")->content, "src/a.ts");
}

static void collects_an_empty_folder(void **state)
{
    struct tree t;

    collect(*state, NULL, &t);
    assert_int_equal(t.n_files, 0);
    assert_int_equal(t.n_notes, 0);
}

static void leaves_out_what_is_excluded(void **state)
{
    struct box *box = *state;
    struct tree t;

    put(box, "a", "1");
    put(box, "node_modules/x/index.js", "2");
    put(box, "sub/node_modules/y", "3");
    put(box, "lib/__pycache__/z.pyc", "4");
    put(box, "p.egg-info/PKG-INFO", "5");
    put(box, ".git/config", "[core]\n\tfsmonitor = touch PWNED\n");
    put(box, "sub/.git", "gitdir: /elsewhere\n");
    put(box, "b/node_modules", "a file of that name is no folder");
    collect(box, NULL, &t);
    assert_int_equal(t.n_files, 2);
    assert_non_null(tree_find(&t, "a"));
    assert_non_null(tree_find(&t, "b/node_modules"));
    assert_int_equal(t.n_notes, 0);
}

/* Paths of over 4096 bytes are more than our own clean-up can do. */
static void empty(struct box *box)
{
    struct err err;
    struct tree none;

    if (tree_make(NULL, 0, &box->a, &none, &err) || tree_place(&none, box->envd, box->work, &err))
        fail_msg("%s", err.msg);
}

/* Nothing that was started goes on: when reading stopped early, tar was ended. */
static void assert_nothing_runs(struct box *box)
{
    int64_t deadline = clock_deadline(20 * 1000);
    struct envd_process_info *list;
    struct err err;
    size_t n;

    do {
        if (envd_list(box->envd, &box->a, &list, &n, &err))
            fail_msg("%s", err.msg);
        if (n && (clock_now_ms() > deadline || cancel_sleep_ms(10, &err)))
            fail_msg("%s still runs", list[0].cmd);
    } while (n);
}

static void make_deep_folders(const char *work, unsigned depth)
{
    int at_fd = open(work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (unsigned i = 0; i < depth; i++) {
        int next;

        assert_int_equal(mkdirat(at_fd, "d", 0755), 0);
        next = openat(at_fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(at_fd);
        at_fd = next;
    }
    close(openat(at_fd, "bottom", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    close(at_fd);
}

static void make_socket(struct box *box, const char *name)
{
    close(listen_at(at(box, name)));
}

static void survives_a_nasty_folder(void **state)
{
    struct box *box = *state;
    struct tree t;

    put(box, "good", "1");
    put(box, "Twin", "1");
    put(box, "twin", "2");
    put(box, "new\nline", "1");
    put(box, "\x1b]0;title\a", "1");
    put(box, "bad\xff", "1");
    put(box, "back\\slash", "1");
    put(box, ".GIT/hooks/pre-commit", "1");
    put(box, ".g\xe2\x80\x8cit/config", "1");
    assert_int_equal(mkfifo(at(box, "fifo"), 0644), 0);
    make_socket(box, "socket");
    assert_int_equal(symlink("/etc/passwd", at(box, "l-absolute")), 0);
    assert_int_equal(symlink("..", at(box, "l-up")), 0);
    assert_int_equal(symlink("l-b", at(box, "l-a")), 0);
    assert_int_equal(symlink("l-a", at(box, "l-b")), 0);
    assert_int_equal(symlink(".", at(box, "l-self")), 0);
    make_deep_folders(box->work, 3000);
    collect(box, NULL, &t);
    assert_int_equal(t.n_files, 5);
    assert_non_null(tree_find(&t, "good"));
    assert_non_null(tree_find(&t, "Twin"));
    assert_non_null(tree_find(&t, "l-a"));
    assert_non_null(tree_find(&t, "l-b"));
    assert_non_null(tree_find(&t, "l-self"));
    assert_note(&t, "refused 'twin': some file systems take it for 'Twin'");
    assert_note(&t, "refused 'new\\nline'");
    assert_note(&t, "refused 'bad\xef\xbf\xbd'");
    assert_note(&t, "refused 'back\\slash'");
    assert_note(&t, "refused '.GIT/hooks/pre-commit'");
    assert_note(&t, "refused 'fifo': it is a FIFO");
    assert_note(&t, "socket ignored");
    assert_note(&t, "refused 'l-absolute'");
    assert_note(&t, "refused 'l-up'");
    assert_note(&t, "/d/d/");
    assert_false(t.capped);
    empty(box);
}

static void leaves_out_huge_files(void **state)
{
    static const struct tree_caps caps = {.file_bytes = 1000};
    struct box *box = *state;
    struct tree t;

    put(box, "a", "1");
    put(box, "z", "2");
    put(box, "sparse", "");
    assert_int_equal(truncate(at(box, "sparse"), (off_t)1 << 40), 0);
    put(box, "over", "");
    assert_int_equal(truncate(at(box, "over"), 1001), 0);
    put(box, "just", "");
    assert_int_equal(truncate(at(box, "just"), 1000), 0);
    collect(box, &caps, &t);
    assert_int_equal(t.n_files, 3);
    assert_non_null(tree_find(&t, "z"));
    assert_int_equal(tree_find(&t, "just")->content.n, 1000);
    assert_true(t.capped);
    assert_int_equal(t.n_notes, 2);
    assert_note(&t, "left out 'sparse': 1099511627776 bytes, a file may have 1000");
    assert_note(&t, "left out 'over': 1001 bytes, a file may have 1000");
}

static void caps_the_number_of_files(void **state)
{
    static const struct tree_caps caps = {.files = 100};
    struct box *box = *state;
    struct tree t;

    for (int i = 0; i < 20000; i++) {
        int fd = open(at(box, arena_printf(&box->a, "f%05d", i)),
                      O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        close(fd);
    }
    collect(box, &caps, &t);
    assert_int_equal(t.n_files, 100);
    assert_string_equal(t.files[0].path, "f00000");
    assert_string_equal(t.files[99].path, "f00099"); /* always the same ones */
    assert_true(t.capped);
    assert_note(&t, "left out 900 more files");
    assert_note(&t, "after 1000 entries");
}

/* Were the selection inside to let a terabyte through: the header says enough, and tar is ended. */
static void cuts_a_terabyte_off(void **state)
{
    static const struct tree_caps caps = {
        .files = 2, .bytes = 100 * 1000, .file_bytes = (uint64_t)2 << 40};
    struct box *box = *state;
    struct tree t;

    put(box, "a", "1");
    put(box, "sparse", "");
    assert_int_equal(truncate(at(box, "sparse"), (off_t)1 << 40), 0);
    collect(box, &caps, &t);
    assert_int_equal(t.n_files, 1);
    assert_true(t.capped);
    assert_note(&t, "left out 1 more file");
    assert_note(&t, "stopped reading the archive after 216384 bytes");
    assert_nothing_runs(box);
}

/* What the agent left running goes on writing while its files are read. */
static void survives_changes_meanwhile(void **state)
{
    struct box *box = *state;
    const char *const argv[] = {
        "sh", "-c",
        "echo started; i=0; while :; do i=$((i+1)); echo $i >>grows; echo $i >f$((i % 50));"
        " rm -f f$(((i + 25) % 50)); mv d e 2>/dev/null || mv e d; done",
        NULL};
    struct envd_process process = {.argv = argv, .cwd = box->work, .timeout_ms = 60 * 1000};
    struct envd_stream *stream;
    struct envd_event event = {0};
    struct err err;
    uint32_t pid = 0;
    struct tree t;

    put(box, "d/x", "1");
    put(box, "steady", "1");
    assert_int_equal(envd_start(box->envd, &process, &stream, &err), 0);
    while (event.kind != ENVD_STDOUT) {
        assert_int_equal(envd_stream_next(stream, -1, &event, &err), 0);
        if (event.kind == ENVD_START)
            pid = event.pid;
    }
    for (int i = 0; i < 5; i++) {
        collect(box, NULL, &t);
        assert_str(tree_find(&t, "steady")->content, "1");
    }
    assert_int_equal(envd_signal(box->envd, pid, SIGKILL, &err), 0);
    envd_stream_close(stream);
}

static void says_what_is_wrong_with_the_folder(void **state)
{
    struct box *box = *state;
    struct err err = {0};
    struct tree t;

    assert_int_equal(tree_collect(box->envd, at(box, "none"), NULL, 0, NULL, &box->a, &t, &err),
                     -1);
    assert_contains(err.msg, "collect the files of");
}

/* ---- placing ---- */

static void places_what_was_collected(void **state)
{
    static const struct tree_file files[] = {
        {.path = "-rf", .content = STR("1")},
        {.path = "d/e/f", .content = STR("2")},
        {.path = "h\xc3\xa4", .content = STR("3")},
        {.path = "l", .content = STR("d/e"), .is_link = true},
        {.path = "d/up", .content = STR("../-rf"), .is_link = true},
        {.path = "run", .content = STR("#!/bin/sh\n"), .executable = true},
    };
    struct box *box = *state;
    struct err err = {0};
    struct stat one, two;
    struct tree t, back;

    put(box, "old/file", "x");
    put(box, ".hidden", "x");
    make_deep_folders(box->work, 3000);
    assert_int_equal(chmod(at(box, "old"), 0), 0);
    assert_int_equal(tree_make(files, ARRAY_LEN(files), &box->a, &t, &err), 0);
    if (tree_place(&t, box->envd, box->work, &err))
        fail_msg("%s", err.msg);
    collect(box, NULL, &back);
    assert_int_equal(back.n_notes, 0);
    assert_string_equal(back.sha256, t.sha256);
    assert_int_equal(stat(at(box, "run"), &one), 0);
    assert_int_equal(stat(at(box, "d/e/f"), &two), 0);
    assert_int_equal(one.st_mode, S_IFREG | 0755);
    assert_int_equal(two.st_mode, S_IFREG | 0644);
    assert_int_equal(one.st_mtime, two.st_mtime);
    assert_true(one.st_mtime <= time(NULL));
}

static void places_into_a_new_folder(void **state)
{
    static const struct tree_file files[] = {{.path = "a", .content = STR("1")}};
    struct box *box = *state;
    struct err err = {0};
    struct tree t, none;

    assert_int_equal(tree_make(files, 1, &box->a, &t, &err), 0);
    assert_int_equal(tree_make(NULL, 0, &box->a, &none, &err), 0);
    if (tree_place(&t, box->envd, at(box, "new/folder"), &err))
        fail_msg("%s", err.msg);
    assert_true(fs_exists(at(box, "new/folder/a")));
    if (tree_place(&none, box->envd, at(box, "new/folder"), &err))
        fail_msg("%s", err.msg);
    assert_false(fs_exists(at(box, "new/folder/a")));
}

static void says_why_it_can_not_place(void **state)
{
    static const struct tree_file files[] = {{.path = "a", .content = STR("1")}};
    struct box *box = *state;
    struct err err = {0};
    struct tree t;

    put(box, "file", "in the way");
    assert_int_equal(tree_make(files, 1, &box->a, &t, &err), 0);
    assert_int_equal(tree_place(&t, box->envd, at(box, "file"), &err), -1);
    assert_int_equal(err.kind, ERR_REMOTE);
    assert_contains(err.msg, "exit status 1");
    assert_contains(err.msg, "File exists");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(collects_ordinary_files),
        TEST(collects_an_empty_folder),
        TEST(leaves_out_what_is_excluded),
        TEST(survives_a_nasty_folder),
        TEST(leaves_out_huge_files),
        TEST(caps_the_number_of_files),
        TEST(cuts_a_terabyte_off),
        TEST(survives_changes_meanwhile),
        TEST(says_what_is_wrong_with_the_folder),
        TEST(places_what_was_collected),
        TEST(places_into_a_new_folder),
        TEST(says_why_it_can_not_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
