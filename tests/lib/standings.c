/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/standings.h"

#include <stdio.h>

#include "funnel/audit.h"

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

static struct standing standing_of_tables(const struct pipeline *p, size_t f)
{
    struct standing s = {0};
    struct entity e;

    for (size_t t = 0; t < p->source_count; t++) {
        const struct entities *all = &p->tallies[t].funnels[f].entities;

        for (int shard = 0; shard < ENTITY_SHARDS; shard++) {
            for (uint32_t i = 0; i < entities_shard_count(all, shard); i++) {
                entities_load_at(all, shard, i, &e);
                standing_of_entity(&p->funnels[f], &p->judges[f], &e, &s);
            }
        }
    }
    return s;
}

static struct standing standing_of_judge(const struct pipeline *p, size_t f)
{
    struct judge *j = &p->judges[f];
    struct standing s = {0};

    for (size_t i = 0; i < j->leaf_count; i++) {
        for (int stage = 0; stage < j->funnel->stage_count; stage++) {
            s.stock[stage] += j->leaves[i].stages[stage].stock;
            s.amount[stage] += j->leaves[i].stages[stage].stock_amount;
        }
        for (int step = 0; step <= j->funnel->overall; step++)
            s.open[step] += judge_step_stays(j, &j->leaves[i].steps[step]).open;
    }
    return s;
}

const char *standings_differ(const struct pipeline *p)
{
    static char said[200];

    for (size_t f = 0; f < p->funnel_count; f++) {
        struct standing a = standing_of_tables(p, f), b = standing_of_judge(p, f);

        for (int i = 0; i <= p->funnels[f].overall; i++) {
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

const char *audit_differs(const struct pipeline *p)
{
    static char said[400];
    struct buf why = {0};
    uint64_t places = audit_pipeline(p, &why);

    snprintf(said, sizeof(said), "audit: %s; %llu places in all", buf_cstr(&why),
             (unsigned long long)places);
    buf_deinit(&why);
    return places > 0 ? said : NULL;
}
