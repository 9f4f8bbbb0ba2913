/* SPDX-License-Identifier: Apache-2.0 */
/* Two counts of the same stays, side by side at one pane: what the judge holds, with what waits for it, and what the
 * entities say. Columns nest and move as wholes, so that a column is asked by its first entry pane, and what leaves
 * may be taken away at the end as well as in its own pane. */
#include "funnel/audit.h"

#include <string.h>

#include "funnel/mem.h"
#include "funnel/pipeline_parts.h"

/* Entry panes are within these, wherever they come from: codec_get_pane(). */
#define PANE_BITS 38

struct audit_count {
    uint32_t judged, counted; /* modulo 2^32: what leaves may come before what enters */
};

/* One funnel. Leaves are the judge's; behind them, by combo, those it has not admitted yet. */
struct audit {
    const struct judge *j;
    const struct funnel *f;
    size_t leaves, steps;
    int64_t pane;
    struct audit_count *
        *counts; /* [leaf * steps + step]: by slot as a risk set has them; NULL: none there */
    uint64_t wrong;
    struct buf *why;
};

/* --- words --- */

static void say_leaf(const struct audit *a, size_t leaf)
{
    const struct judge *j = a->j;
    size_t combo = leaf < j->leaf_count ? j->leaves[leaf].combo : leaf - j->leaf_count;
    const char *p = names_text(&j->combos, (uint32_t)combo).p;

    for (int d = 0; d < a->f->dim_count; d++) {
        uint16_t len;

        memcpy(&len, p, sizeof(len));
        p += sizeof(len);
        buf_fmt(a->why, ", %s=", a->f->settings->dims.items[d].name);
        buf_add(a->why, p, len);
        p += len;
    }
}

/* The first that is wrong is told. Where: funnel, step, leaf. */
static bool audit_tells(struct audit *a, size_t leaf, int step)
{
    if (a->wrong++ > 0 || !a->why)
        return false;
    buf_fmt(a->why, "funnel %s, step ", a->f->name);
    if (funnel_has_step(a->f, step))
        funnel_step_name(a->f, step, a->why);
    else
        buf_fmt(a->why, "number %d", step);
    say_leaf(a, leaf);
    return true;
}

/* --- places --- */

static size_t slot_of(const struct ages *ages, int bin, int64_t column)
{
    int64_t at = column % ages->ring[bin];

    return ages->slot[bin] + (size_t)(at < 0 ? at + ages->ring[bin] : at);
}

/* Where a stay entered in this pane stands; NULL: it has expired. */
static struct audit_count *count_at(struct audit *a, size_t leaf, int step, int64_t entry)
{
    const struct ages *ages = &a->f->ages[step];
    struct audit_count **counts = &a->counts[leaf * a->steps + (size_t)step];
    int bin = ages_bin(ages, a->pane, entry);

    if (bin >= ages->bins)
        return NULL;
    if (!*counts)
        *counts = mem_zero(ages->slots, sizeof(**counts));
    return *counts + slot_of(ages, bin, ages_column(ages, bin, entry));
}

/* n more in the column; one that begins nowhere near any event is no column. */
static void judged_add(struct audit *a, size_t leaf, int step, int bin, int64_t column, uint32_t n)
{
    int shift = a->f->ages[step].shift[bin];
    int64_t most = (INT64_C(1) << PANE_BITS) >> shift;
    struct audit_count *at;

    if (column < -most || column > most) {
        if (audit_tells(a, leaf, step))
            buf_fmt(a->why, ": bin %d has no column %lld", bin, (long long)column);
        return;
    }
    at = count_at(a, leaf, step, column * (INT64_C(1) << shift));
    if (at)
        at->judged += n;
}

/* --- what the judge holds --- */

static void take_riskset(struct audit *a, size_t leaf, int step)
{
    const struct judge_step *s = &a->j->leaves[leaf].steps[step];
    const struct ages *ages = &a->f->ages[step];
    int64_t open = 0;

    for (int bin = 0; bin < ages->bins && s->risk_pane != INT64_MIN; bin++) {
        int64_t last = (s->risk_pane - ages->edge[bin]) >> ages->shift[bin], sum = 0;
        int64_t column = (s->risk_pane + 1 - ages->edge[bin + 1]) >> ages->shift[bin];

        for (; s->risk.n[bin] > 0 && column <= last; column++) {
            uint32_t n = riskset_column(&s->risk, bin, column);

            sum += n;
            if (n > 0)
                judged_add(a, leaf, step, bin, column, n);
        }
        open += sum;
        if (sum != s->risk.n[bin] && audit_tells(a, leaf, step))
            buf_fmt(a->why, ": bin %d: judged %lu, in its columns %lld", bin,
                    (unsigned long)s->risk.n[bin], (long long)sum);
    }
    if (open != s->risk.open && audit_tells(a, leaf, step))
        buf_fmt(a->why, ": judged %lld open, in all columns %lld", (long long)s->risk.open,
                (long long)open);
}

static size_t leaf_of_combo(const struct judge *j, uint32_t combo)
{
    int32_t leaf = j->combo_leaf[combo];

    return leaf >= 0 ? (size_t)leaf : j->leaf_count + combo;
}

