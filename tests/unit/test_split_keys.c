/* SPDX-License-Identifier: Apache-2.0 */
/* Split keys, end to end: an id whose events come in two partitions is counted, an alert of data_quality says so and
 * ends; restarts, reloads and more partitions keep it right, and no order of the partitions changes a byte. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "funnel/explain.h"
#include "funnel/mem.h"
#include "funnel/splits.h"
#include "lib/rekeyed.h"
#include "lib/saved.h"
#include "lib/streams.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define T0 (INT64_C(19800) * 24 * HOUR)
#define YAML(stages, rule) \
    PIPE_KAFKA "inputs: [{topic: in, no_data: off}]\n" \
               "time: {lateness: 0s, pane: 1m, zone: UTC}\n" \
               "funnels: {f0: {stages: [" stages "], window: 12h, forget_after: 7d, " \
               "rules: [{id: quality, kind: data_quality, target: 10%, window: 10m" rule "}]}}\n"
#define SHOP YAML("a, b, c", "")

struct ids {
    char name[32][24];
};

/* Ids that are watched, found by trying. */
static void find_watched(const struct pipeline *p, struct ids *ret, int count)
{
    int found = 0;

    for (int n = 0; found < count; n++) {
        snprintf(ret->name[found], sizeof(ret->name[found]), "w%d", n);
        found += splits_watches(tally_fingerprint(&p->tallies[0], span_of(ret->name[found])));
    }
}

static void say(struct pipe_log *l, uint32_t partition, const char *id, const char *stage,
                int64_t at)
{
    char text[160];

    snprintf(text, sizeof(text), "{\"entity_id\":\"%s\",\"stage\":\"%s\",\"ts\":%" PRId64 "}", id,
             stage, at);
    pipe_log_add(l, partition, -1, text);
}

static void feed(struct pipe *k)
{
    const struct message *m = pipe_log_messages(&k->log);

    pipeline_step(k->p, m + k->fed, k->log.count - k->fed, &k->out);
    k->fed = k->log.count;
}

static void event(struct pipe *k, uint32_t partition, const char *id, const char *stage, int64_t at)
{
    say(&k->log, partition, id, stage, at);
    feed(k);
}

/* Closes what lies before, in every partition. */
static void tick(struct pipe *k, int64_t at)
{
    char text[160];

    for (uint32_t i = 0; i < k->p->source_count; i++) {
        snprintf(text, sizeof(text),
                 "{\"entity_id\":\"t\",\"stage\":\"a\",\"funnel\":\"nobody\",\"ts\":%" PRId64 "}",
                 at);
        pipe_say_on(k, i, -1, text);
    }
}

static struct pipe k;
static struct ids w;

static void open_it(void)
{
    pipe_open(&k, SHOP, 2);
    find_watched(k.p, &w, 6);
    event(&k, 0, "first", "a", T0 - HOUR);
}

static void close_it(void)
{
    pipe_close(&k);
}

TestSuite(split_keys, .init = open_it, .fini = close_it);

static int64_t counted(void)
{
    return pipe_judge(&k)->counts[COUNT_SPLIT];
}

/* Four ids go on where they are, four events of two come elsewhere. */
static void go_wrong(int64_t at)
{
    for (int i = 0; i < 6; i++)
        event(&k, (uint32_t)i % 2, w.name[i], "a", at);
    tick(&k, at + MINUTE);
    for (int i = 0; i < 2; i++) {
        event(&k, (uint32_t)(i + 1) % 2, w.name[i], "b", at + MINUTE);
        event(&k, (uint32_t)(i + 1) % 2, w.name[i], "c", at + MINUTE);
    }
    event(&k, 0, w.name[2], "b", at + MINUTE);
    tick(&k, at + 2 * MINUTE);
}

static const char *field(size_t from_end, const char *after, const char *key)
{
    cr_assert(k.out.count > from_end);
    return pipe_field(&k.out, k.out.count - 1 - from_end, after, key);
}

#define EXPECT_FIELD(from_end, after, key, value) \
    cr_expect(eq(str, (char *)field(from_end, after, key), value))

Test(split_keys, are_counted_and_fire_and_end)
{
    struct counters sum;

    go_wrong(T0);
    cr_expect(eq(i64, counted(), 2));
    pipe_count(&k, &sum);
    cr_expect(eq(u64, sum.n[COUNTER_SPLIT_KEYS], 2));
    cr_expect(pipe_reports(&k, "\"split_keys\":2,"));
    cr_assert(eq(sz, k.out.count, 1));
    EXPECT_FIELD(0, NULL, "status", "firing");
    EXPECT_FIELD(0, "observed", "events", "11");
    EXPECT_FIELD(0, "observed", "rate", "0.363636364");
    EXPECT_FIELD(0, "effect", "lost_records", "4");
    EXPECT_FIELD(0, "data", "split_keys", "2");
    EXPECT_FIELD(
        0, "annotations", "summary",
        "4 of 11 watched events of f0 are of ids that came in more than one partition (one "
        "id in 4096 is watched): key the topic by its entity id");
    tick(&k, T0 + 20 * MINUTE);
    cr_assert(eq(sz, k.out.count, 2));
    EXPECT_FIELD(0, NULL, "status", "resolved");
    EXPECT_FIELD(0, NULL, "endsReason", "no_data");
}

