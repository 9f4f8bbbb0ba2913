/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline over more partitions. First it grows: every machine that knows its sources by number gets the new ones
 * between the old. Then each tally gives away what lives elsewhere now. */
#include <string.h>

#include "funnel/homes.h"
#include "funnel/mem.h"
#include "funnel/pipeline_parts.h"
#include "funnel/pulse_parts.h"
#include "core/rekey.h"

#define NEW UINT32_MAX

struct rekeying {
    struct pipeline *p;
    const struct rekey *r;
    uint32_t *was;            /* by new source: the old one, or NEW */
    struct tally_move *moves; /* of the tally that gives away, by target; from NULL: not begun */
    struct rekey_result sums;
    int64_t joins_ms[FUNNELS_MAX]; /* of the source whose turn it is: see struct tally_move */
};

/* --- growing --- */

static void match_sources(struct rekeying *k)
{
    const struct pipeline *p = k->p;

    k->was = mem_zero(k->r->source_count, sizeof(*k->was));
    for (uint32_t i = 0; i < k->r->source_count; i++) {
        k->was[i] = NEW;
        for (uint32_t old = 0; old < p->source_count; old++) {
            if (p->sources[old].input == k->r->sources[i].input &&
                p->sources[old].partition == k->r->sources[i].partition)
                k->was[i] = old;
        }
    }
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The earliest watermark of its input: no pane that is closed opens again, and none waits for it. */
static void begin_tally(const struct rekeying *k, struct tally *t, uint32_t source)
{
    const struct pipeline *p = k->p;
    const struct pipeline_source *s = &k->r->sources[source];
    int64_t watermark = INT64_MAX;

    tally_init(t, p->settings, p->funnels, p->funnel_count, p->zone, s->topic, s->partition,
               p->tallies[0].seed);
    for (size_t i = 0; i < p->source_count; i++)
        if (p->sources[i].input == s->input)
            watermark = least(watermark, p->tallies[i].watermark_ms);
    if (watermark != INT64_MAX)
        t->watermark_ms = watermark;
}

static void grow_tallies(struct rekeying *k)
{
    size_t count = k->r->source_count;
    struct tally *tallies = mem_zero(count, sizeof(*tallies));
    uint64_t *digests = mem_zero(count, sizeof(*digests));

    for (uint32_t i = 0; i < count; i++) {
        if (k->was[i] == NEW) {
            begin_tally(k, &tallies[i], i);
            continue;
        }
        tallies[i] = k->p->tallies[k->was[i]];
        tallies[i].topic = k->r->sources[i].topic;
        digests[i] = k->p->tally_digests[k->was[i]];
        for (size_t d = 0; d < tallies[i].decisions.count; d++)
            tallies[i].decisions.items[d].source = i;
    }
    mem_free(k->p->tallies);
    mem_free(k->p->tally_digests);
    k->p->tallies = tallies;
    k->p->tally_digests = digests;
}

/* A new one has closed what every old one of its input has. */
static void grow_judge(const struct rekeying *k, struct judge *j)
{
    const struct pipeline *p = k->p;
    struct judge_source *sources = mem_zero(k->r->source_count, sizeof(*sources));

    for (size_t i = 0; i < k->r->source_count; i++) {
        struct judge_source *s = &sources[i];

        if (k->was[i] != NEW) {
            *s = j->sources[k->was[i]];
            continue;
        }
        *s = (struct judge_source){.pane = INT64_MIN, .closed = INT64_MAX, .mute_until = INT64_MIN};
        for (size_t old = 0; old < p->source_count; old++)
            if (p->sources[old].input == k->r->sources[i].input)
                s->closed = least(s->closed, j->sources[old].closed);
    }
    mem_free(j->sources);
    j->sources = sources;
    j->source_count = k->r->source_count;
}

static void grow_pulse(const struct rekeying *k, struct pulse *pulse, uint16_t input,
                       const size_t *parts, size_t count)
{
    struct pulse_part *grown = mem_zero(count, sizeof(*grown));
    int64_t closed = INT64_MAX;

    for (size_t i = 0; i < pulse->part_count; i++)
        closed = least(closed, pulse->parts[i].closed);
    for (size_t i = 0; i < k->r->source_count; i++) {
        if (k->r->sources[i].input != input)
            continue;
        grown[parts[i]] = k->was[i] != NEW
                              ? pulse->parts[k->p->parts[k->was[i]]]
                              : (struct pulse_part){.closed = closed, .unmuted_from = INT64_MIN};
    }
    mem_free(pulse->parts);
    pulse->parts = grown;
    pulse->part_count = count;
}

static void grow_pulses(struct rekeying *k)
{
    struct pipeline *p = k->p;
    size_t *parts = mem_zero(k->r->source_count, sizeof(*parts));

    memset(p->part_counts, 0, p->settings->inputs.count * sizeof(*p->part_counts));
    for (size_t i = 0; i < k->r->source_count; i++)
        parts[i] = p->part_counts[k->r->sources[i].input]++;
    for (size_t i = 0; i < p->settings->inputs.count; i++)
        if (p->part_counts[i] > 0)
            grow_pulse(k, p->pulses[i], (uint16_t)i, parts, p->part_counts[i]);
    mem_free(p->parts);
    p->parts = parts;
}

static void grow(struct rekeying *k)
{
    struct pipeline *p = k->p;
    size_t bytes = k->r->source_count * sizeof(*p->sources);

    grow_pulses(k);
    for (size_t f = 0; f < p->funnel_count; f++)
        grow_judge(k, &p->judges[f]);
    grow_tallies(k);
    mem_free(p->sources);
    p->sources = mem_alloc(bytes);
    memcpy(p->sources, k->r->sources, bytes);
    p->source_count = k->r->source_count;
}

/* --- giving away --- */

/* Where it lives, by the source that has it; itself where that is not known. */
static uint32_t home_of(const struct rekeying *k, uint32_t source, uint64_t fingerprint)
{
    uint32_t home = homes_find(k->r->homes, k->was[source], fingerprint);

    return home == HOME_UNKNOWN || home == HOME_NONE ? source : home;
}

static struct tally_move *move_to(struct rekeying *k, uint32_t source, uint32_t home)
{
    struct tally_move *m = &k->moves[home];

    if (!m->from)
        tally_move_init(m, &k->p->tallies[source], &k->p->tallies[home],
                        k->r->next[home] - k->r->next[source], k->joins_ms);
    return m;
}

/* Out of the order they wait in come those that the new source would take for late; the others wait on. */
static void apply_late(struct rekeying *k, uint32_t source)
{
    struct tally *t = &k->p->tallies[source];
    struct reorder rest = {0};
    struct arrival a;

    while (reorder_pop(&t->reorder, &a)) {
        if (a.time_ms < k->p->tallies[home_of(k, source, a.fingerprint)].watermark_ms)
            tally_push_ready(t, &a);
        else
            reorder_push(&rest, &a);
    }
    reorder_deinit(&t->reorder);
    t->reorder = rest;
    tally_apply(t);
}

static void give_entity(struct rekeying *k, uint32_t source, size_t funnel, uint32_t place,
                        const struct entity *e)
{
    uint32_t home = homes_find(k->r->homes, k->was[source], e->fingerprint);

    if (home == HOME_NONE) /* it has just come from another one */
        return;
    if (home == HOME_UNKNOWN)
        k->sums.unknown++;
    else if (home == source)
        k->sums.at_home++;
    else if (tally_move_entity(move_to(k, source, home), funnel, place, e))
        k->sums.moved++;
    else
        k->sums.stuck++;
}

/* Backwards: the last of a shard takes the place of one that goes. */
static void give_entities(struct rekeying *k, uint32_t source)
{
    struct tally *t = &k->p->tallies[source];
    struct entity e;

    for (size_t f = 0; f < t->funnel_count; f++) {
        const struct entities *table = &t->funnels[f].entities;

        for (int shard = 0; shard < ENTITY_SHARDS; shard++) {
            for (uint32_t place = entities_shard_count(table, shard); place-- > 0;) {
                entities_load_at(table, shard, place, &e);
                give_entity(k, source, f, place, &e);
            }
        }
    }
}

/* To its entity: where that is stuck, it stays with it. */
static bool arrival_goes(const struct rekeying *k, uint32_t source, const struct arrival *a)
{
    const struct tally *t = &k->p->tallies[source];

    return home_of(k, source, a->fingerprint) != source &&
           (a->funnel == ARRIVAL_NO_FUNNEL ||
            entities_find(&t->funnels[a->funnel].entities, a->fingerprint) == ENTITY_NONE);
}

static void give_arrivals(struct rekeying *k, uint32_t source)
{
    struct tally *t = &k->p->tallies[source];
    struct reorder rest = {0};
    struct arrival a;

    while (reorder_pop(&t->reorder, &a)) {
        if (arrival_goes(k, source, &a)) {
            tally_move_arrival(move_to(k, source, home_of(k, source, a.fingerprint)), &a);
            k->sums.waiting++;
        } else {
            reorder_push(&rest, &a);
        }
    }
    reorder_deinit(&t->reorder);
    t->reorder = rest;
}

/* Those of one event lie side by side, and go together. */
static void give_waiting(struct rekeying *k, uint32_t source)
{
    struct tally *t = &k->p->tallies[source];
    size_t left = 0;

    for (size_t i = 0; i < t->waiting_count; i++) {
        struct arrival *a = &t->waiting[i];

        if (arrival_goes(k, source, a) &&
            tally_move_waiting(move_to(k, source, home_of(k, source, a->fingerprint)), a))
            k->sums.waiting++;
        else
            t->waiting[left++] = *a;
    }
    t->waiting_count = left;
}

static bool pane_has_seeds(const struct pending_pane *p)
{
    size_t i = 0;

    while (i < p->count && p->cells[i].kind != CELL_SEED)
        i++;
    return i < p->count;
}

/* The begin of the last pane, up to `open`, that is not judged yet and in which stays join at their age; INT64_MIN: there
 * is none. */
static int64_t joins_ms(const struct judge *j, int64_t open)
{
    for (size_t i = j->pending_count; i-- > 0;)
        if (j->pending[i].pane <= open && pane_has_seeds(&j->pending[i]))
            return j->pending[i].pane * j->funnel->pane_ms;
    return INT64_MIN;
}

static void give_away(struct rekeying *k, uint32_t source)
{
    for (size_t f = 0; f < k->p->funnel_count; f++)
        k->joins_ms[f] = joins_ms(&k->p->judges[f], tally_open_pane(&k->p->tallies[source]));
    k->moves = mem_zero(k->r->source_count, sizeof(*k->moves));
    give_entities(k, source);
    give_arrivals(k, source);
    give_waiting(k, source);
    for (size_t i = 0; i < k->r->source_count; i++)
        if (k->moves[i].from)
            tally_move_end(&k->moves[i]);
    mem_free(k->moves);
}

/* --- the whole --- */

/* What the numbers mean that came with entities, and the cells of those applied early. */
static void tell(struct rekeying *k, uint32_t source, const struct records *out, size_t before)
{
    struct tally *t = &k->p->tallies[source];

    for (size_t f = 0; f < t->funnel_count; f++)
        tally_define(&t->funnels[f]);
    pipeline_take(k->p, source, out, before);
}

void pipeline_rekey(struct pipeline *p, const struct rekey *r, struct records *out,
                    struct rekey_result *ret)
{
    struct rekeying k = {.p = p, .r = r};

    match_sources(&k);
    grow(&k);
    for (uint32_t i = 0; i < r->source_count; i++) {
        size_t before = out->count;

        p->tallies[i].records = out;
        apply_late(&k, i);
        p->tallies[i].records = NULL;
        tell(&k, i, out, before);
    }
    for (uint32_t i = 0; i < r->source_count; i++)
        if (k.was[i] != NEW)
            give_away(&k, i);
    for (uint32_t i = 0; i < r->source_count; i++)
        tell(&k, i, out, out->count);
    for (size_t f = 0; f < p->funnel_count; f++)
        judge_forget_homes(&p->judges[f]);
    mem_free(k.was);
    *ret = k.sums;
}
