/* SPDX-License-Identifier: Apache-2.0 */
/* What a track learns of its days, and what its tests go by.
 *
 * A day is learned when an alert that it belongs to would have fired: until then its counts wait in a slot of their
 * own, and what an alert names is taken out of them. Everything derived is a function of what was learned, so a state
 * that is loaded derives the same again.
 *
 * Tracks begin their day one pane after each other, so that no pane has all the work. */
#include <string.h>

#include "funnel/detect_parts.h"
#include "funnel/fmath.h"
#include "funnel/mem.h"
#include "funnel/multipliers.h"
#include "funnel/rules.h"
#include "funnel/threshold.h"

/* --- deriving --- */

/* At night people take longer: the ages' shares in what converts move by the hour. So each part of the distribution of
 * dwell has its own season; the second ends where the young ages do. */
static void derive_groups(struct detect_track *t)
{
    static const double ends[DETECT_GROUPS - 1] = {0.2, 0.55, 0.8};

    for (int bin = 0; bin < t->bins; bin++) {
        int group = 0;

        while (group < DETECT_GROUPS - 1 && t->pool.f[bin + 1] > ends[group])
            group++;
        t->group[bin] = (uint8_t)(bin == 0 ? 0 : group);
    }
}

static void derive_pool(struct detect_track *t)
{
    double lambda[AGES_BINS] = {0.5}, sum = 0;

    for (size_t i = 0; i < t->leaf_count && t->volume; i++)
        sum += t->leaves[i].o;
    for (int bin = 0; bin < t->bins && !t->volume; bin++)
        sum += t->d[bin];
    t->known = sum > 0;
    if (!t->volume)
        hazard_borrowed(t->bins, t->d, t->y, lambda);
    hazard_init(&t->pool, t->bins, t->ages->edge, lambda);
    t->young = hazard_young_bins(&t->pool);
    derive_groups(t);
}

/* By the multipliers of its values, which a value not seen before does not have: it starts at its parent's rate. */
void track_derive_leaf(const struct judge *j, struct detect_track *t, size_t leaf)
{
    struct detect_leaf *l = &t->leaves[leaf];

    memset(l->h, 0, sizeof(l->h));
    if (!t->known)
        return;
    if (t->volume) {
        l->h[0] = l->y[0] > 0 ? l->o / l->y[0] : 0;
        return;
    }
    l->p = multipliers_p(&t->pool, j->funnel->dim_count, t->m, t->m_count, j->leaves[leaf].value);
    hazard_chances(&t->pool, l->p, l->h);
}

static void derive_leaves(const struct judge *j, struct detect_track *t)
{
    struct multipliers_cell *cells = mem_zero(t->leaf_count, sizeof(*cells));

    for (size_t i = 0; i < t->leaf_count; i++)
        cells[i] = (struct multipliers_cell){j->leaves[i].value, t->leaves[i].y, t->leaves[i].o, 0};
    for (int d = 0; d < j->funnel->dim_count; d++) {
        mem_free(t->m[d]);
        t->m_count[d] = j->values[d].count;
        t->m[d] = mem_zero(t->m_count[d], sizeof(double));
    }
    multipliers_fit(&t->pool, j->funnel->dim_count, t->m, t->m_count, cells, t->leaf_count);
    mem_free(cells);
    for (size_t i = 0; i < t->leaf_count; i++)
        track_derive_leaf(j, t, i);
}

/* Of all ages: a day is better or worse as a whole. */
static void derive_weekdays(const struct detect_track *t, double noise, double *ret_factor)
{
    double o[SEASON_HOURS] = {0}, e[SEASON_HOURS] = {0};

    for (int g = 0; g < DETECT_GROUPS; g++)
        for (int h = 0; h < SEASON_HOURS; h++) {
            o[h] += t->so[g][h];
            e[h] += t->se[g][h];
        }
    season_weekdays(o, e, noise, ret_factor);
}

static double noise_of(const struct detect_track *t, int scale)
{
    return t->series_count > 0 ? dispersion_phi(&t->series[0].phi[CUSUM_ALL][scale]) : 1;
}

static void derive_season(struct detect_track *t)
{
    double noise = noise_of(t, 1); /* of hours */
    double weekday[SEASON_DAYS];

    derive_weekdays(t, noise_of(t, CUSUM_SCALES - 1), weekday);
    for (int g = 0; g < DETECT_GROUPS; g++)
        season_factors(t->so[g], t->se[g], noise, weekday, t->factor[g]);
    t->gain = fm_exp(t->level.l);
    doubt_derive(t, noise);
}

