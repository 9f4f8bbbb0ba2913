/* SPDX-License-Identifier: Apache-2.0 */
/* A pulse of one or two parts with panes of a quarter of an hour: 96 a day, 672 a week. */
#include "funnel/pulse.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

TestSuite(pulse, .init = open_one, .fini = close_rig);

#define EXPECT_STORY(text) cr_expect(eq(str, (char *)pulse_rig_story(&rig), (char *)(text)))

static struct pulse_view look(void)
{
    struct pulse_view v;

    pulse_look(rig.p, &v);
    return v;
}

/* n events in each pane of so many days from Monday on; returns the next pane, 0 in the story. */
static int64_t steady(int64_t days, int64_t n)
{
    for (int64_t pane = MONDAY; pane < MONDAY + days * DAY; pane++)
        pulse_rig_pane(&rig, pane, n, false);
    pulse_rig_pane(&rig, MONDAY + days * DAY, n, false);
    return rig.base = MONDAY + days * DAY + 1;
}

/* --- notes --- */

Test(pulse_notes, events_of_one_pane_are_one_note)
{
    struct pulse_notes n = {0};

    pulse_notes_add(&n, (struct pulse_note){PULSE_EVENTS, .pane = 3, .n = 2});
    pulse_notes_add(&n, (struct pulse_note){PULSE_EVENTS, .pane = 3, .n = 5});
    pulse_notes_add(&n, (struct pulse_note){PULSE_EVENTS, .pane = 4, .n = 1});
    pulse_notes_add(&n, (struct pulse_note){PULSE_CLOSE, .pane = 3});
    pulse_notes_add(&n, (struct pulse_note){PULSE_EVENTS, .pane = 4, .n = 1});
    cr_assert_eq(n.count, 4);
    cr_expect_eq(n.items[0].n, 7);
    cr_expect_eq(n.items[1].n, 1);
    pulse_notes_deinit(&n);
    cr_expect_null(n.items);
}

/* --- what is known --- */

Test(pulse, nothing_is_known_before_a_week_was_learned)
{
    steady(7, 4);
    cr_expect(isnan(look().rate) && isnan(look().threshold), "the first pane is not a whole one");
}

Test(pulse, a_steady_rate_is_learned)
{
    steady(8, 4);
    /* 16 events an hour, drawn towards their mean: the same, but for 1/16 event over 8 days. */
    cr_expect_float_eq(look().rate, 16.0 / 3600, 1e-5);
    cr_expect_float_eq(look().threshold, log(168 * 16 / 0.05), 1e-2);
    cr_expect_eq(look().lambda, 0);
    cr_expect_eq(look().silent_from, INT64_MIN);
}

Test(pulse, silence_is_counted_from_its_first_pane)
{
    int64_t pane = steady(8, 4);

    pulse_rig_pass(&rig, pane, pane + 2, false);
    cr_expect_float_eq(look().lambda, 12, 0.01);
    cr_expect_eq(look().silent_from, pane * PANE);
    pulse_rig_pane(&rig, pane + 3, 1, false);
    cr_expect_eq(look().lambda, 0);
}

Test(pulse, a_week_and_a_day_of_silence_are_a_week_and_a_day)
{
    int64_t pane = steady(8, 4);

    pulse_rig_pass(&rig, pane, pane + 8 * DAY - 1, false);
    cr_expect_float_eq(look().lambda, 8 * DAY * 4, 1);
}

/* --- dark panes --- */

static void expect_dark(int64_t from, int64_t first_dark, int64_t to)
{
    for (int64_t pane = from; pane <= to; pane++)
        cr_expect_eq(pulse_is_dark(rig.p, pane), pane >= first_dark, "pane %d", (int)(pane - from));
    cr_expect_eq(pulse_dark_to(rig.p, from), first_dark == from ? to : from - 1);
    cr_expect_eq(pulse_dark_to(rig.p, first_dark), to);
}

/* Lambda is 4, 8, 12, ...: the second is beyond PULSE_QUIET. */
Test(pulse, a_silence_is_dark_from_where_it_is_no_longer_quiet)
{
    int64_t pane = steady(8, 4);

    for (int i = 0; i < 5; i++)
        pulse_rig_pane(&rig, pane + i, 0, true);
    expect_dark(pane, pane + 1, pane + 4);
    cr_expect_eq(look().dark_panes, 4);
    pulse_rig_pane(&rig, pane + 5, 4, false);
    expect_dark(pane, pane + 1, pane + 4);
    cr_expect_not(pulse_is_dark(rig.p, pane + 5));
}

