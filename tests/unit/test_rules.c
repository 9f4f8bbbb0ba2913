/* SPDX-License-Identifier: Apache-2.0 */
/* Rules, end to end: events in, alert records out. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/rules.h"
#include "lib/pipe_kit.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define HEAD \
    PIPE_KAFKA "inputs: [{topic: in, no_data: off}]\ntime: {lateness: 0s, pane: 1m, zone: UTC}\n"
#define T0 (INT64_C(19800) * DAY) /* 2024-03-18, a Monday */

static int next_entity;

/* `n` enter stage a at `at`, `k` of them go on to b at once. */
static void crowd(struct pipe *k, int64_t at, int n, int converted, const char *channel)
{
    for (int i = 0; i < n; i++) {
        int id = ++next_entity;

        pipe_say(k,
                 "{\"entity_id\":%d,\"stage\":\"a\",\"ts\":%" PRId64
                 ",\"amount\":10,\"dims\":{\"channel\":\"%s\"}}",
                 id, at, channel);
        if (i < converted)
            pipe_say(k, "{\"entity_id\":%d,\"stage\":\"b\",\"ts\":%" PRId64 "}", id, at);
    }
}

/* Only moves the watermark. */
static void wait_until(struct pipe *k, int64_t at)
{
    pipe_say(k, "{\"entity_id\":\"tick\",\"stage\":\"a\",\"funnel\":\"nobody\",\"ts\":%" PRId64 "}",
             at);
}

/* "firing 09:00 low; resolved 10:00 low": time of the verdict, UTC. */
static const char *story(const struct pipe *k)
{
    static char text[2000];
    size_t n = 0;

    text[0] = '\0';
    for (size_t i = 0; i < k->out.count; i++) {
        int64_t at = k->out.items[i].timestamp - T0;

        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? "; " : "",
                              pipe_field(&k->out, i, NULL, "status"));
        n += (size_t)snprintf(text + n, sizeof(text) - n, " %s",
                              pipe_field(&k->out, i, "labels", "alertname"));
        n += (size_t)snprintf(text + n, sizeof(text) - n, " %d:%02d", (int)(at / HOUR),
                              (int)(at % HOUR / MINUTE));
    }
    return text;
}

#define EXPECT_STORY(k, expected) \
    cr_expect(strcmp(story(k), expected) == 0, "expected %s\n     got %s", expected, story(k))

static void open_rule(struct pipe *k, const char *rule)
{
    struct buf y = {0};

    buf_fmt(
        &y,
        "%sfunnels: {f: {stages: [a, b], window: 1h, dims: {channel: {top: 2}}, rules: [%s]}}\n",
        HEAD, rule);
    pipe_open(k, buf_cstr(&y), 1);
    /* Windows are judged that lie in the log as a whole: it begins long before. */
    pipe_say(k, "{\"entity_id\":\"first\",\"stage\":\"a\",\"ts\":%" PRId64 "}", T0 - 9 * DAY);
    buf_deinit(&y);
}

Test(rules, target_fires_and_resolves)
{
    struct pipe k;

    open_rule(
        &k,
        "{id: low, kind: target, target: 50%, clear: 60%, window: 10m, min_entries: 10, hold: 0s}");
    crowd(&k, T0, 20, 15, "ads");
    crowd(&k, T0 + 10 * MINUTE, 20, 2, "ads");
    crowd(&k, T0 + 20 * MINUTE, 20, 11, "ads"); /* 55 %: neither */
    crowd(&k, T0 + 30 * MINUTE, 20, 12, "ads");
    wait_until(&k, T0 + HOUR);
    EXPECT_STORY(&k, "firing low 0:11; resolved low 0:31");
    cr_expect(eq(str, (char *)pipe_field(&k.out, 0, "observed", "entries"), "20"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, 0, "observed", "conversions"), "2"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, 0, "expected", "rate"), "0.5"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, 0, "expected", "source"), "target"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, 1, NULL, "endsReason"), "recovered"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, 1, NULL, "startsAt"), "2024-03-18T00:11:00.000Z"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, 1, NULL, "sequence"), "2"));
    pipe_close(&k);
}

Test(rules, benchmark_says_so)
{
    struct pipe k;

    open_rule(&k, "{id: low, kind: benchmark, target: 50%, window: 10m, min_entries: 10}");
    crowd(&k, T0, 20, 2, "ads");
    wait_until(&k, T0 + 11 * MINUTE);
    EXPECT_STORY(&k, "firing low 0:01; resolved low 0:11");
    cr_expect(eq(str, (char *)pipe_field(&k.out, 0, "expected", "source"), "benchmark"));
    pipe_close(&k);
}

