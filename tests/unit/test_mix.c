/* SPDX-License-Identifier: Apache-2.0 */
/* The test of a dimension's shares, and the sums it goes by. */
#include "funnel/mix.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "funnel/buf.h"
#include "funnel/mem.h"
#include "funnel/names.h"
#include "lib/pipe_kit.h"

#define Z 4.5
#define ADS 3
#define MAIL 4
#define HOUR INT64_C(60) /* panes of a minute */
#define DAY (24 * HOUR)
#define T0 (INT64_C(19800) * DAY) /* 2024-03-18 */

/* --- the test --- */

static uint64_t days[24][MIX_DAYS][MIX_VALUES];
static const uint64_t none[MIX_VALUES];

static struct mix_week week_of(size_t blocks)
{
    return (struct mix_week){.blocks = blocks, .n = days};
}

/* Every day of every block: so many by ads and by mail. */
static void usual(uint64_t ads, uint64_t mail)
{
    memset(days, 0, sizeof(days));
    for (int b = 0; b < 24; b++)
        for (int d = 0; d < MIX_DAYS; d++) {
            days[b][d][ADS] = ads;
            days[b][d][MAIL] = mail;
        }
}

static struct mix_shift compare(uint64_t ads, uint64_t mail, double effect)
{
    uint64_t now[MIX_VALUES] = {[ADS] = ads, [MAIL] = mail};
    struct mix_week week = week_of(24);
    struct mix_shift x;

    cr_assert(mix_compare(now, &week, Z, effect, &x));
    return x;
}

Test(mix, what_rose_and_what_fell)
{
    struct mix_shift x;

    usual(40, 360);
    x = compare(100, 300, 0.1);
    cr_expect_eq(x.entries, 400);
    cr_expect_float_eq(x.distance, 0.15, 1e-12);
    cr_expect_eq(x.gained, ADS);
    cr_expect_eq(x.lost, MAIL);
    cr_expect_float_eq(x.gained_was, 0.1, 1e-12);
    cr_expect_float_eq(x.gained_is, 0.25, 1e-12);
    cr_expect_float_eq(x.lost_is, 0.75, 1e-12);
    /* G = 62.0 for one degree, phi 1: nearly the root of a chi-square. */
    cr_expect(x.statistic > 6.2 && x.statistic < sqrt(62.0), "%f", x.statistic);
    cr_expect(x.strength >= 1, "%f", x.strength);
}

Test(mix, the_same_shares_are_no_shift_however_many_come)
{
    usual(40, 360);
    cr_expect_lt(compare(4000, 36000, 0.1).strength, 0.01);
    cr_expect_lt(compare(4, 36, 0.1).strength, 0.01);
}

Test(mix, a_shift_beyond_chance_may_still_be_too_small_to_tell)
{
    struct mix_shift x;

    usual(4000, 36000);
    x = compare(6000, 34000, 0.1);
    cr_expect(x.statistic > 2 * Z, "%f", x.statistic);
    cr_expect_float_eq(x.strength, 0.5, 1e-9);
    cr_expect(compare(6000, 34000, 0.04).strength > 1);
}

/* 15 of 100 where 10 are usual: anybody's luck. */
Test(mix, few_entries_say_little)
{
    struct mix_shift x;

    usual(40, 360);
    x = compare(15, 85, 0.01);
    cr_expect(x.statistic > 0 && x.statistic < 2, "%f", x.statistic);
}

/* Half of the days 20 % come by ads, half of them none: 25 % is nothing new. */
Test(mix, days_that_differ_are_taken_into_account)
{
    struct mix_shift x;

    usual(40, 360);
    x = compare(100, 300, 0.1);
    cr_expect(x.strength > 1);
    for (int b = 0; b < 24; b++)
        for (int d = 0; d < MIX_DAYS; d++) {
            days[b][d][ADS] = d % 2 ? 80 : 10;
            days[b][d][MAIL] = d % 2 ? 320 : 390;
        }
    x = compare(100, 300, 0.1);
    cr_expect(x.strength < 1, "%f", x.statistic);
}

