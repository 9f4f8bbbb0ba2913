/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/judge.h"

#include <string.h>

#include "funnel/mem.h"
#include "funnel/rules.h"

void judge_init(struct judge *j, const struct funnel *f, const struct zone *zone, size_t sources)
{
    *j = (struct judge){.funnel = f,
                        .zone = zone,
                        .source_count = sources,
                        .closed = INT64_MIN,
                        .first_pane = INT64_MIN,
                        .day = INT64_MIN,
                        .first_ms = INT64_MAX,
                        .last_ms = INT64_MIN};
    j->sources = mem_zero(sources, sizeof(*j->sources));
    for (size_t i = 0; i < sources; i++)
        j->sources[i].closed = j->sources[i].pane = INT64_MIN;
    for (size_t i = 0; i < f->settings->windows.count; i++)
        window_def_init(&j->windows[j->window_count++], &f->settings->windows.items[i], f->pane_ms);
    series_init(j);
    rules_init(j);
    names_init(&j->reasons, UINT32_MAX - NAME_FIRST);
    for (int b = 0; b < f->breakdown_count; b++)
        names_init(&j->breakdowns[b].values, UINT32_MAX - NAME_FIRST);
    judge_leaves_init(j);
}

void judge_deinit(struct judge *j)
{
    for (size_t i = 0; i < j->source_count; i++) {
        mem_free(j->sources[i].combos);
        mem_free(j->sources[i].reasons);
        for (int b = 0; b < BREAKDOWNS_MAX; b++)
            mem_free(j->sources[i].breaks[b]);
    }
    mem_free(j->sources);
    for (size_t i = 0; i < j->pending_count; i++)
        mem_free(j->pending[i].cells);
    mem_free(j->pending);
    mem_free(j->touched);
    rules_deinit(j);
    series_deinit(j);
    judge_leaves_deinit(j);
    names_deinit(&j->reasons);
    mem_free(j->lost);
    for (int b = 0; b < j->funnel->breakdown_count; b++) {
        names_deinit(&j->breakdowns[b].values);
        mem_free(j->breakdowns[b].steps);
    }
    *j = (struct judge){0};
}

/* --- taking cells --- */

static void translate(uint32_t **map, size_t *cap, uint32_t from, uint32_t to)
{
    while (from >= *cap)
        *map = mem_grow(*map, *cap, cap, sizeof(**map));
    (*map)[from] = to;
}

static void take_definition(struct judge *j, struct judge_source *s, const struct cell *c,
                            const struct buf *strings)
{
    struct span text = {c->n > 0 ? strings->data + c->value : "", (uint32_t)c->n};
    int refused = 0;

    if (c->kind == CELL_LEAF)
        translate(&s->combos, &s->combo_cap, c->leaf, judge_combo(j, text));
    else if (c->kind == CELL_REASON)
        translate(&s->reasons, &s->reason_cap, c->leaf,
                  c->leaf < NAME_FIRST ? c->leaf : names_intern(&j->reasons, text, &refused));
    else if (c->kind == CELL_VALUE)
        translate(&s->breaks[c->stage], &s->break_cap[c->stage], c->leaf,
                  c->leaf < NAME_FIRST
                      ? c->leaf
                      : names_intern(&j->breakdowns[c->stage].values, text, &refused));
}

static struct pending_pane *pending_at(struct judge *j, int64_t pane)
{
    size_t at = j->pending_count;

    while (at > 0 && j->pending[at - 1].pane > pane)
        at--;
    if (at > 0 && j->pending[at - 1].pane == pane)
        return &j->pending[at - 1];
    j->pending = mem_grow(j->pending, j->pending_count, &j->pending_cap, sizeof(*j->pending));
    memmove(&j->pending[at + 1], &j->pending[at], (j->pending_count - at) * sizeof(*j->pending));
    j->pending_count++;
    j->pending[at] = (struct pending_pane){.pane = pane};
    return &j->pending[at];
}

static void pending_sum(struct judge *j, struct pending_pane *p)
{
    struct cell_sums sums = {0};

    for (size_t i = 0; i < p->count; i++)
        cell_sums_add(&sums, &p->cells[i]);
    mem_free(p->cells);
    mem_free(sums.slots);
    j->pending_cells -= p->count - sums.count;
    p->cells = sums.items;
    p->cap = sums.cap;
    p->count = p->summed = sums.count;
}

