/* Archives that a hostile sandbox may send, made by hand, and honest ones. */
#include "support/tree.h"

#include "base/cleanup.h"
#include "tree/tree_tar.h"

enum { BLOCK = 512, TAR_MAX = 1 << 20 };

/* ---- archives made by hand (POSIX.1-1988 ustar; "L" and "K" as GNU tar writes them) ---- */

struct header {
    const char *name;
    char type;
    const char *link;
    const char *mode; /* octal; NULL: 644 */
    struct str data;
    const char *size; /* octal, if it isn't the data's */
};

static void add_block(struct buf *tar, struct str s)
{
    static const char zeros[BLOCK];

    assert_int_equal(buf_add(tar, s, NULL), 0);
    if (s.n % BLOCK)
        assert_int_equal(buf_add(tar, (struct str){zeros, BLOCK - s.n % BLOCK}, NULL), 0);
}

static void add_header(struct buf *tar, const struct header *h)
{
    char b[BLOCK] = {0};
    unsigned sum = 0;

    snprintf(b, 100, "%s", h->name);
    snprintf(b + 100, 8, "%07o", (unsigned)strtoul(h->mode ? h->mode : "644", NULL, 8));
    snprintf(b + 108, 8, "%07o", 0u);
    snprintf(b + 116, 8, "%07o", 0u);
    if (h->size)
        snprintf(b + 124, 12, "%s", h->size);
    else
        snprintf(b + 124, 12, "%011zo", h->data.n);
    snprintf(b + 136, 12, "%011o", 0u);
    memset(b + 148, ' ', 8);
    b[156] = h->type;
    snprintf(b + 157, 100, "%s", h->link ? h->link : "");
    memcpy(b + 257, "ustar\00000", 8);
    for (size_t i = 0; i < BLOCK; i++)
        sum += (unsigned char)b[i];
    snprintf(b + 148, 8, "%06o", sum);
    add_block(tar, (struct str){b, BLOCK});
    add_block(tar, h->data);
}

static void add_end(struct buf *tar)
{
    static const char zeros[2 * BLOCK];

    add_block(tar, (struct str){zeros, sizeof(zeros)});
}

/* A pax record "<length> key=value\n"; the length counts itself. */
static void add_pax(struct buf *tar, char type, const char *key, struct str value)
{
    BUF_CLEANUP struct buf b = BUF_INIT(TAR_MAX);
    size_t rest = strlen(key) + value.n + 3, n = rest + 1;

    while (n != rest + (size_t)snprintf(NULL, 0, "%zu", n))
        n++;
    assert_int_equal(buf_printf(&b, NULL, "%zu %s=", n, key), 0);
    assert_int_equal(buf_add(&b, value, NULL), 0);
    assert_int_equal(buf_add_c(&b, "\n", NULL), 0);
    add_header(tar, &(struct header){.name = "pax", .type = type, .data = buf_str(&b)});
}

static void read_tar(struct buf *tar, const struct tree_caps *caps, struct arena *a, struct tree *t)
{
    struct err err;

    add_end(tar);
    if (tree_from_tar(buf_str(tar), caps, a, t, &err))
        fail_msg("%s", err.msg);
}

/* ---- what is taken ---- */

static void takes_ordinary_files(void **state)
{
    static const struct header entries[] = {
        {.name = "./", .type = '5', .mode = "755"},
        {.name = "./src/", .type = '5', .mode = "755"},
        {.name = "./src/a.c", .type = '0', .data = STR("int a;")},
        {.name = "./run", .type = '0', .mode = "4775", .data = STR("#!/bin/sh")},
        {.name = "group", .type = '0', .mode = "674"},
        {.name = "./old", .type = '\0', .data = STR("v7")},
        {.name = "./src/l", .type = '2', .link = "../run"},
    };
    ARENA_CLEANUP struct arena a = {0};
    BUF_CLEANUP struct buf tar = BUF_INIT(TAR_MAX);
    struct tree t;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(entries); i++)
        add_header(&tar, &entries[i]);
    read_tar(&tar, NULL, &a, &t);
    assert_int_equal(t.n_notes, 0);
    assert_int_equal(t.n_files, 5);
    assert_true(str_eq_c(tree_find(&t, "src/a.c")->content, "int a;"));
    assert_false(tree_find(&t, "src/a.c")->executable);
    assert_true(tree_find(&t, "run")->executable);
    assert_false(tree_find(&t, "group")->executable);
    assert_true(str_eq_c(tree_find(&t, "old")->content, "v7"));
    assert_true(tree_find(&t, "src/l")->is_link);
    assert_true(str_eq_c(tree_find(&t, "src/l")->content, "../run"));
}