/* Of the many events none is bad: the alert is about the sample, and goes when the sample is clean. */
Test(split_keys, are_found_among_many_events)
{
    char id[24];

    for (int i = 0; i < 200; i++) {
        snprintf(id, sizeof(id), "n%d", i);
        if (!splits_watches(tally_fingerprint(&k.p->tallies[0], span_of(id))))
            event(&k, (uint32_t)i % 2, id, "a", T0);
    }
    go_wrong(T0);
    cr_assert(eq(sz, k.out.count, 1));
    EXPECT_FIELD(0, "observed", "events", "11");
    for (int i = 0; i < 40; i++) { /* watched or not: they stay where they are */
        snprintf(id, sizeof(id), "n%d", i);
        event(&k, (uint32_t)i % 2, id, "b", T0 + 5 * MINUTE);
    }
    tick(&k, T0 + 14 * MINUTE);
    cr_assert(eq(sz, k.out.count, 2));
    EXPECT_FIELD(0, NULL, "endsReason", "recovered");
    EXPECT_FIELD(0, "observed", "events", "40");
}

/* Two of three are too many for chance, and yet too few. */
Test(split_keys, an_event_or_two_astray_are_no_alert)
{
    event(&k, 0, w.name[0], "a", T0);
    event(&k, 1, w.name[0], "b", T0 + MINUTE);
    event(&k, 1, w.name[0], "c", T0 + 2 * MINUTE);
    tick(&k, T0 + 3 * MINUTE);
    cr_expect(eq(i64, counted(), 1));
    cr_expect(eq(sz, k.out.count, 0));
    event(&k, 1, w.name[0], "c", T0 + 3 * MINUTE);
    tick(&k, T0 + 4 * MINUTE);
    cr_expect(eq(i64, counted(), 1));
    cr_assert(eq(sz, k.out.count, 1));
    EXPECT_FIELD(0, "observed", "events", "4");
}

Test(split_keys, who_is_not_watched_is_not_seen)
{
    for (int i = 0; i < 20; i++)
        event(&k, (uint32_t)i % 2, "first", i % 4 < 2 ? "a" : "b", T0 + i * MINUTE);
    tick(&k, T0 + 30 * MINUTE);
    cr_expect(eq(i64, counted(), 0));
    cr_expect(eq(sz, k.out.count, 0));
}

Test(split_keys, explain_says_what_it_sees)
{
    struct buf text = {0};

    go_wrong(T0);
    cr_expect(eq(sz, explain_write(k.p, &(struct explain_query){0}, &text), 1));
    cr_expect(strstr(buf_cstr(&text),
                     "saw       11 watched events, 4 of them of split ids: 36.4 % ") != NULL,
              "%s", buf_cstr(&text));
    buf_deinit(&text);
}

/* What is known of an id, and what of it waits in an open pane. */
Test(split_keys, go_on_after_a_restart)
{
    const char *wrong;

    event(&k, 0, w.name[0], "a", T0);
    event(&k, 1, "x", "a", T0);
    wrong = saved_restart(&k);
    cr_assert(wrong == NULL, "%s", wrong);
    tick(&k, T0 + 10 * MINUTE);
    wrong = saved_restart(&k);
    cr_assert(wrong == NULL, "%s", wrong);
    event(&k, 1, w.name[0], "b", T0 + 10 * MINUTE);
    tick(&k, T0 + 11 * MINUTE);
    cr_expect(eq(i64, counted(), 1));
}

/* Of the same shape it is known where ids came from; a judge that begins knows nothing. */
Test(split_keys, go_on_under_other_rules)
{
    event(&k, 0, w.name[0], "a", T0);
    event(&k, 1, "x", "a", T0);
    pipe_switch(&k, YAML("a, b, c", ", min_entries: 10"));
    event(&k, 1, w.name[0], "b", T0 + MINUTE);
    tick(&k, T0 + 2 * MINUTE);
    cr_expect(eq(i64, counted(), 1));
    pipe_switch(&k, YAML("a, b, c, d", ""));
    event(&k, 0, w.name[0], "b", T0 + 3 * MINUTE);
    tick(&k, T0 + 4 * MINUTE);
    cr_expect(eq(i64, counted(), 0));
}

