/* SPDX-License-Identifier: Apache-2.0 */
/* A pane's cells, when it closes: totals, risk sets, cohorts, windows. */
#include <string.h>

#include "funnel/detect.h"
#include "funnel/judge.h"
#include "funnel/maturity.h"
#include "funnel/mem.h"
#include "funnel/quality.h"
#include "funnel/splits.h"

static struct judge_leaf *cell_leaf(struct judge *j, const struct cell *c)
{
    return &j->leaves[j->combo_leaf[c->leaf]];
}

void judge_step_advance(struct judge_step *s, int64_t to)
{
    int64_t expired = 0;

    if (s->risk_pane == INT64_MIN)
        s->risk_pane = to;
    riskset_advance(&s->risk, s->risk_pane, to, &expired);
    s->expired_unheard += expired;
    s->risk_pane = to > s->risk_pane ? to : s->risk_pane;
}

void judge_step_move(struct judge_step *s, const struct riskset_moves *moves, int64_t pane)
{
    if (s->risk_pane != pane - 1) {
        if (s->risk_pane < pane)
            judge_step_advance(s, pane);
        return;
    }
    s->expired_unheard += riskset_move(&s->risk, moves);
    s->risk_pane = pane;
}

/* Opens the pane for this step: stays cross into their bins before anyone joins or leaves. */
static void step_open(struct judge_step *s, int64_t pane)
{
    if (s->risk_pane != pane)
        judge_step_advance(s, pane);
}

static struct judge_step *step_at(struct judge *j, const struct cell *c, int64_t pane)
{
    struct judge_step *s = &cell_leaf(j, c)->steps[c->stage];

    step_open(s, pane);
    return s;
}

static int64_t window_index(struct judge *j, const struct window_def *d, int64_t pane)
{
    if (d->calendar < 0)
        return floor_div(pane, d->slot_panes);
    return zone_period(j->zone, &j->cursor, d->calendar, pane * j->funnel->pane_ms);
}

static void window_add_touched(struct judge *j, size_t w, int64_t index,
                               const struct judge_touch *touch)
{
    const struct judge_leaf *leaf = &j->leaves[touch->leaf];
    const struct judge_step *s = &leaf->steps[touch->step];

    for (size_t k = 0; k < j->spec_count; k++)
        window_add(series_window(j, leaf->series[k], touch->step, w), &j->windows[w], index,
                   (uint64_t)s->pane_entered + s->pane_credited,
                   (uint64_t)s->pane_advanced + s->pane_credited);
}

/* Entries and conversions are gathered by step first: windows are touched once a pane, not once a cell. */
static struct judge_step *step_touch(struct judge *j, const struct cell *c)
{
    uint32_t leaf = (uint32_t)j->combo_leaf[c->leaf];
    struct judge_step *s = &j->leaves[leaf].steps[c->stage];

    if (s->pane_entered + s->pane_credited + s->pane_advanced == 0) {
        j->touched = mem_grow(j->touched, j->touched_count, &j->touched_cap, sizeof(*j->touched));
        j->touched[j->touched_count++] = (struct judge_touch){leaf, c->stage};
    }
    return s;
}

static void apply_enter(struct judge *j, const struct cell *c)
{
    struct judge_leaf *leaf = cell_leaf(j, c);

    if (c->stage != j->funnel->overall) {
        leaf->stages[c->stage].reached += c->n;
        for (int d = 0; d < j->funnel->dim_count; d++)
            j->score[d][leaf->value[d]] += (uint64_t)c->n;
    }
    if (funnel_has_step(j->funnel, c->stage))
        step_touch(j, c)->pane_entered += (uint32_t)c->n;
}

static void apply_credit(struct judge *j, const struct cell *c)
{
    cell_leaf(j, c)->stages[c->stage].reached += c->n;
    step_touch(j, c)->pane_credited += (uint32_t)c->n;
}

/* Stays join before any leaves: one that begins and ends in this pane was at risk once. */
static void touched_enter(struct judge *j, int64_t pane)
{
    for (size_t i = 0; i < j->touched_count; i++) {
        struct judge_step *s = &j->leaves[j->touched[i].leaf].steps[j->touched[i].step];
        struct cohort_day *day = cohort_at(&s->cohort, (int32_t)j->day);

        step_open(s, pane);
        riskset_enter(&s->risk, pane, s->pane_entered);
        maturity_enter(j, j->touched[i].step, pane, s->pane_entered);
        day->entered += s->pane_entered;
        day->credited += s->pane_credited;
        s->entered += s->pane_entered;
        s->credited += s->pane_credited;
    }
}

static void touched_to_windows(struct judge *j, int64_t pane)
{
    for (size_t w = 0; j->touched_count > 0 && w < j->window_count; w++) {
        int64_t index = window_index(j, &j->windows[w], pane);

        j->windows[w].busy = index;
        for (size_t i = 0; i < j->touched_count; i++)
            window_add_touched(j, w, index, &j->touched[i]);
    }
}

static void touched_clear(struct judge *j)
{
    for (size_t i = 0; i < j->touched_count; i++) {
        struct judge_step *s = &j->leaves[j->touched[i].leaf].steps[j->touched[i].step];

        s->pane_entered = s->pane_credited = s->pane_advanced = 0;
    }
    j->touched_count = 0;
}

static void apply_seed(struct judge *j, const struct cell *c, int64_t pane)
{
    struct judge_step *s = step_at(j, c, pane);

    s->seeded += c->n;
    j->conservation_errors += riskset_seed(&s->risk, c->bin, c->column, (uint32_t)c->n) > 0;
    cohort_at(&s->cohort, c->day)->seeded += (uint32_t)c->n;
    maturity_seed(j, c);
}

