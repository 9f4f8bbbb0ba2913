/* SPDX-License-Identifier: Apache-2.0 */
/* The scores are those of a test of rho0 against q' rho0 times as many. Of what really happens, q times as many, W rises
 * by m = (u q + rho0 v) / phi with variance s = (u / phi)^2 q for each conversion expected, and is reflected at 0: for a
 * Brownian motion it takes b / m - s / (2 m^2) (1 - e^(-2 m b / s)) until it is at b. That holds for a loss too
 * small for the test as well, where m is negative, and without any conversion it is exact: b / m.
 *
 * Worked example: q' = q = 1/2, rho0 = phi = 1, b = 5.16: 29 conversions, as cusum_arl1() says. */
#include "funnel/visibility.h"

#include <float.h>

#include "funnel/fmath.h"
#include "funnel/zone.h"

#define HALF_LIFE 14.0
#define EXPONENT_MAX 600.0
#define BISECTIONS 60

void visibility_learned(struct visibility *v, double nu, int days)
{
    struct level level;

    level_init(&level);
    for (int i = 0; i < days; i++)
        level_day(&level, nu, nu, 1);
    v->series.nu = nu;
    v->series.o = nu * HALF_LIFE / FM_LN2 * -fm_expm1(-days * (FM_LN2 / HALF_LIFE));
    v->level_variance = level.p;
}

/* phi - 1 goes with the mean: rates that wander do so for large and small segments alike. */
struct visibility visibility_segment(const struct visibility *v, double part, double share)
{
    struct visibility to = *v;

    to.series.nu *= part;
    to.series.o *= part;
    to.series.share = share;
    for (int i = 0; i < CUSUM_SCALES; i++) {
        double excess = v->phi[i].o - v->phi[i].e;

        to.phi[i].o = v->phi[i].e + part * (excess > 0 ? excess : 0);
    }
    return to;
}

double visibility_run(const struct cusum_test *t, const struct threshold *x, double q)
{
    double u = t->u[0], v = t->v[0];
    double m = (u * q + x->rho * v) / x->phi, s = u / x->phi * (u / x->phi) * q, e;

    if (!(s > 0))
        return m > 0 ? x->b / m : DBL_MAX;
    e = 2 * m * x->b / s;
    if (e < -EXPONENT_MAX)
        return DBL_MAX;
    if (e > -1e-6 && e < 1e-6) /* the limit */
        return x->b * x->b / s;
    return x->b / m + s / (2 * m * m) * fm_expm1(-e);
}

double visibility_days(const struct visibility *v, double q)
{
    struct threshold_series of = v->series;
    double pane = (double)of.pane_ms / (double)ZONE_DAY_MS, best = DBL_MAX, lambda = 0.5;
    int tests = of.rise ? CUSUM_RATIOS - 1 : CUSUM_RATIOS;
    struct hazard one;

    if (!(of.nu > 0))
        return __builtin_inf();
    of.rho = threshold_rho(v->level_variance, of.o, v->min_effect, v->short_history);
    hazard_init(&one, 1, (const int64_t[]){0, 1}, &lambda);
    for (int i = 0; i < tests; i++) {
        double ratio = of.rise ? 1 / cusum_ratios[i] : cusum_ratios[i], u, run;
        struct cusum_test test;
        struct threshold x;

        cusum_score_all(&one, ratio, &u);
        cusum_test_init(&test, CUSUM_ALL, ratio, &u, &one);
        x = threshold_of(&test, &of, v->phi);
        run = visibility_run(&test, &x, q);
        best = run < best ? run : best;
    }
    best /= of.nu;
    if (best > VISIBILITY_DAYS_MAX)
        return __builtin_inf();
    return best > pane ? best : pane;
}

/* Less the threshold: negative where the drop is too small. */
static double window_excess(double n, double rate, double z, bool two, double drop)
{
    double p = two ? rate * (1 - drop / 2) : rate;

    return rate * drop - z * __builtin_sqrt(p * (1 - p) * (two ? 2 : 1) / n);
}

double visibility_window(double n, double rate, double z, bool two)
{
    double low = 0, high = 1;

    if (!(n > 0 && rate > 0 && rate < 1) || window_excess(n, rate, z, two, 1) <= 0)
        return __builtin_inf();
    for (int i = 0; i < BISECTIONS; i++) {
        double middle = (low + high) / 2;

        if (window_excess(n, rate, z, two, middle) > 0)
            high = middle;
        else
            low = middle;
    }
    return high;
}
