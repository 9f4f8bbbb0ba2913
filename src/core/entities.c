/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/entities.h"

#include <string.h>

#include "funnel/mem.h"

/* Record: fingerprint 8, position, reached, attempt begin and amount 6 each, three leaves 2 each, stage,
 * highest, attempt, flags 1 each, then 6 a breakdown (latest and frozen value, 3 each). */
#define RECORD_BASE (8 + 4 * 6 + 3 * 2 + 4)
#define CHUNK 64 /* records; small, for 256 shards a partition each waste half a chunk */
#define SLOT 6
#define FIRST_SLOTS 16
#define EMPTY_INDEX UINT32_MAX

static struct entity_shard *shard_of(const struct entities *t, uint64_t fingerprint)
{
    return (struct entity_shard *)&t->shards[fingerprint >> 56];
}

/* Fast range (Lemire 2016): any table size, no division. Bits below the shard's eight choose the slot. */
static uint32_t slot_of(const struct entity_shard *s, uint64_t fingerprint)
{
    uint64_t bits = (fingerprint >> 24) & UINT32_MAX;

    return (uint32_t)((bits * s->slot_count) >> 32);
}

static uint16_t tag_of(uint64_t fingerprint)
{
    return (uint16_t)fingerprint;
}

static uint32_t slot_index(const struct entity_shard *s, uint32_t slot)
{
    uint32_t index;

    memcpy(&index, s->slots + (size_t)slot * SLOT, sizeof(index));
    return index;
}

static uint16_t slot_tag(const struct entity_shard *s, uint32_t slot)
{
    uint16_t tag;

    memcpy(&tag, s->slots + (size_t)slot * SLOT + 4, sizeof(tag));
    return tag;
}

static void slot_set(struct entity_shard *s, uint32_t slot, uint32_t index, uint16_t tag)
{
    memcpy(s->slots + (size_t)slot * SLOT, &index, sizeof(index));
    memcpy(s->slots + (size_t)slot * SLOT + 4, &tag, sizeof(tag));
}

static uint32_t slot_next(const struct entity_shard *s, uint32_t slot)
{
    return slot + 1 == s->slot_count ? 0 : slot + 1;
}

static unsigned char *record_at(const struct entities *t, const struct entity_shard *s,
                                uint32_t place)
{
    return s->chunks[place / CHUNK] + (size_t)(place % CHUNK) * t->stride;
}

static uint64_t record_fingerprint(const unsigned char *r)
{
    uint64_t fingerprint;

    memcpy(&fingerprint, r, sizeof(fingerprint));
    return fingerprint;
}

/* Little-endian with sign: 48 bits of ms reach past the year 6000, of minor units 1.4e12 whole ones. */
static unsigned char *pack48(unsigned char *p, int64_t v)
{
    memcpy(p, &v, 6);
    return p + 6;
}

static const unsigned char *unpack48(const unsigned char *p, int64_t *ret)
{
    uint64_t v = 0;

    memcpy(&v, p, 6);
    *ret = (int64_t)(v << 16) >> 16;
    return p + 6;
}

static unsigned char *pack16(unsigned char *p, uint32_t v)
{
    uint16_t small = (uint16_t)v;

    memcpy(p, &small, 2);
    return p + 2;
}

static const unsigned char *unpack16(const unsigned char *p, uint32_t *ret)
{
    uint16_t small;

    memcpy(&small, p, 2);
    *ret = small;
    return p + 2;
}

static void record_pack(unsigned char *p, const struct entity *e, int breakdowns)
{
    memcpy(p, &e->fingerprint, 8);
    p = pack48(p + 8, e->position_ms);
    p = pack48(p, e->reached_ms);
    p = pack48(p, e->attempt_ms);
    p = pack48(p, e->amount);
    p = pack16(p, e->latest);
    p = pack16(p, e->stay);
    p = pack16(p, e->attempt_leaf);
    *p++ = e->stage;
    *p++ = e->highest;
    *p++ = e->attempt;
    *p++ = e->flags;
    for (int i = 0; i < breakdowns; i++, p += 6) {
        memcpy(p, &e->break_latest[i], 3);
        memcpy(p + 3, &e->break_stay[i], 3);
    }
}