Test(rules, too_few_entries_say_nothing_and_none_end_it)
{
    struct pipe k;

    open_rule(&k, "{id: low, kind: target, target: 50%, window: 10m, min_entries: 10, hold: 0s}");
    crowd(&k, T0, 9, 0, "ads");
    crowd(&k, T0 + 10 * MINUTE, 20, 0, "ads");
    crowd(&k, T0 + 20 * MINUTE, 9, 9, "ads"); /* neither */
    wait_until(&k, T0 + DAY);
    EXPECT_STORY(&k, "firing low 0:11; resolved low 0:31"); /* a slot is one minute */
    cr_expect(eq(str, (char *)pipe_field(&k.out, 1, NULL, "endsReason"), "no_data"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, 1, "observed", "rate"), "null"));
    pipe_close(&k);
}

Test(rules, pending_fires_after_it_has_held)
{
    struct pipe k;

    open_rule(
        &k,
        "{id: low, kind: target, target: 50%, window: 2h, min_entries: 10, pending: 7m, hold: 0s}");
    crowd(&k, T0, 20, 0, "ads");
    wait_until(&k, T0 + HOUR);
    /* Slots of 2 minutes: it breaches at 0:02; 7 minutes later no slot ends. */
    EXPECT_STORY(&k, "firing low 0:09");
    cr_expect(eq(str, (char *)pipe_field(&k.out, 0, "window", "to"), "2024-03-18T00:08:00.000Z"));
    pipe_close(&k);
}

Test(rules, pending_is_forgotten_when_it_does_not_hold)
{
    struct pipe k;

    open_rule(
        &k,
        "{id: low, kind: target, target: 50%, window: 10m, min_entries: 10, pending: 15m, hold: 0s}");
    crowd(&k, T0, 20, 0, "ads");
    crowd(&k, T0 + 10 * MINUTE, 40, 40, "ads");
    wait_until(&k, T0 + HOUR);
    EXPECT_STORY(&k, "");
    pipe_close(&k);
}

Test(rules, hold_and_resolve_after)
{
    struct pipe k;

    open_rule(
        &k,
        "{id: low, kind: target, target: 50%, window: 10m, min_entries: 10, hold: 45m, resolve_after: 7m}");
    crowd(&k, T0, 20, 0, "ads");
    for (int i = 1; i < 10; i++)
        crowd(&k, T0 + i * 10 * MINUTE, 20, 20, "ads");
    wait_until(&k, T0 + 3 * HOUR);
    /* It fires in the first minute; held until 0:46, then clear for 7 minutes. */
    EXPECT_STORY(&k, "firing low 0:01; resolved low 0:53");
    pipe_close(&k);
}

Test(rules, change_compares_with_the_window_before)
{
    struct pipe k;

    open_rule(
        &k,
        "{id: ch, kind: change, window: 10m, against: 10m, min_entries: 10, min_effect: 20%, hold: 0s}");
    crowd(&k, T0, 40, 36, "ads");
    crowd(&k, T0 + 10 * MINUTE, 40, 10, "ads");
    crowd(&k, T0 + 20 * MINUTE, 40, 10, "ads"); /* no worse than before, but not back */
    crowd(&k, T0 + 30 * MINUTE, 40, 33, "ads");
    wait_until(&k, T0 + 38 * MINUTE);
    EXPECT_STORY(&k, "firing ch 0:11; resolved ch 0:31");
    cr_expect(eq(str, (char *)pipe_field(&k.out, 0, "expected", "rate"), "0.9"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, 1, "expected", "rate"), "0.9"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, 0, "expected", "source"), "previous"));
    pipe_close(&k);
}

/* The time between two slots' ends is no other state: what it fires with is what it was judged by. */
Test(rules, change_that_was_pending_has_its_reference)
{
    struct pipe k;

    open_rule(
        &k,
        "{id: ch, kind: change, window: 2h, against: 2h, min_entries: 10, pending: 3m, hold: 0s,"
        " resolve_after: 3m}");
    crowd(&k, T0, 40, 36, "ads");
    crowd(&k, T0 + 2 * HOUR, 40, 10, "ads");
    wait_until(&k, T0 + 2 * HOUR + 30 * MINUTE);
    EXPECT_STORY(&k, "firing ch 2:05");
    cr_expect(eq(str, (char *)pipe_field(&k.out, 0, "expected", "rate"), "0.9"));
    crowd(&k, T0 + 4 * HOUR, 100, 95, "ads");
    wait_until(&k, T0 + 5 * HOUR);
    EXPECT_STORY(&k, "firing ch 2:05; resolved ch 4:05");
    cr_expect(eq(str, (char *)pipe_field(&k.out, 1, "expected", "rate"), "0.9"));
    pipe_close(&k);
}

