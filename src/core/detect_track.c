/* SPDX-License-Identifier: Apache-2.0 */
/* One pane of one track: what was expected, what came, and every series' tests.
 *
 * Leaves an alert names are frozen: their counts are kept apart, so that no other series is tested by what is
 * explained already, and nothing of it is learned. Expectations are summed over leaves in their order, season and
 * level come on at the series. All tests of a series are advanced together, bin by bin. */
#include <string.h>

#include "funnel/detect_parts.h"
#include "funnel/fmath.h"
#include "funnel/mem.h"

/* A new leaf of a segment that an alert names is frozen like its others. */
static void track_reserve_leaves(const struct judge *j, struct detect_track *t)
{
    if (t->leaf_count == j->leaf_count)
        return;
    while (t->leaf_count < j->leaf_count) {
        t->leaves = mem_grow(t->leaves, t->leaf_count, &t->leaf_cap, sizeof(*t->leaves));
        memset(&t->leaves[t->leaf_count], 0, sizeof(*t->leaves));
        track_derive_leaf(j, t, t->leaf_count++);
    }
    incidents_mark(j);
}

void track_reserve(const struct judge *j, struct detect_track *t)
{
    track_reserve_leaves(j, t);
    while (t->series_count < j->series_count) {
        struct detect_series *s;

        t->series = mem_grow(t->series, t->series_count, &t->series_cap, sizeof(*t->series));
        s = &t->series[t->series_count];
        memset(s, 0, sizeof(*s));
        for (size_t i = 0; i < DETECT_TESTS; i++)
            s->zero[i] = INT64_MIN;
        track_derive_series(j, t, t->series_count++);
    }
    if (t->pane_cap < t->series_cap) {
        t->pane = mem_resize(t->pane, t->series_cap, sizeof(*t->pane));
        memset(t->pane + t->pane_cap, 0, (t->series_cap - t->pane_cap) * sizeof(*t->pane));
        t->pane_cap = t->series_cap;
    }
}

/* --- stays at risk --- */

static void leaf_sum(const struct judge *j, struct detect_track *t, size_t leaf, const double *e,
                     double entries)
{
    bool frozen = t->leaves[leaf].frozen;

    for (size_t k = 0; k < j->spec_count; k++) {
        struct detect_pane *p = &t->pane[j->leaves[leaf].series[k]];
        double *to = frozen ? p->fe : p->e;

        for (int bin = 0; bin < t->bins; bin++)
            to[bin] += e[bin];
        *(frozen ? &p->fentries : &p->entries) += entries;
    }
}

static void leaf_expose(const struct judge *j, struct detect_track *t, size_t leaf)
{
    const struct judge_step *s = &j->leaves[leaf].steps[t->step];
    struct detect_leaf *l = &t->leaves[leaf];
    struct detect_leaf_day *day = &l->days[t->today];
    double e[AGES_BINS];

    for (int bin = 0; bin < t->bins; bin++) {
        double y = s->risk.n[bin];

        e[bin] = y * l->h[bin];
        if (!l->frozen)
            day->y[bin] += y;
    }
    leaf_sum(j, t, leaf, e, s->pane_entered);
}

static void leaf_expose_volume(const struct judge *j, struct detect_track *t, size_t leaf)
{
    double entries = j->leaves[leaf].steps[t->step].pane_entered;
    struct detect_leaf *l = &t->leaves[leaf];

    if (!l->frozen) {
        l->days[t->today].y[0]++;
        l->days[t->today].d[0] += entries;
    }
    leaf_sum(j, t, leaf, l->h, 0);
    for (size_t k = 0; entries > 0 && k < j->spec_count; k++) {
        struct detect_pane *p = &t->pane[j->leaves[leaf].series[k]];

        *(l->frozen ? &p->fn[0] : &p->n[0]) += entries;
    }
}

void track_expose(struct judge *j, struct detect_track *t, int64_t pane)
{
    struct riskset_moves moves;

    if (t->volume) {
        for (size_t i = 0; i < t->leaf_count; i++)
            leaf_expose_volume(j, t, i);
        return;
    }
    riskset_moves(t->ages, pane, &moves);
    for (size_t i = 0; i < t->leaf_count; i++) {
        struct judge_step *s = &j->leaves[i].steps[t->step];

        if (s->risk_pane == INT64_MIN)
            continue;
        judge_step_move(s, &moves, pane);
        if (s->risk.open > 0)
            leaf_expose(j, t, i);
    }
    slow_expose(j, t);
}

