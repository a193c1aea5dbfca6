#include "base/rand.h"
#include "support/unit.h"

static void bytes_differ(void **state)
{
    unsigned char a[32] = {0}, b[32] = {0};

    rand_bytes(a, sizeof(a));
    rand_bytes(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    rand_bytes(a, 0);
}

static void numbers_stay_below_and_reach_all(void **state)
{
    unsigned seen = 0;

    assert_int_equal(rand_below(1), 0);
    for (int i = 0; i < 2000; i++) {
        uint64_t v = rand_below(7);

        assert_true(v < 7);
        seen |= 1u << v;
    }
    assert_int_equal(seen, 0x7f);
    assert_true(rand_below(UINT64_MAX) < UINT64_MAX);
}

static void identifiers(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    char *one = rand_id(&a, 20), *two = rand_id(&a, 20);

    assert_int_equal(strlen(one), 20);
    assert_int_equal(strspn(one, "abcdefghijklmnopqrstuvwxyz0123456789"), 20);
    assert_string_not_equal(one, two);
    assert_string_equal(rand_id(&a, 0), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_differ),
        cmocka_unit_test(numbers_stay_below_and_reach_all),
        cmocka_unit_test(identifiers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
