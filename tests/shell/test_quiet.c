/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/quiet.h"

#include <criterion/criterion.h>

#define SEC INT64_C(1000)
#define MIN (60 * SEC)
#define HOUR (60 * MIN)
#define NOON (INT64_C(1780272000000) + 12 * HOUR)
#define NOW (10 * HOUR) /* of the loop's clock */
#define NONE INT64_MIN

static const struct settings_time time_settings = {
    .pane = MIN, .idle_after = 30 * SEC, .idle_lateness = 5 * MIN};

/* Quiet: read up to offset 10, where the log ends, nothing heard for a minute, asked two seconds ago. */
static struct quiet_part quiet_one(uint16_t input, int64_t watermark)
{
    return (struct quiet_part){.input = input,
                               .next = 10,
                               .high = 10,
                               .at_end = true,
                               .probed_high = 10,
                               .probed_at = NOW - 2 * SEC,
                               .heard_at = NOW - MIN,
                               .watermark = {watermark},
                               .waits_for = ETIME_NONE};
}

static struct quiet_part live_one(uint16_t input, int64_t watermark)
{
    struct quiet_part p = quiet_one(input, watermark);

    p.heard_at = NOW - SEC;
    return p;
}

static struct quiet_view view_of(const struct quiet_part *parts, size_t count)
{
    return (struct quiet_view){parts, count, NOW, NOON, &time_settings};
}

static size_t decide(const struct quiet_part *parts, size_t count, struct quiet_decision *out)
{
    struct quiet_view v = view_of(parts, count);
    struct quiet q = {0};
    bool jumped;
    size_t n = quiet_decide(&q, &v, out, &jumped);

    cr_assert_not(jumped, "a first call knows of no jump");
    return n;
}

static void expect(const struct quiet_decision *d, size_t part, enum decision_kind kind,
                   int64_t value)
{
    cr_assert_eq(d->part, part);
    cr_assert_eq(d->kind, kind);
    cr_assert_eq(d->value, value, "%lld instead of %lld", (long long)d->value, (long long)value);
}

/* --- what is quiet --- */

Test(quiet, each_doubt_makes_it_live)
{
    struct quiet_part good = quiet_one(0, NOON - HOUR), p;
    struct quiet_view v = view_of(&p, 1);

    p = good;
    cr_assert(quiet_is_quiet(&v, 0));
    p.heard_at = NOW - 30 * SEC;
    cr_assert(quiet_is_quiet(&v, 0), "just long enough");
    p.heard_at += 1;
    cr_assert_not(quiet_is_quiet(&v, 0), "heard of");
    p = good;
    p.at_end = false;
    cr_assert_not(quiet_is_quiet(&v, 0), "no end of partition");
    p = good;
    p.paused = true;
    cr_assert_not(quiet_is_quiet(&v, 0), "paused");
    p = good;
    p.high = -1;
    cr_assert_not(quiet_is_quiet(&v, 0), "no high watermark");
    p.high = 11;
    cr_assert_not(quiet_is_quiet(&v, 0), "behind an open transaction");
    p.high = 9;
    cr_assert(quiet_is_quiet(&v, 0), "the cached one is older than the end of partition");
}

Test(quiet, each_doubt_in_the_probe_makes_it_live)
{
    struct quiet_part good = quiet_one(0, NOON - HOUR), p = good;
    struct quiet_view v = view_of(&p, 1);

    p.probed_high = -1;
    cr_assert_not(quiet_is_quiet(&v, 0), "never probed");
    p.probed_high = 11;
    cr_assert_not(quiet_is_quiet(&v, 0), "the broker has more");
    p.probed_high = 9;
    cr_assert_not(quiet_is_quiet(&v, 0), "the broker has less");
    p = good;
    p.probed_at = NOW - QUIET_PROBE_MAX_AGE_MS + 1;
    cr_assert(quiet_is_quiet(&v, 0), "just fresh");
    p.probed_at -= 1;
    cr_assert_not(quiet_is_quiet(&v, 0), "an old answer: the broker may be away");
    p = good;
    p.probed_at = INT64_MIN;
    cr_assert_not(quiet_is_quiet(&v, 0));
}

