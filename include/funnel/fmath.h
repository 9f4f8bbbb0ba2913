/* SPDX-License-Identifier: Apache-2.0 */
/* exp, log and the normal distribution, the same bits on every CPU: libm's differ in the last bit between
 * machines with and without fused multiply-add. Pure, no errno, no floating-point flags promised.
 *
 * Errors are against the exact result, in units of its last place (ulp), as asserted over 15 million
 * arguments by tests/unit/test_fmath.c. */
#ifndef FUNNEL_FMATH_H
#define FUNNEL_FMATH_H

#define FM_LN2 \
    0.69314718055994530942 /* of half-lives: what is left after t is e^(-FM_LN2 t / half-life) */

/* e^x within 0.54 ulp, where the result is subnormal 0.8. Above 709.78 inf, below -745.13 0; NaN stays. */
double fm_exp(double x);
/* e^x - 1 within 0.65 ulp, also near 0. -0 stays -0, NaN stays. */
double fm_expm1(double x);
/* Natural logarithm within 0.7 ulp. 0: -inf; negative: NaN; inf: inf; subnormals are as good as others. */
double fm_log(double x);

/* z with P(Z <= z) = p, standard normal; relative error < 2e-15 (Wichura 1988, Algorithm AS 241,
 * PPND16). p = 0: -inf; 1: inf; outside [0, 1]: NaN. */
double fm_normal_quantile(double p);
/* P(Z > z): relative error < 1e-13 where the result is normal. NaN stays NaN. */
double fm_normal_sf(double z);

#endif
