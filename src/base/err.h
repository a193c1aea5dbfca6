/*
 * Errors.
 *
 * Every function that can fail takes a `struct err *` last and returns 0 or -1 (or a pointer or
 * NULL). On failure the error is filled; on success it is left alone. Nothing is allocated, so an
 * error can always be made. The kind decides policy (retry, whose fault, exit code); the message
 * is for people: what failed, then why. A fix says what the reader can do next.
 *
 * Library code never prints an error. The main of a process does, once.
 */
#ifndef KILN_BASE_ERR_H
#define KILN_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

enum err_kind {
    ERR_NONE = 0,
    ERR_USAGE,     /* the command line is wrong */
    ERR_INPUT,     /* data given to us is wrong: a specification, a file, a message */
    ERR_CONFIG,    /* a setting is wrong or missing */
    ERR_NOT_FOUND, /* what was asked for is not there */
    ERR_EXISTS,    /* what was to be made is there already */
    ERR_AUTH,      /* a key is missing or was refused */
    ERR_IO,        /* the operating system failed us: disk, memory, descriptors */
    ERR_HOST,      /* this machine lacks something: user namespaces, a tool, disk space */
    ERR_NET,       /* a peer can't be reached or broke off; trying again may help */
    ERR_PROTOCOL,  /* a peer said something that its protocol doesn't allow */
    ERR_THROTTLED, /* a peer asks us to come back later */
    ERR_REMOTE,    /* a peer understood us and refused or failed */
    ERR_TIMEOUT,   /* a time limit ran out */
    ERR_LIMIT,     /* a size or count limit was reached */
    ERR_BUDGET,    /* the money or token limit was reached */
    ERR_CANCELLED, /* somebody asked us to stop */
    ERR_INTERNAL,  /* a bug of ours */
};

enum { ERR_MSG_MAX = 1024, ERR_FIX_MAX = 512 };

struct err {
    enum err_kind kind;
    int sys;               /* errno, or 0 */
    char msg[ERR_MSG_MAX]; /* "open 'x': No such file or directory" */
    char fix[ERR_FIX_MAX]; /* "kiln doctor", or empty */
};

/* Fills `err` (which may be NULL) and returns -1, so that `return err_set(...)` reads well. */
int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set, and appends ": " and the text of `sys`, an errno value. */
int err_sys(struct err *err, enum err_kind kind, int sys, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts "prefix: " before the message that is there. Returns -1. */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Adds what the reader can do about it. Returns -1. */
int err_fix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* An analyser that reads one file doesn't know what these return, and takes a failure for a success
 * that left its outputs unset. */
#ifdef KILN_ANALYZE
#define ERR_FAILS(call)                                                                            \
    ({                                                                                             \
        call;                                                                                      \
        -1;                                                                                        \
    })
#define err_set(...) ERR_FAILS(err_set(__VA_ARGS__))
#define err_sys(...) ERR_FAILS(err_sys(__VA_ARGS__))
#define err_wrap(...) ERR_FAILS(err_wrap(__VA_ARGS__))
#define err_fix(...) ERR_FAILS(err_fix(__VA_ARGS__))
#endif

/* A stable word for a kind: "input", "not_found", "throttled". */
const char *err_kind_name(enum err_kind kind);

/* True when the same call may succeed later without anybody doing anything. */
bool err_is_transient(const struct err *err);

/* Ends the process for an impossible state. Never for input. */
#define BUG(...) err_bug(__FILE__, __LINE__, __VA_ARGS__)
_Noreturn void err_bug(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
