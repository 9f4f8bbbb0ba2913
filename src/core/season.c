/* SPDX-License-Identifier: Apache-2.0 */
/* Hours of the day first, over the seven days. Their factors are shrunk to 1 as though k
 * conversions more had been expected and come: with noise / variance of them the error is least
 * where the true factors vary by that variance (empirical Bayes). An hour of the week then
 * begins at its hour of the day and needs 60 of its own to count as much. */
#include "funnel/season.h"

#define HOURS_A_DAY 24
#define HOD_MIN 2.0
#define HOD_MAX 20.0 /* times noise */
#define HOW 60.0     /* times noise */
#define VARIANCE_MIN 1e-9
#define KERNEL_SIDE 0.2
#define KERNEL_MIDDLE 0.6

static void season_days(const double *hours, double *ret_sums)
{
    for (int h = 0; h < HOURS_A_DAY; h++) {
        ret_sums[h] = 0.0;
        for (int i = h; i < SEASON_HOURS; i += HOURS_A_DAY)
            ret_sums[h] += hours[i];
    }
}

/* Conversions of prior weight for an hour of the day. */
static double season_shrinkage(const double *o, const double *e, double noise)
{
    double squares = 0.0, expected = 0.0, expected_squares = 0.0, variance, k;

    for (int h = 0; h < HOURS_A_DAY; h++) {
        squares += (o[h] - e[h]) * (o[h] - e[h]);
        expected += e[h];
        expected_squares += e[h] * e[h];
    }
    variance = expected_squares > 0.0 ? (squares - noise * expected) / expected_squares : 0.0;
    k = noise / (variance > VARIANCE_MIN ? variance : VARIANCE_MIN);
    if (k < HOD_MIN)
        return HOD_MIN;
    return k < HOD_MAX * noise ? k : HOD_MAX * noise;
}

void season_factors(const double o[SEASON_HOURS], const double e[SEASON_HOURS], double noise,
                    double ret_factor[SEASON_HOURS])
{
    double day_o[HOURS_A_DAY], day_e[HOURS_A_DAY], raw[SEASON_HOURS];
    double k1, k2 = HOW * noise;

    season_days(o, day_o);
    season_days(e, day_e);
    k1 = season_shrinkage(day_o, day_e, noise);
    for (int i = 0; i < SEASON_HOURS; i++) {
        int h = i % HOURS_A_DAY;
        double hour_of_day = (day_o[h] + k1) / (day_e[h] + k1);

        raw[i] = (o[i] + k2 * hour_of_day) / (e[i] + k2);
    }
    for (int i = 0; i < SEASON_HOURS; i++)
        ret_factor[i] = KERNEL_MIDDLE * raw[i] +
                        KERNEL_SIDE * raw[(i + SEASON_HOURS - 1) % SEASON_HOURS] +
                        KERNEL_SIDE * raw[(i + 1) % SEASON_HOURS];
}

double season_at(const double factor[SEASON_HOURS], double hour)
{
    double at = hour < 0.5 ? hour + SEASON_HOURS - 0.5 : hour - 0.5; /* from the middle of hour 0 */
    int before = (int)at;
    double part = at - before;

    return factor[before % SEASON_HOURS] * (1.0 - part) +
           factor[(before + 1) % SEASON_HOURS] * part;
}
