/* SPDX-License-Identifier: Apache-2.0 */
/* Over weeks, a restart anywhere changes no byte of what is published, and a reload changes what it is about and
 * nothing else. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "funnel/detect_parts.h"
#include "funnel/rules.h"
#include "lib/saved.h"
#include "lib/tale.h"

#define MIX "{id: mix, kind: mix, window: 6h, severity: info}"
#define QUALITY "{id: quality, kind: data_quality, target: 5%, window: 2h}"
#define VOLUME "{id: volume, kind: volume}"
#define EVERYTHING DROP ", " RISE ", " VOLUME ", " MIX ", " QUALITY

/* Exact bytes of all alerts. */
static void alerts_take(const struct tale *t, struct buf *ret)
{
    for (size_t i = 0; i < t->pipe.out.count; i++)
        if (t->pipe.out.items[i].target == RECORD_ALERT)
            pipe_record_text(&t->pipe.out, i, ret);
}

/* --- restarts --- */

/* An outage, another one before six hours have passed, a change for good that is accepted, the mix, and spoilt events. */
static const struct traffic_change eventful[] = {
    {BEGIN, BEGIN + 8 * HOUR, NULL, 0, 1, 0.1, 0},
    {BEGIN + 12 * HOUR, BEGIN + 22 * HOUR, NULL, 0, 1, 0.1, 0},
    {BEGIN + 4 * DAY, BEGIN + 5 * DAY, "ads", 1, 3, 1, 0},
    {BEGIN + 6 * DAY, BEGIN + 6 * DAY + 6 * HOUR, NULL, 0, 1, 1, 0.2},
    {BEGIN + 8 * DAY, BEGIN + 24 * DAY, "seo", 1, 1, 0.5, 0},
};
#define EVENTFUL (sizeof(eventful) / sizeof(eventful[0]))
#define EVENTFUL_RULES \
    "{id: drop, kind: drop, accept_after: 4d}, " RISE ", " VOLUME ", " MIX ", " QUALITY

/* Where the restarts are: by chance five a week, and in each state an alert has. */
static void go_on_with_restarts(struct tale *t, uint64_t seed)
{
    static const int64_t also[] = {2 * HOUR + 20 * MINUTE,
                                   4 * HOUR,
                                   11 * HOUR + 40 * MINUTE,
                                   13 * HOUR,
                                   14 * HOUR,
                                   12 * DAY,
                                   13 * DAY};
    struct dice d = {seed};
    int64_t at = T0;
    size_t next = 0;

    while (at < t->traffic.plan.to) {
        int64_t then = at + dice_below(&d, 2 * 7 * DAY / 5) + 1;
        const char *wrong;

        if (next < sizeof(also) / sizeof(also[0]) && then > BEGIN + also[next])
            then = BEGIN + also[next++];
        tale_go_on(t, then);
        wrong = saved_restart(&t->pipe);
        cr_assert(wrong == NULL, "%s", wrong);
        at = then;
    }
}

static void expect_restarts(const struct traffic_plan *plan, const char *yaml, const char *turns)
{
    struct buf whole = {0}, parts = {0};
    struct tale t;

    tale_open(&t, yaml, plan);
    tale_go_on(&t, INT64_MAX);
    TALE_EXPECT(&t, turns);
    alerts_take(&t, &whole);
    tale_close(&t);
    tale_open(&t, yaml, plan);
    go_on_with_restarts(&t, 7);
    alerts_take(&t, &parts);
    cr_expect(whole.len == parts.len && memcmp(whole.data, parts.data, whole.len) == 0, "%s",
              turns_text(&t.turns, T0));
    tale_close(&t);
    buf_deinit(&whole);
    buf_deinit(&parts);
}

Test(detect_weeks_switch, restarts_anywhere_change_no_byte)
{
    struct traffic_plan plan = tale_plan(7, 40, EVENTFUL, eventful);

    expect_restarts(
        &plan, TALE(EVENTFUL_RULES),
        "drop firing; drop updated; drop resolved recovered;"
        " drop firing; drop updated; drop resolved recovered;"
        " mix firing; mix resolved recovered; quality firing; quality resolved recovered;"
        " drop seo firing; drop seo updated; drop seo resolved accepted;"
        " rise seo firing; rise seo updated");
}

/* --- of a slow-down for good --- */

