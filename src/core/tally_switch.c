/* SPDX-License-Identifier: Apache-2.0 */
/* A tally under other settings: its place in the log and in time stays, and what waits for its turn is put in
 * the new settings' numbers. */
#include <string.h>

#include "funnel/mem.h"
#include "core/switch.h"

/* --- names --- */

uint32_t switch_name(struct names *to, const struct names *from, uint32_t number, uint64_t *refused)
{
    int over = 0;

    if (number < NAME_FIRST)
        return number;
    number = names_intern(to, names_text(from, number), &over);
    *refused += (uint64_t)over;
    return number;
}

int switch_dim(const struct funnel *from, const struct funnel *to, int dim)
{
    for (int d = 0; d < from->dim_count; d++)
        if (strcmp(from->settings->dims.items[d].name, to->settings->dims.items[dim].name) == 0)
            return d;
    return -1;
}

int switch_breakdown(const struct funnel *from, const struct funnel *to, int breakdown)
{
    for (int b = 0; b < from->breakdown_count; b++)
        if (strcmp(from->settings->breakdowns.items[b],
                   to->settings->breakdowns.items[breakdown]) == 0)
            return b;
    return -1;
}

/* --- funnels --- */

/* What the limits are now; nothing that is there goes for it. */
static void funnel_limits(struct tally_funnel *to, const struct tally_funnel *fresh)
{
    to->leaves.limit = fresh->leaves.limit;
    for (int d = 0; d < to->leaves.dims; d++)
        to->leaves.names[d].limit = fresh->leaves.names[d].limit;
    for (int b = 0; b < to->funnel->breakdown_count; b++)
        to->breaks[b].limit = fresh->breaks[b].limit;
    to->entities.limit = fresh->entities.limit;
    to->reasons.limit = fresh->reasons.limit;
    dedupe_tune(&to->dedupe, fresh->dedupe.keep_ms, fresh->dedupe.limit);
}

/* The automaton points into the funnel it belongs to. */
static void funnel_keep(struct tally_funnel *to, struct tally_funnel *from)
{
    struct tally_funnel fresh = *to;

    *to = *from;
    *from = fresh;
    fresh.automaton.leaves_refused = to->automaton.leaves_refused;
    to->automaton = fresh.automaton;
    to->funnel = fresh.funnel;
    funnel_limits(to, &fresh);
}

/* Of another shape: what does not hang on the shape. Reasons are told to the judge anew. */
static void funnel_resync(const struct switch_funnel *map, struct tally *t, struct tally_funnel *to,
                          struct tally_funnel *from, struct counters *more)
{
    uint32_t limit = to->reasons.limit;
    struct names reasons = to->reasons;
    struct dedupe dedupe = to->dedupe;

    to->reasons = from->reasons;
    to->reasons.limit = limit;
    from->reasons = reasons;
    to->dedupe = from->dedupe;
    from->dedupe = dedupe;
    dedupe_tune(&to->dedupe, dedupe.keep_ms, dedupe.limit);
    to->refused_entities = from->refused_entities;
    to->refused_values = from->refused_values;
    to->refused_breaks = from->refused_breaks;
    to->automaton.leaves_refused = from->automaton.leaves_refused;
    tally_resync(map, t, to, from, more);
}

/* --- what waits --- */

static void arrival_rename(struct arrival *a, struct tally_funnel *to,
                           const struct tally_funnel *from)
{
    struct arrival was = *a;

    memset(&a->dims, 0, sizeof(a->dims));
    memset(a->breaks, 0, sizeof(a->breaks));
    for (int d = 0; d < to->funnel->dim_count; d++) {
        int old = switch_dim(from->funnel, to->funnel, d);

        if (old >= 0)
            a->dims.value[d] = (uint16_t)switch_name(&to->leaves.names[d], &from->leaves.names[old],
                                                     was.dims.value[old], &to->refused_values);
    }
    for (int b = 0; b < to->funnel->breakdown_count; b++) {
        int old = switch_breakdown(from->funnel, to->funnel, b);

        if (old >= 0)
            a->breaks[b] = switch_name(&to->breaks[b], &from->breaks[old], was.breaks[old],
                                       &to->refused_breaks);
    }
}

/* False: its funnel or its stage is gone. */
static bool arrival_switch(const struct switch_plan *plan, struct tally *to,
                           const struct tally *from, struct arrival *a)
{
    const struct switch_funnel *map;
    struct tally_funnel *tf;

    if (a->funnel == ARRIVAL_NO_FUNNEL)
        return true;
    map = &plan->funnels[a->funnel];
    if (map->to < 0)
        return false;
    tf = &to->funnels[map->to];
    if (a->stage < STAGES_MAX)
        a->stage = map->stage[a->stage];
    if (a->stage == STAGE_UNKNOWN && a->kind == EVENT_DELETE)
        a->stage = STAGE_NONE;
    if (a->stage == STAGE_UNKNOWN)
        return false;
    if (!map->keeps)
        arrival_rename(a, tf, &from->funnels[a->funnel]);
    if (tf->funnel->settings->dedupe <= 0)
        a->id_hash = 0;
    a->funnel = (uint16_t)map->to;
    return true;
}

/* They have moved the watermark when they came. */
static void switch_reorder(const struct switch_plan *plan, struct tally *to, struct tally *from,
                           struct counters *more)
{
    struct arrival a;

    while (reorder_pop(&from->reorder, &a)) {
        if (arrival_switch(plan, to, from, &a)) {
            reorder_push(&to->reorder, &a);
        } else {
            more->n[COUNTER_IGNORED]++;
            mem_free(a.copy);
        }
    }
}

/* These have not: as events that no funnel wants they still will. */
static void switch_waiting(const struct switch_plan *plan, struct tally *to, struct tally *from,
                           struct counters *more)
{
    for (size_t i = 0; i < to->waiting_count; i++) {
        if (arrival_switch(plan, to, from, &to->waiting[i]))
            continue;
        to->waiting[i].funnel = ARRIVAL_NO_FUNNEL;
        more->n[COUNTER_IGNORED]++;
    }
}

/* --- the whole --- */

/* All that is not a funnel's and not made from the settings; `from` keeps what tally_deinit() may have. */
static void tally_take(const struct switch_plan *plan, struct tally *to, struct tally *from)
{
    struct tally fresh = *to;

    *to = *from;
    to->settings = fresh.settings;
    to->topic = fresh.topic;
    to->funnels = fresh.funnels;
    to->funnel_count = fresh.funnel_count;
    to->reorder = fresh.reorder;
    if (from->swept != INT64_MIN) /* the panes before it, whole ones: some are swept again */
        to->swept = switch_pane(plan, from->swept + 1) - 1;
    from->waiting = NULL;
    from->waiting_count = 0;
    from->decisions = fresh.decisions;
    from->pulse = fresh.pulse;
    from->trace_text = fresh.trace_text;
}

void tally_switch(const struct switch_plan *plan, struct tally *to, struct tally *from,
                  struct counters *more)
{
    tally_take(plan, to, from);
    for (size_t f = 0; f < from->funnel_count; f++) {
        const struct switch_funnel *map = &plan->funnels[f];

        if (map->to >= 0 && map->keeps)
            funnel_keep(&to->funnels[map->to], &from->funnels[f]);
        else if (map->to >= 0)
            funnel_resync(map, to, &to->funnels[map->to], &from->funnels[f], more);
    }
    switch_reorder(plan, to, from, more);
    switch_waiting(plan, to, from, more);
}
