/* SPDX-License-Identifier: Apache-2.0 */
/* With lambda_j the chance of advancing in one pane of bin j, w_j panes wide, S falls by (1 -
 * lambda_j)^w_j over the bin. What is left of S at the end never advances (is cured, in the
 * words of survival analysis): p = 1 - S(end), and F = (1 - S) / p is how those who do advance
 * are spread over the ages.
 *
 * Worked example: two bins [0, 1), [1, 3) with lambda 0.2 and 0.1: S = 1, 0.8, 0.648; p =
 * 0.352; F = 0, 0.568, 1. A cell whose final chance is 0.1 advances in its first pane with
 * chance 0.1 x 0.568 = 0.0568.
 *
 * Logarithms are summed, and differences taken, so that a chance of 1e-12 a pane keeps its
 * digits. */
#include "funnel/hazard.h"

#include "log1m.h"

#define BORROWED 5.0 /* conversions that a bin borrows */
#define YOUNG_F 0.55

static double hazard_ratio(double d, double y)
{
    if (!(d > 0.0 && y > 0.0))
        return 0.0;
    return d < y ? d / y : 1.0;
}

void hazard_raw(int bins, const double *d, const double *y, double *ret_lambda)
{
    for (int j = 0; j < bins; j++)
        ret_lambda[j] = hazard_ratio(d[j], y[j]);
}

void hazard_borrowed(int bins, const double *d, const double *y, double *ret_lambda)
{
    for (int j = 0; j < bins; j++) {
        double conversions = 0.0, exposure = 0.0, mean;

        for (int i = j > 0 ? j - 1 : 0; i <= j + 1 && i < bins; i++) {
            conversions += d[i];
            exposure += y[i];
        }
        mean = hazard_ratio(conversions, exposure);
        ret_lambda[j] = mean > 0.0 ? hazard_ratio(d[j] + BORROWED, y[j] + BORROWED / mean) : 0.0;
    }
}

static double hazard_cut(double lambda)
{
    if (!(lambda > 0.0))
        return 0.0;
    return lambda < HAZARD_LAMBDA_MAX ? lambda : HAZARD_LAMBDA_MAX;
}

/* advanced: 1 - S at the edges. */
static void hazard_shape(struct hazard *h, const double *advanced)
{
    double all = advanced[h->bins];

    for (int j = 1; j < h->bins; j++) {
        double f = all > 0.0 ? advanced[j] / all : h->edge[j] / h->edge[h->bins];

        /* The last bit of expm1 is not monotone. */
        h->f[j] = f > h->f[j - 1] ? (f < 1.0 ? f : 1.0) : h->f[j - 1];
    }
    h->f[h->bins] = 1.0;
    h->p = all < HAZARD_P_MAX ? all : HAZARD_P_MAX;
}

void hazard_init(struct hazard *h, int bins, const int64_t *edge, const double *lambda)
{
    double advanced[AGES_BINS + 1] = {0}, sum = 0.0;

    *h = (struct hazard){.bins = bins};
    for (int j = 0; j < bins; j++) {
        h->edge[j + 1] = (double)edge[j + 1];
        h->width[j] = (double)(edge[j + 1] - edge[j]);
        sum += log1m(hazard_cut(lambda[j])) * h->width[j];
        advanced[j + 1] = -fm_expm1(sum);
    }
    hazard_shape(h, advanced);
}

void hazard_chances(const struct hazard *h, double P, double *ret_chance)
{
    for (int j = 0; j < h->bins; j++) {
        /* Of those still there, the share that advances within the bin. */
        double within = P * (h->f[j + 1] - h->f[j]) / (1.0 - P * h->f[j]);

        ret_chance[j] = -fm_expm1(log1m(within) / h->width[j]);
    }
}

double hazard_advanced(const struct hazard *h, const double *chance, double times, double panes)
{
    double gone = 0.0, at = 0.0, sum = 0.0;

    for (int j = 0; j < h->bins && at < panes; j++) {
        double to = h->edge[j + 1] < panes ? h->edge[j + 1] : panes;
        double then = gone - (1.0 - gone) * fm_expm1(log1m(times * chance[j]) * (to - at));

        sum += (to - at) * (gone + then) / 2.0;
        gone = then;
        at = to;
    }
    return (sum + (panes - at) * gone) / panes;
}

double hazard_f(const struct hazard *h, double age)
{
    int j = 0;

    if (!(age > 0.0))
        return 0.0;
    while (j < h->bins && age >= h->edge[j + 1])
        j++;
    if (j == h->bins)
        return 1.0;
    return h->f[j] + (h->f[j + 1] - h->f[j]) * ((age - h->edge[j]) / h->width[j]);
}

int hazard_young_bins(const struct hazard *h)
{
    int young = 1;

    while (young < h->bins && h->f[young + 1] <= YOUNG_F)
        young++;
    return young;
}
