/* SPDX-License-Identifier: Apache-2.0 */
/* Other settings in a running pipeline: what goes on, what begins anew, and what is said of it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "funnel/decision.h"
#include "funnel/rules.h"
#include "lib/pipe_kit.h"
#include "lib/standings.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define T0 (INT64_C(19800) * DAY) /* 2024-03-18, a Monday */
#define HEAD PIPE_KAFKA "inputs: [{topic: in}]\ntime: {lateness: 0s, pane: 1m}\n"
#define F(text) HEAD "funnels: {f: {" text "}}\n"
#define LOW "{id: low, kind: target, target: 50%, window: 10m, min_entries: 5, step: a>b}"

static void event(struct pipe *k, const char *entity, const char *stage, int64_t at)
{
    pipe_say(k,
             "{\"entity_id\":\"%s\",\"stage\":\"%s\",\"ts\":%" PRId64
             ",\"amount\":10,\"owner\":\"li\",\"dims\":{\"channel\":\"ads\",\"region\":\"east\"}}",
             entity, stage, at);
}

static void crowd(struct pipe *k, int64_t at, int n, int converted)
{
    static int next;

    for (int i = 0; i < n; i++) {
        char name[20];

        snprintf(name, sizeof(name), "e%d", ++next);
        event(k, name, "a", at);
        if (i < converted)
            event(k, name, "b", at);
    }
}

/* Only moves the watermark. */
static void wait_until(struct pipe *k, int64_t at)
{
    pipe_say(k, "{\"entity_id\":\"tick\",\"stage\":\"a\",\"funnel\":\"nobody\",\"ts\":%" PRId64 "}",
             at);
}

/* "firing low 0:10; resolved low 0:20 rule_changed" */
static const char *story(const struct pipe *k)
{
    static char text[2000];
    size_t n = 0;

    text[0] = '\0';
    for (size_t i = 0; i < k->out.count; i++) {
        int64_t at = k->out.items[i].timestamp - T0;
        const char *reason;

        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? "; " : "",
                              pipe_field(&k->out, i, NULL, "status"));
        n += (size_t)snprintf(text + n, sizeof(text) - n, " %s",
                              pipe_field(&k->out, i, "labels", "alertname"));
        n += (size_t)snprintf(text + n, sizeof(text) - n, " %d:%02d", (int)(at / HOUR),
                              (int)(at % HOUR / MINUTE));
        reason = pipe_field(&k->out, i, NULL, "endsReason");
        if (reason && strcmp(reason, "null") != 0)
            n += (size_t)snprintf(text + n, sizeof(text) - n, " %s", reason);
    }
    return text;
}
#define EXPECT_STORY(k, expected) cr_expect(eq(str, (char *)story(k), expected))

static uint64_t counted(const struct pipe *k, enum counter c)
{
    struct counters sum;

    pipe_count(k, &sum);
    return sum.n[c];
}

/* Over all leaves. */
static struct judge_step step_sum(struct pipe *k, int step)
{
    struct judge *j = pipe_judge(k);
    struct judge_step sum = {0};

    for (size_t i = 0; i < j->leaf_count; i++) {
        const struct judge_step *s = &j->leaves[i].steps[step];
        struct judge_stays stays = judge_step_stays(j, s);

        sum.entered += s->entered;
        sum.seeded += s->seeded;
        sum.late_advance += s->late_advance;
        sum.exits[EXIT_ADVANCED] += s->exits[EXIT_ADVANCED];
        sum.expired_unheard += stays.expired;
        sum.risk.open += stays.open;
    }
    return sum;
}

static uint64_t entities(const struct pipe *k)
{
    struct pipeline_gauges g;

    pipeline_gauges(k->p, &g);
    return g.entities;
}

/* --- another shape --- */

