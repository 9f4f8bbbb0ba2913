/* SPDX-License-Identifier: Apache-2.0 */
/* Panes without verdicts, and verdicts without records: decisions in, alerts out. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/pipe_kit.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define T0 (INT64_C(19800) * DAY)
#define HEAD \
    PIPE_KAFKA "inputs: [{topic: in}]\ntime: {lateness: 0s, pane: 1m, zone: UTC}\n" \
               "funnels: {f: {stages: [a, b], window: 1h, rules: [{id: low, kind: target, "
#define TAIL "}]}}\n"
#define LOW HEAD "target: 50%, window: 30m, min_entries: 10, hold: 0s" TAIL

static int next_entity;

static void crowd_on(struct pipe *k, uint32_t partition, int64_t at, int n, int converted)
{
    char text[200];

    for (int i = 0; i < n; i++) {
        int id = ++next_entity;

        snprintf(text, sizeof(text), "{\"entity_id\":%d,\"stage\":\"a\",\"ts\":%" PRId64 "}", id,
                 at);
        pipe_say_on(k, partition, -1, text);
        snprintf(text, sizeof(text), "{\"entity_id\":%d,\"stage\":\"b\",\"ts\":%" PRId64 "}", id,
                 at);
        if (i < converted)
            pipe_say_on(k, partition, -1, text);
    }
}

static void crowd(struct pipe *k, int64_t at, int n, int converted)
{
    crowd_on(k, 0, at, n, converted);
}

static void tick_on(struct pipe *k, uint32_t partition, int64_t at)
{
    char text[200];

    snprintf(text, sizeof(text),
             "{\"entity_id\":\"tick\",\"stage\":\"a\",\"funnel\":\"nobody\",\"ts\":%" PRId64 "}",
             at);
    pipe_say_on(k, partition, -1, text);
}

/* "firing 1 09:00; resolved 2 10:00": sequence, and the verdict's time since T0; of this rule alone. */
static const char *story(const struct pipe *k)
{
    static char text[2000];
    size_t n = 0;

    text[0] = '\0';
    for (size_t i = 0; i < k->out.count; i++) {
        int64_t at = k->out.items[i].timestamp - T0;
        const char *name = pipe_field(&k->out, i, "labels", "alertname");

        if (!name || strcmp(name, "low") != 0)
            continue;
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? "; " : "",
                              pipe_field(&k->out, i, NULL, "status"));
        n += (size_t)snprintf(text + n, sizeof(text) - n, " %s",
                              pipe_field(&k->out, i, NULL, "sequence"));
        n += (size_t)snprintf(text + n, sizeof(text) - n, " %d:%02d", (int)(at / HOUR),
                              (int)(at % HOUR / MINUTE));
    }
    return text;
}
#define EXPECT_STORY(k, expected) \
    cr_expect(strcmp(story(k), expected) == 0, "expected %s\n     got %s", expected, story(k))

static void open_low(struct pipe *k, size_t partitions)
{
    pipe_open(k, LOW, partitions);
    for (size_t i = 0; i < partitions; i++)
        crowd_on(k, (uint32_t)i, T0 - HOUR, 1, 0); /* the log begins long before */
}

/* --- dark --- */

Test(judge_quiet, dark_panes_neither_fire_nor_resolve)
{
    struct pipe k;

    open_low(&k, 1);
    crowd(&k, T0, 20, 0);
    tick_on(&k, 0, T0 + 5 * MINUTE);
    EXPECT_STORY(&k, "firing 1 0:01");
    for (int64_t at = 6; at < 400; at++) /* the window is long empty */
        pipe_decide(&k, 0, DECISION_DARK, T0 + at * MINUTE);
    EXPECT_STORY(&k, "firing 1 0:01");
    cr_expect(pipe_judge(&k)->closed == T0 / MINUTE + 398);
    tick_on(&k, 0, T0 + 402 * MINUTE); /* the window is empty, but mostly dark: who knows? */
    EXPECT_STORY(&k, "firing 1 0:01");
    tick_on(&k, 0, T0 + 440 * MINUTE);
    EXPECT_STORY(&k, "firing 1 0:01; resolved 2 7:09"); /* the first one without a dark pane */
    pipe_close(&k);
}

Test(judge_quiet, deadlines_that_pass_in_the_dark_wait_for_its_end)
{
    struct pipe k;

    pipe_open(&k, HEAD "target: 50%, window: 30m, min_entries: 10, pending: 10m, hold: 0s" TAIL, 1);
    crowd(&k, T0 - HOUR, 1, 0);
    crowd(&k, T0, 20, 0);
    tick_on(&k, 0, T0 + 5 * MINUTE); /* it breaches since 0:01 */
    pipe_decide(&k, 0, DECISION_DARK, T0 + 25 * MINUTE);
    EXPECT_STORY(&k, "");
    tick_on(&k, 0, T0 + 25 * MINUTE + 1);
    EXPECT_STORY(&k, "");
    tick_on(&k, 0, T0 + 26 * MINUTE);
    EXPECT_STORY(&k, "firing 1 0:26");
    pipe_close(&k);
}

