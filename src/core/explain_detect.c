/* SPDX-License-Identifier: Apache-2.0 */
/* Why a rule of the detector fires or does not: what is learned of a step, what is expected of a series' open stays by
 * their age, and how full its tests are. Such a rule has watches only of what once fired, so this goes by series. */
#include "explain_parts.h"

#include "funnel/attribution.h"
#include "funnel/detect_parts.h"
#include "funnel/units.h"

#define FULLEST 3 /* tests that are shown */

/* A rule on one step, of one series. */
struct explained {
    const struct judge *j;
    const struct detect_track *t;
    const struct detect_battery *battery;
    const struct rule *rule;
    uint32_t series;
};

static int64_t pane_ms(const struct explained *x)
{
    return x->j->funnel->pane_ms;
}

static bool is_volume(const struct explained *x)
{
    return x->t->volume;
}

static const char *unit_of(const struct explained *x)
{
    return is_volume(x) ? "entries" : "conversions";
}

static bool is_own(const struct explained *x, const struct incident *c)
{
    const struct detect_track *t = &x->j->detect->tracks[c->track];

    return t == x->t && &t->batteries[c->battery] == x->battery && c->series == x->series;
}

static struct watch watch_made(const struct explained *x, bool slow)
{
    return (struct watch){.series = x->series,
                          .step = is_volume(x) ? x->j->funnel->overall : x->t->step,
                          .slow = slow};
}

/* --- what is learned --- */

static void put_stage(const struct explained *x, struct buf *out)
{
    const struct detect *d = x->j->detect;
    const struct detect_track *t = x->t;

    if (d->blind_to != INT64_MIN && x->j->closed <= d->blind_to) {
        buf_str(out, "blind: too many events are late, until ");
        explain_put_time(out, (struct etime){(d->blind_to + 1) * pane_ms(x)});
    } else if (t->testing) {
        buf_str(out, cold_is(t) ? "testing, by target and dwell" : "testing");
    } else if (t->days_learned >= DETECT_LEARNING_DAYS) {
        buf_fmt(out, "undecided: no %s yet", unit_of(x));
    } else {
        buf_fmt(out, "learning: undecided before day %d", DETECT_LEARNING_DAYS);
    }
}

static double conversions_a_day(const struct explained *x)
{
    return track_facts(x->j, x->t, x->series).nu;
}

static double factor_at(const struct explained *x, int64_t pane, int bin)
{
    return season_at(x->t->factor[x->t->group[bin]], detect_hour(x->j, pane));
}

static void put_season(const struct explained *x, struct buf *out)
{
    const struct detect_track *t = x->t;
    double hour = detect_hour(x->j, x->j->closed);

    buf_str(out, "  season   ");
    for (int g = 0; g < (is_volume(x) ? 1 : DETECT_GROUPS); g++)
        buf_fmt(out, " %.3f", season_at(t->factor[g], hour));
    if (!is_volume(x))
        buf_str(out, " (stays of the four groups of ages, the young first)");
    buf_str(out, "\n");
}

static void put_noise(const struct explained *x, struct buf *out)
{
    const struct detect_series *s = &x->t->series[x->series];

    buf_str(out, "  noise     phi");
    for (int scale = 0; scale < CUSUM_SCALES; scale++) {
        buf_str(out, scale > 0 ? ", " : " ");
        units_put_duration(out, cusum_scales_min[scale] * INT64_C(60000));
        buf_fmt(out, " %.2f", dispersion_phi(&s->phi[CUSUM_ALL][scale]));
    }
    buf_str(out, "\n");
}

static void put_learned(const struct explained *x, struct buf *out)
{
    const struct detect_track *t = x->t;

    buf_fmt(out, "  learned   %lld days; %.1f %s a day", (long long)t->days_learned,
            conversions_a_day(x), unit_of(x));
    if (t->known && !is_volume(x))
        buf_fmt(out, "; p = %.1f %% of the step", t->pool.p * 100);
    buf_str(out, "; ");
    put_stage(x, out);
    buf_fmt(out, "\n  level     %+.2f %%, sd %.2f %%\n", (t->gain - 1) * 100,
            __builtin_sqrt(t->level.p) * 100);
    put_season(x, out);
    put_noise(x, out);
}

/* --- what is open --- */

struct open_bin {
    double n, e, frozen;
};

