/* SPDX-License-Identifier: Apache-2.0 */
/* The way of an event through the whole pipeline: refusals, time, caps, forgetting. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/pipe_kit.h"

#define MINUTE INT64_C(60000)
#define DAY INT64_C(86400000)
#define T0 (INT64_C(19800) * DAY)
#define INPUT PIPE_KAFKA "inputs: [{topic: in}]\n"
#define FUNNEL "funnels: {f: {stages: [a, b, c], lost: [lost], actions: [call], window: 1d}}\n"

static void event(struct pipe *k, const char *entity, const char *stage, int64_t at, int64_t record)
{
    char text[200];

    snprintf(text, sizeof(text), "{\"entity_id\":\"%s\",\"stage\":\"%s\",\"ts\":%" PRId64 "}",
             entity, stage, at);
    pipe_say_on(k, 0, record, text);
}

/* "unknown_stage@3 late@4" */
static const char *refused(const struct pipe *k)
{
    static char text[1000];
    size_t n = 0;

    text[0] = '\0';
    for (size_t i = 0; i < k->out.count; i++) {
        if (k->out.items[i].target != RECORD_DEADLETTER)
            continue;
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? " " : "",
                              pipe_header(&k->out, i, "funneld_reason"));
        n += (size_t)snprintf(text + n, sizeof(text) - n, "@%s",
                              pipe_header(&k->out, i, "funneld_offset"));
    }
    return text;
}
#define EXPECT_REFUSED(k, expected) \
    cr_expect(strcmp(refused(k), expected) == 0, "expected %s\n     got %s", expected, refused(k))

static uint64_t counted(const struct pipe *k, enum counter c)
{
    struct counters sum;

    pipe_count(k, &sum);
    return sum.n[c];
}

Test(pipeline, what_cannot_be_used_is_a_dead_letter)
{
    struct counters sum;
    struct pipe k;

    pipe_open(&k, INPUT FUNNEL, 1);
    pipe_say(&k, "{");
    pipe_say(&k, "{\"stage\":\"a\",\"ts\":1}");
    pipe_say(&k, "{\"entity_id\":1,\"stage\":\"z\",\"ts\":1}");
    pipe_say(&k, "{\"entity_id\":1.5,\"stage\":\"a\",\"ts\":1}");
    pipe_say(&k, "{\"entity_id\":1,\"stage\":\"call\",\"ts\":1}");
    pipe_say(&k, "{\"entity_id\":1,\"stage\":\"a\",\"ts\":1}");
    pipe_end(&k);
    EXPECT_REFUSED(&k, "malformed@0 unmapped@1 unknown_stage@2 token@3");
    pipe_count(&k, &sum);
    cr_expect(eq(u64, sum.n[COUNTER_MESSAGES], 6));
    cr_expect(eq(u64, sum.n[COUNTER_EVENTS], 3));
    cr_expect(eq(u64, sum.n[COUNTER_ACTIONS], 1));
    cr_expect(eq(u64, sum.rejects[REJECT_UNKNOWN_STAGE], 1));
    cr_expect(eq(i64, pipe_judge(&k)->counts[COUNT_DEADLETTERS], 1));
    cr_expect(eq(u64, sum.n[COUNTER_ENTITIES_CREATED], 1));
    pipe_close(&k);
}

/* A funnel need not hear of its partition again for what it refused there to be counted. */
Test(pipeline, what_was_refused_before_the_first_event_is_counted)
{
    struct pipe k;

    pipe_open(
        &k,
        PIPE_KAFKA
        "inputs: [{topic: in}]\ntime: {lateness: 0s}\n"
        "funnels: {f: {stages: [a, b]}, g: {stages: [b, c], where: {kind: [x]}, dims: {kind: {}}}}\n",
        1);
    pipe_say(&k, "{\"entity_id\":1,\"stage\":\"?\",\"ts\":0,\"dims\":{\"kind\":\"x\"}}");
    for (int i = 0; i < 3; i++)
        pipe_say(&k, "{\"entity_id\":2,\"stage\":\"a\",\"ts\":%d}", i * 600000);
    pipe_end(&k);
    cr_expect(eq(i64, k.p->judges[0].counts[COUNT_DEADLETTERS], 1));
    cr_expect(eq(i64, k.p->judges[1].counts[COUNT_DEADLETTERS], 1));
    pipe_close(&k);
}

Test(pipeline, the_future_by_the_record_timestamp)
{
    struct pipe k;

    pipe_open(&k, INPUT "time: {max_ahead: 60s}\n" FUNNEL, 1);
    event(&k, "1", "a", T0, T0);
    event(&k, "2", "a", T0 + MINUTE, T0);
    event(&k, "3", "a", T0 + MINUTE + 1, T0);
    event(&k, "4", "a", T0 + DAY, -1); /* a file has no timestamps */
    EXPECT_REFUSED(&k, "future@2");
    pipe_close(&k);
}