/* One of 61 values, each with a few. */
Test(mix, values_with_few_entries_are_taken_together)
{
    uint64_t now[MIX_VALUES] = {[ADS] = 200};
    struct mix_week week = week_of(1);
    struct mix_shift x;

    usual(200, 0);
    for (int v = MAIL; v < MIX_VALUES; v++) {
        now[v] = v % 2;
        for (int d = 0; d < MIX_DAYS; d++)
            days[0][d][v] = (v + d) % 2;
    }
    cr_expect(mix_compare(now, &week, Z, 0.01, &x));
    cr_expect(x.statistic < 2, "%f", x.statistic);
}

Test(mix, nothing_usual_nothing_unusual)
{
    uint64_t now[MIX_VALUES] = {[ADS] = 1000};
    struct mix_week week = week_of(24);
    struct mix_shift x;

    memset(days, 0, sizeof(days));
    cr_expect_not(mix_compare(now, &week, Z, 0.1, &x));
    days[0][0][MAIL] = days[0][1][MAIL] = 1000; /* two days are no week */
    cr_expect_not(mix_compare(now, &week, Z, 0.1, &x));
    cr_expect_eq(x.entries, 1000);
    days[0][2][MAIL] = 1;
    cr_expect(mix_compare(now, &week, Z, 0.1, &x));
    cr_expect_not(mix_compare(none, &week, Z, 0.1, &x), "nobody came");
    cr_expect_eq(x.entries, 0);
}

/* Shares that wander from day to day by a Dirichlet-like noise: false alarms stay at what the z allows. */
Test(mix, chance_alone_stays_within_its_level)
{
    struct dice d = {11};
    int beyond = 0, tests = 4000;

    for (int i = 0; i < tests; i++) {
        uint64_t now[MIX_VALUES] = {0};
        struct mix_week week = week_of(4);
        struct mix_shift x;

        memset(days, 0, sizeof(days));
        for (int b = 0; b < 4; b++)
            for (int day = 0; day < MIX_DAYS; day++)
                for (int k = 0; k < 200; k++)
                    days[b][day][3 + dice_below(&d, dice_below(&d, 8) + 1)]++;
        for (int k = 0; k < 150; k++)
            now[3 + dice_below(&d, dice_below(&d, 8) + 1)]++;
        cr_assert(mix_compare(now, &week, 2.326, 0.001, &x));
        beyond += x.statistic > 2.326;
    }
    /* 1 % of 4,000, and what comes of phi's floor at 1. */
    cr_expect(beyond > 5 && beyond < 60, "%d", beyond);
}

/* --- the sums --- */

static const char *const YAML = PIPE_KAFKA
    "inputs: [{topic: in}]\ntime: {lateness: 0s, pane: 1m, zone: UTC}\n"
    "funnels: {f: {stages: [a, b], dims: {channel: {top: 2}}}}\n";

static struct pipe rig;
static struct mix *m;

static void open_mix(void)
{
    const struct settings_window hour = {.ms = 3600000, .calendar = -1};

    pipe_open(&rig, YAML, 1);
    m = mix_new(&hour, pipe_judge(&rig)->funnel, 0);
}

static void close_mix(void)
{
    mix_free(m);
    pipe_close(&rig);
}

TestSuite(mix_sums, .init = open_mix, .fini = close_mix);

static void add(int64_t pane, uint32_t value, uint32_t n)
{
    mix_add(m, pane, &value, n);
}

/* Ten an hour by ads each quarter and thirty by mail, of so many days up to T0. */
static void week(int count)
{
    for (int64_t pane = T0 - count * DAY; pane < T0; pane += 15) {
        add(pane, ADS, 10);
        add(pane, MAIL, 30);
    }
}

/* Of the hour that the pane is in. */
static struct mix_shift read_at(int64_t pane)
{
    struct mix_shift x;

