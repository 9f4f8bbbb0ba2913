/* SPDX-License-Identifier: Apache-2.0 */
/* A judge under other settings.
 *
 * Of the same shape it goes on with all it knows; only rules, windows and segments may differ. Windows that both
 * have keep what they hold; what is new begins empty, and says nothing until it is filled: window_def.since,
 * series.since.
 *
 * Of another shape it begins at the switch, from the stock and the seeds the tallies give. The pane that was open
 * then went to the old judge in part, so that only windows after it count: judge.first_pane. */
#include <string.h>

#include "funnel/mem.h"
#include "core/switch.h"

#define NOWHERE UINT32_MAX

/* --- windows --- */

/* The old window of the same definition; -1. */
static int window_was(const struct judge *from, const struct window_def *d)
{
    for (size_t w = 0; w < from->window_count; w++)
        if (from->windows[w].calendar == d->calendar && from->windows[w].panes == d->panes)
            return (int)w;
    return -1;
}

static int64_t slot_of_pane(const struct judge *j, const struct window_def *d, int64_t pane)
{
    if (d->calendar < 0)
        return floor_div(pane, d->slot_panes);
    return zone_period(j->zone, NULL, d->calendar, pane * j->funnel->pane_ms);
}

/* The first whole pane of a slot. */
static int64_t slot_begin(const struct judge *j, const struct window_def *d, int64_t slot)
{
    if (d->calendar < 0)
        return slot * d->slot_panes;
    return -floor_div(-zone_period_start(j->zone, d->calendar, slot), j->funnel->pane_ms);
}

/* `to` looks further back than `was` kept: from where on is all there? */
static void window_def_take_over(const struct judge *from, struct window_def *to,
                                 const struct window_def *was)
{
    int64_t begin;

    to->busy = was->busy;
    to->since = was->since;
    if (to->ring <= was->ring || from->closed == INT64_MIN)
        return;
    begin = slot_begin(from, was, slot_of_pane(from, was, from->closed) - was->ring + 1);
    if (begin > to->since && begin > from->first_pane)
        to->since = begin;
}

static struct window *window_take_over(struct window *was, const struct window_def *from,
                                       const struct window_def *to)
{
    struct window *w;

    if (!was || from->ring == to->ring)
        return was;
    w = window_new(to);
    window_copy(w, to, was, from);
    mem_free(was);
    return w;
}

/* --- series --- */

static size_t spec_was(const struct judge *from, const struct segment_spec *spec)
{
    size_t k = 0;

    while (k < from->spec_count && (from->specs[k].count != spec->count ||
                                    memcmp(from->specs[k].dims, spec->dims,
                                           (size_t)spec->count * sizeof(spec->dims[0])) != 0))
        k++;
    return k;
}

/* The windows both know move, step by step; the others are made when something comes. */
static struct window **windows_take_over(const struct judge *to, const struct judge *from,
                                         struct series *was)
{
    size_t steps = (size_t)to->funnel->overall + 1;
    struct window **windows = mem_zero(steps * to->window_count, sizeof(*windows));

    for (size_t w = 0; w < to->window_count; w++) {
        int old = window_was(from, &to->windows[w]);

        for (size_t s = 0; old >= 0 && s < steps; s++) {
            struct window **x = &was->windows[s * from->window_count + (size_t)old];

            windows[s * to->window_count + w] = window_take_over(*x, &from->windows[old],
                                                                 &to->windows[w]);
            *x = NULL;
        }
    }
    return windows;
}

/* In their order; map: by old series, its new number. */
static void series_take_over(struct judge *to, struct judge *from, uint32_t *map)
{
    uint32_t specs[SEGMENT_SPECS_MAX];

    memset(specs, 0xff, sizeof(specs));
    for (size_t k = 0; k < to->spec_count; k++) {
        size_t old = spec_was(from, &to->specs[k]);

        if (old < from->spec_count)
            specs[old] = (uint32_t)k;
    }
    to->series_count = to->series_cap = 0;
    to->series = NULL;
    for (size_t i = 0; i < from->series_count; i++) {
        struct series *was = &from->series[i];

        map[i] = NOWHERE;
        if (specs[was->spec] == NOWHERE)
            continue;
        to->series = mem_grow(to->series, to->series_count, &to->series_cap, sizeof(*to->series));
        map[i] = (uint32_t)to->series_count;
        to->series[to->series_count] = *was;
        to->series[to->series_count].spec = (uint8_t)specs[was->spec];
        to->series[to->series_count++].windows = windows_take_over(to, from, was);
    }
}