/* As judge_pane.c will: what has no bin changes no risk set. */
static void take_cell(struct audit *a, const struct cell *c, int64_t pane)
{
    uint32_t n = (uint32_t)c->n;
    struct audit_count *at;
    size_t leaf;

    if ((c->kind != CELL_ENTER && c->kind != CELL_EXIT && c->kind != CELL_SEED) ||
        !funnel_has_step(a->f, c->stage))
        return;
    leaf = leaf_of_combo(a->j, c->leaf);
    if (c->kind == CELL_ENTER) {
        at = count_at(a, leaf, c->stage, pane);
        if (at)
            at->judged += n;
    } else if (c->bin < a->f->ages[c->stage].bins) {
        judged_add(a, leaf, c->stage, c->bin, c->column, c->kind == CELL_SEED ? n : 0 - n);
    }
}

static void take_judge(struct audit *a)
{
    const struct judge *j = a->j;

    for (size_t leaf = 0; leaf < j->leaf_count; leaf++)
        for (int step = 0; step <= a->f->overall; step++)
            take_riskset(a, leaf, step);
    for (size_t i = 0; i < j->pending_count; i++)
        for (size_t k = 0; k < j->pending[i].count; k++)
            take_cell(a, &j->pending[i].cells[k], j->pending[i].pane);
}

/* --- what the entities say --- */

static void recount_stay(struct audit *a, size_t leaf, int step, int64_t begin_ms)
{
    struct audit_count *at;

    if (!funnel_has_step(a->f, step)) {
        if (audit_tells(a, leaf, step))
            buf_str(a->why, ": an entity has a stay of a step that does not exist");
        return;
    }
    at = count_at(a, leaf, step, floor_div(begin_ms, a->f->pane_ms));
    if (at)
        at->counted++;
}

static void recount_tally(struct audit *a, const struct tally_funnel *tf,
                          const struct judge_source *s)
{
    struct entity e;

    for (int shard = 0; shard < ENTITY_SHARDS; shard++) {
        for (uint32_t i = 0; i < entities_shard_count(&tf->entities, shard); i++) {
            entities_load_at(&tf->entities, shard, i, &e);
            if (e.flags & ENTITY_STAY_OPEN)
                recount_stay(a, leaf_of_combo(a->j, s->combos.to[e.stay]), e.highest, e.reached_ms);
            if (e.flags & ENTITY_OVERALL_OPEN)
                recount_stay(a, leaf_of_combo(a->j, s->combos.to[e.attempt_leaf]), a->f->overall,
                             e.attempt_ms);
        }
    }
}

/* --- both --- */

/* All entities of the column's first pane may be forgotten: what the judge has more is theirs. */
static bool may_be_forgotten(const struct audit *a, const struct ages *ages, int bin,
                             int64_t column)
{
    int64_t first = column * (INT64_C(1) << ages->shift[bin]);

    return first * a->f->pane_ms < a->pane * a->f->pane_ms - a->f->forget_ms;
}

static void compare_bin(struct audit *a, size_t leaf, int step, int bin)
{
    const struct ages *ages = &a->f->ages[step];
    const struct audit_count *counts = a->counts[leaf * a->steps + (size_t)step];
    int64_t first = (a->pane + 1 - ages->edge[bin + 1]) >> ages->shift[bin];

    for (int64_t column = first; column < first + ages->ring[bin]; column++) {
        const struct audit_count *c = &counts[slot_of(ages, bin, column)];
        int32_t more = (int32_t)(c->judged - c->counted);

        if (more == 0 || (more > 0 && may_be_forgotten(a, ages, bin, column)))
            continue;
        if (audit_tells(a, leaf, step))
            buf_fmt(a->why, ": bin %d, column %lld, at pane %lld: judged %ld, recounted %lu", bin,
                    (long long)column, (long long)a->pane, (long)(int32_t)c->judged,
                    (unsigned long)c->counted);
    }
}

static void compare(struct audit *a)
{
    for (size_t leaf = 0; leaf < a->leaves; leaf++) {
        for (int step = 0; step <= a->f->overall; step++) {
            if (!a->counts[leaf * a->steps + (size_t)step])
                continue;
            for (int bin = 0; bin < a->f->ages[step].bins; bin++)
                compare_bin(a, leaf, step, bin);
        }
    }
}

/* Everything that was heard of lies at or before it. */
static int64_t newest_pane(const struct judge *j)
{
    int64_t pane = j->closed;

    if (j->pending_count > 0 && j->pending[j->pending_count - 1].pane > pane)
        pane = j->pending[j->pending_count - 1].pane;
    for (size_t i = 0; i < j->leaf_count; i++)
        for (int s = 0; s <= j->funnel->overall; s++)
            if (j->leaves[i].steps[s].risk_pane > pane)
                pane = j->leaves[i].steps[s].risk_pane;
    return pane == INT64_MIN ? 0 : pane;
}

static uint64_t audit_funnel(const struct pipeline *p, size_t funnel, struct buf *why)
{
    const struct judge *j = &p->judges[funnel];
    struct audit a = {.j = j, .f = j->funnel, .pane = newest_pane(j), .why = why};

    a.leaves = j->leaf_count + j->combos.count;
    a.steps = (size_t)a.f->overall + 1;
    a.counts = mem_zero(a.leaves * a.steps, sizeof(struct audit_count *));
    take_judge(&a);
    for (size_t i = 0; i < p->source_count; i++)
        recount_tally(&a, &p->tallies[i].funnels[funnel], &j->sources[i]);
    compare(&a);
    for (size_t i = 0; i < a.leaves * a.steps; i++)
        mem_free(a.counts[i]);
    mem_free(a.counts);
    return a.wrong;
}

uint64_t audit_pipeline(const struct pipeline *p, struct buf *why)
{
    uint64_t wrong = 0;

    for (size_t f = 0; f < p->funnel_count; f++)
        wrong += audit_funnel(p, f, wrong > 0 ? NULL : why);
    return wrong;
}
