/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "funnel/alert.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)

static const struct alert_timing AT_ONCE = {0, 0, 0};
static const struct alert_timing PATIENT = {
    .pending_ms = 2 * MINUTE, .hold_ms = 5 * MINUTE, .resolve_after_ms = 3 * MINUTE};

static enum alert_turn step(struct alert_life *life, const struct alert_timing *timing,
                            enum alert_verdict verdict, int64_t at)
{
    return alert_life_step(life, timing, verdict, (struct etime){at});
}

static int64_t deadline(const struct alert_life *life, const struct alert_timing *timing,
                        enum alert_verdict verdict)
{
    return alert_life_deadline(life, timing, verdict).ms;
}

/* A life that has fired at 2 min under PATIENT. */
static struct alert_life fired(void)
{
    struct alert_life life = {0};

    cr_assert(eq(int, step(&life, &PATIENT, VERDICT_BREACH, 0), TURN_NONE));
    cr_assert(eq(int, step(&life, &PATIENT, VERDICT_BREACH, 2 * MINUTE), TURN_FIRE));
    cr_assert(eq(int, life.state, ALERT_FIRING));
    return life;
}

Test(alert_life, zeroed_is_quiet_and_stays_so)
{
    struct alert_life life = {0};

    cr_assert(eq(int, step(&life, &AT_ONCE, VERDICT_CLEAR, 1), TURN_NONE));
    cr_assert(eq(int, step(&life, &AT_ONCE, VERDICT_BETWEEN, 2), TURN_NONE));
    cr_assert(eq(int, life.state, ALERT_QUIET));
    cr_assert(eq(i64, deadline(&life, &AT_ONCE, VERDICT_CLEAR), ETIME_NONE.ms));
    cr_assert(eq(i64, deadline(&life, &AT_ONCE, VERDICT_BETWEEN), ETIME_NONE.ms));
}

Test(alert_life, without_waits_a_breach_fires_and_a_clear_resolves_at_once)
{
    struct alert_life life = {0};

    cr_assert(eq(int, step(&life, &AT_ONCE, VERDICT_BREACH, 7), TURN_FIRE));
    cr_assert(eq(int, life.state, ALERT_FIRING));
    cr_assert(eq(i64, life.fired_ms, 7));
    cr_assert(eq(int, step(&life, &AT_ONCE, VERDICT_BREACH, 8), TURN_NONE));
    cr_assert(eq(int, step(&life, &AT_ONCE, VERDICT_BETWEEN, 9), TURN_NONE));
    cr_assert(eq(int, step(&life, &AT_ONCE, VERDICT_CLEAR, 10), TURN_RESOLVE));
    cr_assert(eq(int, life.state, ALERT_QUIET));
}

Test(alert_life, works_before_1970)
{
    struct alert_life life = {0};

    cr_assert(eq(int, step(&life, &AT_ONCE, VERDICT_BREACH, -5 * MINUTE), TURN_FIRE));
    cr_assert(eq(int, step(&life, &AT_ONCE, VERDICT_CLEAR, -4 * MINUTE), TURN_RESOLVE));
}

Test(alert_life, pending_fires_when_the_breach_has_held)
{
    struct alert_life life = {0};

    step(&life, &PATIENT, VERDICT_BREACH, 10);
    cr_assert(eq(int, life.state, ALERT_PENDING));
    cr_assert(eq(i64, deadline(&life, &PATIENT, VERDICT_BREACH), 10 + 2 * MINUTE));
    cr_assert(eq(int, step(&life, &PATIENT, VERDICT_BREACH, 9 + 2 * MINUTE), TURN_NONE));
    cr_assert(eq(int, step(&life, &PATIENT, VERDICT_BREACH, 10 + 2 * MINUTE), TURN_FIRE));
}