/* Entities move to other partitions, with what waits of them: none is split by that. */
Test(split_keys, more_partitions_split_nothing)
{
    uint32_t moved = 0;

    for (int i = 0; i < 6; i++)
        event(&k, rekeyed_home_of(&k, w.name[i]), w.name[i], "a", T0);
    tick(&k, T0 + MINUTE);
    for (int i = 0; i < 6; i++) /* their pane is open still */
        event(&k, rekeyed_home_of(&k, w.name[i]), w.name[i], "b", T0 + MINUTE);
    for (int i = 0; i < 6; i++)
        moved += rekeyed_home_of(&k, w.name[i]) !=
                 rekeyed_home(tally_fingerprint(&k.p->tallies[0], span_of(w.name[i])), 5);
    rekeyed(&k, 5, 1);
    cr_assert(moved > 0);
    for (int i = 0; i < 6; i++)
        event(&k, rekeyed_home_of(&k, w.name[i]), w.name[i], "c", T0 + MINUTE);
    tick(&k, T0 + 2 * MINUTE);
    cr_expect(eq(i64, counted(), 0));
    event(&k, (rekeyed_home_of(&k, w.name[0]) + 1) % 5, w.name[0], "a", T0 + 3 * MINUTE);
    tick(&k, T0 + 4 * MINUTE);
    cr_expect(eq(i64, counted(), 1));
}

/* --- in any order --- */

#define PARTITIONS 3
#define LINES 1500

/* In the middle third ids come anywhere; the last one is slow enough for that to be forgiven. */
static void stream_fill(struct stream *s, uint64_t seed)
{
    static const char *const stages[] = {"a", "b", "c"};
    struct dice d = {seed};
    int64_t at = T0;

    *s = (struct stream){.seed = seed, .partitions = PARTITIONS};
    buf_str(&s->yaml, YAML("a, b, c", ", min_entries: 1"));
    for (int i = 0; i < LINES; i++) {
        bool wrong = i > LINES / 3 && i < LINES * 2 / 3 && dice_chance(&d, 0.1);
        int64_t id = dice_below(&d, 6), home = id % PARTITIONS;
        char other[24];

        snprintf(other, sizeof(other), "n%d", (int)dice_below(&d, 500));
        at += dice_below(&d, i < LINES * 2 / 3 ? 10000 : 10 * MINUTE);
        say(&s->log, (uint32_t)(wrong ? dice_below(&d, PARTITIONS) : home),
            dice_chance(&d, 0.3) ? w.name[id] : other, stages[dice_below(&d, 3)], at);
    }
}

struct batches {
    struct dice dice;
    bool restarts;
    const char *wrong;
};

static size_t batch(void *user, struct pipe *pipe, size_t at)
{
    struct batches *b = user;

    if (b->restarts && at > 0 && !b->wrong && dice_chance(&b->dice, 0.1))
        b->wrong = saved_restart(pipe);
    return 1 + (size_t)dice_below(&b->dice, dice_chance(&b->dice, 0.1) ? 400 : 9);
}

static void orders_agree(uint64_t seed, struct run_result *base)
{
    size_t lines[LINES], order[LINES];
    struct run_result other;
    struct stream s;

    stream_fill(&s, seed);
    for (size_t i = 0; i < LINES; i++)
        lines[i] = i;
    stream_run(&s, lines, LINES, NULL, NULL, base);
    for (uint64_t way = 0; way < 5; way++) {
        struct batches b = {.dice = {seed + way}, .restarts = way >= 3};
        const char *wrong;

        if (way == 0)
            stream_apart(&s, lines, LINES, order);
        else
            stream_interleave(&s, lines, LINES, seed + way, order);
        stream_run(&s, order, LINES, batch, &b, &other);
        wrong = b.wrong ? b.wrong : run_result_differs(base, &other);
        cr_assert(wrong == NULL, "seed %d, way %d: %s", (int)seed, (int)way, wrong);
        run_result_deinit(&other);
    }
    stream_deinit(&s);
}

Test(split_keys, any_order_of_the_partitions_says_the_same)
{
    size_t fired = 0, resolved = 0, split = 0, streams = property_least(10);

    for (uint64_t seed = 1; seed <= streams; seed++) {
        struct run_result base;

        orders_agree(seed, &base);
        fired += base.fired;
        resolved += base.resolved;
        split += base.counts[COUNTER_SPLIT_KEYS];
        run_result_deinit(&base);
    }
    cr_expect(fired >= streams && resolved >= streams / 2 && split >= streams,
              "%zu fired, %zu resolved, %zu split", fired, resolved, split);
}
