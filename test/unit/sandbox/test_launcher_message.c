/*
 * Messages to the launcher: what goes in comes out, and nothing else is taken.
 */
#include "support/unit.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/launcher_message.h"

static const char *const words[] = {"sh", "-c", "echo", NULL};

static void round_trip(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    const struct sandbox_bind bind = {"/usr/lib/node", "/opt/node"};
    const struct sandbox_file files[] = {{"/opt/kiln/a", STR("one")}, {"/opt/kiln/b/c", STR("")}};
    const struct sandbox_spec spec = {.id = "t-1",
                                      .binds = &bind,
                                      .n_binds = 1,
                                      .files = files,
                                      .n_files = 2,
                                      .limits = {.pids = 9, .cpus = 0.5}};
    const struct launcher_job job = {.argv = words, .quota_tmpfs = true};
    JSON_CLEANUP json_t *m = launcher_message_create(&spec, &job);
    struct launcher_request r;
    struct err err = {0};

    if (launcher_message_decode(&a, str_from(json_dump(&a, m)), &r, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(r.op, LAUNCHER_CREATE);
    assert_int_equal(r.job, LAUNCHER_COMMAND);
    assert_string_equal(r.spec.id, "t-1");
    assert_true(r.tmpfs);
    assert_string_equal(r.argv[2], "echo");
    assert_null(r.argv[3]);
    assert_string_equal(r.spec.binds[0].from, "/usr/lib/node");
    assert_string_equal(r.spec.binds[0].to, "/opt/node");
    assert_int_equal(r.spec.n_files, 2);
    assert_string_equal(r.spec.files[1].path, "/opt/kiln/b/c");
    assert_int_equal(r.spec.files[0].content.n, 3);
    assert_int_equal(r.spec.limits.pids, 9);
    assert_int_equal(r.spec.limits.disk_bytes, 1 << 30);
}

static void contents(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    const struct sandbox_file files[] = {{"/opt/kiln/a", {NULL, 3}}, {"/opt/kiln/b", {NULL, 2}}};
    struct launcher_request r = {.spec = {.files = files, .n_files = 2}};
    FD_CLEANUP int fd = memfd_create("test", MFD_CLOEXEC);
    struct err err = {0};

    assert_int_equal(write(fd, "onexy", 5), 5);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(launcher_message_load_files(&a, fd, &r, &err), 0);
    assert_str(r.spec.files[0].content, "one");
    assert_str(r.spec.files[1].content, "xy");
    /* There is nothing left in it. */
    assert_int_equal(launcher_message_load_files(&a, fd, &r, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
}

static void refuses(const char *text, const char *part)
{
    ARENA_CLEANUP struct arena a = {0};
    struct launcher_request r;
    struct err err = {0};

    assert_int_equal(launcher_message_decode(&a, str_from(text), &r, &err), -1);
    assert_contains(err.msg, part);
}

#define LIMITS                                                                                     \
    "\"limits\":{\"memory_bytes\":0,\"disk_bytes\":0,\"disk_inodes\":0,\"tmp_bytes\":0,"           \
    "\"file_bytes\":0,\"pids\":0,\"open_files\":0,\"cpus\":0}"
#define START "{\"op\":\"create\",\"id\":\"t\"," LIMITS ","

static void refusals(void **state)
{
    refuses("", "message");
    refuses("[]", "message");
    refuses("{\"op\":\"x\"}", "unknown request");
    refuses("{\"op\":\"destroy\"}", "unknown request");
    refuses("{\"op\":\"destroy\",\"handle\":-1}", "handle");
    refuses("{\"op\":\"create\",\"id\":\"../x\"}", "id");
    refuses("{\"op\":\"create\",\"id\":\"x\"}", "limits");
    refuses(START "\"binds\":[],\"files\":[],\"job\":\"x\",\"argv\":[]}", "unknown job");
    refuses(START "\"binds\":[],\"files\":[],\"job\":\"command\",\"argv\":[]}", "words");
    refuses(START "\"binds\":[],\"files\":[],\"job\":\"envd\",\"argv\":[\"x\"]}", "words");
    refuses(START "\"binds\":[{\"from\":\"usr\",\"to\":\"/x\"}],\"files\":[],\"job\":\"envd\"}",
            "not absolute");
    refuses(START "\"binds\":[{\"from\":\"/usr\",\"to\":\"/\"}],\"files\":[],\"job\":\"envd\"}",
            "plain");
    refuses(START "\"binds\":[{\"from\":\"/usr\",\"to\":\"/a//b\"}],\"files\":[],\"job\":\"envd\"}",
            "plain");
    refuses(START "\"binds\":[],\"files\":[{\"path\":\"/opt/kiln/../x\",\"size\":1}],"
                  "\"job\":\"envd\"}",
            "/opt/kiln/");
    refuses(START "\"binds\":[],\"files\":[{\"path\":\"/opt/kiln/a\",\"size\":-1}],"
                  "\"job\":\"envd\"}",
            "size");
}

static void errors_come_back(void **state)
{
    JSON_CLEANUP json_t *fine = json_object(), *answer = NULL;
    struct err sent = {0}, got = {0};

    err_sys(&sent, ERR_HOST, 1, "make namespaces");
    err_fix(&sent, "do this");
    answer = launcher_message_error(&sent);
    assert_int_equal(launcher_message_check(answer, &got), -1);
    assert_int_equal(got.kind, ERR_HOST);
    assert_int_equal(got.sys, 1);
    assert_string_equal(got.msg, sent.msg);
    assert_string_equal(got.fix, "do this");
    assert_int_equal(launcher_message_check(fine, &got), 0);
}

static void packets(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    JSON_CLEANUP json_t *m = launcher_message_destroy(3);
    int pair[2], fds[LAUNCHER_FDS_MAX], sent[5] = {0, 1, 2, 0, 1};
    struct err err = {0};
    struct str text;
    size_t n;

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(launcher_message_send(pair[0], m, sent, LAUNCHER_FDS_MAX, &err), 0);
    assert_int_equal(launcher_message_receive(pair[1], &a, &text, fds, &n, &err), 1);
    assert_int_equal(n, LAUNCHER_FDS_MAX);
    assert_contains(arena_dup(&a, text).p, "destroy");
    while (n)
        assert_int_equal(close(fds[--n]), 0);
    close(pair[0]);
    assert_int_equal(launcher_message_receive(pair[1], &a, &text, fds, &n, &err), 0);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),       cmocka_unit_test(contents), cmocka_unit_test(refusals),
        cmocka_unit_test(errors_come_back), cmocka_unit_test(packets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
