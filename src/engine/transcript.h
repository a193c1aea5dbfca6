/*
 * The record of a conversation, for people and for debugging: NDJSON, one line a message.
 *
 *     {"at":"2026-11-22T01:38:43.120Z","role":"user","content":[...]}
 *     {"at":...,"role":"assistant","content":[...],"model":...,"stop_reason":...,"usage":{...}}
 *     {"at":...,"event":"restart"}
 */
#ifndef KILN_ENGINE_TRANSCRIPT_H
#define KILN_ENGINE_TRANSCRIPT_H

#include "base/err.h"
#include "json/json.h"

enum { TRANSCRIPT_MAX = 256 * 1024 * 1024 };

struct transcript;

/* Appends to `path`; a NULL path gives one that keeps nothing. */
int transcript_open(const char *path, struct transcript **ret, struct err *err);
void transcript_close(struct transcript *t);

/* Adds a line with the time and the members of `line`, whose reference it takes. Beyond
 * TRANSCRIPT_MAX bytes nothing more is kept, and the last line says so. */
int transcript_add(struct transcript *t, json_t *line, struct err *err);

#endif
