#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "support/unit.h"

struct fixture {
    struct arena a;
    char *dir;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->dir = unit_folder(&f->a);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    unit_remove(f->dir);
    assert_false(fs_exists(f->dir));
    arena_clear(&f->a);
    free(f);
    return 0;
}

static size_t count_entries(const char *path)
{
    DIR *d = opendir(path);
    size_t n = 0;

    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

static void a_file_is_replaced_whole(void **state)
{
    struct fixture *f = *state;
    char *path = fs_join(&f->a, f->dir, "x");
    struct stat st;
    struct str s;

    assert_int_equal(fs_write_file(path, STR("one"), 0600, NULL), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(fs_write_file(path, STR("t\0wo"), 0600, NULL), 0);
    assert_int_equal(fs_read_file(&f->a, path, 4, &s, NULL), 0);
    assert_str(s, "t\0wo");
    assert_int_equal(count_entries(f->dir), 1);
}

static void a_write_that_fails_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    char *path = fs_join(&f->a, f->dir, "sub");
    struct err e = {0};

    assert_int_equal(fs_make_dirs(fs_join(&f->a, path, "x"), 0700, NULL), 0);
    assert_int_equal(fs_write_file(path, STR("text"), 0600, &e), -1);
    assert_int_equal(e.kind, ERR_IO);
    assert_int_equal(count_entries(f->dir), 1);
    assert_int_equal(fs_write_file(fs_join(&f->a, f->dir, "no/x"), STR(""), 0600, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
}

/* The file that a crashed process left beside the target is no obstacle and isn't followed. */
static void a_left_over_is_no_obstacle(void **state)
{
    struct fixture *f = *state;
    char *path = fs_join(&f->a, f->dir, "x"), *other = fs_join(&f->a, f->dir, "other");
    char *left = arena_printf(&f->a, "%s.%d.tmp", path, (int)gettid());
    struct str s;

    assert_int_equal(fs_write_file(other, STR("kept"), 0600, NULL), 0);
    assert_int_equal(symlink(other, left), 0);
    assert_int_equal(fs_write_file(path, STR("new"), 0600, NULL), 0);
    assert_int_equal(fs_read_file(&f->a, other, 100, &s, NULL), 0);
    assert_str(s, "kept");
}

static void reading_is_capped(void **state)
{
    enum { SIZE = 200000 };
    struct fixture *f = *state;
    char *path = fs_join(&f->a, f->dir, "x"), *big = arena_alloc(&f->a, SIZE, 1);
    struct err e = {0};
    struct str s;

    assert_int_equal(fs_write_file(path, (struct str){big, SIZE}, 0600, NULL), 0);
    assert_int_equal(fs_read_file(&f->a, path, SIZE, &s, &e), 0);
    assert_int_equal(s.n, SIZE);
    assert_int_equal(fs_read_file(&f->a, path, SIZE - 1, &s, &e), -1);
    assert_int_equal(e.kind, ERR_LIMIT);
    assert_contains(e.msg, path);
    assert_int_equal(fs_read_file(&f->a, "/dev/zero", SIZE, &s, &e), -1);
    assert_int_equal(e.kind, ERR_LIMIT);
}

static void reading_what_is_no_file(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    struct str s;

    assert_int_equal(fs_read_file(&f->a, fs_join(&f->a, f->dir, "no"), 10, &s, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_int_equal(fs_read_file(&f->a, f->dir, 10, &s, &e), -1);
    assert_int_equal(e.kind, ERR_INPUT);
}

/* As the shell's <(command) makes them. */
static void reading_a_pipe_waits_for_its_writer(void **state)
{
    struct fixture *f = *state;
    struct str s;
    int fds[2];
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        usleep(20000);
        _exit(write(fds[1], "late", 4) != 4);
    }
    close(fds[1]);
    assert_int_equal(fs_read_file(&f->a, arena_printf(&f->a, "/dev/fd/%d", fds[0]), 10, &s, NULL),
                     0);
    assert_str(s, "late");
    close(fds[0]);
    waitpid(pid, NULL, 0);
}

static void making_directories(void **state)
{
    struct fixture *f = *state;
    char *path = fs_join(&f->a, f->dir, "a/b/c/");
    struct err e = {0};

    assert_int_equal(fs_make_dirs(path, 0700, NULL), 0);
    assert_int_equal(fs_make_dirs(path, 0700, NULL), 0);
    assert_true(fs_exists(path));
    assert_int_equal(fs_write_file(fs_join(&f->a, f->dir, "file"), STR(""), 0600, NULL), 0);
    assert_int_equal(fs_make_dirs(fs_join(&f->a, f->dir, "file"), 0700, &e), -1);
    assert_int_equal(e.kind, ERR_EXISTS);
}

static void removing_follows_no_link(void **state)
{
    struct fixture *f = *state;
    char *kept = fs_join(&f->a, f->dir, "kept"), *tree = fs_join(&f->a, f->dir, "tree");
    char *file = fs_join(&f->a, kept, "file");

    assert_int_equal(fs_make_dirs(kept, 0700, NULL), 0);
    assert_int_equal(fs_make_dirs(fs_join(&f->a, tree, "sub"), 0700, NULL), 0);
    assert_int_equal(fs_write_file(file, STR(""), 0600, NULL), 0);
    assert_int_equal(symlink(kept, fs_join(&f->a, tree, "dir")), 0);
    assert_int_equal(symlink(file, fs_join(&f->a, tree, "sub/file")), 0);
    assert_int_equal(symlink("nowhere", fs_join(&f->a, tree, "sub/broken")), 0);
    assert_int_equal(fs_remove_tree(arena_printf(&f->a, "%s//", tree), NULL), 0);
    assert_false(fs_exists(tree));
    assert_true(fs_exists(file));
    assert_int_equal(symlink(kept, tree), 0);
    assert_int_equal(fs_remove_tree(tree, NULL), 0);
    assert_false(fs_exists(tree));
    assert_true(fs_exists(file));
    assert_int_equal(fs_remove_tree(tree, NULL), 0);
    assert_int_equal(fs_remove_tree(fs_join(&f->a, tree, "under/nothing"), NULL), 0);
}

/* Deeper than PATH_MAX and than there are descriptors, with a name at the top that the removal
 * itself would like to use. */
static void removing_a_deep_tree(void **state)
{
    enum { DEPTH = 500 };
    struct fixture *f = *state;
    char *tree = fs_join(&f->a, f->dir, "tree");
    char *name = arena_printf(&f->a, "%0200d", 0);
    struct rlimit limit, low;
    int fd;

    assert_int_equal(fs_make_dirs(fs_join(&f->a, tree, ".removed-0/x"), 0700, NULL), 0);
    fd = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < DEPTH; i++) {
        int below;

        assert_int_equal(mkdirat(fd, name, 0700), 0);
        below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(below >= 0);
        close(openat(fd, "file", O_CREAT | O_WRONLY, 0600));
        close(fd);
        fd = below;
    }
    close(fd);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = (struct rlimit){.rlim_cur = 100, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_int_equal(fs_remove_tree(tree, NULL), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_false(fs_exists(tree));
}

/* In a child that isn't root, for whom permissions count. */
static void removing_directories_without_permissions(void **state)
{
    struct fixture *f = *state;
    int status;
    pid_t pid;

    assert_int_equal(chmod(f->dir, 0777), 0);
    pid = fork();
    if (pid == 0) {
        char *tree = fs_join(&f->a, f->dir, "tree"), *deep = tree;
        struct err e = {0};

        if (geteuid() == 0 && setuid(65534) < 0)
            _exit(2);
        for (int i = 0; i < 40; i++)
            deep = fs_join(&f->a, deep, "d");
        if (fs_make_dirs(deep, 0700, &e) ||
            fs_write_file(fs_join(&f->a, deep, "x"), STR(""), 0400, &e))
            _exit(3);
        for (; strcmp(deep, f->dir) != 0; *strrchr(deep, '/') = '\0')
            if (chmod(deep, strlen(deep) % 4 < 2 ? 0 : 0500) < 0)
                _exit(4);
        _exit(fs_remove_tree(fs_join(&f->a, f->dir, "tree"), &e) ? 5 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(count_entries(f->dir), 0);
}

static void names(void **state)
{
    struct fixture *f = *state;
    unsigned long long n = 0;

    assert_string_equal(fs_join(&f->a, "a", "b"), "a/b");
    assert_string_equal(fs_join(&f->a, "a/", "b"), "a/b");
    assert_string_equal(fs_join(&f->a, "a", "/b"), "/b");
    assert_string_equal(fs_base_name("a/b"), "b");
    assert_string_equal(fs_base_name("b"), "b");
    assert_int_equal(fs_free_bytes(f->dir, &n, NULL), 0);
    assert_true(n > 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_replaced_whole),
        TEST(a_write_that_fails_leaves_nothing),
        TEST(a_left_over_is_no_obstacle),
        TEST(reading_is_capped),
        TEST(reading_what_is_no_file),
        TEST(reading_a_pipe_waits_for_its_writer),
        TEST(making_directories),
        TEST(removing_follows_no_link),
        TEST(removing_a_deep_tree),
        TEST(removing_directories_without_permissions),
        TEST(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
