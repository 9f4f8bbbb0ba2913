/* SPDX-License-Identifier: Apache-2.0 */
/* Slow changes of a step and its noise, day by day (DETECTION sections 3 and 5). Pure. */
#ifndef FUNNEL_LEVEL_H
#define FUNNEL_LEVEL_H

/* Local-level Kalman filter on (O - E) / E of a day: the logarithm of how far all is off its
 * baseline. */
struct level {
    double l, p; /* the level, its variance */
};
#define LEVEL_P_START 0.0004
void level_init(struct level *v);
/* One day: p += 0.03^2 / 7; R = phi / e; the innovation winsorised at 2.5 sd; l <- 2^(-1/14) l
 * + K v. A day without expectation (e <= 0) only widens p. */
void level_day(struct level *v, double o, double e, double phi);

/* Variance of block residuals over what counting gives. */
struct dispersion {
    double o, e; /* decayed sums of squares, and of variances; half-life 14 d */
};
/* max((o + 30) / (e + 30), 1). */
double dispersion_phi(const struct dispersion *d);
/* A block's square, winsorised: min(r^2, 9 phi v). */
double dispersion_square(double r, double v, double phi);
/* A day's sums of those and of v. days: since the last time, for the decay. */
void dispersion_add(struct dispersion *d, double squares, double variances, double days);

#endif
