/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/cusum.h"

#include <float.h>

#include "lib/golden.h"
#include "lib/hazards.h"

#define PANES 128

static void score(const struct hazard *h, enum cusum_family family, double q, const double *y,
                  double *ret_u)
{
    if (family == CUSUM_ALL)
        cusum_score_all(h, q, ret_u);
    else if (family == CUSUM_STEADY)
        cusum_score_steady(h, q, ret_u);
    else if (family == CUSUM_YOUNG)
        cusum_score_young(h, q, ret_u);
    else
        cusum_score_slow(h, y, ret_u);
}

static void test_init(struct cusum_test *t, const struct hazard *h, enum cusum_family family,
                      double q, const double *y)
{
    double u[AGES_BINS];

    score(h, family, q, y, u);
    cusum_test_init(t, family, q, u, h);
}

static enum cusum_family family_of(const char *name)
{
    static const char *const names[] = {"all", "steady", "young", "slow"};

    for (int f = 0; f < CUSUM_FAMILIES; f++)
        if (strcmp(name, names[f]) == 0)
            return (enum cusum_family)f;
    cr_assert_fail("no such family: %s", name);
    return CUSUM_ALL;
}

static void check_numbers(const double *got, const cJSON *list, int n, const char *name)
{
    double wanted[AGES_BINS];

    cr_assert(golden_numbers(list, wanted, AGES_BINS) == n);
    for (int j = 0; j < n; j++)
        golden_equal(got[j], wanted[j], "%s bin %d", name, j);
}

Test(cusum, golden_ratios)
{
    cJSON *file = golden_open();

    check_numbers(cusum_ratios, shared_member(file, "ratios"), CUSUM_RATIOS, "ratio");
    cJSON_Delete(file);
}

Test(cusum, golden_threshold)
{
    static const int64_t edge[] = {0, 1};
    cJSON *file = golden_open();
    const cJSON *c;
    struct hazard h;
    int cases = 0;

    hazard_init(&h, 1, edge, (const double[]){0.3});
    cJSON_ArrayForEach (c, shared_member(shared_member(file, "threshold"), "cases")) {
        double q = shared_number(c, "q"), gamma = shared_number(c, "gamma"), b;
        struct cusum_test t;

        test_init(&t, &h, CUSUM_ALL, q, NULL);
        golden_equal(t.i, shared_number(c, "I"), "I of %g", q);
        golden_equal(t.j, shared_number(c, "J"), "J of %g", q);
        b = cusum_threshold(t.i, t.j, gamma);
        golden_equal(b, shared_number(c, "b"), "b of %g, %g", q, gamma);
        golden_equal(cusum_arl0(t.i, t.j, b), shared_number(c, "arl0"), "arl0 %g %g", q, gamma);
        golden_equal(cusum_arl1(t.i, t.j, b), shared_number(c, "arl1"), "arl1 %g %g", q, gamma);
        cases++;
    }
    cr_assert(cases >= 42);
    cJSON_Delete(file);
}

Test(cusum, golden_scores)
{
    cJSON *file = golden_open();
    const cJSON *golden = shared_member(file, "hazard"), *c;
    double y[AGES_BINS], u[AGES_BINS];
    struct hazard h;
    int cases = 0;

    golden_hazard(file, &h, y);
    cJSON_ArrayForEach (c, shared_member(golden, "cohort_weights")) {
        cusum_score_steady(&h, shared_number(c, "q"), u);
        check_numbers(u, shared_member(c, "u"), h.bins, "steady");
        cases++;
    }
    cr_assert(cases >= 5);
    cusum_score_slow(&h, y, u);
    check_numbers(u, shared_member(shared_member(golden, "slow_weights"), "u"), h.bins, "slow");
    cJSON_Delete(file);
}

