/* SPDX-License-Identifier: Apache-2.0 */
/* Hours of the day first, over the seven days. Their factors are shrunk to 1 as though k
 * conversions more had been expected and come: with noise / variance of them the error is least
 * where the true factors vary by that variance (empirical Bayes). An hour of the week then
 * begins at its hour of the day and needs 60 of its own to count as much.
 *
 * Where days of the week differ by more than noise, it begins at that times its day's factor, shrunk
 * in the same way: a single Sunday says little of its hours, and enough of itself. Without it the
 * second Sunday is an incident, of which nothing is learned, and so is every other. That a day is better
 * than most its hours have to say: one busy Friday would make an incident of the next, and so on. */
#include "funnel/season.h"

#define PRIOR_MIN 2.0
#define HOD_MAX 20.0 /* times noise */
#define HOW 60.0     /* times noise */
#define VARIANCE_MIN 1e-9
#define DOUBT_HOURS 0.5 /* sd of the log of an hour's factor: it may be one of the night */
#define DOUBT_DAYS 0.1  /* of the same hour between days */
#define KERNEL_SIDE 0.2
#define KERNEL_MIDDLE 0.6

static void season_days(const double *hours, double *ret_sums)
{
    for (int h = 0; h < SEASON_HOURS_A_DAY; h++) {
        ret_sums[h] = 0.0;
        for (int i = h; i < SEASON_HOURS; i += SEASON_HOURS_A_DAY)
            ret_sums[h] += hours[i];
    }
}

/* The variance of n true factors around 1, by what their counts vary more than noise does; may be negative. */
static double season_variance(const double *o, const double *e, int n, double noise)
{
    double squares = 0.0, expected = 0.0, expected_squares = 0.0;

    for (int i = 0; i < n; i++) {
        squares += (o[i] - e[i]) * (o[i] - e[i]);
        expected += e[i];
        expected_squares += e[i] * e[i];
    }
    return expected_squares > 0.0 ? (squares - noise * expected) / expected_squares : 0.0;
}

/* Conversions of prior weight. */
static double season_prior(double noise, double variance)
{
    double k = noise / (variance > VARIANCE_MIN ? variance : VARIANCE_MIN);

    return k < PRIOR_MIN ? PRIOR_MIN : k;
}

static void season_hours(const double *o, const double *e, double noise, double *ret_factor)
{
    double day_o[SEASON_HOURS_A_DAY], day_e[SEASON_HOURS_A_DAY], k;

    season_days(o, day_o);
    season_days(e, day_e);
    k = season_prior(noise, season_variance(day_o, day_e, SEASON_HOURS_A_DAY, noise));
    if (k > HOD_MAX * noise)
        k = HOD_MAX * noise;
    for (int h = 0; h < SEASON_HOURS_A_DAY; h++)
        ret_factor[h] = (day_o[h] + k) / (day_e[h] + k);
}

/* None above the one in the middle. */
static void weekdays_cap(double *factor)
{
    double sorted[SEASON_DAYS];

    for (int d = 0; d < SEASON_DAYS; d++) {
        int at = d;

        for (; at > 0 && sorted[at - 1] > factor[d]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = factor[d];
    }
    for (int d = 0; d < SEASON_DAYS; d++)
        if (factor[d] > sorted[SEASON_DAYS / 2])
            factor[d] = sorted[SEASON_DAYS / 2];
}

void season_weekdays(const double o[SEASON_HOURS], const double e[SEASON_HOURS], double noise,
                     double ret_factor[SEASON_DAYS])
{
    double hour_of_day[SEASON_HOURS_A_DAY], day_o[SEASON_DAYS] = {0}, day_e[SEASON_DAYS] = {0};
    double variance, k;

    season_hours(o, e, noise, hour_of_day);
    for (int i = 0; i < SEASON_HOURS; i++) {
        day_o[i / SEASON_HOURS_A_DAY] += o[i];
        day_e[i / SEASON_HOURS_A_DAY] += e[i] * hour_of_day[i % SEASON_HOURS_A_DAY];
    }
    variance = season_variance(day_o, day_e, SEASON_DAYS, noise);
    k = season_prior(noise, variance);
    for (int d = 0; d < SEASON_DAYS; d++)
        ret_factor[d] = variance > VARIANCE_MIN ? (day_o[d] + k) / (day_e[d] + k) : 1.0;
    weekdays_cap(ret_factor);
}

void season_factors(const double o[SEASON_HOURS], const double e[SEASON_HOURS], double noise,
                    const double weekday[SEASON_DAYS], double ret_factor[SEASON_HOURS])
{
    double hour_of_day[SEASON_HOURS_A_DAY], raw[SEASON_HOURS], k = HOW * noise;

    season_hours(o, e, noise, hour_of_day);
    for (int i = 0; i < SEASON_HOURS; i++) {
        double begins = hour_of_day[i % SEASON_HOURS_A_DAY] * weekday[i / SEASON_HOURS_A_DAY];

        raw[i] = (o[i] + k * begins) / (e[i] + k);
    }
    for (int i = 0; i < SEASON_HOURS; i++)
        ret_factor[i] = KERNEL_MIDDLE * raw[i] +
                        KERNEL_SIDE * raw[(i + SEASON_HOURS - 1) % SEASON_HOURS] +
                        KERNEL_SIDE * raw[(i + 1) % SEASON_HOURS];
}

/* What a day shows of an hour is off by its own counting and by what days differ; a prior of the sd DOUBT_HOURS holds
 * until the days outweigh it. */
void season_doubt(const double e[SEASON_HOURS], double noise, double days,
                  double ret_sd[SEASON_HOURS_A_DAY])
{
    double day_e[SEASON_HOURS_A_DAY];

    season_days(e, day_e);
    for (int h = 0; h < SEASON_HOURS_A_DAY; h++) {
        double known = 1 / (DOUBT_HOURS * DOUBT_HOURS);

        if (day_e[h] > 0 && days > 0)
            known += 1 / (DOUBT_DAYS * DOUBT_DAYS / days + noise / day_e[h]);
        ret_sd[h] = 1 / __builtin_sqrt(known);
    }
}

double season_at(const double factor[SEASON_HOURS], double hour)
{
    double at = hour < 0.5 ? hour + SEASON_HOURS - 0.5 : hour - 0.5; /* from the middle of hour 0 */
    int before = (int)at;
    double part = at - before;

    return factor[before % SEASON_HOURS] * (1.0 - part) +
           factor[(before + 1) % SEASON_HOURS] * part;
}
