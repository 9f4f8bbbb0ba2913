/* SPDX-License-Identifier: Apache-2.0 */
/* Silences and interventions, from decisions to records. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "funnel/controls.h"
#include "funnel/mem.h"
#include "lib/pipe_kit.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define T0 (INT64_C(19800) * DAY) /* 2024-03-18 */
#define PANE(minute) (T0 / MINUTE + (minute))

static uint64_t decisions;

static void decide(struct controls *c, int64_t pane, const char *text)
{
    struct decision d = {.seq = ++decisions,
                         .source = DECISION_JUDGES,
                         .kind = DECISION_CONTROL,
                         .at = pane,
                         .text = span_of(text)};

    controls_decide(c, &d);
}

/* Said and in force at once. */
static void say(struct controls *c, int64_t pane, const char *text)
{
    decide(c, pane, text);
    controls_reach(c, pane);
}

static void say_silence(struct controls *c, int64_t pane, const char *id, int from, int to,
                        const char *matchers)
{
    char text[1000];

    snprintf(text, sizeof(text),
             "{\"kind\":\"silence\",\"id\":\"%s\",\"from\":\"2024-03-18T%02d:%02d:00Z\","
             "\"to\":\"2024-03-18T%02d:%02d:00Z\",\"matchers\":{%s}}",
             id, from / 60, from % 60, to / 60, to % 60, matchers);
    say(c, pane, text);
}

#define MARK(rest) "{\"kind\":\"intervention\",\"id\":\"m\",\"at\":\"2024-03-18T" rest "}"

static struct pipe kit;

static void open_kit(void)
{
    pipe_open(
        &kit,
        PIPE_KAFKA
        "inputs: [{topic: in}]\ntime: {lateness: 0s, pane: 1m, zone: UTC}\n"
        "funnels: {f: {stages: [a, b, c], window: 1h, windows: [10m, 2h], dims: {ch: {}}, rules: ["
        "{id: low, kind: target, step: a>b, target: 50%, window: 10m, min_entries: 10, hold: 0s, "
        "severity: page, by: [ch]}]}}\n",
        1);
}

static void close_kit(void)
{
    pipe_close(&kit);
}

TestSuite(controls, .init = open_kit, .fini = close_kit);

static struct alert some_alert(int minute)
{
    static const struct alert_dim ads[] = {{{"ch", 2}, {"ads", 3}}};

    return (struct alert){.rule_id = "low",
                          .severity = "page",
                          .funnel = "f",
                          .step = "a>b",
                          .dims = ads,
                          .dim_count = 1,
                          .at = {T0 + minute * MINUTE}};
}

/* "a,b": the silences of an alert at that minute. */
static const char *silenced(const struct controls *c, int minute)
{
    static char text[ALERT_SILENCES_MAX * 65 + 1];
    struct span ids[ALERT_SILENCES_MAX];
    struct alert a = some_alert(minute);
    size_t count = controls_silenced_by(c, &a, ids), n = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", i ? "," : "", (int)ids[i].len,
                              ids[i].p);
    return text;
}

Test(controls, a_silence_is_in_force_from_its_begin_to_before_its_end)
{
    struct controls *c = controls_new(&kit.p->funnels[0]);

    say_silence(c, PANE(0), "x", 60, 120, "\"funnel\":\"f\"");
    cr_expect(eq(str, (char *)silenced(c, 59), ""));
    cr_expect(eq(str, (char *)silenced(c, 60), "x"));
    cr_expect(eq(str, (char *)silenced(c, 119), "x"));
    cr_expect(eq(str, (char *)silenced(c, 120), ""));
    cr_expect(eq(sz, controls_in_force(c, (struct etime){T0 + HOUR}), 1));
    controls_free(c);
}

