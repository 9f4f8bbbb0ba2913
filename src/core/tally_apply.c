/* SPDX-License-Identifier: Apache-2.0 */
/* Events in the order of their time, through the automaton, into cells by pane. */
#include <string.h>

#include "funnel/canon.h"
#include "funnel/mem.h"
#include "funnel/splits.h"
#include "funnel/tally.h"

#define SWEEP_SLICES 64

void tally_push_ready(struct tally *t, const struct arrival *a)
{
    if (t->ready_count == TALLY_READY)
        tally_apply(t);
    t->ready[t->ready_count++] = *a;
}

/* --- cells by pane --- */

static void put_span(struct tally_funnel *tf)
{
    if (tf->last_ms == INT64_MIN)
        return;
    cells_add(&tf->out, (struct cell){.kind = CELL_SPAN, .n = 0, .value = tf->first_ms});
    cells_add(&tf->out, (struct cell){.kind = CELL_SPAN, .n = 1, .value = tf->last_ms});
    tf->first_ms = INT64_MAX;
    tf->last_ms = INT64_MIN;
}

void tally_flush(struct tally_funnel *tf)
{
    if (tf->pane == INT64_MIN)
        return;
    put_span(tf);
    for (int i = 0; i < FUNNEL_COUNT_COUNT; i++) {
        if (tf->counts[i] == 0)
            continue;
        cells_add(&tf->out,
                  (struct cell){.kind = CELL_COUNT, .stage = (uint8_t)i, .value = tf->counts[i]});
        tf->counts[i] = 0;
    }
}

void tally_set_pane(struct tally_funnel *tf, int64_t pane)
{
    if (pane == tf->pane)
        return;
    tally_flush(tf);
    tf->pane = pane;
    cells_add(&tf->out, (struct cell){.kind = CELL_PANE, .value = pane});
}

/* Of something that never reaches the automaton: it belongs to the pane open at this place in the log. */
void tally_count(struct tally *t, struct tally_funnel *tf, enum funnel_count which)
{
    int64_t open = tally_open_pane(t);

    tally_apply(t);
    if (open > tf->pane)
        tally_set_pane(tf, open);
    tf->counts[which]++;
}

void tally_unusable(struct tally *t, struct tally_funnel *tf, enum funnel_count why)
{
    tally_count(t, tf, why);
    tf->counts[COUNT_DEADLETTERS]++;
    tf->counts[COUNT_BAD]++;
}

static void put_definition(struct tally_funnel *tf, uint8_t kind, uint8_t stage, uint32_t number,
                           size_t from)
{
    cells_add(&tf->out, (struct cell){.kind = kind,
                                      .stage = stage,
                                      .leaf = number,
                                      .value = (int64_t)from,
                                      .n = (int32_t)(tf->out.strings.len - from)});
}

static void put_names(struct tally_funnel *tf, const struct names *names, size_t *sent,
                      uint8_t kind, uint8_t stage)
{
    for (; *sent < names->count; ++*sent) {
        struct span text = names_text(names, (uint32_t)*sent);
        size_t from = tf->out.strings.len;

        buf_add(&tf->out.strings, text.p, text.len);
        put_definition(tf, kind, stage, (uint32_t)*sent, from);
    }
}

void tally_define(struct tally_funnel *tf)
{
    for (; tf->leaves_sent < tf->leaves.count; tf->leaves_sent++) {
        size_t from = tf->out.strings.len;

        leaves_text(&tf->leaves, (uint32_t)tf->leaves_sent, &tf->out.strings);
        put_definition(tf, CELL_LEAF, 0, (uint32_t)tf->leaves_sent, from);
    }
    for (int b = 0; b < tf->funnel->breakdown_count; b++)
        put_names(tf, &tf->breaks[b], &tf->breaks_sent[b], CELL_VALUE, (uint8_t)b);
    put_names(tf, &tf->reasons, &tf->reasons_sent, CELL_REASON, 0);
}

/* --- forgetting ---
 *
 * Each day's first panes sweep the table, a slice of shards a pane: when an entity goes is a function of
 * event time, and no pane does all the work. */