/* --- blocks: the noise of residuals by scale --- */

/* Their lengths are multiples of each other: a block that ends is part of the next larger one. */
static void series_fold(struct detect_series *s, int slot, int scale)
{
    for (int f = 0; f < CUSUM_FAMILIES; f++) {
        double *r = &s->r[f][scale], *v = &s->v[f][scale];
        struct detect_series_day *day = &s->pending[slot];

        if (*v > 0) {
            day->squares[f][scale] += dispersion_square(*r, *v, dispersion_phi(&s->phi[f][scale]));
            day->variances[f][scale] += *v;
        }
        if (scale + 1 < CUSUM_SCALES) {
            s->r[f][scale + 1] += *r;
            s->v[f][scale + 1] += *v;
        }
        *r = *v = 0;
    }
}

static void track_fold(const struct judge *j, struct detect_track *t, int64_t pane)
{
    for (int scale = 0; scale < CUSUM_SCALES; scale++) {
        int64_t panes = cusum_scales_min[scale] * INT64_C(60000) / j->funnel->pane_ms;
        int64_t block = floor_div(pane, panes);

        if (block == t->blocks[scale])
            return;
        for (size_t i = 0; t->blocks[scale] != INT64_MIN && i < t->series_count; i++)
            series_fold(&t->series[i], t->today, scale);
        t->blocks[scale] = block;
    }
}

/* --- the last four days --- */

static struct detect_sum *coarse_at(struct detect_series *s, int64_t block)
{
    return &s->coarse[(block % DETECT_COARSE + DETECT_COARSE) % DETECT_COARSE];
}

static struct detect_sum *fine_at(struct detect_series *s, int64_t block)
{
    return &s->fine[(block % DETECT_FINE + DETECT_FINE) % DETECT_FINE];
}

int64_t track_fine_panes(const struct judge *j)
{
    return (DETECT_FINE_MS + j->funnel->pane_ms - 1) / j->funnel->pane_ms;
}

int64_t track_coarse_panes(const struct judge *j)
{
    return DETECT_COARSE_MS / j->funnel->pane_ms;
}

/* Panes and blocks that were passed over held nothing. */
static void track_turn(const struct judge *j, struct detect_track *t, int64_t pane)
{
    int64_t block = floor_div(pane, track_coarse_panes(j));
    int64_t first = t->coarse == INT64_MIN || block - t->coarse > DETECT_COARSE
                        ? block - DETECT_COARSE + 1
                        : t->coarse + 1;
    int64_t unit = track_fine_panes(j), last = floor_div(pane, unit), from = last - DETECT_FINE + 1;

    if (t->fine != INT64_MIN && floor_div(t->fine, unit) >= from)
        from = floor_div(t->fine, unit) + 1;
    for (size_t i = 0; i < t->series_count; i++) {
        for (int64_t b = first; b <= block; b++)
            *coarse_at(&t->series[i], b) = (struct detect_sum){0};
        for (int64_t b = from; b <= last; b++)
            *fine_at(&t->series[i], b) = (struct detect_sum){0};
    }
    t->coarse = block;
    t->fine = pane;
}

static void sum_add(struct track_sums *to, const struct detect_sum *s)
{
    to->n += (double)s->n;
    to->e += (double)s->e;
    to->entries += (double)s->entries;
    to->slow += (double)s->slow;
}

/* Whole blocks, of a minute as far as those go back; the first one when most of it is in. */
struct track_sums track_since(const struct judge *j, const struct detect_track *t, uint32_t series,
                              int64_t from, int64_t to)
{
    struct detect_series *s = &t->series[series];
    struct track_sums sums = {0};
    int64_t unit = track_fine_panes(j), per = track_coarse_panes(j), first, last;

    to = to < t->fine ? to : t->fine; /* beyond it the rings hold what was there before */
    if (from > to)
        return sums;
    last = floor_div(to, unit);
    first = floor_div(from + unit / 2, unit);
    first = first < last ? first : last;
    if (floor_div(t->fine, unit) - first < DETECT_FINE) {
        for (int64_t block = first; block <= last; block++)
            sum_add(&sums, fine_at(s, block));
        return sums;
    }
    first = floor_div(from + per / 2, per);
    if (t->coarse - first >= DETECT_COARSE)
        first = t->coarse - DETECT_COARSE + 1;
    for (int64_t block = first; block <= t->coarse; block++)
        sum_add(&sums, coarse_at(s, block));
    return sums;
}

