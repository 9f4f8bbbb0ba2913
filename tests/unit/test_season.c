/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/season.h"

#include "lib/golden.h"

static const double no_weekdays[SEASON_DAYS] = {1, 1, 1, 1, 1, 1, 1};

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
    season_factors(o, e, shared_number(golden, "noise"), no_weekdays, factor);
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

    season_factors(o, e, 1.0, no_weekdays, factor);
    check_all(factor, 1.0 - 1e-15, 1.0 + 1e-15, "nothing");
    fill(o, 50.0);
    fill(e, 50.0);
    season_factors(o, e, 1.3, no_weekdays, factor);
    check_all(factor, 1.0 - 1e-15, 1.0 + 1e-15, "as expected");
}

/* Twice as many in the day as at night, weeks of it. */
Test(season, a_strong_season_is_learned)
{
    double o[SEASON_HOURS], e[SEASON_HOURS], factor[SEASON_HOURS];

    fill(e, 1000.0);
    for (int i = 0; i < SEASON_HOURS; i++)
        o[i] = i % 24 >= 8 && i % 24 < 20 ? 1400.0 : 700.0;
    season_factors(o, e, 1.0, no_weekdays, factor);
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
    season_factors(o, e, 1.0, no_weekdays, factor);
    cr_assert(factor[0] > factor[1] && factor[1] > factor[2] && factor[0] < 1.5);
    cr_assert(fabs(factor[1] - factor[167]) < 1e-12, "the week is a circle");
}

/* What is learned lies between nothing and everything observed. */
Test(season, no_observations_where_some_were_expected)
{
    double o[SEASON_HOURS] = {0}, e[SEASON_HOURS], factor[SEASON_HOURS];

    fill(e, 1e9);
    season_factors(o, e, 1.0, no_weekdays, factor);
    check_all(factor, 0.0, 1e-6, "none");
    fill(o, 1e9);
    fill(e, 0.0);
    season_factors(o, e, 1.0, no_weekdays, factor);
    check_all(factor, 1.0, 1e10, "unexpected");
}

/* One Sunday of few: its hours alone would be shrunk halfway back. */
Test(season, a_day_of_the_week_is_learned_as_a_whole)
{
    double o[SEASON_HOURS], e[SEASON_HOURS], weekday[SEASON_DAYS], factor[SEASON_HOURS];

    fill(o, 30.0);
    fill(e, 30.0);
    for (int i = 144; i < SEASON_HOURS; i++)
        o[i] = 12.0;
    season_weekdays(o, e, 1.0, weekday);
    season_factors(o, e, 1.0, weekday, factor);
    cr_assert(fabs(factor[156] - 0.4) < 0.02, "Sunday: %g", factor[156]);
    cr_assert(fabs(factor[36] - 1.0) < 0.02, "Tuesday: %g", factor[36]);
    season_factors(o, e, 1.0, no_weekdays, factor);
    cr_assert(factor[156] > 0.7, "Sunday: %g", factor[156]);
}

Test(season, days_that_differ_by_noise_alone_do_not_differ)
{
    double o[SEASON_HOURS], e[SEASON_HOURS], weekday[SEASON_DAYS];

    fill(e, 30.0);
    for (int i = 0; i < SEASON_HOURS; i++)
        o[i] = 30.0 + (i / 24 % 2 ? 1.0 : -1.0) + (i % 24 < 12 ? 5.0 : -5.0);
    season_weekdays(o, e, 1.0, weekday);
    for (int d = 0; d < SEASON_DAYS; d++)
        cr_assert(weekday[d] == 1.0, "day %d: %g", d, weekday[d]);
    for (int i = 0; i < SEASON_HOURS; i++)
        o[i] += i / 24 % 2 ? 3.0 : -3.0;
    season_weekdays(o, e, 1.0, weekday);
    cr_assert(weekday[2] < 1.0, "%g", weekday[2]);
}

/* One busy Friday makes no incident of the next. */
Test(season, a_day_is_better_than_most_only_by_its_hours)
{
    double o[SEASON_HOURS], e[SEASON_HOURS], weekday[SEASON_DAYS];

    fill(o, 30.0);
    fill(e, 30.0);
    for (int i = 96; i < 120; i++)
        o[i] = 90.0;
    season_weekdays(o, e, 1.0, weekday);
    cr_assert(weekday[4] == weekday[0] && weekday[0] < 1.0, "%g %g", weekday[4], weekday[0]);
}

static double least_of(double e_an_hour, double noise, double days)
{
    double e[SEASON_HOURS], sd[SEASON_HOURS_A_DAY];

    for (int i = 0; i < SEASON_HOURS; i++)
        e[i] = e_an_hour / 7;
    season_doubt(e, noise, days, sd);
    for (int h = 1; h < SEASON_HOURS_A_DAY; h++)
        cr_expect(__builtin_fabs(sd[h] - sd[0]) < 1e-12);
    return exp(-1.5 * sd[0]);
}

Test(season, an_hour_not_seen_may_convert_half_as_well)
{
    double least = least_of(0, 1, 0);

    cr_expect(least > 0.45 && least < 0.5);
    cr_expect(least_of(100, 1, 0) == least);
}

/* Neither many conversions of one day nor many days of few say all. */
Test(season, an_hour_is_known_by_days_and_by_conversions)
{
    double before = least_of(0, 1, 0);

    for (int days = 1; days < 20; days++) {
        double least = least_of(1000 * days, 1, days);

        cr_expect(least > before && least < 1);
        before = least;
    }
    cr_expect(least_of(1e6, 1, 1) < 0.9);
    cr_expect(least_of(10, 1, 20) < least_of(1000, 1, 20));
    cr_expect(least_of(1000, 5, 7) < least_of(1000, 1, 7));
}

Test(season, finite_in_finite_out)
{
    static const double sizes[] = {0.0, 5e-324, 1e-150, 1.0, 1e80, 1e200};

    for (int i = 0; i < 36; i++) {
        double o[SEASON_HOURS], e[SEASON_HOURS], factor[SEASON_HOURS];

        fill(o, sizes[i % 6]);
        fill(e, sizes[i / 6]);
        o[5] = e[7] = 1.0;
        season_factors(o, e, 1.0 + i % 3, no_weekdays, factor);
        check_all(factor, 0.0, 1e300, "sizes");
        season_weekdays(o, e, 1.0 + i % 3, factor);
        for (int d = 0; d < SEASON_DAYS; d++)
            cr_assert(factor[d] >= 0 && factor[d] <= 1e300, "sizes: day %d: %g", d, factor[d]);
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
