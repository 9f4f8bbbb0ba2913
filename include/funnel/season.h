/* SPDX-License-Identifier: Apache-2.0 */
/* A factor by hour of the week, learned from observed and expected counts (DETECTION section
 * 3): hours of the day are shrunk to 1 by empirical Bayes, hours of the week to their hour of
 * the day, times their day's factor where days differ; then smoothed. Pure. */
#ifndef FUNNEL_SEASON_H
#define FUNNEL_SEASON_H

#define SEASON_HOURS 168
#define SEASON_DAYS 7
#define SEASON_HOURS_A_DAY 24

/* o, e: sums by hour of week, Monday 0:00 first. noise: overdispersion of the counts, >= 1. hod
 * = (o_h + k1)/(e_h + k1) with k1 = noise / variance between the hours, within [2, 20 noise];
 * (o + k2 hod weekday)/(e + k2) with k2 = 60 noise; then the kernel .2 .6 .2 around the week. */
void season_factors(const double o[SEASON_HOURS], const double e[SEASON_HOURS], double noise,
                    const double weekday[SEASON_DAYS], double ret_factor[SEASON_HOURS]);
/* What each day of the week has beside its hours: (o_d + k)/(e_d + k), e_d by hod, k = noise /
 * variance between the days; 1 where they differ by no more than noise; none above the median of the
 * seven. */
void season_weekdays(const double o[SEASON_HOURS], const double e[SEASON_HOURS], double noise,
                     double ret_factor[SEASON_DAYS]);
/* How far the log of an hour of the day's factor may be off after `days` days, as an sd: 0.5 of an hour that was not seen. */
void season_doubt(const double e[SEASON_HOURS], double noise, double days,
                  double ret_sd[SEASON_HOURS_A_DAY]);
/* At an hour of week with its fraction, 0 <= hour < 168: linear between the hours' middles. */
double season_at(const double factor[SEASON_HOURS], double hour);

#endif