Test(pipeline_switch, what_is_open_is_seeded_and_advances_in_its_step)
{
    struct judge_step ab, bc, all;
    struct pipe k;

    pipe_open(&k, F("stages: [a, b, c], window: 2h"), 1);
    event(&k, "x", "a", T0);
    event(&k, "y", "a", T0 + 10 * MINUTE);
    event(&k, "y", "b", T0 + 20 * MINUTE);
    event(&k, "z", "a", T0 + 20 * MINUTE);
    pipe_switch(&k, F("stages: [a, b, c], window: 2h, dims: {channel: {}}"));
    event(&k, "x", "b", T0 + 30 * MINUTE);
    event(&k, "y", "c", T0 + 40 * MINUTE);
    pipe_end(&k);
    ab = step_sum(&k, 0);
    bc = step_sum(&k, 1);
    all = step_sum(&k, 3);
    cr_expect(eq(i64, ab.seeded, 2));
    cr_expect(eq(i64, ab.entered, 0));
    cr_expect(eq(i64, ab.exits[EXIT_ADVANCED], 1));
    cr_expect(eq(i64, ab.risk.open, 1));
    cr_expect(eq(i64, bc.seeded, 1));
    cr_expect(eq(i64, bc.entered, 1));
    cr_expect(eq(i64, bc.exits[EXIT_ADVANCED], 1));
    cr_expect(eq(i64, all.seeded, 3));
    cr_expect(eq(i64, all.exits[EXIT_ADVANCED], 1));
    cr_expect(zero(ptr, (void *)standings_differ(k.p)));
    cr_expect(eq(u64, counted(&k, COUNTER_CONSERVATION), 0));
    cr_expect(pipe_reports(&k, "\"entities\":3,\"attempts\":3"));
    cr_expect(
        pipe_reports(&k, "\"to\":\"b\",\"entered\":0,\"credited\":0,\"seeded\":2,\"advanced\":1"));
    pipe_close(&k);
}

Test(pipeline_switch, a_stay_is_seeded_at_its_true_age)
{
    struct judge_step ab;
    struct pipe k;

    pipe_open(&k, F("stages: [a, b, c], window: 2h"), 1);
    event(&k, "x", "a", T0);
    wait_until(&k, T0 + 100 * MINUTE);
    pipe_switch(&k, F("stages: [a, b, c], window: 2h, dims: {channel: {}}"));
    wait_until(&k, T0 + 120 * MINUTE);
    ab = step_sum(&k, 0);
    cr_expect(eq(i64, ab.risk.open, 1));
    wait_until(&k, T0 + 140 * MINUTE);
    ab = step_sum(&k, 0);
    cr_expect(eq(i64, ab.risk.open, 0));
    cr_expect(eq(i64, ab.expired_unheard, 1));
    pipe_close(&k);
}

Test(pipeline_switch, windows_decide_anew_what_is_open)
{
    struct judge_step ab;
    struct pipe k;

    pipe_open(&k, F("stages: [a, b, c], window: 2h"), 1);
    event(&k, "x", "a", T0);
    event(&k, "y", "a", T0 + HOUR);
    wait_until(&k, T0 + 100 * MINUTE);
    pipe_switch(&k, F("stages: [a, b, c], window: 1h")); /* x has expired */
    wait_until(&k, T0 + 101 * MINUTE);
    ab = step_sum(&k, 0);
    cr_expect(eq(i64, ab.seeded, 1));
    cr_expect(eq(i64, ab.risk.open, 1));
    pipe_switch(&k, F("stages: [a, b, c], window: 3h")); /* x is open again */
    event(&k, "x", "b", T0 + 110 * MINUTE);
    pipe_end(&k);
    ab = step_sum(&k, 0);
    cr_expect(eq(i64, ab.seeded, 2));
    cr_expect(eq(i64, ab.exits[EXIT_ADVANCED], 1));
    cr_expect(eq(i64, ab.late_advance, 0));
    pipe_close(&k);
}

Test(pipeline_switch, an_expired_stay_that_advances_is_late)
{
    struct judge_step ab;
    struct pipe k;

    pipe_open(&k, F("stages: [a, b, c], window: 2h"), 1);
    event(&k, "x", "a", T0);
    wait_until(&k, T0 + 100 * MINUTE);
    pipe_switch(&k, F("stages: [a, b, c], window: 1h"));
    event(&k, "x", "b", T0 + 101 * MINUTE);
    pipe_end(&k);
    ab = step_sum(&k, 0);
    cr_expect(eq(i64, ab.exits[EXIT_ADVANCED], 0));
    cr_expect(eq(i64, ab.late_advance, 1));
    cr_expect(eq(i64, step_sum(&k, 1).entered, 1));
    pipe_close(&k);
}