static void open_add(const struct explained *x, size_t leaf, struct open_bin *bins)
{
    const struct detect_leaf *l = &x->t->leaves[leaf];
    struct judge_stays stays = judge_step_stays(x->j, &x->j->leaves[leaf].steps[x->t->step]);

    for (int bin = 0; bin < x->t->bins; bin++) {
        double n = is_volume(x) ? 0 : stays.n[bin];

        bins[bin].n += n;
        bins[bin].e += is_volume(x) ? l->h[bin] : n * l->h[bin];
        bins[bin].frozen += l->frozen ? n : 0;
    }
}

/* As of the next pane, with season and level. */
static struct open_bin open_sum(const struct explained *x, struct open_bin *bins)
{
    struct open_bin all = {0};

    for (size_t i = 0; i < x->t->leaf_count; i++)
        if (series_has(x->j, x->series, (uint32_t)i))
            open_add(x, i, bins);
    for (int bin = 0; bin < x->t->bins; bin++) {
        bins[bin].e *= factor_at(x, x->j->closed + 1, bin) * x->t->gain;
        all.n += bins[bin].n;
        all.e += bins[bin].e;
        all.frozen += bins[bin].frozen;
    }
    return all;
}

static const struct incident *incident_own(const struct explained *x)
{
    const struct detect *d = x->j->detect;

    for (size_t i = 0; i < d->incident_count; i++)
        if (is_own(x, &d->incidents[i]))
            return &d->incidents[i];
    return NULL;
}

/* By age, since the onset of what fires, or in the last hour. False: nobody has kept it. */
static bool look_take(const struct explained *x, struct look_sums *ret)
{
    const struct incident *c = incident_own(x);
    int64_t to = x->t->fine;

    if (to == INT64_MIN)
        return false;
    return look_since(x->j, x->t, x->series, c ? c->onset : to - ZONE_HOUR_MS / pane_ms(x) + 1, to,
                      ret);
}

static void put_bin(const struct explained *x, int bin, double chance, const struct open_bin *open,
                    const struct look_sums *seen, struct buf *out)
{
    struct buf age = {0};

    units_put_duration(&age, x->t->ages->edge[bin] * pane_ms(x));
    buf_fmt(out, "    %-12s %9.0f  %10.6f %13.3f", buf_cstr(&age), open->n, chance, open->e);
    if (seen)
        buf_fmt(out, " %9.0f %11.2f", seen->n[bin], seen->e[bin]);
    buf_str(out, "\n");
    buf_deinit(&age);
}

static void put_bins(const struct explained *x, const struct open_bin *bins,
                     const struct open_bin *all, const struct look_sums *seen, struct buf *out)
{
    double chance[AGES_BINS] = {0}, n = 0, e = 0;

    hazard_chances(&x->t->pool, x->t->pool.p, chance);
    for (int bin = 0; bin < x->t->bins; bin++) {
        if (bins[bin].n > 0 || (seen && seen->n[bin] + seen->e[bin] >= 0.005))
            put_bin(x, bin, chance[bin], &bins[bin], seen, out);
        n += seen ? seen->n[bin] : 0;
        e += seen ? seen->e[bin] : 0;
    }
    buf_fmt(out, "    %-12s %9.0f  %10s %13.3f", "all", all->n, "", all->e);
    if (seen)
        buf_fmt(out, " %9.0f %11.2f", n, e);
    buf_str(out, "\n");
}

static void put_open(const struct explained *x, struct buf *out)
{
    struct open_bin bins[AGES_BINS] = {0}, all = open_sum(x, bins);
    struct look_sums seen;
    bool looks;

    if (is_volume(x)) {
        buf_fmt(out, "  expected  %.3f entries in the next pane\n", all.e);
        return;
    }
    looks = look_take(x, &seen);
    if (all.n == 0 && !looks) {
        buf_str(out, "  open      no stays\n");
        return;
    }
    buf_str(out, "  open      stays by age; expected: of them, in the next pane");
    if (looks) {
        buf_str(out, "; O, E: since ");
        explain_put_time(out, (struct etime){seen.from * pane_ms(x)});
    }
    buf_fmt(out, "\n    age from       at risk      hazard      expected%s\n",
            looks ? "         O           E" : "");
    put_bins(x, bins, &all, looks ? &seen : NULL, out);
    if (all.frozen > 0)
        buf_fmt(out, "    %.0f of them are explained by an alert that fires: no test counts them\n",
                all.frozen);
}

/* --- what came --- */

