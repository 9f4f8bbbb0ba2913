/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "core/nearest.h"
#include "funnel/settings.h"
#include "funnel/units.h"

static int64_t duration(const char *text)
{
    int64_t ms = -77;

    return settings_duration(text, &ms) == 0 ? ms : -77;
}

static int64_t size(const char *text)
{
    int64_t n = -77;

    return settings_size(text, &n) == 0 ? n : -77;
}

static double ratio(const char *text)
{
    double x = -77;

    return units_ratio(text, &x) == 0 ? x : -77;
}

static double rate(const char *text)
{
    double x = -77;

    return units_rate(text, &x) == 0 ? x : -77;
}

Test(units, durations)
{
    cr_assert(eq(i64, duration("500ms"), 500));
    cr_assert(eq(i64, duration("1s"), 1000));
    cr_assert(eq(i64, duration("1h30m"), 5400000));
    cr_assert(eq(i64, duration("2w"), INT64_C(14) * 86400000));
    cr_assert(eq(i64, duration("1d2h3m4s5ms"), 93784005));
    cr_assert(eq(i64, duration("off"), 0));
    cr_assert(eq(i64, duration("0"), 0));
    cr_assert(eq(i64, duration("0s"), 0));
}

Test(units, what_is_no_duration)
{
    static const char *const bad[] = {"",
                                      "1",
                                      "-1s",
                                      "1.5h",
                                      "1 h",
                                      "h",
                                      "1y",
                                      "1M",
                                      "1S",
                                      " 1s",
                                      "1s ",
                                      "1s1",
                                      "Off",
                                      "1hour",
                                      "１s",
                                      "1hm",
                                      "1h-2m",
                                      "0x1s",
                                      "99999999999999999999s",
                                      "9999999999999999w",
                                      "9223372036854775807ms1ms"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert(duration(bad[i]) == -77, "'%s'", bad[i]);
    cr_assert(eq(i64, duration("9223372036854775807ms"), INT64_MAX));
}

Test(units, sizes)
{
    static const char *const bad[] = {
        "",      "-1",    "1.5MiB", "1mib",          "KiB",
        "1 KiB", "1KiBx", "1MiB2",  "9999999999TiB", "99999999999999999999"};

    cr_assert(eq(i64, size("256"), 256));
    cr_assert(eq(i64, size("7B"), 7));
    cr_assert(eq(i64, size("64KiB"), 65536));
    cr_assert(eq(i64, size("1MiB"), 1048576));
    cr_assert(eq(i64, size("2GiB"), INT64_C(2) << 30));
    cr_assert(eq(i64, size("1kB"), 1000));
    cr_assert(eq(i64, size("8MB"), 8000000));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert(size(bad[i]) == -77, "'%s'", bad[i]);
}

Test(units, integers)
{
    int64_t n = 5;

    cr_assert(zero(int, units_integer("0", &n)));
    cr_assert(zero(int, units_integer("-42", &n)));
    cr_assert(eq(i64, n, -42));
    cr_assert(zero(int, units_integer("9223372036854775807", &n)));
    cr_assert(eq(int, units_integer("9223372036854775808", &n), -1));
    cr_assert(eq(int, units_integer("", &n), -1));
    cr_assert(eq(int, units_integer("-", &n), -1));
    cr_assert(eq(int, units_integer("+1", &n), -1));
    cr_assert(eq(int, units_integer("1.0", &n), -1));
    cr_assert(eq(int, units_integer("0x10", &n), -1));
    cr_assert(eq(i64, n, INT64_MAX));
}

Test(units, ratios_are_the_nearest_doubles)
{
    static const char *const texts[] = {
        "0.3", "0.1",      "0.001", "1e-3", "12.5e-2",           "0",
        "1",   "0.999999", "1E-22", "2e+1", "0.123456789012345", "00.50",
        "3e2"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        cr_assert(ratio(texts[i]) == strtod(texts[i], NULL), "'%s'", texts[i]);
    cr_assert(ratio("30%") == 0.3);
    cr_assert(ratio("0.1%") == 0.001);
    cr_assert(ratio("100%") == 1.0);
}

Test(units, what_is_no_ratio)
{
    static const char *const bad[] = {"",   ".5",   "5.",    "-0.1",  "+1",   "0,3",
                                      "1e", "1e-",  "1e-23", "nan",   "inf",  "30 %",
                                      "%",  "30%%", "0.3x",  "0x1p3", "1e99", "0.1234567890123456"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert(ratio(bad[i]) == -77, "'%s'", bad[i]);
}

Test(units, rates_are_per_week)
{
    cr_assert(rate("0.1/week") == 0.1);
    cr_assert(rate("1/day") == 7);
    cr_assert(rate("2/hour") == 336);
    cr_assert(rate("off") == 0);
    cr_assert(rate("off/week") == -77);
    cr_assert(rate("1") == -77);
    cr_assert(rate("1/month") == -77);
    cr_assert(rate("/day") == -77);
    cr_assert(rate("1/day ") == -77);
}

static const char *duration_text(int64_t ms)
{
    static struct buf b;

    buf_clear(&b);
    units_put_duration(&b, ms);
    return buf_cstr(&b);
}

Test(units, durations_are_written_as_people_do)
{
    static const int64_t all[] = {1, 999, 1000, 61000, 5400000, 86400000, 604800000, 93784005};

    cr_assert(eq(str, (char *)duration_text(0), "0s"));
    cr_assert(eq(str, (char *)duration_text(5400000), "1h30m"));
    cr_assert(eq(str, (char *)duration_text(INT64_C(30) * 86400000), "30d"));
    cr_assert(eq(str, (char *)duration_text(INT64_C(14) * 86400000), "2w"));
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        cr_assert(eq(i64, duration(duration_text(all[i])), all[i]));
}

Test(units, sizes_are_written_in_whole_units)
{
    struct buf b = {0};

    units_put_size(&b, 256);
    buf_char(&b, ' ');
    units_put_size(&b, 1048576);
    buf_char(&b, ' ');
    units_put_size(&b, 65537);
    buf_char(&b, ' ');
    units_put_size(&b, 0);
    cr_assert(eq(str, buf_cstr(&b), "256 1MiB 65537 0"));
    buf_deinit(&b);
}

/* --- nearest --- */

static const char *nearest(const char *word)
{
    static const char *const known[] = {"lateness", "late", "zone", "pane", "max_ahead", "方案书"};
    struct nearest n = {.word = word};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        nearest_offer(&n, known[i]);
    return n.best ? n.best : "-";
}

Test(nearest, finds_slips_and_nothing_else)
{
    cr_assert(eq(str, (char *)nearest("latenes"), "lateness"));
    cr_assert(eq(str, (char *)nearest("lateness"), "lateness"));
    cr_assert(eq(str, (char *)nearest("Max-Ahead"), "max_ahead"));
    cr_assert(eq(str, (char *)nearest("zoen"), "zone"));
    cr_assert(eq(str, (char *)nearest("方按书"), "方案书"));
    cr_assert(eq(str, (char *)nearest("x"), "-"));
    cr_assert(eq(str, (char *)nearest(""), "-"));
    cr_assert(
        eq(str, (char *)nearest("something else altogether, and longer than any known word"), "-"));
}

Test(nearest, distance_counts_code_points)
{
    cr_assert(eq(sz, nearest_distance("kitten", "sitting"), 3));
    cr_assert(eq(sz, nearest_distance("ab", "ba"), 1));
    cr_assert(eq(sz, nearest_distance("", "abc"), 3));
    cr_assert(eq(sz, nearest_distance("方案", "方按"), 1));
    cr_assert(eq(sz, nearest_distance("a-b", "A_B"), 0));
}
