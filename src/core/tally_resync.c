/* SPDX-License-Identifier: Apache-2.0 */
/* The entities of a funnel whose shape has changed. Each stands where it stood, by the stage's id, with the
 * dims that are left; what it had open is open in the new steps, at its true age, or has expired by the new
 * windows. All of it goes to the judge as stock and seeds, so that its sums balance from the first pane on.
 *
 * Names and leaves get their new numbers in the order of the old ones, that is, in log order: how the entities
 * lie in their table does not matter. */
#include <string.h>

#include "funnel/mem.h"
#include "core/automaton_work.h"
#include "core/switch.h"

struct resync {
    const struct switch_funnel *map;
    const struct funnel *f, *was;
    struct tally_funnel *to;
    const struct tally_funnel *from;
    uint32_t *leaves;                 /* by old leaf */
    uint32_t *breaks[BREAKDOWNS_MAX]; /* by new breakdown: by old number; NULL: it is new */
    int break_from[BREAKDOWNS_MAX];
    struct cell_sums sums;
    struct ahead {
        int64_t pane;
        struct cell cell;
    } * ahead; /* seeds of stays begun after the open pane */
    size_t ahead_count, ahead_cap;
    int64_t open;     /* pane */
    struct work work; /* of stays, for their place in the risk set */
    uint64_t dropped;
};

typedef void entity_fn(struct resync *r, const struct entity *e);

static void each_entity(struct resync *r, entity_fn *fn)
{
    struct entity e;

    for (int shard = 0; shard < ENTITY_SHARDS; shard++) {
        for (uint32_t i = 0; i < entities_shard_count(&r->from->entities, shard); i++) {
            entities_load_at(&r->from->entities, shard, i, &e);
            fn(r, &e);
        }
    }
}

/* --- names and leaves --- */

static void mark_used(struct resync *r, const struct entity *e)
{
    if (r->map->stage[e->stage] >= r->f->stage_count)
        return;
    r->leaves[e->latest] = r->leaves[e->stay] = r->leaves[e->attempt_leaf] = 1;
    for (int b = 0; b < r->f->breakdown_count; b++) {
        if (!r->breaks[b])
            continue;
        r->breaks[b][e->break_latest[r->break_from[b]]] = 1;
        r->breaks[b][e->break_stay[r->break_from[b]]] = 1;
    }
}

static uint32_t leaf_renumber(struct resync *r, uint32_t leaf)
{
    struct leaf_key key = {{0}};
    int refused = 0;

    for (int d = 0; d < r->f->dim_count; d++) {
        int old = switch_dim(r->was, r->f, d);

        key.value[d] = NAME_NONE;
        if (old >= 0)
            key.value[d] = (uint16_t)switch_name(
                &r->to->leaves.names[d], &r->from->leaves.names[old],
                r->from->leaves.keys[leaf].value[old], &r->to->refused_values);
    }
    leaf = leaves_begin(&r->to->leaves, &key, &refused);
    r->to->automaton.leaves_refused += (uint64_t)refused;
    return leaf;
}

static void renumber(struct resync *r)
{
    r->leaves = mem_zero(r->from->leaves.count, sizeof(*r->leaves));
    for (int b = 0; b < r->f->breakdown_count; b++) {
        r->break_from[b] = switch_breakdown(r->was, r->f, b);
        if (r->break_from[b] >= 0)
            r->breaks[b] = mem_zero(r->from->breaks[r->break_from[b]].count, sizeof(*r->breaks[b]));
    }
    each_entity(r, mark_used);
    for (uint32_t i = 0; i < r->from->leaves.count; i++)
        r->leaves[i] = r->leaves[i] ? leaf_renumber(r, i) : LEAF_OTHER;
    for (int b = 0; b < r->f->breakdown_count; b++) {
        const struct names *old = r->breaks[b] ? &r->from->breaks[r->break_from[b]] : NULL;

        for (uint32_t i = 0; old && i < old->count; i++)
            if (r->breaks[b][i])
                r->breaks[b][i] = switch_name(&r->to->breaks[b], old, i, &r->to->refused_breaks);
    }
}

/* --- an entity --- */

static bool within(const struct resync *r, int step, int64_t begin_ms)
{
    return r->work.at - begin_ms <= r->f->window_ms[step];
}

/* Its progress, and the stay of the step that begins there. Where the furthest stage is gone, or lies behind the
 * position now, progress is the position, and nothing is open: since when is not known. */
static void entity_progress(const struct resync *r, const struct entity *was, struct entity *e)
{
    uint8_t highest = r->map->stage[was->highest];
    bool seeded = was->flags & ENTITY_SEEDED,
         aged = was->flags & (ENTITY_STAY_OPEN | ENTITY_STAY_EXPIRED);

    e->highest = highest;
    if (highest >= r->f->stage_count || highest < e->stage) {
        e->highest = e->stage;
        e->reached_ms = e->position_ms;
        return;
    }
    if (!funnel_has_step(r->was, was->highest) && !seeded)
        aged = true; /* it was the last stage, which begins no step */
    if ((was->flags & ENTITY_CLOSED) || !aged || !funnel_has_step(r->f, highest))
        return;
    e->flags |= within(r, highest, e->reached_ms) ? ENTITY_STAY_OPEN : ENTITY_STAY_EXPIRED;
}