Test(pipeline_switch, an_entity_whose_stage_is_gone_is_forgotten)
{
    struct pipe k;

    pipe_open(&k, F("stages: [a, b, c]"), 1);
    event(&k, "x", "a", T0);
    event(&k, "y", "b", T0 + MINUTE);
    pipe_switch(&k, F("stages: [a, c]"));
    cr_expect(eq(u64, entities(&k), 1));
    cr_expect(eq(u64, counted(&k, COUNTER_ENTITIES_FORGOTTEN), 1));
    event(&k, "y", "c", T0 + 2 * MINUTE);
    event(&k, "x", "c", T0 + 3 * MINUTE);
    pipe_end(&k);
    cr_expect(eq(i64, step_sum(&k, 0).exits[EXIT_ADVANCED], 1));
    cr_expect(zero(ptr, (void *)standings_differ(k.p)));
    pipe_close(&k);
}

Test(pipeline_switch, a_renamed_stage_is_found_by_its_alias)
{
    struct pipe k;

    pipe_open(&k, F("stages: [a, b, c]"), 1);
    event(&k, "x", "a", T0);
    event(&k, "x", "b", T0 + MINUTE);
    pipe_switch(&k, F("stages: [a, {id: proposal, alias: [b]}, c]"));
    event(&k, "x", "c", T0 + 2 * MINUTE);
    pipe_end(&k);
    cr_expect(eq(i64, step_sum(&k, 1).exits[EXIT_ADVANCED], 1));
    pipe_close(&k);
}

/* x is past the stage that is gone: where its progress stands now, nothing is open. */
Test(pipeline_switch, progress_beyond_what_is_there_falls_back_to_the_position)
{
    struct pipe k;

    pipe_open(&k, F("stages: [a, b, c, d]"), 1);
    event(&k, "x", "a", T0);
    event(&k, "x", "c", T0 + MINUTE);
    event(&k, "x", "b", T0 + 2 * MINUTE); /* back */
    pipe_switch(&k, F("stages: [a, b, d]"));
    event(&k, "x", "d", T0 + 3 * MINUTE);
    pipe_end(&k);
    cr_expect(eq(i64, step_sum(&k, 1).seeded, 0));
    cr_expect(eq(i64, step_sum(&k, 1).exits[EXIT_ADVANCED], 0));
    cr_expect(eq(u64, counted(&k, COUNTER_CONSERVATION), 0));
    cr_expect(zero(ptr, (void *)standings_differ(k.p)));
    pipe_close(&k);
}

Test(pipeline_switch, dims_and_breakdowns_go_by_name)
{
    struct pipe k;

    pipe_open(&k, F("stages: [a, b], dims: {region: {}, channel: {}}, breakdowns: [owner]"), 1);
    event(&k, "x", "a", T0);
    pipe_switch(&k,
                F("stages: [a, b], dims: {channel: {}, plan: {}}, breakdowns: [product, owner]"));
    pipe_say(&k, "{\"entity_id\":\"x\",\"stage\":\"b\",\"ts\":%" PRId64 "}", T0 + MINUTE);
    pipe_end(&k);
    cr_expect(pipe_reports(
        &k, "{\"segment\":{\"channel\":\"ads\"},\"steps\":[{\"from\":\"a\",\"to\":\"b\","
            "\"entered\":0,\"credited\":0,\"seeded\":1,\"advanced\":1"));
    cr_expect(pipe_reports(&k, "{\"segment\":{\"plan\":\"__none__\"}"));
    cr_expect(pipe_reports(&k, "{\"owner\":\"li\""));
    cr_expect(pipe_reports(&k, "{\"product\":\"__none__\""));
    pipe_close(&k);
}

/* --- rules --- */