Test(rules, rises_too)
{
    struct pipe k;

    open_rule(
        &k,
        "{id: ch, kind: change, window: 10m, against: 10m, min_entries: 10, direction: rise, hold: 0s}");
    crowd(&k, T0, 40, 36, "ads");
    crowd(&k, T0 + 10 * MINUTE, 40, 10, "ads");
    crowd(&k, T0 + 20 * MINUTE, 40, 36, "ads");
    crowd(&k, T0 + 30 * MINUTE, 40, 8, "ads");
    wait_until(&k, T0 + 38 * MINUTE);
    EXPECT_STORY(&k, "firing ch 0:21; resolved ch 0:31");
    pipe_close(&k);
}

Test(rules, one_alert_for_each_value)
{
    struct pipe k;

    open_rule(&k,
              "{id: low, kind: target, target: 50%, window: 10m, min_entries: 10, by: [channel]}");
    crowd(&k, T0, 20, 1, "seo");
    crowd(&k, T0, 20, 20, "ads");
    crowd(&k, T0, 20, 1, "mail"); /* beyond the top 2 */
    wait_until(&k, T0 + 2 * MINUTE);
    EXPECT_STORY(&k, "firing low 0:01; firing low 0:01");
    /* Admitted in one pane, shorter names first: ads and seo are the first two. */
    cr_expect(eq(str, (char *)pipe_field(&k.out, 0, "labels", "channel"), "__other__"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, 1, "labels", "channel"), "seo"));
    pipe_close(&k);
}

Test(rules, the_busiest_are_chosen_anew_each_day)
{
    struct pipe k;

    open_rule(
        &k,
        "{id: low, kind: target, target: 50%, window: 10m, min_entries: 10, by: [channel], hold: 0s}");
    crowd(&k, T0, 1, 1, "ads");
    crowd(&k, T0, 2, 2, "mail");
    crowd(&k, T0 + HOUR, 30, 30, "seo");
    crowd(&k, T0 + DAY, 20, 0, "seo");
    wait_until(&k, T0 + DAY + 10 * MINUTE + 10000);
    /* Not before the window holds only what came after the choice. */
    EXPECT_STORY(&k, "firing low 24:10");
    cr_expect(eq(str, (char *)pipe_field(&k.out, 0, "labels", "channel"), "seo"));
    pipe_close(&k);
}

/* Beyond the number of series a spec may have, the rest is looked at together, and counted. */
Test(rules, series_beyond_the_cap_are_the_rest)
{
    struct pipe k;
    char name[16];

    open_rule(&k,
              "{id: low, kind: target, target: 50%, window: 10m, min_entries: 10, by: [channel]}");
    for (int i = 0; i < 1100; i++) {
        snprintf(name, sizeof(name), "v%d", i);
        if (i % 2 == 0) /* each day two new values are the busiest */
            wait_until(&k, T0 + i / 2 * DAY);
        crowd(&k, T0 + i / 2 * DAY + HOUR, 2, 2, name);
    }
    crowd(&k, T0 + 551 * DAY, 40, 0, "last");
    wait_until(&k, T0 + 551 * DAY + 20 * MINUTE);
    cr_assert(ge(sz, k.out.count, 1));
    cr_expect(eq(str, (char *)pipe_field(&k.out, 0, "labels", "channel"), "__other__"));
    pipe_close(&k);
}

/* Which panes the frontier happens to stop at must not choose the busiest: on the third day all are equal (none
 * left after three halvings), on the second they are not. */
Test(rules, quiet_days_choose_the_same_in_one_jump)
{
    struct buf text[2] = {{0}};

    for (int way = 0; way < 2; way++) {
        struct pipe k;

        next_entity = 0;
        open_rule(
            &k,
            "{id: low, kind: target, target: 50%, window: 10m, min_entries: 1, significance: 0.4,"
            " by: [channel]}");
        crowd(&k, T0, 1, 1, "a1");
        crowd(&k, T0, 1, 1, "a2");
        crowd(&k, T0 + HOUR, 4, 4, "y");
        crowd(&k, T0 + HOUR, 2, 2, "x");
        for (int day = 1; way && day < 9; day++)
            wait_until(&k, T0 + day * DAY + HOUR);
        crowd(&k, T0 + 9 * DAY, 9, 0, "x");
        crowd(&k, T0 + 9 * DAY, 9, 0, "y");
        crowd(&k, T0 + 9 * DAY, 9, 0, "a1");
        crowd(&k, T0 + 9 * DAY, 9, 0, "a2");
        wait_until(&k, T0 + 11 * DAY);
        cr_assert(k.out.count > 1);
        for (size_t i = 0; i < k.out.count; i++)
            pipe_record_text(&k.out, i, &text[way]);
        pipe_close(&k);
    }
    cr_expect(strcmp(buf_cstr(&text[0]), buf_cstr(&text[1])) == 0, "%s\n%s", buf_cstr(&text[0]),
              buf_cstr(&text[1]));
    buf_deinit(&text[0]);
    buf_deinit(&text[1]);
}