static void record_unpack(const unsigned char *p, struct entity *e, int breakdowns)
{
    memcpy(&e->fingerprint, p, 8);
    p = unpack48(p + 8, &e->position_ms);
    p = unpack48(p, &e->reached_ms);
    p = unpack48(p, &e->attempt_ms);
    p = unpack48(p, &e->amount);
    p = unpack16(p, &e->latest);
    p = unpack16(p, &e->stay);
    p = unpack16(p, &e->attempt_leaf);
    e->stage = *p++;
    e->highest = *p++;
    e->attempt = *p++;
    e->flags = *p++;
    for (int i = 0; i < breakdowns; i++, p += 6) {
        e->break_latest[i] = e->break_stay[i] = 0;
        memcpy(&e->break_latest[i], p, 3);
        memcpy(&e->break_stay[i], p + 3, 3);
    }
}

void entities_init(struct entities *t, int breakdowns, uint64_t limit)
{
    memset(t, 0, sizeof(*t));
    t->breakdowns = breakdowns;
    t->stride = RECORD_BASE + (size_t)breakdowns * 6;
    t->limit = limit;
}

void entities_deinit(struct entities *t)
{
    for (int i = 0; i < ENTITY_SHARDS; i++) {
        struct entity_shard *s = &t->shards[i];

        for (size_t c = 0; c < s->chunk_count; c++)
            mem_free(s->chunks[c]);
        mem_free(s->chunks);
        mem_free(s->slots);
    }
    memset(t, 0, sizeof(*t));
}

void entities_prefetch_slot(const struct entities *t, uint64_t fingerprint)
{
    const struct entity_shard *s = shard_of(t, fingerprint);

    if (s->slot_count > 0)
        __builtin_prefetch(s->slots + (size_t)slot_of(s, fingerprint) * SLOT);
}

void entities_prefetch_record(const struct entities *t, uint64_t fingerprint)
{
    const struct entity_shard *s = shard_of(t, fingerprint);
    uint16_t tag = tag_of(fingerprint);
    uint32_t slot;

    if (s->slot_count == 0)
        return;
    slot = slot_of(s, fingerprint);
    for (uint32_t index; (index = slot_index(s, slot)) != EMPTY_INDEX; slot = slot_next(s, slot)) {
        if (slot_tag(s, slot) == tag) {
            const unsigned char *r = record_at(t, s, index);

            __builtin_prefetch(r, 1);
            __builtin_prefetch(r + RECORD_BASE - 1, 1);
            return;
        }
    }
}

static uint32_t shard_find_slot(const struct entities *t, const struct entity_shard *s,
                                uint64_t fingerprint)
{
    uint16_t tag = tag_of(fingerprint);
    uint32_t slot = slot_of(s, fingerprint);

    for (uint32_t index; (index = slot_index(s, slot)) != EMPTY_INDEX; slot = slot_next(s, slot))
        if (slot_tag(s, slot) == tag && record_fingerprint(record_at(t, s, index)) == fingerprint)
            return slot;
    return EMPTY_INDEX;
}

uint32_t entities_find(const struct entities *t, uint64_t fingerprint)
{
    const struct entity_shard *s = shard_of(t, fingerprint);
    uint32_t slot;

    if (s->slot_count == 0)
        return ENTITY_NONE;
    slot = shard_find_slot(t, s, fingerprint);
    return slot == EMPTY_INDEX ? ENTITY_NONE : slot_index(s, slot);
}

void entities_load(const struct entities *t, uint64_t fingerprint, uint32_t place,
                   struct entity *ret)
{
    record_unpack(record_at(t, shard_of(t, fingerprint), place), ret, t->breakdowns);
}

void entities_store(struct entities *t, uint32_t place, const struct entity *e)
{
    record_pack(record_at(t, shard_of(t, e->fingerprint), place), e, t->breakdowns);
}

