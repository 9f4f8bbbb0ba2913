/* SPDX-License-Identifier: Apache-2.0 */
/* Where a change is, of what kind, and when it is over (DETECTION sections 6 and 7). Pure.
 * Kulldorff 1997, Neill 2012 (scan statistics, fast subset scan); Kitagawa 1955 (rate
 * decomposition). */
#ifndef FUNNEL_ATTRIBUTION_H
#define FUNNEL_ATTRIBUTION_H

#include <stdbool.h>
#include <stddef.h>

#include "funnel/hazard.h"

/* O ln(max(O, 1/2) / E) - (O - E) where O < E, else 0: log likelihood ratio of a drop. */
double attribution_score(double o, double e);
/* (O + 1/2) / (E + 1/2). */
double attribution_ratio(double o, double e);
/* Element 0 is the whole funnel, the others segments, which pay ln(n) for the search. The best;
 * the first of equals. *ret_score: its score, less what it pays. n >= 1. */
size_t attribution_best(const double *o, const double *e, size_t n, double *ret_score);
/* sum u_j N_j - sum (e^{u_j} - 1) E_j by the slow score exceeds the drop's score by 0.5. */
double attribution_slow_score(int bins, const double *u, const double *n, const double *e);
bool attribution_is_slowdown(double slow_score, double drop_score);

/* Which values of one dimension, together: sorted by O/E only prefixes can be best. Fills
 * ret_order[n] with the indices in that order and returns how many of the first are in (0: none
 * has O < E). *ret_score without penalty. */
size_t attribution_subset(const double *o, const double *e, size_t n, size_t *ret_order,
                          double *ret_score);

/* What would have come in so many panes, where o conversions came and e were expected of the stays at risk: who did not
 * convert stays at risk, so that e counts most of the lost ones again, age by age. The cell's final chance is P. Where
 * every chance is o / e of what it was, the share that converts falls from p to p', and o p / p' would have come; e
 * itself where o = e. */
double attribution_due(const struct hazard *h, double P, double panes, double o, double e);

/* Rate now less rate before, split over segments that partition both: weights w are shares of
 * entries, p rates. ret_rate[i] = (w1 + w0)/2 (p1 - p0), ret_mix[i] = (p1 + p0)/2 (w1 - w0);
 * their sum is p1_all - p0_all, less the rounding, which is returned. A segment without entries
 * takes the other time's rate. No entries at all at one of the times: nothing to compare, all
 * 0. */
double attribution_split(const double *entries_now, const double *conversions_now,
                         const double *entries_before, const double *conversions_before, size_t n,
                         double *ret_rate, double *ret_mix);

/* The mirrored CUSUM that ends an alert. */
#define RECOVERY_NATS 4.0
double recovery_ratio(double ratio); /* r = clamp(ratio, .08, .9)^.75 */
/* R <- max(0, R + (N ln(1/r) - (1 - r) A) / phi). */
double recovery_step(double R, double n, double a, double r, double phi);

#endif
