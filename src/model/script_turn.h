/*
 * A model script as it was read: plain data, whose meaning script.h describes.
 */
#ifndef KILN_MODEL_SCRIPT_TURN_H
#define KILN_MODEL_SCRIPT_TURN_H

#include "base/arena.h"
#include "json/json.h"

struct script_expect {
    struct json_strings contains, lacks, system_prompt, tools;
    struct json_pairs headers;
    bool cached;
    int64_t errors; /* -1: not asked */
};

enum script_break {
    SCRIPT_WHOLE,
    SCRIPT_CUT,
    SCRIPT_STALL,
    SCRIPT_MALFORMED,
    SCRIPT_ERROR,
    SCRIPT_SLOW_FIRST_BYTE,
};

enum script_where { SCRIPT_LAST_BLOCK, SCRIPT_START, SCRIPT_TEXT, SCRIPT_TOOL, SCRIPT_END };

struct script_fault {
    int64_t status; /* 0: none; else instead of a reply */
    const char *type, *message, *code, *body;
    int64_t retry_after, retry_after_ms; /* -1: not sent */
    const json_t *should_retry;          /* a boolean, or NULL */
    enum script_break after;
    enum script_where at;
    int64_t ms; /* -1: not given */
};

struct script_call {
    const char *name;
    const char *input; /* JSON text, or whatever the script says */
};

struct script_turn {
    unsigned line;
    struct script_expect expect;
    const char *thinking, *text, *stop, *refusal;
    struct script_call *calls;
    size_t n_calls;
    const json_t *usage; /* members that replace what is counted, or NULL */
    int64_t times, chunk_ms;
    struct script_fault fault;
};

struct script {
    struct arena arena;
    json_t *root; /* what the turns borrow from */
    const char *model;
    bool repeat_last;
    struct script_turn *turns;
    size_t n_turns;
};

#endif
