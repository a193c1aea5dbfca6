/* multipart/form-data, wherever the bytes are cut. */
#include "base/buf.h"
#include "http/multipart.h"
#include "support/unit.h"

#define TYPE "multipart/form-data; boundary=b0"
#define PART "Content-Disposition: form-data; name=\"file\"; filename=\"/a/b\"\r\n"

static int on_begin(void *ctx, const struct multipart_part *part, struct err *err)
{
    return buf_printf(ctx, err, "[%s|%s:", part->name, part->filename ? part->filename : "none");
}

static int on_data(void *ctx, struct str chunk, struct err *err)
{
    return buf_add(ctx, chunk, err);
}

static int on_end(void *ctx, struct err *err)
{
    return buf_add_c(ctx, "]", err);
}

static const struct multipart_ops ops = {on_begin, on_data, on_end};

static int parse(const char *type, struct str body, size_t step, struct buf *out, struct err *err)
{
    struct multipart_parser *p;
    int result = 0;

    if (multipart_new(type, &ops, out, &p, err))
        return -1;
    for (size_t at = 0; at < body.n && result == 0; at += step) {
        struct str piece = str_from_pos(body, at);

        piece.n = piece.n < step ? piece.n : step;
        result = multipart_feed(p, piece, err);
    }
    if (result == 0)
        result = multipart_finish(p, err);
    multipart_free(p);
    return result;
}

static void assert_parts(const char *type, const char *body, const char *parts)
{
    for (size_t step = 1; step <= 200; step += 1 + step / 8) {
        BUF_CLEANUP struct buf out = BUF_INIT(10000);
        struct err err = {0};

        if (parse(type, str_from(body), step, &out, &err))
            fail_msg("%s", err.msg);
        assert_string_equal(buf_c(&out), parts);
    }
}

static void assert_refused(const char *type, const char *body, const char *why)
{
    for (size_t step = 1; step <= 10000; step += 1 + step * 2) {
        BUF_CLEANUP struct buf out = BUF_INIT(10000);
        struct err err = {0};

        assert_int_equal(parse(type, str_from(body), step, &out, &err), -1);
        assert_contains(err.msg, why);
    }
}

static void parts(void **state)
{
    assert_parts(TYPE, "--b0\r\n" PART "\r\nhello\r\n--b0--\r\n", "[file|/a/b:hello]");
    assert_parts(TYPE,
                 "--b0\r\n" PART "\r\none\r\n--b0 \t\r\ncontent-type: text/plain\r\n"
                 "CONTENT-DISPOSITION: form-data; name=x\r\n\r\ntwo\r\n--b0--",
                 "[file|/a/b:one][x|none:two]");
    assert_parts(TYPE, "--b0\r\n" PART "\r\n\r\n--b0--\r\n", "[file|/a/b:]");
    assert_parts(TYPE, "--b0--\r\n", "");
}

static void text_around(void **state)
{
    assert_parts(TYPE, "before\r\n--b0\r\n" PART "\r\nx\r\n--b0--\r\nafter --b0\r\n--b0\r\n",
                 "[file|/a/b:x]");
}

static void nearly_a_boundary(void **state)
{
    assert_parts(TYPE, "--b0\r\n" PART "\r\n\r\n--b\r\n-\r\r\n--b1--b0\r\n\r\n--b0--",
                 "[file|/a/b:\r\n--b\r\n-\r\r\n--b1--b0\r\n]");
}

static void parameters(void **state)
{
    assert_parts("Multipart/Form-Data ; charset=utf-8; BOUNDARY=\"b 0\"",
                 "--b 0\r\n" PART "\r\nx\r\n--b 0--", "[file|/a/b:x]");
    assert_parts(TYPE,
                 "--b0\r\nContent-Disposition: form-data; filename=\"C:\\dir\\a \\\"b\\\".txt\"; "
                 "name=\"\"; other=\"y\"\r\n\r\nx\r\n--b0--",
                 "[|C:\\dir\\a \"b\".txt:x]");
}

