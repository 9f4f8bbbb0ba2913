/* SPDX-License-Identifier: Apache-2.0 */
/* More partitions: entities go on where their next events come, and nobody counts anything for it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "funnel/homes.h"
#include "lib/rekeyed.h"
#include "lib/saved.h"
#include "lib/standings.h"

#define MINUTE INT64_C(60000)
#define T0 (INT64_C(19800) * 24 * 60 * MINUTE)
#define HEAD PIPE_KAFKA "inputs: [{topic: in}]\ntime: {lateness: 5m, pane: 1m}\n"
#define F(text) HEAD "funnels: {f: {" text "}}\n"
#define SHOP \
    "stages: [a, b, c], window: 2h, lost: [lost], dims: {channel: {}, region: {}}, " \
    "breakdowns: [owner], rules: [{id: low, kind: target, target: 50%, window: 10m, " \
    "min_entries: 5, step: a>b}]"

static void event(struct pipe *k, uint32_t partition, const char *entity, const char *stage,
                  int64_t at, const char *id)
{
    static const char *const values[] = {"ads", "mail", "shop", "fair", "call"};
    size_t n = strlen(entity) > 1 ? (size_t)(entity[1] + entity[strlen(entity) - 1]) : 0;
    char text[512];

    snprintf(text, sizeof(text),
             "{\"entity_id\":\"%s\",\"stage\":\"%s\",\"ts\":%" PRId64
             ",\"event_id\":\"%s\",\"amount\":%zu,\"owner\":\"o-%s\",\"reason\":\"r-%s\","
             "\"dims\":{\"channel\":\"%s\",\"region\":\"%s\"}}",
             entity, stage, at, id, n, values[n % 4], values[n % 3], values[n % 5], values[n % 2]);
    pipe_say_on(k, partition, -1, text);
}

/* On the partition that its entity is at home on. */
static void event_home(struct pipe *k, const char *entity, const char *stage, int64_t at)
{
    char id[64];

    snprintf(id, sizeof(id), "%s-%s-%" PRId64, entity, stage, at);
    event(k, rekeyed_home_of(k, entity), entity, stage, at, id);
}

/* Many entities enter, some go on; every event comes up to 2 minutes late. */
static void crowd(struct pipe *k, int from, int to, int64_t at, const char *stage, int share)
{
    char name[24];

    for (int i = from; i < to; i++) {
        snprintf(name, sizeof(name), "e%d", i);
        if (i * 7 % 100 < share)
            event_home(k, name, stage, at + i * 1000 - i % 5 * (MINUTE / 2));
    }
}

/* Only moves the watermarks, of every partition. */
static void tick(struct pipe *k, int64_t at)
{
    char text[200];

    for (uint32_t i = 0; i < k->p->source_count; i++) {
        snprintf(text, sizeof(text),
                 "{\"entity_id\":\"t\",\"stage\":\"a\",\"funnel\":\"nobody\",\"ts\":%" PRId64 "}",
                 at);
        pipe_say_on(k, i, -1, text);
    }
}

static void same(const char *wrong)
{
    cr_expect(wrong == NULL, "%s", wrong);
}

/* The same events, on as many partitions as there are then. */
static void tell(struct pipe *k, size_t partitions, struct rekey_result *ret)
{
    crowd(k, 0, 300, T0 + 10 * MINUTE, "a", 100);
    crowd(k, 0, 300, T0 + 15 * MINUTE, "b", 30);
    if (partitions > 1)
        *ret = rekeyed(k, partitions, 1);
    crowd(k, 0, 300, T0 + 20 * MINUTE, "b", 60);
    crowd(k, 0, 300, T0 + 25 * MINUTE, "c", 25);
    crowd(k, 200, 400, T0 + 30 * MINUTE, "a", 100);
    crowd(k, 0, 300, T0 + 36 * MINUTE, "lost", 10);
    tick(k, T0 + 60 * MINUTE);
    pipe_end(k);
}

