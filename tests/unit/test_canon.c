/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "funnel/canon.h"
#include "funnel/clock.h"
#include "funnel/settings.h"

#define FAILED INT64_C(-987654321987654321) /* what the helpers give for a -1 */

/* A generator of its own, so that a failure can be repeated. */
static uint64_t rng_state = 20240229;

static uint64_t rng(void)
{
    uint64_t z = rng_state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static int64_t amount(const char *text, int decimals)
{
    int64_t minor = FAILED;

    return canon_amount(span_of(text), decimals, &minor) == 0 ? minor : FAILED;
}

static int64_t when(const char *text, int format)
{
    int64_t ms = FAILED;

    return canon_time(span_of(text), format, &ms) == 0 ? ms : FAILED;
}

static int64_t rfc(const char *text)
{
    return when(text, FORMAT_RFC3339);
}

Test(canon, strings_are_taken_as_they_are_within_their_bounds)
{
    cr_assert(eq(int, canon_string(span_of("a"), 3), 0));
    cr_assert(eq(int, canon_string(span_of(" a "), 3), 0));
    cr_assert(eq(int, canon_string(span_of("方"), 3), 0));
    cr_assert(eq(int, canon_string(span_of("abcd"), 3), -1));
    cr_assert(eq(int, canon_string(span_of(""), 3), -1));
    cr_assert(eq(int, canon_string(SPAN_NONE, 3), -1));
}

Test(canon, numbers_are_tokens_where_they_are_integers)
{
    static const char *const good[] = {"0", "7", "-7", "4711", "123456789012345678901234567890"};
    static const char *const bad[] = {"-0", "1.0", "1e3", "1E3", "0.0", "-1.5", "-", ""};

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        cr_expect(eq(int, canon_number(span_of(good[i]), 64), 0), "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect(eq(int, canon_number(span_of(bad[i]), 64), -1), "%s", bad[i]);
    cr_assert(eq(int, canon_number(span_of("1234"), 3), -1));
}

Test(canon, amounts_are_exact)
{
    static const struct {
        const char *text;
        int decimals;
        int64_t minor;
    } cases[] = {
        {"0", 2, 0},
        {"-0", 2, 0},
        {"-0.00", 2, 0},
        {"1", 2, 100},
        {"12.34", 2, 1234},
        {"-12.34", 2, -1234},
        {"+12.34", 2, 1234},
        {"0.1", 2, 10},
        {"0.01", 2, 1},
        {"00012.5", 2, 1250},
        {"12.34", 0, 12},
        {"12.34", 6, 12340000},
        {"0.29", 2, 29},   /* 28.999… as a double */
        {"1.15", 1, 12},   /* 1.149… as a double; here a tie to even */
        {"1.005", 2, 100}, /* ties go to the even one */
        {"1.015", 2, 102},
        {"1.025", 2, 102},
        {"-1.005", 2, -100},
        {"-1.015", 2, -102},
        {"1.0050000000000000000000000000000000000000000000000001", 2, 101},
        {"1.0049999999999999999999999999999999999999999999999999", 2, 100},
        {"0.005", 2, 0},
        {"0.015", 2, 2},
        {"0.0050001", 2, 1},
        {"0.0049", 2, 0},
        {"0.0005", 2, 0},
        {"0.5", 0, 0},
        {"1.5", 0, 2},
        {"2.5", 0, 2},
        {"0.51", 0, 1},
        {"9.995", 2, 1000},
        {"99999.995", 2, 10000000},
        {"1e3", 2, 100000},
        {"1E+3", 2, 100000},
        {"12.34e1", 2, 12340},
        {"1234e-2", 2, 1234},
        {"1234.5e-3", 2, 123},
        {"1235e-3", 2, 124},
        {"0.000000000000000000000000000001e30", 2, 100},
        {"1000000000000000000000000000000e-30", 2, 100},
        {"5e-3", 2, 0},
        {"5.1e-3", 2, 1},
        {"9e-4", 2, 0},
        {"1e-999999999999999999999999", 2, 0},
        {"0e999999999999999999999999", 2, 0},
        {"0.000e5", 2, 0},
        {"1407374883553.27", 2, 140737488355327}, /* 2^47 - 1 */
        {"-1407374883553.27", 2, -140737488355327},
        {"1407374883553.274", 2, 140737488355327},
        {"140737488355327", 0, 140737488355327},
        {"140737488.355327", 6, 140737488355327},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect(eq(i64, amount(cases[i].text, cases[i].decimals), cases[i].minor), "%s, %d",
                  cases[i].text, cases[i].decimals);
}

Test(canon, amounts_out_of_range_or_shape_are_refused)
{
    static const char *const cases[] = {"",
                                        " ",
                                        "1 ",
                                        " 1",
                                        ".5",
                                        "5.",
                                        "1,000.00",
                                        "-",
                                        "+",
                                        "--1",
                                        "e3",
                                        "1e",
                                        "1e+",
                                        "1e1.5",
                                        "1e 3",
                                        "0x10",
                                        "abc",
                                        "1.2.3",
                                        "NaN",
                                        "inf",
                                        "¥12",
                                        "12元",
                                        "1_000",
                                        "-.",
                                        "1407374883553.28",
                                        "-1407374883553.28",
                                        "1407374883553.275",
                                        "1e12345",
                                        "1e18",
                                        "1e16",
                                        "-1e999999999999999999999999",
                                        "99999999999999999999999999"};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect(eq(i64, amount(cases[i], 2), FAILED), "%s", cases[i]);
    cr_assert(eq(i64, amount("140737488355328", 0), FAILED));
    cr_assert(eq(int, canon_amount(SPAN_NONE, 2, &(int64_t){0}), -1));
    cr_assert(eq(int, canon_amount((struct span){"1\0", 2}, 2, &(int64_t){0}), -1));
}

/* mantissa / 10^scale × 10^decimals, half to even, in 128 bits. */
static __int128 amount_by_division(int64_t mantissa, int scale, int decimals)
{
    __int128 x = mantissa < 0 ? -(__int128)mantissa : mantissa, by = 1, whole, rest;

    for (int i = 0; i < decimals; i++)
        x *= 10;
    for (int i = 0; i < scale; i++)
        by *= 10;
    whole = x / by;
    rest = x % by;
    if (2 * rest > by || (2 * rest == by && (whole & 1)))
        whole++;
    return mantissa < 0 ? -whole : whole;
}

static void write_scaled(char *out, size_t size, int64_t mantissa, int scale, int exponent)
{
    uint64_t m = mantissa < 0 ? 0 - (uint64_t)mantissa : (uint64_t)mantissa;
    char digits[64];
    int n = snprintf(digits, sizeof(digits), "%0*" PRIu64, scale + 1, m);

    snprintf(out, size, "%s%.*s%s%s", mantissa < 0 ? "-" : "", n - scale, digits, scale ? "." : "",
             digits + n - scale);
    if (exponent)
        snprintf(out + strlen(out), size - strlen(out), "%s%d",
                 rng() & 1      ? "e"
                 : exponent < 0 ? "E"
                                : "E+",
                 exponent);
}

Test(canon, amounts_agree_with_integer_division)
{
    for (int i = 0; i < 200000; i++) {
        int64_t mantissa = (int64_t)(rng() >> (1 + rng() % 50));
        int scale = (int)(rng() % 16), decimals = (int)(rng() % 7);
        int exponent = rng() % 2 ? 0 : (int)(rng() % 21) - 10;
        __int128 expected;
        int64_t got;
        char text[128];

        if (rng() & 1)
            mantissa = -mantissa;
        if (rng() % 4 == 0)
            mantissa = mantissa / 1000 * 1000 + 500; /* ties are rare by chance */
        write_scaled(text, sizeof(text), mantissa, scale, exponent);
        if (exponent > scale + 12) /* would not fit the 128 bits */
            continue;
        expected = exponent <= scale ? amount_by_division(mantissa, scale - exponent, decimals)
                                     : amount_by_division(mantissa, 0, decimals + exponent - scale);
        if (expected >= CANON_AMOUNT_LIMIT || expected <= -CANON_AMOUNT_LIMIT)
            expected = FAILED;
        got = amount(text, decimals);
        cr_assert(eq(i64, got, (int64_t)expected), "%s with %d decimals", text, decimals);
    }
}

Test(canon, rfc3339_in_all_its_forms)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00z", 0},
        {"1970-01-01t00:00:00Z", 0},
        {"1970-01-01 00:00:00Z", 0},
        {"1970-01-01T08:00:00+08:00", 0},
        {"1969-12-31T18:30:00-05:30", 0},
        {"1970-01-01T00:00:00-00:00", 0},
        {"1970-01-01T23:59:00+23:59", 0},
        {"1985-04-12T23:20:50.52Z", INT64_C(482196050520)},
        {"1996-12-19T16:39:57-08:00", INT64_C(851042397000)},
        {"1990-12-31T23:59:60Z", INT64_C(662687999999)},
        {"1990-12-31T15:59:60-08:00", INT64_C(662687999999)},
        {"1990-12-31T23:59:60.5Z", INT64_C(662687999999)},
        {"1937-01-01T12:00:27.87+00:20", INT64_C(-1041337172130)},
        {"2024-02-29T12:34:56.789Z", INT64_C(1709210096789)},
        {"2024-02-29T12:34:56.7Z", INT64_C(1709210096700)},
        {"2024-02-29T12:34:56.78Z", INT64_C(1709210096780)},
        {"2024-02-29T12:34:56.7890Z", INT64_C(1709210096789)},
        {"2024-02-29T12:34:56.789999999999999999999999999Z", INT64_C(1709210096789)},
        {"2024-02-29T12:34:56.0009Z", INT64_C(1709210096000)},
        {"1969-12-31T23:59:59.9999Z", -1},
        {"2000-02-29T00:00:00Z", INT64_C(951782400000)},
        {"0001-01-01T00:00:00Z", ETIME_MIN_MS},
        {"0001-01-01T01:00:00+01:00", ETIME_MIN_MS},
        {"6000-12-31T23:59:59.999Z", ETIME_MAX_MS},
        {"6000-12-31T23:59:60Z", ETIME_MAX_MS},
        {"6000-12-31T22:59:59.999-01:00", ETIME_MAX_MS},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect(eq(i64, rfc(cases[i].text), cases[i].ms), "%s", cases[i].text);
}

Test(canon, what_is_no_rfc3339_is_refused)
{
    static const char *const cases[] = {"",
                                        "2024",
                                        "2024-02-29",
                                        "2024-02-29T12:34:56",
                                        "2024-02-29T12:34Z",
                                        "2024-02-29T12:34:56.Z",
                                        "2024-02-29T12:34:56,5Z",
                                        "2024-02-29T12:34:56+08",
                                        "2024-02-29T12:34:56+0800",
                                        "2024-02-29T12:34:56+08:00 ",
                                        " 2024-02-29T12:34:56Z",
                                        "2024-02-29T12:34:56Zx",
                                        "2024-02-29T12:34:56ZZ",
                                        "2024-02-29_12:34:56Z",
                                        "2024/02/29T12:34:56Z",
                                        "2024-02-29T12.34.56Z",
                                        "2024-2-29T12:34:56Z",
                                        "2023-02-29T00:00:00Z",
                                        "1900-02-29T00:00:00Z",
                                        "2024-02-30T00:00:00Z",
                                        "2024-04-31T00:00:00Z",
                                        "2024-06-31T00:00:00Z",
                                        "2024-09-31T00:00:00Z",
                                        "2024-11-31T00:00:00Z",
                                        "2024-01-32T00:00:00Z",
                                        "2024-01-00T00:00:00Z",
                                        "2024-00-01T00:00:00Z",
                                        "2024-13-01T00:00:00Z",
                                        "0000-01-01T00:00:00Z",
                                        "2024-01-01T24:00:00Z",
                                        "2024-01-01T23:60:00Z",
                                        "2024-01-01T23:59:61Z",
                                        "2024-01-01T23:59:59+24:00",
                                        "2024-01-01T23:59:59+00:60",
                                        "2024-01-01T23:59:59*01:00",
                                        "0001-01-01T00:00:00+00:01",
                                        "6000-12-31T23:59:59-00:01",
                                        "6001-01-01T00:00:00Z",
                                        "9999-12-31T23:59:59Z",
                                        "-024-01-01T00:00:00Z",
                                        "12024-01-01T00:00:00Z",
                                        "20x4-01-01T00:00:00Z",
                                        "2024-01-01T00:00:00+-1:00",
                                        "2024-01-01T-1:00:00Z",
                                        "1700000000000"};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect(eq(i64, rfc(cases[i]), FAILED), "%s", cases[i]);
    cr_assert(eq(i64, rfc(NULL), FAILED));
    cr_assert(eq(int,
                 canon_time_rfc3339((struct span){"2024-02-29\0"
                                                  "12:34:56Z",
                                                  20},
                                    &(int64_t){0}),
                 -1));
}

/* libc's calendar over all the years, and both directions. */
Test(canon, rfc3339_agrees_with_libc)
{
    for (int i = 0; i < 400000; i++) {
        int64_t span = ETIME_MAX_MS - ETIME_MIN_MS + 1;
        int64_t ms = i % 2 ? ETIME_MIN_MS + (int64_t)(rng() % (uint64_t)span)
                           : (int64_t)(rng() % UINT64_C(4102444800000)); /* to 2099 */
        time_t seconds = (time_t)floor_div(ms, 1000);
        char expected[64], got[CANON_RFC3339_SIZE];
        struct tm tm;

        gmtime_r(&seconds, &tm);
        snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                 (int)(ms - seconds * 1000));
        canon_rfc3339(ms, got);
        cr_assert(eq(str, got, expected), "%" PRId64, ms);
        cr_assert(eq(i64, rfc(got), ms), "%s", got);
    }
}

Test(canon, every_day_of_the_calendar_agrees_with_libc)
{
    for (int year = 1; year <= 6000; year++) {
        int all = year % 100 == 0 || year < 3 || year > 5996 || (year > 1895 && year < 2105);

        for (int month = 1; month <= 12; month++)
            for (int day = 1; day <= 31; day += all || day > 26 ? 1 : 13) {
                struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
                int64_t seconds = timegm(&tm);
                char text[64];

                snprintf(text, sizeof(text), "%04d-%02d-%02dT00:00:00Z", year, month, day);
                if (tm.tm_mday != day)
                    seconds = FAILED; /* timegm() went on into the next month */
                cr_assert(eq(i64, rfc(text), seconds == FAILED ? FAILED : seconds * 1000), "%s",
                          text);
            }
    }
}

Test(canon, offsets_agree_with_arithmetic)
{
    for (int hour = 0; hour < 24; hour++)
        for (int minute = 0; minute < 60; minute++)
            for (int sign = -1; sign <= 1; sign += 2) {
                char text[64];

                snprintf(text, sizeof(text), "2024-03-01T00:00:00.5%c%02d:%02d",
                         sign < 0 ? '-' : '+', hour, minute);
                cr_assert(eq(i64, rfc(text),
                             INT64_C(1709251200500) - sign * (hour * 60 + minute) * 60000),
                          "%s", text);
            }
}

Test(canon, the_writer_stays_within_the_years_it_can_write)
{
    char text[CANON_RFC3339_SIZE];

    canon_rfc3339(INT64_MIN, text);
    cr_assert(eq(str, text, "0001-01-01T00:00:00.000Z"));
    canon_rfc3339(INT64_MAX, text);
    cr_assert(eq(str, text, "9999-12-31T23:59:59.999Z"));
    canon_rfc3339(-1, text);
    cr_assert(eq(str, text, "1969-12-31T23:59:59.999Z"));
}

Test(canon, epochs_in_each_unit)
{
    static const struct {
        const char *text;
        int format;
        int64_t ms;
    } cases[] = {
        {"1700000000", FORMAT_EPOCH_S, INT64_C(1700000000000)},
        {"1700000000.123", FORMAT_EPOCH_S, INT64_C(1700000000123)},
        {"1700000000.1239999999999999999999", FORMAT_EPOCH_S, INT64_C(1700000000123)},
        {"1.7e9", FORMAT_EPOCH_S, INT64_C(1700000000000)},
        {"1700000000123", FORMAT_EPOCH_MS, INT64_C(1700000000123)},
        {"1700000000123.999", FORMAT_EPOCH_MS, INT64_C(1700000000123)},
        {"1700000000123456", FORMAT_EPOCH_US, INT64_C(1700000000123)},
        {"1700000000123999.9", FORMAT_EPOCH_US, INT64_C(1700000000123)},
        {"0", FORMAT_EPOCH_S, 0},
        {"-0", FORMAT_EPOCH_MS, 0},
        {"0.0009", FORMAT_EPOCH_S, 0},
        {"-1", FORMAT_EPOCH_S, -1000},
        {"-0.0001", FORMAT_EPOCH_S, -1}, /* towards the past, as in RFC 3339 */
        {"-1.5", FORMAT_EPOCH_MS, -2},
        {"-999", FORMAT_EPOCH_US, -1},
        {"-1000", FORMAT_EPOCH_US, -1},
        {"-1e-30", FORMAT_EPOCH_S, -1},
        {"127206115199999", FORMAT_EPOCH_MS, ETIME_MAX_MS},
        {"127206115199.999", FORMAT_EPOCH_S, ETIME_MAX_MS},
        {"127206115199999999", FORMAT_EPOCH_US, ETIME_MAX_MS},
        {"-62135596800000", FORMAT_EPOCH_MS, ETIME_MIN_MS},
        {"127206115200000", FORMAT_EPOCH_MS, FAILED},
        {"127206115200", FORMAT_EPOCH_S, FAILED},
        {"-62135596800001", FORMAT_EPOCH_MS, FAILED},
        {"-62135596800000.001", FORMAT_EPOCH_MS, FAILED},
        {"1e300", FORMAT_EPOCH_S, FAILED},
        {"9223372036854775808", FORMAT_EPOCH_MS, FAILED},
        {"1700000000s", FORMAT_EPOCH_S, FAILED},
        {"2024-02-29T12:34:56Z", FORMAT_EPOCH_S, FAILED},
        {"", FORMAT_EPOCH_S, FAILED},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect(eq(i64, when(cases[i].text, cases[i].format), cases[i].ms), "%s", cases[i].text);
}

Test(canon, auto_tells_the_unit_by_magnitude)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"2024-02-29T12:34:56.789Z", INT64_C(1709210096789)},
        {"2024-02-29", FAILED},
        {"0000-01-01T00:00:00Z", FAILED},
        {"1700000000", INT64_C(1700000000000)},
        {"1700000000.5", INT64_C(1700000000500)},
        {"1700000000123", INT64_C(1700000000123)},
        {"1700000000123456", INT64_C(1700000000123)},
        {"1700000000123456789", FAILED}, /* ns: year 55,841 in us */
        {"99999999999", INT64_C(99999999999000)},
        {"99999999999.9999", INT64_C(99999999999999)},
        {"100000000000", INT64_C(100000000000)},
        {"1e11", INT64_C(100000000000)},
        {"99999999999999", INT64_C(99999999999999)},
        {"99999999999999.9", INT64_C(99999999999999)},
        {"100000000000000", INT64_C(100000000000)},
        {"-99999999999", FAILED}, /* s: before year 1 */
        {"-100000000000", INT64_C(-100000000000)},
        {"-1000", INT64_C(-1000000)},
        {"0", 0},
        {"0.5", 500},
        {"00001700000000", INT64_C(1700000000000)},
        {"yesterday", FAILED},
        {"", FAILED},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect(eq(i64, when(cases[i].text, FORMAT_AUTO), cases[i].ms), "%s", cases[i].text);
    cr_assert(eq(i64, when(NULL, FORMAT_AUTO), FAILED));
}
