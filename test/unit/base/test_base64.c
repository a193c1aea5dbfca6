#include "base/base64.h"
#include "support/unit.h"

/* RFC 4648 section 10. */
static void vectors(void **state)
{
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    ARENA_CLEANUP struct arena a = {0};

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct str s;

        assert_string_equal(base64_encode(&a, str_from(pairs[i][0])).p, pairs[i][1]);
        assert_int_equal(base64_decode(&a, str_from(pairs[i][1]), &s, NULL), 0);
        assert_true(str_eq_c(s, pairs[i][0]));
    }
}

static void all_bytes(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    char bytes[256];
    struct str back;

    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    for (size_t n = 0; n <= 256; n++) {
        struct str s = {bytes + 256 - n, n};

        assert_int_equal(base64_decode(&a, base64_encode(&a, s), &back, NULL), 0);
        assert_true(str_eq(s, back));
    }
}

static void lenient_forms(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct str s;

    assert_int_equal(base64_decode(&a, STR("Zg"), &s, NULL), 0);
    assert_str(s, "f");
    assert_int_equal(base64_decode(&a, STR("-_-_"), &s, NULL), 0);
    assert_str(s, "\xfb\xff\xbf");
}

static void refused(void **state)
{
    static const char *const bad[] = {"Z", "Zg=", "====", "Z===", "Zg==Zg==", "Zm9v\n", "Zm 9"};
    ARENA_CLEANUP struct arena a = {0};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err e = {0};
        struct str s;

        assert_int_equal(base64_decode(&a, str_from(bad[i]), &s, &e), -1);
        assert_int_equal(e.kind, ERR_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(all_bytes),
        cmocka_unit_test(lenient_forms),
        cmocka_unit_test(refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