/* From another first stage it would be another stay; one that has reached what is won now is over. */
static void entity_overall(const struct resync *r, const struct entity *was, struct entity *e)
{
    if (r->map->stage[0] != 0 || e->highest >= r->f->won ||
        !(was->flags & (ENTITY_OVERALL_OPEN | ENTITY_OVERALL_EXPIRED)))
        return;
    e->flags |= within(r, r->f->overall, e->attempt_ms) ? ENTITY_OVERALL_OPEN
                                                        : ENTITY_OVERALL_EXPIRED;
}

static void entity_names(const struct resync *r, const struct entity *was, struct entity *e)
{
    e->latest = r->leaves[was->latest];
    e->stay = r->leaves[was->stay];
    e->attempt_leaf = r->leaves[was->attempt_leaf];
    for (int b = 0; b < r->f->breakdown_count; b++) {
        int old = r->break_from[b];

        e->break_latest[b] = old < 0 ? NAME_NONE : r->breaks[b][was->break_latest[old]];
        e->break_stay[b] = old < 0 ? NAME_NONE : r->breaks[b][was->break_stay[old]];
    }
}

/* An entity that came from a partition which was ahead may have begun its stay after the open pane: it joins in its own
 * pane, where the columns of its age are. */
static void put_seed(struct resync *r, int step, uint32_t leaf, int64_t begin_ms)
{
    struct cell c = {.kind = CELL_SEED, .stage = (uint8_t)step, .leaf = leaf, .n = 1};
    int64_t begin = floor_div(begin_ms, r->f->pane_ms);

    automaton_place(&r->work, step, begin_ms, &c);
    if (begin <= r->open) {
        cell_sums_add(&r->sums, &c);
        return;
    }
    r->ahead = mem_grow(r->ahead, r->ahead_count, &r->ahead_cap, sizeof(*r->ahead));
    r->ahead[r->ahead_count++] = (struct ahead){begin, c};
}

static void put_cells(struct resync *r, const struct entity *e)
{
    if (!(e->flags & ENTITY_CLOSED))
        cell_sums_add(&r->sums, &(struct cell){.kind = CELL_STOCK,
                                               .stage = e->stage,
                                               .leaf = e->latest,
                                               .n = 1,
                                               .value = e->amount});
    if (e->flags & ENTITY_STAY_OPEN)
        put_seed(r, e->highest, e->stay, e->reached_ms);
    if (e->flags & ENTITY_OVERALL_OPEN)
        put_seed(r, r->f->overall, e->attempt_leaf, e->attempt_ms);
}

/* One whose stage is gone is forgotten: where it stands cannot be said. */
static void carry_over(struct resync *r, const struct entity *was)
{
    struct entity e = *was;

    e.stage = r->map->stage[was->stage];
    if (e.stage >= r->f->stage_count) {
        r->dropped++;
        return;
    }
    e.flags &= ENTITY_CLOSED | ENTITY_SEEDED;
    entity_progress(r, was, &e);
    entity_overall(r, was, &e);
    entity_names(r, was, &e);
    entities_add(&r->to->entities, &e);
    put_cells(r, &e);
    r->to->counts[COUNT_ENTITIES]++;
    r->to->counts[COUNT_ATTEMPTS]++;
}

/* --- the table --- */

static void give_cells(struct resync *r)
{
    tally_set_pane(r->to, r->open);
    for (size_t i = 0; i < r->sums.count; i++)
        cells_add(&r->to->out, r->sums.items[i]);
    tally_define(r->to);
    tally_flush(r->to);
    for (size_t i = 0; i < r->ahead_count; i++) {
        tally_set_pane(r->to, r->ahead[i].pane);
        cells_add(&r->to->out, r->ahead[i].cell);
    }
    tally_set_pane(r->to, r->open);
}

void tally_resync(const struct switch_funnel *map, struct tally *t, struct tally_funnel *to,
                  const struct tally_funnel *from, struct counters *more)
{
    struct resync r = {.map = map, .f = to->funnel, .was = from->funnel, .to = to, .from = from};
    uint64_t limit = to->entities.limit;

    if (from->entities.count == 0)
        return;
    r.open = tally_open_pane(t);
    r.work = (struct work){.m = &to->automaton, .f = to->funnel, .at = t->watermark_ms};
    renumber(&r);
    to->entities.limit = UINT64_MAX; /* it bounds what comes, not what is there */
    each_entity(&r, carry_over);
    to->entities.limit = limit;
    give_cells(&r);
    more->n[COUNTER_ENTITIES_FORGOTTEN] += r.dropped;
    cell_sums_deinit(&r.sums);
    mem_free(r.ahead);
    mem_free(r.leaves);
    for (int b = 0; b < BREAKDOWNS_MAX; b++)
        mem_free(r.breaks[b]);
}
