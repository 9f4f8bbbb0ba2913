/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/reorder.h"

#include <string.h>

#include "funnel/mem.h"

static int arrival_before(const struct arrival *a, const struct arrival *b)
{
    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms;
    if (a->order != b->order)
        return a->order < b->order;
    return a->sub < b->sub;
}

static int slot_before(const struct reorder *r, uint32_t a, uint32_t b)
{
    return arrival_before(&r->pool[a], &r->pool[b]);
}

void reorder_deinit(struct reorder *r)
{
    struct arrival a;

    while (reorder_pop(r, &a))
        mem_free(a.copy);
    mem_free(r->pool);
    mem_free(r->free);
    mem_free(r->ring);
    mem_free(r->heap);
    *r = (struct reorder){0};
}

size_t reorder_count(const struct reorder *r)
{
    return r->ring_count + r->heap_count;
}

static uint32_t reorder_slot(struct reorder *r, const struct arrival *a)
{
    uint32_t slot;

    if (r->free_count > 0) {
        slot = r->free[--r->free_count];
    } else {
        r->pool = mem_grow(r->pool, r->pool_count, &r->pool_cap, sizeof(*r->pool));
        slot = (uint32_t)r->pool_count++;
    }
    r->pool[slot] = *a;
    return slot;
}

static void ring_grow(struct reorder *r)
{
    size_t cap = r->ring_cap ? r->ring_cap * 2 : 64;
    uint32_t *ring = mem_alloc(cap * sizeof(*ring));

    for (size_t i = 0; i < r->ring_count; i++)
        ring[i] = r->ring[(r->ring_from + i) & (r->ring_cap - 1)];
    mem_free(r->ring);
    r->ring = ring;
    r->ring_cap = cap;
    r->ring_from = 0;
}

static uint32_t *ring_at(const struct reorder *r, size_t i)
{
    return &r->ring[(r->ring_from + i) & (r->ring_cap - 1)];
}

static void ring_push(struct reorder *r, uint32_t slot)
{
    if (r->ring_count == r->ring_cap)
        ring_grow(r);
    *ring_at(r, r->ring_count++) = slot;
}

static void heap_push(struct reorder *r, uint32_t slot)
{
    size_t i = r->heap_count;

    r->heap = mem_grow(r->heap, r->heap_count, &r->heap_cap, sizeof(*r->heap));
    r->heap_count++;
    for (; i > 0 && slot_before(r, slot, r->heap[(i - 1) / 2]); i = (i - 1) / 2)
        r->heap[i] = r->heap[(i - 1) / 2];
    r->heap[i] = slot;
}

static uint32_t heap_pop(struct reorder *r)
{
    uint32_t top = r->heap[0], last = r->heap[--r->heap_count];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= r->heap_count)
            break;
        if (child + 1 < r->heap_count && slot_before(r, r->heap[child + 1], r->heap[child]))
            child++;
        if (!slot_before(r, r->heap[child], last))
            break;
        r->heap[i] = r->heap[child];
        i = child;
    }
    r->heap[i] = last;
    return top;
}

void reorder_push(struct reorder *r, const struct arrival *a)
{
    uint32_t slot = reorder_slot(r, a);

    if (r->ring_count == 0 || !slot_before(r, slot, *ring_at(r, r->ring_count - 1)))
        ring_push(r, slot);
    else
        heap_push(r, slot);
}

/* 1: the heap's top comes first; 0: the ring's front; -1: both are empty. */
static int reorder_side(const struct reorder *r)
{
    if (r->heap_count == 0)
        return r->ring_count > 0 ? 0 : -1;
    return r->ring_count == 0 || slot_before(r, r->heap[0], *ring_at(r, 0));
}

const struct arrival *reorder_peek(const struct reorder *r)
{
    int side = reorder_side(r);

    return side < 0 ? NULL : &r->pool[side ? r->heap[0] : *ring_at(r, 0)];
}

int reorder_pop(struct reorder *r, struct arrival *ret)
{
    int side = reorder_side(r);
    uint32_t slot;

    if (side < 0)
        return 0;
    if (side) {
        slot = heap_pop(r);
    } else {
        slot = *ring_at(r, 0);
        r->ring_from = (r->ring_from + 1) & (r->ring_cap - 1);
        r->ring_count--;
    }
    *ret = r->pool[slot];
    r->free = mem_grow(r->free, r->free_count, &r->free_cap, sizeof(*r->free));
    r->free[r->free_count++] = slot;
    return 1;
}

void reorder_each(const struct reorder *r, void (*fn)(void *context, const struct arrival *a),
                  void *context)
{
    for (size_t i = 0; i < r->ring_count; i++)
        fn(context, &r->pool[*ring_at(r, i)]);
    for (size_t i = 0; i < r->heap_count; i++)
        fn(context, &r->pool[r->heap[i]]);
}