Test(alert_life, pending_ends_with_any_other_verdict)
{
    for (int v = VERDICT_CLEAR; v <= VERDICT_BETWEEN; v++) {
        struct alert_life life = {0};

        step(&life, &PATIENT, VERDICT_BREACH, 0);
        cr_assert(eq(int, step(&life, &PATIENT, (enum alert_verdict)v, MINUTE), TURN_NONE));
        cr_assert(eq(int, life.state, ALERT_QUIET));
        /* The wait starts anew. */
        step(&life, &PATIENT, VERDICT_BREACH, 2 * MINUTE);
        cr_assert(eq(int, step(&life, &PATIENT, VERDICT_BREACH, 3 * MINUTE), TURN_NONE));
        cr_assert(eq(int, step(&life, &PATIENT, VERDICT_BREACH, 4 * MINUTE), TURN_FIRE));
    }
}

Test(alert_life, firing_outlasts_a_clear_within_the_hold)
{
    struct alert_life life = fired();

    cr_assert(eq(int, step(&life, &PATIENT, VERDICT_CLEAR, 3 * MINUTE), TURN_NONE));
    cr_assert(eq(int, life.state, ALERT_FIRING));
    cr_assert(eq(i64, deadline(&life, &PATIENT, VERDICT_CLEAR), 7 * MINUTE));
    cr_assert(eq(int, step(&life, &PATIENT, VERDICT_CLEAR, 7 * MINUTE), TURN_NONE));
    cr_assert(eq(int, life.state, ALERT_RESOLVING));
    cr_assert(eq(i64, deadline(&life, &PATIENT, VERDICT_CLEAR), 10 * MINUTE));
    cr_assert(eq(int, step(&life, &PATIENT, VERDICT_CLEAR, 10 * MINUTE), TURN_RESOLVE));
    cr_assert(eq(int, life.state, ALERT_QUIET));
}

Test(alert_life, without_resolve_after_it_resolves_when_the_hold_is_over)
{
    struct alert_timing timing = {.hold_ms = 5 * MINUTE};
    struct alert_life life = {0};

    cr_assert(eq(int, step(&life, &timing, VERDICT_BREACH, 0), TURN_FIRE));
    cr_assert(eq(int, step(&life, &timing, VERDICT_CLEAR, MINUTE), TURN_NONE));
    cr_assert(eq(int, step(&life, &timing, VERDICT_CLEAR, 5 * MINUTE - 1), TURN_NONE));
    cr_assert(eq(int, step(&life, &timing, VERDICT_CLEAR, 5 * MINUTE), TURN_RESOLVE));
}

Test(alert_life, flaps_are_damped)
{
    for (int v = VERDICT_BETWEEN; v <= VERDICT_BREACH; v++) {
        struct alert_life life = fired();

        step(&life, &PATIENT, VERDICT_CLEAR, 8 * MINUTE);
        cr_assert(eq(int, life.state, ALERT_RESOLVING));
        cr_assert(eq(int, step(&life, &PATIENT, (enum alert_verdict)v, 9 * MINUTE), TURN_NONE));
        cr_assert(eq(int, life.state, ALERT_FIRING));
        /* The firing is still the first one, so its hold is over; the clear must hold anew. */
        cr_assert(eq(i64, life.fired_ms, 2 * MINUTE));
        cr_assert(eq(int, step(&life, &PATIENT, VERDICT_CLEAR, 10 * MINUTE), TURN_NONE));
        cr_assert(eq(int, step(&life, &PATIENT, VERDICT_CLEAR, 12 * MINUTE), TURN_NONE));
        cr_assert(eq(int, step(&life, &PATIENT, VERDICT_CLEAR, 13 * MINUTE), TURN_RESOLVE));
    }
}

Test(alert_life, endless_waits_never_come_due)
{
    struct alert_timing timing = {.pending_ms = INT64_MAX};
    struct alert_life life = {0};

    cr_assert(eq(int, step(&life, &timing, VERDICT_BREACH, 5), TURN_NONE));
    cr_assert(eq(i64, deadline(&life, &timing, VERDICT_BREACH), INT64_MAX));
    cr_assert(eq(int, step(&life, &timing, VERDICT_BREACH, ETIME_MAX_MS), TURN_NONE));
}