/* --- tests --- */

static double sum_of(const double *x, int from, int to)
{
    double sum = 0;

    for (int i = from; i < to; i++)
        sum += x[i];
    return sum;
}

/* Nothing is observed in most bins, and something expected in all. */
static void series_score(const struct detect_track *t, const struct detect_pane *p,
                         const double *rho, double *ret_x)
{
    double gains[DETECT_TESTS] = {0}, costs[DETECT_TESTS] = {0};

    for (int bin = 0; bin < t->bins; bin++) {
        for (size_t i = 0; i < DETECT_TESTS; i++)
            costs[i] += t->v[bin][i] * p->e[bin];
        if (p->n[bin] == 0)
            continue;
        for (size_t i = 0; i < DETECT_TESTS; i++)
            gains[i] += t->u[bin][i] * p->n[bin];
    }
    for (size_t i = 0; i < DETECT_TESTS; i++)
        ret_x[i] = gains[i] + rho[i] * costs[i];
}

/* The same where the season is doubtful: each bin's expectation is the one that says less. */
static void series_score_doubtful(const struct detect_track *t, const struct detect_pane *p,
                                  const struct doubt_shares *shares, const double *rho,
                                  double *ret_x)
{
    double gains[DETECT_TESTS] = {0}, costs[DETECT_TESTS] = {0};

    for (int bin = 0; bin < t->bins; bin++) {
        const struct doubt_shares *share = &shares[t->group[bin]];

        for (size_t i = 0; i < DETECT_TESTS; i++) {
            double v = t->v[bin][i];

            costs[i] += v * p->e[bin] * (v > 0 ? share->least : share->most);
            gains[i] += t->u[bin][i] * p->n[bin];
        }
    }
    for (size_t i = 0; i < DETECT_TESTS; i++)
        ret_x[i] = gains[i] + rho[i] * costs[i];
}

static void crossing_note(struct detect_track *t, size_t series, size_t battery, size_t test)
{
    const struct detect_series *s = &t->series[series];
    struct detect_crossing *c = &t->crossing[battery];

    if (s->w[test] <= s->b[test] || (c->found && s->w[test] - s->b[test] <= c->w - c->b))
        return;
    *c = (struct detect_crossing){true,          (uint32_t)series, test,
                                  s->zero[test], s->w[test],       s->b[test]};
}

static void series_scores(const struct judge *j, const struct detect_track *t, size_t series,
                          int64_t pane, int hour, double *ret_x)
{
    const struct detect_pane *p = &t->pane[series];
    struct doubt_shares shares[DETECT_GROUPS];

    if (!t->doubtful) {
        series_score(t, p, t->series[series].rho, ret_x);
        return;
    }
    doubt_shares(j, t, (uint32_t)series, pane, hour, shares);
    series_score_doubtful(t, p, shares, t->series[series].rho, ret_x);
}

static void series_test(const struct judge *j, struct detect_track *t, size_t series, int64_t pane,
                        int hour)
{
    struct detect_series *s = &t->series[series];
    double x[DETECT_TESTS];

    series_scores(j, t, series, pane, hour, x);
    for (size_t i = 0; i < t->test_count; i++) {
        double w = s->w[i] + x[i] * s->inverse[i];

        s->w[i] = w > 0 && s->b[i] < __builtin_inf() ? w : 0;
        if (s->w[i] == 0)
            s->zero[i] = pane;
        else if (s->zero[i] == INT64_MIN)
            s->zero[i] = pane - 1;
    }
}

/* Crossings of panes charged together are the first pane's in which there was one. */
static void track_cross(struct detect_track *t)
{
    for (size_t b = 0; b < t->battery_count; b++) {
        const struct detect_battery *battery = &t->batteries[b];

        if (t->crossing[b].found)
            continue;
        for (size_t i = 0; i < t->series_count; i++)
            for (size_t k = 0; k < battery->count; k++)
                crossing_note(t, i, b, battery->first + k);
    }
}

/* --- a series' pane --- */