/* Leaves find their series again; those of specs that are new begin now. */
static void leaves_series(struct judge *to, const struct judge *from, const uint32_t *map)
{
    size_t known = to->series_count, was[SEGMENT_SPECS_MAX];

    for (size_t k = 0; k < to->spec_count; k++)
        was[k] = spec_was(from, &to->specs[k]);
    for (size_t i = 0; i < to->leaf_count; i++) {
        uint32_t old[SEGMENT_SPECS_MAX];

        memcpy(old, to->leaves[i].series, sizeof(old));
        for (size_t k = 0; k < to->spec_count; k++)
            to->leaves[i].series[k] = was[k] < from->spec_count ? map[old[was[k]]]
                                                                : series_of(to, &to->leaves[i], k);
    }
    for (size_t i = known; to->closed != INT64_MIN && i < to->series_count; i++)
        to->series[i].since = to->closed + 1;
}

/* --- the whole --- */

/* Everything that is not made from the settings is the old judge's; the fresh one is left in its place, with
 * the old series, windows and rules, to be freed. */
static void judge_swap(struct judge *to, struct judge *from)
{
    struct judge fresh = *to, was = *from;

    *to = was;
    to->funnel = fresh.funnel;
    to->zone = fresh.zone;
    to->pulses = fresh.pulses;
    to->pulse_count = fresh.pulse_count;
    memcpy(to->specs, fresh.specs, sizeof(to->specs));
    to->spec_count = fresh.spec_count;
    memcpy(to->windows, fresh.windows, sizeof(to->windows));
    to->window_count = fresh.window_count;
    to->rules = fresh.rules;
    *from = fresh;
    from->zone = was.zone;
    from->closed = was.closed;
    from->first_pane = was.first_pane;
    memcpy(from->specs, was.specs, sizeof(from->specs));
    from->spec_count = was.spec_count;
    memcpy(from->windows, was.windows, sizeof(from->windows));
    from->window_count = was.window_count;
    from->rules = was.rules;
    series_free(&fresh);
    from->series = was.series;
    from->series_count = was.series_count;
    from->series_cap = was.series_cap;
}

void judge_take_over(struct judge *to, struct judge *from)
{
    uint32_t *map;

    judge_swap(to, from);
    map = mem_alloc((from->series_count + 1) * sizeof(*map));
    for (size_t i = 0; i < to->leaf_count; i++)
        for (int s = 0; s <= to->funnel->overall; s++)
            to->leaves[i].steps[s].risk.ages = &to->funnel->ages[s];
    for (size_t w = 0; w < to->window_count; w++) {
        int old = window_was(from, &to->windows[w]);

        if (old >= 0)
            window_def_take_over(from, &to->windows[w], &from->windows[old]);
        else if (to->closed != INT64_MIN)
            to->windows[w].since = to->closed + 1;
    }
    series_take_over(to, from, map);
    leaves_series(to, from, map);
    rules_take_over(to, from->rules, map);
    mem_free(map);
}

void judge_begin(const struct switch_plan *plan, struct judge *to, const struct judge *from)
{
    to->closed = plan->closed;
    to->first_pane = plan->whole;
    for (size_t i = 0; i < to->source_count; i++) {
        struct judge_source *s = &to->sources[i];
        int64_t open = tally_open_pane(&plan->to->tallies[i]);

        s->closed = open == INT64_MIN ? INT64_MIN : open - 1;
        s->muted = from->sources[i].muted;
        s->mute_until = switch_pane_up(plan, from->sources[i].mute_until);
    }
}
