#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"
#include "support/unit.h"

static const char key[] = "sk-test-0123456789abcdef";

static struct secret *new_secret(const char *value)
{
    struct secret *s = NULL;
    struct err e = {0};

    if (secret_new(str_from(value), &s, &e))
        fail_msg("%s", e.msg);
    return s;
}

static void revealed_as_given(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    char *longest = arena_alloc(&a, 4001, 1);
    struct secret *s = new_secret(key);

    assert_string_equal(secret_reveal(s), key);
    secret_free(s);
    memset(longest, 'k', 4000);
    s = new_secret(longest);
    assert_int_equal(strlen(secret_reveal(s)), 4000);
    secret_free(s);
    secret_free(NULL);
}

static void refused(void **state)
{
    static const char *const bad[] = {"", "a b", "key\n", "\tkey", "a\177"};
    ARENA_CLEANUP struct arena a = {0};
    char *too_long = arena_alloc(&a, 4002, 1);
    struct secret *s = NULL;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err e = {0};

        assert_int_equal(secret_new(str_from(bad[i]), &s, &e), -1);
        assert_int_equal(e.kind, ERR_AUTH);
    }
    memset(too_long, 'k', 4001);
    assert_int_equal(secret_new(str_from(too_long), &s, NULL), -1);
    assert_int_equal(secret_new(STR("a\0b"), &s, NULL), -1);
    assert_null(s);
}

static void an_error_does_not_show_it(void **state)
{
    struct secret *s;
    struct err e = {0};

    assert_int_equal(secret_new(STR("hidden value\n"), &s, &e), -1);
    assert_null(strstr(e.msg, "hidden"));
    assert_null(strstr(e.fix, "hidden"));
}

static void a_hint_shows_three_characters(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct secret *s = new_secret(key), *little = new_secret("12345678901");

    assert_string_equal(secret_hint(&a, s), "…def");
    assert_string_equal(secret_hint(&a, little), "…");
    secret_free(s);
    secret_free(little);
}

static void a_forked_child_has_nothing(void **state)
{
    struct secret *s = new_secret(key);
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        const char *value = secret_reveal(s);

        for (size_t i = 0; i < sizeof(key); i++)
            if (value[i])
                _exit(1);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_string_equal(secret_reveal(s), key);
    secret_free(s);
}

/* "dd" in the flags of its mapping: not in core dumps (proc(5), smaps). */
static void a_core_dump_has_nothing(void **state)
{
    struct secret *s = new_secret(key);
    FILE *maps = fopen("/proc/self/smaps", "r");
    bool inside = false, checked = false;
    char line[512];

    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps)) {
        unsigned long from, to;

        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            inside = (uintptr_t)s >= from && (uintptr_t)s < to;
        if (!inside || strncmp(line, "VmFlags:", 8) != 0)
            continue;
        assert_contains(line, " dd");
        checked = true;
    }
    fclose(maps);
    assert_true(checked);
    secret_free(s);
}

static void wiping(void **state)
{
    char bytes[8] = "1234567";

    secret_wipe(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        assert_int_equal(bytes[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(revealed_as_given),
        cmocka_unit_test(refused),
        cmocka_unit_test(an_error_does_not_show_it),
        cmocka_unit_test(a_hint_shows_three_characters),
        cmocka_unit_test(a_forked_child_has_nothing),
        cmocka_unit_test(a_core_dump_has_nothing),
        cmocka_unit_test(wiping),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