Test(alert_life, states_have_names)
{
    cr_assert(eq(str, (char *)alert_state_name(ALERT_QUIET), "quiet"));
    cr_assert(eq(str, (char *)alert_state_name(ALERT_PENDING), "pending"));
    cr_assert(eq(str, (char *)alert_state_name(ALERT_FIRING), "firing"));
    cr_assert(eq(str, (char *)alert_state_name(ALERT_RESOLVING), "resolving"));
}

/* --- stepping at every millisecond and only when something is due are the same --- */

#define RUNS 40
#define TURNS_MAX 400

struct trail {
    struct {
        int64_t at;
        enum alert_turn turn;
    } items[TURNS_MAX];
    size_t count;
};

static void walk(struct alert_life *life, const struct alert_timing *timing,
                 enum alert_verdict verdict, int64_t at, struct trail *trail)
{
    enum alert_turn turn = step(life, timing, verdict, at);

    if (turn == TURN_NONE)
        return;
    cr_assert(lt(sz, trail->count, TURNS_MAX));
    trail->items[trail->count].at = at;
    trail->items[trail->count++].turn = turn;
}

static uint32_t draw(uint64_t *seed, uint32_t below)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33) % below;
}

/* The same verdict from `from` until before `to`, asked for every ms and asked for at deadlines
 * only. */
static void compare_run(struct alert_life *dense, struct alert_life *sparse,
                        const struct alert_timing *timing, enum alert_verdict verdict, int64_t from,
                        int64_t to, struct trail trails[2])
{
    int64_t due;

    for (int64_t at = from; at < to; at++)
        walk(dense, timing, verdict, at, &trails[0]);
    walk(sparse, timing, verdict, from, &trails[1]);
    while ((due = deadline(sparse, timing, verdict)) != ETIME_NONE.ms && due < to) {
        enum alert_state before = sparse->state;

        walk(sparse, timing, verdict, due, &trails[1]);
        cr_assert(ne(int, sparse->state, before), "a deadline at which nothing happens");
    }
    cr_assert(eq(int, dense->state, sparse->state));
    cr_assert(eq(i64, dense->since_ms, sparse->since_ms));
    cr_assert(eq(i64, dense->fired_ms, sparse->fired_ms));
}

Test(alert_life, deadlines_miss_nothing)
{
    size_t turns = 0;

    for (uint64_t seed = 1; seed <= 3000; seed++) {
        uint64_t random = seed;
        struct alert_timing timing = {draw(&random, 4) * draw(&random, 9),
                                      draw(&random, 4) * draw(&random, 9),
                                      draw(&random, 4) * draw(&random, 9)};
        struct alert_life dense = {0}, sparse = {0};
        struct trail trails[2] = {0};
        int64_t at = -100;

        for (int run = 0; run < RUNS; run++) {
            enum alert_verdict verdict = (enum alert_verdict)draw(&random, 3);
            int64_t to = at + 1 + draw(&random, 30);

            compare_run(&dense, &sparse, &timing, verdict, at, to, trails);
            at = to;
        }
        cr_assert(eq(sz, trails[0].count, trails[1].count));
        for (size_t i = 0; i < trails[0].count; i++) {
            cr_assert(eq(i64, trails[0].items[i].at, trails[1].items[i].at));
            cr_assert(eq(int, trails[0].items[i].turn, trails[1].items[i].turn));
            /* Firings and resolutions take turns, beginning with a firing. */
            cr_assert(eq(int, trails[0].items[i].turn, i % 2 ? TURN_RESOLVE : TURN_FIRE));
        }
        turns += trails[0].count;
    }
    cr_assert(gt(sz, turns, 10000), "the streams exercise the table");
}