Test(quiet, a_probe_older_than_the_last_message_says_nothing)
{
    struct settings_time quick = {.pane = MIN, .idle_after = SEC, .idle_lateness = MIN};
    struct quiet_part p = quiet_one(0, NOON - HOUR);
    struct quiet_view v = {&p, 1, NOW, NOON, &quick};

    p.heard_at = NOW - 2 * SEC;
    p.probed_at = NOW - 2 * SEC;
    cr_assert_not(quiet_is_quiet(&v, 0));
    p.probed_at += 1;
    cr_assert(quiet_is_quiet(&v, 0));
}

Test(quiet, candidates_are_asked_for_in_time)
{
    struct quiet_part p = quiet_one(0, NOON - HOUR);
    struct quiet_view v = view_of(&p, 1);

    p.probed_high = -1;
    p.heard_at = NOW - 15 * SEC;
    cr_assert(quiet_is_candidate(&v, 0), "before idle_after is over");
    p.heard_at += 1;
    cr_assert_not(quiet_is_candidate(&v, 0));
    p = quiet_one(0, NOON);
    cr_assert(quiet_is_candidate(&v, 0), "a quiet one goes on being asked for");
    p.paused = true;
    cr_assert_not(quiet_is_candidate(&v, 0));
}

/* --- following the live ones --- */

Test(quiet, follows_the_slowest_live_one)
{
    struct quiet_part p[] = {quiet_one(0, NOON - HOUR), live_one(0, NOON - 3 * MIN - SEC),
                             live_one(0, NOON - MIN), quiet_one(0, NONE)};
    struct quiet_decision d[4];

    cr_assert_eq(decide(p, 4, d), 2);
    expect(&d[0], 0, DECISION_ADVANCE, NOON - 4 * MIN);
    expect(&d[1], 3, DECISION_ADVANCE, NOON - 4 * MIN);
}

Test(quiet, only_into_a_later_pane)
{
    static const struct {
        int64_t own, live;
        size_t count;
    } table[] = {
        {0, 59 * SEC, 0},          {59 * SEC, MIN, 1}, {MIN, MIN + 59 * SEC, 0},
        {MIN - 1, MIN, 1},         {2 * MIN, MIN, 0}, /* never back */
        {-61 * SEC, -59 * SEC, 1},                    /* before 1970 too */
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct quiet_part p[] = {quiet_one(0, NOON + table[i].own),
                                 live_one(0, NOON + table[i].live)};
        struct quiet_decision d[2];

        cr_assert_eq(decide(p, 2, d), table[i].count, "row %zu", i);
    }
}

Test(quiet, before_1970)
{
    struct quiet_part p[] = {quiet_one(0, -61 * SEC), live_one(0, -59 * SEC)};
    struct quiet_decision d[2];

    cr_assert_eq(decide(p, 2, d), 1);
    expect(&d[0], 0, DECISION_ADVANCE, -MIN);
}

Test(quiet, a_live_one_without_events_holds_everyone)
{
    struct quiet_part p[] = {quiet_one(0, NOON - HOUR), live_one(0, NOON), live_one(0, NONE)};
    struct quiet_decision d[3];

    cr_assert_eq(decide(p, 3, d), 0);
    p[2] = quiet_one(0, NONE);
    cr_assert_eq(decide(p, 3, d), 2, "once it is quiet it follows as well");
}

Test(quiet, one_that_is_behind_holds_everyone_where_it_stands)
{
    struct quiet_part p[] = {quiet_one(0, NOON - HOUR), quiet_one(0, NOON - 30 * MIN)};
    struct quiet_decision d[2];

    p[1].next = 5; /* of 10, for an hour: a paused or slow reader */
    cr_assert_eq(decide(p, 2, d), 1);
    expect(&d[0], 0, DECISION_ADVANCE, NOON - 30 * MIN);
    p[1] = quiet_one(0, NOON - 30 * MIN);
    p[1].paused = true;
    cr_assert_eq(decide(p, 2, d), 1);
    expect(&d[0], 0, DECISION_ADVANCE, NOON - 30 * MIN);
}

Test(quiet, topics_do_not_follow_each_other)
{
    struct quiet_part p[] = {quiet_one(0, NOON - MIN), live_one(0, NOON - MIN),
                             quiet_one(1, NOON - HOUR), live_one(1, NOON - HOUR)};
    struct quiet_decision d[4];

    cr_assert_eq(decide(p, 4, d), 0);
}

/* --- a whole topic quiet --- */