static void sweep_shard(struct tally *t, struct tally_funnel *tf, int shard, int64_t pane)
{
    int64_t before_ms = pane * tf->funnel->pane_ms - tf->funnel->forget_ms;
    struct entity e;

    for (uint32_t place = entities_shard_count(&tf->entities, shard); place-- > 0;) {
        entities_load_at(&tf->entities, shard, place, &e);
        if (e.position_ms >= before_ms || e.reached_ms >= before_ms)
            continue;
        tally_set_pane(tf, pane);
        automaton_forget(&tf->automaton, &e);
        entities_remove(&tf->entities, e.fingerprint, place);
        t->counters.n[COUNTER_ENTITIES_FORGOTTEN]++;
    }
}

static void sweep_slice(struct tally *t, int64_t pane, int slice)
{
    int each = ENTITY_SHARDS / SWEEP_SLICES;

    for (size_t i = 0; i < t->funnel_count; i++) {
        if (t->funnels[i].entities.count == 0)
            continue;
        for (int shard = slice * each; shard < (slice + 1) * each; shard++)
            sweep_shard(t, &t->funnels[i], shard, pane);
    }
}

/* The first pane in which a sweep could find something to forget. */
static int64_t sweep_next(const struct tally *t)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < t->funnel_count; i++) {
        const struct tally_funnel *tf = &t->funnels[i];

        for (int shard = 0; tf->entities.count > 0 && shard < ENTITY_SHARDS; shard++) {
            for (uint32_t k = entities_shard_count(&tf->entities, shard); k-- > 0;) {
                struct entity e;
                int64_t last, due;

                entities_load_at(&tf->entities, shard, k, &e);
                last = e.position_ms > e.reached_ms ? e.position_ms : e.reached_ms;
                due = floor_div(last + tf->funnel->forget_ms, tf->funnel->pane_ms) + 1;
                next = due < next ? due : next;
            }
        }
    }
    return next;
}

/* A gap of days is passed over where nothing can be found: its length costs nothing. */
static void sweep_through(struct tally *t, int64_t pane)
{
    int64_t a_day = ZONE_DAY_MS / t->settings->time.pane;
    int64_t p = t->swept == INT64_MIN ? pane : t->swept + 1;
    bool gap = pane - p > a_day;

    while (p <= pane) {
        int64_t next = gap ? sweep_next(t) : p, slice;

        if (next > pane)
            break;
        p = next > p ? next : p;
        slice = p - floor_div(p, a_day) * a_day;
        if (slice < SWEEP_SLICES)
            sweep_slice(t, p, (int)slice);
        gap = slice + 1 >= SWEEP_SLICES && pane - p > a_day;
        p += slice + 1 < SWEEP_SLICES ? 1 : a_day - slice;
    }
    if (pane > t->swept)
        t->swept = pane;
}

/* --- applying --- */

static void trace_line(struct tally *t, const struct arrival *a, const struct tally_funnel *tf,
                       bool known, const struct entity *before, const struct entity *e,
                       const struct automaton_result *r)
{
    const struct funnel *f = tf->funnel;
    struct buf *b = &t->trace_text;
    char when[CANON_RFC3339_SIZE];

    canon_rfc3339(a->time_ms, when);
    buf_fmt(b, "%s %s offset=%lld %s: %s", when, f->name, (long long)a->order, r->row, r->effect);
    if (a->stage < f->stage_count)
        buf_fmt(b, "; stage %s", funnel_stage_id(f, a->stage));
    if (r->at_ms != a->time_ms) {
        canon_rfc3339(r->at_ms, when);
        buf_fmt(b, "; %s, applied at %s", a->late ? "late" : "older", when);
    }
    if (r->expired)
        buf_str(b, "; a window had passed: expired");
    if (known && before->stage != e->stage)
        buf_fmt(b, "; position %s -> %s", funnel_stage_id(f, before->stage),
                funnel_stage_id(f, e->stage));
    if (known && r->fate != FATE_DELETED && before->highest != e->highest)
        buf_fmt(b, "; progress %s -> %s", funnel_stage_id(f, before->highest),
                funnel_stage_id(f, e->highest));
    if (known || r->fate == FATE_CREATED)
        buf_fmt(b, "; attempt %u", e->attempt);
    buf_char(b, '\n');
}

/* A new entity beyond the cap is refused before anything about it is counted. */
static bool entity_refused(struct tally *t, struct tally_funnel *tf, const struct arrival *a)
{
    bool creates = a->kind != EVENT_DELETE && a->stage < tf->funnel->stage_count;

    if (!creates || tf->entities.count < tf->entities.limit)
        return false;
    t->counters.n[COUNTER_ENTITIES_REFUSED]++;
    tf->counts[COUNT_IGNORED]++;
    return true;
}

