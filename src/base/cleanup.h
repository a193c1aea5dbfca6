/*
 * Cleanup attributes for things of the operating system, and TAKE() to hand one over.
 *
 *     FD_CLEANUP int fd = open(...);
 *     ...
 *     *ret_fd = TAKE_FD(fd);
 */
#ifndef KILN_BASE_CLEANUP_H
#define KILN_BASE_CLEANUP_H

/* Closes *fd unless it is negative, keeps errno, sets it to -1. */
void cleanup_fd(int *fd);

/* free() for `__attribute__((cleanup))`. */
void cleanup_free(void *pointer_to_pointer);

#define FD_CLEANUP __attribute__((cleanup(cleanup_fd)))
#define FREE_CLEANUP __attribute__((cleanup(cleanup_free)))

#define TAKE_FD(fd)                                                                                \
    ({                                                                                             \
        int *taken_from_ = &(fd), taken_ = *taken_from_;                                           \
        *taken_from_ = -1;                                                                         \
        taken_;                                                                                    \
    })

#define TAKE(p)                                                                                    \
    ({                                                                                             \
        __typeof__(p) *taken_from_ = &(p), taken_ = *taken_from_;                                  \
        *taken_from_ = NULL;                                                                       \
        taken_;                                                                                    \
    })

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
