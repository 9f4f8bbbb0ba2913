/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/judge.h"

#include <string.h>

#include "funnel/controls.h"
#include "funnel/detect.h"
#include "funnel/maturity.h"
#include "funnel/mem.h"
#include "funnel/rules.h"
#include "funnel/splits.h"

void judge_init(struct judge *j, const struct funnel *f, const struct zone *zone, size_t sources)
{
    *j = (struct judge){.funnel = f,
                        .zone = zone,
                        .source_count = sources,
                        .closed = INT64_MIN,
                        .first_pane = INT64_MIN,
                        .last_pane = INT64_MIN,
                        .day = INT64_MIN,
                        .first_ms = INT64_MAX,
                        .last_ms = INT64_MIN,
                        .stale_before = INT64_MIN};
    j->sources = mem_zero(sources, sizeof(*j->sources));
    for (size_t i = 0; i < sources; i++)
        j->sources[i].closed = j->sources[i].pane = j->sources[i].mute_until = INT64_MIN;
    for (size_t i = 0; i < f->settings->windows.count; i++)
        window_def_init(&j->windows[j->window_count++], &f->settings->windows.items[i], f->pane_ms);
    series_init(j);
    rules_init(j);
    j->detect = detect_new(j);
    j->maturity = maturity_new(j);
    j->controls = controls_new(f);
    j->splits = splits_new();
    names_init(&j->reasons, UINT32_MAX - NAME_FIRST);
    for (int b = 0; b < f->breakdown_count; b++)
        names_init(&j->breakdowns[b].values, UINT32_MAX - NAME_FIRST);
    judge_leaves_init(j);
}