static void entity_keep(struct tally *t, struct tally_funnel *tf, uint32_t place,
                        const struct entity *e, const struct automaton_result *r)
{
    switch (r->fate) {
    case FATE_CREATED:
        entities_add(&tf->entities, e);
        t->counters.n[COUNTER_ENTITIES_CREATED]++;
        break;
    case FATE_DELETED:
        entities_remove(&tf->entities, e->fingerprint, place);
        t->counters.n[COUNTER_ENTITIES_FORGOTTEN]++;
        break;
    default:
        if (r->fate == FATE_CHANGED || r->expired)
            entities_store(&tf->entities, place, e);
    }
}

static void count_event(struct tally_funnel *tf, const struct arrival *a)
{
    tf->counts[COUNT_EVENTS]++;
    tf->counts[COUNT_LATE] += a->late;
    tf->counts[COUNT_BAD] += a->late;
    tf->first_ms = a->time_ms < tf->first_ms ? a->time_ms : tf->first_ms;
    tf->last_ms = a->time_ms > tf->last_ms ? a->time_ms : tf->last_ms;
    if (splits_watches(a->fingerprint))
        cells_add(&tf->out,
                  (struct cell){.kind = CELL_WATCHED, .column = (int64_t)a->fingerprint, .n = 1});
}

static void apply_one(struct tally *t, struct arrival *a)
{
    struct tally_funnel *tf = &t->funnels[a->funnel];
    uint32_t place = entities_find(&tf->entities, a->fingerprint);
    bool known = place != ENTITY_NONE, traced = t->trace && t->trace == a->fingerprint;
    struct automaton_result r;
    struct entity e, before;
    int64_t pane, own = floor_div(automaton_time(a, NULL), tf->funnel->pane_ms);

    if (known)
        entities_load(&tf->entities, a->fingerprint, place, &e);
    pane = floor_div(automaton_time(a, known ? &e : NULL), tf->funnel->pane_ms);
    if (own > t->swept) { /* not what an entity from another partition may be ahead */
        sweep_through(t, own);
        place = entities_find(&tf->entities, a->fingerprint); /* swept away, or moved */
        known = place != ENTITY_NONE;
    }
    tally_set_pane(tf, pane);
    count_event(tf, a);
    if (!known && entity_refused(t, tf, a))
        return;
    if (traced)
        before = known ? e : (struct entity){0};
    r = automaton_apply(&tf->automaton, a, known, &e);
    if (traced)
        trace_line(t, a, tf, known, &before, &e, &r);
    entity_keep(t, tf, place, &e, &r);
    if (r.fate != FATE_REJECTED)
        return;
    if (!a->copy) { /* it waits since before its funnel had skip: reject */
        tf->counts[COUNT_IGNORED]++;
        return;
    }
    tf->counts[COUNT_DEADLETTERS]++;
    tf->counts[COUNT_BAD] += !a->late;
    if (a->copy) /* there is none where it came before a reload to skip: reject */
        tally_letter(t, a->copy, REJECT_SKIPPED, "stage", a->stage_byte);
}

void tally_apply(struct tally *t)
{
    size_t count = t->ready_count;

    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++)
        entities_prefetch_slot(&t->funnels[t->ready[i].funnel].entities, t->ready[i].fingerprint);
    for (size_t i = 0; i < count; i++)
        entities_prefetch_record(&t->funnels[t->ready[i].funnel].entities, t->ready[i].fingerprint);
    for (size_t i = 0; i < count; i++) {
        apply_one(t, &t->ready[i]);
        mem_free(t->ready[i].copy);
    }
    t->ready_count = 0;
    for (size_t i = 0; i < t->funnel_count; i++)
        tally_define(&t->funnels[i]);
}

/* Closes the panes behind the watermark. */
void tally_close(struct tally *t)
{
    int64_t open = tally_open_pane(t);

    for (size_t i = 0; i < t->funnel_count; i++)
        tally_flush(&t->funnels[i]);
    if (open == INT64_MIN)
        return;
    sweep_through(t, open - 1);
    for (size_t i = 0; i < t->funnel_count; i++)
        cells_add(&t->funnels[i].out, (struct cell){.kind = CELL_CLOSE, .value = open - 1});
    tally_note(t, (struct pulse_note){.kind = PULSE_CLOSE, .pane = open - 1});
}