Test(pipeline_rekey, entities_go_on_as_on_one_partition)
{
    struct buf one = {0}, four = {0};
    struct rekey_result r = {0};
    struct pipe a, b;

    pipe_open(&a, F(SHOP), 1);
    pipe_open(&b, F(SHOP), 1);
    tell(&a, 1, &r);
    tell(&b, 4, &r);
    pipe_report(&a, CALENDAR_DAY, &one);
    pipe_report(&b, CALENDAR_DAY, &four);
    cr_expect(strcmp(buf_cstr(&one), buf_cstr(&four)) == 0, "%s\n%s", buf_cstr(&one),
              buf_cstr(&four));
    cr_expect(r.moved > 100, "%d moved", (int)r.moved);
    cr_expect(r.waiting > 20, "%d waited", (int)r.waiting);
    cr_expect(eq(u64, r.unknown + r.stuck, 0));
    same(standings_differ(b.p));
    buf_deinit(&one);
    buf_deinit(&four);
    pipe_close(&a);
    pipe_close(&b);
}

Test(pipeline_rekey, an_advance_of_a_moved_entity_counts_as_one)
{
    struct rekey_result r;
    struct pipe k;

    pipe_open(&k, F("stages: [a, b], window: 2h"), 1);
    event(&k, 0, "x", "a", T0, "1");
    tick(&k, T0 + 10 * MINUTE);
    r = rekeyed(&k, 2, 0);
    cr_expect(eq(u64, r.unknown, 1)); /* nothing is said of its home */
    r = rekeyed(&k, 8, 1);
    cr_assert(rekeyed_home_of(&k, "x") != 0);
    cr_expect(eq(u64, r.moved, 1));
    event_home(&k, "x", "b", T0 + 11 * MINUTE);
    tick(&k, T0 + 30 * MINUTE);
    pipe_end(&k);
    cr_expect(pipe_reports(&k, "\"advanced\":1"));
    cr_expect(eq(u64, judge_audit(pipe_judge(&k)), 0));
    pipe_close(&k);
}

/* Sources of several inputs stand by input: new ones come between. */
Test(pipeline_rekey, new_sources_stand_with_their_input)
{
    static const char yaml[] = PIPE_KAFKA
        "inputs: [{topic: in}, {topic: other}]\ntime: {lateness: 5m, pane: 1m}\n"
        "funnels: {f: {stages: [a, b], window: 2h}}\n";
    struct pipeline_source sources[] = {
        {"in", 0, 0}, {"in", 1, 0}, {"other", 0, 1}, {"other", 1, 1}};
    const struct pipeline_source before[] = {{"in", 0, 0}, {"other", 0, 1}};
    const int64_t next[4] = {0};
    struct rekey_result r;
    struct homes *homes;
    struct pipe k;
    struct saved saved;
    struct pipeline *again;

    pipe_open(&k, yaml, 1);
    pipeline_free(k.p);
    k.p = pipeline_new(k.settings, k.zone, before, 2);
    event(&k, 1, "x", "a", T0, "1");
    event(&k, 0, "y", "a", T0 + 5 * MINUTE, "1");
    homes = homes_new(k.p);
    cr_expect(not(homes_set(homes, 0, tally_fingerprint(&k.p->tallies[0], span_of("x")), 1)));
    cr_expect(homes_set(homes, 1, tally_fingerprint(&k.p->tallies[0], span_of("x")), 3));
    pipeline_rekey(k.p, &(struct rekey){sources, 4, next, homes}, &k.out, &r);
    homes_free(homes);
    cr_expect(eq(sz, k.p->source_count, 4));
    cr_expect(eq(u64, r.waiting, 1)); /* x has not come to its turn yet */
    cr_expect(eq(i64, k.p->tallies[1].watermark_ms, T0));
    cr_expect(eq(i64, k.p->tallies[3].watermark_ms, T0 - 5 * MINUTE));
    saved_take(&saved, k.p);
    again = saved_fresh(&k);
    same(saved_load(&saved, again));
    pipeline_free(again);
    saved_deinit(&saved);
    pipe_close(&k);
}