/* Silent panes at the end are not charged yet. */
static void put_hour(const struct explained *x, struct buf *out)
{
    int64_t panes = ZONE_HOUR_MS / pane_ms(x), to = x->t->fine;
    struct track_sums sums;

    buf_str(out, "  hour      ");
    if (to == INT64_MIN || !x->t->known) {
        buf_str(out, "nothing expected yet\n");
        return;
    }
    sums = track_since(x->j, x->t, x->series, to - panes + 1, to);
    buf_fmt(out, "O = %.0f, E = %.2f in the last one, to ", sums.n, sums.e);
    explain_put_time(out, (struct etime){(to + 1) * pane_ms(x)});
    buf_str(out, "\n");
}

/* --- tests --- */

static double fullness(const struct detect_series *s, size_t test)
{
    return s->b[test] > 0 ? s->w[test] / s->b[test] : 0;
}

/* The fullest first, and unless `all` only the first few of those that are not at 0; how many. */
static size_t tests_fullest(const struct explained *x, bool all, size_t ret[DETECT_TESTS])
{
    const struct detect_series *s = &x->t->series[x->series];
    size_t count = 0, most = all ? DETECT_TESTS : FULLEST;

    for (size_t i = x->battery->first; i < x->battery->first + x->battery->count; i++) {
        size_t at = count;

        if (!(s->w[i] > 0) && !all)
            continue;
        while (at > 0 && fullness(s, ret[at - 1]) < fullness(s, i))
            at--;
        if (at == most)
            continue;
        count += count < most;
        for (size_t k = count - 1; k > at; k--)
            ret[k] = ret[k - 1];
        ret[at] = i;
    }
    return count;
}

static void put_test(const struct explained *x, size_t test, struct buf *out)
{
    static const char *const families[CUSUM_FAMILIES] = {"all", "steady", "young", "slow"};
    const struct detect_series *s = &x->t->series[x->series];
    const struct cusum_test *c = &x->t->tests[test];

    buf_fmt(out, "    %-7s", families[c->family]);
    if (c->family == CUSUM_SLOW)
        buf_fmt(out, " %5s", "");
    else
        buf_fmt(out, " %5.2f", c->q);
    buf_fmt(out, " %9.3f %9.3f %6.2f %6.3f  ", s->w[test], s->b[test], 1 / s->inverse[test],
            s->rho[test]);
    if (s->w[test] > 0)
        explain_put_time(out, (struct etime){(s->zero[test] + 1) * pane_ms(x)});
    else
        buf_str(out, "-");
    buf_str(out, "\n");
}

static void put_tests(const struct explained *x, bool all, struct buf *out)
{
    const struct detect_series *s = &x->t->series[x->series];
    size_t shown[DETECT_TESTS], count;

    if (!x->t->testing)
        return;
    buf_fmt(out, "  tests     %zu", x->battery->count);
    if (!(s->b[x->battery->first] < __builtin_inf())) {
        buf_fmt(out, ", which nothing reaches: no %s are known of it\n", unit_of(x));
        return;
    }
    count = tests_fullest(x, all, shown);
    if (count == 0) {
        buf_fmt(out, ", all at 0; the first one fires above %.3f\n", s->b[x->battery->first]);
        return;
    }
    buf_fmt(out,
            "; one fires when W exceeds b. The fullest%s:\n"
            "    family      q         W         b    phi   rho0  above 0 since\n",
            all ? " first" : "");
    for (size_t i = 0; i < count; i++)
        put_test(x, shown[i], out);
}

/* --- incidents --- */

static void put_recovery(const struct incident *c, struct buf *out)
{
    buf_fmt(out, "  recovery  %.2f nats by all ages", c->all);
    if (!c->slow)
        buf_fmt(out, ", %.2f by the young", c->recent);
    buf_fmt(out, ", of %.0f", RECOVERY_NATS);
    if (c->accepted)
        buf_str(out, "; accepted as normal");
    else if (c->recovered)
        buf_str(out, "; confirmed");
    else if (c->confirming)
        buf_fmt(out, "; confirming by %s: %+.2f of +%.0f or -%.0f",
                c->by_recent ? "the young" : "all", c->confirm, RECOVERY_NATS, RECOVERY_NATS);
    buf_str(out, "\n");
}

