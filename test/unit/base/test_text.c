#include "base/text.h"
#include "support/unit.h"

static void code_points_are_written(void **state)
{
    static const struct {
        uint32_t code_point;
        const char *text;
    } rows[] = {{'a', "a"}, {0xe9, "é"}, {0x20ac, "€"}, {0x1f600, "😀"}};
    char out[4];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t n = text_utf8_put(rows[i].code_point, out);

        assert_int_equal(n, strlen(rows[i].text));
        assert_memory_equal(out, rows[i].text, n);
    }
}

static void utf8(void **state)
{
    static const char *const bad[] = {
        "\x80",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc3",
        "\xe0\x80\x80",
        "\xed\xa0\x80",
        "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80",
        "\xe2\x82",
        "\xc3(",
        "\xff",
    };

    assert_int_equal(text_utf8_len(STR("a")), 1);
    assert_int_equal(text_utf8_len(STR("é")), 2);
    assert_int_equal(text_utf8_len(STR("€")), 3);
    assert_int_equal(text_utf8_len(STR("😀")), 4);
    assert_int_equal(text_utf8_len(STR("")), 0);
    assert_int_equal(text_utf8_len(STR("\xf4\x8f\xbf\xbf")), 4);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(text_utf8_len(str_from(bad[i])), 0);
        assert_false(text_is_utf8(str_from(bad[i])));
    }
    assert_true(text_is_plain(STR("a\033é")));
    assert_false(text_is_plain(STR("a\0b")));
}

struct example {
    struct str in;
    const char *out;
};

static void check(const struct example *examples, size_t n, enum text_flags flags)
{
    for (size_t i = 0; i < n; i++) {
        ARENA_CLEANUP struct arena a = {0};
        struct str out = text_clean(&a, examples[i].in, flags);

        assert_string_equal(out.p, examples[i].out);
        assert_int_equal(out.n, strlen(examples[i].out));
    }
}

#define CHECK(examples, flags) check(examples, sizeof(examples) / sizeof((examples)[0]), flags)

static void escapes_are_dropped(void **state)
{
    static const struct example examples[] = {
        {STR("\033[1;31mred\033[0m"), "red"},
        {STR("\033]0;title\aafter"), "after"},
        {STR("\033]8;;http://x\033\\link\033]8;;\033\\"), "link"},
        {STR("\033P1$q\033\\after"), "after"},
        {STR("\033(Bafter"), "after"},
        {STR("\033cafter"), "after"},
        {STR("a\033"), "a"},
        {STR("a\033["), "a"},
        {STR("a\033[31"), "a"},
        {STR("a\033]never ends"), "a"},
        /* A broken sequence takes nothing along that isn't its own. */
        {STR("\033[3\nline"), "\nline"},
        {STR("\033]title\nline"), "\nline"},
        {STR("\033é"), "é"},
        {STR("\033[é"), "é"},
        {STR("\033\033[1mx"), "x"},
        {STR("\033(\n"), "\n"},
    };

    CHECK(examples, TEXT_LINES);
}

static void controls_are_dropped(void **state)
{
    static const struct example examples[] = {
        {STR("a\0b\001c\177d\be"), "abcde"},
        {STR("tab\there\n"), "tab\there\n"},
        {STR("c1\xc2\x9b"
             "31m"),
         "c131m"},
        {STR("nbsp\xc2\xa0x"), "nbsp\xc2\xa0x"},
        {STR("x\xe2\x80\xaey\xe2\x81\xa6z\xe2\x81\xa9\xe2\x80\xaa"), "xyz"},
        {STR("\xe2\x80\xaf\xe2\x81\xaa"), "\xe2\x80\xaf\xe2\x81\xaa"},
        {STR("bad\xff\xc3(\xe2\x82"), "bad\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd"},
    };

    CHECK(examples, TEXT_LINES);
}

static void carriage_returns(void **state)
{
    static const struct example examples[] = {
        {STR("a\r\nb\r\n"), "a\nb\n"},
        {STR("done\r\r\nb"), "done\nb"},
        {STR("10%\r50%\r100%\nnext"), "100%\nnext"},
        {STR("kept\n10%\r99%"), "kept\n99%"},
        {STR("100%\r"), "100%"},
        {STR("long line\rx"), "x"},
        {STR("old\r\033[Knew"), "new"},
    };

    CHECK(examples, TEXT_LINES);
}

