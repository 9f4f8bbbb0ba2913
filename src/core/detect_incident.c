/* SPDX-License-Identifier: Apache-2.0 */
/* From a crossing to its end: where the change is, of what kind, since when, and whether it is over.
 *
 * An incident is an alert's inner side: its rule's watch has the alert's life, this has the evidence. While it lasts
 * the leaves of its series are frozen, so that what it explains fires nothing else and teaches nothing. */
#include "funnel/attribution.h"
#include "funnel/detect_parts.h"
#include "funnel/fmath.h"
#include "funnel/mem.h"
#include "funnel/rules.h"

#define ACCEPT_BY_MS (3 * ZONE_DAY_MS)
#define DOUBLED 2.0
/* Looked at in each pane of an alert that lasts for days, over three times: by chance it is reached once in years. */
#define WORSE_NATS 12.0

static const struct detect_battery *battery_of(const struct detect *d, const struct incident *c)
{
    return &d->tracks[c->track].batteries[c->battery];
}

static struct watch *watch_of(const struct judge *j, const struct incident *c)
{
    return &j->rules->items[battery_of(j->detect, c)->rule].watches[c->watch];
}

void incidents_mark(const struct judge *j)
{
    struct detect *d = j->detect;

    for (size_t i = 0; i < d->track_count; i++)
        for (size_t k = 0; k < d->tracks[i].leaf_count; k++)
            d->tracks[i].leaves[k].frozen = false;
    for (size_t i = 0; i < d->incident_count; i++) {
        struct detect_track *t = &d->tracks[d->incidents[i].track];

        for (size_t k = 0; k < t->leaf_count; k++)
            if (series_has(j, d->incidents[i].series, (uint32_t)k))
                t->leaves[k].frozen = true;
    }
}

struct incident *incident_of(const struct judge *j, const struct watch *w)
{
    struct detect *d = j->detect;

    for (size_t i = 0; d && i < d->incident_count; i++)
        if (watch_of(j, &d->incidents[i]) == w)
            return &d->incidents[i];
    return NULL;
}

static int64_t panes_of(const struct judge *j, int64_t ms)
{
    return ms / j->funnel->pane_ms;
}

bool incident_is_in_ring(const struct judge *j, const struct incident *c, int64_t pane)
{
    return pane - c->onset < panes_of(j, DETECT_LOOK_BACK_MS);
}

/* --- what it shows --- */

static double sum_young(const struct detect_track *t, const double *x, const double *frozen)
{
    double sum = 0;

    for (int bin = 0; bin < t->young; bin++)
        sum += x[bin] + frozen[bin];
    return sum;
}

/* What is counted for its end: conversions and expectation, of all ages or of the young. */
struct counted {
    double n, e, slow;
};

static double recovery_add(const struct incident *c, double nats, const struct counted *x)
{
    double slow = nats - x->slow / c->phi;

    if (!c->slow)
        return recovery_step(nats, x->n, x->e, c->r, c->phi);
    return slow > 0 ? slow : 0;
}

/* Evidence for or against, from where it stands. */
static void incident_confirm(struct incident *c, const struct counted *x)
{
    c->confirm += c->slow ? -x->slow / c->phi : (-x->n * fm_log(c->r) - (1 - c->r) * x->e) / c->phi;
    if (c->confirm > RECOVERY_NATS)
        c->recovered = true;
    if (c->confirm >= -RECOVERY_NATS)
        return;
    c->confirming = false;
    c->all = c->recent = 0;
}

/* Evidence that it is over: a mirrored CUSUM, which in a lasting incident reaches its four nats by chance every few hours.
 * So it has to gather them once more before it has lost as many. */
static void incident_recover(struct incident *c, const struct counted *all,
                             const struct counted *recent)
{
    if (c->confirming) {
        incident_confirm(c, c->by_recent ? recent : all);
        return;
    }
    c->all = recovery_add(c, c->all, all);
    if (!c->slow)
        c->recent = recovery_add(c, c->recent, recent);
    c->confirming = c->all > RECOVERY_NATS || c->recent > RECOVERY_NATS;
    c->by_recent = c->recent > c->all;
    c->confirm = 0;
}

static void incident_count(struct incident *c, const struct detect_track *t)
{
    const struct detect_pane *p = &t->pane[c->series];
    struct counted all = {0};
    struct counted recent = {sum_young(t, p->n, p->fn), sum_young(t, p->e, p->fe), 0};

    for (int bin = 0; bin < t->bins; bin++) {
        double got = p->n[bin] + p->fn[bin], due = p->e[bin] + p->fe[bin];

        all.n += got;
        all.e += due;
        all.slow += t->slow_u[bin] * got + t->slow_v[bin] * due;
    }
    c->n += all.n;
    c->e += all.e;
    c->entries += p->entries + p->fentries;
    c->slow_sum += all.slow;
    incident_recover(c, &all, &recent);
}

