/* SPDX-License-Identifier: Apache-2.0 */
/* ln(1 - x) for 0 <= x < 1, without losing small x to the 1 (Kahan's correction: the rounding
 * of 1 - x is undone by the factor x / (1 - (1 - x))). An x that rounding took to 1 or beyond
 * counts as the number below 1. */
#ifndef CORE_LOG1M_H
#define CORE_LOG1M_H

#include "funnel/fmath.h"

#define LOG1M_MAX 0x1.fffffffffffffp-1

static inline double log1m(double x)
{
    double rest;

    if (x > LOG1M_MAX)
        x = LOG1M_MAX;
    rest = 1.0 - x;
    return rest < 1.0 ? fm_log(rest) * (x / (1.0 - rest)) : -x;
}

#endif