Test(pipeline_switch, rules_that_are_edited_or_removed_say_so)
{
    struct pipe k;

    pipe_open(&k,
              F("stages: [a, b], rules: [" LOW ", {id: two, kind: target, target: 40%, "
                "window: 10m, min_entries: 5}, {id: three, kind: target, target: 40%, "
                "window: 10m, min_entries: 5}]"),
              1);
    wait_until(&k, T0 - HOUR);
    event(&k, "first", "a", T0 - HOUR);
    crowd(&k, T0 + MINUTE, 50, 0);
    wait_until(&k, T0 + 9 * MINUTE);
    EXPECT_STORY(&k, "firing low 0:02; firing two 0:02; firing three 0:02");
    pipe_switch(&k, F("stages: [a, b], rules: [{id: two, kind: target, target: 41%, "
                      "window: 10m, min_entries: 5}, " LOW "]"));
    EXPECT_STORY(&k, "firing low 0:02; firing two 0:02; firing three 0:02; "
                     "resolved two 0:09 rule_changed; resolved three 0:09 rule_removed");
    cr_expect(eq(str, (char *)pipe_field(&k.out, 3, NULL, "sequence"), "2"));
    wait_until(&k, T0 + 30 * MINUTE); /* the edited one knows the window, and begins by it */
    cr_expect(ne(ptr, (void *)strstr(story(&k), "; firing two 0:10; "), NULL), "%s", story(&k));
    cr_expect(eq(str, (char *)pipe_field(&k.out, 5, NULL, "sequence"), "3")); /* the same labels */
    cr_expect(ne(ptr, (void *)strstr(story(&k), "; resolved low 0:12 no_data"), NULL), "%s",
              story(&k));
    pipe_close(&k);
}

Test(pipeline_switch, a_funnel_that_is_resynced_or_gone_ends_its_alerts)
{
    struct pipe k;

    pipe_open(&k,
              HEAD "funnels: {f: {stages: [a, b], rules: [" LOW "]}, "
                   "g: {where: {topic: in}, stages: [a, b], rules: [" LOW "]}}\n",
              1);
    event(&k, "first", "a", T0 - HOUR);
    crowd(&k, T0 + MINUTE, 50, 0);
    wait_until(&k, T0 + 9 * MINUTE);
    EXPECT_STORY(&k, "firing low 0:02; firing low 0:02");
    pipe_switch(&k,
                HEAD "funnels: {h: {stages: [a, b]}, "
                     "g: {where: {topic: in}, stages: [a, b], window: 9d, rules: [" LOW "]}}\n");
    EXPECT_STORY(&k, "firing low 0:02; firing low 0:02; resolved low 0:09 rule_removed; "
                     "resolved low 0:09 rule_changed");
    cr_expect(eq(str, (char *)pipe_field(&k.out, 2, NULL, "funnel"), "f"));
    cr_expect(eq(u64, counted(&k, COUNTER_ALERTS), 4));
    crowd(&k, T0 + 10 * MINUTE, 50, 0);
    wait_until(&k, T0 + 19 * MINUTE); /* its window is not filled yet */
    cr_expect(eq(sz, k.out.count, 4));
    wait_until(&k, T0 + 20 * MINUTE);
    cr_expect(eq(sz, k.out.count, 5));
    cr_expect(eq(str, (char *)pipe_field(&k.out, 4, NULL, "sequence"), "3"));
    pipe_close(&k);
}

/* It would see the half of its window that came after the switch. */
Test(pipeline_switch, a_new_window_says_nothing_until_it_is_filled)
{
    struct pipe k;

    pipe_open(&k, F("stages: [a, b], windows: [1h]"), 1);
    event(&k, "first", "a", T0 - DAY);
    wait_until(&k, T0);
    pipe_switch(&k, F("stages: [a, b], windows: [1h], rules: [" LOW "]"));
    crowd(&k, T0 + MINUTE, 50, 0);
    wait_until(&k, T0 + 10 * MINUTE - 1);
    EXPECT_STORY(&k, "");
    wait_until(&k, T0 + 11 * MINUTE);
    EXPECT_STORY(&k, "firing low 0:10");
    pipe_close(&k);
}

#define CHANGE \
    "{id: chg, kind: change, window: 10m, against: 1h, min_entries: 5, direction: both, step: a>b}"

