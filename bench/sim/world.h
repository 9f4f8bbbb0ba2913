/* SPDX-License-Identifier: Apache-2.0 */
/* The truth behind a simulated stream: what a shop would be like, drawn from a seed.
 *
 * - Arrivals: a Poisson process, its rate a profile by hour of the week × a log-normal factor of each hour.
 * - A visitor's leaf: three independent dims; the log-weights of their values drift (Ornstein-Uhlenbeck,
 *   month-long memory), and mobile has its evenings.
 * - A step converts with the probability p[step][leaf]: log-odds are a sum over dims, plus a little of
 *   each leaf's own. The dwell is log-normal on a clock that runs slower at night.
 * - A conversion that is due happens with the chance exp(season + level − headroom), p having been raised
 *   by exp(headroom): the season by hour of the week is ≤ 0, the level a slow AR(1) of each step, mean 1.
 *
 * Times are ms since the stream's start; hours of the week begin on Monday. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "chance.h"
#include "dims.h"
#include "incident.h"

#define HOUR_MS INT64_C(3600000)
#define WEEK_HOURS 168

struct world_options {
    uint64_t seed;
    double visits_per_day;
    int days;
    int64_t start_ms;
    double noise;       /* sd of a step's log level */
    double noise_hours; /* its memory */
    double night;       /* pace of the dwell's clock at its slowest; by day 1 */
    double dwell;       /* factor of the medians */
    double bursts;      /* sd of an hour's log arrivals */
    double drift;       /* sd of a value's log weight */
};

struct world {
    struct world_options options;
    const struct incidents *incidents; /* borrowed */
    int hours;
    int first_hour; /* of the week */
    double arrivals[WEEK_HOURS];
    double season[WEEK_HOURS];
    double speed[24]; /* of the dwell's clock */
    double p[STEPS][LEAVES];
    double median_ms[STEPS], sigma[STEPS];
    double headroom;
    double *burst;        /* [hours] */
    double *level[STEPS]; /* [hours] */
    double *weight[DIMS]; /* [hours × VALUES_MAX], logs */
};

void world_init(struct world *w, const struct world_options *options,
                const struct incidents *incidents);
void world_deinit(struct world *w);

int world_hour_of_week(const struct world *w, int64_t t);
double world_rate(const struct world *w, int64_t t); /* arrivals a minute */
void world_shares(const struct world *w, int64_t t, double cumulative[LEAVES]);
/* When a dwell of so much daytime that began at t ends; not much beyond the stream's end. */
int64_t world_dwell_end(const struct world *w, int step, int leaf, int64_t t, double dwell_ms);
double world_keep(const struct world *w, int step, int64_t t); /* of a conversion that is due */

void world_print(const struct world *w, FILE *out); /* all of it, one JSON object */

#endif
