/* SPDX-License-Identifier: Apache-2.0 */
/* Which silences were outages, as a judge asks: panes of a quarter of an hour, 4 an hour. */
#include <criterion/criterion.h>

#include "lib/pulse_kit.h"

#define PANE INT64_C(900000)
#define DAY 96
#define MONDAY (INT64_C(19800) * DAY) /* 2024-03-18 */

static struct pulse_rig rig;

static void open_one(void)
{
    pulse_rig_open(&rig, 1, PANE, "UTC");
}

static void close_rig(void)
{
    pulse_rig_close(&rig);
}

TestSuite(pulse_quiet, .init = open_one, .fini = close_rig);

/* n events in each of so many panes from Monday on; returns the next pane. */
static int64_t steady(int64_t panes, int64_t n)
{
    for (int64_t pane = MONDAY; pane < MONDAY + panes; pane++)
        pulse_rig_pane(&rig, pane, n, false);
    return MONDAY + panes;
}

/* A silence of so many panes, closed by the clock or by the next event, which ends it: was it an outage? */
static bool outage_of(int64_t from, int64_t panes, bool clock)
{
    if (clock)
        pulse_rig_pass(&rig, from, from + panes - 1, true);
    pulse_rig_pane(&rig, from + panes, 4, false);
    cr_expect_eq(pulse_next_active(rig.p, from, from + panes + 9), from + panes);
    cr_expect_eq(pulse_was_outage(rig.p, from), pulse_was_outage(rig.p, from + panes));
    return pulse_was_outage(rig.p, from + panes);
}

Test(pulse_quiet, active_panes_are_those_with_events)
{
    int64_t pane = steady(8, 4);

    pulse_rig_pass(&rig, pane, pane + 2, false);
    pulse_rig_pane(&rig, pane + 3, 1, false);
    cr_expect_eq(pulse_next_active(rig.p, MONDAY - 5, pane), MONDAY);
    cr_expect_eq(pulse_next_active(rig.p, pane - 1, pane), pane - 1);
    cr_expect_eq(pulse_next_active(rig.p, pane, pane + 2), pane + 3, "none");
    cr_expect_eq(pulse_next_active(rig.p, pane, pane + 9), pane + 3);
    cr_expect_eq(pulse_next_active(rig.p, pane + 4, pane + 9), pane + 10, "none is closed");
}

Test(pulse_quiet, by_the_rates_it_is_an_outage_beyond_seven_expected_arrivals)
{
    int64_t pane = steady(8 * DAY, 4);

    cr_expect_not(outage_of(pane, 1, false));
    cr_expect_not(outage_of(pane + 2, 1, true));
    cr_expect(outage_of(pane + 4, 2, false));
    cr_expect(outage_of(pane + 7, 2, true));
    cr_expect_not(pulse_was_outage(rig.p, pane + 3), "nothing was silent right before");
}

/* 40 panes without a silent one: ln 41 = 3.7 a pane. */
Test(pulse_quiet, before_rates_are_known_by_the_share_of_silent_panes)
{
    int64_t pane = steady(41, 4);

    cr_expect_not(rig.p->rate.known);
    cr_expect(outage_of(pane, 2, true));
    /* 41 panes with events of 43: ln (44/3) = 2.7 a pane. */
    cr_expect_not(outage_of(pane + 3, 2, false));
    /* 42 of 46: ln (47/5) = 2.2. */
    cr_expect_not(outage_of(pane + 6, 3, true));
    /* 43 of 50: ln (51/8) = 1.9. */
    cr_expect(outage_of(pane + 10, 4, false));
}

Test(pulse_quiet, bunches_are_no_outages)
{
    int64_t pane = MONDAY;

    for (; pane < MONDAY + 4 * DAY; pane++)
        if (pane % 8 == 0)
            pulse_rig_pane(&rig, pane, 50000, false);
    for (int64_t end = MONDAY + 8; end < MONDAY + 4 * DAY; end += 8)
        cr_expect_not(pulse_was_outage(rig.p, end));
    /* ln (8/7) = 0.13 a pane: 53 panes are 7. */
    cr_expect_not(outage_of(MONDAY + 4 * DAY - 7, 45, true));
    cr_expect(outage_of(MONDAY + 5 * DAY, 65, true));
}

Test(pulse_quiet, while_little_was_seen_a_silence_is_quiet)
{
    int64_t pane = steady(20, 4); /* the first is not a whole one: 19 */

    cr_expect_not(outage_of(pane, 90, true));
}

Test(pulse_quiet, what_came_before_the_first_pane_is_an_outage)
{
    pulse_rig_pass(&rig, MONDAY - 9, MONDAY - 1, true);
    pulse_rig_pane(&rig, MONDAY, 1, false);
    cr_expect(pulse_was_outage(rig.p, MONDAY));
    pulse_rig_pane(&rig, MONDAY + 1, 1, false);
    cr_expect_not(pulse_was_outage(rig.p, MONDAY + 1));
}

Test(pulse_quiet, a_gap_is_an_outage_though_little_was_seen)
{
    int64_t pane = steady(3, 4);

    cr_expect(outage_of(pane, DAY + 1, true));
}

Test(pulse_quiet, a_silence_with_lost_records_is_an_outage)
{
    int64_t pane = steady(3, 4);

    pulse_rig_note(&rig, 0, (struct pulse_note){PULSE_LOST, .pane = pane, .n = 3});
    cr_expect(outage_of(pane, 2, false));
}

Test(pulse_quiet, it_is_known_until_the_pane_that_ended_it_is_forgotten)
{
    int64_t pane = steady(8 * DAY, 4);

    pulse_rig_pass(&rig, pane, pane + 9, true);
    pulse_forget(rig.p, pane + 9);
    pulse_rig_pane(&rig, pane + 10, 4, false);
    pulse_forget(rig.p, pane + 9);
    pulse_rig_reload(&rig);
    cr_expect(pulse_was_outage(rig.p, pane + 10));
    cr_expect_eq(pulse_next_active(rig.p, pane, pane + 10), pane + 10);
    pulse_forget(rig.p, pane + 10);
    cr_expect_not(pulse_was_outage(rig.p, pane + 10));
    cr_expect_eq(rig.p->outages.count + rig.p->active.count, 0);
}

/* Whatever comes, no more is kept than one run for each pane that is not forgotten. */
Test(pulse_quiet, memory_is_bounded_by_what_is_not_forgotten)
{
    int64_t pane = steady(8 * DAY, 4);

    for (int i = 0; i < 1000; i++, pane += 4) {
        pulse_rig_pass(&rig, pane, pane + 2, i % 2);
        pulse_rig_pane(&rig, pane + 3, 4, false);
        pulse_forget(rig.p, pane - 10);
        cr_assert_leq(rig.p->outages.count, 5);
        cr_assert_leq(rig.p->active.count, 5);
    }
}
