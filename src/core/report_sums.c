/* SPDX-License-Identifier: Apache-2.0 */
#include "report_sums.h"

#include <stdlib.h>
#include <string.h>

#include "funnel/mem.h"
#include "funnel/stats.h"

static bool leaf_is_in(const struct judge_leaf *leaf, const struct sum_filter *which)
{
    return which->series == ALL_SERIES || leaf->series[which->spec] == which->series;
}

static void step_rate(struct sum_step *s)
{
    int64_t n = s->entered + s->credited + s->seeded, k = s->advanced + s->credited;
    struct interval w = stats_wilson(k, n, STATS_Z95);

    s->rate = n > 0 ? (double)k / (double)n : __builtin_nan("");
    s->low = n > 0 ? w.low : s->rate;
    s->high = n > 0 ? w.high : s->rate;
}

static void step_add(const struct judge *j, struct sum_step *to, const struct judge_step *s)
{
    struct judge_stays stays = judge_step_stays(j, s);

    to->entered += s->entered;
    to->credited += s->credited;
    to->seeded += s->seeded;
    to->advanced += s->exits[EXIT_ADVANCED];
    to->lost += s->exits[EXIT_LOST];
    to->deleted += s->exits[EXIT_DELETED];
    to->superseded += s->exits[EXIT_SUPERSEDED];
    to->skipped += s->exits[EXIT_SKIPPED];
    to->expired += s->exits[EXIT_LATE] + stays.expired;
    to->open += stays.open;
    to->late += s->late_advance;
    dwell_merge(&to->dwell, &s->dwell);
}

void sum_steps(const struct judge *j, const struct sum_filter *which, struct sum_step *ret)
{
    memset(ret, 0, ((size_t)j->funnel->overall + 1) * sizeof(*ret));
    for (size_t i = 0; i < j->leaf_count; i++)
        for (int s = 0; leaf_is_in(&j->leaves[i], which) && s <= j->funnel->overall; s++)
            step_add(j, &ret[s], &j->leaves[i].steps[s]);
    for (int s = 0; s <= j->funnel->overall; s++)
        step_rate(&ret[s]);
}

void sum_steps_free(const struct judge *j, struct sum_step *steps)
{
    for (int s = 0; s <= j->funnel->overall; s++)
        dwell_deinit(&steps[s].dwell);
}

void sum_stages(const struct judge *j, struct sum_stage *ret)
{
    memset(ret, 0, (size_t)j->funnel->stage_count * sizeof(*ret));
    for (size_t i = 0; i < j->leaf_count; i++) {
        for (int k = 0; k < j->funnel->stage_count; k++) {
            const struct judge_stage *s = &j->leaves[i].stages[k];

            ret[k].reached += s->reached;
            ret[k].stock += s->stock;
            amount_add(&ret[k].stock_amount, s->stock_amount);
            ret[k].regressed += s->regressed;
            ret[k].repeats += s->repeats;
            amount_add(&ret[k].repeat_amount, s->repeat_amount);
        }
    }
}

/* Those nobody heard of again stay open until the window has passed for the whole day. */
static void cohort_add(const struct judge *j, int step, const struct cohort_day *d,
                       struct sum_step *to)
{
    int64_t exits = 0, left;
    bool closed = judge_reached(j).ms >
                  zone_day_start(j->zone, d->day + 1) + j->funnel->window_ms[step];

    for (int c = 0; c < EXIT_CAUSES; c++)
        exits += d->exits[c];
    left = (int64_t)d->entered + d->seeded - exits;
    to->entered += d->entered;
    to->credited += d->credited;
    to->seeded += d->seeded;
    to->advanced += d->exits[EXIT_ADVANCED];
    to->lost += d->exits[EXIT_LOST];
    to->deleted += d->exits[EXIT_DELETED];
    to->superseded += d->exits[EXIT_SUPERSEDED];
    to->skipped += d->exits[EXIT_SKIPPED];
    to->expired += d->exits[EXIT_LATE] + (closed ? left : 0);
    to->open += closed ? 0 : left;
}