void incidents_count(struct judge *j, const struct detect_track *t, int64_t pane,
                     const double *season)
{
    struct detect *d = j->detect;

    for (size_t i = 0; i < d->incident_count; i++) {
        struct incident *c = &d->incidents[i];

        if (&d->tracks[c->track] != t)
            continue;
        incident_count(c, t);
        slow_count(j, t, c, pane, season);
    }
}

/* --- where it is --- */

struct scan {
    uint32_t series;
    bool slow;
    double score, ratio;
};

/* The series with anything expected since the onset, the whole first. */
struct candidates {
    size_t n;
    uint32_t *series;
    double *o, *e, *slow; /* slow: score of a slow-down */
};

static struct candidates candidates_of(const struct judge *j, const struct detect_track *t,
                                       int64_t onset, int64_t pane)
{
    struct candidates c = {.series = mem_zero(t->series_count, sizeof(*c.series)),
                           .o = mem_zero(3 * t->series_count, sizeof(double))};

    c.e = c.o + t->series_count;
    c.slow = c.e + t->series_count;
    for (size_t i = 0; i < (t->volume ? 1 : t->series_count); i++) {
        struct track_sums sums = track_since(j, t, (uint32_t)i, onset, pane);

        if (i > 0 && sums.e <= 0)
            continue;
        c.series[c.n] = (uint32_t)i;
        c.o[c.n] = sums.n;
        c.e[c.n] = sums.e;
        /* Who comes later is missing now. */
        c.slow[c.n++] = sums.n < sums.e && !t->series[i].own_pace ? sums.slow : 0;
    }
    return c;
}

static void candidates_free(struct candidates *c)
{
    mem_free(c->series);
    mem_free(c->o);
}

/* Whose score of one kind is best, as attribution_best() finds that of a drop. */
static size_t best_of(const struct candidates *c,
                      double (*score)(const struct candidates *, size_t), double *ret_score)
{
    double price = fm_log((double)c->n);
    size_t best = 0;

    *ret_score = score(c, 0);
    for (size_t i = 1; i < c->n; i++)
        if (score(c, i) - price > *ret_score) {
            *ret_score = score(c, i) - price;
            best = i;
        }
    return best;
}

static double score_slow(const struct candidates *c, size_t i)
{
    return c->slow[i];
}

static double score_rise(double o, double e)
{
    return o > e && e > 0 ? o * fm_log(o / e) - (o - e) : 0;
}

static double score_rise_of(const struct candidates *c, size_t i)
{
    return score_rise(c->o[i], c->e[i]);
}

static double score_of(const struct detect_battery *b, double o, double e)
{
    return b->kind == RULE_RISE ? score_rise(o, e) : attribution_score(o, e);
}

/* A segment pays for the search; a slow-down must be better than the best drop by half a nat. */
static struct scan scan_series(const struct judge *j, const struct detect_track *t,
                               const struct detect_battery *b, int64_t onset, int64_t pane)
{
    struct candidates c = candidates_of(j, t, onset, pane);
    double score, slow_score;
    size_t best = b->kind == RULE_RISE ? best_of(&c, score_rise_of, &score)
                                       : attribution_best(c.o, c.e, c.n, &score);
    size_t slow = best_of(&c, score_slow, &slow_score);
    struct scan scan = {.score = score};

    if (b->kind == RULE_DROP && attribution_is_slowdown(slow_score, score)) {
        best = slow;
        scan.slow = true;
        scan.score = slow_score;
    }
    scan.series = c.series[best];
    scan.ratio = attribution_ratio(c.o[best], c.e[best]);
    candidates_free(&c);
    return scan;
}

/* --- beginning --- */

