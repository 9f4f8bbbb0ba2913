/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/dedupe.h"

#include <string.h>

#include "funnel/mem.h"

#define FIRST_SLOTS 64

void dedupe_init(struct dedupe *d, int64_t keep_ms, size_t limit)
{
    *d = (struct dedupe){.keep_ms = keep_ms, .limit = limit};
}

void dedupe_deinit(struct dedupe *d)
{
    mem_free(d->ring);
    mem_free(d->slots);
    *d = (struct dedupe){0};
}

static size_t dedupe_slot(const struct dedupe *d, uint64_t hash)
{
    size_t at = hash & (d->slot_count - 1);

    while (d->slots[at] && d->slots[at] != hash)
        at = (at + 1) & (d->slot_count - 1);
    return at;
}

static void dedupe_grow(struct dedupe *d)
{
    size_t cap = d->cap ? d->cap * 2 : FIRST_SLOTS / 2;
    struct dedupe_entry *ring = mem_alloc(cap * sizeof(*ring));

    for (size_t i = 0; i < d->count; i++)
        ring[i] = d->ring[(d->from + i) & (d->cap - 1)];
    mem_free(d->ring);
    mem_free(d->slots);
    d->ring = ring;
    d->from = 0;
    d->cap = cap;
    d->slot_count = cap * 2;
    d->slots = mem_zero(d->slot_count, sizeof(*d->slots));
    for (size_t i = 0; i < d->count; i++)
        d->slots[dedupe_slot(d, ring[i].hash)] = ring[i].hash;
}

/* Backward-shift deletion, as in the entity table. */
static void dedupe_remove(struct dedupe *d, uint64_t hash)
{
    size_t mask = d->slot_count - 1, hole = dedupe_slot(d, hash);

    for (size_t at = (hole + 1) & mask; d->slots[at]; at = (at + 1) & mask) {
        size_t home = d->slots[at] & mask;

        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        d->slots[hole] = d->slots[at];
        hole = at;
    }
    d->slots[hole] = 0;
}

static void dedupe_forget_oldest(struct dedupe *d)
{
    dedupe_remove(d, d->ring[d->from].hash);
    d->from = (d->from + 1) & (d->cap - 1);
    d->count--;
}

void dedupe_tune(struct dedupe *d, int64_t keep_ms, size_t limit)
{
    d->keep_ms = keep_ms;
    d->limit = limit;
    while (d->count > (keep_ms > 0 ? limit : 0))
        dedupe_forget_oldest(d);
}

bool dedupe_seen(struct dedupe *d, uint64_t hash, int64_t time_ms, int64_t newest_ms)
{
    hash |= hash == 0; /* 0 marks a free slot */
    while (d->count > 0 && d->ring[d->from].time_ms < newest_ms - d->keep_ms)
        dedupe_forget_oldest(d);
    if (d->count > 0 && d->slots[dedupe_slot(d, hash)])
        return true;
    if (d->count >= d->limit) {
        dedupe_forget_oldest(d);
        d->overflow++;
    }
    if (d->count == d->cap)
        dedupe_grow(d);
    d->ring[(d->from + d->count++) & (d->cap - 1)] = (struct dedupe_entry){hash, time_ms};
    d->slots[dedupe_slot(d, hash)] = hash;
    return false;
}

static void dedupe_append(struct dedupe *d, const struct dedupe_entry *e)
{
    if (d->count > 0 && d->slots[dedupe_slot(d, e->hash)])
        return;
    if (d->count >= d->limit)
        dedupe_forget_oldest(d);
    if (d->count == d->cap)
        dedupe_grow(d);
    d->ring[(d->from + d->count++) & (d->cap - 1)] = *e;
    d->slots[dedupe_slot(d, e->hash)] = e->hash;
}

static const struct dedupe_entry *dedupe_at(const struct dedupe *d, size_t i)
{
    return i < d->count ? &d->ring[(d->from + i) & (d->cap - 1)] : NULL;
}

/* Both lie in the order of their logs, which is nearly that of time. */
void dedupe_join(struct dedupe *d, const struct dedupe *with)
{
    struct dedupe was = *d;
    size_t i = 0, k = 0;

    if (with->count == 0 || d->keep_ms <= 0 || d->limit == 0)
        return;
    d->ring = NULL;
    d->slots = NULL;
    d->from = d->count = d->cap = d->slot_count = 0;
    while (i < was.count || k < with->count) {
        const struct dedupe_entry *a = dedupe_at(&was, i), *b = dedupe_at(with, k);
        bool mine = !b || (a && a->time_ms <= b->time_ms);

        dedupe_append(d, mine ? a : b);
        i += mine;
        k += !mine;
    }
    dedupe_deinit(&was);
}

void dedupe_save(const struct dedupe *d, struct codec_out *out)
{
    codec_put_varint(out, d->overflow);
    codec_put_varint(out, d->count);
    for (size_t i = 0; i < d->count; i++) {
        const struct dedupe_entry *e = &d->ring[(d->from + i) & (d->cap - 1)];

        codec_put_u64(out, e->hash);
        codec_put_zigzag(out, e->time_ms);
    }
}

/* Hashes of real ids are found after a step or two; others are not to make the load take for ever. */
#define LOAD_PROBES(count) (64 * (uint64_t)(count) + 65536)

void dedupe_load(struct dedupe *d, struct codec_in *in)
{
    uint64_t probes = 0;
    size_t count;

    d->overflow = codec_get_varint(in);
    count = codec_get_count(in, sizeof(uint64_t) + 1);
    if (count > d->limit)
        codec_fail(in, "more event ids than the limit");
    for (size_t i = 0; i < count && !in->error; i++) {
        uint64_t hash = codec_get_u64(in);
        int64_t time_ms = codec_get_time(in);
        size_t at;

        if (in->error)
            return;
        if (d->count == d->cap)
            dedupe_grow(d);
        at = dedupe_slot(d, hash);
        probes += (at - hash) & (d->slot_count - 1);
        if (hash == 0 || d->slots[at] || probes > LOAD_PROBES(count)) {
            codec_fail(in, "the event ids are wrong");
            return;
        }
        d->ring[d->count++] = (struct dedupe_entry){hash, time_ms};
        d->slots[at] = hash;
    }
}
