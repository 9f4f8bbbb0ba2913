/* SPDX-License-Identifier: Apache-2.0 */
/* Proportions with their uncertainty, and how numbers leave the machines. Deterministic: + - * / sqrt and
 * fmath.h only. */
#ifndef FUNNEL_STATS_H
#define FUNNEL_STATS_H

#include <stdint.h>

#include "funnel/buf.h"

struct interval {
    double low, high;
};

#define STATS_Z95 1.959963984540054 /* two-sided 95 % */

/* Score interval of the proportion min(k, n)/n, k and n >= 0, z > 0 standard deviations (E. B. Wilson 1927,
 * J. Amer. Statist. Assoc. 22). n = 0: {0, 1}. A throughput may exceed 1; then k > n, the interval is that
 * of n/n, and saying so is the caller's business. */
struct interval stats_wilson(int64_t k, int64_t n, double z);

/* (k1/n1 - k2/n2) in pooled standard deviations: negative where the first rate is lower. 0 when an n is 0
 * or when both rates are 0, or both 1. Each k counts as at most its n. */
double stats_two_proportion_z(int64_t k1, int64_t n1, int64_t k2, int64_t n2);

/* (k/n - rate) in standard deviations of `rate`, 0 < rate < 1; 0 when n is 0 or rate out of range. k is not
 * cut at n. */
double stats_one_proportion_z(int64_t k, int64_t n, double rate);

/* Stays that count in part: k conversions so far of stays whose maturities m sum to `sum`, so that sum * rate are
 * expected; `squares` is the sum of m^2, less the variance of `sum` where the maturities are estimates. The variance of
 * k is sum * rate - squares * rate^2. With every m = 1 these are the two above, but k is not cut. `sum` 0: {0, 1}
 * and 0. */
struct interval stats_partial_wilson(double k, double sum, double squares, double z);
double stats_partial_z(double k, double sum, double squares, double rate);

/* The z that a one-sided test must exceed: 0.001 -> 3.09. significance in (0, 1). */
double stats_significance_z(double significance);

/* Appends x, rounded to 9 significant digits, as a JSON number: as ECMAScript writes the rounded value
 * (plain digits for 1e-6 <= |x| < 1e21, else 1.5e-7, 1e+21), no trailing zeros, -0 as 0. Not finite: null.
 * Does not depend on the locale. */
void buf_number(struct buf *b, double x);

#endif
