/* SPDX-License-Identifier: Apache-2.0 */
/* The level walks: each day its variance grows by that of 3 % a week, and a day of E expected
 * conversions shows it with variance phi / E. The gain p / (p + R) weighs the two. A day that
 * is 2.5 sd off moves it no further than that: one bad day is an incident, not a level. */
#include "funnel/level.h"

#include "funnel/fmath.h"

#define Q (0.03 * 0.03 / 7.0)         /* per day */
#define KEPT_A_DAY 0.9516951530106196 /* 2^(-1/14) */
#define HALF_LIFE 14.0                /* days */
#define WINSOR 2.5                    /* sd */
#define P_MIN 1e-6
#define R_MAX 1e12
#define DISPERSION_PRIOR 30.0
#define DISPERSION_WINSOR 9.0 /* three sd, squared */

void level_init(struct level *v)
{
    *v = (struct level){.p = LEVEL_P_START};
}

void level_day(struct level *v, double o, double e, double phi)
{
    double noise, deviation, limit, gain;

    v->p += Q;
    if (!(e > 0.0))
        return;
    noise = phi / e < R_MAX ? phi / e : R_MAX;
    limit = WINSOR * __builtin_sqrt(v->p + noise);
    deviation = (o - e) / e;
    if (deviation > limit)
        deviation = limit;
    else if (deviation < -limit)
        deviation = -limit;
    gain = v->p / (v->p + noise);
    v->l = KEPT_A_DAY * v->l + gain * deviation;
    v->p *= 1.0 - gain;
    if (v->p < P_MIN)
        v->p = P_MIN;
}

double dispersion_phi(const struct dispersion *d)
{
    double phi = (d->o + DISPERSION_PRIOR) / (d->e + DISPERSION_PRIOR);

    return phi > 1.0 ? phi : 1.0;
}

double dispersion_square(double r, double v, double phi)
{
    double most = DISPERSION_WINSOR * phi * v;

    return r * r < most ? r * r : most;
}

void dispersion_add(struct dispersion *d, double squares, double variances, double days)
{
    double kept = fm_exp(-days * (FM_LN2 / HALF_LIFE));

    d->o = kept * d->o + squares;
    d->e = kept * d->e + variances;
}