/* The window is known, but not as far back as the rule looks. */
Test(pipeline_switch, nor_does_a_look_further_back)
{
    struct pipe k;

    pipe_open(&k, F("stages: [a, b], windows: [10m]"), 1);
    event(&k, "first", "a", T0 - DAY);
    for (int i = 0; i < 200; i++) /* all but the last 12 minutes convert; then none does */
        crowd(&k, T0 + i * MINUTE, 6, i < 60 ? 6 : 0);
    pipe_switch(&k, F("stages: [a, b], windows: [10m], rules: [" CHANGE "]"));
    for (int i = 200; i < 270; i++)
        crowd(&k, T0 + i * MINUTE, 6, 6);
    cr_expect(eq(sz, k.out.count, 1), "%s", story(&k));
    EXPECT_STORY(&k, "firing chg 4:18"); /* against 3:08 to 3:18: what was kept */
    pipe_close(&k);
}

Test(pipeline_switch, a_new_segment_begins_empty)
{
    struct pipe k;

    pipe_open(&k,
              F("stages: [a, b], dims: {channel: {}, region: {}}, segments: [[channel]], "
                "rules: [{id: all, kind: target, target: 50%, window: 10m, min_entries: 5}]"),
              1);
    event(&k, "first", "a", T0 - DAY);
    crowd(&k, T0 + 5 * MINUTE, 50, 0);
    wait_until(&k, T0 + 9 * MINUTE);
    pipe_switch(&k, F("stages: [a, b], dims: {channel: {}, region: {}}, segments: [[channel]], "
                      "rules: [{id: east, kind: target, target: 50%, window: 10m, min_entries: 5, "
                      "by: [region]}, {id: all, kind: target, target: 50%, window: 10m, "
                      "min_entries: 5}]"));
    crowd(&k, T0 + 12 * MINUTE, 50, 0);
    wait_until(&k, T0 + 18 * MINUTE);
    EXPECT_STORY(&k, "firing all 0:06");
    wait_until(&k, T0 + 20 * MINUTE);
    EXPECT_STORY(&k, "firing all 0:06; firing east 0:19");
    cr_expect(eq(str, (char *)pipe_field(&k.out, 1, "labels", "region"), "east"));
    pipe_close(&k);
}

/* --- what operators said --- */

static void say_all(struct pipe *k, int64_t at, const char *text)
{
    struct decision d = {.seq = 1,
                         .source = DECISION_JUDGES,
                         .kind = DECISION_CONTROL,
                         .at = at / MINUTE,
                         .text = span_of(text)};

    for (size_t f = 0; f < k->p->funnel_count; f++)
        judge_control(&k->p->judges[f], &d);
}

static bool says(const struct pipe *k, size_t i, const char *part)
{
    struct span value = record_value_of(&k->out, &k->out.items[i]);
    struct buf text = {0};
    bool found;

    buf_add(&text, value.p, value.len);
    found = strstr(buf_cstr(&text), part) != NULL;
    buf_deinit(&text);
    return found;
}

#define SILENCE \
    "{\"kind\":\"silence\",\"id\":\"quiet\",\"from\":\"2024-03-18T00:00:00Z\"," \
    "\"to\":\"2024-03-18T06:00:00Z\",\"matchers\":{\"alertname\":\"low\"}," \
    "\"author\":\"a\",\"comment\":\"c\"}"

/* One is in force, one still waits for its pane. */
Test(pipeline_switch, silences_hold_for_every_funnel_there_is_then)
{
    static const char *const waits = "{\"kind\":\"expire\",\"id\":\"quiet\"}";
    struct pipe k;

    pipe_open(&k,
              HEAD "funnels: {f: {stages: [a, b], rules: [" LOW "]}, "
                   "g: {where: {topic: in}, stages: [a, b], rules: [" LOW "]}}\n",
              1);
    event(&k, "first", "a", T0 - DAY);
    wait_until(&k, T0);
    say_all(&k, T0, SILENCE);
    say_all(&k, T0 + HOUR, waits);
    wait_until(&k, T0 + 5 * MINUTE);
    pipe_switch(&k, HEAD "funnels: {f: {stages: [a, b], rules: [" LOW "]}, "
                         "g: {where: {topic: in}, stages: [a, b], window: 9d, rules: [" LOW "]}, "
                         "h: {where: {topic: in}, stages: [a, b], rules: [" LOW "]}}\n");
    crowd(&k, T0 + 20 * MINUTE, 50, 0);
    wait_until(&k, T0 + 21 * MINUTE);
    cr_assert(eq(sz, k.out.count, 3), "%s", story(&k));
    for (size_t i = 0; i < 3; i++)
        cr_expect(says(&k, i, "\"silenced_by\":[\"quiet\"]"));
    crowd(&k, T0 + 2 * HOUR, 50, 0);
    wait_until(&k, T0 + 3 * HOUR);
    cr_assert(eq(sz, k.out.count, 12), "%s", story(&k));
    for (size_t i = 6; i < 12; i++)
        cr_expect(not(says(&k, i, "\"silenced_by\":[\"quiet\"]")));
    pipe_close(&k);
}