/* Two topics: `all` is fed by both, `first` by the first alone. */
static void open_two(struct pipe *k)
{
    struct pipeline_source sources[] = {{.topic = "one"}, {.topic = "two", .input = 1}};

    pipe_open(k,
              PIPE_KAFKA
              "inputs: [{topic: one}, {topic: two}]\n"
              "time: {lateness: 0s, pane: 1m, zone: UTC}\n"
              "funnels:\n  all: {stages: [a, b], window: 1h, windows: [30m]}\n"
              "  first: {stages: [a, b], window: 1h, windows: [30m], where: {topic: [one]}}\n",
              1);
    pipeline_free(k->p);
    k->p = pipeline_new(k->settings, k->zone, sources, 2);
}

static uint64_t in_window(const struct judge *j)
{
    return window_read(j->series[0].windows[0], &j->windows[0], j->closed).entries;
}

/* What another source brings for dark panes is in every sum, but no rule goes by it. */
Test(judge_quiet, an_outage_is_dark_for_what_the_source_feeds)
{
    struct judge *all, *first;
    struct pipe k;

    open_two(&k);
    all = &k.p->judges[0];
    first = &k.p->judges[1];
    crowd_on(&k, 0, T0, 3, 0);
    tick_on(&k, 1, T0);
    pipe_decide(&k, 1, DECISION_DARK, T0 + 10 * MINUTE);
    crowd_on(&k, 0, T0 + 5 * MINUTE, 5, 0);
    cr_expect(all->closed == T0 / MINUTE + 4);
    tick_on(&k, 0, T0 + 9 * MINUTE);
    cr_expect(all->closed == T0 / MINUTE + 8);
    cr_expect(all->pulse_count == 2 && first->pulse_count == 1);
    cr_expect(all->leaves[0].steps[0].entered == 8 && first->leaves[0].steps[0].entered == 8);
    cr_expect(in_window(all) == 3 && in_window(first) == 8, "%d and %d", (int)in_window(all),
              (int)in_window(first));
    cr_expect(judge_audit(all) == 0);
    pipe_close(&k);
}

/* --- gaps --- */

Test(judge_quiet, after_a_gap_only_whole_windows_say_something)
{
    struct pipe k;
    int64_t back = T0 + 3 * DAY;

    open_low(&k, 1);
    crowd(&k, T0, 20, 0);
    tick_on(&k, 0, T0 + 5 * MINUTE);
    pipe_decide(&k, 0, DECISION_ADVANCE, back);
    EXPECT_STORY(&k, "firing 1 0:01");
    cr_expect(pipe_judge(&k)->closed == back / MINUTE - 1);
    for (int64_t at = 0; at < 40; at++)
        crowd(&k, back + at * MINUTE, 5, 5);
    /* The first window that begins at the gap's end or later. */
    EXPECT_STORY(&k, "firing 1 0:01; resolved 2 72:30");
    pipe_close(&k);
}

Test(judge_quiet, an_empty_window_after_a_gap_resolves_when_it_is_whole)
{
    struct pipe k;

    open_low(&k, 1);
    crowd(&k, T0, 20, 0);
    tick_on(&k, 0, T0 + 5 * MINUTE);
    pipe_decide(&k, 0, DECISION_ADVANCE, T0 + 3 * DAY);
    tick_on(&k, 0, T0 + 3 * DAY + MINUTE);
    tick_on(&k, 0, T0 + 3 * DAY + 29 * MINUTE);
    EXPECT_STORY(&k, "firing 1 0:01");
    tick_on(&k, 0, T0 + 3 * DAY + HOUR);
    EXPECT_STORY(&k, "firing 1 0:01; resolved 2 72:30");
    pipe_close(&k);
}

Test(judge_quiet, windows_over_lost_records_say_nothing)
{
    struct pipe k;

    open_low(&k, 1);
    crowd(&k, T0, 5, 5);
    pipe_decide(&k, 0, DECISION_GAP, 100);
    crowd(&k, T0 + MINUTE, 20, 0);
    tick_on(&k, 0, T0 + 20 * MINUTE);
    EXPECT_STORY(&k, "");
    crowd(&k, T0 + 29 * MINUTE, 20, 0);
    tick_on(&k, 0, T0 + 33 * MINUTE);
    EXPECT_STORY(&k, "firing 1 0:32"); /* the loss ended in pane 0:01 */
    pipe_close(&k);
}

/* --- mute --- */

