/* SPDX-License-Identifier: Apache-2.0 */
/* The first two weeks of a step: its hours of the day are not known well, and a first night looks like an incident. Tests
 * then grant an hour what its factor may be off by.
 *
 * A segment has the rest of the funnel beside it: what an hour does, it does to both, but for what segments' hours
 * differ by. So a segment needs no day to be learned before a loss in it alone stands out. */
#include "funnel/detect_parts.h"
#include "funnel/fmath.h"

#define DOUBT_SD 1.5 /* how many of its errors are granted */
#define BESIDE_MS ZONE_HOUR_MS
#define BESIDE_SD 0.15   /* of the log of what segments' hours differ by */
#define BESIDE_PRIOR 2.0 /* conversions */

/* Days that taught the season. What an alert named in them did not. */
static double season_days_learned(const struct detect_track *t)
{
    const struct detect_series *s = t->series;
    double o = 0, days;

    if (t->series_count == 0 || !(s->o > 0))
        return 0;
    for (int g = 0; g < DETECT_GROUPS; g++)
        for (int h = 0; h < SEASON_HOURS; h++)
            o += t->so[g][h];
    days = o * s->days / s->o;
    return days < (double)t->days_learned ? days : (double)t->days_learned;
}

/* Days differ from each other in the second week as in the first. That hours with few conversions are not known well does
 * not add up to alerts once all hours have been seen for a week. */
void doubt_derive(struct detect_track *t, double noise)
{
    double days = season_days_learned(t);
    double counting = t->days_learned < DETECT_LEARNING_DAYS ? noise : 0;

    t->noise = noise;
    t->doubtful = !t->volume && t->days_learned < DETECT_DOUBT_DAYS;
    for (int g = 0; g < DETECT_GROUPS && t->doubtful; g++)
        season_doubt(t->se[g], counting, days, t->doubt[g]);
}

/* Log of what the rest of the funnel converts of what is expected, and what that says of a segment: its precision. */
static double doubt_beside(const struct judge *j, const struct detect_track *t, uint32_t series,
                           int64_t pane, double *ret_precision)
{
    int64_t from = pane - BESIDE_MS / j->funnel->pane_ms + 1;
    struct track_sums all = track_since(j, t, 0, from, pane);
    struct track_sums own = track_since(j, t, series, from, pane);
    double o = all.n > own.n ? all.n - own.n : 0, e = all.e - own.e;

    *ret_precision = 0;
    if (series == 0 || !(e > 0))
        return 0;
    *ret_precision = 1 / (BESIDE_SD * BESIDE_SD + t->noise / (e + BESIDE_PRIOR));
    return fm_log((o + BESIDE_PRIOR) / (e + BESIDE_PRIOR));
}

void doubt_shares(const struct judge *j, const struct detect_track *t, uint32_t series,
                  int64_t pane, int hour, struct doubt_shares ret[DETECT_GROUPS])
{
    double precision, beside = doubt_beside(j, t, series, pane, &precision);

    for (int g = 0; g < DETECT_GROUPS; g++) {
        double own = 1 / (t->doubt[g][hour] * t->doubt[g][hour]);
        double mean = beside * precision / (own + precision);
        double error = DOUBT_SD / __builtin_sqrt(own + precision);

        ret[g].least = fm_exp(mean - error);
        ret[g].most = fm_exp(mean + error);
    }
}