#define MARK \
    "{\"kind\":\"intervention\",\"id\":\"m\",\"at\":\"2024-03-18T00:30:00Z\",\"funnel\":\"f\"," \
    "\"step\":\"a>b\",\"window\":\"10m\",\"comment\":\"c\"}"

/* The window it goes by has another number then; without it, nothing can be measured. */
Test(pipeline_switch, an_intervention_goes_on_while_its_window_is_there)
{
    static const char *const after[] = {F("stages: [a, b], windows: [1h, 10m]"),
                                        F("stages: [a, b], windows: [1h]"),
                                        F("stages: [a, b], windows: [10m], dims: {channel: {}}")};

    for (int i = 0; i < 3; i++) {
        struct pipe k;

        pipe_open(&k, F("stages: [a, b], windows: [10m]"), 1);
        event(&k, "first", "a", T0 - DAY);
        wait_until(&k, T0);
        say_all(&k, T0, MARK);
        crowd(&k, T0 + 25 * MINUTE, 10, 5);
        wait_until(&k, T0 + 33 * MINUTE);
        pipe_switch(&k, after[i]);
        crowd(&k, T0 + 35 * MINUTE, 10, 8);
        wait_until(&k, T0 + HOUR);
        cr_assert(eq(sz, k.out.count, i == 0), "%d: %s", i, story(&k));
        if (i == 0)
            cr_expect(says(&k, 0, "\"entries\":10,\"conversions\":8"));
        pipe_close(&k);
    }
}

/* --- time, and what waits --- */

Test(pipeline_switch, other_panes_never_judge_an_earlier_time)
{
    struct pipe k;

    pipe_open(&k,
              PIPE_KAFKA "inputs: [{topic: in}]\ntime: {lateness: 0s, pane: 5m}\n"
                         "funnels: {f: {stages: [a, b]}}\n",
              1);
    event(&k, "x", "a", T0);
    wait_until(&k, T0 + 17 * MINUTE);
    cr_expect(eq(i64, pipe_judge(&k)->closed, T0 / (5 * MINUTE) + 2)); /* up to 0:15 */
    pipe_switch(&k, PIPE_KAFKA "inputs: [{topic: in}]\ntime: {lateness: 0s, pane: 3m}\n"
                               "funnels: {f: {stages: [a, b]}}\n");
    cr_expect(eq(i64, pipe_judge(&k)->closed, T0 / (3 * MINUTE) + 4)); /* the same */
    event(&k, "x", "b", T0 + 17 * MINUTE);
    pipe_switch(&k, PIPE_KAFKA "inputs: [{topic: in}]\ntime: {lateness: 0s, pane: 15m}\n"
                               "funnels: {f: {stages: [a, b]}}\n");
    cr_expect(eq(i64, pipe_judge(&k)->closed, T0 / (15 * MINUTE)));
    event(&k, "y", "a", T0 + 18 * MINUTE);
    event(&k, "y", "b", T0 + 50 * MINUTE);
    pipe_end(&k);
    cr_expect(eq(i64, step_sum(&k, 0).exits[EXIT_ADVANCED], 1));
    cr_expect(zero(ptr, (void *)standings_differ(k.p)));
    cr_expect(eq(u64, counted(&k, COUNTER_CONSERVATION), 0));
    pipe_close(&k);
}

#define LATE(text) \
    PIPE_KAFKA "inputs: [{topic: in}]\ntime: {lateness: 10m}\nfunnels: {f: {" text "}}\n"