void judge_deinit(struct judge *j)
{
    for (size_t i = 0; i < j->source_count; i++) {
        mem_free(j->sources[i].combos.to);
        mem_free(j->sources[i].reasons.to);
        for (int b = 0; b < BREAKDOWNS_MAX; b++)
            mem_free(j->sources[i].breaks[b].to);
    }
    mem_free(j->sources);
    for (size_t i = 0; i < j->pending_count; i++)
        mem_free(j->pending[i].cells);
    mem_free(j->pending);
    mem_free(j->touched);
    controls_free(j->controls);
    splits_free(j->splits);
    detect_free(j->detect);
    maturity_free(j, j->maturity);
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

void judge_map_set(struct judge_map *m, uint32_t from, uint32_t to)
{
    while (from >= m->cap)
        m->to = mem_grow(m->to, m->cap, &m->cap, sizeof(*m->to));
    m->to[from] = to;
    if (from >= m->count)
        m->count = (size_t)from + 1;
}

static void take_definition(struct judge *j, struct judge_source *s, const struct cell *c,
                            const struct buf *strings)
{
    struct span text = {c->n > 0 ? strings->data + c->value : "", (uint32_t)c->n};
    int refused = 0;

    if (c->kind == CELL_LEAF)
        judge_map_set(&s->combos, c->leaf, judge_combo(j, text));
    else if (c->kind == CELL_REASON)
        judge_map_set(&s->reasons, c->leaf,
                      c->leaf < NAME_FIRST ? c->leaf : names_intern(&j->reasons, text, &refused));
    else if (c->kind == CELL_VALUE)
        judge_map_set(&s->breaks[c->stage], c->leaf,
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
        mine.leaf = s->reasons.to[c->leaf];
    else if (c->kind == CELL_BREAK)
        mine.leaf = s->breaks[c->bin].to[c->leaf];
    else if (c->kind < CELL_BREAK)
        mine.leaf = s->combos.to[c->leaf];
    else if (c->kind == CELL_WATCHED)
        mine.day = (int32_t)(s - j->sources);
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

static void pending_forget_homes(struct judge *j, struct pending_pane *p)
{
    size_t left = 0;

    for (size_t i = 0; i < p->count; i++)
        if (p->cells[i].kind != CELL_WATCHED)
            p->cells[left++] = p->cells[i];
    j->pending_cells -= p->count - left;
    p->count = left;
}

void judge_forget_homes(struct judge *j)
{
    for (size_t i = 0; i < j->pending_count; i++)
        pending_forget_homes(j, &j->pending[i]);
    splits_clear(j->splits);
}

void judge_close(struct judge *j, int64_t pane)
{
    for (size_t i = 0; i < j->source_count; i++)
        if (pane > j->sources[i].closed)
            j->sources[i].closed = pane;
}

/* --- closing --- */

static void day_begin(struct judge *j, int64_t pane)
{
    int64_t day = zone_day(j->zone, &j->cursor, pane * j->funnel->pane_ms);

    if (day == j->day)
        return;
    if (j->day != INT64_MIN) {
        series_new_day(j, day - j->day, pane);
        if (j->detect)
            detect_regroup(j);
        maturity_learn(j, pane, day - j->day);
        j->conservation_errors += judge_audit(j);
    }
    j->day = day;
}

static int64_t judge_frontier(const struct judge *j)
{
    int64_t frontier = INT64_MAX;

    for (size_t i = 0; i < j->source_count; i++)
        if (j->sources[i].closed < frontier)
            frontier = j->sources[i].closed;
    return frontier;
}

static void pending_take(struct judge *j, bool dark, bool detects)
{
    struct pending_pane *p = &j->pending[0];

    if (j->first_pane == INT64_MIN)
        j->first_pane = p->pane;
    j->last_pane = p->pane;
    judge_apply_pane(j, p, dark, detects);
    j->pending_cells -= p->count;
    mem_free(p->cells);
    j->pending_count--;
    memmove(&j->pending[0], &j->pending[1], j->pending_count * sizeof(*j->pending));
}

/* Counted from the first pane with cells on: when an emptier one before it is closed depends on the batches. */
static void count_closed(struct judge *j, int64_t pane)
{
    if (j->first_pane != INT64_MIN && pane >= j->first_pane)
        j->panes_closed += (uint64_t)(pane -
                                      (j->closed < j->first_pane ? j->first_pane - 1 : j->closed));
}

/* The first pane after `pane` in which something is due though no cell comes. */
static int64_t judge_next(const struct judge *j, int64_t pane)
{
    int64_t rules = rules_next(j, pane), controls = INT64_MAX;

    if (j->first_pane != INT64_MIN)
        controls = controls_next(j->controls, pane);
    return rules < controls ? rules : controls;
}

/* The same after the last closed one. Of panes up to the frontier it is known which are dark: what was due in them
 * is put off until after, and however long they last, they cost nothing. Before the first pane nothing is due:
 * there is nothing to judge. */
static int64_t judge_due(const struct judge *j, int64_t frontier)
{
    int64_t due = j->closed == INT64_MIN ? INT64_MAX : judge_next(j, j->closed), active;

    while (due <= frontier) {
        int64_t to = judge_dark_to(j, due);

        if (to < due)
            break;
        due = judge_next(j, to);
    }
    if (!j->detect || j->first_pane == INT64_MIN) /* nor is there anything to detect */
        return due;
    active = judge_next_active(j, j->closed + 1, due < frontier ? due : frontier);
    return active < due ? active : due;
}

/* What is due in this pane, or has cells; the darkness of those passed over is noted before. The detector goes by panes
 * with events: what is due besides, or swept out, in silent ones is none of its business. */
static void judge_pane(struct judge *j, int64_t pane, bool cells, struct records *out)
{
    bool dark = judge_is_dark(j, pane), muted = judge_is_muted(j, pane), detects = false;

    day_begin(j, pane);
    judge_note_silence(j, pane);
    if (!dark)
        interventions_open(j, pane, muted, out);
    if (j->detect && judge_is_active(j, pane))
        detects = detect_begin(j, pane, dark);
    if (cells)
        pending_take(j, dark, detects);
    else if (detects)
        detect_expose(j, pane);
    count_closed(j, pane);
    j->closed = pane;
    if (detects)
        detect_finish(j, pane, out);
    if (dark)
        return;
    rules_step(j, pane, out);
    if (j->detect)
        detect_settle(j, pane);
    interventions_step(j, pane, muted, out);
}

/* Where the frontier stands in between depends on the batches and on the partitions' pace: nothing may happen
 * there, not even the begin of a day (it chooses the N busiest values). */
void judge_step(struct judge *j, struct records *out)
{
    int64_t frontier = judge_frontier(j);

    while (j->closed < frontier) {
        int64_t due = judge_due(j, frontier);
        int64_t cells = j->pending_count > 0 ? j->pending[0].pane : INT64_MAX;
        int64_t next = due < cells ? due : cells;

        if (next <= frontier) {
            judge_pane(j, next, next == cells, out);
            continue;
        }
        judge_note_silence(j, frontier);
        count_closed(j, frontier);
        j->closed = frontier;
    }
}

void judge_finish(struct judge *j, int64_t last)
{
    while (j->pending_count > 0) {
        day_begin(j, j->pending[0].pane);
        pending_take(j, false, false);
    }
    if (last > j->closed) {
        j->closed = last;
        j->finished = true;
    }
    j->conservation_errors += judge_audit(j);
}

/* --- what operators say --- */

void judge_control(struct judge *j, const struct decision *d)
{
    controls_decide(j->controls, d);
}

void judge_put_alert(struct judge *j, struct alert *a, struct records *out)
{
    struct span ids[ALERT_SILENCES_MAX];

    a->silenced_by = ids;
    a->silenced_count = controls_silenced_by(j->controls, a, ids);
    alert_put(out, a);
    j->rules->alerts++;
}

/* --- looking --- */

struct judge_stays judge_step_stays(const struct judge *j, const struct judge_step *s)
{
    struct judge_stays x = {.open = s->risk.open, .expired = s->expired_unheard};
    int64_t expired = 0;

    if (s->risk.open > 0)
        riskset_look(&s->risk, s->risk_pane, j->closed, x.n, &expired);
    x.open -= expired;
    x.expired += expired;
    return x;
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

uint64_t judge_audit(const struct judge *j)
{
    uint64_t wrong = 0;

    for (size_t i = 0; i < j->leaf_count; i++)
        for (int s = 0; s <= j->funnel->overall; s++)
            wrong += !step_balances(&j->leaves[i].steps[s]);
    return wrong;
}