Test(pulse, before_anything_is_known_it_is_dark_from_its_beginning)
{
    int64_t pane = steady(1, 4);

    pulse_rig_pane(&rig, pane, 0, true);
    pulse_rig_pane(&rig, pane + 1, 0, true);
    expect_dark(pane, pane, pane + 1);
    EXPECT_STORY("");
}

Test(pulse, a_source_that_never_had_an_event_is_not_dark)
{
    pulse_rig_pass(&rig, MONDAY, MONDAY + 5, true);
    pulse_rig_pass(&rig, MONDAY + 6, MONDAY + 300, true);
    for (int64_t pane = MONDAY; pane <= MONDAY + 300; pane++)
        cr_expect_not(pulse_is_dark(rig.p, pane));
    cr_expect_eq(pulse_stale_before(rig.p, MONDAY + 300), INT64_MIN);
}

Test(pulse, silent_panes_that_events_closed_are_not_dark)
{
    int64_t pane = steady(8, 4);

    pulse_rig_pass(&rig, pane, pane + 9, false);
    for (int i = 0; i < 10; i++)
        cr_expect_not(pulse_is_dark(rig.p, pane + i));
}

Test(pulse, a_pane_is_dark_only_where_the_clock_closed_all_parts)
{
    int64_t pane;

    close_rig();
    pulse_rig_open(&rig, 2, PANE, "UTC");
    pane = steady(1, 4);
    pulse_rig_note(&rig, 0, (struct pulse_note){PULSE_DARK, .pane = pane, .to = pane + 5});
    pulse_rig_note(&rig, 0, (struct pulse_note){PULSE_CLOSE, .pane = pane + 5});
    pulse_rig_note(&rig, 1, (struct pulse_note){PULSE_CLOSE, .pane = pane + 2});
    pulse_rig_note(&rig, 1, (struct pulse_note){PULSE_DARK, .pane = pane + 3, .to = pane + 7});
    pulse_rig_note(&rig, 1, (struct pulse_note){PULSE_CLOSE, .pane = pane + 7});
    pulse_step(rig.p, &rig.out);
    for (int i = 0; i < 6; i++)
        cr_expect_eq(pulse_is_dark(rig.p, pane + i), i >= 3, "pane %d", i);
    cr_expect_not(pulse_is_dark(rig.p, pane + 6), "not closed yet");
}

/* --- gaps --- */

Test(pulse, a_gap_is_dark_and_makes_windows_stale)
{
    int64_t pane = steady(8, 1);

    pulse_rig_pass(&rig, pane, pane + 2 * DAY, false);
    expect_dark(pane, pane, pane + 2 * DAY);
    cr_expect_eq(pulse_stale_before(rig.p, pane - 1), INT64_MIN);
    cr_expect_eq(pulse_stale_before(rig.p, pane), pane + 1);
    cr_expect_eq(pulse_stale_before(rig.p, pane + 2 * DAY + 1), pane + 2 * DAY + 1);
    pulse_forget(rig.p, pane + 2 * DAY);
    cr_expect_eq(pulse_stale_before(rig.p, pane + 3 * DAY), pane + 2 * DAY + 1);
    cr_expect_not(pulse_is_dark(rig.p, pane + 1), "forgotten");
}

/* --- no_data --- */

/* Lambda is 4, 8, 12, and the threshold ln(2,688 / 0.05) = 10.9. */
Test(pulse, no_data_fires_in_the_first_pane_beyond_its_threshold)
{
    int64_t pane = steady(8, 4);

    for (int i = 0; i < 3; i++) {
        EXPECT_STORY("");
        pulse_rig_pane(&rig, pane + i, 0, i == 1);
    }
    cr_expect(look().firing);
    cr_expect(eq(str, (char *)pipe_field(&rig.out, 0, "evidence", "budget"), "0.05"));
    cr_expect_float_eq(atof(pipe_field(&rig.out, 0, "evidence", "statistic")), 12, 0.01);
    cr_expect_float_eq(atof(pipe_field(&rig.out, 0, "expected", "events")), 12, 0.01);
    cr_expect_eq(atof(pipe_field(&rig.out, 0, "evidence", "threshold")) > 10.8, 1);
    EXPECT_STORY("firing no_data@2 1 0..2");
    pulse_rig_pane(&rig, pane + 3, 0, false);
    EXPECT_STORY("");
    pulse_rig_pane(&rig, pane + 4, 1, false);
    cr_expect(eq(str, (char *)pipe_field(&rig.out, 0, NULL, "endsReason"), "data_returned"));
    EXPECT_STORY("resolved no_data@4 2 0..3");
    cr_expect_not(look().firing);
}

