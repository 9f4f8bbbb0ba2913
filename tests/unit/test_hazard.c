/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/hazard.h"

#include "lib/golden.h"
#include "lib/hazards.h"

static void check_chances(const cJSON *golden, const struct hazard *h)
{
    const cJSON *c;
    int cases = 0;

    cJSON_ArrayForEach (c, shared_member(golden, "pane_probability")) {
        double chance[AGES_BINS], wanted[AGES_BINS], P = shared_number(c, "P");
        int n = golden_numbers(shared_member(c, "h"), wanted, AGES_BINS);

        hazard_chances(h, P, chance);
        cr_assert(n == h->bins);
        for (int j = 0; j < n; j++)
            golden_equal(chance[j], wanted[j], "P %g bin %d", P, j);
        cases++;
    }
    cr_assert(cases >= 4);
}

Test(hazard, golden)
{
    cJSON *file = golden_open();
    const cJSON *golden = shared_member(file, "hazard"), *young;
    double f[AGES_BINS + 1], y[AGES_BINS];
    struct hazard h;
    int at = 0;

    golden_hazard(file, &h, y);
    golden_equal(h.p, shared_number(golden, "p"), "p");
    cr_assert(golden_numbers(shared_member(golden, "F"), f, AGES_BINS + 1) == h.bins + 1);
    for (int j = 0; j <= h.bins; j++)
        golden_equal(h.f[j], f[j], "F_%d", j);
    check_chances(golden, &h);
    cJSON_ArrayForEach (young, shared_member(golden, "young_bins")) {
        cr_assert(cJSON_IsTrue(young) == (at < hazard_young_bins(&h)), "young bin %d", at);
        at++;
    }
    cr_assert(at == h.bins);
    cJSON_Delete(file);
}

/* --- without the file --- */

Test(hazard, worked_example)
{
    static const int64_t edge[] = {0, 1, 3};
    struct hazard h;
    double chance[2];

    hazard_init(&h, 2, edge, (const double[]){0.2, 0.1});
    cr_assert(fabs(h.p - 0.352) < 1e-15 && fabs(h.f[1] - 0.2 / 0.352) < 1e-15);
    hazard_chances(&h, h.p, chance);
    cr_assert(fabs(chance[0] - 0.2) < 1e-15 && fabs(chance[1] - 0.1) < 1e-15);
    hazard_chances(&h, 0.1, chance);
    cr_assert(fabs(chance[0] - 0.1 * 0.2 / 0.352) < 1e-15);
}

Test(hazard, raw)
{
    double lambda[4];

    hazard_raw(4, (const double[]){1, 0, 3, 5}, (const double[]){4, 0, 0, 2}, lambda);
    cr_assert(lambda[0] == 0.25 && lambda[1] == 0.0 && lambda[2] == 0.0 && lambda[3] == 1.0);
}

Test(hazard, borrowed)
{
    double lambda[4];

    hazard_borrowed(4, (const double[]){10, 0, 0, 0}, (const double[]){100, 50, 50, 50}, lambda);
    cr_assert(fabs(lambda[0] - 15.0 / (100.0 + 5.0 / (10.0 / 150.0))) < 1e-15);
    cr_assert(fabs(lambda[1] - 5.0 / (50.0 + 5.0 / (10.0 / 200.0))) < 1e-15);
    cr_assert(lambda[2] == 0.0 && lambda[3] == 0.0, "nobody near has a conversion");
    hazard_borrowed(1, (const double[]){0}, (const double[]){0}, lambda);
    cr_assert(lambda[0] == 0.0);
    hazard_borrowed(2, (const double[]){0, 3}, (const double[]){0, 6}, lambda);
    cr_assert(lambda[0] == 0.5, "an age never seen takes its neighbours' hazard");
    hazard_borrowed(1, (const double[]){1e9}, (const double[]){2e9}, lambda);
    cr_assert(fabs(lambda[0] - 0.5) < 1e-15, "what has conversions of its own is hardly moved");
}

static void check_shape(const struct hazard *h)
{
    cr_assert(h->f[0] == 0.0 && h->f[h->bins] == 1.0);
    cr_assert(h->p >= 0.0 && h->p <= HAZARD_P_MAX);
    for (int j = 0; j < h->bins; j++)
        cr_assert(h->f[j] <= h->f[j + 1], "F falls in bin %d", j);
    cr_assert(hazard_young_bins(h) >= 1 && hazard_young_bins(h) <= h->bins);
}

