/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/stats.h"

#include <locale.h>
#include <math.h>
#include <string.h>

#include <criterion/criterion.h>

#include "lib/shared_file.h"

#define INF ((double)INFINITY)

static int near(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fmax(fabs(a), fabs(b)) + 1e-300;
}

/* Each stage of the table after the first converts the stage before it. */
static void check_stage(const cJSON *stage, int64_t n, double target)
{
    const char *name = shared_member(stage, "metric")->valuestring;
    const cJSON *want = shared_member(stage, "wilson95");
    int64_t k = (int64_t)shared_number(stage, "actual");
    struct interval got = stats_wilson(k, n, STATS_Z95);

    cr_assert(k <= n, "%s", name);
    cr_assert(near(got.low, cJSON_GetArrayItem(want, 0)->valuedouble), "%s: low %.17g", name,
              got.low);
    cr_assert(near(got.high, cJSON_GetArrayItem(want, 1)->valuedouble), "%s: high %.17g", name,
              got.high);
    cr_assert(near(stats_one_proportion_z(k, n, target), shared_number(stage, "z")), "%s: z", name);
}

Test(stats, a_sales_managers_table)
{
    cJSON *golden = shared_json("data/monthly_table/expected.json");
    const cJSON *stage;
    int64_t n = 0;
    int checked = 0;

    if (!golden)
        cr_skip("no data/monthly_table/expected.json: set SHARED_DIR");
    cJSON_ArrayForEach (stage, shared_member(golden, "stages")) {
        if (n > 0) {
            check_stage(stage, n, shared_number(stage, "target_rate"));
            checked++;
        }
        n = (int64_t)shared_number(stage, "actual");
    }
    cr_assert(checked >= 5);
    cJSON_Delete(golden);
}

Test(stats, partial_of_the_mature_is_the_plain_one)
{
    for (int64_t n = 1; n < 400; n += 7)
        for (int64_t k = 0; k <= n; k += 1 + n / 9) {
            struct interval a = stats_wilson(k, n, STATS_Z95);
            struct interval b = stats_partial_wilson((double)k, (double)n, (double)n, STATS_Z95);

            cr_assert(fabs(a.low - b.low) < 1e-12 && fabs(a.high - b.high) < 1e-12);
            cr_assert(near(stats_one_proportion_z(k, n, 0.3),
                           stats_partial_z((double)k, (double)n, (double)n, 0.3)));
        }
}

/* 400 stays of a maturity of one quarter: conversions so far are of 400, each with a quarter of the chance. */
Test(stats, partial_goes_by_the_chance_so_far)
{
    struct interval some = stats_partial_wilson(60, 100, 25, STATS_Z95);
    struct interval whole = stats_wilson(60, 400, STATS_Z95);

    cr_expect(near(stats_partial_z(60, 100, 25, 0.8), stats_one_proportion_z(60, 400, 0.2)));
    cr_expect(fabs(some.low / 4 - whole.low) < 1e-12 && fabs(some.high / 4 - whole.high) < 1e-12);
    cr_expect(stats_partial_z(5, 0, 0, 0.5) == 0);
    cr_expect(stats_partial_z(5, 10, 10, 1) == 0);
    some = stats_partial_wilson(5, 0, 0, STATS_Z95);
    cr_expect(some.low == 0 && some.high == 1);
    /* A curve as unsure as this says nothing of the highest rate. */
    some = stats_partial_wilson(5, 10, -40, STATS_Z95);
    cr_expect(some.low > 0 && some.low < 0.5 && some.high == 1);
    some = stats_partial_wilson(50, 10, 1, STATS_Z95);
    cr_expect(some.low == 1 && some.high == 1);
}

Test(stats, wilson_at_its_ends)
{
    struct interval none = stats_wilson(0, 0, STATS_Z95), zero = stats_wilson(0, 10, STATS_Z95);
    struct interval all = stats_wilson(10, 10, STATS_Z95), more = stats_wilson(25, 10, STATS_Z95);

    cr_assert(none.low == 0.0 && none.high == 1.0);
    cr_assert(zero.low == 0.0 && near(zero.high, 0.277532799862889));
    cr_assert(all.high == 1.0 && near(all.low, 1.0 - 0.277532799862889));
    cr_assert(more.low == all.low && more.high == all.high);
    for (int64_t n = 1; n < 200; n++)
        for (int64_t k = 0; k <= n; k++) {
            struct interval i = stats_wilson(k, n, 3.0);
            double p = (double)k / (double)n;

            cr_assert(0.0 <= i.low && i.low <= p && p <= i.high && i.high <= 1.0);
        }
}

