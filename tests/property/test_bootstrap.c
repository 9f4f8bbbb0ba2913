/* SPDX-License-Identifier: Apache-2.0 */
/* A first start reads what is there and says nothing of it; from then on, each key's records are those of a run
 * that published from the start. Only what began before and lasts is told then, in its first pane. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/mem.h"
#include "lib/decided.h"

/* Of one key: its turns, and how many. */
struct key_story {
    char key[32], starts_at[40];
    struct buf text;
    int sequence;
    bool open; /* fires since before the mute's end */
};
struct stories {
    struct key_story *items;
    size_t count, cap;
};

static struct key_story *story_of(struct stories *all, const struct records *r, size_t i)
{
    struct span key = record_key_of(r, &r->items[i]);
    struct key_story *s;

    for (size_t k = 0; k < all->count; k++)
        if (span_is(key, all->items[k].key))
            return &all->items[k];
    all->items = mem_grow(all->items, all->count, &all->cap, sizeof(*all->items));
    s = &all->items[all->count++];
    *s = (struct key_story){0};
    snprintf(s->key, sizeof(s->key), "%.*s", (int)key.len, key.p);
    return s;
}

static void stories_deinit(struct stories *all)
{
    for (size_t i = 0; i < all->count; i++)
        buf_deinit(&all->items[i].text);
    mem_free(all->items);
}

static void story_turn(struct key_story *s, const char *status, int64_t at, const char *starts_at)
{
    buf_fmt(&s->text, "%d %s %" PRId64 " since %s\n", ++s->sequence, status, at, starts_at);
}

/* What lasts is told at `from_ms`, unless it ends in that very pane. */
static void story_begin(struct key_story *s, int64_t from_ms, bool ends_now)
{
    if (s->open && !ends_now)
        story_turn(s, "firing", from_ms, s->starts_at);
    s->open = false;
}

/* From the records of a run without mute. */
static void expect_stories(struct stories *all, const struct records *r, int64_t from_ms)
{
    for (size_t i = 0; i < r->count; i++) {
        int64_t at = r->items[i].timestamp;
        char status[40];
        bool ends;
        struct key_story *s;

        if (r->items[i].target != RECORD_ALERT)
            continue;
        s = story_of(all, r, i);
        snprintf(status, sizeof(status), "%s", pipe_field(r, i, NULL, "status"));
        ends = strcmp(status, "resolved") == 0;
        if (at < from_ms) {
            s->open = !ends;
            snprintf(s->starts_at, sizeof(s->starts_at), "%s", pipe_field(r, i, NULL, "startsAt"));
            continue;
        }
        if (s->open && at == from_ms) { /* what is told there is as it stands then */
            story_begin(s, from_ms, ends);
            continue;
        }
        story_begin(s, from_ms, false);
        story_turn(s, status, at, pipe_field(r, i, NULL, "startsAt"));
    }
}

static void take_stories(struct stories *all, const struct records *r)
{
    for (size_t i = 0; i < r->count; i++) {
        char status[40], starts_at[40];
        struct key_story *s;

        if (r->items[i].target != RECORD_ALERT)
            continue;
        s = story_of(all, r, i);
        snprintf(status, sizeof(status), "%s", pipe_field(r, i, NULL, "status"));
        snprintf(starts_at, sizeof(starts_at), "%s", pipe_field(r, i, NULL, "startsAt"));
        s->sequence = atoi(pipe_field(r, i, NULL, "sequence")) - 1;
        story_turn(s, status, r->items[i].timestamp, starts_at);
    }
}