static void shard_insert_slot(struct entity_shard *s, uint64_t fingerprint, uint32_t index)
{
    uint32_t slot = slot_of(s, fingerprint);

    while (slot_index(s, slot) != EMPTY_INDEX)
        slot = slot_next(s, slot);
    slot_set(s, slot, index, tag_of(fingerprint));
}

/* Grows by half at four fifths full: a third of the slots is free on average. */
static void shard_grow_slots(struct entities *t, struct entity_shard *s)
{
    uint32_t slot_count = s->slot_count ? s->slot_count + s->slot_count / 2 : FIRST_SLOTS;

    t->bytes += (size_t)(slot_count - s->slot_count) * SLOT;
    mem_free(s->slots);
    s->slots = mem_alloc((size_t)slot_count * SLOT);
    memset(s->slots, 0xff, (size_t)slot_count * SLOT);
    s->slot_count = slot_count;
    for (uint32_t i = 0; i < s->count; i++)
        shard_insert_slot(s, record_fingerprint(record_at(t, s, i)), i);
}

static void shard_grow_chunks(struct entities *t, struct entity_shard *s)
{
    s->chunks = mem_grow(s->chunks, s->chunk_count, &s->chunk_cap, sizeof(*s->chunks));
    s->chunks[s->chunk_count++] = mem_alloc(CHUNK * t->stride);
    t->bytes += CHUNK * t->stride + sizeof(*s->chunks);
}

uint32_t entities_add(struct entities *t, const struct entity *e)
{
    struct entity_shard *s = shard_of(t, e->fingerprint);
    uint32_t place = s->count;

    if (t->count >= t->limit)
        return ENTITY_NONE;
    if ((uint64_t)(s->count + 1) * 5 > (uint64_t)s->slot_count * 4)
        shard_grow_slots(t, s);
    if (place / CHUNK == s->chunk_count)
        shard_grow_chunks(t, s);
    record_pack(record_at(t, s, place), e, t->breakdowns);
    shard_insert_slot(s, e->fingerprint, place);
    s->count++;
    t->count++;
    return place;
}

/* Backward-shift deletion (Knuth 6.4, algorithm R): no tombstones, so probes stay short for ever. */
static void shard_remove_slot(const struct entities *t, struct entity_shard *s, uint32_t hole)
{
    uint32_t slot = slot_next(s, hole);

    for (uint32_t index; (index = slot_index(s, slot)) != EMPTY_INDEX; slot = slot_next(s, slot)) {
        uint32_t home = slot_of(s, record_fingerprint(record_at(t, s, index)));
        bool stays = hole <= slot ? hole < home && home <= slot : hole < home || home <= slot;

        if (stays)
            continue;
        slot_set(s, hole, index, slot_tag(s, slot));
        hole = slot;
    }
    slot_set(s, hole, EMPTY_INDEX, UINT16_MAX);
}

void entities_remove(struct entities *t, uint64_t fingerprint, uint32_t place)
{
    struct entity_shard *s = shard_of(t, fingerprint);
    uint32_t last = s->count - 1;

    shard_remove_slot(t, s, shard_find_slot(t, s, fingerprint));
    if (place != last) {
        const unsigned char *r = record_at(t, s, last);
        uint32_t slot = shard_find_slot(t, s, record_fingerprint(r));

        memcpy(record_at(t, s, place), r, t->stride);
        slot_set(s, slot, place, slot_tag(s, slot));
    }
    s->count--;
    t->count--;
    if (s->chunk_count > 1 && s->count + CHUNK / 2 <= (s->chunk_count - 1) * CHUNK) {
        mem_free(s->chunks[--s->chunk_count]);
        t->bytes -= CHUNK * t->stride + sizeof(*s->chunks);
    }
}

uint32_t entities_shard_count(const struct entities *t, int shard)
{
    return t->shards[shard].count;
}

void entities_load_at(const struct entities *t, int shard, uint32_t place, struct entity *ret)
{
    record_unpack(record_at(t, &t->shards[shard], place), ret, t->breakdowns);
}

/* --- saved state --- */

