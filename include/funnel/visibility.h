/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule can see, and how soon: from its budget and the traffic, before anything has happened. Mean times, of a
 * change that hits everybody from now on. Pure. */
#ifndef FUNNEL_VISIBILITY_H
#define FUNNEL_VISIBILITY_H

#include <stdbool.h>
#include <stdint.h>

#include "funnel/threshold.h"

/* The tests of one rule on one series. */
struct visibility {
    struct threshold_series series;      /* its rho is left out: what follows gives it */
    struct dispersion phi[CUSUM_SCALES]; /* zeros: no noise but that of counting */
    double level_variance;               /* of the baseline's level */
    double min_effect;                   /* of the rule */
    bool short_history;                  /* shorter than a stay may last */
};

/* Longer than this it takes with the baseline, which learns with a half-life of two weeks, as much as with the change. */
#define VISIBILITY_DAYS_MAX 28.0

/* At nu conversions a day, once they have been learned for this many days: o and level_variance; the rest is left
 * alone. */
void visibility_learned(struct visibility *v, double nu, int days);
/* A segment with `part` of the traffic, and so of the noise. share: of the budget. */
struct visibility visibility_segment(const struct visibility *v, double part, double share);

/* Mean number of expected conversions until W > b, when there are q times as many as expected: scores as in cusum.h,
 * divided by phi. As of a Brownian motion of the same drift and variance; at q, rho0 and phi for
 * which cusum_arl1() holds the two differ by less than an eighth. DBL_MAX: never. */
double visibility_run(const struct cusum_test *t, const struct threshold *x, double q);
/* Days until the first of the rule's tests fires, on average, when there are q times as many conversions as expected: at
 * least a pane. Infinite beyond VISIBILITY_DAYS_MAX, or without traffic. */
double visibility_days(const struct visibility *v, double q);

/* --- rules that test a window at a time --- */

/* The relative drop from `rate`, 0 < rate < 1, that a window of n entries shows every other time: where the statistic is z
 * on average. two: against a window as large. Above 1: none. */
double visibility_window(double n, double rate, double z, bool two);

#endif
