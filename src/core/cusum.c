/* SPDX-License-Identifier: Apache-2.0 */
/* A conversion scores u < 0 when the alternative makes it rarer, and the conversions expected
 * since the last pane push the other way by v = 1 - e^u each: the log likelihood ratio of two
 * counting processes whose intensities are in the ratio e^u. Its mean per expected conversion
 * is I after the change and -J before it; the run length of the reflected process is closed
 * form because between conversions it rises without overshoot.
 *
 * Worked example: q = 1/2, I = 0.153, J = 0.193; to give one false alarm in 1000 expected
 * conversions b = 5.07, and after the change it takes 28 of them to get there. */
#include "funnel/cusum.h"

#include <float.h>

#include "log1m.h"

#define STEADY_MIN (-6.0)
#define SLOW_MIN (-4.0)
#define SLOW_MAX 1.5
#define SLOW_PRIOR 2.0        /* conversions that both speeds get on top */
#define GAMMA_MIN 30.0        /* expected conversions between false alarms, at the least */
#define GAMMA_MAX 1e300       /* e^b stays finite */
#define INFORMATION_MIN 1e-20 /* a test of less tells nothing: rounding is all of it */
#define PHI_MAX 1e12
#define NEWTON_STEPS 60 /* six do from a gamma of 30 on */

const double cusum_ratios[CUSUM_RATIOS] = {0.88, 0.78, 0.62, 0.40, 0.12};
const int cusum_scales_min[CUSUM_SCALES] = {30, 60, 120, 240, 480, 1440};

static double cusum_clamp(double x, double low, double high)
{
    if (!(x > low))
        return low;
    return x < high ? x : high;
}

void cusum_score_all(const struct hazard *h, double q, double *ret_u)
{
    for (int j = 0; j < h->bins; j++)
        ret_u[j] = fm_log(q);
}

/* The ratio of the bin's cumulative hazards, at q p and at p. */
static double cusum_steady_ratio(double p, double q, double f, double f_next)
{
    double now = 1.0 - q * p * f, base = 1.0 - p * f;
    double cumulative = -log1m(p * (f_next - f) / base);

    /* An empty bin, or p = 0: the limit. */
    if (!(cumulative > DBL_MIN))
        return q * base / now;
    return -log1m(q * p * (f_next - f) / now) / cumulative;
}

void cusum_score_steady(const struct hazard *h, double q, double *ret_u)
{
    for (int j = 0; j < h->bins; j++)
        ret_u[j] = cusum_clamp(fm_log(cusum_steady_ratio(h->p, q, h->f[j], h->f[j + 1])),
                               STEADY_MIN, fm_log(q));
}

void cusum_score_young(const struct hazard *h, double q, double *ret_u)
{
    int young = hazard_young_bins(h);

    for (int j = 0; j < h->bins; j++)
        ret_u[j] = j < young ? fm_log(q) : 0.0;
}

void cusum_score_slow(const struct hazard *h, const double *y, double *ret_u)
{
    struct hazard half = *h;
    double chance[AGES_BINS], half_chance[AGES_BINS];

    for (int j = 0; j <= h->bins; j++)
        half.f[j] = hazard_f(h, h->edge[j] / 2.0);
    hazard_chances(h, h->p, chance);
    hazard_chances(&half, h->p, half_chance);
    for (int j = 0; j < h->bins; j++)
        ret_u[j] = cusum_clamp(
            fm_log((half_chance[j] * y[j] + SLOW_PRIOR) / (chance[j] * y[j] + SLOW_PRIOR)),
            SLOW_MIN, SLOW_MAX);
}

/* e^x - 1 - x, whose two halves cancel at small x. */
static double cusum_excess(double x)
{
    double sum = 1.0;

    if (x < -0.25 || x > 0.25)
        return fm_expm1(x) - x;
    for (int k = 14; k > 2; k--)
        sum = 1.0 + x / k * sum;
    return x * x / 2.0 * sum;
}

/* 1 - e^u + u e^u */
static double cusum_gain(double u)
{
    if (u < -0.25 || u > 0.25)
        return u * fm_exp(u) - fm_expm1(u);
    return fm_exp(u) * cusum_excess(-u);
}

