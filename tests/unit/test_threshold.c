/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <math.h>

#include "funnel/threshold.h"

#define NEAR(a, b) cr_assert(fabs((a) - (b)) < 1e-12, "%.15g, not %.15g", (double)(a), (double)(b))

static void test_make(struct cusum_test *t, enum cusum_family family, double q)
{
    static const int64_t edge[] = {0, 1, 4, 61};
    static const double lambda[] = {0.02, 0.04, 0.01};
    struct hazard h;
    double u[AGES_BINS];

    hazard_init(&h, 3, edge, lambda);
    cusum_score_all(&h, q, u);
    cusum_test_init(t, family, q, u, &h);
}

Test(threshold, share)
{
    NEAR(threshold_share(0, 0), 1);
    NEAR(threshold_share(0, 10), 0.5);
    NEAR(threshold_share(3, 10), 0.05);
}

Test(threshold, indifference)
{
    NEAR(threshold_rho(0, 1e4, 0, false), 1 - 0.006);
    NEAR(threshold_rho(0, 1e4, 0, true), 0.97);
    NEAR(threshold_rho(0, 100, 0, true), 0.94);
    NEAR(threshold_rho(0, 1e4, 0.2, true), 0.8);
}

/* By hand: what the parts say that it is made of. */
Test(threshold, parts)
{
    struct dispersion phi[CUSUM_SCALES] = {{0}};
    struct threshold_series s = {200, 2000, 0.98, 0.025, 0.5, false, 60000};
    struct threshold x;
    struct cusum_test t;
    double gamma, need, a_pane = 200.0 / 1440;

    test_make(&t, CUSUM_ALL, 0.62);
    gamma = cusum_gamma(200, 0.98, 0.025, 0.5) * 2.2 / (1 + 0.4 * a_pane);
    need = cusum_need(t.i, gamma);
    phi[cusum_scale(2 * need, 200)] = (struct dispersion){90, 30};
    x = threshold_of(&t, &s, phi);
    NEAR(x.rho, 0.98);
    NEAR(x.phi, 2 * (1 + need / 4000));
    NEAR(x.b, cusum_threshold(t.i, t.j, gamma / x.phi));
}

Test(threshold, rises_mirror_and_slow_ones_have_no_indifference)
{
    struct dispersion phi[CUSUM_SCALES] = {{0}};
    struct threshold_series s = {200, 2000, 0.98, 0.025, 0.5, true, 60000};
    struct cusum_test t;

    test_make(&t, CUSUM_ALL, 1 / 0.62);
    NEAR(threshold_of(&t, &s, phi).rho, 1.02);
    test_make(&t, CUSUM_SLOW, 1);
    NEAR(threshold_of(&t, &s, phi).rho, 1);
}

/* More traffic than one look a pane can follow does not lower what the budget asks for. */
Test(threshold, many_a_pane)
{
    struct dispersion phi[CUSUM_SCALES] = {{0}};
    struct threshold_series s = {1440 * 100, 1e9, 1, 0.025, 0.5, false, 60000};
    struct cusum_test t;
    struct threshold x;

    test_make(&t, CUSUM_ALL, 0.62);
    x = threshold_of(&t, &s, phi);
    NEAR(x.b, cusum_level(&t, cusum_gamma(s.nu, 1, 0.025, 0.5), x.phi));
}