Test(pulse, in_one_step_it_is_the_same)
{
    int64_t pane = steady(8, 4);

    pulse_rig_note(&rig, 0, (struct pulse_note){PULSE_EVENTS, .pane = pane + 4, .n = 1});
    pulse_rig_pass(&rig, pane, pane + 30, false);
    EXPECT_STORY("firing no_data@2 1 0..2; resolved no_data@4 2 0..3; firing no_data@7 3 5..7");
}

Test(pulse, no_data_fires_in_a_gap)
{
    int64_t pane = steady(8, 4);

    pulse_rig_pass(&rig, pane, pane + 400 * DAY, true);
    pulse_rig_pane(&rig, pane + 400 * DAY + 1, 1, false);
    EXPECT_STORY("firing no_data@2 1 0..2; resolved no_data@38401 2 0..38400");
}

Test(pulse, without_a_budget_there_is_no_alert)
{
    int64_t pane;

    rig.input.no_data = 0;
    pane = steady(8, 4);
    pulse_rig_pass(&rig, pane, pane + DAY, true);
    EXPECT_STORY("");
    cr_expect(isnan(look().threshold));
    expect_dark(pane, pane, pane + DAY);
}

Test(pulse, more_events_are_more_chances_of_a_false_alarm)
{
    steady(8, 4000);
    cr_expect_float_eq(look().threshold, log(168 * 16000 / 0.05), 1e-2);
}

Test(pulse, resolved_by_a_changed_rule)
{
    int64_t pane = steady(8, 4);

    pulse_rig_pass(&rig, pane, pane + 4, false);
    pulse_resolve(rig.p, "rule_changed", &rig.out);
    cr_expect(eq(str, (char *)pipe_field(&rig.out, 1, NULL, "endsReason"), "rule_changed"));
    EXPECT_STORY("firing no_data@2 1 0..2; resolved no_data@4 2 0..4");
    pulse_rig_pane(&rig, pane + 5, 1, false);
    EXPECT_STORY("");
}

/* --- a bootstrap --- */

static void mute(size_t part)
{
    pulse_rig_note(&rig, part, (struct pulse_note){.kind = PULSE_MUTE});
}

static void unmute(size_t part, int64_t pane)
{
    pulse_rig_note(&rig, part, (struct pulse_note){PULSE_UNMUTE, .pane = pane});
}

Test(pulse, what_ends_while_muted_is_never_told)
{
    int64_t pane;

    mute(0);
    pane = steady(8, 4);
    pulse_rig_pass(&rig, pane, pane + 9, false);
    cr_expect(look().firing);
    pulse_rig_pane(&rig, pane + 10, 1, false);
    unmute(0, pane + 11);
    pulse_rig_pass(&rig, pane + 11, pane + 12, false);
    EXPECT_STORY("");
}

Test(pulse, what_lasts_is_told_when_the_mute_ends)
{
    int64_t pane;

    mute(0);
    pane = steady(8, 4);
    pulse_rig_pass(&rig, pane, pane + 9, false);
    unmute(0, pane + 10);
    EXPECT_STORY("");
    pulse_rig_pass(&rig, pane + 10, pane + 20, false);
    cr_expect(
        eq(str, (char *)pipe_field(&rig.out, 0, NULL, "startsAt"), "2024-03-26T01:00:00.000Z"));
    EXPECT_STORY("firing no_data@10 1 0..10");
    pulse_rig_pane(&rig, pane + 21, 1, false);
    EXPECT_STORY("resolved no_data@21 2 0..20");
}

Test(pulse, it_is_muted_until_the_last_part_is_not)
{
    int64_t pane;

    close_rig();
    pulse_rig_open(&rig, 2, PANE, "UTC");
    mute(0);
    mute(1);
    pane = steady(8, 4);
    pulse_rig_pass(&rig, pane, pane + 4, false);
    unmute(1, pane + 5);
    pulse_rig_note(&rig, 1, (struct pulse_note){PULSE_CLOSE, .pane = pane + 30});
    pulse_rig_note(&rig, 0, (struct pulse_note){PULSE_CLOSE, .pane = pane + 12});
    pulse_step(rig.p, &rig.out);
    EXPECT_STORY("");
    unmute(0, pane + 13);
    pulse_rig_note(&rig, 0, (struct pulse_note){PULSE_CLOSE, .pane = pane + 30});
    pulse_step(rig.p, &rig.out);
    EXPECT_STORY("firing no_data@13 1 0..13");
}

