/* Results become visible whole, and what a killed kiln left is finished. */
#include <sys/wait.h>
#include <unistd.h>

#include "support/unit.h"
#include "task/events.h"
#include "task/result.h"

static json_t *read_result(struct arena *a, const char *path)
{
    struct str text;

    assert_int_equal(fs_read_file(a, fs_join(a, path, "result.json"), 1 << 20, &text, NULL), 0);
    return json_parse(text, "result.json", NULL);
}

static void it_appears_by_one_rename(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    char *dir = unit_folder(&a);
    JSON_CLEANUP json_t *record = json_pack("{s:s}", "state", "succeeded");
    JSON_CLEANUP json_t *read = NULL;
    struct result_dir *r;
    const char *path;

    assert_int_equal(result_open(dir, "t-1", &r, NULL), 0);
    assert_false(fs_exists(fs_join(&a, dir, "t-1")));
    assert_int_equal(result_finish(r, record, &a, &path, NULL), 0);
    result_close(r);
    read = read_result(&a, path);
    assert_string_equal(json_get_c(read, "state"), "succeeded");
    assert_false(fs_exists(fs_join(&a, dir, ".work")));
    unit_remove(dir);
}

static void a_task_runs_once(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    char *dir = unit_folder(&a);
    JSON_CLEANUP json_t *record = json_object();
    struct result_dir *r, *second;
    struct err err = {0};
    const char *path;

    assert_int_equal(result_open(dir, "t-1", &r, NULL), 0);
    assert_int_equal(result_open(dir, "t-1", &second, &err), -1);
    assert_int_equal(err.kind, ERR_EXISTS);
    assert_contains(err.msg, "running already");
    assert_int_equal(result_finish(r, record, &a, &path, NULL), 0);
    result_close(r);
    assert_int_equal(result_open(dir, "t-1", &second, &err), -1);
    assert_contains(err.msg, "has a result already");
    unit_remove(dir);
}

/* A child that is in the middle of a task when it is killed. */
static void start_and_die(const char *dir, const char *id)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        struct arena a = {0};
        struct result_dir *r;
        struct events *e;

        if (result_open(dir, id, &r, NULL) ||
            events_open(result_file(r, &a, "events.ndjson"), id, NULL, NULL, &e, NULL))
            _exit(1);
        events_emit(e, "task_started", json_pack("{s:s}", "specification", "build it"));
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static void what_was_killed_is_finished_later(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    char *dir = unit_folder(&a);
    JSON_CLEANUP json_t *read = NULL;
    struct result_dir *running;
    size_t n = 0;

    start_and_die(dir, "t-dead");
    assert_int_equal(result_open(dir, "t-alive", &running, NULL), 0);
    assert_int_equal(result_recover(dir, &n, NULL), 0);
    assert_int_equal(n, 1);
    read = read_result(&a, fs_join(&a, dir, "t-dead"));
    assert_string_equal(json_get_c(read, "state"), "cancelled");
    assert_string_equal(json_get_c(read, "reason"), "interrupted");
    assert_string_equal(json_get_c(read, "specification"), "build it");
    assert_true(fs_exists(fs_join(&a, dir, "t-dead/events.ndjson")));
    assert_false(fs_exists(fs_join(&a, dir, "t-alive")));
    result_close(running);
    unit_remove(dir);
}

static void what_had_no_name_yet_is_removed(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    char *dir = unit_folder(&a);
    size_t n = 1;

    assert_int_equal(fs_make_dirs(fs_join(&a, dir, ".work/.new-abc"), 0755, NULL), 0);
    assert_int_equal(result_recover(dir, &n, NULL), 0);
    assert_int_equal(n, 0);
    assert_false(fs_exists(fs_join(&a, dir, ".work")));
    unit_remove(dir);
}

static void finish(const char *dir, const char *id)
{
    ARENA_CLEANUP struct arena a = {0};
    JSON_CLEANUP json_t *record = json_object();
    struct result_dir *r;
    const char *path;

    assert_int_equal(result_open(dir, id, &r, NULL), 0);
    assert_int_equal(result_finish(r, record, &a, &path, NULL), 0);
    result_close(r);
}

static void results_are_found_by_prefix_and_age(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    char *dir = unit_folder(&a);
    struct err err = {0};
    const char *path;

    assert_int_equal(result_find(&a, dir, "last", &path, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    finish(dir, "task-1");
    finish(dir, "task-12");
    assert_int_equal(result_find(&a, dir, "task-1", &path, NULL, &err), 0);
    assert_string_equal(fs_base_name(path), "task-1");
    assert_int_equal(result_find(&a, dir, "task-12", &path, NULL, &err), 0);
    assert_int_equal(result_find(&a, dir, "task", &path, NULL, &err), -1);
    assert_contains(err.msg, "beginning of 2 task ids");
    assert_int_equal(result_find(&a, dir, "last", &path, NULL, &err), 0);
    assert_string_equal(fs_base_name(path), "task-12");
    assert_int_equal(result_find(&a, dir, "nope", &path, NULL, &err), -1);
    assert_contains(err.msg, "no task 'nope'");
    unit_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_appears_by_one_rename),
        cmocka_unit_test(a_task_runs_once),
        cmocka_unit_test(what_was_killed_is_finished_later),
        cmocka_unit_test(what_had_no_name_yet_is_removed),
        cmocka_unit_test(results_are_found_by_prefix_and_age),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