static void check_recursion(const cJSON *golden, const cJSON *c, const struct cusum_test *t,
                            int bins)
{
    const cJSON *n = shared_member(golden, t->family == CUSUM_SLOW ? "N_slow" : "N");
    const cJSON *e = shared_member(golden, "E"), *fires = shared_member(c, "fires_at");
    double rho0 = shared_number(golden, "rho0"), phi = shared_number(golden, "phi"), wanted[PANES];
    double b = cusum_level(t, shared_number(golden, "gamma"), phi), w = 0.0;
    int panes = golden_numbers(shared_member(c, "W"), wanted, PANES), fired = -1;

    golden_equal(b, shared_number(c, "b"), "b");
    cr_assert(panes == cJSON_GetArraySize(n) && panes == cJSON_GetArraySize(e));
    for (int pane = 0; pane < panes; pane++) {
        double observed[AGES_BINS], expected[AGES_BINS];

        golden_numbers(cJSON_GetArrayItem(n, pane), observed, AGES_BINS);
        golden_numbers(cJSON_GetArrayItem(e, pane), expected, AGES_BINS);
        w = cusum_step(t, bins, w, observed, expected, rho0, phi);
        golden_equal(w, wanted[pane], "family %d, q %g, W of pane %d", (int)t->family, t->q, pane);
        if (fired < 0 && w > b)
            fired = pane;
    }
    cr_assert(fired == (cJSON_IsNumber(fires) ? fires->valueint : -1), "fires at %d", fired);
}

Test(cusum, golden_recursion)
{
    cJSON *file = golden_open();
    const cJSON *golden = shared_member(file, "cusum"), *c;
    double y[AGES_BINS];
    struct hazard h;
    int cases = 0;

    golden_hazard(file, &h, y);
    cJSON_ArrayForEach (c, shared_member(golden, "tests")) {
        struct cusum_test t;

        test_init(&t, &h, family_of(golden_text(c, "family")), shared_number(c, "q"), y);
        check_numbers(t.u, shared_member(c, "u"), h.bins, "u");
        check_numbers(t.v, shared_member(c, "v"), h.bins, "v");
        golden_equal(t.i, shared_number(c, "I"), "I");
        golden_equal(t.j, shared_number(c, "J"), "J");
        check_recursion(golden, c, &t, h.bins);
        cases++;
    }
    cr_assert(cases >= 16);
    cJSON_Delete(file);
}

static double table_phi(const cJSON *golden, enum cusum_family family, int scale, int series)
{
    const cJSON *of_family = cJSON_GetArrayItem(
        shared_member(golden, "phi_table_family_scale_series"), (int)family);

    return cJSON_GetArrayItem(cJSON_GetArrayItem(of_family, scale), series)->valuedouble;
}

static double item(const cJSON *object, const char *list, int i)
{
    return cJSON_GetArrayItem(shared_member(object, list), i)->valuedouble;
}

static void check_series(const cJSON *golden, const cJSON *c, const struct cusum_test *t,
                         int series)
{
    double o_hist = item(golden, "On", series), nu = o_hist / shared_number(golden, "days");
    double rho0 = cusum_indifference(shared_number(golden, "PL"), o_hist);
    double gamma = cusum_gamma(nu, rho0, shared_number(golden, "budget_of_the_step_per_week"),
                               item(golden, "share", series));
    double need = cusum_need(t->i, gamma);
    double phi = table_phi(golden, t->family, cusum_scale(need, nu), series);

    phi = cusum_phi(phi, need, o_hist);
    golden_equal(rho0, item(golden, "rho0", series), "rho0 of series %d", series);
    golden_equal(phi, item(c, "phi", series), "family %d q %g series %d: phi", (int)t->family, t->q,
                 series);
    golden_equal(cusum_level(t, gamma, phi), item(c, "b", series), "family %d q %g series %d: b",
                 (int)t->family, t->q, series);
}

Test(cusum, golden_series_thresholds)
{
    cJSON *file = golden_open();
    const cJSON *golden = shared_member(file, "series_thresholds"), *c;
    double y[AGES_BINS], scales[CUSUM_SCALES];
    struct hazard h;
    int cases = 0;

    golden_hazard(file, &h, y);
    cr_assert(golden_numbers(shared_member(golden, "scales_min"), scales, CUSUM_SCALES) ==
              CUSUM_SCALES);
    for (int i = 0; i < CUSUM_SCALES; i++)
        cr_assert(cusum_scales_min[i] == scales[i]);
    cJSON_ArrayForEach (c, shared_member(golden, "tests")) {
        struct cusum_test t;

        test_init(&t, &h, family_of(golden_text(c, "family")), shared_number(c, "q"), y);
        golden_equal(t.i, shared_number(c, "I"), "I");
        golden_equal(t.j, shared_number(c, "J"), "J");
        check_series(golden, c, &t, 0);
        check_series(golden, c, &t, 1);
        cases++;
    }
    cr_assert(cases >= 16);
    cJSON_Delete(file);
}

/* --- without the file --- */