Test(judge_quiet, what_lasts_is_told_in_the_first_pane_that_counts)
{
    struct pipe k;

    /* Slots of 10 minutes: nothing is due where the mute ends. */
    pipe_open(&k, HEAD "target: 50%, window: 10h, min_entries: 10, hold: 0s" TAIL, 1);
    pipe_decide_at(&k, 0, DECISION_BOOTSTRAP_END, 22, 0);
    crowd(&k, T0 - DAY, 1, 0);
    crowd(&k, T0, 20, 0);
    tick_on(&k, 0, T0 + 33 * MINUTE);
    cr_expect(pipeline_is_muted(k.p));
    cr_expect(!pipeline_is_told(k.p));
    EXPECT_STORY(&k, "");
    pipeline_reach(k.p, 0, 22, &k.out);
    cr_expect(!pipeline_is_muted(k.p));
    cr_expect(!pipeline_is_told(k.p), "its first pane is open");
    tick_on(&k, 0, T0 + 33 * MINUTE + 30000);
    EXPECT_STORY(&k, "");
    tick_on(&k, 0, T0 + 39 * MINUTE);
    EXPECT_STORY(&k, "firing 1 0:34");
    cr_expect(pipeline_is_told(k.p));
    cr_expect(strcmp(pipe_field(&k.out, 0, NULL, "startsAt"), "2024-03-18T00:10:00.000Z") == 0,
              "its true beginning, not %s", pipe_field(&k.out, 0, NULL, "startsAt"));
    cr_expect(strcmp(pipe_field(&k.out, 0, "observed", "entries"), "20") == 0);
    tick_on(&k, 0, T0 + 11 * HOUR);
    EXPECT_STORY(&k, "firing 1 0:34; resolved 2 10:10");
    pipe_close(&k);
}

Test(judge_quiet, the_last_source_to_end_its_mute_decides)
{
    struct pipe k;

    pipe_open(&k, LOW, 2);
    pipe_decide_at(&k, 0, DECISION_BOOTSTRAP_END, 0, 0);
    pipe_decide_at(&k, 1, DECISION_BOOTSTRAP_END, 2, 0);
    crowd_on(&k, 0, T0 - HOUR, 1, 0);
    crowd_on(&k, 1, T0 - HOUR, 1, 0);
    crowd_on(&k, 0, T0, 20, 0);
    tick_on(&k, 0, T0 + 10 * MINUTE);
    tick_on(&k, 1, T0 + 4 * MINUTE);
    EXPECT_STORY(&k, "");
    tick_on(&k, 1, T0 + 6 * MINUTE); /* before this one it counts: pane 0:04 is open */
    EXPECT_STORY(&k, "firing 1 0:05");
    pipe_close(&k);
}

Test(judge_quiet, what_ended_in_the_mute_was_never_told)
{
    struct pipe k;

    pipe_open(&k, LOW, 1);
    pipe_decide_at(&k, 0, DECISION_BOOTSTRAP_END, 22, 0);
    crowd(&k, T0 - HOUR, 1, 0);
    crowd(&k, T0, 20, 0);
    tick_on(&k, 0, T0 + HOUR);
    crowd(&k, T0 + 2 * HOUR, 20, 0);
    tick_on(&k, 0, T0 + 3 * HOUR);
    EXPECT_STORY(&k, "firing 1 2:01; resolved 2 2:31");
    pipe_close(&k);
}

/* --- the pipeline's answers --- */

Test(judge_quiet, the_pipeline_says_where_decisions_may_be_placed)
{
    struct pipe k;

    pipe_open(&k, LOW, 2);
    cr_expect(pipeline_next_pane(k.p) == INT64_MIN);
    crowd_on(&k, 0, T0, 1, 0);
    cr_expect(pipeline_next_pane(k.p) == INT64_MIN, "the other has not begun");
    pipe_decide(&k, 1, DECISION_ADVANCE, T0 - 5 * MINUTE);
    cr_expect(pipeline_next_pane(k.p) == T0 / MINUTE - 5);
    cr_expect(!etime_is_set(pipeline_waits_for(k.p, 0)));
    pipe_say_on(&k, 0, T0, "{\"entity_id\":\"x\",\"stage\":\"a\",\"ts\":1710720000000}");
    pipe_say_on(&k, 0, T0, "{\"entity_id\":\"y\",\"stage\":\"a\",\"ts\":1710720059000}");
    cr_expect(!etime_is_set(pipeline_waits_for(k.p, 0)));
    pipe_close(&k);
}

Test(judge_quiet, the_pipeline_says_what_waits)
{
    struct pipe k;

    pipe_open(&k,
              PIPE_KAFKA "inputs: [{topic: in}]\ntime: {max_ahead: 1h, max_jump: 10m}\n"
                         "funnels: {f: {stages: [a, b], window: 1h}}\n",
              1);
    pipe_say_on(&k, 0, T0, "{\"entity_id\":\"x\",\"stage\":\"a\",\"ts\":1710720000000}");
    pipe_say_on(&k, 0, T0, "{\"entity_id\":\"y\",\"stage\":\"a\",\"ts\":1710721800000}");
    cr_expect(pipeline_waits_for(k.p, 0).ms == T0 + 30 * MINUTE);
    pipe_decide(&k, 0, DECISION_RELEASE, T0 + 30 * MINUTE);
    cr_expect(!etime_is_set(pipeline_waits_for(k.p, 0)));
    pipe_close(&k);
}