static void incident_place(struct judge *j, struct incident *c, const struct scan *scan,
                           int64_t pane)
{
    struct detect_track *t = &j->detect->tracks[c->track];
    struct track_sums sums = track_since(j, t, scan->series, c->onset, pane);
    double ratio = battery_of(j->detect, c)->kind == RULE_RISE ? 1 / scan->ratio : scan->ratio;

    if (c->series != scan->series || c->slow != scan->slow)
        c->shown = (struct detect_shown){0};
    c->series = scan->series;
    c->slow = scan->slow;
    c->score = scan->score;
    c->ratio = scan->ratio;
    c->n = sums.n;
    c->e = sums.e;
    c->entries = sums.entries;
    c->slow_sum = sums.slow;
    c->r = recovery_ratio(ratio);
    if (battery_of(j->detect, c)->kind == RULE_RISE)
        c->r = 1 / c->r;
    c->all = c->recent = 0;
    c->confirming = false;
    c->watch = rules_watch(j, battery_of(j->detect, c)->rule, c->series,
                           t->volume ? j->funnel->overall : t->step, c->slow);
}

static bool is_alone(const struct judge *j, const struct incident *c)
{
    const struct watch *w = watch_of(j, c);

    for (size_t i = 0; i < j->detect->incident_count; i++)
        if (&j->detect->incidents[i] != c && watch_of(j, &j->detect->incidents[i]) == w)
            return false;
    return true;
}

static bool is_free(const struct detect *d, size_t track)
{
    for (size_t i = 0; i < d->incident_count; i++)
        if (d->incidents[i].track == track)
            return false;
    return true;
}

/* While another one fires, that would be found again: what has crossed without its leaves names itself. */
static struct scan scan_crossing(const struct judge *j, const struct detect_track *t,
                                 const struct detect_battery *b, const struct detect_crossing *x,
                                 int64_t onset, int64_t pane)
{
    struct track_sums sums = track_since(j, t, x->series, onset, pane);
    bool slow = t->tests[x->test].family == CUSUM_SLOW;

    return (struct scan){x->series, slow, slow ? sums.slow : score_of(b, sums.n, sums.e),
                         attribution_ratio(sums.n, sums.e)};
}

static void incident_open(struct judge *j, size_t track, size_t battery, int64_t pane)
{
    struct detect *d = j->detect;
    struct detect_track *t = &d->tracks[track];
    const struct detect_crossing *x = &t->crossing[battery];
    int64_t least = pane - panes_of(j, DETECT_LOOK_BACK_MS) + 1;
    struct incident c = {.track = track, .battery = battery, .fired = pane};
    struct scan scan;

    c.onset = x->zero + 1 > least ? x->zero + 1 : least;
    c.statistic = x->w;
    c.threshold = x->b;
    c.phi = 1 / t->series[x->series].inverse[x->test];
    scan = is_free(d, track) ? scan_series(j, t, &t->batteries[battery], c.onset, pane)
                             : scan_crossing(j, t, &t->batteries[battery], x, c.onset, pane);
    track_reset(t, pane);
    if (!(scan.score > 0)) /* what some ages miss others have */
        return;
    incident_place(j, &c, &scan, pane);
    d->incidents = mem_grow(d->incidents, d->incident_count, &d->incident_cap,
                            sizeof(*d->incidents));
    d->incidents[d->incident_count++] = c;
    if (!is_alone(j, &d->incidents[d->incident_count - 1])) {
        d->incident_count--; /* it fires already */
        return;
    }
    track_taint(j, t, c.series, c.onset);
    rules_breach(watch_of(j, &c));
    incidents_mark(j);
}

/* --- while it lasts --- */

static bool incident_is_due(const struct judge *j, const struct incident *c, int64_t pane)
{
    const struct settings_rule *s = j->rules->items[battery_of(j->detect, c)->rule].settings;

    return s->accept_after > 0 && pane - c->fired >= panes_of(j, s->accept_after);
}

static void incident_accept(struct judge *j, struct incident *c, int64_t pane)
{
    struct detect_track *t = &j->detect->tracks[c->track];
    struct track_sums sums = track_since(j, t, c->series, pane - panes_of(j, ACCEPT_BY_MS) + 1,
                                         pane);

    c->accepted = true;
    if (c->slow)
        slow_accept(j, t, c);
    else if (sums.e > 0)
        track_accept(j, t, c->series, attribution_ratio(sums.n, sums.e));
}

static double score_now(const struct judge *j, const struct incident *c)
{
    return c->slow ? c->slow_sum : score_of(battery_of(j->detect, c), c->n, c->e);
}

/* The record of its end is still about the old place. */
static void incident_relocate(struct judge *j, struct incident *c, const struct incident *was,
                              int64_t pane, struct records *out)
{
    struct incident now = *c;
    size_t rule = battery_of(j->detect, c)->rule;

    *c = *was;
    rules_leave(j, rule, was->watch, pane, out);
    *c = now;
    rules_enter(j, rule, was->watch, c->watch, pane, out);
    track_taint(j, &j->detect->tracks[c->track], c->series, c->onset);
    incidents_mark(j);
}

