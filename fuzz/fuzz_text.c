/* layer: base */
/* The first two bytes choose flags and sizes. What comes out is valid, keeps no control character
 * that it shouldn't, and is clean already when cleaned again. */
#include <stdlib.h>

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_clean(struct str s, enum text_flags flags)
{
    if (!text_is_plain(s) || s.p[s.n] != '\0')
        abort();
    for (size_t i = 0; i < s.n && !(flags & TEXT_ANY_UTF8); i++) {
        bool kept = !(flags & TEXT_ONE_LINE) && (s.p[i] == '\n' || s.p[i] == '\t');

        if (((unsigned char)s.p[i] < 0x20 && !kept) || s.p[i] == 0x7f)
            abort();
    }
}

static void check_cleaning(struct arena *a, struct str in, enum text_flags flags)
{
    struct str once = text_clean(a, in, flags);

    check_clean(once, flags);
    if (!str_eq(text_clean(a, once, flags), once))
        abort();
}

static void check_head_tail(struct arena *a, struct str in, size_t max, unsigned percent)
{
    struct str out = text_head_tail(a, in, max, percent);

    if (out.n > max + sizeof("\n[... 18446744073709551615 bytes (18446744073709551615 lines) "
                             "omitted ...]\n"))
        abort();
    if (text_is_utf8(in) && !text_is_utf8(out))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum text_flags all[] = {TEXT_LINES, TEXT_ONE_LINE, TEXT_ANY_UTF8};
    ARENA_CLEANUP struct arena a = {0};

    if (size < 2)
        return 0;
    check_cleaning(&a, (struct str){(const char *)data + 2, size - 2}, all[data[0] % 3]);
    check_head_tail(&a, (struct str){(const char *)data + 2, size - 2}, data[1], data[0] % 101);
    return 0;
}
