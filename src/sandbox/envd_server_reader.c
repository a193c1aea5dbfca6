#include "sandbox/envd_server_process.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

void envd_server_process_wake_readers(const struct envd_server_process *p)
{
    for (const struct envd_server_reader *r = p->readers; r; r = r->next)
        eventfd_write(r->wake_fd, 1);
}

/* Frees what every reader has taken, and lets a process that waited for room go on. */
static void trim(struct envd_server_table *t, struct envd_server_process *p)
{
    uint64_t position = p->output.seen;
    bool was_full = envd_server_output_full(&p->output);

    for (const struct envd_server_reader *r = p->readers; r; r = r->next)
        if (r->position < position)
            position = r->position;
    envd_server_output_trim(&p->output, position);
    if (was_full)
        envd_server_pump_wake(t);
}

static void take_piece(struct envd_server_reader *r, struct arena *a,
                       const struct envd_server_piece *piece, struct envd_server_taken *ret)
{
    struct envd_server_process *p = r->process;

    *ret = (struct envd_server_taken){
        .kind = ENVD_SERVER_TAKEN_OUTPUT,
        .source = piece->source,
        .data = arena_dup(a, (struct str){piece->data, piece->n}),
    };
    r->position = piece->position + 1;
    if (r->position > p->output.seen)
        p->output.seen = r->position;
    trim(r->table, p);
}

void envd_server_reader_take(struct envd_server_reader *r, struct arena *a,
                             struct envd_server_taken *ret)
{
    struct envd_server_process *p = r->process;
    const struct envd_server_piece *piece;
    eventfd_t count;

    /* Before looking, so that what comes later makes it readable again. */
    eventfd_read(r->wake_fd, &count);
    *ret = (struct envd_server_taken){.kind = ENVD_SERVER_TAKEN_NOTHING};
    pthread_mutex_lock(&r->table->lock);
    piece = envd_server_output_at(&p->output, r->position);
    if (r->table->draining) {
        ret->kind = ENVD_SERVER_TAKEN_STOP;
    } else if (piece) {
        take_piece(r, a, piece, ret);
    } else if (p->ended) {
        ret->kind = ENVD_SERVER_TAKEN_END;
        ret->status = p->status;
        ret->timed_out = p->timed_out;
    }
    pthread_mutex_unlock(&r->table->lock);
}

void envd_server_reader_close(struct envd_server_reader *r)
{
    struct envd_server_table *t = r->table;
    struct envd_server_reader **link = &r->process->readers;

    pthread_mutex_lock(&t->lock);
    while (*link != r)
        link = &(*link)->next;
    *link = r->next;
    trim(t, r->process);
    pthread_mutex_unlock(&t->lock);
    close(r->wake_fd);
    free(r);
}
