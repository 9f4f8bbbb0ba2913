/* SPDX-License-Identifier: Apache-2.0 */
/* What a budget gives: the sixteen tests of a step on exact Poisson streams whose rate is known, by thresholds as the
 * detector makes them, give the false alarms that were asked for, within half as many again. Seeds are fixed: this is
 * about thresholds, not about luck. What real streams have besides (noise, baselines with errors) is not in it. */
#include "funnel/threshold.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "lib/pipe_kit.h" /* dice */

#define TESTS (3 * CUSUM_RATIOS + 1)
#define PANE_MS INT64_C(60000)
#define PANES_A_WEEK 10080
#define RHO 0.985

struct track {
    struct hazard hazard;
    double share[AGES_BINS]; /* of conversions, by age */
    double u[AGES_BINS][TESTS], cost[TESTS], b[TESTS];
};

/* Log-normal times to convert, median half an hour, sd 1; half of all convert within two days. */
static void make_hazard(struct track *t)
{
    double chance[AGES_BINS], before = 0;
    struct ages ages;

    ages_init(&ages, 2880);
    for (int j = 0; j < ages.bins; j++) {
        double width = (double)(ages.edge[j + 1] - ages.edge[j]);
        double after = 0.25 * erfc(-log((double)ages.edge[j + 1] / 30) / sqrt(2));

        chance[j] = 1 - pow((1 - after) / (1 - before), 1 / width);
        before = after;
    }
    hazard_init(&t->hazard, ages.bins, ages.edge, chance);
    for (int j = 0; j < ages.bins; j++)
        t->share[j] = t->hazard.f[j + 1] - t->hazard.f[j];
}

/* What is expected never changes: nu conversions a day, and so neither does what a pane costs. */
static void add_test(struct track *t, size_t at, const struct cusum_test *test, double nu,
                     double alpha)
{
    static const struct dispersion none[CUSUM_SCALES];
    struct threshold_series s = {
        .nu = nu, .o = 1e12, .rho = RHO, .alpha = alpha, .share = 0.5, .pane_ms = PANE_MS};
    struct threshold level = threshold_of(test, &s, none);

    t->b[at] = level.b;
    t->cost[at] = 0;
    for (int j = 0; j < t->hazard.bins; j++) {
        t->u[j][at] = test->u[j];
        t->cost[at] += level.rho * test->v[j] * nu / 1440 * t->share[j];
    }
}

static void make_track(struct track *t, double nu, double alpha)
{
    double u[AGES_BINS], y[AGES_BINS] = {0}, chance[AGES_BINS];
    struct cusum_test test;
    size_t at = 0;

    *t = (struct track){0};
    make_hazard(t);
    for (int i = 0; i < CUSUM_RATIOS; i++) {
        cusum_score_all(&t->hazard, cusum_ratios[i], u);
        cusum_test_init(&test, CUSUM_ALL, cusum_ratios[i], u, &t->hazard);
        add_test(t, at++, &test, nu, alpha);
        cusum_score_steady(&t->hazard, cusum_ratios[i], u);
        cusum_test_init(&test, CUSUM_STEADY, cusum_ratios[i], u, &t->hazard);
        add_test(t, at++, &test, nu, alpha);
        cusum_score_young(&t->hazard, cusum_ratios[i], u);
        cusum_test_init(&test, CUSUM_YOUNG, cusum_ratios[i], u, &t->hazard);
        add_test(t, at++, &test, nu, alpha);
    }
    hazard_chances(&t->hazard, t->hazard.p, chance);
    for (int j = 0; j < t->hazard.bins; j++)
        y[j] = chance[j] > 0 ? 20 * nu * t->share[j] / chance[j] : 0; /* twenty days learned */
    cusum_score_slow(&t->hazard, y, u);
    cusum_test_init(&test, CUSUM_SLOW, 1, u, &t->hazard);
    add_test(t, at++, &test, nu, alpha);
    cr_assert_eq(at, TESTS);
}

static double chance_of(struct dice *d)
{
    return (double)(dice_next(d) >> 11) * 0x1p-53;
}

static int conversions(struct dice *d, double none)
{
    double p = chance_of(d);
    int n = 0;

    for (; p > none; n++)
        p *= chance_of(d);
    return n;
}

static int age_of(const struct track *t, struct dice *d)
{
    double x = chance_of(d);
    int bin = 0;

    while (bin < t->hazard.bins - 1 && x >= t->hazard.f[bin + 1])
        bin++;
    return bin;
}

/* Alarms of all tests together: after one, all begin anew. The rate is `off` times the expected one. */
static double alarms_a_week(double nu, double alpha, double off, int weeks, uint64_t seed)
{
    struct dice d = {seed};
    double w[TESTS] = {0}, none = exp(-nu * off / 1440);
    struct track t;
    long alarms = 0;

    make_track(&t, nu, alpha);
    for (long pane = 0; pane < (long)weeks * PANES_A_WEEK; pane++) {
        double x[TESTS];
        bool fires = false;

        memcpy(x, t.cost, sizeof(x));
        for (int n = conversions(&d, none); n > 0; n--) {
            const double *u = t.u[age_of(&t, &d)];

            for (size_t i = 0; i < TESTS; i++)
                x[i] += u[i];
        }
        for (size_t i = 0; i < TESTS; i++) {
            w[i] = w[i] + x[i] > 0 ? w[i] + x[i] : 0;
            fires |= w[i] > t.b[i];
        }
        if (fires) {
            alarms++;
            memset(w, 0, sizeof(w));
        }
    }
    return (double)alarms / weeks;
}

/* The funnel's whole series in a step of three, which has half of the step's budget; as a share of what was asked. */
static double of_budget(double nu, double budget, int weeks)
{
    double alpha = budget / 3;
    double ratio = alarms_a_week(nu, alpha, 1, weeks, 7) / (alpha / 2);

    fprintf(stderr, "%.0f conversions a day, %.1f/week: %.2f of the budget\n", nu, budget, ratio);
    return ratio;
}

static const double rates[] = {50, 450, 3000};
#define RATES (sizeof(rates) / sizeof(rates[0]))

Test(budget, by_default_is_kept)
{
    for (size_t i = 0; i < RATES; i++) {
        double ratio = of_budget(rates[i], 0.1, 3000);

        cr_expect(ratio < 1.5 && ratio > 1 / 1.5, "%.0f a day: %.2f", rates[i], ratio);
    }
}

/* Exact streams exceed a large one by more than half: cusum_gamma() makes room for the heavy tails of real noise, more of
 * it the rarer alarms are to be, and the less is left here. */
Test(budget, of_ten_times_as_much_is_nearly_kept)
{
    for (size_t i = 0; i < RATES; i++) {
        double ratio = of_budget(rates[i], 1, 800);

        cr_expect(ratio < 1.75 && ratio > 1 / 1.5, "%.0f a day: %.2f", rates[i], ratio);
    }
}

/* That it can fail: conversions a tenth below what is expected are no false alarms. */
Test(budget, is_not_for_a_loss)
{
    cr_expect(alarms_a_week(450, 0.033, 0.9, 100, 7) > 10 * 0.033 / 2);
}
