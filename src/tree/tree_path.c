#include "tree/tree_path.h"

#include <locale.h>
#include <pthread.h>
#include <string.h>
#include <wctype.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "tree/tree.h"

enum { PATH_MAX_BYTES = 1024, NAME_MAX_BYTES = 255, DEPTH_MAX = 32, SHOW_MAX = 160 };

struct range {
    uint32_t first, last;
};

static bool in_ranges(uint32_t c, const struct range *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (c >= r[i].first && c <= r[i].last)
            return true;
    return false;
}

/* Unicode's C0, C1, Bidi_Control, and the two separators that end a line. */
static bool is_control(uint32_t c)
{
    static const struct range ranges[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0x61c, 0x61c},
        {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069},
    };

    return in_ranges(c, ranges, ARRAY_LEN(ranges));
}

/* Unicode's Default_Ignorable_Code_Point; HFS+ drops a part of them when it compares names. */
static bool is_invisible(uint32_t c)
{
    static const struct range ranges[] = {
        {0xad, 0xad},       {0x34f, 0x34f},   {0x61c, 0x61c},     {0x115f, 0x1160},
        {0x17b4, 0x17b5},   {0x180b, 0x180f}, {0x200b, 0x200f},   {0x202a, 0x202e},
        {0x2060, 0x206f},   {0x3164, 0x3164}, {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
        {0xffa0, 0xffa0},   {0xfff0, 0xfff8}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
        {0xe0000, 0xe0fff},
    };

    return c >= 0xad && in_ranges(c, ranges, ARRAY_LEN(ranges));
}

/* ---- UTF-8 ---- */

/* Takes one code point off the front of `*s`, which isn't empty; false where it is no UTF-8. */
static bool next_code_point(struct str *s, uint32_t *ret)
{
    static const unsigned char lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t n = text_utf8_len(*s);
    uint32_t c;

    if (n == 0)
        return false;
    c = (unsigned char)s->p[0] & lead_bits[n];
    for (size_t i = 1; i < n; i++)
        c = c << 6 | ((unsigned char)s->p[i] & 0x3f);
    *s = str_from_pos(*s, n);
    *ret = c;
    return true;
}

/* ---- folding ---- */

static locale_t unicode;

static void open_unicode(void)
{
    unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (unicode == (locale_t)0)
        BUG("the C library has no locale C.UTF-8");
}

/* Upper first, so that letters with two lower forms meet: the long s, the Kelvin sign. */
static uint32_t fold_code_point(uint32_t c)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
    pthread_once(&once, open_unicode);
    return (uint32_t)towlower_l(towupper_l((wint_t)c, unicode), unicode);
}

/* Folds valid UTF-8 into `out`, which has room for twice its bytes: a code point of n bytes never
 * folds to more than n + 1. Returns the length. */
static size_t fold(struct str s, char *out)
{
    size_t n = 0;
    uint32_t c;

    while (s.n && next_code_point(&s, &c))
        if (!is_invisible(c))
            n += text_utf8_put(fold_code_point(c), out + n);
    return n;
}

struct str tree_path_fold(struct arena *a, struct str path)
{
    char *out = arena_alloc(a, 2 * path.n + 1, 1);

    return (struct str){out, fold(path, out)};
}

/* What NTFS would make of a folded name: no stream (":..."), no trailing dots and spaces. */
static struct str as_on_ntfs(struct str folded)
{
    ptrdiff_t colon = str_find_char(folded, ':');

    if (colon >= 0)
        folded.n = (size_t)colon;
    while (folded.n && (folded.p[folded.n - 1] == '.' || folded.p[folded.n - 1] == ' '))
        folded.n--;
    return folded;
}

static bool is_dot_git(struct str folded)
{
    struct str name = as_on_ntfs(folded);

    return str_eq_c(name, ".git") || str_eq_c(name, "git~1");
}

/* With the short names that NTFS may give it ("GITMOD~1", "GI7EBA~1"), as git knows them. */
static bool is_gitmodules(struct str folded)
{
    struct str name = as_on_ntfs(folded);

    return str_eq_c(name, ".gitmodules") || str_starts(name, "gitmod~") ||
           (str_starts(name, "gi7e") && str_find_char(name, '~') >= 0);
}

