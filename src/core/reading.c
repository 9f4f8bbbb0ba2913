/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule sees in its window, and what it says of it.
 *
 * target, benchmark: the score test of the observed rate against the configured one (the inversion of
 * Wilson's interval): z = (target - rate) / sqrt(target (1 - target) / n) must exceed the quantile of the
 * rule's significance, and the shortfall the minimum effect. It is clear when the rate itself is back.
 *
 * matured: the same of the last days' stays, closed or not, each counting by its maturity; the variance is that of
 * stays which may still convert, and of what the curve itself is not sure of (a share m of D conversions: m (1 - m) / D).
 *
 * change: the pooled two-proportion test against the same window earlier. It is clear when the rate is back
 * at what it was when the alert fired, less half of the minimum effect: the earlier window moves on, and in
 * the end would hold the incident itself.
 *
 * A window with too few entries says nothing, nor does one that begins before the log, or before a gap's end
 * (stale); an empty one ends what fires,
 * unless it may be empty only because a source was out. */
#include "funnel/controls.h"
#include "funnel/detect.h"
#include "funnel/maturity.h"
#include "funnel/quality.h"
#include "funnel/rules.h"
#include "funnel/stats.h"

static int64_t pane_ms(const struct judge *j)
{
    return j->funnel->pane_ms;
}

static bool is_cohort(const struct rule *r)
{
    return r->settings->measure == MEASURE_COHORT;
}

static bool is_matured(const struct rule *r)
{
    return r->settings->measure == MEASURE_MATURED;
}

static bool goes_by_days(const struct rule *r)
{
    return is_cohort(r) || is_matured(r);
}

/* Cohorts are whole days, judged when a day ends. */
bool reading_due(const struct judge *j, const struct rule *r, int64_t pane)
{
    const struct window_def *d = rule_window_def(j, r);
    int calendar = goes_by_days(r) ? CALENDAR_DAY : d->calendar;
    int64_t now = pane * pane_ms(j), then = now + pane_ms(j);

    if (calendar < 0)
        return floor_div(pane + 1, d->slot_panes) * d->slot_panes == pane + 1;
    return zone_period(j->zone, NULL, calendar, now) != zone_period(j->zone, NULL, calendar, then);
}

/* Of the window that ends with this pane; its last slot. */
static int64_t read_span(const struct judge *j, const struct rule *r, int64_t pane,
                         struct reading *ret)
{
    const struct window_def *d = rule_window_def(j, r);
    int64_t last;

    if (d->calendar < 0) {
        last = floor_div(pane + 1, d->slot_panes) - 1;
        ret->to.ms = (last + 1) * d->slot_panes * pane_ms(j);
        ret->from.ms = ret->to.ms - d->panes * pane_ms(j);
        ret->since.ms = ret->from.ms - r->against * d->slot_panes * pane_ms(j);
    } else {
        last = zone_period(j->zone, NULL, d->calendar, (pane + 1) * pane_ms(j)) - 1;
        ret->from.ms = zone_period_start(j->zone, d->calendar, last);
        ret->to.ms = zone_period_start(j->zone, d->calendar, last + 1);
        ret->since.ms = zone_period_start(j->zone, d->calendar, last - r->against);
    }
    return last;
}

static void read_throughput(const struct judge *j, const struct rule *r, const struct watch *w,
                            int64_t pane, struct reading *ret)
{
    const struct window_def *d = rule_window_def(j, r);
    const struct window *window = r->quality
                                      ? r->quality->window
                                      : j->series[w->series]
                                            .windows[(size_t)w->step * j->window_count + r->window];
    int64_t last = read_span(j, r, pane, ret);
    struct window_sum sum = window_read(window, d, last), before;

    before = window_read(window, d, last - r->against);
    ret->entries = (int64_t)sum.entries;
    ret->conversions = (int64_t)sum.conversions;
    ret->before_entries = (int64_t)before.entries;
    ret->before_conversions = (int64_t)before.conversions;
    if (!r->quality)
        return;
    sum = window_read(r->quality->sample, d, last);
    ret->watched = (int64_t)sum.entries;
    ret->split = (int64_t)sum.conversions;
}

/* Before a week has been there, nothing is usual. */
static void read_mix(const struct judge *j, const struct rule *r, int64_t pane, struct reading *ret)
{
    int64_t last = read_span(j, r, pane, ret);
    int64_t begin = j->first_pane > r->mix->def.since ? j->first_pane : r->mix->def.since;
    bool learned = begin != INT64_MIN && mix_since(r->mix, last) >= begin * pane_ms(j);

    mix_read(r->mix, last, r->z, &ret->shift);
    ret->entries = (int64_t)ret->shift.entries;
    ret->statistic = ret->shift.statistic;
    ret->verdict = VERDICT_BETWEEN;
    if (learned && ret->shift.dim >= 0 && ret->shift.strength >= 1)
        ret->verdict = VERDICT_BREACH;
    else if (learned && ret->shift.dim >= 0 && ret->shift.plain < 0.5)
        ret->verdict = VERDICT_CLEAR;
}

static void add_days(const struct judge *j, const struct rule *r, const struct watch *w,
                     int64_t first, int64_t last, int64_t *entries, int64_t *conversions)
{
    for (size_t i = 0; i < j->leaf_count; i++) {
        const struct cohort *c = &j->leaves[i].steps[w->step].cohort;

        if (j->leaves[i].series[r->spec] != w->series)
            continue;
        for (size_t k = c->count; k-- > 0 && c->days[k].day >= first;) {
            const struct cohort_day *d = &c->days[k];

            if (d->day > last)
                continue;
            *entries += (int64_t)d->entered + d->credited + d->seeded;
            *conversions += (int64_t)d->exits[EXIT_ADVANCED] + d->credited;
        }
    }
}

/* The last cohort that is closed: the step's window has passed for all its stays. An immature one would
 * look like a drop. */
static void read_cohort(const struct judge *j, const struct rule *r, const struct watch *w,
                        int64_t pane, struct reading *ret)
{
    const struct window_def *d = &j->windows[r->window];
    int64_t now = (pane + 1) * pane_ms(j) - j->funnel->window_ms[w->step];
    int64_t last = zone_day(j->zone, NULL, now) - 1, days = d->panes * pane_ms(j) / ZONE_DAY_MS;
    int64_t first = last - days + 1, before = r->settings->against / ZONE_DAY_MS;

    if (d->calendar >= 0) {
        int64_t period = zone_period(j->zone, NULL, d->calendar, now) - 1;

        first = zone_period_first_day(d->calendar, period);
        last = zone_period_first_day(d->calendar, period + 1) - 1;
        before = first - zone_period_first_day(d->calendar, period - 1);
    }
    ret->from.ms = zone_day_start(j->zone, first);
    ret->to.ms = zone_day_start(j->zone, last + 1);
    add_days(j, r, w, first, last, &ret->entries, &ret->conversions);
    ret->since = ret->from;
    if (r->settings->kind != RULE_CHANGE)
        return;
    ret->since.ms = zone_day_start(j->zone, first - before);
    /* Months differ in length: the earlier period ends where this one begins. */
    add_days(j, r, w, first - before, d->calendar >= 0 ? first - 1 : last - before,
             &ret->before_entries, &ret->before_conversions);
}

/* Stays begun on one of the days, by their maturity. Credited ones convert at once, so they would be too many among
 * the conversions so far: both sides take them by the same measure. */
struct matured {
    double conversions, sum, squares, unsure;
};

static void matured_add(struct matured *x, const struct cohort_day *d, struct maturity_mean mean)
{
    double stays = (double)d->entered + d->credited + d->seeded;
    double variance = mean.m * (1 - mean.m);

    x->conversions += (double)d->exits[EXIT_ADVANCED] + mean.m * d->credited;
    x->sum += stays * mean.m;
    x->squares += stays * mean.mm;
    x->unsure += variance > 0 ? stays * __builtin_sqrt(variance) : 0;
}

static void matured_days(const struct judge *j, const struct rule *r, const struct watch *w,
                         int64_t pane, int64_t first, int64_t last, struct matured *ret)
{
    const struct maturity_mean *means = maturity_means(j, w->step, pane, first, last);

    for (size_t i = 0; i < j->leaf_count; i++) {
        const struct cohort *c = &j->leaves[i].steps[w->step].cohort;

        if (j->leaves[i].series[r->spec] != w->series)
            continue;
        for (size_t k = c->count; k-- > 0 && c->days[k].day >= first;)
            if (c->days[k].day <= last)
                matured_add(ret, &c->days[k], means[c->days[k].day - first]);
    }
}

/* The last days, closed or not. */
static void read_matured(const struct judge *j, const struct rule *r, const struct watch *w,
                         int64_t pane, struct reading *ret)
{
    const struct window_def *d = &j->windows[r->window];
    const struct maturity_step *s = maturity_of(j, w->step);
    int64_t now = (pane + 1) * pane_ms(j), last = zone_day(j->zone, NULL, now) - 1;
    int64_t first = last - d->panes * pane_ms(j) / ZONE_DAY_MS + 1;
    double weight = maturity_weight(s);
    struct matured x = {0};

    if (d->calendar >= 0) {
        int64_t period = zone_period(j->zone, NULL, d->calendar, now) - 1;

        first = zone_period_first_day(d->calendar, period);
        last = zone_period_first_day(d->calendar, period + 1) - 1;
    }
    ret->from.ms = ret->since.ms = zone_day_start(j->zone, first);
    ret->to.ms = zone_day_start(j->zone, last + 1);
    add_days(j, r, w, first, last, &ret->entries, &ret->conversions);
    ret->learned = maturity_is_known(s, pane);
    if (!ret->learned)
        return;
    matured_days(j, r, w, pane, first, last, &x);
    ret->stays = x.sum;
    ret->converted = x.conversions;
    ret->squares = x.squares - (weight > 0 ? x.unsure * x.unsure / weight : 0);
}

static double share(int64_t k, int64_t n)
{
    return n > 0 ? (double)k / (double)n : 0;
}

static enum alert_verdict judge_target(const struct rule *r, struct reading *x)
{
    const struct settings_rule *s = r->settings;
    double clear = s->clear >= 0 ? s->clear : s->target;

    x->expected = s->target;
    x->statistic = is_matured(r) ? -stats_partial_z(x->converted, x->stays, x->squares, s->target)
                                 : -stats_one_proportion_z(x->conversions, x->entries, s->target);
    if ((is_matured(r) ? x->stays : (double)x->entries) < (double)s->min_entries)
        return VERDICT_BETWEEN;
    if (x->rate >= clear)
        return VERDICT_CLEAR;
    if (x->statistic > r->z && x->rate <= s->target * (1 - s->min_effect))
        return VERDICT_BREACH;
    return VERDICT_BETWEEN;
}

/* Back at what it was when the alert fired? */
static bool change_recovered(const struct rule *r, const struct watch *w, const struct reading *x)
{
    const struct settings_rule *s = r->settings;

    if (s->clear >= 0)
        return w->rise ? x->rate <= s->clear : x->rate >= s->clear;
    return w->rise ? x->rate <= w->reference * (1 + s->min_effect / 2)
                   : x->rate >= w->reference * (1 - s->min_effect / 2);
}

static bool change_breaches(const struct rule *r, const struct reading *x, double z)
{
    const struct settings_rule *s = r->settings;
    double before = share(x->before_conversions, x->before_entries);

    if (s->direction != DIRECTION_RISE && z < -r->z && x->rate <= before * (1 - s->min_effect))
        return true;
    return s->direction != DIRECTION_DROP && z > r->z && x->rate >= before * (1 + s->min_effect);
}

static enum alert_verdict judge_change(const struct rule *r, const struct watch *w,
                                       struct reading *x)
{
    bool fires = w->life.state == ALERT_FIRING || w->life.state == ALERT_RESOLVING;
    double z = stats_two_proportion_z(x->conversions, x->entries, x->before_conversions,
                                      x->before_entries);
    bool enough = x->entries >= r->settings->min_entries &&
                  x->before_entries >= r->settings->min_entries;

    x->rise = fires ? w->rise : z > 0;
    x->statistic = x->rise ? z : -z;
    if (x->before_entries > 0)
        x->expected = share(x->before_conversions, x->before_entries);
    if (fires) {
        x->expected = w->reference;
        if (x->entries < r->settings->min_entries)
            return VERDICT_BETWEEN;
        if (change_recovered(r, w, x))
            return VERDICT_CLEAR;
    }
    if (!enough)
        return VERDICT_BETWEEN;
    if (change_breaches(r, x, z))
        return VERDICT_BREACH;
    return fires ? VERDICT_BETWEEN : VERDICT_CLEAR;
}

/* Windows do not hold what came in dark panes: there may have been something. Cohorts do, but before they are closed
 * what was lost there may still come. */
static bool is_half_dark(const struct judge *j, const struct rule *r, const struct reading *x)
{
    return !is_cohort(r) && j->controls->last_dark != INT64_MIN &&
           x->from.ms <= j->controls->last_dark * pane_ms(j);
}

/* Its rate and interval. */
static void reading_rate(const struct rule *r, struct reading *x)
{
    struct interval wilson = stats_wilson(x->conversions, x->entries, STATS_Z95);

    x->rate = share(x->conversions, x->entries);
    if (is_matured(r)) {
        wilson = stats_partial_wilson(x->converted, x->stays, x->squares, STATS_Z95);
        x->rate = x->stays > 0 ? x->converted / x->stays : 0;
        x->rate = x->rate < 1 ? x->rate : 1;
    }
    x->low = wilson.low;
    x->high = wilson.high;
}

/* From `since` on it holds all there was. */
static bool is_complete(const struct judge *j, const struct rule *r, const struct watch *w,
                        const struct reading *x)
{
    int64_t since = floor_div(x->since.ms, pane_ms(j));

    if (j->first_pane == INT64_MIN || x->since.ms < j->first_pane * pane_ms(j))
        return false;
    return goes_by_days(r) ||
           (since >= j->series[w->series].since && since >= rule_window_def(j, r)->since);
}

void reading_take(struct judge *j, const struct rule *r, const struct watch *w, int64_t pane,
                  struct reading *ret)
{
    struct interval wilson;
    bool stale;

    if (detect_is_kind(r->settings->kind)) {
        detect_reading(j, w, pane, ret);
        wilson = stats_wilson(ret->conversions, ret->entries, STATS_Z95);
        ret->low = wilson.low;
        ret->high = wilson.high;
        return;
    }
    *ret = (struct reading){.expected = __builtin_nan("")};
    if (is_cohort(r))
        read_cohort(j, r, w, pane, ret);
    else if (is_matured(r))
        read_matured(j, r, w, pane, ret);
    else if (r->mix)
        read_mix(j, r, pane, ret);
    else
        read_throughput(j, r, w, pane, ret);
    reading_rate(r, ret);
    stale = j->stale_before != INT64_MIN && ret->since.ms < j->stale_before * pane_ms(j);
    ret->complete = !stale && is_complete(j, r, w, ret);
    if (r->settings->kind == RULE_CHANGE)
        ret->verdict = judge_change(r, w, ret);
    else if (r->settings->kind < RULE_CHANGE)
        ret->verdict = judge_target(r, ret);
    else if (r->quality)
        ret->verdict = quality_judge(r, ret);
    else if (!r->mix)
        ret->verdict = VERDICT_CLEAR; /* the other kinds go by no window of rates */
    /* The log begins inside the window, or the series' leaves changed: entries and conversions do not match. */
    if (!ret->complete || (is_matured(r) && (!ret->learned || is_half_dark(j, r, ret))))
        ret->verdict = VERDICT_BETWEEN;
    if (ret->entries == 0) /* nothing to go by: neither starts an alert nor keeps one */
        ret->verdict = stale || is_half_dark(j, r, ret) ? VERDICT_BETWEEN : VERDICT_CLEAR;
}