static void open_jumping(struct pipe *k)
{
    pipe_open(k, INPUT "time: {max_ahead: 1d, max_jump: 10m, lateness: 0s}\n" FUNNEL, 1);
    event(k, "1", "a", T0, T0);
}

Test(pipeline, a_jump_waits_for_another_entity)
{
    struct pipe k;

    open_jumping(&k);
    event(&k, "2", "a", T0 + 20 * MINUTE, T0 + 1);
    event(&k, "2", "b", T0 + 21 * MINUTE, T0 + 2);
    cr_expect(eq(i64, pipeline_watermark(k.p, 0).ms, T0));
    event(&k, "3", "a", T0 + 20 * MINUTE, T0 + 3);
    cr_expect(eq(i64, pipeline_watermark(k.p, 0).ms, T0 + 21 * MINUTE));
    cr_expect(eq(u64, counted(&k, COUNTER_WAITING_FUTURE), 2));
    pipe_end(&k);
    cr_expect(pipe_reports(
        &k,
        "\"from\":\"a\",\"to\":\"b\",\"entered\":3,\"credited\":0,\"seeded\":0,\"advanced\":1"));
    pipe_close(&k);
}

/* What follows of an entity stays behind its jump, even where it is no jump itself. */
Test(pipeline, what_follows_a_jump_waits_behind_it)
{
    struct pipeline_gauges g;
    struct pipe k;

    open_jumping(&k);
    event(&k, "2", "b", T0 + 20 * MINUTE, T0 + 1);
    event(&k, "2", "c", T0 + MINUTE, T0 + 2);
    event(&k, "1", "b", T0 + 2 * MINUTE, T0 + 3);
    event(&k, "4", "a", T0 + 3 * MINUTE, T0 + 4);
    pipeline_gauges(k.p, &g);
    cr_expect(eq(u64, g.waiting, 2));
    event(&k, "1", "c", T0 + 11 * MINUTE, T0 + 5); /* now it is no jump any more */
    pipeline_gauges(k.p, &g);
    cr_expect(eq(u64, g.waiting, 0));
    pipe_close(&k);
}

Test(pipeline, the_end_of_the_log_lets_go_what_waits)
{
    struct pipe k;

    open_jumping(&k);
    event(&k, "2", "a", T0 + 20 * MINUTE, T0 + 1);
    pipe_end(&k);
    cr_expect(pipe_reports(&k, "\"entities\":2"));
    pipe_close(&k);
}

Test(pipeline, a_jump_of_the_records_themselves_is_none)
{
    struct pipe k;

    open_jumping(&k);
    event(&k, "2", "a", T0 + DAY, T0 + DAY);
    cr_expect(eq(i64, pipeline_watermark(k.p, 0).ms, T0 + DAY));
    pipe_close(&k);
}

Test(pipeline, the_late_are_applied_in_the_open_pane)
{
    struct pipe k;

    pipe_open(&k, INPUT "time: {lateness: 2s, pane: 1m}\n" FUNNEL, 1);
    event(&k, "1", "a", T0, -1);
    event(&k, "2", "a", T0 + 5 * MINUTE, -1);
    event(&k, "1", "b", T0 + MINUTE, -1);
    event(&k, "2", "b", T0 + 5 * MINUTE - 1999, -1); /* in time, and before its a */
    pipe_end(&k);
    cr_expect(eq(u64, counted(&k, COUNTER_LATE), 1));
    /* The watermark was 4:58: the open pane began at 4:00. */
    cr_expect(pipe_reports(&k, "\"advanced\":1"));
    cr_expect(pipe_reports(&k, "\"max_s\":240}"));
    EXPECT_REFUSED(&k, "");
    pipe_close(&k);
}

Test(pipeline, the_late_are_dead_letters_if_so_configured)
{
    struct pipe k;

    pipe_open(&k,
              INPUT "time: {late: deadletter}\n"
                    "funnels: {f: {stages: [a, b]}, g: {stages: [a, b]}}\n",
              1);
    event(&k, "1", "a", T0, -1);
    event(&k, "2", "a", T0 + 5 * MINUTE, -1);
    event(&k, "1", "b", T0 + MINUTE, -1);
    pipe_end(&k);
    EXPECT_REFUSED(&k, "late@2"); /* once, though two funnels wanted it */
    cr_expect(eq(i64, pipe_judge(&k)->counts[COUNT_LATE], 1));
    pipe_close(&k);
}