Test(cusum, worked_example)
{
    static const int64_t edge[] = {0, 1};
    struct hazard h;
    struct cusum_test t;
    double b;

    hazard_init(&h, 1, edge, (const double[]){0.3});
    test_init(&t, &h, CUSUM_ALL, 0.5, NULL);
    cr_assert(fabs(t.i - 0.15342640972) < 1e-10 && fabs(t.j - 0.19314718056) < 1e-10);
    b = cusum_threshold(t.i, t.j, 1000.0);
    cr_assert(fabs(b - 5.0654) < 1e-4, "%g", b);
    cr_assert(fabs(cusum_arl1(t.i, t.j, b) - 27.871) < 0.001, "%g", cusum_arl1(t.i, t.j, b));
}

static double relative(double got, double wanted)
{
    return fabs(got - wanted) / wanted;
}

/* The threshold is what it is said to be, far beyond what a budget asks for. */
Test(cusum, arl0_of_the_threshold_is_gamma)
{
    static const double ratios[] = {0.999999, 0.999, 0.95, 0.88, 0.5, 0.12, 1e-3, 1e-12};
    static const double gammas[] = {1e-6, 1e-3, 0.1, 1, 5, 30, 1e3, 1e6, 1e12, 1e100, 1e290};
    static const int64_t edge[] = {0, 1};
    struct hazard h;

    hazard_init(&h, 1, edge, (const double[]){0.3});
    for (size_t r = 0; r < sizeof(ratios) / sizeof(*ratios); r++) {
        struct cusum_test t;
        double before = 0.0;

        test_init(&t, &h, CUSUM_ALL, ratios[r], NULL);
        cr_assert(t.i > 0.0 && t.j > t.i);
        for (size_t g = 0; g < sizeof(gammas) / sizeof(*gammas); g++) {
            double b = cusum_threshold(t.i, t.j, gammas[g]);

            cr_assert(relative(cusum_arl0(t.i, t.j, b), gammas[g]) < 1e-6, "q %g gamma %g: b %g",
                      ratios[r], gammas[g], b);
            cr_assert(b > before, "more patience, higher threshold");
            before = b;
        }
        cr_assert(cusum_threshold(t.i, t.j, 0.0) < 1e-9 && cusum_threshold(t.i, t.j, -5.0) >= 0.0);
    }
}

/* I and J of nearby ratios, against long double. */
Test(cusum, information_of_small_changes)
{
    static const int64_t edge[] = {0, 1};
    struct hazard h;

    hazard_init(&h, 1, edge, (const double[]){0.3});
    for (double less = 0.9; less > 1e-7; less *= 0.83) {
        double q = 1.0 - less;
        long double u = logl((long double)q), i = 1.0L - q + u * q, j = q - 1.0L - u;
        double bound = 1e-14 + 1e-18 / (less * less);
        struct cusum_test t;

        test_init(&t, &h, CUSUM_ALL, q, NULL);
        cr_assert(relative(t.i, (double)i) < bound, "q %.12g: I %.17g %.17Lg", q, t.i, i);
        cr_assert(relative(t.j, (double)j) < bound, "q %.12g: J %.17g %.17Lg", q, t.j, j);
    }
}

static void check_finite(const struct cusum_test *t, const char *name)
{
    static const double gammas[] = {0.0, 5e-324, 1e-9, 1.0, 4000.0, 1e300, DBL_MAX};

    for (int j = 0; j < AGES_BINS; j++)
        cr_assert(isfinite(t->u[j]) && isfinite(t->v[j]), "%s: bin %d: %g", name, j, t->u[j]);
    cr_assert(isfinite(t->i) && isfinite(t->j) && t->i >= 0.0 && t->j >= 0.0, "%s: I, J", name);
    for (size_t i = 0; i < sizeof(gammas) / sizeof(*gammas); i++) {
        double b = cusum_level(t, gammas[i], 1.5), need = cusum_need(t->i, gammas[i]);
        int scale = cusum_scale(need, 3.0);

        cr_assert(isfinite(b) && b > 0.0, "%s: b at %g: %g", name, gammas[i], b);
        cr_assert(isfinite(need) && need > 0.0 && scale >= 0 && scale < CUSUM_SCALES);
        cr_assert(isfinite(cusum_phi(1.0, need, 100.0)) && cusum_phi(1.0, need, 100.0) >= 1.0);
        cr_assert(isfinite(cusum_arl0(t->i, t->j, b)) && isfinite(cusum_arl1(t->i, t->j, b)));
    }
    cr_assert(isfinite(cusum_arl0(t->i, t->j, 1e6)) && isfinite(cusum_arl1(t->i, t->j, 1e300)));
}