Test(stats, two_proportions)
{
    cr_assert(near(stats_two_proportion_z(30, 100, 50, 100), -2.886751345948129));
    cr_assert(near(stats_two_proportion_z(50, 100, 30, 100), 2.886751345948129));
    cr_assert(near(stats_two_proportion_z(15, 1000, 300, 12000), -1.9758855560711364));
    cr_assert(stats_two_proportion_z(0, 10, 0, 20) == 0.0);
    cr_assert(stats_two_proportion_z(10, 10, 30, 20) == 0.0);
    cr_assert(stats_two_proportion_z(1, 0, 1, 2) == 0.0);
    cr_assert(stats_two_proportion_z(15, 10, 10, 20) == stats_two_proportion_z(10, 10, 10, 20));
}

Test(stats, one_proportion_out_of_range)
{
    cr_assert(stats_one_proportion_z(1, 0, 0.5) == 0.0);
    cr_assert(stats_one_proportion_z(1, 2, 0.0) == 0.0 && stats_one_proportion_z(1, 2, 1.0) == 0.0);
    cr_assert(stats_one_proportion_z(5, 10, 0.5) == 0.0 &&
              stats_one_proportion_z(12, 10, 0.5) > 0.0);
}

Test(stats, significance)
{
    cr_assert(near(stats_significance_z(0.001), 3.090232306167813));
    cr_assert(near(stats_significance_z(0.025), 1.959963984540054));
    cr_assert(near(stats_significance_z(1e-9), 5.997807015007687));
}

static void check_text(double x, const char *want)
{
    struct buf b = {0};

    buf_number(&b, x);
    cr_assert(strcmp(buf_cstr(&b), want) == 0, "%.17g: %s, not %s", x, buf_cstr(&b), want);
    buf_deinit(&b);
}

static void check_texts(void)
{
    check_text(0.0, "0");
    check_text(-0.0, "0");
    check_text(1.0, "1");
    check_text(-42.0, "-42");
    check_text(0.1 + 0.2, "0.3");
    check_text(0.0123, "0.0123");
    check_text(2.0 / 3.0, "0.666666667");
    check_text(-1.0 / 3.0, "-0.333333333");
    check_text(123456789.0, "123456789");
    check_text(1234567890.0, "1234567890");
    check_text(12345678912.0, "12345678900");
    check_text(999999999.9, "1000000000");
    check_text(12345.6789, "12345.6789");
    check_text(12345.67891, "12345.6789");
    check_text(1e15, "1000000000000000");
    check_text(1e20, "100000000000000000000");
    check_text(1e21, "1e+21");
    check_text(1.25e300, "1.25e+300");
    check_text(1e-6, "0.000001");
    check_text(1.5e-6, "0.0000015");
    check_text(1e-7, "1e-7");
    check_text(9.9999999999e-7, "0.000001");
    check_text(1e-12, "1e-12");
    check_text(-1.23456789012e-12, "-1.23456789e-12");
    check_text(5e-324, "4.94065646e-324");
    check_text(1.7976931348623157e308, "1.79769313e+308");
    check_text(INF, "null");
    check_text(-INF, "null");
    check_text((double)NAN, "null");
}

Test(stats, numbers_as_json)
{
    check_texts();
}

Test(stats, numbers_do_not_depend_on_the_locale)
{
    static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "zh_CN.UTF-8"};

    for (size_t i = 0; i < sizeof(locales) / sizeof(*locales); i++)
        if (setlocale(LC_ALL, locales[i]))
            break;
    check_texts();
}

/* What is written is the number that printf rounds to 9 digits, and writing that again changes nothing. */
Test(stats, numbers_have_nine_digits)
{
    uint64_t bits = 88172645463325252u;

    for (int i = 0; i < 200000; i++) {
        struct buf once = {0}, again = {0};
        char text[64];
        double x, rounded;

        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        x = i % 2 ? ldexp((double)(int64_t)bits, (int)(bits % 1900) - 1000)
                  : (double)(bits % 100000) / 1e7;
        snprintf(text, sizeof(text), "%.8e", x);
        rounded = strtod(text, NULL);
        buf_number(&once, x);
        buf_number(&again, rounded);
        cr_assert(strtod(buf_cstr(&once), NULL) == rounded, "%.17g: %s", x, buf_cstr(&once));
        cr_assert(strcmp(buf_cstr(&once), buf_cstr(&again)) == 0, "%.17g", x);
        buf_deinit(&once);
        buf_deinit(&again);
    }
}
