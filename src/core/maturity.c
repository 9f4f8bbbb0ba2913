/* SPDX-License-Identifier: Apache-2.0 */
/* Of each watched step: the stays at risk by age, what becomes of them, and at what hours the last days' came.
 *
 * A pane that is passed over held no cells: its stays were at risk all the same, and are counted when the next one
 * comes. Once all stays have expired such panes are passed over here too, so that a gap costs at most one window. */
#include "funnel/maturity.h"

#include <string.h>

#include "funnel/fmath.h"
#include "funnel/judge.h"
#include "funnel/mem.h"
#include "funnel/rules.h"

#define HALF_LIFE 14.0 /* days */
#define SAMPLES 12     /* of an hour, at most */

/* --- life --- */

static bool asks(const struct rule *r)
{
    return r->settings->measure == MEASURE_MATURED;
}

struct maturity *maturity_new(const struct judge *j)
{
    size_t steps = (size_t)j->funnel->overall + 1;
    struct maturity *m = NULL;

    for (size_t i = 0; i < j->rules->count; i++) {
        const struct rule *r = &j->rules->items[i];

        for (size_t step = 0; asks(r) && step < steps; step++) {
            if (!r->steps[step])
                continue;
            m = m ? m : mem_zero(1, sizeof(*m));
            m->steps = m->steps ? m->steps : mem_zero(steps, sizeof(*m->steps));
            m->steps[step].watched = true;
        }
    }
    for (size_t step = 0; m && step < steps; step++) {
        struct maturity_step *s = &m->steps[step];

        if (!s->watched)
            continue;
        riskset_init(&s->risk, &j->funnel->ages[step]);
        s->pane = s->means_pane = INT64_MIN;
        maturity_derive(s);
    }
    return m;
}

void maturity_free(const struct judge *j, struct maturity *m)
{
    if (!m)
        return;
    for (int step = 0; step <= j->funnel->overall; step++) {
        riskset_deinit(&m->steps[step].risk);
        mem_free(m->steps[step].recent);
        mem_free(m->steps[step].means);
    }
    mem_free(m->steps);
    mem_free(m);
}

struct maturity_step *maturity_of(const struct judge *j, int step)
{
    return j->maturity && j->maturity->steps[step].watched ? &j->maturity->steps[step] : NULL;
}

/* --- panes --- */

static void step_expose(struct maturity_step *s)
{
    for (int bin = 0; bin < s->risk.ages->bins; bin++)
        s->today.y[bin] += s->risk.n[bin];
}

static void step_move(struct maturity_step *s, int64_t pane)
{
    struct riskset_moves moves;

    riskset_moves(s->risk.ages, pane, &moves);
    riskset_move(&s->risk, &moves);
}

/* The panes before this one, of which no cell came. */
static void step_catch_up(struct maturity_step *s, int64_t pane)
{
    if (s->pane == INT64_MIN)
        return;
    for (int64_t quiet = s->pane + 1; quiet < pane && s->risk.open > 0; quiet++) {
        step_move(s, quiet);
        step_expose(s);
    }
    if (s->pane < pane - 1)
        s->pane = pane - 1;
}

void maturity_open(struct judge *j, int64_t pane)
{
    for (int step = 0; j->maturity && step <= j->funnel->overall; step++) {
        struct maturity_step *s = maturity_of(j, step);

        if (!s)
            continue;
        step_catch_up(s, pane);
        if (s->pane == INT64_MIN)
            s->since = pane;
        if (s->risk.open > 0)
            step_move(s, pane);
        s->pane = pane;
    }
}

void maturity_seed(struct judge *j, const struct cell *c)
{
    struct maturity_step *s = maturity_of(j, c->stage);

    if (s)
        riskset_seed(&s->risk, c->bin, c->column, (uint32_t)c->n);
}

static struct maturity_day *recent_at(struct maturity_step *s, int64_t day)
{
    if (s->recent_count > 0 && s->recent[s->recent_count - 1].day == day)
        return &s->recent[s->recent_count - 1];
    if (s->recent_count == COHORT_DAYS_MAX)
        memmove(&s->recent[0], &s->recent[1], --s->recent_count * sizeof(*s->recent));
    s->recent = mem_grow(s->recent, s->recent_count, &s->recent_cap, sizeof(*s->recent));
    s->recent[s->recent_count] = (struct maturity_day){.day = day};
    return &s->recent[s->recent_count++];
}

void maturity_enter(struct judge *j, int step, int64_t pane, uint32_t n)
{
    struct maturity_step *s = maturity_of(j, step);
    int64_t hour;

    if (!s || n == 0)
        return;
    riskset_enter(&s->risk, pane, n);
    hour = (pane * j->funnel->pane_ms - zone_day_start(j->zone, j->day)) / ZONE_HOUR_MS;
    if (hour < 0 || hour >= MATURITY_SLOTS)
        hour = hour < 0 ? 0 : MATURITY_SLOTS - 1;
    recent_at(s, j->day)->entered[hour] += n;
}

void maturity_expose(struct judge *j)
{
    for (int step = 0; j->maturity && step <= j->funnel->overall; step++)
        if (maturity_of(j, step))
            step_expose(maturity_of(j, step));
}

/* Late ones leave at the end of the window, where nothing competes any more. That tally and judge agree is checked
 * at the leaf. */