static uint32_t chunk_records(const struct entity_shard *s, size_t chunk)
{
    uint32_t rest = s->count - (uint32_t)chunk * CHUNK;

    return rest < CHUNK ? rest : CHUNK;
}

void entities_save(const struct entities *t, struct codec_out *out)
{
    for (int i = 0; i < ENTITY_SHARDS; i++) {
        const struct entity_shard *s = &t->shards[i];

        codec_put_u32(out, s->count);
        for (size_t c = 0; c * CHUNK < s->count; c++)
            codec_put(out, s->chunks[c], chunk_records(s, c) * t->stride);
    }
}

static bool entity_is_sound(const struct entities *t, const struct entities_bounds *b,
                            const struct entity *e)
{
    bool sound = e->stage < b->stages && e->highest < b->stages && e->latest < b->leaves &&
                 e->stay < b->leaves && e->attempt_leaf < b->leaves && e->flags < 2 * ENTITY_SEEDED;

    for (int i = 0; i < t->breakdowns; i++)
        sound = sound && e->break_latest[i] < b->breaks[i] && e->break_stay[i] < b->breaks[i];
    return sound;
}

/* Its slot, or EMPTY_INDEX where it is there already. Adds the slots looked at to *probes. */
static uint32_t shard_free_slot(const struct entities *t, const struct entity_shard *s,
                                uint64_t fingerprint, uint64_t *probes)
{
    uint16_t tag = tag_of(fingerprint);
    uint32_t slot = slot_of(s, fingerprint);

    for (uint32_t index; (index = slot_index(s, slot)) != EMPTY_INDEX; slot = slot_next(s, slot)) {
        if (slot_tag(s, slot) == tag && record_fingerprint(record_at(t, s, index)) == fingerprint)
            return EMPTY_INDEX;
        ++*probes;
    }
    return slot;
}

static void shard_reserve(struct entities *t, struct entity_shard *s, uint32_t count)
{
    uint64_t slots = FIRST_SLOTS;

    while ((uint64_t)count * 5 > slots * 4)
        slots += slots / 2;
    s->slots = mem_alloc((size_t)slots * SLOT);
    memset(s->slots, 0xff, (size_t)slots * SLOT);
    s->slot_count = (uint32_t)slots;
    t->bytes += (size_t)slots * SLOT;
    while (s->chunk_count * CHUNK < count)
        shard_grow_chunks(t, s);
}

/* Fingerprints are hashes: they find a free slot within a few. Made-up ones are not to take for ever. */
static void shard_index(struct entities *t, int shard, const struct entities_bounds *bounds,
                        struct codec_in *in)
{
    struct entity_shard *s = &t->shards[shard];
    uint64_t probes = 0, probes_max = 64 * (uint64_t)s->count + 65536;
    struct entity e;

    for (uint32_t place = 0; place < s->count; place++) {
        uint32_t slot;

        record_unpack(record_at(t, s, place), &e, t->breakdowns);
        slot = shard_free_slot(t, s, e.fingerprint, &probes);
        if (slot == EMPTY_INDEX || probes > probes_max || e.fingerprint >> 56 != (uint64_t)shard ||
            !entity_is_sound(t, bounds, &e)) {
            codec_fail(in, "an entity is wrong");
            return;
        }
        slot_set(s, slot, place, tag_of(e.fingerprint));
    }
}

void entities_restore(struct entities *t, const struct entities_bounds *bounds, struct codec_in *in)
{
    for (int i = 0; i < ENTITY_SHARDS && !in->error; i++) {
        struct entity_shard *s = &t->shards[i];
        uint32_t count = codec_get_u32(in);
        const unsigned char *records = codec_get(in, (size_t)count * t->stride);

        if (!records || count == 0)
            continue;
        shard_reserve(t, s, count);
        s->count = count;
        t->count += count;
        for (size_t c = 0; c * CHUNK < count; c++)
            memcpy(s->chunks[c], records + c * CHUNK * t->stride, chunk_records(s, c) * t->stride);
        shard_index(t, i, bounds, in);
    }
}
