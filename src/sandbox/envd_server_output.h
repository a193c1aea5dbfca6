/*
 * What a process printed and nobody has taken yet.
 *
 * A queue of pieces, each with a position that counts from 0 and never comes again. Readers keep
 * the position they are at. While somebody reads, nothing is dropped: the queue says when it is
 * full, and the process then waits in its write. While nobody does, the oldest pieces make room.
 * Not locked; the process table's lock covers it.
 */
#ifndef KILN_SANDBOX_ENVD_SERVER_OUTPUT_H
#define KILN_SANDBOX_ENVD_SERVER_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum envd_server_source { ENVD_SERVER_STDOUT, ENVD_SERVER_STDERR, ENVD_SERVER_PTY };

enum {
    ENVD_SERVER_OUTPUT_MAX = 1024 * 1024, /* bytes kept of one process */
    ENVD_SERVER_PIECE_MAX = 32 * 1024,    /* of one piece; E2B's envd has the same */
};

struct envd_server_piece {
    struct envd_server_piece *next;
    uint64_t position;
    enum envd_server_source source;
    size_t n, cap;
    char data[];
};

struct envd_server_output {
    struct envd_server_piece *first, *last;
    size_t bytes;  /* held, bookkeeping included */
    uint64_t next; /* position of the piece that comes next */
    uint64_t seen; /* no reader has got further than this; a new one starts here */
};

void envd_server_output_free(struct envd_server_output *o);

bool envd_server_output_full(const struct envd_server_output *o);

/* Adds at most ENVD_SERVER_PIECE_MAX bytes. With `drop`, the oldest make room. */
void envd_server_output_add(struct envd_server_output *o, enum envd_server_source source,
                            struct str data, bool drop);

/* The first piece at or behind `position`, or NULL. */
const struct envd_server_piece *envd_server_output_at(const struct envd_server_output *o,
                                                      uint64_t position);

/* Frees all before `position`: every reader is past it. */
void envd_server_output_trim(struct envd_server_output *o, uint64_t position);

#endif
