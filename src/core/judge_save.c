/* SPDX-License-Identifier: Apache-2.0 */
/* The judge's state as bytes. Its leaves are in judge_save_leaf.c, its series in series_save.c, its rules in
 * rules_save.c, what operators said in controls_save.c. */
#include <string.h>

#include "funnel/controls.h"
#include "funnel/detect.h"
#include "funnel/maturity.h"
#include "funnel/mem.h"
#include "funnel/rules.h"
#include "funnel/splits.h"

/* --- saving --- */

static void save_names(const struct judge *j, struct codec_out *out)
{
    names_save(&j->combos, out);
    for (int d = 0; d < j->funnel->dim_count; d++)
        names_save(&j->values[d], out);
    names_save(&j->reasons, out);
    for (int b = 0; b < j->funnel->breakdown_count; b++)
        names_save(&j->breakdowns[b].values, out);
}

static void map_save(const struct judge_map *m, struct codec_out *out)
{
    codec_put_varint(out, m->count);
    for (size_t i = 0; i < m->count; i++)
        codec_put_varint(out, m->to[i]);
}

static void source_save(const struct judge *j, const struct judge_source *s, struct codec_out *out)
{
    map_save(&s->combos, out);
    map_save(&s->reasons, out);
    for (int b = 0; b < j->funnel->breakdown_count; b++)
        map_save(&s->breaks[b], out);
    codec_put_zigzag(out, s->pane);
    codec_put_zigzag(out, s->closed);
    codec_put_u8(out, s->muted);
    codec_put_zigzag(out, s->mute_until);
}

static void save_pending(const struct judge *j, struct codec_out *out)
{
    codec_put_varint(out, j->pending_count);
    for (size_t i = 0; i < j->pending_count; i++) {
        const struct pending_pane *p = &j->pending[i];

        codec_put_zigzag(out, p->pane);
        codec_put_varint(out, p->summed);
        codec_put_varint(out, p->count);
        codec_put(out, p->cells, p->count * sizeof(*p->cells));
    }
}

static void breakdown_save(const struct judge *j, const struct breakdown *b, struct codec_out *out)
{
    static const struct break_step none;
    size_t per_value = (size_t)j->funnel->stage_count;

    for (uint32_t v = 0; v < b->values.count; v++) {
        for (size_t s = 0; s < per_value; s++) {
            const struct break_step *x = v < b->value_cap ? &b->steps[v * per_value + s] : &none;

            for (int c = 0; c < BREAK_CAUSES; c++)
                codec_put_zigzag(out, x->n[c]);
            codec_put_zigzag(out, x->amount);
        }
    }
}

static void save_sums(const struct judge *j, struct codec_out *out)
{
    for (int i = 0; i < FUNNEL_COUNT_COUNT; i++)
        codec_put_zigzag(out, j->counts[i]);
    codec_put_zigzag(out, j->last_ms);
    if (j->last_ms != INT64_MIN)
        codec_put_zigzag(out, j->first_ms);
    for (uint32_t r = 0; r < j->reasons.count; r++)
        codec_put_zigzag(out, r < j->lost_cap ? j->lost[r] : 0);
    for (int b = 0; b < j->funnel->breakdown_count; b++)
        breakdown_save(j, &j->breakdowns[b], out);
    codec_put_varint(out, j->leaves_refused);
    codec_put_varint(out, j->series_refused);
    codec_put_varint(out, j->panes_closed);
    codec_put_varint(out, j->conservation_errors);
}

void judge_save(const struct judge *j, struct codec_out *out)
{
    codec_put_zigzag(out, j->closed);
    codec_put_zigzag(out, j->first_pane);
    codec_put_zigzag(out, j->last_pane);
    codec_put_zigzag(out, j->day);
    codec_put_zigzag(out, j->stale_before);
    save_names(j, out);
    series_save(j, out);
    judge_leaves_save(j, out);
    for (size_t i = 0; i < j->source_count; i++)
        source_save(j, &j->sources[i], out);
    save_pending(j, out);
    save_sums(j, out);
    rules_save(j, out);
    detect_save(j, out);
    maturity_save(j, out);
    controls_save(j->controls, out);
    splits_save(j->splits, out);
}

/* --- loading --- */

static void load_names(struct judge *j, struct codec_in *in)
{
    names_load(&j->combos, in);
    for (int d = 0; d < j->funnel->dim_count; d++)
        names_load(&j->values[d], in);
    names_load(&j->reasons, in);
    for (int b = 0; b < j->funnel->breakdown_count; b++)
        names_load(&j->breakdowns[b].values, in);
}

static void map_load(struct judge_map *m, uint32_t least, uint32_t count, struct codec_in *in)
{
    size_t n = codec_get_count(in, 1);

    for (size_t i = 0; i < n && !in->error; i++) {
        uint32_t to = (uint32_t)codec_get_max(in, count - 1);

        if (to < least)
            codec_fail(in, "a source's number means nothing");
        judge_map_set(m, (uint32_t)i, to);
    }
}

static void source_load(struct judge *j, struct judge_source *s, struct codec_in *in)
{
    map_load(&s->combos, NAME_FIRST, j->combos.count, in);
    map_load(&s->reasons, 0, j->reasons.count, in);
    for (int b = 0; b < j->funnel->breakdown_count; b++)
        map_load(&s->breaks[b], 0, j->breakdowns[b].values.count, in);
    s->pane = codec_get_pane(in);
    s->closed = codec_get_pane(in);
    s->muted = codec_get_bool(in);
    s->mute_until = codec_get_pane(in);
}