/* Every family at every ratio, on every kind of hazard. */
static void check_families(const struct hazard *h, const double *y, const char *name)
{
    static const double ratios[] = {1.0, 1.0 - 0x1p-53, 0.88, 0.12, 1e-9, 5e-324};

    for (size_t r = 0; r < sizeof(ratios) / sizeof(*ratios); r++)
        for (int f = 0; f < CUSUM_FAMILIES; f++) {
            double least = f == CUSUM_STEADY ? -6.0 : f == CUSUM_SLOW ? -4.0 : -745.0;
            struct cusum_test t;

            test_init(&t, h, (enum cusum_family)f, ratios[r], y);
            for (int j = 0; j < h->bins; j++)
                cr_assert(t.u[j] >= least && t.u[j] <= (f == CUSUM_SLOW ? 1.5 : 0.0));
            check_finite(&t, name);
        }
}

Test(cusum, finite_whatever_the_hazard)
{
    static const double sizes[] = {0.0, 1e-300, 1.0, 1e6, 1e300};

    for (unsigned seed = 0; seed < 200; seed++) {
        struct hazard h;
        double y[AGES_BINS];

        hazards_random(&h, seed, 1 + (int)seed % AGES_BINS);
        for (int j = 0; j < AGES_BINS; j++)
            y[j] = sizes[(seed + (unsigned)j) % 5];
        check_families(&h, y, "random");
    }
}

Test(cusum, finite_on_degenerate_hazards)
{
    static const int64_t edge[] = {0, 1, 4, 100000};
    static const double lambdas[][3] = {
        {0, 0, 0}, {0.9, 0.9, 0.9}, {0, 0, 1e-320}, {1e-17, 0, 0}, {0, 0.9, 0}, {0, 0, 0.9},
    };

    for (size_t i = 0; i < sizeof(lambdas) / sizeof(*lambdas); i++) {
        struct hazard h;

        hazard_init(&h, 3, edge, lambdas[i]);
        check_families(&h, (const double[]){0, 0, 0}, "no exposure");
        check_families(&h, (const double[]){100, 1e9, 5e-324}, "some exposure");
        hazard_init(&h, 1, edge, lambdas[i]);
        check_families(&h, (const double[]){7}, "one bin");
    }
}

/* A worse cohort scores ln q at first, and more with age: its survivors are poorer. */
Test(cusum, steady_falls_with_age)
{
    for (unsigned seed = 0; seed < 100; seed++) {
        struct hazard h;
        double u[AGES_BINS];

        hazards_random(&h, seed, AGES_BINS);
        cusum_score_steady(&h, 0.62, u);
        cr_assert(u[0] <= log(0.62));
        for (int j = 1; j < h.bins; j++)
            cr_assert(u[j] <= u[j - 1] + 1e-9, "seed %u bin %d: %g after %g", seed, j, u[j],
                      u[j - 1]);
    }
}

/* An empty bin scores as its neighbours do, not as its 0/0. */
Test(cusum, steady_in_an_empty_bin)
{
    static const int64_t edge[] = {0, 1, 2, 3};
    struct hazard h;
    double u[3], p = 0.0, wanted;

    hazard_init(&h, 3, edge, (const double[]){0.2, 0.0, 0.2});
    p = h.p;
    cusum_score_steady(&h, 0.4, u);
    wanted = log(0.4 * (1.0 - p * h.f[1]) / (1.0 - 0.4 * p * h.f[1]));
    cr_assert(fabs(u[1] - wanted) < 1e-14 && u[1] < u[0] && u[1] > u[2]);
}

Test(cusum, no_ratio_no_test)
{
    static const int64_t edge[] = {0, 1, 9};
    static const double n[] = {5, 0}, e[] = {40, 3};
    struct hazard h;
    struct cusum_test t;

    hazard_init(&h, 2, edge, (const double[]){0.1, 0.05});
    for (int f = CUSUM_ALL; f <= CUSUM_YOUNG; f++) {
        test_init(&t, &h, (enum cusum_family)f, 1.0, NULL);
        cr_assert(t.i == 0.0 && t.j == 0.0 && cusum_arl0(t.i, t.j, 1.0) == DBL_MAX);
        cr_assert(cusum_step(&t, 2, 0.0, n, e, 0.97, 1.0) == 0.0);
        cr_assert(cusum_level(&t, 4000.0, 1.0) > 0.0, "what stays 0 does not pass it");
    }
}