Test(quiet, a_quiet_topic_follows_the_clock)
{
    struct quiet_part p[] = {quiet_one(0, NOON - HOUR), quiet_one(0, NONE),
                             quiet_one(0, NOON - 5 * MIN), live_one(1, NOON - 2 * HOUR)};
    struct quiet_decision d[4];

    cr_assert_eq(decide(p, 4, d), 2, "the third has nothing to close");
    expect(&d[0], 0, DECISION_DARK, NOON - 5 * MIN);
    expect(&d[1], 1, DECISION_DARK, NOON - 5 * MIN);
}

Test(quiet, a_topic_that_never_spoke_follows_once_another_has)
{
    struct quiet_part p[] = {quiet_one(0, NONE), live_one(1, NONE)};
    struct quiet_decision d[2];

    cr_assert_eq(decide(p, 2, d), 0, "nothing has begun");
    p[1] = quiet_one(1, NONE);
    cr_assert_eq(decide(p, 2, d), 0, "and all of it is silent");
    p[1] = live_one(1, NOON - MIN);
    cr_assert_eq(decide(p, 2, d), 1);
    expect(&d[0], 0, DECISION_DARK, NOON - 5 * MIN);
}

Test(quiet, a_clock_behind_the_events_moves_nothing)
{
    struct quiet_part p = quiet_one(0, NOON + HOUR);
    struct quiet_decision d;

    cr_assert_eq(decide(&p, 1, &d), 0);
}

/* --- waiting events --- */

Test(quiet, a_waiting_event_is_let_in_when_its_time_has_come)
{
    struct quiet_part p[] = {quiet_one(0, NOON - HOUR), live_one(0, NOON - MIN)};
    struct quiet_decision d[2];

    p[0].waits_for.ms = NOON;
    cr_assert_eq(decide(p, 2, d), 1, "one decision a partition");
    expect(&d[0], 0, DECISION_RELEASE, NOON);
    p[0].waits_for.ms = NOON + 1;
    cr_assert_eq(decide(p, 2, d), 1, "not yet: it goes on following");
    expect(&d[0], 0, DECISION_ADVANCE, NOON - MIN);
    p[0].waits_for.ms = NOON - HOUR;
    p[0].heard_at = NOW - SEC;
    cr_assert_eq(decide(p, 2, d), 0, "not quiet");
}

/* --- the wall clock --- */

static size_t decide_at(struct quiet *q, int64_t after, int64_t wall_after, bool jumps)
{
    struct quiet_part p[] = {quiet_one(0, NOON - HOUR), quiet_one(1, NOON - HOUR),
                             live_one(1, NOON - 10 * MIN)};
    struct quiet_view v = {p, 3, NOW + after, NOON + wall_after, &time_settings};
    struct quiet_decision d[3];
    bool jumped;
    size_t n;

    for (size_t i = 0; i < 3; i++) {
        p[i].probed_at += after;
        p[i].heard_at += after;
    }
    n = quiet_decide(q, &v, d, &jumped);
    cr_assert_eq(jumped, jumps);
    return n;
}

Test(quiet, a_jump_of_the_clock_is_not_believed_for_a_minute)
{
    struct quiet q = {0};

    cr_assert_eq(decide_at(&q, 0, 0, false), 2);
    cr_assert_eq(decide_at(&q, SEC, MIN + SEC, false), 2, "a minute may be");
    cr_assert_eq(decide_at(&q, 2 * SEC, (24 * HOUR) + 2 * SEC, true), 1, "the follower goes on");
    cr_assert_eq(decide_at(&q, 3 * SEC, (24 * HOUR) + 3 * SEC, false), 1, "said once");
    cr_assert_eq(decide_at(&q, MIN + SEC, (24 * HOUR) + MIN + SEC, false), 1);
    cr_assert_eq(decide_at(&q, MIN + 2 * SEC, (24 * HOUR) + MIN + 2 * SEC, false), 2);
}

Test(quiet, a_clock_set_back_only_waits)
{
    struct quiet q = {0};

    cr_assert_eq(decide_at(&q, 0, 0, false), 2);
    cr_assert_eq(decide_at(&q, SEC, -(24 * HOUR), false), 1);
    cr_assert_eq(decide_at(&q, 2 * SEC, SEC - (24 * HOUR), false), 1);
    cr_assert_eq(decide_at(&q, 3 * SEC, 3 * SEC, true), 1, "set right again: a jump ahead");
}