Test(pipeline_switch, what_waits_is_put_in_the_new_numbers)
{
    struct pipe k;

    pipe_open(&k, LATE("stages: [a, b, c], dims: {region: {}}"), 1);
    event(&k, "x", "a", T0);
    event(&k, "x", "c", T0 + MINUTE);
    event(&k, "y", "b", T0 + MINUTE);
    cr_expect(eq(u64, entities(&k), 0));
    pipe_switch(&k, LATE("stages: [z, a, c], dims: {channel: {}, region: {}}"));
    cr_expect(eq(u64, counted(&k, COUNTER_IGNORED), 1)); /* y's b is no more */
    pipe_end(&k);
    cr_expect(eq(u64, entities(&k), 1));
    cr_expect(eq(i64, step_sum(&k, 1).exits[EXIT_ADVANCED], 1));
    cr_expect(pipe_reports(&k, "{\"segment\":{\"region\":\"east\"}"));
    pipe_close(&k);
}

Test(pipeline_switch, a_jump_that_waits_for_a_funnel_that_is_gone_still_moves_time)
{
    struct pipe k;

    pipe_open(&k, F("stages: [a, b]"), 1);
    pipe_say_on(&k, 0, T0, "{\"entity_id\":1,\"stage\":\"a\",\"ts\":\"2024-03-18T00:00:00Z\"}");
    for (int i = 2; i < 4; i++) {
        char text[100];

        snprintf(text, sizeof(text),
                 "{\"entity_id\":%d,\"stage\":\"a\",\"ts\":\"2024-03-18T05:0%d:00Z\"}", i, i);
        if (i == 3)
            pipe_switch(&k, HEAD "funnels: {g: {stages: [a, b]}}\n");
        pipe_say_on(&k, 0, T0 + 5 * HOUR + i * MINUTE, text);
    }
    cr_expect(eq(i64, pipeline_watermark(k.p, 0).ms, T0 + 5 * HOUR + 3 * MINUTE));
    pipe_close(&k);
}

/* Its message was not kept, because nothing could reject it when it came. */
Test(pipeline_switch, what_waits_is_not_rejected_by_a_later_policy)
{
    struct pipe k;

    pipe_open(&k, LATE("stages: [a, b, c]"), 1);
    event(&k, "x", "a", T0);
    event(&k, "x", "c", T0 + MINUTE);
    pipe_switch(&k, LATE("stages: [a, b, c], skip: reject"));
    event(&k, "y", "a", T0 + 2 * MINUTE);
    event(&k, "y", "c", T0 + 3 * MINUTE);
    pipe_end(&k);
    cr_expect(eq(sz, k.out.count, 1)); /* y's */
    cr_expect(eq(u64, counted(&k, COUNTER_IGNORED), 1));
    pipe_close(&k);
}

Test(pipeline_switch, limits_bound_what_comes_not_what_is_there)
{
    struct pipe k;

    pipe_open(&k, F("stages: [a, b]"), 1);
    crowd(&k, T0, 5, 0);
    pipe_switch(&k, HEAD "limits: {entities: 3}\nfunnels: {f: {stages: [a, b]}}\n");
    crowd(&k, T0 + MINUTE, 2, 0);
    cr_expect(eq(u64, entities(&k), 5));
    pipe_switch(&k, HEAD
                "limits: {entities: 3}\nfunnels: {f: {stages: [a, b], dims: {channel: {}}}}\n");
    crowd(&k, T0 + 2 * MINUTE, 2, 0);
    cr_expect(eq(u64, entities(&k), 5));
    cr_expect(eq(u64, counted(&k, COUNTER_ENTITIES_REFUSED), 4));
    pipe_close(&k);
}

Test(pipeline_switch, event_ids_are_remembered_across_it)
{
    struct pipe k;

    pipe_open(&k, F("stages: [a, b], dedupe: 1h"), 1);
    pipe_say(&k, "{\"entity_id\":1,\"event_id\":7,\"stage\":\"a\",\"ts\":%" PRId64 "}", T0);
    pipe_switch(&k, F("stages: [a, b], dedupe: 2h, dims: {channel: {}}"));
    pipe_say(&k, "{\"entity_id\":1,\"event_id\":7,\"stage\":\"b\",\"ts\":%" PRId64 "}",
             T0 + 90 * MINUTE);
    cr_expect(eq(u64, counted(&k, COUNTER_DUPLICATES), 1));
    pipe_close(&k);
}
