/*
 * What the Messages API answers when it fails, made into errors for people, and whether to try
 * again. Status codes, error types and retry headers: the API's reference, "Errors", and the
 * behaviour of its SDKs.
 */
#ifndef KILN_MODEL_MESSAGES_ERROR_H
#define KILN_MODEL_MESSAGES_ERROR_H

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "json/json.h"

/* A failed answer. Absent headers are NULL. */
struct messages_answer {
    int status;
    struct str body;
    const char *retry_after, *retry_after_ms, *should_retry, *request_id;
    const char *url, *model;  /* what was asked for */
    const struct secret *key; /* blanked out where the answer repeats it; may be NULL */
};

struct messages_retry {
    bool again;
    int64_t wait_ms; /* that the server asked for, or -1 */
};

/* Returns -1 with the error. */
int messages_error_answer(const struct messages_answer *answer, struct messages_retry *ret,
                          struct err *err);

/* The same for an error event in a stream: {"type","message"}. */
int messages_error_event(const json_t *error, const struct secret *key, struct err *err);

/* Whether a failure of this kind may pass by itself. */
bool messages_error_passes(enum err_kind kind);

/* The error type that goes with a status; for others, that of 400 or of 500. */
const char *messages_error_type(int status);

/* How long to wait before retry `n` (from 0) when the server didn't say. */
int64_t messages_error_backoff_ms(int n);

#endif