    mix_read(m, pane / HOUR, Z, &x);
    return x;
}

Test(mix_sums, an_hour_against_the_same_hours_of_a_week)
{
    struct mix_shift x;

    week(9);
    add(T0 + 5, ADS, 90);
    add(T0 + 50, MAIL, 10);
    x = read_at(T0 + 59);
    cr_expect_eq(x.dim, 0);
    cr_expect_eq(x.entries, 100);
    cr_expect_float_eq(x.gained_was, 0.25, 1e-12);
    cr_expect_float_eq(x.gained_is, 0.9, 1e-12);
    cr_expect(x.strength > 1);
    cr_expect_eq(mix_since(m, T0 / HOUR), (T0 - 7 * DAY) * 60000);
    x = read_at(T0 + 60);
    cr_expect_eq(x.entries, 0);
}

/* By night another mix than by day, every day: what counts is the hour. */
Test(mix_sums, hours_of_the_day_are_compared_with_their_own)
{
    for (int64_t hour = T0 - 8 * DAY; hour < T0 + DAY; hour += HOUR) {
        bool night = hour % DAY < 6 * HOUR;

        add(hour + 20, night ? ADS : MAIL, 90);
        add(hour + 20, night ? MAIL : ADS, 10);
        if (hour >= T0)
            cr_expect_lt(read_at(hour + 59).strength, 0.1);
    }
}

Test(mix_sums, values_beyond_the_table_are_others)
{
    struct mix_shift x;

    week(8);
    add(T0, 70, 50);
    add(T0, 1000000, 50);
    x = read_at(T0 + 59);
    cr_expect_eq(x.gained, NAME_OTHER);
    cr_expect_float_eq(x.gained_is, 1, 1e-12);
}

Test(mix_sums, after_a_long_silence_nothing_old_is_left)
{
    week(8);
    add(T0 + 400 * DAY, ADS, 100);
    cr_expect_eq(read_at(T0 + 400 * DAY + 59).dim, -1);
    cr_expect_eq(read_at(T0 + 400 * DAY + 59).entries, 100);
}

Test(mix_sums, saved_and_loaded_they_are_the_same)
{
    unsigned char block[64];
    struct buf bytes = {0}, again = {0};
    struct codec_out out = {block, 0, sizeof(block), codec_flush_buf, &bytes, false};
    struct codec_in in;
    const struct settings_window hour = {.ms = 3600000, .calendar = -1};
    struct mix *copy;

    week(8);
    add(T0 + 5, ADS, 90);
    m->def.since = T0 - 3 * DAY;
    mix_save(m, &out);
    out.flush(&out);
    copy = mix_new(&hour, pipe_judge(&rig)->funnel, 0);
    in = (struct codec_in){(const unsigned char *)bytes.data, bytes.len, NULL};
    mix_load(copy, &in);
    cr_assert(!in.error && in.left == 0, "%s", in.error ? in.error : "");
    cr_expect_eq(copy->def.since, T0 - 3 * DAY);
    cr_expect_eq(copy->def.busy, T0 / HOUR);
    out.context = &again;
    mix_save(copy, &out);
    out.flush(&out);
    cr_expect(again.len == bytes.len && memcmp(again.data, bytes.data, bytes.len) == 0);
    for (size_t len = 0; len < bytes.len; len += 97) {
        in = (struct codec_in){(const unsigned char *)bytes.data, len, NULL};
        mix_load(copy, &in);
        cr_expect(in.error, "cut at %zu", len);
    }
    mix_free(copy);
    buf_deinit(&bytes);
    buf_deinit(&again);
}

/* 168 hours a week. */
Test(mix_sums, the_budget_is_shared_by_all_tests_of_a_week)
{
    cr_expect_float_eq(mix_threshold(m, 0.05), 3.4338, 1e-3);
    cr_expect_lt(mix_threshold(m, 1), mix_threshold(m, 0.1));
}
