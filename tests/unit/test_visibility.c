/* SPDX-License-Identifier: Apache-2.0 */
/* What rules can see: against cusum_arl1(), against streams drawn at random, and in its order. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>

#include "funnel/visibility.h"

static struct cusum_test test_of(double q)
{
    struct hazard one;
    struct cusum_test t;
    double lambda = 0.5, u;

    hazard_init(&one, 1, (const int64_t[]){0, 1}, &lambda);
    cusum_score_all(&one, q, &u);
    cusum_test_init(&t, CUSUM_ALL, q, &u, &one);
    return t;
}

static struct visibility at(double nu)
{
    struct visibility v = {.series = {.pane_ms = 60000, .alpha = 0.1, .share = 0.5}};

    visibility_learned(&v, nu, 30);
    return v;
}

Test(visibility, run_is_that_of_the_closed_form)
{
    for (int i = 0; i < 4; i++)
        for (double b = 3; b < 15; b += 2) {
            struct cusum_test t = test_of(cusum_ratios[i]);
            struct threshold x = {b, 1, 1};
            double run = visibility_run(&t, &x, t.q), arl = cusum_arl1(t.i, t.j, b);

            cr_assert(fabs(run / arl - 1) < 0.125, "q %g b %g: %g, not %g", t.q, b, run, arl);
        }
}

Test(visibility, run_of_a_total_loss_is_exact)
{
    struct cusum_test t = test_of(0.12);
    struct threshold x = {8, 2, 0.95};

    cr_assert_float_eq(visibility_run(&t, &x, 0), 8 / (0.95 * 0.88 / 2), 1e-9);
}

static double uniform(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (double)(*state >> 11) / 9007199254740992.0 + 1e-17;
}

/* W at conversions that come at rate q, each after an exponential time, until it is above b. */
static double drawn(const struct cusum_test *t, double b, double rho0, double q, uint64_t *state)
{
    double w = 0, time = 0;

    for (;;) {
        double wait = -log(uniform(state)) / q;

        if (w + rho0 * t->v[0] * wait > b)
            return time + (b - w) / (rho0 * t->v[0]);
        time += wait;
        w += rho0 * t->v[0] * wait + t->u[0];
        w = w > 0 ? w : 0;
    }
}

Test(visibility, run_is_that_of_streams)
{
    static const double ratios[] = {0.88, 0.78, 0.62, 0.4};
    static const double q[] = {0.8, 0.8, 0.5, 0.5};
    uint64_t state = 42;

    for (int i = 0; i < 4; i++) {
        struct cusum_test t = test_of(ratios[i]);
        struct threshold x = {7, 1, 0.96};
        double sum = 0, run = visibility_run(&t, &x, q[i]);

        for (int k = 0; k < 2000; k++)
            sum += drawn(&t, x.b, 0.96, q[i], &state);
        cr_assert(fabs(run / (sum / 2000) - 1) < 0.2, "%d: %g, drawn %g", i, run, sum / 2000);
    }
}

Test(visibility, what_does_not_drop_takes_as_good_as_for_ever)
{
    struct cusum_test t = test_of(0.62);
    struct threshold x = {10, 1, 0.95}, high = {1e6, 1, 0.95};

    cr_assert(visibility_run(&t, &x, 1) > 1e4);
    cr_assert(visibility_run(&t, &high, 1) == DBL_MAX);
}

Test(visibility, more_traffic_and_more_loss_are_seen_sooner)
{
    static const double q[] = {0.8, 0.5, 0};
    double before[3] = {INFINITY, INFINITY, INFINITY};

    for (double nu = 100; nu <= 1e6; nu *= 10) {
        struct visibility v = at(nu);
        double last = INFINITY;

        for (int i = 0; i < 3; i++) {
            double days = visibility_days(&v, q[i]);

            cr_assert(days <= last && days <= before[i]);
            cr_assert(days >= 1.0 / 1440);
            last = before[i] = days;
        }
    }
    cr_assert(before[0] < 1);
    cr_assert(isinf(visibility_days(&(struct visibility){.series = {.pane_ms = 60000}}, 0)));
}

Test(visibility, lower_budget_noise_and_doubt_take_longer)
{
    struct visibility v = at(1000), budget = v, noise = v, doubt = v;

    budget.series.alpha /= 10;
    for (int i = 0; i < CUSUM_SCALES; i++)
        noise.phi[i] = (struct dispersion){3000, 1000};
    doubt.min_effect = 0.1;
    for (double q = 0; q <= 0.8; q += 0.4) {
        double days = visibility_days(&v, q);

        cr_assert(visibility_days(&budget, q) > days);
        cr_assert(visibility_days(&noise, q) > days);
        cr_assert(visibility_days(&doubt, q) > days);
    }
}

Test(visibility, segment_has_less_of_everything)
{
    struct visibility v = at(1000), part;

    for (int i = 0; i < CUSUM_SCALES; i++)
        v.phi[i] = (struct dispersion){2030, 1000};
    part = visibility_segment(&v, 0.1, 0.01);
    cr_assert_float_eq(part.series.nu, 100, 1e-9);
    cr_assert_float_eq(dispersion_phi(&v.phi[0]), 2, 1e-12);
    cr_assert_float_eq(dispersion_phi(&part.phi[0]), 1.1, 1e-12);
    cr_assert(visibility_days(&part, 0.5) > visibility_days(&v, 0.5));
}

Test(visibility, rise_sees_what_is_more)
{
    struct visibility v = at(1000);
    double little, twice;

    v.series.rise = true;
    little = visibility_days(&v, 1.2);
    twice = visibility_days(&v, 2);
    cr_assert(twice < little && little < VISIBILITY_DAYS_MAX);
    cr_assert(isinf(visibility_days(&v, 0.8)));
}

/* 400 entries at 50 %: the deviation is 2.5 points. */
Test(visibility, window_shows_z_deviations)
{
    cr_assert_float_eq(visibility_window(400, 0.5, 2, false), 0.1, 1e-9);
    cr_assert(visibility_window(400, 0.5, 2, true) > 0.1 * M_SQRT2 * 0.99);
    cr_assert(isinf(visibility_window(4, 0.1, 3, false)));
    cr_assert(isinf(visibility_window(0, 0.5, 2, false)));
    cr_assert(isinf(visibility_window(400, 1, 2, false)));
}