static void takes_long_and_foreign_names(void **state)
{
    static const char long_name[] =
        "a-folder-with-a-long-name/another-folder-with-a-long-name/yet-another-with-a-long-name/"
        "and-a-file-with-a-long-name-so-that-it-is-over-100";
    ARENA_CLEANUP struct arena a = {0};
    BUF_CLEANUP struct buf tar = BUF_INIT(TAR_MAX);
    struct tree t;

    (void)state;
    add_header(&tar, &(struct header){.name = "././@LongLink",
                                      .type = 'L',
                                      .data = {long_name, sizeof(long_name)}});
    add_header(&tar, &(struct header){.name = "short", .type = '0', .data = STR("gnu")});
    add_pax(&tar, 'x', "path", STR("h\xc3\xa4user.txt"));
    add_header(&tar, &(struct header){.name = "other", .type = '0', .data = STR("pax")});
    add_header(&tar, &(struct header){.name = "\xe6\x97\xa5", .type = '0', .data = STR("raw")});
    read_tar(&tar, NULL, &a, &t);
    assert_int_equal(t.n_notes, 0);
    assert_int_equal(t.n_files, 3);
    assert_true(str_eq_c(tree_find(&t, long_name)->content, "gnu"));
    assert_true(str_eq_c(tree_find(&t, "h\xc3\xa4user.txt")->content, "pax"));
    assert_true(str_eq_c(tree_find(&t, "\xe6\x97\xa5")->content, "raw"));
}

static void takes_an_empty_archive(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    BUF_CLEANUP struct buf tar = BUF_INIT(TAR_MAX);
    struct tree t;

    (void)state;
    read_tar(&tar, NULL, &a, &t);
    assert_int_equal(t.n_files, 0);
    assert_int_equal(t.n_notes, 0);
}

/* ---- what is refused ---- */