/* What the kinds make of a cell's numbers: judge_pane.c. */
static bool cell_is_sound(const struct judge *j, const struct cell *c)
{
    const struct funnel *f = j->funnel;
    bool stage = c->stage < f->stage_count, step = c->stage <= f->overall;
    bool leaf = c->leaf >= NAME_FIRST && c->leaf < j->combos.count;

    switch (c->kind) {
    case CELL_ENTER:
        return leaf && (stage || c->stage == f->overall);
    case CELL_EXIT:
        return leaf && step && c->cause < EXIT_CAUSES;
    case CELL_SEED:
    case CELL_LATE:
        return leaf && step;
    case CELL_CREDIT:
    case CELL_REGRESS:
    case CELL_REPEAT:
    case CELL_STOCK:
        return leaf && stage;
    case CELL_WON:
        return leaf;
    case CELL_DWELL:
        return leaf && step && c->bucket < DWELL_BUCKETS;
    case CELL_CYCLE:
        return leaf && c->bucket < DWELL_BUCKETS;
    case CELL_LOST:
        return c->leaf < j->reasons.count;
    case CELL_BREAK:
        return c->bin < f->breakdown_count && stage && c->cause < BREAK_CAUSES &&
               c->leaf < j->breakdowns[c->bin].values.count;
    case CELL_COUNT:
        return c->stage < FUNNEL_COUNT_COUNT;
    case CELL_SPAN:
        return c->n == 0 || c->n == 1;
    case CELL_WATCHED:
        return splits_watches((uint64_t)c->column) && c->day >= 0 &&
               (size_t)c->day < j->source_count && c->n > 0;
    default:
        return false;
    }
}

static void cells_load(struct judge *j, struct pending_pane *p, struct codec_in *in)
{
    size_t count = codec_get_count(in, sizeof(*p->cells));
    const void *cells = codec_get(in, count * sizeof(*p->cells));

    if (!cells || count == 0)
        return;
    p->cells = mem_alloc(count * sizeof(*p->cells));
    memcpy(p->cells, cells, count * sizeof(*p->cells));
    p->count = p->cap = count;
    j->pending_cells += count;
    for (size_t i = 0; i < count; i++)
        if (!cell_is_sound(j, &p->cells[i]))
            codec_fail(in, "a cell is wrong");
}

static void load_pending(struct judge *j, struct codec_in *in)
{
    size_t count = codec_get_count(in, 3);
    int64_t last = j->closed;

    for (size_t i = 0; i < count && !in->error; i++) {
        struct pending_pane *p;

        j->pending = mem_grow(j->pending, j->pending_count, &j->pending_cap, sizeof(*j->pending));
        p = &j->pending[j->pending_count++];
        *p = (struct pending_pane){.pane = codec_get_pane(in)};
        if (p->pane <= last)
            codec_fail(in, "the open panes are not in order");
        last = p->pane;
        p->summed = (size_t)codec_get_max(in, UINT32_MAX);
        cells_load(j, p, in);
    }
}

static void breakdown_load(const struct judge *j, struct breakdown *b, struct codec_in *in)
{
    size_t n = b->values.count * (size_t)j->funnel->stage_count;

    if (in->error || in->left / (BREAK_CAUSES + 1) < n) {
        codec_fail(in, "a breakdown ends too early");
        return;
    }
    b->steps = mem_zero(n, sizeof(*b->steps));
    b->value_cap = b->values.count;
    for (size_t i = 0; i < n; i++) {
        for (int c = 0; c < BREAK_CAUSES; c++)
            b->steps[i].n[c] = codec_get_sum(in);
        b->steps[i].amount = codec_get_zigzag(in);
    }
}

static void load_sums(struct judge *j, struct codec_in *in)
{
    for (int i = 0; i < FUNNEL_COUNT_COUNT; i++)
        j->counts[i] = codec_get_sum(in);
    j->last_ms = codec_get_time(in);
    if (j->last_ms != INT64_MIN)
        j->first_ms = codec_get_time(in);
    j->lost = mem_zero(j->reasons.count, sizeof(*j->lost));
    j->lost_cap = j->reasons.count;
    for (uint32_t r = 0; r < j->reasons.count && !in->error; r++)
        j->lost[r] = codec_get_sum(in);
    for (int b = 0; b < j->funnel->breakdown_count; b++)
        breakdown_load(j, &j->breakdowns[b], in);
    j->leaves_refused = codec_get_varint(in);
    j->series_refused = codec_get_varint(in);
    j->panes_closed = codec_get_varint(in);
    j->conservation_errors = codec_get_varint(in);
}

static void load_place(struct judge *j, struct codec_in *in)
{
    j->closed = codec_get_pane(in);
    j->first_pane = codec_get_pane(in);
    j->last_pane = codec_get_pane(in);
    j->day = codec_get_pane(in);
    j->stale_before = codec_get_pane(in);
    if (!in->error && j->day != INT64_MIN &&
        (j->closed == INT64_MIN ||
         j->day > zone_day(j->zone, NULL, j->closed * j->funnel->pane_ms)))
        codec_fail(in, "its day is later than its panes");
}

static void load_sources(struct judge *j, struct codec_in *in)
{
    for (size_t i = 0; i < j->source_count && !in->error; i++) {
        source_load(j, &j->sources[i], in);
        if (!in->error && j->sources[i].closed < j->closed)
            codec_fail(in, "a source is behind it");
    }
}

void judge_load(struct judge *j, struct codec_in *in)
{
    load_place(j, in);
    load_names(j, in);
    series_load(j, in);
    judge_leaves_load(j, in);
    load_sources(j, in);
    load_pending(j, in);
    load_sums(j, in);
    rules_load(j, in);
    if (!in->error)
        detect_load(j, in);
    if (!in->error)
        maturity_load(j, in);
    if (!in->error)
        controls_load(j->controls, in);
    if (!in->error)
        splits_load(j->splits, j->source_count, j->closed, in);
}
