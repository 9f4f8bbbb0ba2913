/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of kind data_quality and mix, end to end: what counts, what is published, what a restart and a reload keep. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/explain.h"
#include "funnel/quality.h"
#include "lib/pipe_kit.h"
#include "lib/saved.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define T0 (INT64_C(19800) * DAY) /* 2024-03-18, a Monday */
#define QUALITY "{id: quality, kind: data_quality, target: 10%, window: 10m, min_entries: 20}"
#define MIX "{id: mix, kind: mix, window: 2h, severity: info}"

static int next_entity;

static void yaml_of(const char *time, const char *funnel, const char *rules, struct buf *y)
{
    buf_fmt(y,
            PIPE_KAFKA
            "inputs: [{topic: in, no_data: off}]\n"
            "time: {lateness: 0s, pane: 1m, zone: UTC%s}\n"
            "funnels: {f: {stages: [a, b, c], window: 1d, dims: {channel: {}, kind: {}}%s,"
            " rules: [%s]}}\n",
            time, funnel, rules);
}

static void open_with(struct pipe *k, const char *time, const char *funnel, const char *rules)
{
    struct buf y = {0};

    yaml_of(time, funnel, rules, &y);
    pipe_open(k, buf_cstr(&y), 1);
    pipe_say(k, "{\"entity_id\":\"first\",\"stage\":\"a\",\"ts\":%" PRId64 "}", T0 - 9 * DAY);
    buf_deinit(&y);
}

/* So many entities enter this stage. One that is unknown moves no watermark: it counts in the pane that is open. */
static void say(struct pipe *k, int64_t at, int n, const char *stage, const char *channel)
{
    for (int i = 0; i < n; i++)
        pipe_say(k,
                 "{\"entity_id\":%d,\"stage\":\"%s\",\"ts\":%" PRId64
                 ",\"dims\":{\"channel\":\"%s\"}}",
                 ++next_entity, stage, at, channel);
}

static void wait_until(struct pipe *k, int64_t at)
{
    pipe_say(k, "{\"entity_id\":\"tick\",\"stage\":\"a\",\"funnel\":\"nobody\",\"ts\":%" PRId64 "}",
             at);
}

/* Alerts alone: "firing quality 0:01 7/20", with bad events of all, or entries. */
static const char *story(const struct pipe *k)
{
    static char text[2000];
    size_t n = 0;

    text[0] = '\0';
    for (size_t i = 0; i < k->out.count; i++) {
        int64_t at = k->out.items[i].timestamp - T0;

        if (k->out.items[i].target != RECORD_ALERT)
            continue;
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? "; " : "",
                              pipe_field(&k->out, i, NULL, "status"));
        n += (size_t)snprintf(text + n, sizeof(text) - n, " %s %d:%02d",
                              pipe_field(&k->out, i, "labels", "alertname"), (int)(at / HOUR),
                              (int)(at % HOUR / MINUTE));
        n += (size_t)snprintf(text + n, sizeof(text) - n, " %s",
                              pipe_field(&k->out, i, "effect", "lost_records"));
        n += (size_t)snprintf(text + n, sizeof(text) - n, "/%s",
                              pipe_field(&k->out, i, "observed", "events"));
    }
    return text;
}

#define EXPECT_STORY(k, expected) \
    cr_expect(strcmp(story(k), expected) == 0, "expected %s\n     got %s", expected, story(k))

/* The last alert. */
static size_t last_alert(const struct pipe *k)
{
    size_t i = k->out.count;

    while (i > 0 && k->out.items[i - 1].target != RECORD_ALERT)
        i--;
    cr_assert(i > 0);
    return i - 1;
}

/* --- data_quality --- */

Test(quality, unknown_stages_fire_and_end)
{
    struct pipe k;
    size_t i;

    open_with(&k, "", "", QUALITY);
    say(&k, T0, 13, "a", "ads");
    say(&k, T0, 7, "nonsense", "ads");
    wait_until(&k, T0 + MINUTE);
    EXPECT_STORY(&k, "firing quality 0:01 7/20");
    i = last_alert(&k);
    cr_expect(eq(str, (char *)pipe_field(&k.out, i, "rule", "kind"), "data_quality"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, i, "observed", "rate"), "0.35"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, i, "expected", "rate"), "0.1"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, i, "expected", "source"), "target"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, i, "effect", "lost_conversions"), "null"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, i, NULL, "measure"), "events"));
    cr_expect(
        eq(str, (char *)pipe_field(&k.out, i, "annotations", "summary"),
           "7 of 20 events of f were late or could not be used (35.0 %, at most 10.0 % allowed)"));
    say(&k, T0 + 5 * MINUTE, 30, "a", "ads");
    wait_until(&k, T0 + 12 * MINUTE);
    EXPECT_STORY(&k, "firing quality 0:01 7/20; resolved quality 0:11 0/30");
    pipe_close(&k);
}

