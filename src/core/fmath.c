/* SPDX-License-Identifier: Apache-2.0 */
/* Argument reduction, a short series, and the leading terms carried in two doubles.
 *
 * exp. x = k ln2 + r with |r| <= ln2/2; ln2 is split so that k LN2_HIGH is exact (Cody, Waite 1980,
 * "Software Manual for the Elementary Functions"). On that interval the Taylor series to r^14/14! is short
 * of e^r by less than 1e-19, a thousandth of an ulp, so there are no fitted coefficients. All that the
 * result's last bit hangs on is the sum 1 + r + r^2/2 + (rest, below 0.008): its first three terms are added
 * exactly, as a double and its rounding error (Dekker 1971, "A floating-point technique for extending the
 * available precision"), and only the rest is rounded. expm1 is the same sum without, or minus, the 1.
 *
 * log. x = 2^k m with m in [sqrt(1/2), sqrt(2)), f = m - 1, s = f/(2 + f), so that
 * log m = 2 artanh s = f - f^2/2 + s (f^2/2 + R), R = 2 s^2/3 + 2 s^4/5 + ... (as in Ng's fdlibm, 1993, but
 * with the plain series to s^20: |s| < 0.172). k LN2_HIGH + f - f^2/2 is added exactly, the rest rounded.
 *
 * Worked example, exp(1): k = 1, r = 1 - ln2 = 0.306853, r^2/2 = 0.047079, rest = 0.005209,
 * 2 (1 + 0.306853 + 0.047079 + 0.005209) = 2.718282.
 *
 * Nothing here may be contracted into fused operations, or the exact sums are none: -ffp-contract=off. */
#include "funnel/fmath.h"

#include <stdint.h>
#include <string.h>

#define LN2_HIGH 0x1.62e42feep-1 /* 32 bits; times any exponent it is exact */
#define LN2_LOW 0x1.a39ef35793c76p-33
#define INVERSE_LN2 0x1.71547652b82fep0
#define SQRT2 0x1.6a09e667f3bcdp0
#define INVERSE_SQRT_2PI 0x1.9884533d43651p-2

/* high + low, |low| <= ulp(high)/2. */
struct twice {
    double high, low;
};

/* a + b exactly, for |a| >= |b| or a = 0. */
static struct twice twice_sum(double a, double b)
{
    double high = a + b;

    return (struct twice){high, b - (high - a)};
}

/* a a exactly; |a| neither huge nor so small that a a is subnormal to the last bit. */
static struct twice twice_square(double a)
{
    double high = a * a, wide = a * 0x1.0000002p27;
    double front = wide - (wide - a), back = a - front;

    return (struct twice){high, ((front * front - high) + 2.0 * front * back) + back * back};
}

static double power_of_two(int k) /* -1022 <= k <= 1023 */
{
    uint64_t bits = (uint64_t)(k + 1023) << 52;
    double x;

    memcpy(&x, &bits, sizeof(x));
    return x;
}

static double scale(double y, int k) /* y 2^k, for y in [1/2, 2): one rounding at most */
{
    if (k > 1023)
        return y * 2.0 * power_of_two(k - 1);
    if (k < -1022)
        return y * power_of_two(k + 200) * power_of_two(-200);
    return y * power_of_two(k);
}

/* (e^r - 1 - r - r^2/2)/r^3: 1/3! + r/4! + ... + r^11/14!. */
static double exp_rest(double r)
{
    static const double inverse_factorial[] = {
        1.0 / 6.0,        1.0 / 24.0,        1.0 / 120.0,        1.0 / 720.0,
        1.0 / 5040.0,     1.0 / 40320.0,     1.0 / 362880.0,     1.0 / 3628800.0,
        1.0 / 39916800.0, 1.0 / 479001600.0, 1.0 / 6227020800.0, 1.0 / 87178291200.0,
    };
    double sum = inverse_factorial[11];

    for (int i = 10; i >= 0; i--)
        sum = sum * r + inverse_factorial[i];
    return sum;
}

/* e^(r + correction) - 1, |r| <= 0.35, correction a rounding error of r. */
static struct twice exp_reduced(double r, double correction)
{
    struct twice square = twice_square(r);
    struct twice sum = twice_sum(r, 0.5 * square.high);

    sum.low += 0.5 * square.low + (correction + correction * r + square.high * r * exp_rest(r));
    return sum;
}

/* x = k ln2 + r + correction, for |x| < 800. Returns e^r - 1. */
static struct twice exp_reduce(double x, int *ret_k)
{
    int k = (int)(x * INVERSE_LN2 + (x < 0.0 ? -0.5 : 0.5));
    double high = x - (double)k * LN2_HIGH, low = (double)k * LN2_LOW;
    double r = high - low;

    *ret_k = k;
    return exp_reduced(r, (high - r) - low);
}

double fm_exp(double x)
{
    struct twice less_one, sum;
    int k;

    if (x != x)
        return x;
    if (x > 709.8)
        return __builtin_inf();
    if (x < -745.2)
        return 0.0;
    less_one = exp_reduce(x, &k);
    sum = twice_sum(1.0, less_one.high);
    return scale(sum.high + (sum.low + less_one.low), k);
}

double fm_expm1(double x)
{
    struct twice less_one, e, sum;
    double power;
    int k;

    if (x != x || (x < 0x1p-54 && x > -0x1p-54))
        return x;
    if (x > 45.0)
        return fm_exp(x); /* 1 is less than a 400th of its last place */
    if (x < -38.0)
        return -1.0;
    less_one = exp_reduce(x, &k);
    if (k == 0)
        return less_one.high + less_one.low;
    e = twice_sum(1.0, less_one.high);
    power = power_of_two(k);
    sum = k > 0 ? twice_sum(power * e.high, -1.0) : twice_sum(-1.0, power * e.high);
    return sum.high + (sum.low + power * (e.low + less_one.low));
}