void cusum_test_init(struct cusum_test *t, enum cusum_family family, double q, const double *u,
                     const struct hazard *h)
{
    *t = (struct cusum_test){.family = family, .q = q};
    for (int j = 0; j < h->bins; j++) {
        double share = h->f[j + 1] - h->f[j];

        t->u[j] = u[j];
        t->v[j] = -fm_expm1(u[j]);
        t->i += share * cusum_gain(u[j]);
        t->j += share * cusum_excess(u[j]);
    }
}

double cusum_step(const struct cusum_test *t, int bins, double w, const double *n, const double *e,
                  double rho0, double phi)
{
    double observed = 0.0, expected = 0.0;

    for (int j = 0; j < bins; j++) {
        observed += t->u[j] * n[j];
        expected += t->v[j] * e[j];
    }
    w += (observed + (t->family == CUSUM_SLOW ? 1.0 : rho0) * expected) / phi;
    return w > 0.0 ? w : 0.0;
}

static int cusum_tells_nothing(double i, double j)
{
    return !(i > INFORMATION_MIN && j > INFORMATION_MIN);
}

double cusum_arl0(double i, double j, double b)
{
    if (cusum_tells_nothing(i, j))
        return DBL_MAX;
    return cusum_clamp(fm_expm1(b) / i - b / j, 0.0, DBL_MAX);
}

double cusum_arl1(double i, double j, double b)
{
    if (cusum_tells_nothing(i, j))
        return DBL_MAX;
    return cusum_clamp(b / i + fm_expm1(-b) / j, 0.0, DBL_MAX);
}

/* arl0 is convex and begins above gamma here, so that the steps come down to it and never pass
 * it. */
double cusum_threshold(double i, double j, double gamma)
{
    double b, step = DBL_MAX;

    gamma = cusum_clamp(gamma, 0.0, GAMMA_MAX);
    if (cusum_tells_nothing(i, j))
        return fm_log(gamma + 1.0);
    b = fm_log(1.0 + i * gamma) + 1.0;
    for (int k = 0; k < NEWTON_STEPS && step > 1e-15 * b; k++) {
        double slope = fm_exp(b) / i - 1.0 / j;

        if (!(slope > 0.0))
            break;
        step = (fm_expm1(b) / i - b / j - gamma) / slope;
        b -= step;
    }
    return b > 0.0 ? b : 0.0;
}

double cusum_indifference(double level_variance, double o_hist)
{
    double variance = level_variance > 0.0 ? level_variance : 0.0;

    if (!(o_hist > 0.0))
        return 0.9;
    return 1.0 - cusum_clamp(0.6 * __builtin_sqrt(variance + 1.0 / o_hist), 0.0, 0.1);
}

double cusum_gamma(double nu, double rho0, double alpha, double share)
{
    double tests;

    if (!(alpha > 0.0 && share > 0.0))
        return GAMMA_MAX;
    tests = 1.7 * fm_exp(0.15 * (fm_log(0.025) - fm_log(alpha)));
    return cusum_clamp(7.0 * nu * rho0 * tests / alpha / share, 0.0, GAMMA_MAX);
}

double cusum_need(double i, double gamma)
{
    double evidence = i * cusum_clamp(gamma, 0.0, GAMMA_MAX);

    return fm_log(evidence > 5.0 ? evidence : 5.0) / (i > INFORMATION_MIN ? i : INFORMATION_MIN);
}

/* Between two scales their geometric mean divides. */
int cusum_scale(double need, double nu)
{
    int scale = 0;
    double minutes;

    if (!(nu > 0.0))
        return CUSUM_SCALES - 1;
    minutes = need / nu * 1440.0;
    while (scale < CUSUM_SCALES - 1 &&
           minutes * minutes > (double)cusum_scales_min[scale] * cusum_scales_min[scale + 1])
        scale++;
    return scale;
}

double cusum_phi(double phi, double need, double o_hist)
{
    if (!(o_hist > 0.0))
        return PHI_MAX;
    return cusum_clamp(phi * (1.0 + 0.5 * need / o_hist), 0.0, PHI_MAX);
}

static int cusum_has_positive(const struct cusum_test *t)
{
    for (int j = 0; j < AGES_BINS; j++)
        if (t->u[j] > 0.0)
            return 1;
    return 0;
}

double cusum_level(const struct cusum_test *t, double gamma, double phi)
{
    double length = cusum_clamp(gamma / phi, GAMMA_MIN, GAMMA_MAX);

    if (t->family == CUSUM_SLOW || cusum_has_positive(t))
        return fm_log(length);
    return cusum_threshold(t->i, t->j, length);
}