/* The other partition is ahead of what waits: it would be late there, and is not here. */
Test(pipeline_rekey, what_would_be_late_there_is_applied_before)
{
    struct counters sum;
    struct rekey_result r;
    struct pipe k;
    char name[] = "x0";

    pipe_open(&k, F("stages: [a, b], window: 2h, skip: reject"), 2);
    tick(&k, T0);
    while (rekeyed_home_of(&k, name) != 1)
        name[1]++;
    pipe_say_on(
        &k, 1, -1,
        "{\"entity_id\":\"far\",\"stage\":\"a\",\"funnel\":\"nobody\",\"ts\":1710723600000}");
    cr_assert(k.p->tallies[1].watermark_ms > T0);
    event(&k, 0, name, "a", T0, "1");
    r = rekeyed(&k, 2, 1);
    cr_expect(eq(u64, r.moved, 1));
    cr_expect(eq(u64, r.waiting, 0));
    pipe_count(&k, &sum);
    cr_expect(eq(u64, sum.n[COUNTER_LATE], 0));
    cr_expect(eq(u64, sum.n[COUNTER_ENTITIES_CREATED], 1));
    pipe_close(&k);
}

/* It says where it lay, not where it waited. */
Test(pipeline_rekey, a_dead_letter_of_an_event_that_moved)
{
    struct rekey_result r;
    struct pipe k;
    char name[] = "x0";

    pipe_open(&k, F("stages: [a, b, c], window: 2h, skip: reject"), 1);
    event(&k, 0, "first", "a", T0, "1");
    while (rekeyed_home(tally_fingerprint(&k.p->tallies[0], span_of(name)), 3) == 0)
        name[1]++;
    event(&k, 0, name, "a", T0 + MINUTE, "2");
    event(&k, 0, name, "c", T0 + 2 * MINUTE, "3");
    r = rekeyed(&k, 3, 1);
    cr_expect(r.waiting >= 2);
    tick(&k, T0 + 20 * MINUTE);
    cr_assert(eq(sz, k.out.count, 1));
    cr_expect(eq(str, (char *)pipe_header(&k.out, 0, "funneld_partition"), "0"));
    cr_expect(eq(str, (char *)pipe_header(&k.out, 0, "funneld_offset"), "2"));
    pipe_close(&k);
}

Test(pipeline_rekey, duplicates_are_known_on_the_new_partition)
{
    struct counters sum;
    struct pipe k;
    char name[] = "x0";

    pipe_open(&k, F("stages: [a, b], window: 2h, dedupe: 1h, regress: new_attempt"), 1);
    tick(&k, T0);
    event(&k, 0, "x0", "a", T0, "same");
    rekeyed(&k, 4, 1);
    event(&k, rekeyed_home_of(&k, name), "x0", "a", T0 + MINUTE, "same");
    pipe_count(&k, &sum);
    cr_expect(eq(u64, sum.n[COUNTER_DUPLICATES], 1));
    pipe_close(&k);
}

/* Met on both partitions: it stays on both, with what waits for it. */
Test(pipeline_rekey, one_that_the_other_partition_has_too_stays)
{
    struct rekey_result r;
    struct pipe k;

    pipe_open(&k, F(SHOP), 2);
    for (uint32_t i = 0; i < 2; i++) {
        event(&k, i, "x", "a", T0, "1");
        event(&k, i, "far", "a", T0 + 5 * MINUTE, "2");
        event(&k, i, "x", "b", T0 + 6 * MINUTE, "3");
    }
    r = rekeyed(&k, 2, 1);
    cr_expect(eq(u64, r.stuck, 1));
    cr_expect(eq(u64, r.moved, 0));
    cr_expect(eq(u64, r.at_home, 1));
    tick(&k, T0 + 60 * MINUTE);
    pipe_end(&k);
    same(standings_differ(k.p));
    cr_expect(eq(u64, judge_audit(pipe_judge(&k)), 0));
    pipe_close(&k);
}