/* Goes on as what the scan says, unless what is there fires on its own. */
static bool incident_move(struct judge *j, struct incident *c, const struct scan *scan,
                          int64_t pane, struct records *out)
{
    struct incident was = *c;

    incident_place(j, c, scan, pane);
    if (c->watch == was.watch) {
        rules_update(j, battery_of(j->detect, c)->rule, c->watch, pane, out);
        return true;
    }
    if (is_alone(j, c)) {
        incident_relocate(j, c, &was, pane, out);
        return true;
    }
    *c = was;
    return false;
}

/* With twice the evidence it is looked at once more: another segment may explain it better. */
static void incident_update(struct judge *j, struct incident *c, int64_t pane, struct records *out)
{
    struct scan scan;

    c->updated = true;
    if (!incident_is_in_ring(j, c, pane))
        return;
    scan = scan_series(j, &j->detect->tracks[c->track], battery_of(j->detect, c), c->onset, pane);
    if (scan.score > 0)
        incident_move(j, c, &scan, pane, out);
}

/* What comes falls well below even what came since the onset: an outage of what was halved already. The alert is that of
 * the series, so nothing else would tell. */
static bool incident_is_worse(const struct judge *j, struct incident *c, int64_t pane)
{
    static const int hours[] = {1, 4, 24};
    const struct detect_track *t = &j->detect->tracks[c->track];
    double least = c->ratio;
    bool worse = false;

    for (size_t i = 0; i < sizeof(hours) / sizeof(hours[0]); i++) {
        int64_t from = pane - panes_of(j, hours[i] * ZONE_HOUR_MS) + 1;
        struct track_sums sums = track_since(j, t, c->series, from > c->onset ? from : c->onset,
                                             pane);
        double ratio = attribution_ratio(sums.n, sums.e);

        worse |= attribution_score(sums.n, c->ratio * sums.e) > WORSE_NATS * c->phi;
        least = ratio < least ? ratio : least;
    }
    if (worse)
        c->ratio = least;
    return worse && battery_of(j->detect, c)->kind != RULE_RISE;
}

/* Nobody converts in the first minutes of a slow-down nor of a drop. What turns out not to be slow may be the other. */
static bool incident_turns(struct judge *j, struct incident *c, int64_t pane, struct records *out)
{
    struct scan scan;

    if (!c->slow || !incident_is_in_ring(j, c, pane))
        return false;
    scan = scan_series(j, &j->detect->tracks[c->track], battery_of(j->detect, c), c->onset, pane);
    return !scan.slow && scan.score >= c->score && incident_move(j, c, &scan, pane, out);
}

static void incident_step(struct judge *j, struct incident *c, int64_t pane, struct records *out)
{
    struct watch *w;

    if (c->recovered && incident_turns(j, c, pane, out))
        c->recovered = false;
    if (!c->recovered && !c->accepted && incident_is_due(j, c, pane))
        incident_accept(j, c, pane);
    w = watch_of(j, c);
    w->verdict = c->recovered || c->accepted ? VERDICT_CLEAR : VERDICT_BETWEEN;
    if (c->recovered || c->accepted || pane <= c->fired)
        return;
    if (!c->updated && score_now(j, c) >= DOUBLED * c->score)
        incident_update(j, c, pane, out);
    else if (c->updated && incident_is_worse(j, c, pane))
        rules_update(j, battery_of(j->detect, c)->rule, c->watch, pane, out);
}

void incidents_step(struct judge *j, int64_t pane, struct records *out)
{
    struct detect *d = j->detect;

    for (size_t i = 0; i < d->incident_count; i++)
        incident_step(j, &d->incidents[i], pane, out);
    for (size_t i = 0; i < d->track_count; i++) {
        struct detect_track *t = &d->tracks[i];

        for (size_t b = 0; b < t->battery_count; b++)
            if (t->crossing[b].found)
                incident_open(j, i, b, pane);
    }
}

/* --- its end --- */

void detect_settle(struct judge *j, int64_t pane)
{
    struct detect *d = j->detect;
    size_t kept = 0;

    for (size_t i = 0; i < d->incident_count; i++) {
        struct incident *c = &d->incidents[i];

        if (watch_of(j, c)->life.state == ALERT_QUIET)
            track_reset(&d->tracks[c->track], pane);
        else
            d->incidents[kept++] = *c;
    }
    if (kept == d->incident_count)
        return;
    d->incident_count = kept;
    incidents_mark(j);
}
