/* SPDX-License-Identifier: Apache-2.0 */
/* The threshold of one test of one series, from its rule's budget, its traffic and its noise (DETECTION section 5): what
 * the detector goes by, and what says beforehand what it can see. Pure. */
#ifndef FUNNEL_THRESHOLD_H
#define FUNNEL_THRESHOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/cusum.h"
#include "funnel/level.h"

struct threshold_series {
    double nu, o; /* conversions a day, conversions known */
    double rho;   /* indifference: threshold_rho() */
    double alpha; /* false alarms a week that the step may give */
    double share; /* of it, this series' */
    bool rise;    /* the rule asks for rises */
    int64_t pane_ms;
};

struct threshold {
    double b, phi, rho;
};

/* Half of the budget for the whole, series 0; half for all the others that there may be. */
double threshold_share(size_t series, size_t others);
/* rho0, below 1. short_history: not as long as a stay may last. min_effect: 0 where none is configured. */
double threshold_rho(double level_variance, double o, double min_effect, bool short_history);
/* phi: the series' noise of the test's family, by scale; CUSUM_SCALES of them. nu > 0. */
struct threshold threshold_of(const struct cusum_test *t, const struct threshold_series *s,
                              const struct dispersion *phi);

#endif