#define ACCEPT_2D "{id: drop, kind: drop, accept_after: 2d}"
#define SLOW_ADS \
    "slowdown ads firing; slowdown ads updated; slowdown ads firing; slowdown ads updated;" \
    " slowdown ads resolved accepted; slowdown ads resolved accepted"

static struct traffic_plan plan_of_slow_ads(void)
{
    struct traffic_plan plan = tale_plan(2, 28, 0, eventful);

    plan.pace = (struct traffic_pace){BEGIN, "ads", 3};
    return plan;
}

Test(detect_weeks_switch, restarts_change_nothing_of_what_a_slow_down_has_shown)
{
    struct traffic_plan plan = plan_of_slow_ads();

    expect_restarts(&plan, TALE(ACCEPT_2D), SLOW_ADS);
}

/* --- reloads --- */

/* Where all tests of a rule stand, and by what they are judged. */
static void standing_take(struct tale *t, const char *id, struct buf *ret)
{
    const struct judge *j = pipe_judge(&t->pipe);

    for (size_t i = 0; i < j->detect->track_count; i++) {
        const struct detect_track *track = &j->detect->tracks[i];

        for (size_t b = 0; b < track->battery_count; b++) {
            const struct detect_battery *battery = &track->batteries[b];

            if (strcmp(j->rules->items[battery->rule].settings->id, id) != 0)
                continue;
            for (size_t s = 0; s < track->series_count; s++) {
                const struct detect_series *x = &track->series[s];

                buf_add(ret, (const char *)(x->w + battery->first),
                        battery->count * sizeof(double));
                buf_add(ret, (const char *)(x->b + battery->first),
                        battery->count * sizeof(double));
                buf_add(ret, (const char *)(x->rho + battery->first),
                        battery->count * sizeof(double));
                buf_add(ret, (const char *)(x->inverse + battery->first),
                        battery->count * sizeof(double));
                buf_add(ret, (const char *)(x->zero + battery->first),
                        battery->count * sizeof(int64_t));
            }
        }
    }
}

static void switch_and_expect_standing(struct tale *t, const char *yaml)
{
    struct buf before = {0}, after = {0};

    standing_take(t, "drop", &before);
    pipe_switch(&t->pipe, yaml);
    standing_take(t, "drop", &after);
    cr_assert(before.len > 1000);
    cr_expect(before.len == after.len && memcmp(before.data, after.data, before.len) == 0, "%s",
              yaml);
    buf_deinit(&before);
    buf_deinit(&after);
}

static const struct traffic_change one_day[] = {
    {BEGIN + 2 * DAY, BEGIN + 3 * DAY, "ads", 0, 1, 0.2, 0}};

/* While it lasts, and after it was accepted. */
Test(detect_weeks_switch, reloads_change_nothing_of_what_a_slow_down_has_shown)
{
    struct traffic_plan plan = plan_of_slow_ads();
    struct buf straight = {0}, reloaded = {0};
    struct tale t;

    tale_open(&t, TALE(ACCEPT_2D), &plan);
    tale_go_on(&t, INT64_MAX);
    standing_take(&t, "drop", &straight);
    tale_close(&t);
    tale_open(&t, TALE(ACCEPT_2D), &plan);
    tale_go_on(&t, BEGIN + 2 * DAY);
    pipe_switch(&t.pipe, TALE(VOLUME ", " ACCEPT_2D));
    tale_go_on(&t, BEGIN + 4 * DAY);
    pipe_switch(&t.pipe, TALE(ACCEPT_2D));
    tale_go_on(&t, INT64_MAX);
    TALE_EXPECT(&t, SLOW_ADS);
    standing_take(&t, "drop", &reloaded);
    cr_expect(straight.len == reloaded.len && reloaded.len > 1000 &&
                  memcmp(straight.data, reloaded.data, reloaded.len) == 0,
              "its tests stand elsewhere");
    tale_close(&t);
    buf_deinit(&straight);
    buf_deinit(&reloaded);
}

