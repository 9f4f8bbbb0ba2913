/* SPDX-License-Identifier: Apache-2.0 */
/* A step with a configured target rate and typical dwell is tested from the first hour: it begins as if it had seen
 * DETECT_PSEUDO entrants convert at that rate, with exponential times of that median. They fade like any history. Until
 * a week is learned, traffic is not known: thresholds follow it hour by hour. */
#include "funnel/clock.h"
#include "funnel/detect_parts.h"
#include "funnel/fmath.h"

bool cold_is(const struct detect_track *t)
{
    return t->target > 0 && t->days_learned < DETECT_LEARNING_DAYS;
}

/* D_j of the pseudo-entrants, and the Y_j that make D_j / Y_j the hazard of one pane. */
void cold_init(const struct judge *j, struct detect_track *t)
{
    const struct settings_stage *stage = &j->funnel->settings->stages.items[t->step];
    double half = (double)stage->dwell / (double)j->funnel->pane_ms, whole, before = 0;

    if (t->volume || !(stage->target > 0) || !(stage->dwell > 0))
        return;
    t->target = stage->target < HAZARD_P_MAX ? stage->target : HAZARD_P_MAX;
    whole = -fm_expm1(-FM_LN2 * (double)t->ages->edge[t->bins] / half);
    for (int bin = 0; bin < t->bins; bin++) {
        double width = (double)(t->ages->edge[bin + 1] - t->ages->edge[bin]);
        double after = t->target * -fm_expm1(-FM_LN2 * (double)t->ages->edge[bin + 1] / half) /
                       whole;
        double chance = -fm_expm1(fm_log((1 - after) / (1 - before)) / width);

        t->d[bin] = DETECT_PSEUDO * (after - before);
        t->y[bin] = chance > 0 ? t->d[bin] / chance : 0;
        before = after;
    }
}

/* One pane after each other, as tracks begin their days. */
bool cold_is_hour(const struct judge *j, size_t number, int64_t pane)
{
    int64_t panes = ZONE_HOUR_MS / j->funnel->pane_ms, at = pane - (int64_t)number;

    return panes <= 1 || at == floor_div(at, panes) * panes;
}

/* Entries tell what to expect before the first conversions can have come. */
void cold_facts(const struct judge *j, const struct detect_track *t, const struct detect_series *s,
                double *ret_nu, double *ret_o)
{
    double o = s->o, entries = s->entries, days = s->days;

    for (int i = 0; i < DETECT_DAYS; i++) {
        o += s->pending[i].o;
        entries += s->pending[i].entries;
        days += s->pending[i].panes * (double)j->funnel->pane_ms / (double)ZONE_DAY_MS;
    }
    *ret_o = s->o + DETECT_PSEUDO * t->target;
    o = o > entries * t->target ? o : entries * t->target;
    *ret_nu = days > 0 ? o / days : 0;
}