static const char *stories_differ(const struct stories *want, const struct stories *got)
{
    static char said[2000];
    size_t told = 0;

    for (size_t i = 0; i < want->count; i++) {
        const struct key_story *w = &want->items[i], *g = NULL;

        for (size_t k = 0; k < got->count && !g; k++)
            if (strcmp(got->items[k].key, w->key) == 0)
                g = &got->items[k];
        told += w->text.len > 0;
        if ((g ? g->text.len : 0) == w->text.len &&
            (!g || memcmp(g->text.data, w->text.data, w->text.len) == 0))
            continue;
        snprintf(said, sizeof(said), "key %s:\n--- %.*s\n+++ %.*s", w->key, (int)w->text.len,
                 w->text.len ? w->text.data : "", g ? (int)g->text.len : 0, g ? g->text.data : "");
        return said;
    }
    return told == got->count ? NULL : "there are keys that nobody expects";
}

/* Dead letters are told from their decision on, in the partition's order. */
static bool is_tail(const struct buf *whole, const struct buf *tail)
{
    return tail->len <= whole->len &&
           (tail->len == 0 ||
            memcmp(whole->data + whole->len - tail->len, tail->data, tail->len) == 0);
}

static void make_ends(struct decided *d, struct stream *s)
{
    struct dice dice = {s->seed};

    *d = (struct decided){0};
    for (uint32_t p = 0; p < s->partitions; p++)
        decided_add(d, p, DECISION_BOOTSTRAP_END, dice_below(&dice, s->log.next[p] * 2 / 3 + 1), 0);
}

static void run(struct stream *s, const struct decided *d, const size_t *lines, size_t count,
                struct pipe *k)
{
    struct decided_way way = {.live = true, .dice = {s->seed}, .most = 20};

    pipe_open(k, buf_cstr(&s->yaml), s->partitions);
    decided_feed(k, s, d, lines, count, way);
    pipe_end(k);
}

static const char *compare(struct stream *s, struct pipe *plain, struct pipe *muted,
                           struct property_sums *sums)
{
    struct judge *j = pipe_judge(muted);
    int64_t unmuted = judge_unmuted_from(j),
            from_ms = unmuted == INT64_MIN ? unmuted : (unmuted + 1) * s->pane_ms;
    struct stories want = {0}, got = {0};
    struct run_result a = {0}, b = {0};
    const char *wrong;

    expect_stories(&want, &plain->out, from_ms);
    for (size_t i = 0; i < want.count; i++) {
        sums->resolved += want.items[i].open;
        story_begin(&want.items[i], from_ms, unmuted > j->closed - j->finished);
    }
    take_stories(&got, &muted->out);
    wrong = stories_differ(&want, &got);
    run_result_take(plain, &a);
    run_result_take(muted, &b);
    sums->fired += b.fired;
    sums->detected += b.detected;
    for (size_t p = 0; !wrong && p < s->partitions; p++)
        if (!is_tail(&a.deadletters[p], &b.deadletters[p]))
            wrong = "dead letters are not those of the end";
    if (!wrong &&
        (a.report.len != b.report.len || memcmp(a.report.data, b.report.data, a.report.len)))
        wrong = "reports differ";
    run_result_deinit(&a);
    run_result_deinit(&b);
    stories_deinit(&want);
    stories_deinit(&got);
    return wrong;
}

static const char *bootstrap_is_silent(struct stream *s, const size_t *lines, size_t count,
                                       struct property_sums *sums)
{
    const struct decided none = {0};
    struct pipe plain, muted;
    struct decided d;
    const char *wrong;

    make_ends(&d, s);
    run(s, &none, lines, count, &plain);
    run(s, &d, lines, count, &muted);
    wrong = pipeline_is_muted(muted.p) ? "it has not ended" : compare(s, &plain, &muted, sums);
    pipe_close(&plain);
    pipe_close(&muted);
    decided_deinit(&d);
    return wrong;
}

Test(bootstrap, says_nothing_of_what_was_and_all_of_what_comes)
{
    struct property_sums sums;
    const char *wrong = property_run(bootstrap_is_silent, 3001, 30, 4, 0, &sums);

    cr_assert(!wrong, "%s", wrong);
    cr_expect(sums.fired > property_least(200) && sums.resolved > property_least(24),
              "%zu fired, %zu had begun before", sums.fired, sums.resolved);
    cr_expect(sums.detected > property_least(8), "%zu detected", sums.detected);
}
