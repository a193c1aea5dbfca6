/*
 * What kiln says to the person at the command line, on standard error:
 *
 *     error[no_api_key]: no API key was found
 *       fix: put ANTHROPIC_API_KEY=... into .env
 *     warning: .env:3: ...
 *
 * With --json an error is a document on standard output instead: {"error":{"code","message","fix",
 * "retryable"}}. Texts are cleaned of control characters.
 */
#ifndef KILN_CLI_MESSAGE_H
#define KILN_CLI_MESSAGE_H

#include <stdbool.h>

#include "base/err.h"
#include "json/json.h"

/* For the whole process, once: --no-color. */
void message_init(bool no_colour);

/* `code` is a stable word; NULL means the name of the error's kind. */
void message_error(bool json, const char *code, const struct err *err);

void message_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void message_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A JSON document to standard output: indented. */
void message_json(const json_t *document);

#endif
