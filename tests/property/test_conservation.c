/* SPDX-License-Identifier: Apache-2.0 */
/* SEMANTICS section 3: every step and leaf balances, at any moment; stock and risk sets are what the entity
 * tables say; and looking changes nothing. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "lib/streams.h"

struct watcher {
    struct dice dice;
    uint64_t wrong;
    size_t looks;
};

static size_t look_and_go_on(void *user, struct pipe *k, size_t at)
{
    struct watcher *w = user;
    struct buf report = {0};

    (void)at;
    for (size_t f = 0; f < k->p->funnel_count; f++)
        w->wrong += judge_audit(&k->p->judges[f]);
    if (dice_chance(&w->dice, 0.1))
        pipe_report(k, CALENDAR_DAY, &report);
    buf_deinit(&report);
    w->looks++;
    return 1 + (size_t)dice_below(&w->dice, 60);
}

struct standing {
    int64_t stock[STAGES_MAX], amount[STAGES_MAX], open[STEPS_MAX];
};

static void standing_of_entity(const struct funnel *f, const struct judge *j,
                               const struct entity *e, struct standing *s)
{
    if (!(e->flags & ENTITY_CLOSED)) {
        s->stock[e->stage]++;
        s->amount[e->stage] += e->amount;
    }
    if (e->flags & ENTITY_STAY_OPEN)
        s->open[e->highest] += ages_bin(&f->ages[e->highest], j->closed,
                                        floor_div(e->reached_ms, f->pane_ms)) <
                               f->ages[e->highest].bins;
    if (e->flags & ENTITY_OVERALL_OPEN)
        s->open[f->overall] += ages_bin(&f->ages[f->overall], j->closed,
                                        floor_div(e->attempt_ms, f->pane_ms)) <
                               f->ages[f->overall].bins;
}

static struct standing standing_of_tables(const struct pipe *k, size_t f)
{
    struct standing s = {0};
    struct entity e;

    for (size_t t = 0; t < k->p->source_count; t++) {
        const struct entities *all = &k->p->tallies[t].funnels[f].entities;

        for (int shard = 0; shard < ENTITY_SHARDS; shard++) {
            for (uint32_t i = 0; i < entities_shard_count(all, shard); i++) {
                entities_load_at(all, shard, i, &e);
                standing_of_entity(&k->p->funnels[f], &k->p->judges[f], &e, &s);
            }
        }
    }
    return s;
}

static struct standing standing_of_judge(const struct pipe *k, size_t f)
{
    struct judge *j = &k->p->judges[f];
    struct standing s = {0};

    judge_settle(j);
    for (size_t i = 0; i < j->leaf_count; i++) {
        for (int stage = 0; stage < j->funnel->stage_count; stage++) {
            s.stock[stage] += j->leaves[i].stages[stage].stock;
            s.amount[stage] += j->leaves[i].stages[stage].stock_amount;
        }
        for (int step = 0; step <= j->funnel->overall; step++)
            s.open[step] += j->leaves[i].steps[step].risk.open;
    }
    return s;
}

static const char *standings_differ(const struct pipe *k)
{
    static char said[200];

    for (size_t f = 0; f < k->p->funnel_count; f++) {
        struct standing a = standing_of_tables(k, f), b = standing_of_judge(k, f);

        for (int i = 0; i <= k->p->funnels[f].overall; i++) {
            if (a.stock[i] == b.stock[i] && a.amount[i] == b.amount[i] && a.open[i] == b.open[i])
                continue;
            snprintf(
                said, sizeof(said),
                "funnel %zu, stage %d: tables %lld, %lld, open %lld; judge %lld, %lld, open %lld",
                f, i, (long long)a.stock[i], (long long)a.amount[i], (long long)a.open[i],
                (long long)b.stock[i], (long long)b.amount[i], (long long)b.open[i]);
            return said;
        }
    }
    return NULL;
}

static const char *sums_hold(struct stream *s, const size_t *lines, size_t count,
                             struct property_sums *sums)
{
    struct watcher w = {.dice = {s->seed}};
    struct run_result seen, unseen;
    const struct message *all;
    const char *wrong;
    struct pipe k;

    stream_run(s, lines, count, look_and_go_on, &w, &seen);
    stream_run(s, lines, count, NULL, NULL, &unseen);
    sums->fired += seen.fired;
    sums->resolved += seen.resolved;
    wrong = run_result_differs(&seen, &unseen);
    if (w.wrong + seen.conservation + seen.counts[COUNTER_CONSERVATION] > 0)
        wrong = "a step does not balance";
    run_result_deinit(&seen);
    run_result_deinit(&unseen);
    if (wrong)
        return wrong;
    all = pipe_log_messages(&s->log);
    pipe_open(&k, buf_cstr(&s->yaml), s->partitions);
    for (size_t i = 0; i < count; i++)
        pipeline_step(k.p, &all[lines[i]], 1, &k.out);
    pipe_end(&k);
    wrong = standings_differ(&k);
    pipe_close(&k);
    return wrong;
}

Test(conservation, at_any_moment)
{
    struct property_sums sums;
    const char *wrong = property_run(sums_hold, 1001, 60, 3, 0, &sums);

    cr_assert(!wrong, "%s", wrong);
    cr_expect(sums.fired > property_least(200), "%zu fired", sums.fired);
}

Test(conservation, over_a_gap_with_record_timestamps)
{
    struct property_sums sums;
    const char *wrong = property_run(sums_hold, 1501, 40, 3, STREAM_GAP | STREAM_TIMESTAMPS, &sums);

    cr_assert(!wrong, "%s", wrong);
    cr_expect(sums.fired > property_least(100), "%zu fired", sums.fired);
}