Test(cusum, steps)
{
    static const int64_t edge[] = {0, 1, 9};
    static const double none[] = {0, 0}, e[] = {4, 6};
    struct hazard h;
    struct cusum_test t;
    double w;

    hazard_init(&h, 2, edge, (const double[]){0.1, 0.05});
    test_init(&t, &h, CUSUM_ALL, 0.5, NULL);
    w = cusum_step(&t, 2, 0.0, none, e, 0.9, 2.0);
    cr_assert(fabs(w - 0.9 * 0.5 * 10.0 / 2.0) < 1e-15, "an outage: %g", w);
    cr_assert(cusum_step(&t, 2, w, none, none, 0.9, 2.0) == w, "nothing due, nothing learned");
    cr_assert(cusum_step(&t, 2, w, e, none, 0.9, 2.0) == 0.0);
    test_init(&t, &h, CUSUM_SLOW, 0.78, e);
    cr_assert(cusum_step(&t, 2, 1.0, none, e, 0.9, 1.0) ==
                  cusum_step(&t, 2, 1.0, none, e, 0.1, 1.0),
              "slow has no indifference");
}

Test(cusum, indifference)
{
    cr_assert(cusum_indifference(0.0, 0.0) == 0.9 && cusum_indifference(1.0, 10.0) == 0.9);
    cr_assert(cusum_indifference(0.0, 1e300) == 1.0 && cusum_indifference(-1.0, 1e300) == 1.0);
    cr_assert(fabs(cusum_indifference(0.0, 3600.0) - 0.99) < 1e-15);
    cr_assert(cusum_indifference(0.0, 5e-324) == 0.9);
}

Test(cusum, budget)
{
    double gamma = cusum_gamma(100.0, 0.97, 0.025, 0.5);

    cr_assert(relative(gamma, 7.0 * 100.0 * 0.97 * 1.7 / (0.025 * 0.5)) < 1e-14);
    cr_assert(cusum_gamma(100.0, 0.97, 0.25, 0.5) < gamma, "a larger budget is spent sooner");
    cr_assert(cusum_gamma(0.0, 0.97, 0.025, 0.5) == 0.0);
    cr_assert(isfinite(cusum_gamma(100.0, 0.97, 0.0, 0.5)));
    cr_assert(isfinite(cusum_gamma(100.0, 0.97, 0.025, 0.0)));
    cr_assert(isfinite(cusum_gamma(1e300, 1.0, 5e-324, 1e-300)));
}

/* Halfway between two scales in ratio, not in minutes. */
Test(cusum, scale)
{
    cr_assert(cusum_scale(1.0, 1440.0) == 0 && cusum_scale(0.0, 1.0) == 0);
    cr_assert(cusum_scale(42.0, 1440.0) == 0 && cusum_scale(43.0, 1440.0) == 1);
    cr_assert(cusum_scale(831.0, 1440.0) == 4 && cusum_scale(832.0, 1440.0) == 5);
    cr_assert(cusum_scale(1e300, 1e-300) == 5);
    cr_assert(cusum_scale(1.0, 0.0) == 5 && cusum_scale(0.0, 0.0) == 5);
}

Test(cusum, error_of_the_baseline)
{
    cr_assert(cusum_phi(1.2, 50.0, 100.0) == 1.5);
    cr_assert(cusum_phi(1.2, 50.0, 1e300) == 1.2);
    cr_assert(isfinite(cusum_phi(1.0, 50.0, 0.0)) && isfinite(cusum_phi(1.0, 50.0, 5e-324)));
}

/* Scores above 0 take Ville's bound, whatever the family is called. */
Test(cusum, level_of_positive_scores)
{
    static const int64_t edge[] = {0, 1, 9};
    struct hazard h;
    struct cusum_test t;

    hazard_init(&h, 2, edge, (const double[]){0.1, 0.05});
    cusum_test_init(&t, CUSUM_ALL, 1.5, (const double[]){log(1.5), log(1.5)}, &h);
    cr_assert(fabs(cusum_level(&t, 4000.0, 2.0) - log(2000.0)) < 1e-14);
    cr_assert(fabs(cusum_level(&t, 4.0, 2.0) - log(30.0)) < 1e-14);
    test_init(&t, &h, CUSUM_ALL, 0.62, NULL);
    cr_assert(cusum_level(&t, 1.0, 2.0) == cusum_level(&t, 60.0, 2.0), "30 at the least");
}
