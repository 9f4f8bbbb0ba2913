/* SPDX-License-Identifier: Apache-2.0 */
/* A detector under other settings of the same shape. What a step has learned belongs to the step; where a test stands
 * belongs to its rule, and goes on where that means the same. */
#include <string.h>

#include "funnel/detect_parts.h"
#include "funnel/mem.h"
#include "funnel/rules.h"

static struct detect_track *track_was(struct detect *from, const struct detect_track *t)
{
    for (size_t i = 0; i < from->track_count; i++)
        if (from->tracks[i].step == t->step && from->tracks[i].volume == t->volume)
            return &from->tracks[i];
    return NULL;
}

/* The old battery of a rule that means the same; -1. */
static int battery_was(const struct judge *to, const struct judge *from,
                       const struct detect_battery *b, const struct detect_track *was)
{
    for (size_t i = 0; i < was->battery_count; i++)
        if (from->rules->items[was->batteries[i].rule].hash == to->rules->items[b->rule].hash)
            return (int)i;
    return -1;
}

/* Where they stand, and by what they are judged until the day ends: that another rule was edited changes nothing. */
static void battery_take_over(struct detect_series *s, const struct detect_battery *b,
                              const struct detect_series *old, const struct detect_battery *was)
{
    for (size_t k = 0; k < b->count; k++) {
        size_t to = b->first + k, from = was->first + k;

        s->w[to] = old->w[from];
        s->zero[to] = old->zero[from];
        s->b[to] = old->b[from];
        s->inverse[to] = old->inverse[from];
        s->rho[to] = old->rho[from];
    }
}

static void tests_take_over(const struct judge *to, const struct judge *from,
                            const struct detect_track *t, const struct detect_track *was,
                            struct detect_series *s, const struct detect_series *old)
{
    for (size_t i = 0; i < DETECT_TESTS; i++) {
        s->w[i] = 0;
        s->zero[i] = to->detect->cursor;
    }
    for (size_t i = 0; i < t->battery_count; i++) {
        int same = battery_was(to, from, &t->batteries[i], was);

        if (same >= 0)
            battery_take_over(s, &t->batteries[i], old, &was->batteries[same]);
    }
}

static void series_move(const struct judge *to, struct detect_track *t,
                        const struct detect_track *was, const struct judge *from,
                        const uint32_t *series_map)
{
    for (size_t i = 0; i < was->series_count; i++)
        if (series_map[i] < t->series_count)
            t->series[series_map[i]] = was->series[i];
    track_derive(to, t);
    for (size_t i = 0; i < was->series_count; i++)
        if (series_map[i] < t->series_count)
            tests_take_over(to, from, t, was, &t->series[series_map[i]], &was->series[i]);
}

/* A rate and dwell that were not configured before count beside what was learned. Changed ones only say how many
 * conversions are to be expected before the first week is learned. */
static void pool_take_over(struct detect_track *t, const struct detect_track *was)
{
    bool adds = t->target > 0 && was->target <= 0;

    for (int bin = 0; bin < t->bins; bin++) {
        t->d[bin] = was->d[bin] + (adds ? t->d[bin] : 0);
        t->y[bin] = was->y[bin] + (adds ? t->y[bin] : 0);
    }
}

static void track_take_over(const struct judge *to, struct detect_track *t,
                            struct detect_track *was, const struct judge *from,
                            const uint32_t *series_map)
{
    mem_free(t->leaves);
    t->leaves = was->leaves;
    t->leaf_count = was->leaf_count;
    t->leaf_cap = was->leaf_cap;
    was->leaves = NULL;
    was->leaf_count = was->leaf_cap = 0;
    pool_take_over(t, was);
    memcpy(t->so, was->so, sizeof(t->so));
    memcpy(t->se, was->se, sizeof(t->se));
    memcpy(t->pending, was->pending, sizeof(t->pending));
    memcpy(t->blocks, was->blocks, sizeof(t->blocks));
    t->level = was->level;
    t->days_learned = was->days_learned;
    t->today = was->today;
    t->day = was->day;
    t->coarse = was->coarse;
    t->fine = was->fine;
    track_reserve(to, t);
    series_move(to, t, was, from, series_map);
}

static void incident_move(struct judge *to, struct judge *from, struct incident c,
                          const uint32_t *series_map)
{
    struct detect *d = to->detect;
    const struct detect_track *was = &from->detect->tracks[c.track];
    uint64_t hash = from->rules->items[was->batteries[c.battery].rule].hash;

    c.series = series_map[c.series];
    for (c.track = 0; c.series != UINT32_MAX && c.track < d->track_count; c.track++) {
        const struct detect_track *t = &d->tracks[c.track];

        if (t->step != was->step || t->volume != was->volume)
            continue;
        for (c.battery = 0; c.battery < t->battery_count; c.battery++) {
            if (to->rules->items[t->batteries[c.battery].rule].hash != hash)
                continue;
            d->incidents = mem_grow(d->incidents, d->incident_count, &d->incident_cap,
                                    sizeof(*d->incidents));
            d->incidents[d->incident_count++] = c;
            return;
        }
    }
}

void detect_take_over(struct judge *to, struct judge *from, const uint32_t *series_map)
{
    if (!to->detect)
        return;
    to->detect->late_counted = to->counts[COUNT_LATE];
    to->detect->events_counted = to->counts[COUNT_EVENTS];
    if (!from->detect)
        return;
    to->detect->cursor = from->detect->cursor;
    to->detect->late = from->detect->late;
    to->detect->events = from->detect->events;
    to->detect->late_counted = from->detect->late_counted;
    to->detect->events_counted = from->detect->events_counted;
    to->detect->late_pane = from->detect->late_pane;
    to->detect->blind_to = from->detect->blind_to;
    for (size_t i = 0; i < to->detect->track_count; i++) {
        struct detect_track *t = &to->detect->tracks[i];
        struct detect_track *was = track_was(from->detect, t);

        if (was)
            track_take_over(to, t, was, from, series_map);
    }
    for (size_t i = 0; i < from->detect->incident_count; i++)
        incident_move(to, from, from->detect->incidents[i], series_map);
    incidents_mark(to);
}
