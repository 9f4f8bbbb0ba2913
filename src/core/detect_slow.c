/* SPDX-License-Identifier: Apache-2.0 */
/* A slow-down that is there to stay. Its days are learned nowhere, so that the incident itself keeps what its series
 * showed by age; on acceptance that takes the place of what was known of these stays. Fewer days back it than before,
 * and it weighs as many as they are: the days that come soon outweigh it.
 *
 * A step has one distribution of dwell. A segment that keeps a pace of its own would be found again and again: from
 * then on it is only asked whether it converts at all ages. */
#include <string.h>

#include "funnel/detect_parts.h"
#include "funnel/fmath.h"
#include "funnel/rules.h"

#define LEAST 100.0 /* conversions that a distribution rests on */

/* --- while it lasts --- */

static void leaf_show(const struct judge *j, const struct detect_track *t, uint32_t leaf,
                      struct incident *c)
{
    const struct judge_step *s = &j->leaves[leaf].steps[t->step];

    if (s->risk_pane == INT64_MIN || !series_has(j, c->series, leaf))
        return;
    for (int bin = 0; bin < t->bins; bin++)
        c->shown.open[bin] += (double)s->risk.n[bin];
}

void slow_expose(const struct judge *j, const struct detect_track *t)
{
    struct detect *d = j->detect;

    for (size_t i = 0; i < d->incident_count; i++) {
        struct incident *c = &d->incidents[i];

        if (!c->slow || &d->tracks[c->track] != t)
            continue;
        memset(c->shown.open, 0, sizeof(c->shown.open));
        for (size_t leaf = 0; leaf < t->leaf_count; leaf++)
            leaf_show(j, t, (uint32_t)leaf, c);
    }
}

/* Stays begun before it kept the old pace, if not for longer than a window; and something has to be left to show. */
static bool slow_is_telling(const struct judge *j, const struct detect_track *t,
                            const struct incident *c, int64_t pane)
{
    const struct rule *rule = &j->rules->items[t->batteries[c->battery].rule];
    int64_t half = rule->settings->accept_after / 2, window = j->funnel->window_ms[t->step];

    return (pane - c->onset) * j->funnel->pane_ms >= (half < window ? half : window);
}

/* Exposure by the season's measure: few days do not have all hours of the week. */
void slow_count(const struct judge *j, const struct detect_track *t, struct incident *c,
                int64_t pane, const double *season)
{
    const struct detect_pane *p = &t->pane[c->series];

    if (!c->slow || !slow_is_telling(j, t, c, pane))
        return;
    for (int bin = 0; bin < t->bins; bin++) {
        c->shown.y[bin] += c->shown.open[bin] * season[t->group[bin]];
        c->shown.d[bin] += p->n[bin] + p->fn[bin];
    }
}

/* --- accepted --- */

/* What was known of the series, by its leaves; what is known of it now. */
struct slow_known {
    double all, o, y[AGES_BINS]; /* all: conversions of the whole */
};
struct slow_now {
    double o, y[AGES_BINS], d[AGES_BINS];
};

static struct slow_known known_of(const struct judge *j, const struct detect_track *t,
                                  uint32_t series)
{
    struct slow_known known = {0};

    for (size_t i = 0; i < t->leaf_count; i++) {
        const struct detect_leaf *l = &t->leaves[i];

        known.all += l->o;
        if (!series_has(j, series, (uint32_t)i))
            continue;
        known.o += l->o;
        for (int bin = 0; bin < t->bins; bin++)
            known.y[bin] += l->y[bin];
    }
    return known;
}

/* Each leaf keeps its part of the series. */
static void leaf_relearn(const struct detect_track *t, struct detect_leaf *l,
                         const struct slow_known *known, const struct slow_now *now)
{
    for (int bin = 0; bin < t->bins; bin++)
        l->y[bin] = now->y[bin] * (known->y[bin] > 0 ? l->y[bin] / known->y[bin] : l->o / known->o);
    l->o *= now->o / known->o;
}

static void series_relearn(struct detect_series *s, double kept)
{
    s->o *= kept;
    s->entries *= kept;
    s->days *= kept;
}

static void track_relearn(const struct judge *j, struct detect_track *t, uint32_t series,
                          const struct slow_known *known, const struct slow_now *now)
{
    double rest = 1 - known->o / known->all;

    for (size_t i = 0; i < t->leaf_count; i++)
        if (series_has(j, series, (uint32_t)i))
            leaf_relearn(t, &t->leaves[i], known, now);
    for (int bin = 0; bin < t->bins; bin++) {
        t->y[bin] = rest * t->y[bin] + now->y[bin];
        t->d[bin] = rest * t->d[bin] + now->d[bin];
    }
    for (size_t i = 0; i < t->series_count; i++)
        if (series == 0)
            series_relearn(&t->series[i], now->o / known->o);
}

/* The level of a segment is the whole's; that of the whole is what was shown. Where little was, the old fills up. */
static struct slow_now now_of(const struct detect_track *t, const struct incident *c,
                              const struct slow_known *known)
{
    double gain = c->series > 0 ? t->gain : 1, shown = 0, old = 0, scale;
    struct slow_now now;

    for (int bin = 0; bin < t->bins; bin++)
        shown += c->shown.d[bin];
    if (shown < LEAST)
        old = LEAST - shown < known->o ? (LEAST - shown) / known->o : 1;
    now.o = shown + old * known->o;
    /* Beside others it has to keep its share of the step's distribution. */
    scale = now.o > known->o || c->series > 0 ? known->o / now.o : 1;
    now.o *= scale;
    for (int bin = 0; bin < t->bins; bin++) {
        now.y[bin] = scale * (c->shown.y[bin] * gain + old * known->y[bin]);
        now.d[bin] = scale * (c->shown.d[bin] + old * t->d[bin] * known->o / known->all);
    }
    return now;
}

void slow_accept(const struct judge *j, struct detect_track *t, const struct incident *c)
{
    struct slow_known known = known_of(j, t, c->series);
    struct slow_now now;

    if (!(known.o > 0))
        return;
    now = now_of(t, c, &known);
    if (c->series == 0)
        t->level.l = 0;
    else
        t->series[c->series].own_pace = true;
    track_relearn(j, t, c->series, &known, &now);
    /* Days before it may wait still, with the old pace. */
    track_taint(j, t, c->series, c->onset - DETECT_LOOK_BACK_MS / j->funnel->pane_ms);
    track_derive(j, t);
}