static void one_line(void **state)
{
    static const struct example examples[] = {
        {STR("a\tb\nc"), "a\\tb\\nc"},
        {STR("a\nb\rc"), "a\\nc"},
    };

    CHECK(examples, TEXT_ONE_LINE);
}

static void only_repair(void **state)
{
    static const struct example examples[] = {
        {STR("\033[1m\r\n\001"), "\033[1m\r\n\001"},
        {STR("\xe2\x80\xae"), "\xe2\x80\xae"},
        {STR("a\0b\xff"), "ab\xef\xbf\xbd"},
    };

    CHECK(examples, TEXT_ANY_UTF8);
}

/* Takes the two numbers out of the mark and checks them against what is really missing. */
static void check_head_tail(struct str s, size_t max, unsigned percent)
{
    ARENA_CLEANUP struct arena a = {0};
    struct str out = text_head_tail(&a, s, max, percent);
    ptrdiff_t mark = str_find(out, STR("[... "));
    size_t bytes, lines, head, tail, newlines = 0;
    int mark_n;

    assert_true(mark >= 0);
    assert_int_equal(
        sscanf(out.p + mark, "[... %zu bytes (%zu lines) omitted ...]%n", &bytes, &lines, &mark_n),
        2);
    tail = out.n - (size_t)mark - (size_t)mark_n - 1;
    head = s.n - bytes - tail;
    assert_true(head + tail <= max);
    assert_memory_equal(out.p, s.p, head);
    assert_memory_equal(out.p + out.n - tail, s.p + s.n - tail, tail);
    for (size_t i = head; i < s.n - tail; i++)
        newlines += s.p[i] == '\n';
    assert_int_equal(lines, newlines);
    assert_true(text_is_utf8(out) || !text_is_utf8(s));
    assert_true(mark == 0 || out.p[mark - 1] == '\n');
}

static void head_and_tail_say_what_is_missing(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    char *numbered = arena_strdup(&a, ""), *wide = arena_strdup(&a, "");
    char nul[64] = {'a', 'b'};

    for (int i = 0; i < 100; i++) {
        numbered = arena_printf(&a, "%sline %d\n", numbered, i);
        wide = arena_printf(&a, "%s€é😀", wide);
    }
    for (size_t max = 0; max < 300; max++) {
        check_head_tail(str_from(numbered), max, 30);
        check_head_tail(str_from(wide), max, 50);
        check_head_tail(str_from(wide), max, 100);
        check_head_tail(str_from(wide), max, 0);
    }
    memset(nul + 10, '\x80', 20);
    for (size_t max = 0; max < sizeof(nul); max++)
        check_head_tail((struct str){nul, sizeof(nul)}, max, 50);
}

static void head_and_tail_cut_at_lines(void **state)
{
    ARENA_CLEANUP struct arena a = {0};

    assert_string_equal(text_head_tail(&a, STR("short"), 5, 50).p, "short");
    assert_string_equal(text_head_tail(&a, STR("one\ntwo\nthree\nfour\nfive\nsix\n"), 18, 50).p,
                        "one\ntwo\n[... 11 bytes (2 lines) omitted ...]\nfive\nsix\n");
}

static void for_people(void **state)
{
    ARENA_CLEANUP struct arena a = {0};

    assert_string_equal(text_plural(&a, 1, "test"), "1 test");
    assert_string_equal(text_plural(&a, 0, "test"), "0 tests");
    assert_string_equal(text_bytes(&a, 1023), "1023 B");
    assert_string_equal(text_bytes(&a, 1229), "1.2 KiB");
    assert_string_equal(text_bytes(&a, 3565158), "3.4 MiB");
    assert_string_equal(text_bytes(&a, 1ull << 50), "1024.0 TiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_points_are_written),
        cmocka_unit_test(utf8),
        cmocka_unit_test(escapes_are_dropped),
        cmocka_unit_test(controls_are_dropped),
        cmocka_unit_test(carriage_returns),
        cmocka_unit_test(one_line),
        cmocka_unit_test(only_repair),
        cmocka_unit_test(head_and_tail_say_what_is_missing),
        cmocka_unit_test(head_and_tail_cut_at_lines),
        cmocka_unit_test(for_people),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
