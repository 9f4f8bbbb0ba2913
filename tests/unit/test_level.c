/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/level.h"

#include "lib/golden.h"

Test(level, golden)
{
    cJSON *file = golden_open();
    const cJSON *golden = shared_member(shared_member(file, "baseline"), "level"), *day;
    struct level v;
    int days = 0;

    level_init(&v);
    golden_equal(v.l, shared_number(golden, "L0"), "L0");
    golden_equal(v.p, shared_number(golden, "P0"), "P0");
    cJSON_ArrayForEach (day, shared_member(golden, "days")) {
        level_day(&v, shared_number(day, "O"), shared_number(day, "E"), shared_number(day, "phi"));
        days++;
        golden_equal(v.l, shared_number(day, "L"), "L of day %d", days);
        golden_equal(v.p, shared_number(day, "P"), "P of day %d", days);
    }
    cr_assert(days >= 5);
    cJSON_Delete(file);
}

Test(dispersion, golden)
{
    cJSON *file = golden_open();
    const cJSON *golden = shared_member(shared_member(file, "baseline"), "dispersion"), *day;
    struct dispersion d = {0};
    int days = 0;

    cJSON_ArrayForEach (day, shared_member(golden, "days")) {
        double r[16], v[16], squares = 0.0, variances = 0.0, phi = dispersion_phi(&d);
        int n = golden_numbers(shared_member(day, "residuals_of_the_day"), r, 16);

        cr_assert(golden_numbers(shared_member(day, "variances"), v, 16) == n);
        for (int i = 0; i < n; i++) {
            squares += dispersion_square(r[i], v[i], phi);
            variances += v[i];
        }
        dispersion_add(&d, squares, variances, 1.0);
        days++;
        golden_equal(d.o, shared_number(day, "Fo"), "Fo of day %d", days);
        golden_equal(d.e, shared_number(day, "Fe"), "Fe of day %d", days);
        golden_equal(dispersion_phi(&d), shared_number(day, "phi"), "phi of day %d", days);
    }
    cr_assert(days >= 2);
    cJSON_Delete(file);
}

/* --- without the file --- */

Test(level, a_day_without_expectation_only_widens)
{
    struct level v = {.l = 0.1, .p = 0.001};

    level_day(&v, 0.0, 0.0, 1.0);
    cr_assert(v.l == 0.1 && fabs(v.p - (0.001 + 0.03 * 0.03 / 7.0)) < 1e-18);
    level_day(&v, 5.0, -1.0, 1.0);
    cr_assert(v.l == 0.1);
}

/* The expectation has the level in it. A lasting change is taken up, not quite all of
 * it: what the refit absorbs decays. */
Test(level, follows_a_lasting_change)
{
    struct level v;

    level_init(&v);
    for (int day = 0; day < 200; day++)
        level_day(&v, 900.0, 1000.0 * exp(v.l), 1.0);
    cr_assert(v.l < -0.07 && v.l > log(0.9), "%g", v.l);
    for (int day = 0; day < 200; day++)
        level_day(&v, 1000.0, 1000.0 * exp(v.l), 1.0);
    cr_assert(fabs(v.l) < 1e-4);
}

Test(level, one_bad_day_is_winsorised)
{
    struct level bad, worse;

    level_init(&bad);
    level_init(&worse);
    level_day(&bad, 500.0, 1000.0, 1.0);
    level_day(&worse, 0.0, 1000.0, 1.0);
    cr_assert(bad.l == worse.l && bad.l < 0.0 && bad.l > -0.1);
    level_init(&worse);
    level_day(&worse, 1e12, 1000.0, 1.0);
    cr_assert(worse.l == -bad.l);
}

Test(level, finite_in_finite_out)
{
    static const double sizes[] = {0.0, 5e-324, 1e-300, 1e-9, 1.0, 1e9, 1e300};
    struct level v;

    level_init(&v);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 49; i++) {
            level_day(&v, sizes[i % 7], sizes[i / 7], 1.0 + round * 1e6);
            cr_assert(isfinite(v.l) && isfinite(v.p) && v.p >= 1e-6, "o %g e %g", sizes[i % 7],
                      sizes[i / 7]);
        }
}

Test(dispersion, of_nothing_is_1)
{
    struct dispersion d = {0};

    cr_assert(dispersion_phi(&d) == 1.0);
    dispersion_add(&d, 0.0, 0.0, 1.0);
    cr_assert(dispersion_phi(&d) == 1.0);
    dispersion_add(&d, 0.0, 1e6, 1.0);
    cr_assert(dispersion_phi(&d) == 1.0, "the floor");
    cr_assert(dispersion_square(0.0, 0.0, 1.0) == 0.0 && dispersion_square(1e200, 0.0, 1.0) == 0.0);
    cr_assert(dispersion_square(1e200, 4.0, 2.0) == 72.0, "the square overflows, the limit stands");
}

Test(dispersion, is_learned_and_forgotten)
{
    struct dispersion d = {0};

    for (int day = 0; day < 100; day++)
        dispersion_add(&d, 300.0, 100.0, 1.0);
    cr_assert(dispersion_phi(&d) > 2.9 && dispersion_phi(&d) < 3.0);
    d = (struct dispersion){.o = 64.0, .e = 32.0};
    dispersion_add(&d, 0.0, 0.0, 14.0);
    cr_assert(fabs(d.o - 32.0) < 1e-12 && fabs(d.e - 16.0) < 1e-12, "half-life");
    dispersion_add(&d, 1.0, 1.0, 1e9);
    cr_assert(d.o == 1.0 && d.e == 1.0);
    dispersion_add(&d, 0.0, 0.0, 0.0);
    cr_assert(d.o == 1.0);
}