void maturity_exit(struct judge *j, const struct cell *c)
{
    struct maturity_step *s = maturity_of(j, c->stage);

    if (!s || c->bin >= s->risk.ages->bins)
        return;
    riskset_exit(&s->risk, c->bin, c->column, (uint32_t)c->n);
    if (c->cause == EXIT_ADVANCED)
        s->today.d[c->bin] += c->n;
    else if (c->cause != EXIT_LATE)
        s->today.x[c->bin] += c->n;
}

/* --- days --- */

void maturity_derive(struct maturity_step *s)
{
    maturity_curve_init(&s->curve, s->risk.ages, s->d, s->x, s->y);
    s->means_pane = INT64_MIN;
}

static void step_learn(struct maturity_step *s, int64_t days)
{
    double kept = fm_exp(-FM_LN2 * (double)days / HALF_LIFE);
    bool seen = false;

    for (int bin = 0; bin < s->risk.ages->bins; bin++) {
        s->d[bin] = s->d[bin] * kept + (double)s->today.d[bin];
        s->x[bin] = s->x[bin] * kept + (double)s->today.x[bin];
        s->y[bin] = s->y[bin] * kept + (double)s->today.y[bin];
        s->conversions += s->today.d[bin];
        seen |= s->today.y[bin] > 0;
    }
    s->days += seen;
    s->today = (struct maturity_counts){0};
    maturity_derive(s);
}

/* Days whose last stay is past its window. */
static void step_forget(const struct judge *j, struct maturity_step *s, int64_t pane)
{
    int64_t closed = zone_day(j->zone, NULL,
                              (pane - s->risk.ages->window - 2) * j->funnel->pane_ms);
    size_t n = 0;

    while (n < s->recent_count && s->recent[n].day < closed)
        n++;
    s->recent_count -= n;
    if (s->recent_count > 0)
        memmove(s->recent, s->recent + n, s->recent_count * sizeof(*s->recent));
}

void maturity_learn(struct judge *j, int64_t pane, int64_t days)
{
    for (int step = 0; j->maturity && step <= j->funnel->overall; step++) {
        struct maturity_step *s = maturity_of(j, step);

        if (!s)
            continue;
        step_catch_up(s, pane);
        step_learn(s, days);
        step_forget(j, s, pane);
    }
}

/* --- for the rules --- */

static bool has_seen_all_ages(const struct maturity_step *s, int64_t pane)
{
    const struct ages *a = s->risk.ages;

    if (pane - s->since >= a->edge[a->bins])
        return true;
    for (int bin = 0; bin < a->bins; bin++)
        if (!(s->y[bin] > 0))
            return false;
    return true;
}

bool maturity_is_known(const struct maturity_step *s, int64_t pane)
{
    return s->pane != INT64_MIN && s->days >= MATURITY_DAYS &&
           s->conversions >= MATURITY_CONVERSIONS && s->curve.cif[s->curve.bins] > 0 &&
           has_seen_all_ages(s, pane);
}

double maturity_weight(const struct maturity_step *s)
{
    double sum = 0;

    for (int bin = 0; bin < s->risk.ages->bins; bin++)
        sum += s->d[bin];
    return sum;
}

/* Of those who came in the hour from `at` on. A stay entered in pane p was at risk in panes p to `pane`. */
static struct maturity_mean hour_mean(const struct judge *j, const struct maturity_step *s,
                                      int64_t at, int64_t pane)
{
    int64_t panes = ZONE_HOUR_MS / j->funnel->pane_ms;
    int samples = (int)(panes < SAMPLES ? panes : SAMPLES);
    double width = (double)panes / samples;
    double age = (double)((pane + 1) * j->funnel->pane_ms - at) / (double)j->funnel->pane_ms + 0.5;
    struct maturity_mean mean = {0};

    for (int i = 0; i < samples; i++) {
        double m = maturity_curve_at(&s->curve, age - (i + 0.5) * width);

        mean.m += m / samples;
        mean.mm += m * m / samples;
    }
    return mean;
}

/* A day of which the hours are not known counts as evenly spread. */
static struct maturity_mean day_mean(const struct judge *j, const struct maturity_step *s,
                                     int64_t day, int64_t pane)
{
    static const struct maturity_day even = {.entered = {[0 ... 23] = 1}};
    const struct maturity_day *at = &even;
    struct maturity_mean mean = {0};
    double n = 0;

    for (size_t i = s->recent_count; i-- > 0 && s->recent[i].day >= day;)
        if (s->recent[i].day == day)
            at = &s->recent[i];
    for (int slot = 0; slot < MATURITY_SLOTS; slot++) {
        struct maturity_mean hour;

        if (at->entered[slot] == 0)
            continue;
        hour = hour_mean(j, s, zone_day_start(j->zone, day) + slot * ZONE_HOUR_MS, pane);
        mean.m += hour.m * at->entered[slot];
        mean.mm += hour.mm * at->entered[slot];
        n += at->entered[slot];
    }
    return n > 0 ? (struct maturity_mean){mean.m / n, mean.mm / n} : mean;
}

const struct maturity_mean *maturity_means(const struct judge *j, int step, int64_t pane,
                                           int64_t first, int64_t last)
{
    struct maturity_step *s = maturity_of(j, step);
    size_t count = (size_t)(last - first + 1);

    if (s->means_pane == pane && s->means_first == first && s->mean_count == count)
        return s->means;
    s->mean_count = 0;
    for (int64_t day = first; day <= last; day++) {
        s->means = mem_grow(s->means, s->mean_count, &s->mean_cap, sizeof(*s->means));
        s->means[s->mean_count++] = day_mean(j, s, day, pane);
    }
    s->means_pane = pane;
    s->means_first = first;
    return s->means;
}