static void refuses_hostile_entries(void **state)
{
    static const struct {
        struct header entry;
        const char *note;
    } rows[] = {
        {{.name = "/etc/passwd", .type = '0'}, "refused '/etc/passwd': the path is absolute"},
        {{.name = "../x", .type = '0'}, "'..'"},
        {{.name = "./../x", .type = '0'}, "'..'"},
        {{.name = "a/../../x", .type = '0'}, "'..'"},
        {{.name = ".git/config", .type = '0', .data = STR("[core]")}, ".git"},
        {{.name = "./sub/.GIT/hooks/x", .type = '0'}, ".git"},
        {{.name = "git~1", .type = '0'}, ".git"},
        {{.name = ".g\xe2\x80\x8bit", .type = '2', .link = "x"}, ".git"},
        {{.name = "a\nb", .type = '0'}, "refused 'a\\nb': the name has a control"},
        {{.name = "a\xff", .type = '0'}, "UTF-8"},
        {{.name = "a\x1b]0;x\a", .type = '0'}, "control"},
        {{.name = "hard", .type = '1', .link = "ok"}, "hard link"},
        {{.name = "hard", .type = '1', .link = "/etc/passwd"}, "hard link"},
        {{.name = "hard", .type = '1', .link = "ok", .data = STR("data")}, "hard link"},
        {{.name = "ok/x", .type = '0'}, "refused 'ok/x': it lies below the file 'ok'"},
        {{.name = "OK", .type = '0'}, "refused 'ok': some file systems take it for 'OK'"},
        {{.name = "ok", .type = '0', .data = STR("again")}, "refused 'ok': it came twice"},
        {{.name = "fifo", .type = '6'}, "FIFO"},
        {{.name = "null", .type = '3'}, "device"},
        {{.name = "sda", .type = '4'}, "device"},
        {{.name = "l", .type = '2', .link = "/etc/passwd"}, "the link is absolute"},
        {{.name = "d/l", .type = '2', .link = "../../x"}, "leads out"},
        {{.name = "l", .type = '2', .link = "ok/../../x"}, "'..' behind a name"},
        {{.name = "l", .type = '2', .link = ""}, "target is empty"},
        {{.name = ".gitmodules", .type = '2', .link = "ok"}, ".gitmodules"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ARENA_CLEANUP struct arena a = {0};
        BUF_CLEANUP struct buf tar = BUF_INIT(TAR_MAX);
        struct tree t;

        add_header(&tar, &(struct header){.name = "first", .type = '0', .data = STR("1")});
        add_header(&tar, &(struct header){.name = "ok", .type = '0', .data = STR("2")});
        add_header(&tar, &rows[i].entry);
        add_header(&tar, &(struct header){.name = "z-last", .type = '0', .data = STR("3")});
        read_tar(&tar, NULL, &a, &t);
        assert_int_equal(t.n_files, 3);
        assert_non_null(tree_find(&t, "first"));
        assert_true(str_eq_c(tree_find(&t, "z-last")->content, "3"));
        assert_int_equal(t.n_notes, 1);
        assert_note(&t, rows[i].note);
    }
}

/* Whichever comes first: on disk the file would land where the link leads. */
static void refuses_files_below_links(void **state)
{
    static const struct header link = {.name = "d", .type = '2', .link = "e"};
    static const struct header file = {.name = "D/x", .type = '0', .data = STR("1")};

    (void)state;
    for (int order = 0; order < 2; order++) {
        ARENA_CLEANUP struct arena a = {0};
        BUF_CLEANUP struct buf tar = BUF_INIT(TAR_MAX);
        struct tree t;

        add_header(&tar, order ? &link : &file);
        add_header(&tar, order ? &file : &link);
        read_tar(&tar, NULL, &a, &t);
        assert_int_equal(t.n_files, 1);
        assert_true(t.files[0].is_link);
        assert_note(&t, "refused 'D/x': it lies below the link 'd'");
    }
}

static void refuses_odd_pax_headers(void **state)
{
    static const struct {
        const char *key;
        struct str value;
        const char *note;
    } rows[] = {
        {"path", STR("/etc/passwd"), "absolute"},    {"path", STR("a\nb"), "control"},
        {"path", STR("a\xff\xfe"), "UTF-8"},         {"linkpath", STR("/etc/passwd"), "absolute"},
        {"linkpath", STR("x\xff"), "no clean text"}, {"linkpath", STR("../../x"), "leads out"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ARENA_CLEANUP struct arena a = {0};
        BUF_CLEANUP struct buf tar = BUF_INIT(TAR_MAX);
        struct tree t;

        add_pax(&tar, 'x', rows[i].key, rows[i].value);
        add_header(&tar, &(struct header){.name = "n", .type = '2', .link = "ok"});
        add_header(&tar, &(struct header){.name = "last", .type = '0', .data = STR("3")});
        read_tar(&tar, NULL, &a, &t);
        assert_int_equal(t.n_files, 1);
        assert_string_equal(t.files[0].path, "last");
        assert_note(&t, rows[i].note);
    }
}

/* A NUL ends a name, for libarchive and so for us: whatever is left is judged as it will be used.
 */
static void takes_a_name_up_to_its_nul(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    BUF_CLEANUP struct buf tar = BUF_INIT(TAR_MAX);
    struct tree t;

    (void)state;
    add_pax(&tar, 'x', "path", STR("name\0/../../x"));
    add_header(&tar, &(struct header){.name = "n", .type = '0'});
    read_tar(&tar, NULL, &a, &t);
    assert_int_equal(t.n_files, 1);
    assert_string_equal(t.files[0].path, "name");
}

static void refuses_a_very_long_name(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    BUF_CLEANUP struct buf tar = BUF_INIT(TAR_MAX);
    char *name = arena_alloc(&a, 200 * 1024, 1);
    struct tree t;

    (void)state;
    memset(name, 'x', 200 * 1024);
    add_pax(&tar, 'x', "path", (struct str){name, 200 * 1024});
    add_header(&tar, &(struct header){.name = "n", .type = '0'});
    read_tar(&tar, NULL, &a, &t);
    assert_int_equal(t.n_files, 0);
    assert_note(&t, "over 1024 bytes");
    assert_true(strlen(t.notes[0]) < 512);
}

static void refuses_what_is_no_archive(void **state)
{
    static const struct str rows[] = {
        {"", 0},
        STR("hello"),
        STR("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03 compressed"),
        STR("PK\x03\x04 a zip file"),
        STR("!<arch>\n"),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ARENA_CLEANUP struct arena a = {0};
        struct err err = {0};
        struct tree t;

        assert_int_equal(tree_from_tar(rows[i], NULL, &a, &t, &err), -1);
        assert_int_equal(err.kind, ERR_PROTOCOL);
    }
}

static void refuses_an_archive_that_breaks_off(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    BUF_CLEANUP struct buf tar = BUF_INIT(TAR_MAX);
    struct err err = {0};
    struct tree t;

    (void)state;
    add_header(&tar, &(struct header){.name = "a", .type = '0', .data = STR("1")});
    add_header(&tar, &(struct header){.name = "b", .type = '0', .size = "00000002000"});
    assert_int_equal(tree_from_tar(buf_str(&tar), NULL, &a, &t, &err), -1);
    assert_int_equal(err.kind, ERR_PROTOCOL);
}

/* ---- caps ---- */

static void leaves_out_what_is_over_the_caps(void **state)
{
    static const struct tree_caps caps = {.files = 3, .bytes = 10, .file_bytes = 6};
    static const struct header entries[] = {
        {.name = "a", .type = '0', .data = STR("123456")},
        {.name = "b", .type = '0', .data = STR("1234567")}, /* too large */
        {.name = "c", .type = '0', .data = STR("12345")},   /* no bytes left */
        {.name = "d", .type = '0', .data = STR("1234")},
        {.name = "e", .type = '2', .link = "a"}, /* no bytes left */
        {.name = "f", .type = '0'},
        {.name = "g", .type = '0'}, /* a file too many */
    };
    ARENA_CLEANUP struct arena a = {0};
    BUF_CLEANUP struct buf tar = BUF_INIT(TAR_MAX);
    struct tree t;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(entries); i++)
        add_header(&tar, &entries[i]);
    read_tar(&tar, &caps, &a, &t);
    assert_int_equal(t.n_files, 3);
    assert_int_equal(t.bytes, 10);
    assert_true(t.capped);
    assert_string_equal(t.files[1].path, "d");
    assert_string_equal(t.files[2].path, "f");
    assert_int_equal(t.n_notes, 2);
    assert_note(&t, "left out 'b': 7 bytes, a file may have 6");
    assert_note(&t, "left out 3 more files: a tree has at most 3 files and 10 B");
}

static void stops_after_ten_times_the_files(void **state)
{
    static const struct tree_caps caps = {.files = 2};
    ARENA_CLEANUP struct arena a = {0};
    BUF_CLEANUP struct buf tar = BUF_INIT(TAR_MAX);
    struct tree t;

    (void)state;
    for (int i = 0; i < 25; i++)
        add_header(&tar, &(struct header){.name = "fifo", .type = '6'});
    add_header(&tar, &(struct header){.name = "never", .type = '0'});
    read_tar(&tar, &caps, &a, &t);
    assert_int_equal(t.n_files, 0);
    assert_true(t.capped);
    assert_note(&t, "after 20 entries");
}

static void counts_notes_beyond_the_hundredth(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    BUF_CLEANUP struct buf tar = BUF_INIT(TAR_MAX);
    static const struct tree_caps caps = {.files = 50};
    struct tree t;

    (void)state;
    for (int i = 0; i < 150; i++)
        add_header(&tar, &(struct header){.name = "fifo", .type = '6'});
    for (int i = 0; i < 51; i++) {
        char name[8];

        snprintf(name, sizeof(name), "f%d", i);
        add_header(&tar, &(struct header){.name = name, .type = '0'});
    }
    read_tar(&tar, &caps, &a, &t);
    assert_int_equal(t.n_files, 50);
    assert_int_equal(t.n_notes, 100);
    assert_string_equal(t.notes[99], "and 52 more notes");
    assert_note(&t, "left out 1 more file:");
}

/* A header that promises a terabyte: judged before any of it is read, and then cut off. */
static int endless(void *ctx, struct str *ret, struct err *err)
{
    static const char zeros[4096];
    struct str *start = ctx;

    (void)err;
    *ret = start->n ? *start : (struct str){zeros, sizeof(zeros)};
    start->n = 0;
    return 0;
}

static void cuts_an_endless_stream_off(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    BUF_CLEANUP struct buf tar = BUF_INIT(TAR_MAX);
    struct tree_tar_source source = {.next = endless, .max_bytes = 1 << 20};
    struct tree_build b;
    struct err err = {0};
    struct tree t;
    struct str start;
    bool end = true;

    (void)state;
    add_header(&tar, &(struct header){.name = "a", .type = '0', .data = STR("1")});
    add_header(&tar, &(struct header){.name = "huge", .type = '0', .size = "77777777777"});
    start = buf_str(&tar);
    source.ctx = &start;
    tree_build_start(&b, NULL, &a);
    assert_int_equal(tree_tar_read(&source, &b, &end, &err), 0);
    assert_false(end);
    tree_build_finish(&b, &t);
    assert_int_equal(t.n_files, 1);
    assert_true(t.capped);
    assert_note(&t, "left out 'huge': 8589934591 bytes");
    assert_note(&t, "after 1048576 bytes");
    assert_true(a.total < 1 << 20);
}

static int fails(void *ctx, struct str *ret, struct err *err)
{
    (void)ctx;
    (void)ret;
    return err_set(err, ERR_NET, "the sandbox is gone");
}

static void passes_the_error_of_the_source_on(void **state)
{
    ARENA_CLEANUP struct arena a = {0};
    struct tree_tar_source source = {.next = fails, .max_bytes = 1 << 20};
    struct tree_build b;
    struct err err = {0};
    bool end;

    (void)state;
    tree_build_start(&b, NULL, &a);
    assert_int_equal(tree_tar_read(&source, &b, &end, &err), -1);
    assert_int_equal(err.kind, ERR_NET);
    assert_string_equal(err.msg, "the sandbox is gone");
}

/* ---- writing ---- */

static void reads_back_what_it_wrote(void **state)
{
    static const char long_path[] =
        "a-folder-with-a-long-name/another-folder-with-a-long-name/yet-another-with-a-long-name/"
        "and-a-file-with-a-long-name-so-that-it-is-over-100";
    static const struct tree_file files[] = {
        {.path = "a", .content = STR("1")},
        {.path = "empty"},
        {.path = "h\xc3\xa4", .content = STR("2")},
        {.path = long_path, .content = STR("3")},
        {.path = "link", .content = STR(long_path), .is_link = true},
        {.path = "run", .content = STR("\0\1\2"), .executable = true},
    };
    ARENA_CLEANUP struct arena a = {0};
    BUF_CLEANUP struct buf tar = BUF_INIT(TAR_MAX);
    BUF_CLEANUP struct buf small = BUF_INIT(1000);
    struct err err = {0};
    struct tree t, back;

    (void)state;
    assert_int_equal(tree_make(files, ARRAY_LEN(files), &a, &t, &err), 0);
    assert_int_equal(tree_tar_write(&t, 1234567890, &tar, &err), 0);
    assert_int_equal(tree_from_tar(buf_str(&tar), NULL, &a, &back, &err), 0);
    assert_int_equal(back.n_notes, 0);
    assert_string_equal(back.sha256, t.sha256);
    assert_int_equal(tree_tar_write(&t, 1234567890, &small, &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_ordinary_files),
        cmocka_unit_test(takes_long_and_foreign_names),
        cmocka_unit_test(takes_an_empty_archive),
        cmocka_unit_test(refuses_hostile_entries),
        cmocka_unit_test(refuses_files_below_links),
        cmocka_unit_test(refuses_odd_pax_headers),
        cmocka_unit_test(takes_a_name_up_to_its_nul),
        cmocka_unit_test(refuses_a_very_long_name),
        cmocka_unit_test(refuses_what_is_no_archive),
        cmocka_unit_test(refuses_an_archive_that_breaks_off),
        cmocka_unit_test(leaves_out_what_is_over_the_caps),
        cmocka_unit_test(stops_after_ten_times_the_files),
        cmocka_unit_test(counts_notes_beyond_the_hundredth),
        cmocka_unit_test(cuts_an_endless_stream_off),
        cmocka_unit_test(passes_the_error_of_the_source_on),
        cmocka_unit_test(reads_back_what_it_wrote),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
