#include "base/secret.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { SECRET_MAX = 4000, MAP_BYTES = 4096 };

/* Has pages of its own, so that madvise concerns nothing else. */
struct secret {
    size_t n;
    char value[MAP_BYTES - sizeof(size_t)];
};

_Static_assert(sizeof(struct secret) == MAP_BYTES, "a secret fills its mapping");

int secret_new(struct str value, struct secret **ret, struct err *err)
{
    struct secret *s;

    if (value.n == 0)
        return err_set(err, ERR_AUTH, "the key is empty");
    if (value.n > SECRET_MAX)
        return err_set(err, ERR_AUTH, "the key is longer than %d bytes", SECRET_MAX);
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] < 0x21 || value.p[i] == 0x7f)
            return err_set(err, ERR_AUTH, "the key has a space or control character in it");
    s = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (s == MAP_FAILED)
        return err_sys(err, ERR_IO, errno, "memory for a key");
    if (madvise(s, MAP_BYTES, MADV_DONTDUMP) < 0 || madvise(s, MAP_BYTES, MADV_WIPEONFORK) < 0) {
        err_sys(err, ERR_HOST, errno, "keep a key out of core dumps and child processes");
        munmap(s, MAP_BYTES);
        return -1;
    }
    s->n = value.n;
    memcpy(s->value, value.p, value.n);
    *ret = s;
    return 0;
}

void secret_free(struct secret *s)
{
    if (!s)
        return;
    secret_wipe(s, MAP_BYTES);
    munmap(s, MAP_BYTES);
}

const char *secret_reveal(const struct secret *s)
{
    return s->value;
}

const char *secret_hint(struct arena *a, const struct secret *s)
{
    return s->n < 12 ? "…" : arena_printf(a, "…%s", s->value + s->n - 3);
}

void secret_wipe(void *p, size_t n)
{
    explicit_bzero(p, n);
}