static void test_add(struct detect_track *t, size_t *at, enum cusum_family family, double q,
                     const double *u)
{
    struct cusum_test *test = &t->tests[*at];

    cusum_test_init(test, family, q, u, &t->pool);
    for (int bin = 0; bin < t->bins; bin++) {
        t->u[bin][*at] = test->u[bin];
        t->v[bin][*at] = test->v[bin];
    }
    (*at)++;
}

static void battery_derive(struct detect_track *t, const struct detect_battery *b)
{
    const struct hazard *h = &t->pool;
    size_t at = b->first;
    double u[AGES_BINS];

    for (int i = 0; i < CUSUM_RATIOS; i++) {
        double q = b->kind == RULE_RISE ? 1 / cusum_ratios[i] : cusum_ratios[i];

        if (at == b->first + b->count) /* a rise has no mirror of a total loss */
            return;
        cusum_score_all(h, q, u);
        test_add(t, &at, CUSUM_ALL, q, u);
    }
    if (b->kind != RULE_DROP)
        return;
    for (int i = 0; i < CUSUM_RATIOS; i++) {
        cusum_score_steady(h, cusum_ratios[i], u);
        test_add(t, &at, CUSUM_STEADY, cusum_ratios[i], u);
    }
    for (int i = 0; i < CUSUM_RATIOS; i++) {
        cusum_score_young(h, cusum_ratios[i], u);
        test_add(t, &at, CUSUM_YOUNG, cusum_ratios[i], u);
    }
    test_add(t, &at, CUSUM_SLOW, 1, t->slow_u);
}

/* Weights of the residuals by which each family's noise is measured. */
static void weights_derive(struct detect_track *t)
{
    double scores[CUSUM_FAMILIES][AGES_BINS];

    cusum_score_steady(&t->pool, cusum_ratios[2], scores[CUSUM_STEADY]);
    for (int bin = 0; bin < t->bins; bin++) {
        scores[CUSUM_ALL][bin] = 1;
        scores[CUSUM_YOUNG][bin] = bin < t->young;
        scores[CUSUM_SLOW][bin] = t->slow_u[bin];
    }
    for (int f = 0; f < CUSUM_FAMILIES; f++) {
        double square = 0;

        for (int bin = 0; bin < t->bins; bin++)
            square += (t->pool.f[bin + 1] - t->pool.f[bin]) * scores[f][bin] * scores[f][bin];
        for (int bin = 0; bin < t->bins; bin++)
            t->z[f][bin] = square > 0 ? scores[f][bin] / __builtin_sqrt(square) : 0;
    }
}

static void derive_tests(struct detect_track *t)
{
    memset(t->u, 0, sizeof(t->u));
    memset(t->v, 0, sizeof(t->v));
    cusum_score_slow(&t->pool, t->y, t->slow_u);
    for (int bin = 0; bin < t->bins; bin++)
        t->slow_v[bin] = -fm_expm1(t->slow_u[bin]);
    for (size_t b = 0; b < t->battery_count; b++)
        battery_derive(t, &t->batteries[b]);
    weights_derive(t);
}

struct track_facts track_facts(const struct judge *j, const struct detect_track *t, size_t series)
{
    const struct detect_series *s = &t->series[series];
    struct track_facts f = {s->days > 0 ? s->o / s->days : 0, s->o};

    if (cold_is(t))
        cold_facts(j, t, s, &f.nu, &f.o);
    return f;
}

bool track_is_short(const struct judge *j, const struct detect_track *t)
{
    return !t->volume && t->days_learned * ZONE_DAY_MS < j->funnel->window_ms[t->step];
}

static void battery_thresholds(const struct judge *j, const struct detect_track *t,
                               struct detect_series *s, const struct detect_battery *b,
                               const struct track_facts *f, double share)
{
    struct threshold_series of = {
        .nu = f->nu,
        .o = f->o,
        .rho = threshold_rho(t->level.p, f->o, b->min_effect, track_is_short(j, t)),
        .alpha = b->alpha,
        .share = share,
        .rise = b->kind == RULE_RISE,
        .pane_ms = j->funnel->pane_ms,
    };

    for (size_t i = b->first; i < b->first + b->count; i++) {
        struct threshold x = threshold_of(&t->tests[i], &of, s->phi[t->tests[i].family]);

        s->inverse[i] = 1 / x.phi;
        s->rho[i] = x.rho;
        s->b[i] = s->own_pace && t->tests[i].family != CUSUM_ALL ? __builtin_inf() : x.b;
    }
}