/* Where the drop's alert fires, and where it does not. */
Test(detect_weeks_switch, other_rules_come_change_and_go_without_a_trace)
{
    static const char *const others[] = {
        TALE(DROP ", " RISE), TALE("{id: rise, kind: rise, budget: 1/week}, " DROP),
        TALE(VOLUME ", " DROP ", " MIX), TALE(DROP ", {id: rise, kind: rise, budget: 2/week}"),
        TALE(QUALITY ", " DROP)};
    struct traffic_plan plan = tale_plan(2, 28, 1, one_day);
    struct buf plain = {0}, switched = {0};
    struct tale t;

    tale_open(&t, TALE(DROP), &plan);
    tale_go_on(&t, INT64_MAX);
    TALE_EXPECT(&t, "drop ads firing; drop ads updated; drop ads resolved recovered");
    alerts_take(&t, &plain);
    tale_close(&t);
    tale_open(&t, TALE(DROP), &plan);
    for (int i = 0; i < 5; i++) {
        tale_go_on(&t, BEGIN - DAY + i * 23 * HOUR);
        switch_and_expect_standing(&t, others[i]);
    }
    tale_go_on(&t, BEGIN + 5 * DAY);
    switch_and_expect_standing(&t, TALE(DROP));
    tale_go_on(&t, INT64_MAX);
    alerts_take(&t, &switched);
    cr_expect(plain.len == switched.len && memcmp(plain.data, switched.data, plain.len) == 0, "%s",
              turns_text(&t.turns, T0));
    tale_close(&t);
    buf_deinit(&plain);
    buf_deinit(&switched);
}

static const struct detect_series *whole_of(struct tale *t)
{
    return &pipe_judge(&t->pipe)->detect->tracks[0].series[0];
}

/* The thresholds of the new budget are there at once, and the tests begin with nothing. */
Test(detect_weeks_switch, another_budget_is_another_threshold_at_once)
{
    struct traffic_plan plan = tale_plan(2, 21, 1, one_day);
    double b[DETECT_TESTS];
    struct tale t;

    tale_open(&t, TALE(DROP), &plan);
    tale_go_on(&t, BEGIN + 5 * HOUR);
    memcpy(b, whole_of(&t)->b, sizeof(b));
    pipe_switch(&t.pipe, TALE("{id: drop, kind: drop, budget: 1/week}"));
    for (int i = 0; i < 3 * CUSUM_RATIOS + 1; i++) {
        cr_expect(whole_of(&t)->b[i] < b[i] - 1, "test %d: %g, was %g", i, whole_of(&t)->b[i],
                  b[i]);
        cr_expect(whole_of(&t)->w[i] == 0);
    }
    pipe_switch(&t.pipe, TALE(DROP));
    for (int i = 0; i < 3 * CUSUM_RATIOS + 1; i++)
        cr_expect(whole_of(&t)->b[i] == b[i], "test %d: %g, was %g", i, whole_of(&t)->b[i], b[i]);
    tale_go_on(&t, INT64_MAX);
    TALE_EXPECT(&t, "drop ads firing; drop ads updated; drop ads resolved recovered");
    tale_close(&t);
}

/* What fires ends with the rule it fired by; the new one finds what lasts, by itself. */
Test(detect_weeks_switch, an_edited_rule_ends_its_alert_and_begins_anew)
{
    struct traffic_plan plan = tale_plan(2, 21, 1, one_day);
    const struct turn *x;
    struct tale t;

    tale_open(&t, TALE(DROP), &plan);
    tale_go_on(&t, BEGIN + 2 * DAY + 10 * HOUR);
    pipe_switch(&t.pipe, TALE("{id: drop, kind: drop, budget: 0.5/week}"));
    tale_go_on(&t, INT64_MAX);
    TALE_EXPECT(&t, "drop ads firing; drop ads updated; drop ads resolved rule_changed;"
                    " drop ads firing; drop ads updated; drop ads resolved recovered");
    x = t.turns.items;
    cr_assert(t.turns.count == 6);
    cr_expect(x[3].at > x[2].at && strcmp(x[3].starts, x[0].starts) > 0, "it is a new one");
    cr_expect(eq(int, x[3].sequence, 4), "of the same labels");
    tale_close(&t);
}

Test(detect_weeks_switch, a_rule_that_is_removed_ends_its_alert)
{
    struct traffic_plan plan = tale_plan(2, 28, 1, one_day);
    struct tale t;

    tale_open(&t, TALE(DROP ", " RISE), &plan);
    tale_go_on(&t, BEGIN + 2 * DAY + 10 * HOUR);
    pipe_switch(&t.pipe, TALE(RISE));
    tale_go_on(&t, BEGIN + 10 * DAY);
    TALE_EXPECT(&t, "drop ads firing; drop ads updated; drop ads resolved rule_removed");
    pipe_switch(&t.pipe, TALE(DROP));
    tale_go_on(&t, INT64_MAX);
    cr_expect(eq(sz, t.turns.count, 3), "%s", turns_text(&t.turns, T0));
    tale_close(&t);
}