Test(controls, all_matchers_must_equal_a_label)
{
    static const struct {
        const char *matchers;
        int match;
    } cases[] = {
        {"\"alertname\":\"low\"", 1},
        {"\"severity\":\"page\",\"step\":\"a>b\",\"ch\":\"ads\"", 1},
        {"\"ch\":\"ad\"", 0},
        {"\"ch\":\"ads \"", 0},
        {"\"funnel\":\"f\",\"ch\":\"seo\"", 0},
        {"\"region\":\"ads\"", 0},
        {"\"source\":\"in\"", 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct controls *c = controls_new(&kit.p->funnels[0]);

        say_silence(c, PANE(0), "x", 0, 60, cases[i].matchers);
        cr_expect(eq(int, silenced(c, 5)[0] != '\0', cases[i].match), "%s", cases[i].matchers);
        controls_free(c);
    }
}

Test(controls, ids_are_sorted_and_named_up_to_a_number)
{
    struct controls *c = controls_new(&kit.p->funnels[0]);
    char id[8];

    for (int i = 0; i < 20; i++) {
        snprintf(id, sizeof(id), "s%02d", (i * 7) % 20);
        say_silence(c, PANE(0), id, 0, 60, "\"funnel\":\"f\"");
    }
    cr_expect(eq(str, (char *)silenced(c, 5),
                 "s00,s01,s02,s03,s04,s05,s06,s07,s08,s09,s10,s11,s12,s13,s14,s15"));
    controls_free(c);
}

Test(controls, said_anew_and_expired)
{
    struct controls *c = controls_new(&kit.p->funnels[0]);

    say_silence(c, PANE(0), "x", 0, 60, "\"funnel\":\"f\"");
    say_silence(c, PANE(1), "x", 30, 60, "\"funnel\":\"f\"");
    cr_expect(eq(sz, c->silence_count, 1));
    cr_expect(eq(str, (char *)silenced(c, 5), ""));
    cr_expect(eq(str, (char *)silenced(c, 30), "x"));
    say(c, PANE(2), "{\"kind\":\"expire\",\"id\":\"y\"}");
    cr_expect(eq(str, (char *)silenced(c, 30), "x"));
    say(c, PANE(2), "{\"kind\":\"expire\",\"id\":\"x\"}");
    cr_expect(eq(str, (char *)silenced(c, 30), ""));
    cr_expect(eq(u64, c->silences_refused, 0));
    controls_free(c);
}

Test(controls, a_decision_waits_for_its_pane)
{
    struct controls *c = controls_new(&kit.p->funnels[0]);

    decide(c, PANE(7),
           "{\"kind\":\"silence\",\"id\":\"x\",\"from\":\"2024-03-18T00:00:00Z\","
           "\"to\":\"2024-03-18T01:00:00Z\",\"matchers\":{\"funnel\":\"f\"}}");
    cr_expect(eq(i64, controls_next(c, PANE(2)), PANE(7)));
    controls_reach(c, PANE(6));
    cr_expect(eq(sz, c->silence_count, 0));
    controls_reach(c, PANE(9));
    cr_expect(eq(sz, c->silence_count, 1));
    cr_expect(eq(i64, controls_next(c, PANE(9)), INT64_MAX));
    controls_free(c);
}

Test(controls, silences_are_capped_and_those_that_are_over_forgotten)
{
    struct controls *c = controls_new(&kit.p->funnels[0]);
    char id[16];

    for (int i = 0; i < CONTROL_SILENCES_MAX; i++) {
        snprintf(id, sizeof(id), "s%d", i);
        say_silence(c, PANE(0), id, 0, i < 10 ? 30 : 60, "\"funnel\":\"f\"");
    }
    say_silence(c, PANE(0), "more", 0, 60, "\"funnel\":\"f\"");
    cr_expect(eq(u64, c->silences_refused, 1));
    cr_expect(eq(sz, c->silence_count, CONTROL_SILENCES_MAX));
    say_silence(c, PANE(0), "s20", 0, 59, "\"funnel\":\"f\""); /* no more of them by that */
    cr_expect(eq(u64, c->silences_refused, 1));
    say_silence(c, PANE(30), "more", 0, 60, "\"funnel\":\"f\"");
    cr_expect(eq(u64, c->silences_refused, 1));
    cr_expect(eq(sz, c->silence_count, CONTROL_SILENCES_MAX - 9));
    say_silence(c, PANE(60), "late", 0, 60, "\"funnel\":\"f\""); /* over before it is known */
    cr_expect(eq(u64, c->silences_refused, 1));
    cr_expect(eq(sz, c->silence_count, 0));
    controls_free(c);
}

Test(controls, interventions_that_mean_nothing_are_refused)
{
    struct controls *c = controls_new(&kit.p->funnels[0]);

    say(c, PANE(0), MARK("00:05:00Z\",\"funnel\":\"other\""));
    cr_expect(eq(u64, c->marks_refused, 0)); /* another judge's */
    say(c, PANE(0), MARK("00:05:00Z\",\"funnel\":\"f\",\"step\":\"b>a\""));
    say(c, PANE(0), MARK("00:05:00Z\",\"funnel\":\"f\",\"window\":\"1h\""));
    say(c, PANE(0), "no JSON");
    cr_expect(eq(u64, c->marks_refused, 2));
    cr_expect(eq(u64, c->silences_refused, 1));
    cr_expect(eq(sz, c->mark_count, 0));
    say(c, PANE(0), MARK("00:05:30Z\",\"funnel\":\"f\",\"window\":\"2h\""));
    say(c, PANE(0), MARK("00:05:30Z\",\"funnel\":\"f\"")); /* it is known */
    cr_assert(eq(sz, c->mark_count, 1));
    cr_expect(eq(i64, c->marks[0].at.ms, T0 + 5 * MINUTE + 30000));
    cr_expect(eq(i64, c->marks[0].begin, T0 + 6 * MINUTE)); /* slots of two minutes */
    cr_expect(eq(i64, c->marks[0].due, PANE(6 + 120 - 1)));
    say(c, PANE(1), "{\"kind\":\"expire\",\"id\":\"m\"}");
    cr_expect(eq(sz, c->mark_count, 0));
    controls_free(c);
}

Test(controls, interventions_are_capped)
{
    struct controls *c = controls_new(&kit.p->funnels[0]);
    char text[200];

    for (int i = 0; i <= CONTROL_INTERVENTIONS_MAX; i++) {
        snprintf(text, sizeof(text),
                 "{\"kind\":\"intervention\",\"id\":\"m%d\",\"at\":\"2024-03-18T00:00:00Z\","
                 "\"funnel\":\"f\"}",
                 i);
        say(c, PANE(0), text);
    }
    cr_expect(eq(sz, c->mark_count, CONTROL_INTERVENTIONS_MAX));
    cr_expect(eq(u64, c->marks_refused, 1));
    /* No event came to measure them by. */
    say(c, PANE(10), MARK("00:20:00Z\",\"funnel\":\"f\""));
    cr_expect(eq(sz, c->mark_count, 1));
    cr_expect(eq(u64, c->marks_refused, 1));
    controls_free(c);
}

/* --- saved --- */

static void save(const struct controls *c, struct buf *ret)
{
    unsigned char window[16];
    struct codec_out out = {
        .data = window, .cap = sizeof(window), .flush = codec_flush_buf, .context = ret};

    controls_save(c, &out);
    out.flush(&out);
}

static struct controls *filled(void)
{
    struct controls *c = controls_new(&kit.p->funnels[0]);

    say_silence(c, PANE(0), "x", 0, 60, "\"funnel\":\"f\"");
    say(c, PANE(0), MARK("00:05:00Z\",\"funnel\":\"f\",\"step\":\"b>c\""));
    say(c, PANE(0), "no JSON");
    c->marks[0].taken = c->marks[0].complete = true;
    c->marks[0].before[1] = (struct window_sum){1000, 300};
    decide(c, PANE(5), "{\"kind\":\"expire\",\"id\":\"x\"}");
    return c;
}

Test(controls, come_back_as_they_were_saved)
{
    struct controls *c = filled(), *d = controls_new(&kit.p->funnels[0]);
    struct buf once = {0}, twice = {0};
    struct codec_in in;

    save(c, &once);
    in = (struct codec_in){.p = (unsigned char *)once.data, .left = once.len};
    controls_load(d, &in);
    cr_assert(in.error == NULL && in.left == 0, "%s", in.error);
    save(d, &twice);
    cr_expect(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
    cr_expect(eq(str, (char *)silenced(d, 4), "x"));
    cr_assert(eq(sz, d->mark_count, 1));
    cr_expect(eq(int, d->marks[0].step, 1));
    cr_expect(eq(i64, d->marks[0].due, c->marks[0].due));
    cr_expect(eq(u64, d->marks[0].before[1].conversions, 300));
    controls_reach(d, PANE(5));
    cr_expect(eq(str, (char *)silenced(d, 4), ""));
    buf_deinit(&once);
    buf_deinit(&twice);
    controls_free(c);
    controls_free(d);
}

/* Cut short anywhere it is refused; a byte that is another is refused, or read as something within bounds. */
Test(controls, broken_bytes_are_no_danger)
{
    struct controls *c = filled();
    struct buf whole = {0};

    save(c, &whole);
    for (size_t i = 0; i < whole.len; i++) {
        for (int flip = 0; flip < 2; flip++) {
            struct controls *d = controls_new(&kit.p->funnels[0]);
            char *copy = mem_alloc(whole.len);
            struct codec_in in = {.p = (unsigned char *)copy, .left = flip ? whole.len : i};

            memcpy(copy, whole.data, whole.len);
            copy[i] = (char)(copy[i] ^ (flip ? 0x81 : 0));
            controls_load(d, &in);
            cr_expect(flip || in.error, "%zu bytes are taken for the whole", i);
            mem_free(copy);
            controls_free(d);
        }
    }
    buf_deinit(&whole);
    controls_free(c);
}

Test(controls, move_to_other_settings)
{
    for (int with_marks = 0; with_marks < 2; with_marks++) {
        struct controls *c = filled(), *d = controls_new(&kit.p->funnels[0]);

        controls_move(d, c, with_marks);
        cr_expect(eq(str, (char *)silenced(d, 4), "x"));
        cr_expect(eq(sz, d->mark_count, (size_t)with_marks));
        cr_expect(eq(u64, d->marks_refused, with_marks ? 0 : 1));
        cr_expect(eq(i64, controls_next(d, 0), PANE(5)));
        cr_expect(eq(sz, c->silence_count + c->mark_count, 0));
        controls_free(c);
        controls_free(d);
    }
}

/* --- in a judge --- */

static int next_entity;

static void crowd(int64_t at, int n, int converted)
{
    for (int i = 0; i < n; i++) {
        int id = ++next_entity;

        pipe_say(&kit,
                 "{\"entity_id\":%d,\"stage\":\"a\",\"ts\":%" PRId64 ",\"dims\":{\"ch\":\"ads\"}}",
                 id, at);
        if (i < converted)
            pipe_say(&kit, "{\"entity_id\":%d,\"stage\":\"b\",\"ts\":%" PRId64 "}", id, at);
    }
}

static void wait_until(int64_t at)
{
    pipe_say(&kit,
             "{\"entity_id\":\"tick\",\"stage\":\"a\",\"funnel\":\"nobody\",\"ts\":%" PRId64 "}",
             at);
}

static void control(int64_t pane, const char *text)
{
    struct decision d = {.seq = ++decisions,
                         .source = DECISION_JUDGES,
                         .kind = DECISION_CONTROL,
                         .at = pane,
                         .text = span_of(text)};

    judge_control(pipe_judge(&kit), &d);
}

static const char *value_of(size_t i)
{
    static char text[4096];
    struct span v = record_value_of(&kit.out, &kit.out.items[i]);

    snprintf(text, sizeof(text), "%.*s", (int)v.len, v.p);
    return text;
}

#define EXPECT_PART(i, part) \
    cr_expect(strstr(value_of(i), part) != NULL, "%s is not in %s", part, value_of(i))

Test(controls, an_alert_names_its_silences_and_is_published)
{
    control(PANE(0),
            "{\"kind\":\"silence\",\"id\":\"upgrade\",\"from\":\"2024-03-18T00:05:00Z\","
            "\"to\":\"2024-03-18T00:25:00Z\",\"matchers\":{\"alertname\":\"low\",\"ch\":\"ads\"}}");
    crowd(T0, 1, 0);
    crowd(T0 + 20 * MINUTE, 20, 1);
    crowd(T0 + 40 * MINUTE, 20, 15);
    wait_until(T0 + 2 * HOUR);
    cr_assert(eq(sz, kit.out.count, 2));
    EXPECT_PART(0, "\"status\":\"firing\"");
    EXPECT_PART(0, "\"silenced_by\":[\"upgrade\"]");
    EXPECT_PART(1, "\"status\":\"resolved\"");
    EXPECT_PART(1, "\"silenced_by\":[]");
}

/* 3 of 10 a minute before, 5 of 10 after; the mark lies in the midst of a minute, which counts for neither. */
static void story(const char *mark, int known)
{
    control(PANE(known), mark);
    for (int m = 0; m < 60; m++)
        crowd(T0 + m * MINUTE, 10, m < 30 ? 3 : m == 30 ? 10 : 5);
    wait_until(T0 + 2 * HOUR);
}

static size_t count_interventions(size_t *ret_first)
{
    size_t n = 0;

    for (size_t i = kit.out.count; i-- > 0;) {
        if (strcmp(pipe_field(&kit.out, i, "labels", "alertname"), "intervention") != 0)
            continue;
        *ret_first = i;
        n++;
    }
    return n;
}

Test(controls, an_intervention_is_measured)
{
    size_t i = 0;

    story(MARK("00:30:20Z\",\"funnel\":\"f\",\"step\":\"a>b\",\"comment\":\"new price\""), 0);
    cr_assert(eq(sz, count_interventions(&i), 1));
    EXPECT_PART(i, "\"status\":\"resolved\"");
    EXPECT_PART(i,
                "\"labels\":{\"alertname\":\"intervention\",\"severity\":\"info\",\"funnel\":\"f\","
                "\"step\":\"a>b\",\"intervention\":\"m\"}");
    EXPECT_PART(i,
                "\"startsAt\":\"2024-03-18T00:30:20.000Z\",\"endsAt\":\"2024-03-18T00:41:00.000Z\","
                "\"endsReason\":\"measured\"");
    EXPECT_PART(
        i, "\"window\":{\"from\":\"2024-03-18T00:31:00.000Z\",\"to\":\"2024-03-18T00:41:00.000Z\"");
    EXPECT_PART(i, "\"observed\":{\"entries\":100,\"conversions\":50,\"rate\":0.5,");
    EXPECT_PART(i, "\"expected\":{\"rate\":0.3,\"conversions\":30,\"source\":\"before\"}");
    EXPECT_PART(i, "\"effect\":{\"absolute\":0.2,\"relative\":0.666666667,");
    EXPECT_PART(i, "\"statistic\":2.88675135,\"threshold\":1.95996398");
    EXPECT_PART(i, "\"complete\":true");
    EXPECT_PART(i, "marked at 2024-03-18 00:30:20 UTC: new price.");
    cr_expect(eq(sz, pipe_judge(&kit)->controls->mark_count, 0));
}

Test(controls, every_step_is_measured_where_none_is_named)
{
    size_t i = 0;

    story(MARK("00:30:00Z\",\"funnel\":\"f\""), 0);
    cr_assert(eq(sz, count_interventions(&i), 3));
    EXPECT_PART(i, "\"step\":\"a>b\"");
    EXPECT_PART(i + 1, "\"step\":\"b>c\"");
    EXPECT_PART(i + 2, "\"step\":\"overall\"");
    EXPECT_PART(i, "\"conversions\":55,"); /* the whole minute lies after */
}

/* It was said late: it is measured from where it is known. */
Test(controls, a_mark_is_not_before_what_is_known)
{
    size_t i = 0;

    story(MARK("00:02:00Z\",\"funnel\":\"f\",\"step\":\"a>b\""), 31);
    cr_assert(eq(sz, count_interventions(&i), 1));
    EXPECT_PART(i, "\"startsAt\":\"2024-03-18T00:31:00.000Z\"");
    EXPECT_PART(i, "\"observed\":{\"entries\":100,\"conversions\":50,");
    EXPECT_PART(i, "\"rate\":0.37,\"conversions\":37,"); /* minute 30 and nine before it */
}

Test(controls, a_log_that_begins_inside_is_not_complete)
{
    size_t i = 0;

    story(MARK("00:05:00Z\",\"funnel\":\"f\",\"step\":\"a>b\""), 0);
    cr_assert(eq(sz, count_interventions(&i), 1));
    EXPECT_PART(i, "\"expected\":{\"rate\":0.3,");
    EXPECT_PART(i, "\"complete\":false");
}

/* Nothing comes any more: it is measured all the same, on nothing. */
Test(controls, an_intervention_into_silence)
{
    size_t i = 0;

    crowd(T0, 10, 3);
    control(PANE(300), MARK("05:00:00Z\",\"funnel\":\"f\",\"step\":\"a>b\""));
    wait_until(T0 + 9 * HOUR);
    cr_assert(eq(sz, count_interventions(&i), 1));
    EXPECT_PART(i, "\"endsAt\":\"2024-03-18T05:10:00.000Z\"");
    EXPECT_PART(i, "\"observed\":{\"entries\":0,\"conversions\":0,\"rate\":null,");
    EXPECT_PART(i, "\"statistic\":null");
}

/* What was due in the dark is told after it, with the figures from before. */
Test(controls, an_intervention_due_in_the_dark)
{
    struct judge *j = pipe_judge(&kit);

    crowd(T0, 10, 3);
    crowd(T0 + 15 * MINUTE, 10, 4);
    control(PANE(20), MARK("00:20:00Z\",\"funnel\":\"f\",\"step\":\"a>b\""));
    crowd(T0 + 22 * MINUTE, 10, 5);
    wait_until(T0 + 24 * MINUTE);
    controls_note_dark(j->controls, PANE(25));
    j->closed = PANE(40); /* passed over */
    interventions_open(j, PANE(41), false, &kit.out);
    cr_assert(eq(sz, kit.out.count, 1));
    EXPECT_PART(0, "\"endsAt\":\"2024-03-18T00:30:00.000Z\"");
    EXPECT_PART(0, "\"observed\":{\"entries\":10,\"conversions\":5,");
    EXPECT_PART(0, "\"expected\":{\"rate\":0.4,");
    EXPECT_PART(0, "\"complete\":false");
    cr_expect(eq(i64, kit.out.items[0].timestamp, T0 + 41 * MINUTE));
    cr_expect(eq(sz, j->controls->mark_count, 0));
}

Test(controls, what_is_muted_is_not_told)
{
    crowd(T0, 10, 3);
    control(PANE(20), MARK("00:20:00Z\",\"funnel\":\"f\",\"step\":\"a>b\""));
    wait_until(T0 + 22 * MINUTE);
    interventions_open(pipe_judge(&kit), PANE(41), true, &kit.out);
    cr_expect(eq(sz, kit.out.count, 0));
    cr_expect(eq(sz, pipe_judge(&kit)->controls->mark_count, 0));
}