/* Volume is the whole funnel's: that some segments send less and others more is the mix, which drifts. */
void track_derive_series(const struct judge *j, struct detect_track *t, size_t series)
{
    struct detect_series *s = &t->series[series];
    double share = threshold_share(series, j->detect && !t->volume ? j->detect->others : 0);
    struct track_facts f = track_facts(j, t, series);

    for (size_t i = 0; i < DETECT_TESTS; i++) {
        s->b[i] = __builtin_inf();
        s->inverse[i] = s->rho[i] = 1;
    }
    if (!t->testing || !(f.nu > 0) || (t->volume && series > 0))
        return;
    for (size_t k = 0; k < t->battery_count; k++)
        battery_thresholds(j, t, s, &t->batteries[k], &f, share);
}

/* Days in which a drop of 22 % would show; until there are tests, no alert can take anything out of a day. */
static double derive_delay(const struct judge *j, const struct detect_track *t)
{
    struct track_facts f;
    double rho, need;

    if (!t->testing || t->series_count == 0)
        return 0;
    f = track_facts(j, t, 0);
    if (!(f.nu > 0))
        return 1;
    rho = cusum_indifference(t->level.p, f.o);
    need = cusum_need(t->tests[1].i, cusum_gamma(f.nu, rho, t->batteries[0].alpha, 0.5));
    return need / f.nu < 3 ? need / f.nu : 3;
}

void track_derive_shared(const struct judge *j, struct detect_track *t)
{
    derive_pool(t);
    derive_leaves(j, t);
    derive_tests(t);
    derive_season(t);
    t->testing = t->known && (t->days_learned >= DETECT_LEARNING_DAYS || cold_is(t));
}

void track_derive(const struct judge *j, struct detect_track *t)
{
    track_derive_shared(j, t);
    for (size_t i = 0; i < t->series_count; i++)
        track_derive_series(j, t, i);
}

/* --- learning --- */

static double decay(double days, double half_life)
{
    return fm_exp(-FM_LN2 * days / half_life);
}

static void season_decay(struct detect_track *t, double days)
{
    double by = decay(days, DETECT_SEASON_HALF_LIFE);

    for (int g = 0; g < DETECT_GROUPS; g++)
        for (int h = 0; h < SEASON_HOURS; h++) {
            t->so[g][h] *= by;
            t->se[g][h] *= by;
        }
}

static void track_decay(struct detect_track *t, double days)
{
    double by = decay(days, DETECT_HALF_LIFE);

    season_decay(t, days);
    for (int bin = 0; bin < t->bins; bin++) {
        t->d[bin] *= by;
        t->y[bin] *= by;
    }
    for (size_t i = 0; i < t->leaf_count; i++) {
        t->leaves[i].o *= by;
        for (int bin = 0; bin < t->bins; bin++)
            t->leaves[i].y[bin] *= by;
    }
    for (size_t i = 0; i < t->series_count; i++) {
        struct detect_series *s = &t->series[i];

        s->o *= by;
        s->entries *= by;
        s->days *= by;
        for (int f = 0; f < CUSUM_FAMILIES; f++)
            for (int scale = 0; scale < CUSUM_SCALES; scale++)
                dispersion_add(&s->phi[f][scale], 0, 0, days);
    }
}

static void leaf_learn(struct detect_track *t, struct detect_leaf *l, int slot)
{
    for (int bin = 0; bin < t->bins; bin++) {
        l->y[bin] += l->days[slot].y[bin];
        l->o += l->days[slot].d[bin];
        t->y[bin] += l->days[slot].y[bin];
        t->d[bin] += l->days[slot].d[bin];
    }
}

static void series_learn_day(const struct judge *j, struct detect_series *s, int slot)
{
    const struct detect_series_day *day = &s->pending[slot];

    s->o += day->o;
    s->entries += day->entries;
    s->days += day->panes * (double)j->funnel->pane_ms / (double)ZONE_DAY_MS;
    for (int f = 0; f < CUSUM_FAMILIES; f++)
        for (int scale = 0; scale < CUSUM_SCALES; scale++)
            dispersion_add(&s->phi[f][scale], day->squares[f][scale], day->variances[f][scale], 0);
}

static void slot_clear(struct detect_track *t, int slot, int64_t day)
{
    t->pending[slot] = (struct detect_day){.day = day};
    for (size_t i = 0; i < t->leaf_count; i++)
        t->leaves[i].days[slot] = (struct detect_leaf_day){0};
    for (size_t i = 0; i < t->series_count; i++)
        t->series[i].pending[slot] = (struct detect_series_day){0};
}

/* What a day has counted so far. */
static void slot_absorb(const struct judge *j, struct detect_track *t, int slot)
{
    for (size_t i = 0; i < t->leaf_count; i++) {
        leaf_learn(t, &t->leaves[i], slot);
        t->leaves[i].days[slot] = (struct detect_leaf_day){0};
    }
    for (size_t i = 0; i < t->series_count; i++) {
        series_learn_day(j, &t->series[i], slot);
        t->series[i].pending[slot] = (struct detect_series_day){0};
    }
}

