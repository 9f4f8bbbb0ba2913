/* SPDX-License-Identifier: Apache-2.0 */
/* The entity table of one tally and funnel: packed records, found by a 64-bit keyed fingerprint.
 *
 * 256 shards, chosen by the top bits of the fingerprint, grow one at a time and by half, so that growth
 * never stalls. A shard has dense records in chunks and 6-byte slots beside them (16 bits of tag, 32 of
 * index), open addressing with linear probing. A batch first prefetches slots, then records, then applies:
 * the two cache misses of many entities overlap. */
#ifndef FUNNEL_ENTITIES_H
#define FUNNEL_ENTITIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/codec.h"
#include "funnel/settings.h"

enum entity_flag {
    ENTITY_CLOSED = 1,       /* lost */
    ENTITY_STAY_OPEN = 2,    /* the stay of step `highest` is at risk */
    ENTITY_STAY_EXPIRED = 4, /* its window passed */
    ENTITY_OVERALL_OPEN = 8, /* the same for first stage -> won */
    ENTITY_OVERALL_EXPIRED = 16,
    ENTITY_SEEDED = 32, /* the attempt began before the log did */
};

/* One entity, unpacked. */
struct entity {
    uint64_t fingerprint;
    int64_t position_ms;   /* since when it stands in `stage`; closed: since when */
    int64_t reached_ms;    /* when `highest` was first reached in this attempt */
    int64_t attempt_ms;    /* when the attempt began */
    int64_t amount;        /* minor units, latest known */
    uint32_t latest;       /* leaf of its latest dims */
    uint32_t stay;         /* leaf frozen at the stay's begin */
    uint32_t attempt_leaf; /* leaf frozen at the attempt's begin */
    uint8_t stage;         /* position */
    uint8_t highest;
    uint8_t attempt; /* 1, 2, …, 255: that many or more */
    uint8_t flags;
    uint32_t break_latest[BREAKDOWNS_MAX];
    uint32_t break_stay[BREAKDOWNS_MAX]; /* frozen at the stay's begin */
};

#define ENTITY_SHARDS 256
#define ENTITY_NONE UINT32_MAX

struct entity_shard {
    unsigned char **chunks; /* records, ENTITY_CHUNK each */
    unsigned char *slots;   /* slot_count x 6 bytes */
    uint32_t count, slot_count;
    size_t chunk_count, chunk_cap;
};

struct entities {
    struct entity_shard shards[ENTITY_SHARDS];
    size_t stride; /* bytes of one record */
    int breakdowns;
    uint64_t count, limit;
    uint64_t bytes; /* memory held */
};

void entities_init(struct entities *t, int breakdowns, uint64_t limit);
void entities_deinit(struct entities *t);

void entities_prefetch_slot(const struct entities *t, uint64_t fingerprint);
/* Looks at the slot (prefetched by now) and prefetches the record it most likely names. */
void entities_prefetch_record(const struct entities *t, uint64_t fingerprint);

/* Place of the entity in its shard, or ENTITY_NONE. */
uint32_t entities_find(const struct entities *t, uint64_t fingerprint);
void entities_load(const struct entities *t, uint64_t fingerprint, uint32_t place,
                   struct entity *ret);
void entities_store(struct entities *t, uint32_t place, const struct entity *e);
/* Adds one that is not there; ENTITY_NONE at the limit. */
uint32_t entities_add(struct entities *t, const struct entity *e);
/* The last record of the shard takes its place. */
void entities_remove(struct entities *t, uint64_t fingerprint, uint32_t place);
/* For sweeps: number of records of a shard; load any by place. */
uint32_t entities_shard_count(const struct entities *t, int shard);
void entities_load_at(const struct entities *t, int shard, uint32_t place, struct entity *ret);

/* What a record's numbers must stay below. */
struct entities_bounds {
    uint32_t stages, leaves, breaks[BREAKDOWNS_MAX];
};
/* Records as they lie in memory: 10 million of them are a copy and one pass. Slots are made anew. */
void entities_save(const struct entities *t, struct codec_out *out);
/* Into one that entities_init made. */
void entities_restore(struct entities *t, const struct entities_bounds *bounds,
                      struct codec_in *in);

#endif
