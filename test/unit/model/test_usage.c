#include "support/unit.h"

#include "model/usage.h"

static void check_usd(int64_t nano, const char *expected)
{
    ARENA_CLEANUP struct arena a = {0};

    assert_string_equal(usage_usd(&a, nano), expected);
}

static void test_usd(void **state)
{
    check_usd(0, "0.00");
    check_usd(1, "0.000000001");
    check_usd(12345000, "0.012345");
    check_usd(500000000, "0.50");
    check_usd(120000000, "0.12");
    check_usd(123000000, "0.123");
    check_usd(NANO_USD * 1234, "1234.00");
    check_usd(-1500000000, "-1.50");
    check_usd(INT64_MIN, "-9223372036.854775808");
}

static struct usage parse(const char *text)
{
    JSON_CLEANUP json_t *json = json_parse(str_from(text), "usage", NULL);

    assert_non_null(json);
    return usage_from_json(json);
}

static void check(struct usage u, int64_t input, int64_t w5m, int64_t w1h, int64_t read,
                  int64_t output)
{
    assert_int_equal(u.input, input);
    assert_int_equal(u.cache_write_5m, w5m);
    assert_int_equal(u.cache_write_1h, w1h);
    assert_int_equal(u.cache_read, read);
    assert_int_equal(u.output, output);
}

static void test_from_json(void **state)
{
    check(parse("{}"), 0, 0, 0, 0, 0);
    check(parse("{\"input_tokens\":1,\"output_tokens\":2,\"cache_read_input_tokens\":3,"
                "\"cache_creation_input_tokens\":4}"),
          1, 4, 0, 3, 2);
    check(parse("{\"cache_creation_input_tokens\":9,\"cache_creation\":"
                "{\"ephemeral_5m_input_tokens\":4,\"ephemeral_1h_input_tokens\":5}}"),
          0, 4, 5, 0, 0);
    /* A sum that is more than its parts: the rest is of the usual lifetime. */
    check(parse("{\"cache_creation_input_tokens\":9,\"cache_creation\":"
                "{\"ephemeral_1h_input_tokens\":5}}"),
          0, 4, 5, 0, 0);
    check(parse("{\"input_tokens\":null,\"output_tokens\":\"7\",\"cache_creation\":[]}"), 0, 0, 0,
          0, 0);
    check(parse("{\"input_tokens\":-5,\"output_tokens\":9223372036854775807}"), 0, 0, 0, 0,
          USAGE_COUNT_MAX);
    check(usage_from_json(NULL), 0, 0, 0, 0, 0);
}

static void test_sums(void **state)
{
    struct usage sum = {1, 2, 3, 4, 5}, more = {10, 20, 30, 40, 50};

    usage_add(&sum, &more);
    check(sum, 11, 22, 33, 44, 55);
    assert_int_equal(usage_input(&sum), 110);
    assert_int_equal(usage_total(&sum), 165);
}

static void test_to_json(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct usage u = {1, 2, 3, 4, 5};
    JSON_CLEANUP json_t *json = usage_to_json(&u);

    assert_string_equal(json_dump(&a, json),
                        "{\"input_tokens\":1,\"cache_write_5m_tokens\":2,"
                        "\"cache_write_1h_tokens\":3,\"cache_read_tokens\":4,\"output_tokens\":5}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usd),
        cmocka_unit_test(test_from_json),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_to_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