/* Surviving every pane of every bin leaves 1 - P. */
static void check_product(const struct hazard *h, double P)
{
    double chance[AGES_BINS];
    long double left = 1.0L;

    hazard_chances(h, P, chance);
    for (int j = 0; j < h->bins; j++) {
        cr_assert(chance[j] >= 0.0 && chance[j] < 1.0 + 1e-15, "P %g bin %d: %g", P, j, chance[j]);
        left *= powl(1.0L - (long double)chance[j], (long double)h->width[j]);
    }
    cr_assert(fabsl(1.0L - left - (long double)P) < 1e-12L, "P %.17g: %.17Lg", P, 1.0L - left);
}

Test(hazard, chances_over_all_panes_give_the_final_chance)
{
    static const double finals[] = {0.0, 1e-12, 1e-6,     0.01,         0.3,
                                    0.8, 0.985, 0.999999, 1.0 - 0x1p-53};

    for (unsigned seed = 0; seed < 300; seed++) {
        struct hazard h;

        hazards_random(&h, seed, 1 + (int)seed % AGES_BINS);
        check_shape(&h);
        for (size_t i = 0; i < sizeof(finals) / sizeof(*finals); i++)
            check_product(&h, finals[i]);
    }
}

/* h_j(p) of the pool itself is the lambda it came from. */
Test(hazard, the_pools_chances_are_its_hazards)
{
    static const int64_t edge[] = {0, 1, 5, 40, 700};
    static const double lambda[] = {1e-3, 2e-14, 5e-4, 1e-4};
    struct hazard h;
    double chance[4];

    hazard_init(&h, 4, edge, lambda);
    hazard_chances(&h, h.p, chance);
    for (int j = 0; j < 4; j++)
        cr_assert(fabs(chance[j] - lambda[j]) < 1e-10 * lambda[j] + 1e-16, "bin %d: %g", j,
                  chance[j]);
}

Test(hazard, nothing_ever_advanced)
{
    static const int64_t edge[] = {0, 1, 4, 10};
    struct hazard h;
    double chance[3];

    hazard_init(&h, 3, edge, (const double[]){0, 0, 0});
    check_shape(&h);
    cr_assert(h.p == 0.0 && h.f[1] == 0.1 && h.f[2] == 0.4, "linear in age");
    hazard_chances(&h, 0.0, chance);
    cr_assert(chance[0] == 0.0 && chance[1] == 0.0 && chance[2] == 0.0);
    check_product(&h, 0.2);
}

Test(hazard, everybody_advances)
{
    static const int64_t edge[] = {0, 1, 4, 100000};
    struct hazard h;
    double chance[3];

    hazard_init(&h, 3, edge, (const double[]){1.0, 7.0, 1.0});
    check_shape(&h);
    cr_assert(h.p == HAZARD_P_MAX && fabs(h.f[1] - 0.9) < 1e-12, "F goes by the uncut p");
    hazard_chances(&h, h.p, chance);
    for (int j = 0; j < 3; j++)
        cr_assert(isfinite(chance[j]));
    check_product(&h, h.p);
}

/* lambda negative, NaN-free, subnormal: the result is a shape. */
Test(hazard, odd_hazards)
{
    static const int64_t edge[] = {0, 1, 2};
    static const double odd[] = {-1.0, 0.0, 5e-324, 1e-300, 1e-17, 0.5, 0.9, 1e300};

    for (int i = 0; i < 64; i++) {
        struct hazard h;
        double lambda[2] = {odd[i % 8], odd[i / 8]};

        hazard_init(&h, 2, edge, lambda);
        check_shape(&h);
        check_product(&h, h.p);
    }
}

Test(hazard, f_at_any_age)
{
    static const int64_t edge[] = {0, 1, 3};
    struct hazard h;

    hazard_init(&h, 2, edge, (const double[]){0.2, 0.1});
    cr_assert(hazard_f(&h, -1.0) == 0.0 && hazard_f(&h, 0.0) == 0.0);
    cr_assert(fabs(hazard_f(&h, 0.5) - h.f[1] / 2) < 1e-15 && hazard_f(&h, 1.0) == h.f[1]);
    cr_assert(fabs(hazard_f(&h, 2.0) - (h.f[1] + 1.0) / 2) < 1e-15);
    cr_assert(hazard_f(&h, 3.0) == 1.0 && hazard_f(&h, 1e300) == 1.0);
}

Test(hazard, young_bins)
{
    static const int64_t edge[] = {0, 1, 2, 3};
    struct hazard h;

    hazard_init(&h, 3, edge, (const double[]){0.9, 0.1, 0.1});
    cr_assert(hazard_young_bins(&h) == 1, "the first bin is young whatever it holds");
    hazard_init(&h, 3, edge, (const double[]){0.1, 0.1, 0.9});
    cr_assert(hazard_young_bins(&h) == 2);
    hazard_init(&h, 1, edge, (const double[]){0.3});
    cr_assert(hazard_young_bins(&h) == 1);
}
