/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/homes.h"

#include "funnel/mem.h"
#include "funnel/pipeline_parts.h"

#define FIRST_SLOTS 16

/* Marks of a slot: it is free, its home is not known, or the home and this. */
enum { MARK_FREE, MARK_UNKNOWN, MARK_HOME };

struct home {
    uint64_t fingerprint;
    uint32_t mark;
};

/* One source's; open addressing. */
struct home_table {
    struct home *slots;
    size_t count, slot_count;
};

struct homes {
    struct home_table *tables;
    size_t count;
};

/* Fingerprints are hashes already. */
static struct home *table_slot(const struct home_table *t, uint64_t fingerprint)
{
    size_t at = (size_t)fingerprint & (t->slot_count - 1);

    while (t->slots[at].mark != MARK_FREE && t->slots[at].fingerprint != fingerprint)
        at = (at + 1) & (t->slot_count - 1);
    return &t->slots[at];
}

static void table_grow(struct home_table *t)
{
    struct home_table was = *t;

    t->slot_count = was.slot_count ? was.slot_count * 2 : FIRST_SLOTS;
    t->slots = mem_zero(t->slot_count, sizeof(*t->slots));
    for (size_t i = 0; i < was.slot_count; i++)
        if (was.slots[i].mark != MARK_FREE)
            *table_slot(t, was.slots[i].fingerprint) = was.slots[i];
    mem_free(was.slots);
}

static void table_add(struct home_table *t, uint64_t fingerprint)
{
    struct home *slot;

    if ((t->count + 1) * 5 > t->slot_count * 4)
        table_grow(t);
    slot = table_slot(t, fingerprint);
    if (slot->mark != MARK_FREE)
        return;
    *slot = (struct home){fingerprint, MARK_UNKNOWN};
    t->count++;
}

static void add_arrival(void *table, const struct arrival *a)
{
    table_add(table, a->fingerprint);
}

static void add_entities(struct home_table *t, const struct entities *entities)
{
    struct entity e;

    for (int shard = 0; shard < ENTITY_SHARDS; shard++) {
        for (uint32_t i = 0; i < entities_shard_count(entities, shard); i++) {
            entities_load_at(entities, shard, i, &e);
            table_add(t, e.fingerprint);
        }
    }
}

struct homes *homes_new(const struct pipeline *p)
{
    struct homes *h = mem_zero(1, sizeof(*h));

    h->count = p->source_count;
    h->tables = mem_zero(h->count, sizeof(*h->tables));
    for (size_t i = 0; i < h->count; i++) {
        const struct tally *t = &p->tallies[i];

        for (size_t f = 0; f < t->funnel_count; f++)
            add_entities(&h->tables[i], &t->funnels[f].entities);
        reorder_each(&t->reorder, add_arrival, &h->tables[i]);
        for (size_t k = 0; k < t->waiting_count; k++)
            add_arrival(&h->tables[i], &t->waiting[k]);
    }
    return h;
}

void homes_free(struct homes *h)
{
    if (!h)
        return;
    for (size_t i = 0; i < h->count; i++)
        mem_free(h->tables[i].slots);
    mem_free(h->tables);
    mem_free(h);
}

bool homes_set(struct homes *h, uint32_t source, uint64_t fingerprint, uint32_t home)
{
    struct home_table *t = &h->tables[source];
    struct home *slot = t->count > 0 ? table_slot(t, fingerprint) : NULL;

    if (!slot || slot->mark == MARK_FREE)
        return false;
    slot->mark = home + MARK_HOME;
    return true;
}

uint32_t homes_find(const struct homes *h, uint32_t source, uint64_t fingerprint)
{
    const struct home_table *t = source < h->count ? &h->tables[source] : NULL;
    const struct home *slot = t && t->count > 0 ? table_slot(t, fingerprint) : NULL;

    if (!slot || slot->mark == MARK_FREE)
        return HOME_NONE;
    return slot->mark == MARK_UNKNOWN ? HOME_UNKNOWN : slot->mark - MARK_HOME;
}