/* 10 % are allowed: 4 of 20 are too few to say it is more. */
Test(quality, chance_is_allowed_for_and_few_events_say_nothing)
{
    struct pipe k;

    open_with(&k, "", "", QUALITY);
    say(&k, T0, 16, "a", "ads");
    say(&k, T0, 3, "nonsense", "ads");
    wait_until(&k, T0 + 20 * MINUTE);
    say(&k, T0 + 20 * MINUTE, 16, "a", "ads");
    say(&k, T0 + 20 * MINUTE, 4, "nonsense", "ads");
    wait_until(&k, T0 + 40 * MINUTE);
    say(&k, T0 + 40 * MINUTE, 9, "a", "ads");
    say(&k, T0 + 40 * MINUTE, 10, "nonsense", "ads"); /* 19 events */
    wait_until(&k, T0 + 60 * MINUTE);
    EXPECT_STORY(&k, "");
    pipe_close(&k);
}

/* In the pane open when they came; each once, also where it is a dead letter besides. */
static void late_events(const char *time)
{
    struct pipe k;

    open_with(&k, time, "", QUALITY);
    say(&k, T0, 10, "a", "ads");
    say(&k, T0 + 5 * MINUTE, 3, "a", "ads");
    say(&k, T0 + 2 * MINUTE, 7, "a", "ads");
    wait_until(&k, T0 + 6 * MINUTE);
    EXPECT_STORY(&k, "firing quality 0:06 7/20");
    pipe_close(&k);
}

Test(quality, late_events_are_bad_whatever_becomes_of_them)
{
    late_events("");
    late_events(", late: deadletter");
}

/* c without b is rejected, late or not. */
Test(quality, rejected_events_count_once_though_late)
{
    struct pipe k;

    open_with(&k, "", ", skip: reject", QUALITY);
    say(&k, T0, 12, "a", "ads");
    next_entity -= 4;
    say(&k, T0 + MINUTE, 4, "c", "ads");
    next_entity -= 8;
    say(&k, T0 + 5 * MINUTE, 2, "b", "ads");
    say(&k, T0 + 2 * MINUTE, 2, "c", "ads");
    wait_until(&k, T0 + 6 * MINUTE);
    EXPECT_STORY(&k, "firing quality 0:06 6/20");
    pipe_close(&k);
}

/* A log that is nothing but dead letters has a verdict, too. */
Test(quality, where_nothing_is_usable)
{
    struct pipe k;

    open_with(&k, "", "", QUALITY);
    wait_until(&k, T0);
    say(&k, T0, 25, "nonsense", "ads");
    wait_until(&k, T0 + HOUR);
    EXPECT_STORY(&k, "firing quality 0:01 25/25; resolved quality 0:11 0/0");
    cr_expect(eq(str, (char *)pipe_field(&k.out, last_alert(&k), NULL, "endsReason"), "no_data"));
    pipe_close(&k);
}

/* --- mix --- */

/* Half an hour apart: so many by ads and by mail. */
static void hours(struct pipe *k, int64_t from, int64_t to, int ads, int mail)
{
    for (int64_t at = from; at < to; at += 30 * MINUTE) {
        say(k, at, ads, "a", "ads");
        say(k, at, mail, "a", "mail");
    }
}

Test(quality, another_mix_says_which_values_changed)
{
    struct pipe k;
    size_t i;

    open_with(&k, "", "", MIX);
    hours(&k, T0 - 8 * DAY, T0, 5, 15);
    hours(&k, T0, T0 + 4 * HOUR, 20, 10);
    hours(&k, T0 + 4 * HOUR, T0 + 8 * HOUR, 5, 15);
    EXPECT_STORY(&k, "firing mix 1:00 null/100; resolved mix 6:00 null/80");
    i = last_alert(&k) - 1;
    cr_expect(eq(str, (char *)pipe_field(&k.out, i, "attribution", "segment"), "channel=ads"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, i, "attribution", "mix_effect"), "0.25"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, i, "rule", "kind"), "mix"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, i, "expected", "source"), "baseline"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, i, "evidence", "budget"), "0.05"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, i, "labels", "severity"), "info"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, i, "annotations", "summary"),
                 "The mix of entries in f has changed"));
    pipe_close(&k);
}

Test(quality, more_or_fewer_of_the_same_are_no_other_mix)
{
    struct pipe k;

    open_with(&k, "", "", MIX);
    hours(&k, T0 - 8 * DAY, T0, 5, 15);
    hours(&k, T0, T0 + 4 * HOUR, 50, 150);
    hours(&k, T0 + 4 * HOUR, T0 + 12 * HOUR, 2, 6);
    EXPECT_STORY(&k, "");
    pipe_close(&k);
}