/* ---- the rules ---- */

static const char *text_fault(struct str s)
{
    uint32_t c;

    while (s.n) {
        if (!next_code_point(&s, &c))
            return "the name is not valid UTF-8";
        if (is_control(c))
            return "the name has a control or bidirectional character";
        if (c == '\\')
            return "the name has a backslash";
    }
    return NULL;
}

/* A component of a path or of a link's target; its text is known to be fine. */
static const char *component_fault(struct str name, bool last)
{
    char room[2 * NAME_MAX_BYTES];
    struct str folded;

    if (name.n == 0)
        return "a part of the path is empty";
    if (name.n > NAME_MAX_BYTES)
        return "a part of the path is over 255 bytes long";
    if (str_eq_c(name, ".") || str_eq_c(name, ".."))
        return "a part of the path is '.' or '..'";
    folded = (struct str){room, fold(name, room)};
    if (folded.n == 0)
        return "a part of the path is invisible";
    if (is_dot_git(folded))
        return "a part of the path is a spelling of .git";
    if (!last && is_gitmodules(folded))
        return "git takes no folder called .gitmodules";
    return NULL;
}

static const char *path_fault(struct str path)
{
    struct str rest = path, name;
    size_t depth = 0;
    const char *why;

    if (path.n == 0)
        return "the path is empty";
    if (path.n > PATH_MAX_BYTES)
        return "the path is over 1024 bytes long";
    if (path.p[0] == '/')
        return "the path is absolute";
    if (path.p[path.n - 1] == '/')
        return "a part of the path is empty";
    why = text_fault(path);
    while (!why && str_next(&rest, '/', &name)) {
        why = component_fault(name, rest.n == 0);
        if (++depth > DEPTH_MAX)
            why = "the path is over 32 levels deep";
    }
    return why;
}

bool tree_path_ok(struct str path, const char **ret_why)
{
    const char *why = path_fault(path);

    if (why)
        *ret_why = why;
    return !why;
}

static size_t depth_of_folder(struct str path)
{
    size_t n = 0;

    for (size_t i = 0; i < path.n; i++)
        n += path.p[i] == '/';
    return n;
}

/*
 * ".." is refused behind a name, because the name may be a link: where "l" leads to the root,
 * "a/l/.." is outside although it doesn't look so. At the start it is exact, because no folder
 * above a link is a link.
 */
static const char *target_fault(struct str path, struct str target)
{
    size_t up_left = depth_of_folder(path);
    struct str rest = target, name;
    bool named = false;
    const char *why;

    if (target.n == 0 || target.n > PATH_MAX_BYTES)
        return "the link's target is empty or over 1024 bytes long";
    if (target.p[0] == '/')
        return "the link is absolute";
    if (text_fault(target))
        return "the link's target is no clean text";
    while (str_next(&rest, '/', &name)) {
        if (name.n == 0 || str_eq_c(name, "."))
            continue;
        if (str_eq_c(name, "..")) {
            if (named)
                return "the link's target has '..' behind a name";
            if (up_left-- == 0)
                return "the link leads out of the tree";
            continue;
        }
        named = true;
        if ((why = component_fault(name, true)))
            return why;
    }
    return NULL;
}

bool tree_path_link_ok(struct str path, struct str target, const char **ret_why)
{
    struct str name = path;
    char room[2 * NAME_MAX_BYTES];
    const char *why = target_fault(path, target);
    ptrdiff_t slash;

    while ((slash = str_find_char(name, '/')) >= 0)
        name = str_from_pos(name, (size_t)slash + 1);
    if (!why && is_gitmodules((struct str){room, fold(name, room)}))
        why = "git takes no link called .gitmodules";
    if (why)
        *ret_why = why;
    return !why;
}

const char *tree_path_show(struct arena *a, struct str path)
{
    struct str start = {path.p, path.n < SHOW_MAX ? path.n : SHOW_MAX};
    struct str clean = text_clean(a, start, TEXT_ONE_LINE);

    return arena_printf(a, "'%.*s%s'", STR_ARG(clean), start.n < path.n ? "..." : "");
}
