/* SPDX-License-Identifier: Apache-2.0 */
/* Sources that only chance makes silent, over ten weeks: false alarms stay within the budget, quiet nights are not
 * dark, and a real outage is found at once. Seeds are fixed. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "lib/pulse_kit.h"
#include "lib/streams.h"

#define PANE INT64_C(60000)
#define HOUR 60
#define DAY (24 * HOUR)
#define WEEK (7 * DAY)
#define MONDAY (INT64_C(19800) * DAY)
#define WEEKS 10

/* Events a minute: a working day has two humps, the night a twentieth, the weekend a third. */
static double season(double busy, int64_t pane)
{
    static const double hours[24] = {0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.1, 0.3,
                                     0.6,  0.9,  1,    1,    0.8,  0.8,  0.9, 1,
                                     1,    0.8,  0.6,  0.5,  0.4,  0.3,  0.2, 0.1};
    int64_t since = pane - MONDAY, hour = since % DAY / HOUR, day = since / DAY % 7;

    return busy / 60 * hours[hour] * (day < 5 ? 1 : 1 / 3.0);
}

static int64_t live(struct pulse_rig *r, struct dice *d, double busy, int64_t pane, int64_t to)
{
    for (; pane < to; pane++)
        pulse_rig_pane(r, pane, pulse_rig_poisson(d, season(busy, pane)), true);
    return pane;
}

static size_t fired(const struct pulse_rig *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->out.count; i++)
        n += strcmp(pipe_field(&r->out, i, NULL, "status"), "firing") == 0;
    return n;
}

static size_t false_alarms(double busy, double budget, uint64_t seed)
{
    struct dice d = {seed};
    struct pulse_rig r;
    size_t n;

    pulse_rig_open(&r, 1, PANE, "UTC");
    r.input.no_data = budget;
    live(&r, &d, busy, MONDAY, MONDAY + WEEKS * WEEK);
    n = fired(&r);
    pulse_rig_close(&r);
    return n;
}

/* Events an hour at the busiest. */
static const double RATES[] = {6, 120, 6000};

/* Fewer than that, because silences are counted in whole panes, and phi holds what is not known of the rates. */
Test(pulse_chance, false_alarms_stay_within_the_budget)
{
    size_t seeds = property_least(10), all = 0;

    for (size_t i = 0; i < 3; i++) {
        size_t n = 0;

        for (uint64_t seed = 1; seed <= seeds; seed++)
            n += false_alarms(RATES[i], 1, seed);
        cr_expect(n <= seeds * WEEKS, "%g an hour: %zu", RATES[i], n);
        all += n;
    }
    cr_expect(seeds < 10 || all > 0, "chance does make silences that long");
}

Test(pulse_chance, by_default_there_is_hardly_one)
{
    for (size_t i = 0; i < 3; i++) {
        size_t n = 0;

        for (uint64_t seed = 77; seed < 80; seed++)
            n += false_alarms(RATES[i], 0.05, seed);
        cr_expect(n <= 2, "%g an hour: %zu in 30 weeks", RATES[i], n);
    }
}

/* All its silent panes are closed by the clock. */
Test(pulse_chance, what_is_just_quiet_is_hardly_ever_dark)
{
    for (size_t i = 0; i < 3; i++) {
        struct dice d = {3 + i};
        struct pulse_rig r;
        int64_t pane, learned;

        pulse_rig_open(&r, 1, PANE, "UTC");
        pane = live(&r, &d, RATES[i], MONDAY, MONDAY + 2 * WEEK);
        learned = r.p->dark_panes;
        live(&r, &d, RATES[i], pane, MONDAY + WEEKS * WEEK);
        cr_expect(i == 2 || learned > 1000, "the first week is in the dark: %d", (int)learned);
        cr_expect(r.p->dark_panes - learned < 8 * WEEK / 200, "%g an hour: %d", RATES[i],
                  (int)(r.p->dark_panes - learned));
        pulse_rig_close(&r);
    }
}

/* Wednesday at 10. Lambda grows by the rate. */
Test(pulse_chance, an_outage_at_a_busy_hour_is_found_at_once)
{
    static const int64_t minutes[] = {120, 12, 2};

    for (size_t i = 0; i < 3; i++) {
        int64_t outage = MONDAY + WEEKS * WEEK + 2 * DAY + 10 * HOUR, pane;
        struct dice d = {5 + i};
        struct pulse_rig r;

        pulse_rig_open(&r, 1, PANE, "UTC");
        pane = live(&r, &d, RATES[i], MONDAY, outage);
        records_clear(&r.out);
        while (pane < outage + 1000 && r.out.count == 0)
            pulse_rig_pane(&r, pane++, 0, true);
        cr_expect(pane - outage <= minutes[i], "%g an hour: after %d minutes", RATES[i],
                  (int)(pane - outage));
        cr_expect(pulse_is_dark(r.p, pane - 1));
        pulse_rig_close(&r);
    }
}