/* --- data_gap --- */

static void lose(int64_t pane, int64_t n)
{
    pulse_rig_note(&rig, 0, (struct pulse_note){PULSE_LOST, .pane = pane, .n = n});
}

Test(pulse, lost_records_are_told_and_end_with_the_next_events)
{
    int64_t pane = steady(1, 4);

    lose(pane, 1000);
    pulse_rig_pane(&rig, pane, 2, false);
    cr_expect(eq(str, (char *)pipe_field(&rig.out, 0, "effect", "lost_records"), "1000"));
    EXPECT_STORY("firing data_gap@0 1 0..0");
    pulse_rig_pass(&rig, pane + 1, pane + 3, true);
    cr_expect_eq(pulse_stale_before(rig.p, pane + 2), pane + 3);
    pulse_rig_pane(&rig, pane + 4, 2, false);
    EXPECT_STORY("resolved data_gap@4 2 0..4");
    pulse_rig_pane(&rig, pane + 5, 2, false);
    cr_expect_eq(pulse_stale_before(rig.p, pane - 1), INT64_MIN);
    cr_expect_eq(pulse_stale_before(rig.p, pane + 5), pane + 5, "the first that is whole again");
}

Test(pulse, more_that_is_lost_updates_it)
{
    int64_t pane = steady(1, 4);

    lose(pane, 1000);
    lose(pane, 1);
    pulse_rig_pane(&rig, pane, 0, false);
    lose(pane + 2, 5);
    pulse_rig_pass(&rig, pane + 1, pane + 2, false);
    cr_expect(eq(str, (char *)pipe_field(&rig.out, 0, "effect", "lost_records"), "1001"));
    cr_expect(eq(str, (char *)pipe_field(&rig.out, 1, "effect", "lost_records"), "1006"));
    EXPECT_STORY("firing data_gap@0 1 0..0; updated data_gap@2 2 0..2");
}

Test(pulse, lost_before_the_first_event)
{
    rig.base = MONDAY;
    lose(INT64_MIN, 7);
    pulse_rig_note(&rig, 0, (struct pulse_note){PULSE_EVENTS, .pane = MONDAY + 3, .n = 1});
    pulse_rig_pass(&rig, MONDAY, MONDAY + 10, false);
    EXPECT_STORY("firing data_gap@3 1 3..3");
}

/* --- what is learned of silences --- */

/* Business hours, 9 to 17 of five days; nothing else, not one event. */
static int64_t office(int64_t weeks, int64_t n)
{
    int64_t pane = MONDAY;

    for (; pane < MONDAY + weeks * 7 * DAY; pane++) {
        int64_t hour = (pane - MONDAY) % DAY / 4, day = (pane - MONDAY) / DAY % 7;

        pulse_rig_pane(&rig, pane, day < 5 && hour >= 9 && hour < 17 ? n : 0, true);
    }
    return rig.base = pane;
}

Test(pulse, nights_and_weekends_are_no_outages)
{
    int64_t pane = office(5, 300);

    EXPECT_STORY("");
    pulse_rig_pass(&rig, pane, pane + 9 * 4 - 1, true);
    cr_expect_lt(look().lambda, 1);
    pulse_rig_pane(&rig, pane + 9 * 4, 0, true);
    EXPECT_STORY("firing no_data@36 1 -220..36");
}

Test(pulse, an_outage_is_not_learned)
{
    int64_t pane = steady(8, 4);
    double rate = look().rate;

    pulse_rig_pass(&rig, pane, pane + 30, false);
    for (int64_t i = pane + 31; i < pane + 3 * DAY; i++)
        pulse_rig_pane(&rig, i, 4, false);
    cr_expect_float_eq(look().rate, rate, 1e-4);
}

/* 5,000 rows each hour: never silent for less than three panes, and all is well. */
Test(pulse, bunches_are_counted_as_such)
{
    int64_t pane = MONDAY;

    for (; pane < MONDAY + 28 * DAY; pane++)
        pulse_rig_pane(&rig, pane, pane % 4 == 1 ? 5000 : 0, true);
    EXPECT_STORY("");
    cr_expect_eq(look().silent_from, (pane - 2) * PANE);
    cr_expect_lt(look().lambda, PULSE_QUIET);
    cr_expect(rig.p->rate.bunch > 100 && look().rate > 1, "%f", rig.p->rate.bunch);
    pulse_rig_pass(&rig, pane, pane + DAY, true);
    cr_expect(look().firing);
}

