#include "base/base64.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct str base64_encode(struct arena *a, struct str s)
{
    size_t n = (s.n + 2) / 3 * 4, o = 0;
    char *out = arena_alloc(a, n + 1, 1);

    for (size_t i = 0; i < s.n; i += 3) {
        uint32_t v = (uint32_t)(unsigned char)s.p[i] << 16;

        if (i + 1 < s.n)
            v |= (uint32_t)(unsigned char)s.p[i + 1] << 8;
        if (i + 2 < s.n)
            v |= (unsigned char)s.p[i + 2];
        out[o++] = alphabet[v >> 18];
        out[o++] = alphabet[v >> 12 & 63];
        out[o++] = i + 1 < s.n ? alphabet[v >> 6 & 63] : '=';
        out[o++] = i + 2 < s.n ? alphabet[v & 63] : '=';
    }
    return (struct str){out, n};
}

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    if (c == '/' || c == '_')
        return 63;
    return -1;
}

int base64_decode(struct arena *a, struct str s, struct str *ret, struct err *err)
{
    char *out;
    size_t o = 0;
    uint32_t v = 0;
    unsigned bits = 0;

    if (s.n && s.n % 4 == 0) {
        s.n -= s.p[s.n - 1] == '=';
        s.n -= s.n % 4 == 3 && s.p[s.n - 1] == '=';
    }
    if (s.n % 4 == 1)
        return err_set(err, ERR_INPUT, "base64 of %zu digits", s.n);
    out = arena_alloc(a, s.n / 4 * 3 + 3, 1);
    for (size_t i = 0; i < s.n; i++) {
        int d = digit(s.p[i]);

        if (d < 0)
            return err_set(err, ERR_INPUT, "byte %zu isn't a base64 digit", i);
        v = v << 6 | (uint32_t)d;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[o++] = (char)(v >> bits & 0xff);
        }
    }
    *ret = (struct str){out, o};
    return 0;
}