Test(pipeline, duplicates_are_counted_and_dropped)
{
    struct pipe k;

    pipe_open(&k, INPUT "funnels: {f: {stages: [a, {id: b, loop: true}], dedupe: 1h}}\n", 1);
    for (int i = 0; i < 3; i++)
        pipe_say(&k, "{\"entity_id\":1,\"stage\":\"b\",\"event_id\":\"e%d\",\"ts\":%" PRId64 "}",
                 i / 2, T0 + i);
    pipe_say(&k, "{\"entity_id\":[5,6],\"stage\":\"a\",\"event_id\":\"many\",\"ts\":%" PRId64 "}",
             T0 + 4);
    pipe_end(&k);
    cr_expect(eq(u64, counted(&k, COUNTER_DUPLICATES), 1));
    cr_expect(pipe_reports(&k, "\"repeats\":1"));
    cr_expect(pipe_reports(&k, "\"entities\":3")); /* one id, two entities */
    pipe_close(&k);
}

Test(pipeline, skip_reject_keeps_the_message)
{
    struct pipe k;

    pipe_open(&k, INPUT "funnels: {f: {stages: [a, b, c], skip: reject}}\n", 1);
    event(&k, "1", "a", T0, -1);
    event(&k, "1", "c", T0 + 1, -1);
    pipe_end(&k);
    EXPECT_REFUSED(&k, "skipped@1");
    cr_expect(span_is(record_value_of(&k.out, &k.out.items[0]),
                      "{\"entity_id\":\"1\",\"stage\":\"c\",\"ts\":1710720000001}"));
    pipe_close(&k);
}

Test(pipeline, the_reorder_cap_raises_the_watermark)
{
    struct pipe k;

    pipe_open(&k, INPUT "time: {lateness: 1h}\nlimits: {reorder: 2}\n" FUNNEL, 1);
    event(&k, "3", "a", T0 + 3, -1);
    event(&k, "2", "a", T0 + 2, -1);
    event(&k, "1", "a", T0 + 1, -1); /* the oldest goes at once */
    cr_expect(eq(i64, pipeline_watermark(k.p, 0).ms, T0 + 1));
    event(&k, "0", "a", T0, -1); /* late now */
    event(&k, "4", "a", T0 + 4, -1);
    cr_expect(eq(i64, pipeline_watermark(k.p, 0).ms, T0 + 2));
    cr_expect(eq(u64, counted(&k, COUNTER_REORDER_OVERFLOW), 2));
    cr_expect(eq(u64, counted(&k, COUNTER_LATE), 1));
    pipe_close(&k);
}

Test(pipeline, new_entities_beyond_the_cap_are_refused)
{
    struct pipe k;

    pipe_open(&k, INPUT "limits: {entities: 1}\n" FUNNEL, 1);
    event(&k, "1", "a", T0, -1);
    event(&k, "2", "a", T0 + 1, -1);
    event(&k, "1", "b", T0 + 2, -1);
    pipe_end(&k);
    cr_expect(eq(u64, counted(&k, COUNTER_ENTITIES_REFUSED), 1));
    cr_expect(pipe_reports(&k, "\"entered\":1,\"credited\":0,\"seeded\":0,\"advanced\":1"));
    pipe_close(&k);
}

Test(pipeline, values_beyond_the_cap_are_other)
{
    struct pipe k;

    pipe_open(&k,
              INPUT "limits: {values: 1, breakdown_values: 1}\n"
                    "funnels: {f: {stages: [a, b], dims: {ch: {top: 1}}, breakdowns: [owner]}}\n",
              1);
    for (int i = 0; i < 3; i++)
        pipe_say(&k,
                 "{\"entity_id\":%d,\"stage\":\"a\",\"ts\":%" PRId64
                 ",\"dims\":{\"ch\":\"v%d\"},\"owner\":\"o%d\"}",
                 i, T0 + i, i, i);
    pipe_end(&k);
    cr_expect(eq(u64, counted(&k, COUNTER_VALUES_REFUSED), 2));
    cr_expect(eq(u64, counted(&k, COUNTER_BREAKDOWNS_REFUSED), 2));
    cr_expect(pipe_reports(
        &k,
        "{\"segment\":{\"ch\":\"__other__\"},\"steps\":[{\"from\":\"a\",\"to\":\"b\",\"entered\":2"));
    cr_expect(pipe_reports(
        &k, "{\"segment\":{\"ch\":\"v0\"},\"steps\":[{\"from\":\"a\",\"to\":\"b\",\"entered\":1"));
    cr_expect(pipe_reports(
        &k, "{\"owner\":\"__other__\",\"steps\":[{\"from\":\"a\",\"to\":\"b\",\"entered\":2"));
    pipe_close(&k);
}