void sum_cohort(const struct judge *j, const struct sum_filter *which, int64_t first, int64_t last,
                struct sum_step *ret)
{
    memset(ret, 0, ((size_t)j->funnel->overall + 1) * sizeof(*ret));
    for (size_t i = 0; i < j->leaf_count; i++) {
        for (int s = 0; leaf_is_in(&j->leaves[i], which) && s <= j->funnel->overall; s++) {
            const struct cohort *c = &j->leaves[i].steps[s].cohort;

            for (size_t k = 0; k < c->count; k++)
                if (c->days[k].day >= first && c->days[k].day <= last)
                    cohort_add(j, s, &c->days[k], &ret[s]);
        }
    }
    for (int s = 0; s <= j->funnel->overall; s++)
        step_rate(&ret[s]);
}

int sum_cohort_day(const struct judge *j, int64_t from, int64_t *ret_day)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < j->leaf_count; i++) {
        for (int s = 0; s <= j->funnel->overall; s++) {
            const struct cohort *c = &j->leaves[i].steps[s].cohort;
            size_t k = 0;

            while (k < c->count && c->days[k].day < from)
                k++;
            if (k < c->count && c->days[k].day < next)
                next = c->days[k].day;
        }
    }
    *ret_day = next;
    return next < INT64_MAX;
}

void sum_break(const struct judge *j, int breakdown, uint32_t value, int step, struct sum_step *ret)
{
    const struct breakdown *b = &j->breakdowns[breakdown];
    const int64_t *n = b->steps[value * (size_t)j->funnel->stage_count + (size_t)step].n;

    *ret = (struct sum_step){.entered = n[BREAK_ENTERED],
                             .credited = n[BREAK_CREDITED],
                             .advanced = n[EXIT_ADVANCED],
                             .lost = n[EXIT_LOST],
                             .deleted = n[EXIT_DELETED],
                             .superseded = n[EXIT_SUPERSEDED],
                             .skipped = n[EXIT_SKIPPED]};
    step_rate(ret);
}

bool sum_break_any(const struct judge *j, int breakdown, uint32_t value)
{
    const struct break_step *s = &j->breakdowns[breakdown]
                                      .steps[value * (size_t)j->funnel->stage_count];

    for (int step = 0; step < j->funnel->stage_count; step++)
        for (int c = 0; c < BREAK_CAUSES; c++)
            if (s[step].n[c] != 0)
                return true;
    return false;
}

void sum_cycle(const struct judge *j, struct dwell *ret)
{
    *ret = (struct dwell){0};
    for (size_t i = 0; i < j->leaf_count; i++)
        dwell_merge(ret, &j->leaves[i].cycle);
}

double sum_probability(const struct judge *j, const struct sum_step *steps, int stage)
{
    double p = j->funnel->settings->stages.items[stage].probability;

    if (p >= 0)
        return p;
    p = 1;
    for (int s = stage; s < j->funnel->won; s++)
        p *= steps[s].rate;
    return p;
}

struct series_text {
    uint32_t series;
    const struct judge *j;
};

static int series_compare(const void *pa, const void *pb)
{
    const struct series_text *a = pa, *b = pb;
    const struct judge *j = a->j;
    const struct series *x = &j->series[a->series], *y = &j->series[b->series];

    for (int i = 0; i < j->specs[x->spec].count; i++) {
        int d = j->specs[x->spec].dims[i];
        int c = span_compare(series_value(j, x, d), series_value(j, y, d));

        if (c != 0)
            return c;
    }
    return 0;
}

size_t sum_series(const struct judge *j, size_t spec, uint32_t **ret)
{
    struct series_text *all = mem_zero(j->series_count, sizeof(*all));
    bool *used = mem_zero(j->series_count, sizeof(*used));
    size_t n = 0;

    for (size_t i = 0; i < j->leaf_count; i++)
        used[j->leaves[i].series[spec]] = true;
    for (uint32_t i = 0; i < j->series_count; i++)
        if (used[i] && j->series[i].spec == spec)
            all[n++] = (struct series_text){i, j};
    qsort(all, n, sizeof(*all), series_compare);
    *ret = mem_zero(n, sizeof(**ret));
    for (size_t i = 0; i < n; i++)
        (*ret)[i] = all[i].series;
    mem_free(all);
    mem_free(used);
    return n;
}
