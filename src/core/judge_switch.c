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

#include "funnel/buf.h"
#include "funnel/controls.h"
#include "funnel/detect.h"
#include "funnel/maturity.h"
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

/* --- what operators said --- */

/* A mark goes by one of the funnel's windows: without it nothing can be measured. */
static bool mark_take_over(const struct judge *to, const struct judge *from, struct control_mark *m)
{
    struct control_mark fresh;

    if (!control_mark_init(to->controls, &fresh, &m->held, m->at) ||
        window_was(from, &to->windows[fresh.window]) != (int)m->window)
        return false;
    fresh.taken = m->taken;
    fresh.complete = m->complete;
    memcpy(fresh.before, m->before, sizeof(fresh.before));
    *m = fresh;
    return true;
}

static void controls_take_over(struct judge *to, struct judge *from)
{
    struct controls *c = to->controls;
    size_t count;

    controls_move(c, from->controls, true);
    count = c->mark_count;
    c->mark_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (mark_take_over(to, from, &c->marks[i])) {
            c->marks[c->mark_count++] = c->marks[i];
        } else {
            control_held_deinit(&c->marks[i].held);
            c->marks_refused++;
        }
    }
}

static bool flush(struct codec_out *out)
{
    return codec_flush_buf(out);
}

/* Every judge holds all silences: a new one has those of the others. */
static void controls_copy(struct controls *to, const struct controls *from)
{
    struct controls *copy = controls_new(from->funnel);
    unsigned char part[256];
    struct buf bytes = {0};
    struct codec_out out = {.data = part, .cap = sizeof(part), .flush = flush, .context = &bytes};
    struct codec_in in;

    controls_save(from, &out);
    flush(&out);
    in = (struct codec_in){(const unsigned char *)bytes.data, bytes.len, NULL};
    controls_load(copy, &in);
    controls_move(to, copy, false);
    to->silences_refused = to->marks_refused = 0;
    controls_free(copy);
    buf_deinit(&bytes);
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
    to->detect = fresh.detect;
    to->maturity = fresh.maturity;
    to->controls = fresh.controls;
    *from = fresh;
    from->zone = was.zone;
    from->closed = was.closed;
    from->first_pane = was.first_pane;
    memcpy(from->specs, was.specs, sizeof(from->specs));
    from->spec_count = was.spec_count;
    memcpy(from->windows, was.windows, sizeof(from->windows));
    from->window_count = was.window_count;
    from->rules = was.rules;
    from->detect = was.detect;
    from->maturity = was.maturity;
    from->controls = was.controls;
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
    detect_take_over(to, from, map);
    maturity_take_over(to, from);
    controls_take_over(to, from);
    mem_free(map);
}

void judge_begin(const struct switch_plan *plan, struct judge *to, struct judge *from, bool is_new)
{
    if (is_new)
        controls_copy(to->controls, from->controls);
    else
        controls_move(to->controls, from->controls, false);
    to->closed = plan->closed;
    to->first_pane = plan->whole;
    for (size_t i = 0; i < to->source_count; i++) {
        struct judge_source *s = &to->sources[i];
        int64_t closed = from->sources[i].closed;

        /* As far as its pulse has closed it; where panes are shorter now, the tally says more with its next step. */
        s->closed = closed == INT64_MIN ? closed : switch_pane(plan, closed + 1) - 1;
        s->muted = from->sources[i].muted;
        s->mute_until = switch_pane_up(plan, from->sources[i].mute_until);
    }
}