static void series_residuals(const struct detect_track *t, struct detect_series *s,
                             const struct detect_pane *p)
{
    for (int f = 0; f < CUSUM_FAMILIES; f++) {
        double r = 0, v = 0;

        for (int bin = 0; bin < t->bins; bin++) {
            double z = t->z[f][bin];

            r += z * (p->n[bin] - p->e[bin]);
            v += z * z * p->e[bin];
        }
        s->r[f][0] += r;
        s->v[f][0] += v;
    }
}

static void series_remember(const struct judge *j, const struct detect_track *t,
                            struct detect_series *s, const struct detect_pane *p, int64_t pane)
{
    struct detect_sum *sums[] = {fine_at(s, floor_div(pane, track_fine_panes(j))),
                                 coarse_at(s, floor_div(pane, track_coarse_panes(j)))};
    double n = sum_of(p->n, 0, t->bins) + sum_of(p->fn, 0, t->bins);
    double e = sum_of(p->e, 0, t->bins) + sum_of(p->fe, 0, t->bins), slow = 0;

    for (int bin = 0; bin < t->bins; bin++)
        slow += t->slow_u[bin] * (p->n[bin] + p->fn[bin]) +
                t->slow_v[bin] * (p->e[bin] + p->fe[bin]);
    for (int i = 0; i < 2; i++) {
        sums[i]->n += (float)n;
        sums[i]->e += (float)e;
        sums[i]->entries += (float)(p->entries + p->fentries);
        sums[i]->slow += (float)slow;
    }
}

/* The whole teaches the season, before the factor comes on. */
static void track_season(struct detect_track *t, const struct detect_pane *p, int hour)
{
    struct detect_day *day = &t->pending[t->today];

    for (int bin = 0; t->known && bin < t->bins; bin++) {
        int group = t->group[bin];

        day->so[group][hour] += p->n[bin];
        day->se[group][hour] += p->e[bin] * t->gain;
    }
}

static void pane_scale(const struct detect_track *t, struct detect_pane *p, const double *factor)
{
    for (int bin = 0; bin < t->bins; bin++) {
        p->e[bin] *= factor[t->group[bin]];
        p->fe[bin] *= factor[t->group[bin]];
    }
}

static void series_learn(const struct detect_track *t, struct detect_series *s,
                         const struct detect_pane *p)
{
    struct detect_series_day *day = &s->pending[t->today];
    double frozen = sum_of(p->fe, 0, t->bins);

    day->o += sum_of(p->n, 0, t->bins);
    day->entries += p->entries;
    day->panes += frozen <= 0 || sum_of(p->e, 0, t->bins) > 0;
}

void track_finish(struct judge *j, struct detect_track *t, int64_t pane, double hour)
{
    double factor[DETECT_GROUPS], season[DETECT_GROUPS];
    struct detect_day *day = &t->pending[t->today];

    track_fold(j, t, pane);
    track_turn(j, t, pane);
    track_season(t, &t->pane[0], (int)hour);
    for (int g = 0; g < DETECT_GROUPS; g++) {
        season[g] = season_at(t->factor[g], hour);
        factor[g] = season[g] * t->gain;
    }
    for (size_t i = 0; i < t->series_count; i++) {
        struct detect_pane *p = &t->pane[i];

        pane_scale(t, p, factor);
        series_learn(t, &t->series[i], p);
        if (t->known) {
            series_residuals(t, &t->series[i], p);
            series_remember(j, t, &t->series[i], p, pane);
            if (t->look)
                look_add(j, t, i, pane);
        }
        if (t->testing)
            series_test(j, t, i, pane, (int)hour % SEASON_HOURS_A_DAY);
    }
    day->o += sum_of(t->pane[0].n, 0, t->bins);
    day->e += sum_of(t->pane[0].e, 0, t->bins);
    if (t->testing)
        track_cross(t);
    incidents_count(j, t, pane, season);
    track_drop(t);
}

void track_drop(struct detect_track *t)
{
    memset(t->pane, 0, t->series_count * sizeof(*t->pane));
}

void track_reset(struct detect_track *t, int64_t pane)
{
    for (size_t i = 0; i < t->series_count; i++) {
        struct detect_series *s = &t->series[i];

        for (size_t k = 0; k < DETECT_TESTS; k++) {
            s->w[k] = 0;
            s->zero[k] = pane;
        }
        memset(s->r, 0, sizeof(s->r));
        memset(s->v, 0, sizeof(s->v));
    }
    for (size_t b = 0; b < DETECT_BATTERIES; b++)
        t->crossing[b].found = false;
}