/* By how a whole day differed from what was expected of it. A first day that was expected by configured numbers tells
 * of those, not of hours. */
static void slot_compare(struct detect_track *t, const struct detect_day *day)
{
    bool none = day->tainted || (cold_is(t) && t->days_learned == 0);

    for (int g = 0; g < DETECT_GROUPS && !none; g++)
        for (int h = 0; h < SEASON_HOURS; h++) {
            t->so[g][h] += day->so[g][h];
            t->se[g][h] += day->se[g][h];
        }
    if (t->known)
        level_day(&t->level, none ? 0 : day->o, none ? 0 : day->e,
                  dispersion_phi(&t->series[0].phi[CUSUM_ALL][CUSUM_SCALES - 1]));
}

static void slot_learn(const struct judge *j, struct detect_track *t, int slot)
{
    if (!t->pending[slot].holiday) {
        slot_absorb(j, t, slot);
        slot_compare(t, &t->pending[slot]);
        t->days_learned++;
    }
    slot_clear(t, slot, INT64_MIN);
}

/* The oldest first. */
static void track_learn(const struct judge *j, struct detect_track *t, int64_t day, double delay)
{
    for (;;) {
        int oldest = -1;

        for (int i = 0; i < DETECT_DAYS; i++)
            if (t->pending[i].day != INT64_MIN &&
                (oldest < 0 || t->pending[i].day < t->pending[oldest].day))
                oldest = i;
        if (oldest < 0 || (double)(day - t->pending[oldest].day - 1) < delay)
            return;
        slot_learn(j, t, oldest);
    }
}

/* A configured rate and dwell say little about how the times are spread: until two days are learned, each is hour by
 * hour. */
static void track_hour(const struct judge *j, struct detect_track *t, size_t number, int64_t pane)
{
    if (!cold_is(t) || !cold_is_hour(j, number, pane))
        return;
    if (t->days_learned < 2 && !t->pending[t->today].holiday)
        slot_absorb(j, t, t->today);
    track_derive(j, t);
}

void track_day(const struct judge *j, struct detect_track *t, size_t number, int64_t pane)
{
    const struct detect *d = j->detect;
    double delay;
    int free = 0;

    if (d->day == t->day ||
        (t->day != INT64_MIN && d->day == t->day + 1 && pane < d->day_first + (int64_t)number)) {
        track_hour(j, t, number, pane);
        return;
    }
    if (t->day != INT64_MIN) {
        delay = derive_delay(j, t);
        track_decay(t, (double)(d->day - t->day));
        track_learn(j, t, d->day, delay);
        track_derive(j, t);
    }
    while (t->pending[free].day != INT64_MIN)
        free++;
    t->day = d->day;
    t->today = free;
    slot_clear(t, free, t->day);
    t->pending[free].holiday = d->holiday;
}

/* --- what an alert takes out --- */

static bool series_shares(const struct judge *j, size_t series, uint32_t named)
{
    for (uint32_t leaf = 0; leaf < j->leaf_count && named > 0; leaf++)
        if (series_has(j, (uint32_t)series, leaf) && series_has(j, named, leaf))
            return true;
    return named == 0;
}

static void slot_taint(const struct judge *j, struct detect_track *t, uint32_t named, int slot)
{
    struct detect_day *day = &t->pending[slot];

    day->tainted = true;
    for (size_t i = 0; i < t->leaf_count; i++)
        if (series_has(j, named, (uint32_t)i))
            t->leaves[i].days[slot] = (struct detect_leaf_day){0};
    for (size_t i = 0; i < t->series_count; i++)
        if (series_shares(j, i, named))
            t->series[i].pending[slot] = (struct detect_series_day){0};
}

void track_taint(const struct judge *j, struct detect_track *t, uint32_t series, int64_t since)
{
    int64_t day = zone_day(j->zone, NULL, since * j->funnel->pane_ms);

    for (int i = 0; i < DETECT_DAYS; i++)
        if (t->pending[i].day != INT64_MIN && t->pending[i].day >= day)
            slot_taint(j, t, series, i);
}

void track_accept(const struct judge *j, struct detect_track *t, uint32_t series, double ratio)
{
    double all = 0, named = 0;

    if (series == 0) {
        t->level.l += fm_log(ratio);
        track_derive(j, t);
        return;
    }
    for (size_t i = 0; i < t->leaf_count; i++) {
        all += t->leaves[i].o;
        if (!series_has(j, series, (uint32_t)i))
            continue;
        named += t->leaves[i].o;
        t->leaves[i].o *= ratio;
    }
    for (int bin = 0; bin < t->bins && all > 0; bin++)
        t->d[bin] *= 1 - (1 - ratio) * named / all;
    track_derive(j, t);
}