static void apply_exit(struct judge *j, const struct cell *c, int64_t pane)
{
    struct judge_step *s = step_at(j, c, pane);

    cohort_at(&s->cohort, c->day)->exits[c->cause] += (uint32_t)c->n;
    if (c->bin == CELL_BIN_GONE)
        return;
    s->exits[c->cause] += c->n;
    j->conservation_errors += riskset_exit(&s->risk, c->bin, c->column, (uint32_t)c->n) > 0;
    maturity_exit(j, c);
    if (c->cause != EXIT_ADVANCED)
        return;
    step_touch(j, c)->pane_advanced += (uint32_t)c->n;
    if (j->detect)
        detect_advance(j, (uint32_t)j->combo_leaf[c->leaf], c->stage, c->bin, (uint32_t)c->n);
}

static void apply_duration(struct dwell *h, const struct cell *c)
{
    int64_t low = dwell_bucket_low(c->bucket);

    dwell_add_n(h, c->bucket, c->n, c->value, low + c->low, low + c->high);
}

static void apply_break(struct judge *j, const struct cell *c)
{
    struct breakdown *b = &j->breakdowns[c->bin];
    size_t per_value = (size_t)j->funnel->stage_count, from = b->value_cap;
    struct break_step *s;

    while (c->leaf >= b->value_cap)
        b->steps = mem_grow(b->steps, b->value_cap, &b->value_cap, per_value * sizeof(*b->steps));
    memset(b->steps + from * per_value, 0, (b->value_cap - from) * per_value * sizeof(*b->steps));
    s = &b->steps[c->leaf * per_value + c->stage];
    s->n[c->cause] += c->n;
    amount_add(&s->amount, c->cause == EXIT_ADVANCED ? c->value : 0);
}

static void apply_lost(struct judge *j, const struct cell *c)
{
    size_t from = j->lost_cap;

    while (c->leaf >= j->lost_cap)
        j->lost = mem_grow(j->lost, j->lost_cap, &j->lost_cap, sizeof(*j->lost));
    memset(j->lost + from, 0, (j->lost_cap - from) * sizeof(*j->lost));
    j->lost[c->leaf] += c->n;
}

static void apply_span(struct judge *j, const struct cell *c)
{
    if (c->n == 0 && c->value < j->first_ms)
        j->first_ms = c->value;
    if (c->n == 1 && c->value > j->last_ms)
        j->last_ms = c->value;
}

static void apply_stage(struct judge *j, const struct cell *c)
{
    struct judge_leaf *leaf = cell_leaf(j, c);
    struct judge_stage *st = &leaf->stages[c->stage];

    switch (c->kind) {
    case CELL_REGRESS:
        st->regressed += c->n;
        break;
    case CELL_REPEAT:
        st->repeats += c->n;
        amount_add(&st->repeat_amount, c->value);
        break;
    case CELL_STOCK:
        st->stock += c->n;
        amount_add(&st->stock_amount, c->value);
        break;
    case CELL_WON:
        leaf->won += c->n;
        amount_add(&leaf->won_amount, c->value);
        break;
    case CELL_CYCLE:
        apply_duration(&leaf->cycle, c);
        break;
    default:
        break;
    }
}

static void apply_cell(struct judge *j, const struct cell *c, int64_t pane)
{
    switch (c->kind) {
    case CELL_ENTER:
        apply_enter(j, c);
        break;
    case CELL_CREDIT:
        apply_credit(j, c);
        break;
    case CELL_SEED:
        apply_seed(j, c, pane);
        break;
    case CELL_LATE:
        cell_leaf(j, c)->steps[c->stage].late_advance += c->n;
        break;
    case CELL_DWELL:
        apply_duration(&cell_leaf(j, c)->steps[c->stage].dwell, c);
        break;
    case CELL_LOST:
        apply_lost(j, c);
        break;
    case CELL_BREAK:
        apply_break(j, c);
        break;
    case CELL_COUNT:
        j->counts[c->stage] += c->value;
        break;
    case CELL_SPAN:
        apply_span(j, c);
        break;
    case CELL_WATCHED:
        splits_see(j->splits, (uint64_t)c->column, (uint32_t)c->day, c->n);
        break;
    default:
        apply_stage(j, c);
    }
}

static int64_t events_seen(const struct judge *j)
{
    return j->counts[COUNT_EVENTS] + j->counts[COUNT_UNKNOWN];
}

static void apply_splits(struct judge *j, int64_t pane, struct quality_pane *ret)
{
    struct splits_sums sums = splits_close(j->splits, pane, j->funnel->pane_ms,
                                           j->funnel->forget_ms);

    j->counts[COUNT_SPLIT] += sums.fresh;
    ret->watched = sums.watched;
    ret->split = sums.split;
}

void judge_apply_pane(struct judge *j, const struct pending_pane *p, bool dark, bool detects)
{
    struct quality_pane quality = {-events_seen(j), -j->counts[COUNT_BAD], 0, 0};

    judge_admit(j, p->cells, p->count);
    maturity_open(j, p->pane);
    for (size_t i = 0; i < p->count; i++)
        if (p->cells[i].kind != CELL_EXIT)
            apply_cell(j, &p->cells[i], p->pane);
    touched_enter(j, p->pane);
    maturity_expose(j);
    if (detects)
        detect_expose(j, p->pane);
    for (size_t i = 0; i < p->count; i++)
        if (p->cells[i].kind == CELL_EXIT)
            apply_exit(j, &p->cells[i], p->pane);
    apply_splits(j, p->pane, &quality);
    quality.events += events_seen(j);
    quality.bad += j->counts[COUNT_BAD];
    if (!dark) {
        touched_to_windows(j, p->pane);
        rules_sums_take(j, p->pane, &quality);
    }
    touched_clear(j);
}
