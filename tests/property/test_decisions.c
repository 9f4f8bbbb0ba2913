/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions at their places in random logs: however batches, partitions and the decisions themselves come, the
 * same records, digests, counters and report. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/mem.h"
#include "lib/decided.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)

static struct decided_way way_of(uint64_t seed, bool live, int64_t most)
{
    return (struct decided_way){.live = live, .dice = {seed}, .most = most};
}

/* --- any way they come --- */

static const char *ways_agree(struct stream *s, const size_t *lines, size_t count,
                              struct property_sums *sums)
{
    size_t *order = mem_alloc((count + 1) * sizeof(*order));
    struct run_result base, other;
    struct decided d;
    const char *wrong = NULL;

    decided_make(&d, s, s->seed);
    decided_run(s, &d, lines, count, way_of(s->seed, false, 1000000), &base);
    sums->fired += base.fired;
    sums->detected += base.detected;
    sums->resolved += base.resolved;
    if (base.conservation + base.counts[COUNTER_CONSERVATION] > 0)
        wrong = "a step does not balance";
    for (uint64_t way = 0; !wrong && way < 6; way++) {
        struct decided_way how = way_of(s->seed + way, way != 3, way == 0 ? 1 : 40);

        memcpy(order, lines, count * sizeof(*order));
        if (way == 2)
            stream_apart(s, lines, count, order);
        else if (way > 2)
            stream_interleave(s, lines, count, s->seed + way, order);
        if (way == 5)
            how.restarts = 0.05;
        wrong = decided_run(s, &d, order, count, how, &other);
        if (!wrong)
            wrong = run_result_differs(&base, &other);
        run_result_deinit(&other);
    }
    run_result_deinit(&base);
    decided_deinit(&d);
    mem_free(order);
    return wrong;
}

Test(decisions, any_way_they_come)
{
    struct property_sums sums;
    const char *wrong = property_run(ways_agree, 1, 23, 5, 0, &sums);

    cr_assert(!wrong, "%s", wrong);
    cr_expect(sums.fired > property_least(200) && sums.resolved > property_least(100),
              "%zu fired, %zu resolved", sums.fired, sums.resolved);
    cr_expect(sums.detected > property_least(8), "%zu detected", sums.detected);
}

Test(decisions, any_way_they_come_with_record_timestamps_and_a_gap)
{
    struct property_sums sums;
    const char *wrong = property_run(ways_agree, 601, 36, 5, STREAM_TIMESTAMPS | STREAM_GAP, &sums);

    cr_assert(!wrong, "%s", wrong);
    cr_expect(sums.fired > property_least(100) && sums.resolved > property_least(50),
              "%zu fired, %zu resolved", sums.fired, sums.resolved);
    cr_expect(sums.detected > property_least(8), "%zu detected", sums.detected);
}

/* --- advance(a), advance(b) = advance(b) --- */

/* Less than a day in all, from where the partition stands: more is a gap, and two gaps are not one. */
static size_t decide_run(struct dice *d, struct pipe *each, struct pipe *one, uint32_t p,
                         int64_t from)
{
    enum decision_kind kind = dice_chance(d, 0.5) ? DECISION_DARK : DECISION_ADVANCE;
    size_t steps = 1 + (size_t)dice_below(d, 4);
    int64_t value = from;

    for (size_t i = 0; i < steps; i++) {
        value += dice_below(d, dice_chance(d, 0.5) ? 20 * MINUTE : 5 * HOUR);
        pipe_decide(each, p, kind, value);
    }
    pipe_decide(one, p, kind, value);
    return steps - 1;
}

static void finish(struct pipe *k, struct run_result *ret)
{
    *ret = (struct run_result){0};
    pipe_end(k);
    run_result_take(k, ret);
    pipe_close(k);
}

static const char *last_is_enough(struct stream *s, const size_t *lines, size_t count,
                                  struct property_sums *sums)
{
    const struct message *all = pipe_log_messages(&s->log);
    struct dice d = {s->seed * 31};
    struct run_result r_each, r_one;
    struct pipe each, one;
    const char *wrong;

