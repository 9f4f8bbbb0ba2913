/* SPDX-License-Identifier: Apache-2.0 */
/* Entities, and what waits for them, from one tally to another. Leaves and names are each tally's own numbers: they
 * are looked up by their text, beyond the caps, which bound what comes and not what is there. */
#include <string.h>

#include "funnel/mem.h"
#include "core/rekey.h"

#define VALUES_MAX UINT16_MAX /* numbers of a dim's values: 16 bits in a leaf */
#define BREAKS_MAX 0xffffffu  /* of a breakdown's: 24 in an entity */

void tally_move_init(struct tally_move *m, struct tally *from, struct tally *to, int64_t shift,
                     const int64_t *joins_ms)
{
    *m = (struct tally_move){.from = from, .to = to, .shift = shift, .joins_ms = joins_ms};
}

void tally_move_end(struct tally_move *m)
{
    for (size_t f = 0; f < m->from->funnel_count; f++) {
        if (m->any)
            dedupe_join(&m->to->funnels[f].dedupe, &m->from->funnels[f].dedupe);
        mem_free(m->leaves[f]);
    }
}

/* --- names and leaves --- */

static uint32_t carry_name(struct names *to, const struct names *from, uint32_t number,
                           uint32_t last, int *full)
{
    uint32_t limit = to->limit;

    if (number < NAME_FIRST)
        return number;
    to->limit = last - NAME_FIRST;
    number = names_intern(to, names_text(from, number), full);
    to->limit = limit;
    return number;
}

static struct leaf_key carry_key(struct leaves *to, const struct leaves *from,
                                 const struct leaf_key *key, int *full)
{
    struct leaf_key mine = {{0}};

    for (int d = 0; d < from->dims; d++)
        mine.value[d] = (uint16_t)carry_name(&to->names[d], &from->names[d], key->value[d],
                                             VALUES_MAX, full);
    return mine;
}

static uint32_t carry_leaf(struct tally_move *m, size_t funnel, uint32_t leaf, int *full)
{
    const struct leaves *from = &m->from->funnels[funnel].leaves;
    struct leaves *to = &m->to->funnels[funnel].leaves;
    uint32_t limit = to->limit, mine;
    struct leaf_key key;
    int over = 0;

    if (!m->leaves[funnel])
        m->leaves[funnel] = mem_zero(from->count, sizeof(*m->leaves[funnel]));
    if (m->leaves[funnel][leaf] > 0)
        return m->leaves[funnel][leaf] - 1;
    key = carry_key(to, from, &from->keys[leaf], &over);
    to->limit = LEAVES_CAP;
    mine = over ? LEAF_OTHER : leaves_begin(to, &key, &over);
    to->limit = limit;
    if (!over)
        m->leaves[funnel][leaf] = mine + 1;
    *full |= over;
    return mine;
}

static void carry_breaks(struct tally_move *m, size_t funnel, uint32_t *numbers, int *full)
{
    struct tally_funnel *from = &m->from->funnels[funnel], *to = &m->to->funnels[funnel];

    for (int b = 0; b < from->funnel->breakdown_count; b++)
        numbers[b] = carry_name(&to->breaks[b], &from->breaks[b], numbers[b], BREAKS_MAX, full);
}

/* --- an entity --- */

/* Where the other partition is behind, an event may come that is older than what was already told of the entity: it
 * is to find that in its past. A late event moves progress beyond the position, a seed that joined at its true age did
 * so no later than at the watermark, and a stay that a reload took over joins in the pane that was open then. */
static int64_t carry_position(const struct tally_move *m, size_t funnel, const struct entity *e)
{
    int64_t position = e->position_ms > e->reached_ms ? e->position_ms : e->reached_ms;

    if ((e->flags & ENTITY_SEEDED) && m->from->watermark_ms > position &&
        m->from->watermark_ms > m->to->watermark_ms)
        position = m->from->watermark_ms;
    if ((e->flags & (ENTITY_STAY_OPEN | ENTITY_OVERALL_OPEN)) && m->joins_ms[funnel] > position)
        position = m->joins_ms[funnel];
    return position;
}

bool tally_move_entity(struct tally_move *m, size_t funnel, uint32_t place, const struct entity *e)
{
    struct entities *from = &m->from->funnels[funnel].entities,
                    *to = &m->to->funnels[funnel].entities;
    uint64_t limit = to->limit;
    struct entity mine = *e;
    int full = 0;

    if (entities_find(to, e->fingerprint) != ENTITY_NONE)
        return false;
    mine.position_ms = carry_position(m, funnel, e);
    mine.latest = carry_leaf(m, funnel, e->latest, &full);
    mine.stay = carry_leaf(m, funnel, e->stay, &full);
    mine.attempt_leaf = carry_leaf(m, funnel, e->attempt_leaf, &full);
    carry_breaks(m, funnel, mine.break_latest, &full);
    carry_breaks(m, funnel, mine.break_stay, &full);
    if (full)
        return false;
    to->limit = UINT64_MAX;
    entities_add(to, &mine);
    to->limit = limit;
    entities_remove(from, e->fingerprint, place);
    m->any = true;
    return true;
}

/* --- an event that waits --- */

/* What finds no room among the names is __other__, as it would be for an event that comes. */
static void arrival_carry(struct tally_move *m, struct arrival *a)
{
    a->order += m->shift;
    if (a->copy && !(a->copy->partition & MESSAGE_MOVED))
        a->copy->partition = MESSAGE_MOVED | (uint32_t)m->from->partition;
    m->any = true;
    if (a->funnel != ARRIVAL_NO_FUNNEL) {
        struct tally_funnel *from = &m->from->funnels[a->funnel], *to = &m->to->funnels[a->funnel];
        int full = 0;

        a->dims = carry_key(&to->leaves, &from->leaves, &a->dims, &full);
        carry_breaks(m, a->funnel, a->breaks, &full);
        a->reason = carry_name(&to->reasons, &from->reasons, a->reason, UINT32_MAX, &full);
    }
}

void tally_move_arrival(struct tally_move *m, struct arrival *a)
{
    arrival_carry(m, a);
    reorder_push(&m->to->reorder, a);
}

bool tally_move_waiting(struct tally_move *m, struct arrival *a)
{
    if (m->to->waiting_count == TALLY_WAITING)
        return false;
    if (!m->to->waiting)
        m->to->waiting = mem_alloc(TALLY_WAITING * sizeof(*m->to->waiting));
    arrival_carry(m, a);
    m->to->waiting[m->to->waiting_count++] = *a;
    return true;
}
