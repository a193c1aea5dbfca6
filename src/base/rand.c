#include "base/rand.h"

#include <errno.h>
#include <sys/random.h>

#include "base/err.h"

void rand_bytes(void *p, size_t n)
{
    char *at = p;

    while (n) {
        ssize_t got = getrandom(at, n, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            BUG("getrandom: errno %d", errno);
        at += got;
        n -= (size_t)got;
    }
}

uint64_t rand_below(uint64_t bound)
{
    uint64_t v, fair = UINT64_MAX - UINT64_MAX % bound;

    do
        rand_bytes(&v, sizeof(v));
    while (v >= fair);
    return v % bound;
}

char *rand_id(struct arena *a, size_t n)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    char *id = arena_alloc(a, n + 1, 1);

    for (size_t i = 0; i < n; i++)
        id[i] = alphabet[rand_below(sizeof(alphabet) - 1)];
    return id;
}