static void put_incident(const struct explained *x, const struct incident *c, struct buf *out)
{
    double due = incident_due(x->j, c, x->j->detect->cursor);

    buf_fmt(out, "  incident  %ssince ", c->slow ? "slow-down " : "");
    explain_put_time(out, (struct etime){c->onset * pane_ms(x)});
    buf_fmt(out, ": O = %.0f, E = %.1f", c->n, c->e);
    if (!x->t->volume)
        buf_fmt(out, "; %.1f would have come", due);
    buf_fmt(out, ", %s %.1f %s\n", x->battery->kind == RULE_RISE ? "more" : "lost",
            x->battery->kind == RULE_RISE ? c->n - due : due - c->n, unit_of(x));
    buf_fmt(out, "    fired with W = %.3f of b = %.3f; at the last look ratio %.3f, score %.2f\n",
            c->statistic, c->threshold, c->ratio, c->score);
    put_recovery(c, out);
    explain_put_alert(&x->rule->watches[c->watch], out);
}

static size_t put_incidents(const struct explained *x, struct buf *out)
{
    const struct detect *d = x->j->detect;
    size_t count = 0;

    for (size_t i = 0; i < d->incident_count; i++)
        if (is_own(x, &d->incidents[i])) {
            put_incident(x, &d->incidents[i], out);
            count++;
        }
    return count;
}

/* What fired before, if anything did. */
static void put_quiet(const struct explained *x, bool slow, struct buf *out)
{
    struct watch none = watch_made(x, slow);

    for (size_t i = 0; i < x->rule->count; i++) {
        const struct watch *w = &x->rule->watches[i];

        if (w->series == none.series && w->step == none.step && w->slow == slow) {
            explain_put_alert(w, out);
            return;
        }
    }
    explain_put_alert(&none, out);
}

/* --- which series --- */

static bool incident_slow(const struct explained *x, bool *ret_slow)
{
    const struct detect *d = x->j->detect;

    for (size_t i = 0; i < d->incident_count; i++)
        if (is_own(x, &d->incidents[i])) {
            *ret_slow = d->incidents[i].slow;
            return true;
        }
    return false;
}

/* Asked for by its alert's fingerprint, as a drop or as a slow-down; or by exactly its values, or about an alert that
 * has them among others. */
static bool series_fits(const struct explained *x, const struct explain_query *q, bool *ret_slow)
{
    const struct segment_spec *spec = &x->j->specs[x->j->series[x->series].spec];
    struct watch w = watch_made(x, false);
    bool fires;

    *ret_slow = false;
    if (!explain_dims_fit(q, x->j, &w))
        return false;
    if (!q->fingerprint) {
        fires = incident_slow(x, ret_slow);
        return fires || (size_t)spec->count == q->dim_count;
    }
    if (q->fingerprint == rules_fingerprint(x->j, x->rule, &w))
        return true;
    *ret_slow = w.slow = x->battery->kind == RULE_DROP;
    return w.slow && q->fingerprint == rules_fingerprint(x->j, x->rule, &w);
}

static void put_series(const struct explained *x, bool slow, bool all_tests, struct buf *out)
{
    struct watch w = watch_made(x, slow);

    explain_put_name(x->j, x->rule, &w, out);
    if (x->j->detect->day == INT64_MIN) {
        buf_str(out, "  learned   nothing: no pane with events has counted yet\n");
        return;
    }
    put_learned(x, out);
    put_open(x, out);
    put_hour(x, out);
    put_tests(x, all_tests, out);
    if (put_incidents(x, out) == 0)
        put_quiet(x, slow, out);
}

static size_t explain_battery(struct explained *x, const struct explain_query *q, struct buf *out)
{
    size_t count = 0;
    bool slow;

    if (!explain_step_fits(q, x->j, watch_made(x, false).step))
        return 0;
    for (x->series = 0; x->series < x->t->series_count; x->series++) {
        if (!series_fits(x, q, &slow))
            continue;
        put_series(x, slow, q->all_tests, out);
        count++;
    }
    return count;
}

size_t explain_detect(const struct judge *j, size_t rule, const struct explain_query *q,
                      struct buf *out)
{
    size_t count = 0;

    for (size_t i = 0; i < j->detect->track_count; i++) {
        const struct detect_track *t = &j->detect->tracks[i];
        struct explained x = {j, t, NULL, &j->rules->items[rule], 0};

        for (size_t b = 0; b < t->battery_count; b++) {
            x.battery = &t->batteries[b];
            if (x.battery->rule == rule)
                count += explain_battery(&x, q, out);
        }
    }
    return count;
}
