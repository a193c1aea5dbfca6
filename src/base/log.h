/*
 * Diagnostics on standard error: one line an event, logfmt.
 *
 *     2026-11-22T01:38:43.120Z info sandbox opened id=sb-3 ms=4
 *
 * On a journal (JOURNAL_STREAM is set) a line starts with "<N>" instead of the time. This is for
 * operators; what a command has to say to its user goes through the console, not here. Library
 * code logs at LOG_DEBUG only. Values are cleaned of control characters. errno is kept.
 */
#ifndef KILN_BASE_LOG_H
#define KILN_BASE_LOG_H

enum log_level { LOG_ERROR = 3, LOG_WARN = 4, LOG_INFO = 6, LOG_DEBUG = 7 };

/* Lines above `level` are dropped. The default is LOG_WARN. */
void log_set_level(enum log_level level);

/* Names the process on every line: "task", "launcher". A literal. */
void log_set_process(const char *name);

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)

#endif