/* 2 s^2/3 + 2 s^4/5 + ... + 2 s^20/21. */
static double log_rest(double square)
{
    static const double odd[] = {2.0 / 3.0,  2.0 / 5.0,  2.0 / 7.0,  2.0 / 9.0,  2.0 / 11.0,
                                 2.0 / 13.0, 2.0 / 15.0, 2.0 / 17.0, 2.0 / 19.0, 2.0 / 21.0};
    double sum = odd[9];

    for (int i = 8; i >= 0; i--)
        sum = sum * square + odd[i];
    return sum * square;
}

/* x = 2^k m, x positive and finite. Returns m in [sqrt(1/2), sqrt(2)). */
static double log_reduce(double x, int *ret_k)
{
    uint64_t bits;
    int k = 0;
    double m;

    if (x < 0x1p-1022) {
        x *= 0x1p54;
        k = -54;
    }
    memcpy(&bits, &x, sizeof(bits));
    k += (int)(bits >> 52) - 1023;
    bits = (bits & UINT64_C(0x000fffffffffffff)) | UINT64_C(0x3ff0000000000000);
    memcpy(&m, &bits, sizeof(m));
    if (m >= SQRT2) {
        m *= 0.5;
        k++;
    }
    *ret_k = k;
    return m;
}

double fm_log(double x)
{
    struct twice square, first, sum;
    double f, s, rest;
    int k;

    if (x != x || x == __builtin_inf())
        return x;
    if (x <= 0.0)
        return x == 0.0 ? -__builtin_inf() : __builtin_nan("");
    f = log_reduce(x, &k) - 1.0;
    s = f / (2.0 + f);
    square = twice_square(f);
    rest = s * (0.5 * square.high + log_rest(s * s)) + (double)k * LN2_LOW;
    first = twice_sum((double)k * LN2_HIGH, f);
    sum = twice_sum(first.high, -0.5 * square.high);
    return sum.high + (sum.low + (first.low - 0.5 * square.low + rest));
}

/* --- the normal distribution --- */

/* Coefficients of PPND16: M. J. Wichura, "Algorithm AS 241: The Percentage Points of the Normal
 * Distribution", Applied Statistics 37 (1988), 477-484. Constant terms first; those of the denominators
 * are 1. */
static const double ppnd_middle[2][8] = {
    {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
     1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
     3.3430575583588128105e4, 2.5090809287301226727e3},
    {1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
     5.2264952788528545610e3}};
static const double ppnd_near[2][8] = {
    {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
     3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
     2.27238449892691845833e-2, 7.74545014278341407640e-4},
    {1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
     1.05075007164441684324e-9}};
static const double ppnd_far[2][8] = {
    {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
     2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
     2.71155556874348757815e-5, 2.01033439929228813265e-7},
    {1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
     2.04426310338993978564e-15}};

static double rational(const double c[2][8], double x)
{
    double above = c[0][7], below = c[1][7];

    for (int i = 6; i >= 0; i--) {
        above = above * x + c[0][i];
        below = below * x + c[1][i];
    }
    return above / below;
}

double fm_normal_quantile(double p)
{
    double q = p - 0.5, r, z;

    if (!(p >= 0.0 && p <= 1.0))
        return __builtin_nan("");
    if (q >= -0.425 && q <= 0.425)
        return q * rational(ppnd_middle, 0.180625 - q * q);
    r = q < 0.0 ? p : 1.0 - p;
    if (r == 0.0)
        return q < 0.0 ? -__builtin_inf() : __builtin_inf();
    r = __builtin_sqrt(-fm_log(r));
    z = r <= 5.0 ? rational(ppnd_near, r - 1.6) : rational(ppnd_far, r - 5.0);
    return q < 0.0 ? -z : z;
}

/* Density at 0 <= z < 40. z^2 is split at a multiple of 1/16, whose square is exact: rounding z^2 itself
 * would cost 1e-13 at z = 38 (W. J. Cody 1969, "Rational Chebyshev Approximations for the Error Function",
 * Math. Comp. 23). */
static double normal_density(double z)
{
    double coarse = (double)(int)(z * 16.0) / 16.0;

    return fm_exp(-0.5 * coarse * coarse) * fm_exp(-0.5 * (z - coarse) * (z + coarse)) *
           INVERSE_SQRT_2PI;
}

/* P(0 < Z < z)/density = z + z^3/3 + z^5/(3 5) + ...; all terms positive. */
static double normal_series(double z)
{
    double term = z, sum = z;

    for (int i = 3; term > sum * 0x1p-56; i += 2) {
        term *= z * z / (double)i;
        sum += term;
    }
    return sum;
}

/* P(Z > z)/density = 1/(z + 1/(z + 2/(z + 3/...))), Laplace's continued fraction. */
static double normal_fraction(double z)
{
    double tail = z;

    for (int i = 60; i > 0; i--)
        tail = z + (double)i / tail;
    return 1.0 / tail;
}

double fm_normal_sf(double z)
{
    if (z != z)
        return z;
    if (z < 0.0)
        return 1.0 - fm_normal_sf(-z);
    if (z > 40.0)
        return 0.0;
    if (z < 2.5)
        return 0.5 - normal_density(z) * normal_series(z);
    return normal_density(z) * normal_fraction(z);
}