static void pending_push(struct judge *j, struct pending_pane *p, const struct cell *c)
{
    if (j->pending_cells >= JUDGE_PENDING_MAX && p->count >= 2 * p->summed + 1024)
        pending_sum(j, p);
    p->cells = mem_grow(p->cells, p->count, &p->cap, sizeof(*p->cells));
    p->cells[p->count++] = *c;
    j->pending_cells++;
}

static void take_cell(struct judge *j, const struct judge_source *s, struct pending_pane *p,
                      const struct cell *c)
{
    struct cell mine = *c;

    if (c->kind == CELL_LOST)
        mine.leaf = s->reasons[c->leaf];
    else if (c->kind == CELL_BREAK)
        mine.leaf = s->breaks[c->bin][c->leaf];
    else if (c->kind < CELL_BREAK)
        mine.leaf = s->combos[c->leaf];
    pending_push(j, p, &mine);
}

/* Definitions first: a stream may use a number before it says what it means. */
void judge_add(struct judge *j, size_t source, const struct cells *cells)
{
    struct judge_source *s = &j->sources[source];
    struct pending_pane *p = NULL;

    for (size_t i = 0; i < cells->count; i++)
        if (cells->items[i].kind >= CELL_LEAF && cells->items[i].kind <= CELL_REASON)
            take_definition(j, s, &cells->items[i], &cells->strings);
    for (size_t i = 0; i < cells->count; i++) {
        const struct cell *c = &cells->items[i];

        if (c->kind == CELL_PANE) {
            s->pane = c->value;
            p = NULL;
        } else if (c->kind == CELL_CLOSE) {
            s->closed = c->value > s->closed ? c->value : s->closed;
        } else if (c->kind > CELL_REASON) {
            if (!p)
                p = pending_at(j, s->pane);
            take_cell(j, s, p, c);
        }
    }
}

/* --- a pane's cells --- */

static struct judge_leaf *cell_leaf(struct judge *j, const struct cell *c)
{
    return &j->leaves[j->combo_leaf[c->leaf]];
}

static void step_advance(struct judge_step *s, int64_t to)
{
    int64_t expired = 0;

    if (s->risk_pane == INT64_MIN)
        s->risk_pane = to;
    riskset_advance(&s->risk, s->risk_pane, to, &expired);
    s->expired_unheard += expired;
    s->risk_pane = to > s->risk_pane ? to : s->risk_pane;
}

/* Opens the pane for this step: stays cross into their bins before anyone joins or leaves. */
static void step_open(struct judge_step *s, int64_t pane)
{
    if (s->risk_pane != pane)
        step_advance(s, pane);
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

static void windows_add(struct judge *j, const struct judge_leaf *leaf, int step, int64_t pane,
                        uint64_t entries, uint64_t conversions)
{
    for (size_t w = 0; w < j->window_count; w++) {
        struct window_def *d = &j->windows[w];
        int64_t index = window_index(j, d, pane);

        d->busy = index;
        for (size_t k = 0; k < j->spec_count; k++)
            if (leaf->series[k] != UINT32_MAX)
                window_add(series_window(j, leaf->series[k], step, w), d, index, entries,
                           conversions);
    }
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
        day->entered += s->pane_entered;
        day->credited += s->pane_credited;
        s->entered += s->pane_entered;
        s->credited += s->pane_credited;
    }
}

static void touched_finish(struct judge *j, int64_t pane)
{
    for (size_t i = 0; i < j->touched_count; i++) {
        struct judge_leaf *leaf = &j->leaves[j->touched[i].leaf];
        struct judge_step *s = &leaf->steps[j->touched[i].step];

        windows_add(j, leaf, j->touched[i].step, pane, (uint64_t)s->pane_entered + s->pane_credited,
                    (uint64_t)s->pane_advanced + s->pane_credited);
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
}

static void apply_exit(struct judge *j, const struct cell *c, int64_t pane)
{
    struct judge_step *s = step_at(j, c, pane);

    cohort_at(&s->cohort, c->day)->exits[c->cause] += (uint32_t)c->n;
    if (c->bin == CELL_BIN_GONE)
        return;
    s->exits[c->cause] += c->n;
    j->conservation_errors += riskset_exit(&s->risk, c->bin, c->column, (uint32_t)c->n) > 0;
    if (c->cause == EXIT_ADVANCED)
        step_touch(j, c)->pane_advanced += (uint32_t)c->n;
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
    s->amount += c->cause == EXIT_ADVANCED ? c->value : 0;
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
        st->repeat_amount += c->value;
        break;
    case CELL_STOCK:
        st->stock += c->n;
        st->stock_amount += c->value;
        break;
    case CELL_WON:
        leaf->won += c->n;
        leaf->won_amount += c->value;
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
    default:
        apply_stage(j, c);
    }
}