/* Stays of a day are judged when the step's window has passed for the last of them, no sooner. */
Test(rules, cohorts_are_judged_when_they_are_closed)
{
    struct pipe k;

    open_rule(
        &k,
        "{id: co, kind: target, measure: cohort, target: 50%, window: 1d, min_entries: 10, hold: 0s}");
    crowd(&k, T0 + 5 * HOUR, 20, 2, "ads");
    crowd(&k, T0 + DAY + 5 * HOUR, 20, 19, "ads");
    wait_until(&k, T0 + 9 * DAY);
    /* The step's window is an hour: day 0 is closed at 25:00, and looked at when a day ends. */
    EXPECT_STORY(&k, "firing co 48:00; resolved co 72:00");
    cr_expect(eq(str, (char *)pipe_field(&k.out, 0, "window", "from"), "2024-03-18T00:00:00.000Z"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, 0, "window", "to"), "2024-03-19T00:00:00.000Z"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, 1, NULL, "endsReason"), "recovered"));
    pipe_close(&k);
}

/* Silence ends it, however long: the last cohort's day, its window, and the days of the look. */
Test(rules, a_cohort_alert_ends_in_silence)
{
    struct pipe k;

    open_rule(
        &k,
        "{id: co, kind: target, measure: cohort, target: 50%, window: 1d, min_entries: 10, hold: 0s}");
    crowd(&k, T0 + 20 * HOUR, 20, 2, "ads");
    wait_until(&k, T0 + 30 * DAY);
    EXPECT_STORY(&k, "firing co 48:00; resolved co 72:00");
    cr_expect(eq(str, (char *)pipe_field(&k.out, 1, NULL, "endsReason"), "no_data"));
    pipe_close(&k);
}

/* A day with 23 hours and one with 25: a calendar window is the local day. */
static void berlin_day(int64_t day_start, int64_t day_end, const char *from, const char *to)
{
    struct pipe k;

    pipe_open(
        &k,
        PIPE_KAFKA
        "inputs: [{topic: in}]\ntime: {lateness: 0s, pane: 1m, zone: Europe/Berlin}\n"
        "funnels: {f: {stages: [a, b], window: 1h, rules: [{id: day, kind: change, window: {calendar: day},"
        " min_entries: 10}]}}\n",
        1);
    pipe_say(&k, "{\"entity_id\":\"first\",\"stage\":\"a\",\"ts\":%" PRId64 "}",
             day_start - 9 * DAY);
    crowd(&k, day_start - DAY + HOUR, 40, 36, "ads");
    crowd(&k, day_start, 20, 2, "ads");
    crowd(&k, day_end - 1, 20, 2, "ads");
    crowd(&k, day_end, 20, 20, "ads");
    wait_until(&k, day_end + 2 * MINUTE);
    cr_assert(eq(sz, k.out.count, 1));
    cr_expect(eq(i64, k.out.items[0].timestamp, day_end));
    cr_expect(eq(str, (char *)pipe_field(&k.out, 0, "window", "from"), (char *)from));
    cr_expect(eq(str, (char *)pipe_field(&k.out, 0, "window", "to"), (char *)to));
    cr_expect(eq(str, (char *)pipe_field(&k.out, 0, "observed", "entries"), "40"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, 0, "expected", "rate"), "0.9"));
    pipe_close(&k);
}

Test(rules, calendar_days_across_summer_time)
{
    int64_t spring = days_from_civil(2024, 3, 31) * DAY,
            autumn = days_from_civil(2024, 10, 27) * DAY;

    berlin_day(spring - HOUR, spring + 22 * HOUR, "2024-03-30T23:00:00.000Z",
               "2024-03-31T22:00:00.000Z");
    berlin_day(autumn - 2 * HOUR, autumn + 23 * HOUR, "2024-10-26T22:00:00.000Z",
               "2024-10-27T23:00:00.000Z");
}

Test(rules, gauges_count_what_fires)
{
    struct pipeline_gauges g;
    struct pipe k;

    open_rule(&k,
              "{id: low, kind: target, target: 50%, window: 10m, min_entries: 10, pending: 5m}");
    crowd(&k, T0, 20, 0, "ads");
    wait_until(&k, T0 + 2 * MINUTE);
    pipeline_gauges(k.p, &g);
    cr_expect(g.alerts_pending == 1 && g.alerts_firing == 0);
    wait_until(&k, T0 + 7 * MINUTE);
    pipeline_gauges(k.p, &g);
    cr_expect(g.alerts_pending == 0 && g.alerts_firing == 1);
    cr_expect(eq(i64, g.closed.ms, T0 + 7 * MINUTE));
    pipe_close(&k);
}