/* --- saved state --- */

void arrival_save(const struct arrival *a, struct codec_out *out)
{
    codec_put_zigzag(out, a->time_ms);
    codec_put_zigzag(out, a->order);
    codec_put_zigzag(out, a->floor_ms);
    codec_put_zigzag(out, a->entered_ms);
    codec_put_zigzag(out, a->amount);
    codec_put_u64(out, a->fingerprint);
    codec_put_u64(out, a->id_hash);
    for (int d = 0; d < DIMS_MAX; d++)
        codec_put_varint(out, a->dims.value[d]);
    for (int b = 0; b < BREAKDOWNS_MAX; b++)
        codec_put_varint(out, a->breaks[b]);
    codec_put_varint(out, a->reason);
    codec_put_varint(out, a->stage_byte);
    codec_put_varint(out, a->time_byte);
    codec_put_varint(out, a->funnel);
    codec_put_varint(out, a->sub);
    codec_put_u8(out, a->stage);
    codec_put_u8(out, a->kind);
    codec_put_u8(out, a->has_amount);
    codec_put_u8(out, a->late);
    codec_put_u8(out, a->copy != NULL);
    if (a->copy)
        message_save(a->copy, out);
}

static void arrival_load_numbers(struct arrival *a, struct codec_in *in)
{
    for (int d = 0; d < DIMS_MAX; d++)
        a->dims.value[d] = (uint16_t)codec_get_max(in, UINT16_MAX);
    for (int b = 0; b < BREAKDOWNS_MAX; b++)
        a->breaks[b] = (uint32_t)codec_get_max(in, UINT32_MAX);
    a->reason = (uint32_t)codec_get_max(in, UINT32_MAX);
    a->stage_byte = (uint32_t)codec_get_max(in, UINT32_MAX);
    a->time_byte = (uint32_t)codec_get_max(in, UINT32_MAX);
    a->funnel = (uint16_t)codec_get_max(in, UINT16_MAX);
    a->sub = (uint16_t)codec_get_max(in, UINT16_MAX);
}

void arrival_load(struct arrival *a, struct codec_in *in)
{
    *a = (struct arrival){.time_ms = codec_get_time(in)};
    a->order = codec_get_sum(in);
    a->floor_ms = codec_get_time(in);
    a->entered_ms = codec_get_time(in);
    a->amount = codec_get_sum(in);
    a->fingerprint = codec_get_u64(in);
    a->id_hash = codec_get_u64(in);
    arrival_load_numbers(a, in);
    a->stage = codec_get_u8(in);
    a->kind = (uint8_t)codec_get_max(in, EVENT_DELETE);
    a->has_amount = codec_get_bool(in);
    a->late = codec_get_bool(in);
    if (codec_get_bool(in))
        a->copy = message_load(in);
}

void reorder_save(const struct reorder *r, struct codec_out *out)
{
    codec_put_varint(out, r->ring_count);
    for (size_t i = 0; i < r->ring_count; i++)
        arrival_save(&r->pool[*ring_at(r, i)], out);
    codec_put_varint(out, r->heap_count);
    for (size_t i = 0; i < r->heap_count; i++)
        arrival_save(&r->pool[r->heap[i]], out);
}

/* The least bytes of an arrival. */
#define ARRIVAL_BYTES (8 * 2 + 12 + 5 + 5 + 5)

static bool reorder_load_one(struct reorder *r, struct codec_in *in, bool heap)
{
    struct arrival a;

    arrival_load(&a, in);
    if (in->error)
        return false;
    if (!heap) {
        if (r->ring_count > 0 && arrival_before(&a, &r->pool[*ring_at(r, r->ring_count - 1)]))
            codec_fail(in, "the waiting events are not in order");
        ring_push(r, reorder_slot(r, &a));
        return !in->error;
    }
    r->heap = mem_grow(r->heap, r->heap_count, &r->heap_cap, sizeof(*r->heap));
    r->heap[r->heap_count++] = reorder_slot(r, &a);
    if (r->heap_count > 1 && arrival_before(&a, &r->pool[r->heap[(r->heap_count - 2) / 2]]))
        codec_fail(in, "the waiting events are not in order");
    return !in->error;
}

void reorder_load(struct reorder *r, struct codec_in *in)
{
    size_t count = codec_get_count(in, ARRIVAL_BYTES);

    while (count > 0 && reorder_load_one(r, in, false))
        count--;
    count = codec_get_count(in, ARRIVAL_BYTES);
    while (count > 0 && reorder_load_one(r, in, true))
        count--;
}
