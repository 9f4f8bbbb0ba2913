/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/stats.h"

#include <stdio.h>

#include "funnel/fmath.h"

/* x = 0.d1 d2 ... d9 times ten to `point`; d1 is not 0 unless x is. */
#define DIGITS 9

struct decimal {
    char digits[DIGITS + 1]; /* without trailing zeros, at least one */
    int count, point;
    int negative;
};

static double proportion(int64_t k, int64_t n)
{
    return k < n ? (double)k / (double)n : 1.0;
}

struct interval stats_wilson(int64_t k, int64_t n, double z)
{
    double p, count = (double)n, square = z * z, middle, half;

    if (n <= 0)
        return (struct interval){0.0, 1.0};
    p = proportion(k, n);
    middle = (p + square / (2.0 * count)) / (1.0 + square / count);
    half = z * __builtin_sqrt(p * (1.0 - p) / count + square / (4.0 * count * count)) /
           (1.0 + square / count);
    /* The bounds at 0 and n are exact; rounding must not put them beyond. */
    return (struct interval){k <= 0 ? 0.0 : middle - half, k >= n ? 1.0 : middle + half};
}

double stats_two_proportion_z(int64_t k1, int64_t n1, int64_t k2, int64_t n2)
{
    double p1, p2, pooled, variance;

    if (n1 <= 0 || n2 <= 0)
        return 0.0;
    p1 = proportion(k1, n1);
    p2 = proportion(k2, n2);
    pooled = (p1 * (double)n1 + p2 * (double)n2) / ((double)n1 + (double)n2);
    variance = pooled * (1.0 - pooled) * (1.0 / (double)n1 + 1.0 / (double)n2);
    return variance > 0.0 ? (p1 - p2) / __builtin_sqrt(variance) : 0.0;
}

double stats_one_proportion_z(int64_t k, int64_t n, double rate)
{
    if (n <= 0 || !(rate > 0.0 && rate < 1.0))
        return 0.0;
    return ((double)k / (double)n - rate) / __builtin_sqrt(rate * (1.0 - rate) / (double)n);
}

/* All rates with (k - sum r)^2 <= z^2 (sum r - squares r^2): between the roots of a r^2 - b r + c. Where a is not
 * positive, no rate is too high. */
struct interval stats_partial_wilson(double k, double sum, double squares, double z)
{
    double square = z * z, a = sum * sum + square * squares, b = 2.0 * k * sum + square * sum;
    double root = b * b - 4.0 * a * k * k, low, high;

    if (!(sum > 0.0))
        return (struct interval){0.0, 1.0};
    root = root > 0.0 ? __builtin_sqrt(root) : 0.0;
    low = 2.0 * k * k / (b + root);
    high = a > 0.0 ? (b + root) / (2.0 * a) : 1.0;
    return (struct interval){low < 1.0 ? low : 1.0, high < 1.0 ? high : 1.0};
}

double stats_partial_z(double k, double sum, double squares, double rate)
{
    double variance = sum * rate - squares * rate * rate;

    if (!(sum > 0.0 && rate > 0.0 && rate < 1.0 && variance > 0.0))
        return 0.0;
    return (k - sum * rate) / __builtin_sqrt(variance);
}

double stats_significance_z(double significance)
{
    return -fm_normal_quantile(significance);
}

/* printf rounds the exact binary value, the same everywhere; only its decimal point is the locale's. */
static struct decimal decimal_of(double x)
{
    char text[64];
    const char *at = text;
    struct decimal d = {.negative = x < 0.0};
    int exponent = 0;

    snprintf(text, sizeof(text), "%.*e", DIGITS - 1, x);
    for (; *at && *at != 'e'; at++)
        if (*at >= '0' && *at <= '9' && d.count < DIGITS)
            d.digits[d.count++] = *at;
    for (const char *digit = *at ? at + 2 : at; *digit; digit++)
        exponent = exponent * 10 + (*digit - '0');
    d.point = (*at && at[1] == '-' ? -exponent : exponent) + 1;
    while (d.count > 1 && d.digits[d.count - 1] == '0')
        d.count--;
    d.digits[d.count] = '\0';
    return d;
}

static int is_finite(double x)
{
    return x - x == 0.0;
}

static void buf_zeros(struct buf *b, int n)
{
    for (; n > 0; n--)
        buf_char(b, '0');
}

/* Number::toString of ECMA-262, with d.point for its n and d.count for its k. */
static void buf_decimal(struct buf *b, const struct decimal *d)
{
    size_t count = (size_t)d->count;

    if (d->point >= d->count && d->point <= 21) {
        buf_add(b, d->digits, count);
        buf_zeros(b, d->point - d->count);
    } else if (d->point > 0 && d->point <= 21) {
        buf_add(b, d->digits, (size_t)d->point);
        buf_char(b, '.');
        buf_str(b, d->digits + d->point);
    } else if (d->point > -6 && d->point <= 0) {
        buf_str(b, "0.");
        buf_zeros(b, -d->point);
        buf_add(b, d->digits, count);
    } else {
        buf_char(b, d->digits[0]);
        if (count > 1) {
            buf_char(b, '.');
            buf_str(b, d->digits + 1);
        }
        buf_fmt(b, "e%+d", d->point - 1);
    }
}

void buf_number(struct buf *b, double x)
{
    struct decimal d;

    if (!is_finite(x)) {
        buf_str(b, "null");
        return;
    }
    if (x == 0.0) {
        buf_char(b, '0');
        return;
    }
    d = decimal_of(x);
    if (d.negative)
        buf_char(b, '-');
    buf_decimal(b, &d);
}
