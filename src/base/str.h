/*
 * Views of bytes: a pointer and a length, not owned, not NUL-terminated, any bytes.
 */
#ifndef KILN_BASE_STR_H
#define KILN_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *p;
    size_t n;
};

/* A view of a literal. */
#define STR(lit) ((struct str){(lit), sizeof(lit) - 1})

/* For printf's "%.*s". */
#define STR_ARG(s) (int)(s).n, (s).p

/* A view of a C string; NULL gives an empty view. */
struct str str_from(const char *s);

bool str_eq(struct str a, struct str b);
bool str_eq_c(struct str a, const char *b);
bool str_eq_nocase(struct str a, const char *b);
bool str_starts(struct str s, const char *prefix);
bool str_ends(struct str s, const char *suffix);

/* Position of the first match, or -1. */
ptrdiff_t str_find(struct str s, struct str needle);
ptrdiff_t str_find_char(struct str s, char c);

/* From byte `from` (at most s.n) to the end. */
struct str str_from_pos(struct str s, size_t from);

/* Without the white space at both ends. */
struct str str_trim(struct str s);

/*
 * Takes the next part up to `sep` off the front of `*rest`; the separator is dropped. Returns
 * false when nothing is left. "a,,b" has three parts, "" has none, "a," has one.
 */
bool str_next(struct str *rest, char sep, struct str *ret_part);

/* As str_next for lines: a '\r' before the '\n' is dropped too. */
bool str_next_line(struct str *rest, struct str *ret_line);

/*
 * The whole of `s` as a decimal number, or false: no sign for uint64, no white space, no overflow;
 * infinities and NaN are not numbers.
 */
bool str_to_u64(struct str s, uint64_t *ret);
bool str_to_i64(struct str s, int64_t *ret);
bool str_to_double(struct str s, double *ret);

/*
 * How unlike two words are (edits of one character), for "did you mean". Words of over 64 bytes
 * are taken as wholly unlike.
 */
unsigned str_distance(const char *a, const char *b);

#endif