Test(pulse, hours_that_differ_raise_the_threshold)
{
    struct dice d = {7};

    for (int64_t hour = 0; hour < 8 * 7 * 24; hour++) {
        int64_t n = dice_chance(&d, 0.5) ? 20 : 60;

        for (int i = 0; i < 4; i++)
            pulse_rig_pane(&rig, MONDAY + hour * 4 + i, n, false);
    }
    /* Counts of an hour are 80 or 240: variance / mean = 6400 / 160 = 40, and more for the rates' own error. */
    cr_expect(rig.p->rate.phi > 30 && rig.p->rate.phi < 70, "%f", rig.p->rate.phi);
    cr_expect_float_eq(look().threshold, log(rig.p->rate.per_week / 0.05) * rig.p->rate.phi, 1e-6);
}

Test(pulse, what_is_long_ago_is_forgotten)
{
    int64_t pane = steady(8, 4);

    pulse_rig_pass(&rig, pane, pane + 60 * DAY, true);
    pulse_rig_pane(&rig, pane + 60 * DAY + 1, 4, false);
    cr_expect(isnan(look().rate), "two half-lives leave too little of a week");
}

Test(pulse, by_the_local_clock)
{
    close_rig();
    pulse_rig_open(&rig, 1, PANE, "Asia/Shanghai");
    office(3, 300);
    cr_expect(look().rate < 0.001, "Monday 08:00 in Shanghai");
    cr_expect_gt(rig.p->rate.per_hour[17], 1000, "09:00 UTC is 17:00 there");
    cr_expect_lt(rig.p->rate.per_hour[9], 1);
}

/* Europe/Berlin sets its clocks on 2024-03-31: business goes by them. */
Test(pulse, clocks_that_are_set_do_not_matter)
{
    int64_t pane = MONDAY;

    close_rig();
    pulse_rig_open(&rig, 1, PANE, "Europe/Berlin");
    for (; pane < MONDAY + 28 * DAY; pane++) {
        int slot = zone_hour_of_week(rig.zone, NULL, pane * PANE);

        pulse_rig_pane(&rig, pane, slot < 120 && slot % 24 >= 9 && slot % 24 < 17 ? 300 : 0, true);
    }
    EXPECT_STORY("");
}

/* --- saved state --- */

Test(pulse, goes_on_from_what_was_saved)
{
    int64_t pane = steady(8, 4);

    pulse_rig_reload(&rig);
    pulse_rig_pass(&rig, pane, pane + 4, true);
    pulse_rig_reload(&rig);
    expect_dark(pane, pane + 1, pane + 4);
    pulse_rig_pane(&rig, pane + 5, 1, false);
    EXPECT_STORY("firing no_data@2 1 0..2; resolved no_data@5 2 0..4");
}

Test(pulse, any_bytes_are_refused_or_loaded)
{
    struct buf bytes = {0};
    unsigned char window[64];
    struct codec_out out = {window, 0, sizeof(window), codec_flush_buf, &bytes, false};
    size_t refused = 0;
    struct dice d = {3};

    pulse_rig_pass(&rig, steady(8, 4), rig.base + 200, true);
    lose(rig.base + 300, 3);
    pulse_save(rig.p, &out);
    out.flush(&out);
    for (int i = 0; i < 2000; i++) {
        struct pulse *p = pulse_new(&rig.settings, &rig.input, rig.zone, 1);
        struct buf copy = {0};
        struct codec_in in;

        buf_add(&copy, bytes.data, bytes.len);
        copy.data[dice_below(&d, i % 2 ? 200 : (int64_t)copy.len)] = (char)dice_next(&d);
        in = (struct codec_in){(const unsigned char *)copy.data, copy.len - (size_t)(i % 3), NULL};
        pulse_load(p, &in);
        refused += in.error != NULL;
        if (!in.error) {
            struct records more = {0};
            const struct pulse_note close = {PULSE_CLOSE, .pane = rig.base + 400};

            pulse_add(p, 0, &(struct pulse_notes){(struct pulse_note *)&close, 1, 1});
            pulse_step(p, &more);
            records_deinit(&more);
        }
        pulse_free(p);
        buf_deinit(&copy);
    }
    cr_expect(refused > 700, "%zu", refused);
    buf_deinit(&bytes);
}