Test(quality, before_a_week_nothing_is_usual)
{
    struct pipe k;

    open_with(&k, "", "", MIX); /* the log begins nine days before */
    hours(&k, T0 - 2 * DAY, T0, 5, 15);
    hours(&k, T0, T0 + 4 * HOUR, 20, 10);
    EXPECT_STORY(&k, "");
    pipe_close(&k);
}

Test(quality, explain_says_what_they_see)
{
    static const char *const parts[] = {
        "saw       25 events, 5 of them bad: 20.0 % (95 % interval",
        "at most 10.0 %",
        "saw       80 entries; by channel 18.8 % are others than usual, ads from 25.0 to 43.8 %, "
        "mail from 75.0 to 56.2 %",
    };
    const struct explain_query all = {0};
    struct buf text = {0};
    struct pipe k;

    open_with(&k, "", "", QUALITY ", " MIX);
    hours(&k, T0 - 8 * DAY, T0 - 30 * MINUTE, 5, 15);
    say(&k, T0 - 30 * MINUTE, 20, "a", "ads");
    wait_until(&k, T0 - 5 * MINUTE);
    say(&k, T0, 5, "nonsense", "ads");
    say(&k, T0, 20, "a", "ads");
    wait_until(&k, T0 + MINUTE);
    explain_write(k.p, &all, &text);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        cr_expect(strstr(buf_cstr(&text), parts[i]) != NULL, "%s\nin %s", parts[i],
                  buf_cstr(&text));
    pipe_close(&k);
    buf_deinit(&text);
}

/* --- restarts and reloads --- */

static void restart(struct pipe *k)
{
    const char *wrong = saved_restart(k);

    cr_assert(zero(ptr, (void *)wrong), "%s", wrong);
}

static void reload(struct pipe *k, const char *rules)
{
    struct buf y = {0};

    yaml_of("", "", rules, &y);
    pipe_switch(k, buf_cstr(&y));
    buf_deinit(&y);
}

Test(quality, a_restart_and_a_reload_keep_what_was_counted)
{
    struct pipe k;

    open_with(&k, "", "", QUALITY ", " MIX);
    hours(&k, T0 - 8 * DAY, T0, 5, 15);
    restart(&k);
    reload(&k, "{id: more, kind: rise}, " MIX ", " QUALITY);
    restart(&k);
    hours(&k, T0, T0 + HOUR, 20, 10);
    say(&k, T0 + 59 * MINUTE, 13, "a", "ads");
    restart(&k);
    reload(&k, QUALITY ", " MIX);
    wait_until(&k, T0 + 61 * MINUTE);
    say(&k, T0 + 61 * MINUTE, 7, "nonsense", "ads");
    wait_until(&k, T0 + 62 * MINUTE);
    EXPECT_STORY(&k, "firing mix 1:00 null/113; firing quality 1:02 7/20");
    pipe_close(&k);
}

/* What it did not see it does not know. */
Test(quality, a_new_rule_says_nothing_of_before)
{
    struct pipe k;

    open_with(&k, "", "", "{id: other, kind: rise}");
    hours(&k, T0 - 8 * DAY, T0, 5, 15);
    say(&k, T0, 13, "a", "ads");
    say(&k, T0, 7, "nonsense", "ads");
    wait_until(&k, T0 + MINUTE);
    reload(&k, QUALITY ", " MIX);
    wait_until(&k, T0 + 2 * MINUTE);
    say(&k, T0 + 2 * MINUTE, 30, "nonsense", "ads");
    wait_until(&k, T0 + 10 * MINUTE);
    EXPECT_STORY(&k, "");
    say(&k, T0 + 10 * MINUTE, 30, "nonsense", "ads");
    hours(&k, T0 + 30 * MINUTE, T0 + 4 * HOUR, 20, 10);
    EXPECT_STORY(&k, "firing quality 0:11 60/60; resolved quality 0:21 0/0");
    pipe_close(&k);
}

Test(quality, a_changed_rule_ends_what_fires)
{
    struct pipe k;

    open_with(&k, "", "", QUALITY);
    wait_until(&k, T0);
    say(&k, T0, 30, "nonsense", "ads");
    wait_until(&k, T0 + MINUTE);
    reload(&k, "{id: quality, kind: data_quality, target: 20%, window: 10m, min_entries: 20}");
    EXPECT_STORY(&k, "firing quality 0:01 30/30; resolved quality 0:01 30/30");
    cr_expect(
        eq(str, (char *)pipe_field(&k.out, last_alert(&k), NULL, "endsReason"), "rule_changed"));
    pipe_close(&k);
}
