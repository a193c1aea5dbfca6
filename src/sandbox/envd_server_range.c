/* RFC 9110, section 14; where it leaves a choice, as Go's net/http answers. */
#include "sandbox/envd_server_files.h"

static bool parse_suffix(struct str text, uint64_t size, uint64_t *ret_first)
{
    uint64_t n;

    if (!str_to_u64(text, &n) || n == 0)
        return false;
    *ret_first = n < size ? size - n : 0;
    return true;
}

enum envd_server_range envd_server_range_parse(const char *header, uint64_t size,
                                               uint64_t *ret_first, uint64_t *ret_n)
{
    struct str text = str_from(header), from, to;
    uint64_t first, last = size - 1;
    ptrdiff_t dash;

    if (!header || size == 0 || str_find_char(text, ',') >= 0)
        return ENVD_SERVER_RANGE_ALL;
    dash = str_find_char(text, '-');
    if (!str_starts(text, "bytes=") || dash < 0)
        return ENVD_SERVER_RANGE_NONE;
    from = str_trim((struct str){text.p + 6, (size_t)dash - 6});
    to = str_trim(str_from_pos(text, (size_t)dash + 1));
    if (from.n == 0) {
        if (!parse_suffix(to, size, &first))
            return ENVD_SERVER_RANGE_NONE;
    } else if (!str_to_u64(from, &first) || (to.n && !str_to_u64(to, &last)) || first >= size ||
               last < first) {
        return ENVD_SERVER_RANGE_NONE;
    }
    if (last >= size)
        last = size - 1;
    *ret_first = first;
    *ret_n = last - first + 1;
    return ENVD_SERVER_RANGE_PART;
}