/* Swept in the first panes of a day: the stock goes down, the sums stay. */
Test(pipeline, the_unmoved_are_forgotten)
{
    struct pipeline_gauges g;
    struct pipe k;

    pipe_open(&k,
              INPUT "time: {lateness: 0s}\n"
                    "funnels: {f: {stages: [a, b], window: 1h, overall: 1h, forget_after: 2d}}\n",
              1);
    for (int i = 0; i < 300; i++)
        pipe_say(&k, "{\"entity_id\":%d,\"stage\":\"a\",\"ts\":%" PRId64 ",\"amount\":1}", i,
                 T0 + i);
    event(&k, "tick", "a", T0 + 2 * DAY - 1, -1);
    pipeline_gauges(k.p, &g);
    cr_expect(eq(u64, g.entities, 301));
    event(&k, "tick", "b", T0 + 3 * DAY + 90 * MINUTE, -1);
    event(&k, "7", "a", T0 + 3 * DAY + 91 * MINUTE, -1); /* someone new */
    pipeline_gauges(k.p, &g);
    cr_expect(eq(u64, g.entities, 2));
    pipe_end(&k);
    cr_expect(eq(u64, counted(&k, COUNTER_ENTITIES_FORGOTTEN), 300));
    cr_expect(
        pipe_reports(&k, "{\"stage\":\"a\",\"reached\":302,\"stock\":1,\"stock_amount\":\"0.00\""));
    cr_expect(pipe_reports(&k, "\"entered\":302"));
    cr_expect(eq(u64, judge_audit(pipe_judge(&k)), 0));
    pipe_close(&k);
}

Test(pipeline, one_event_may_feed_several_funnels)
{
    struct pipe k;

    pipe_open(&k,
              INPUT "funnels:\n  f: {stages: [a, b], where: {region: [east]}, dims: {region: {}}}\n"
                    "  g: {stages: [a, x]}\n  h: {stages: [q, r], where: {topic: in}}\n",
              1);
    pipe_say(&k,
             "{\"entity_id\":1,\"stage\":\"a\",\"ts\":%" PRId64 ",\"dims\":{\"region\":\"east\"}}",
             T0);
    pipe_say(&k,
             "{\"entity_id\":2,\"stage\":\"a\",\"ts\":%" PRId64 ",\"dims\":{\"region\":\"west\"}}",
             T0);
    pipe_say(&k, "{\"entity_id\":3,\"stage\":\"q\",\"ts\":%" PRId64 "}", T0);
    pipe_end(&k);
    EXPECT_REFUSED(&k, "");
    cr_expect(eq(i64, k.p->judges[0].counts[COUNT_EVENTS], 1));
    cr_expect(eq(i64, k.p->judges[1].counts[COUNT_EVENTS], 2));
    cr_expect(eq(i64, k.p->judges[2].counts[COUNT_EVENTS], 1));
    pipe_close(&k);
}

Test(pipeline, the_fast_partition_is_ahead)
{
    struct etime watermark;
    struct pipe k;
    char text[100];

    pipe_open(&k, INPUT "time: {max_skew: 10, lateness: 0s}\n" FUNNEL, 2);
    event(&k, "1", "a", T0, -1);
    cr_expect(eq(int, pipeline_ahead(k.p, 0), 0));
    event(&k, "1", "b", T0 + 11 * MINUTE, -1);
    cr_expect(pipeline_ahead(k.p, 0) && !pipeline_ahead(k.p, 1));
    cr_expect(eq(u32, pipeline_slowest(k.p, &watermark), 1));
    cr_expect(eq(int, etime_is_set(watermark), 0));
    snprintf(text, sizeof(text), "{\"entity_id\":2,\"stage\":\"a\",\"ts\":%" PRId64 "}",
             T0 + 5 * MINUTE);
    pipe_say_on(&k, 1, -1, text);
    cr_expect(eq(int, pipeline_ahead(k.p, 0), 0));
    pipe_close(&k);
}

Test(pipeline, trace_explains_one_entity)
{
    struct pipe k;

    pipe_open(&k, INPUT FUNNEL, 1);
    pipeline_trace(k.p, span_of("7"));
    event(&k, "7", "a", T0, -1);
    event(&k, "8", "a", T0, -1);
    event(&k, "7", "b", T0 + 1, -1);
    pipe_end(&k);
    cr_expect(eq(
        str, buf_cstr(pipeline_trace_text(k.p)),
        "2024-03-18T00:00:00.000Z f offset=0 first event: attempt 1 begins; stage a; attempt 1\n"
        "2024-03-18T00:00:00.001Z f offset=2 next stage: advanced; stage b; position a -> b; progress a -> b;"
        " attempt 1\n"));
    pipe_close(&k);
}
