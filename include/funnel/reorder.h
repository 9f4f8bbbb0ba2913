/* SPDX-License-Identifier: Apache-2.0 */
/* Puts one partition's events in order of (event time, offset), within a bound. Events that arrive in
 * order, nearly all, pass through a ring; the others wait in a heap beside it. */
#ifndef FUNNEL_REORDER_H
#define FUNNEL_REORDER_H

#include <stdint.h>

#include "funnel/codec.h"
#include "funnel/event.h"
#include "funnel/leaves.h"

#define ARRIVAL_NO_FUNNEL UINT16_MAX

/* An event on its way to one funnel, resolved as far as the log order allows. */
struct arrival {
    int64_t time_ms;    /* its own event time */
    int64_t order;      /* offset; ties of one offset (arrays of ids) keep their order by `sub` */
    int64_t floor_ms;   /* INT64_MIN, or for a late one the start of the open pane */
    int64_t entered_ms; /* seeds; INT64_MIN: unknown */
    int64_t amount;
    uint64_t fingerprint;
    uint64_t id_hash;                /* of the event id, for dedupe; 0: none */
    struct leaf_key dims;            /* 0: absent */
    uint32_t breaks[BREAKDOWNS_MAX]; /* 0: absent */
    uint32_t reason;                 /* NAME_NONE where absent */
    uint32_t stage_byte, time_byte;  /* for a dead letter that is still due */
    uint16_t funnel; /* ARRIVAL_NO_FUNNEL: wanted by none, it only moves the watermark */
    uint16_t sub;
    uint8_t stage; /* stage number or STAGE_* */
    uint8_t kind;  /* EVENT_* */
    uint8_t has_amount;
    uint8_t late;
    struct message *copy; /* owned; only where a dead letter may still be due (skip: reject) */
};

struct reorder {
    struct arrival *pool; /* slots of waiting events */
    uint32_t *free;
    size_t pool_count, free_count, pool_cap, free_cap;
    uint32_t *ring; /* slots in order; power of two */
    size_t ring_from, ring_count, ring_cap;
    uint32_t *heap; /* slots by (time, order) */
    size_t heap_count, heap_cap;
};

void reorder_deinit(struct reorder *r); /* zeroed is empty and valid; frees copies */
size_t reorder_count(const struct reorder *r);
void reorder_push(struct reorder *r, const struct arrival *a);
/* The earliest waiting event, borrowed until the next call; NULL: none. */
const struct arrival *reorder_peek(const struct reorder *r);
/* Takes it out. Returns 0 when empty. */
int reorder_pop(struct reorder *r, struct arrival *ret);
/* Each that waits, in no order. */
void reorder_each(const struct reorder *r, void (*fn)(void *context, const struct arrival *a),
                  void *context);

void arrival_save(const struct arrival *a, struct codec_out *out);
/* What its numbers mean is the tally's to check. Leaves no copy where it fails. */
void arrival_load(struct arrival *a, struct codec_in *in);
/* Both halves in their order, so that what is equal keeps its order. Load is into a zeroed one; afterwards
 * the arrivals are pool[0 .. pool_count). */
void reorder_save(const struct reorder *r, struct codec_out *out);
void reorder_load(struct reorder *r, struct codec_in *in);

#endif