static void apply_pane(struct judge *j, const struct pending_pane *p)
{
    judge_admit(j, p->cells, p->count);
    for (size_t i = 0; i < p->count; i++)
        if (p->cells[i].kind != CELL_EXIT)
            apply_cell(j, &p->cells[i], p->pane);
    touched_enter(j, p->pane);
    for (size_t i = 0; i < p->count; i++)
        if (p->cells[i].kind == CELL_EXIT)
            apply_exit(j, &p->cells[i], p->pane);
    touched_finish(j, p->pane);
}

static void day_begin(struct judge *j, int64_t pane)
{
    int64_t day = zone_day(j->zone, &j->cursor, pane * j->funnel->pane_ms);

    if (day == j->day)
        return;
    if (j->day != INT64_MIN)
        series_new_day(j, day - j->day);
    j->day = day;
}

/* --- closing --- */

static int64_t judge_frontier(const struct judge *j)
{
    int64_t frontier = INT64_MAX;

    for (size_t i = 0; i < j->source_count; i++)
        if (j->sources[i].closed < frontier)
            frontier = j->sources[i].closed;
    return frontier;
}

static void pending_take(struct judge *j)
{
    struct pending_pane *p = &j->pending[0];

    if (j->first_pane == INT64_MIN)
        j->first_pane = p->pane;
    apply_pane(j, p);
    j->pending_cells -= p->count;
    mem_free(p->cells);
    j->pending_count--;
    memmove(&j->pending[0], &j->pending[1], j->pending_count * sizeof(*j->pending));
}

/* The next pane, up to the frontier, in which anything happens; the frontier when nothing does. */
static int64_t judge_next(const struct judge *j, int64_t frontier)
{
    int64_t next = j->closed == INT64_MIN ? INT64_MAX : rules_next(j, j->closed);

    if (j->pending_count > 0 && j->pending[0].pane < next)
        next = j->pending[0].pane;
    return next < frontier ? next : frontier;
}

void judge_step(struct judge *j, struct records *out)
{
    int64_t frontier = judge_frontier(j);

    while (j->closed < frontier) {
        int64_t pane = judge_next(j, frontier);

        day_begin(j, pane);
        if (j->pending_count > 0 && j->pending[0].pane == pane)
            pending_take(j);
        j->panes_closed += j->closed == INT64_MIN ? 1 : (uint64_t)(pane - j->closed);
        j->closed = pane;
        rules_step(j, pane, out);
    }
}

void judge_finish(struct judge *j, int64_t last)
{
    while (j->pending_count > 0) {
        day_begin(j, j->pending[0].pane);
        pending_take(j);
    }
    if (last > j->closed) {
        j->closed = last;
        j->finished = true;
    }
    j->conservation_errors += judge_audit(j);
}

/* --- looking --- */

void judge_settle(struct judge *j)
{
    for (size_t i = 0; i < j->leaf_count; i++)
        for (int s = 0; s <= j->funnel->overall; s++)
            if (j->leaves[i].steps[s].risk_pane != INT64_MIN)
                step_advance(&j->leaves[i].steps[s], j->closed);
}

struct etime judge_reached(const struct judge *j)
{
    if (j->closed == INT64_MIN)
        return ETIME_NONE;
    return (struct etime){(j->finished ? j->closed : j->closed + 1) * j->funnel->pane_ms};
}

static bool step_balances(const struct judge_step *s)
{
    int64_t in = s->entered + s->seeded, out = s->expired_unheard + s->risk.open;

    for (int c = 0; c < EXIT_CAUSES; c++)
        out += s->exits[c];
    return in == out; /* credited stands on both sides */
}

uint64_t judge_audit(struct judge *j)
{
    uint64_t wrong = 0;

    judge_settle(j);
    for (size_t i = 0; i < j->leaf_count; i++)
        for (int s = 0; s <= j->funnel->overall; s++)
            wrong += !step_balances(&j->leaves[i].steps[s]);
    return wrong;
}