    pipe_open(&each, buf_cstr(&s->yaml), s->partitions);
    pipe_open(&one, buf_cstr(&s->yaml), s->partitions);
    for (size_t i = 0; i < count; i++) {
        const struct message *m = &all[lines[i]];
        int64_t from = pipeline_watermark(each.p, m->partition).ms;

        each.log.next[m->partition] = one.log.next[m->partition] = m->offset;
        if (dice_chance(&d, 0.02))
            sums->resolved += decide_run(&d, &each, &one, m->partition,
                                         from == INT64_MIN ? s->from_ms : from);
        pipeline_step(each.p, m, 1, &each.out);
        pipeline_step(one.p, m, 1, &one.out);
    }
    finish(&each, &r_each);
    finish(&one, &r_one);
    sums->fired += r_one.fired;
    sums->detected += r_one.detected;
    wrong = run_result_differs(&r_each, &r_one);
    run_result_deinit(&r_each);
    run_result_deinit(&r_one);
    return wrong;
}

Test(decisions, of_advances_at_one_place_the_last_is_enough)
{
    struct property_sums sums;
    const char *wrong = property_run(last_is_enough, 1001, 40, 3, STREAM_TIMESTAMPS, &sums);

    cr_assert(!wrong, "%s", wrong);
    cr_expect(sums.fired > property_least(100) && sums.resolved > property_least(150),
              "%zu fired, %zu left out", sums.fired, sums.resolved);
    cr_expect(sums.detected > property_least(8), "%zu detected", sums.detected);
}

/* --- a quiet partition that follows the live ones --- */

/* Partition 0 of the log ends early. In one run it follows the slowest of the others by decision, in the other by
 * events that no funnel wants: nothing differs but those events. */
static void run_quiet(struct stream *s, const size_t *lines, size_t count, bool by_decision,
                      struct run_result *ret)
{
    const struct message *all = pipe_log_messages(&s->log);
    int64_t lateness, followed = INT64_MIN;
    struct pipe k;
    char text[160];

    pipe_open(&k, buf_cstr(&s->yaml), s->partitions);
    lateness = k.settings->time.lateness;
    k.log.next[0] = 1000000;
    for (size_t i = 0; i < count; i++) {
        int64_t live = INT64_MAX;

        if (all[lines[i]].partition == 0 && i > count / 3)
            continue;
        pipeline_step(k.p, &all[lines[i]], 1, &k.out);
        for (uint32_t p = 1; p < s->partitions; p++)
            if (pipeline_watermark(k.p, p).ms < live)
                live = pipeline_watermark(k.p, p).ms;
        if (i <= count / 3 || i % 7 != 0 || live <= pipeline_watermark(k.p, 0).ms)
            continue;
        followed = live;
        if (by_decision) {
            pipe_decide(&k, 0, DECISION_ADVANCE, live);
            continue;
        }
        snprintf(text, sizeof(text),
                 "{\"entity_id\":\"tick\",\"stage\":\"a\",\"funnel\":\"nobody\",\"ts\":%" PRId64
                 ",\"dims\":{\"channel\":\"tick\"}}",
                 live + lateness);
        pipe_say_on(&k, 0, -1, text);
    }
    if (by_decision && followed != INT64_MIN) /* the end of a log is its last event's time */
        pipe_decide(&k, 0, DECISION_ADVANCE, followed + lateness);
    finish(&k, ret);
}

static const char *quiet_follows(struct stream *s, const size_t *lines, size_t count,
                                 struct property_sums *sums)
{
    struct run_result decided, ticks;
    const char *wrong;

    if (s->partitions < 2)
        return NULL;
    run_quiet(s, lines, count, true, &decided);
    run_quiet(s, lines, count, false, &ticks);
    sums->fired += decided.fired;
    sums->detected += decided.detected;
    sums->resolved += decided.resolved;
    ticks.counts[COUNTER_MESSAGES] = decided.counts[COUNTER_MESSAGES];
    ticks.counts[COUNTER_EVENTS] = decided.counts[COUNTER_EVENTS];
    ticks.counts[COUNTER_UNWANTED] = decided.counts[COUNTER_UNWANTED];
    wrong = run_result_differs(&decided, &ticks);
    run_result_deinit(&decided);
    run_result_deinit(&ticks);
    return wrong;
}

Test(decisions, a_quiet_partition_that_follows_releases_the_judge)
{
    struct property_sums sums;
    const char *wrong = property_run(quiet_follows, 2001, 20, 4, 0, &sums);

    cr_assert(!wrong, "%s", wrong);
    cr_expect(sums.fired > property_least(100) && sums.resolved > property_least(50),
              "%zu fired, %zu resolved", sums.fired, sums.resolved);
    cr_expect(sums.detected > property_least(8), "%zu detected", sums.detected);
}