static void bad_types(void **state)
{
    assert_refused("text/plain; boundary=b0", "", "proper multipart/form-data");
    assert_refused("multipart/form-datax; boundary=b0", "", "proper multipart/form-data");
    assert_refused("multipart/form-data", "", "boundary of 1 to 70");
    assert_refused("multipart/form-data; boundary=", "", "proper");
    assert_refused("multipart/form-data; boundary=\"\"", "", "boundary of 1 to 70");
    assert_refused("multipart/form-data; boundary=\"b0", "", "proper");
    assert_refused("multipart/form-data; boundary=a; boundary=b", "", "proper");
    assert_refused("multipart/form-data; boundary=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                   "", "boundary of 1 to 70");
}

static void bad_bodies(void **state)
{
    assert_refused(TYPE, "", "closing boundary");
    assert_refused(TYPE, "--b0\r\n" PART "\r\nx\r\n--b0", "closing boundary");
    assert_refused(TYPE, "--b0\r\n" PART "\r\nx--b0--\r\n", "closing boundary");
    assert_refused(TYPE, "--b0x\r\n" PART "\r\nx\r\n--b0--", "text behind a boundary");
    assert_refused(TYPE, "--b0\r\n\r\nx\r\n--b0--", "no headers");
    assert_refused(TYPE, "--b0\r\nX: y\r\n\r\nx\r\n--b0--", "no Content-Disposition");
    assert_refused(TYPE, "--b0\r\n" PART PART "\r\nx\r\n--b0--", "two Content-Dispositions");
    assert_refused(TYPE, "--b0\r\nno colon\r\n\r\nx\r\n--b0--", "header of a part");
    assert_refused(TYPE, "--b0\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b0--", "no name");
    assert_refused(TYPE, "--b0\r\nContent-Disposition: attachment; name=x\r\n\r\nx\r\n--b0--",
                   "can't be read");
    assert_refused(TYPE, "--b0\r\nContent-Disposition: form-data; name=\"a\nb\"\r\n\r\nx\r\n--b0--",
                   "can't be read");
}

static void long_headers(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    char *body = arena_printf(&a, "--b0\r\nX: %9000s\r\n" PART "\r\nx\r\n--b0--", "y");

    assert_refused(TYPE, body, "more than 8192 bytes");
    body = arena_printf(&a, "--b0%9000s\r\n", "");
    assert_refused(TYPE, body, "boundary");
}

static void large_data_is_streamed(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    BUF_CLEANUP struct buf body = BUF_INIT(4 << 20), out = BUF_INIT(4 << 20);
    char *data = arena_alloc(&a, 2 << 20, 1);

    memset(data, '\r', 2 << 20);
    buf_add_c(&body, "--b0\r\n" PART "\r\n", NULL);
    buf_add(&body, (struct str){data, 2 << 20}, NULL);
    buf_add_c(&body, "\r\n--b0--", NULL);
    assert_int_equal(parse(TYPE, buf_str(&body), 100000, &out, NULL), 0);
    assert_int_equal(out.n, strlen("[file|/a/b:]") + (2 << 20));
}

static int fail_on_data(void *ctx, struct str chunk, struct err *err)
{
    return err_set(err, ERR_IO, "disk full");
}

static void errors_of_callbacks(void **state)
{
    const struct multipart_ops failing = {on_begin, fail_on_data, on_end};
    BUF_CLEANUP struct buf out = BUF_INIT(1000);
    struct multipart_parser *p;
    struct err err = {0};

    assert_int_equal(multipart_new(TYPE, &failing, &out, &p, &err), 0);
    assert_int_equal(multipart_feed(p, STR("--b0\r\n" PART "\r\nx\r\n--b0--"), &err), -1);
    assert_string_equal(err.msg, "disk full");
    multipart_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts),
        cmocka_unit_test(text_around),
        cmocka_unit_test(nearly_a_boundary),
        cmocka_unit_test(parameters),
        cmocka_unit_test(bad_types),
        cmocka_unit_test(bad_bodies),
        cmocka_unit_test(long_headers),
        cmocka_unit_test(large_data_is_streamed),
        cmocka_unit_test(errors_of_callbacks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
