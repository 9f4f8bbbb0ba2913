/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/season.h"

#include "lib/golden.h"

Test(season, golden)
{
    cJSON *file = golden_open();
    const cJSON *golden = shared_member(shared_member(file, "baseline"), "season");
    double o[SEASON_HOURS], e[SEASON_HOURS], wanted[SEASON_HOURS], factor[SEASON_HOURS];
    double hour[32], value[32];
    int n;

    cr_assert(golden_numbers(shared_member(golden, "O"), o, SEASON_HOURS) == SEASON_HOURS);
    cr_assert(golden_numbers(shared_member(golden, "E"), e, SEASON_HOURS) == SEASON_HOURS);
    cr_assert(golden_numbers(shared_member(golden, "factor"), wanted, SEASON_HOURS) ==
              SEASON_HOURS);
    season_factors(o, e, shared_number(golden, "noise"), factor);
    for (int i = 0; i < SEASON_HOURS; i++)
        golden_equal(factor[i], wanted[i], "hour %d", i);
    n = golden_numbers(shared_member(golden, "at_hour"), hour, 32);
    cr_assert(n > 0 && golden_numbers(shared_member(golden, "value"), value, 32) == n);
    for (int i = 0; i < n; i++)
        golden_equal(season_at(factor, hour[i]), value[i], "at %g", hour[i]);
    cJSON_Delete(file);
}

/* --- without the file --- */

static void check_all(const double *factor, double low, double high, const char *name)
{
    for (int i = 0; i < SEASON_HOURS; i++)
        cr_assert(factor[i] >= low && factor[i] <= high, "%s: hour %d: %g", name, i, factor[i]);
}

static void fill(double *hours, double x)
{
    for (int i = 0; i < SEASON_HOURS; i++)
        hours[i] = x;
}

Test(season, nothing_learned_is_no_season)
{
    double o[SEASON_HOURS] = {0}, e[SEASON_HOURS] = {0}, factor[SEASON_HOURS];

    season_factors(o, e, 1.0, factor);
    check_all(factor, 1.0 - 1e-15, 1.0 + 1e-15, "nothing");
    fill(o, 50.0);
    fill(e, 50.0);
    season_factors(o, e, 1.3, factor);
    check_all(factor, 1.0 - 1e-15, 1.0 + 1e-15, "as expected");
}

/* Twice as many in the day as at night, weeks of it. */
Test(season, a_strong_season_is_learned)
{
    double o[SEASON_HOURS], e[SEASON_HOURS], factor[SEASON_HOURS];

    fill(e, 1000.0);
    for (int i = 0; i < SEASON_HOURS; i++)
        o[i] = i % 24 >= 8 && i % 24 < 20 ? 1400.0 : 700.0;
    season_factors(o, e, 1.0, factor);
    for (int i = 0; i < SEASON_HOURS; i++)
        if (i % 24 > 8 && i % 24 < 19)
            cr_assert(fabs(factor[i] - 1.4) < 0.003, "hour %d: %g", i, factor[i]);
        else if (i % 24 < 7 || i % 24 > 20)
            cr_assert(fabs(factor[i] - 0.7) < 0.003, "hour %d: %g", i, factor[i]);
}

Test(season, one_odd_hour_is_shrunk_and_spread)
{
    double o[SEASON_HOURS], e[SEASON_HOURS], factor[SEASON_HOURS];

    fill(o, 10.0);
    fill(e, 10.0);
    o[0] = 30.0;
    season_factors(o, e, 1.0, factor);
    cr_assert(factor[0] > factor[1] && factor[1] > factor[2] && factor[0] < 1.5);
    cr_assert(fabs(factor[1] - factor[167]) < 1e-12, "the week is a circle");
}

/* What is learned lies between nothing and everything observed. */
Test(season, no_observations_where_some_were_expected)
{
    double o[SEASON_HOURS] = {0}, e[SEASON_HOURS], factor[SEASON_HOURS];

    fill(e, 1e9);
    season_factors(o, e, 1.0, factor);
    check_all(factor, 0.0, 1e-6, "none");
    fill(o, 1e9);
    fill(e, 0.0);
    season_factors(o, e, 1.0, factor);
    check_all(factor, 1.0, 1e10, "unexpected");
}

Test(season, finite_in_finite_out)
{
    static const double sizes[] = {0.0, 5e-324, 1e-150, 1.0, 1e80, 1e200};

    for (int i = 0; i < 36; i++) {
        double o[SEASON_HOURS], e[SEASON_HOURS], factor[SEASON_HOURS];

        fill(o, sizes[i % 6]);
        fill(e, sizes[i / 6]);
        o[5] = e[7] = 1.0;
        season_factors(o, e, 1.0 + i % 3, factor);
        check_all(factor, 0.0, 1e300, "sizes");
    }
}

Test(season, between_the_middles_of_hours)
{
    double factor[SEASON_HOURS];

    for (int i = 0; i < SEASON_HOURS; i++)
        factor[i] = i;
    for (int i = 0; i < SEASON_HOURS; i++)
        cr_assert(season_at(factor, i + 0.5) == i);
    cr_assert(fabs(season_at(factor, 10.0) - 9.5) < 1e-12);
    cr_assert(fabs(season_at(factor, 10.75) - 10.25) < 1e-12);
    cr_assert(fabs(season_at(factor, 0.0) - 83.5) < 1e-12,
              "half of Sunday's last, of Monday's first");
    cr_assert(fabs(season_at(factor, 167.75) - 0.75 * 167.0) < 1e-12);
    cr_assert(isfinite(season_at(factor, nextafter(168.0, 0.0))));
}