/* The caps bound what comes, not what moves. */
Test(pipeline_rekey, caps_do_not_refuse_what_moves)
{
    struct rekey_result r;
    struct pipe k;

    pipe_open(&k, HEAD "limits: {entities: 40, leaves: 5, values: 3}\nfunnels: {f: {" SHOP "}}\n",
              3);
    crowd(&k, 0, 100, T0, "a", 100);
    tick(&k, T0 + 10 * MINUTE);
    r = rekeyed(&k, 3, 1);
    cr_expect(eq(u64, r.moved, 0)); /* they are at home */
    r = rekeyed(&k, 8, 1);
    cr_expect(eq(u64, r.stuck + r.unknown, 0));
    cr_expect(r.moved > 20);
    same(saved_restart(&k));
    tick(&k, T0 + 60 * MINUTE);
    pipe_end(&k);
    same(standings_differ(k.p));
    cr_expect(eq(u64, judge_audit(pipe_judge(&k)), 0));
    pipe_close(&k);
}

/* They come from a partition that was ahead, and a reload begins the funnel anew before the other has caught up: each
 * joins in the pane of its own begin. */
Test(pipeline_rekey, a_reload_before_the_other_partition_has_caught_up)
{
    struct rekey_result r;
    struct counters sum;
    struct pipe k;
    char name[24];

    pipe_open(&k, F("stages: [a, b], window: 2h"), 2);
    event(&k, 0, "first", "a", T0, "1");
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "e%d", i);
        event(&k, 1, name, "a", T0 + i * MINUTE, name);
    }
    r = rekeyed(&k, 2, 1);
    cr_expect(r.moved > 10, "%d moved", (int)r.moved);
    pipe_switch(&k, F("stages: [a, b], window: 3h"));
    same(audit_differs(k.p));
    for (int64_t at = T0 + 36 * MINUTE; at < T0 + 60 * MINUTE; at += MINUTE) {
        tick(&k, at);
        same(audit_differs(k.p));
    }
    for (int i = 0; i < 35; i++) {
        snprintf(name, sizeof(name), "e%d", i);
        event_home(&k, name, "b", T0 + 60 * MINUTE + i);
    }
    tick(&k, T0 + 80 * MINUTE);
    pipe_end(&k);
    same(audit_differs(k.p));
    same(standings_differ(k.p));
    pipe_count(&k, &sum);
    cr_expect(eq(u64, sum.n[COUNTER_CONSERVATION], 0));
    cr_expect(pipe_reports(&k, "\"advanced\":35"));
    pipe_close(&k);
}

/* The other way round: what the reload took over joins in the pane its partition had open, and the partition that an
 * entity goes to is not there yet. What comes of it next comes after it has joined. */
Test(pipeline_rekey, soon_after_a_reload)
{
    struct rekey_result r;
    struct counters sum;
    struct pipe k;
    char name[24];

    pipe_open(&k, F("stages: [a, b], window: 2h"), 2);
    event(&k, 0, "first", "a", T0, "1");
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "e%d", i);
        event(&k, 1, name, "a", T0 + i * MINUTE, name);
    }
    pipe_switch(&k, F("stages: [a, b], window: 3h"));
    r = rekeyed(&k, 2, 1);
    cr_expect(r.moved > 10, "%d moved", (int)r.moved);
    same(audit_differs(k.p));
    for (int i = 0; i < 34; i++) {
        snprintf(name, sizeof(name), "e%d", i);
        if (rekeyed_home_of(&k, name) == 0)
            event_home(&k, name, "b", T0 + i * MINUTE + 1);
        same(audit_differs(k.p));
    }
    tick(&k, T0 + 80 * MINUTE);
    pipe_end(&k);
    same(audit_differs(k.p));
    same(standings_differ(k.p));
    pipe_count(&k, &sum);
    cr_expect(eq(u64, sum.n[COUNTER_CONSERVATION], 0));
    pipe_close(&k);
}
