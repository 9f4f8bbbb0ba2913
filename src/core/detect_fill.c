/* SPDX-License-Identifier: Apache-2.0 */
/* What an incident says in its alert.
 *
 * The effect is split without a rest (Kitagawa): over the values of the dimension that shows it best, into what their
 * rates and what their shares did. Before and after are taken at the same ages and season: a segment's rate before is
 * what its baseline expects of the very stays that are there now. The expected rate is that of the usual mix. */
#include "funnel/attribution.h"
#include "funnel/detect_parts.h"
#include "funnel/fmath.h"
#include "funnel/mem.h"
#include "funnel/rules.h"

/* Sums in which e is what would have come. Tests go by the expectation of stays at risk; people by what is missing. */
static struct track_sums sums_due(const struct detect_track *t, const struct incident *c,
                                  uint32_t series, int64_t pane, struct track_sums sums)
{
    const struct detect_series *of = &t->series[series];
    double p = of->entries > 0 ? of->o / of->entries : t->pool.p;

    if (t->volume || pane < c->onset)
        return sums;
    p = p < HAZARD_P_MAX ? p : HAZARD_P_MAX;
    sums.e = attribution_due(&t->pool, p, (double)(pane - c->onset + 1), sums.n, sums.e);
    return sums;
}

static struct track_sums incident_sums(const struct judge *j, const struct incident *c,
                                       int64_t pane)
{
    const struct detect_track *t = &j->detect->tracks[c->track];
    struct track_sums sums = {c->n, c->e, c->entries, c->slow_sum};

    if (incident_is_in_ring(j, c, pane))
        sums = track_since(j, t, c->series, c->onset, pane);
    return sums_due(t, c, c->series, pane, sums);
}

double incident_due(const struct judge *j, const struct incident *c, int64_t pane)
{
    return incident_sums(j, c, pane).e;
}

void detect_reading(const struct judge *j, const struct watch *w, int64_t pane, struct reading *ret)
{
    const struct incident *c = incident_of(j, w);
    struct track_sums sums;

    *ret = (struct reading){.expected = __builtin_nan(""), .complete = true, .verdict = w->verdict};
    ret->to.ms = (pane + 1) * j->funnel->pane_ms;
    ret->from = ret->since = ret->to;
    if (!c)
        return;
    sums = incident_sums(j, c, pane);
    ret->from.ms = ret->since.ms = c->onset * j->funnel->pane_ms;
    ret->entries = (int64_t)(sums.entries + 0.5);
    ret->conversions = (int64_t)(sums.n + 0.5);
    ret->rate = sums.entries > 0 ? sums.n / sums.entries : 0;
    ret->expected = sums.entries > 0 ? sums.e / sums.entries : __builtin_nan("");
    ret->statistic = c->statistic;
    ret->ends = c->accepted ? "accepted" : "recovered";
}

/* --- the split --- */

struct split {
    size_t n;
    uint32_t *series;
    size_t *order;   /* from the most affected value on */
    size_t affected; /* how many of the first are, together rather than all; 0: all are */
    double *entries, *conversions, *due, *before_entries, *before_conversions, *rate, *mix;
    double expected; /* rate under the usual mix */
    double score;    /* of the values that together explain it best */
};

static void split_free(struct split *s)
{
    mem_free(s->series);
    mem_free(s->order);
    mem_free(s->entries);
}

static void split_alloc(struct split *s, size_t n)
{
    s->series = mem_zero(n, sizeof(*s->series));
    s->order = mem_zero(n, sizeof(*s->order));
    s->entries = mem_zero(7 * n, sizeof(double));
    s->conversions = s->entries + n;
    s->due = s->conversions + n;
    s->before_entries = s->due + n;
    s->before_conversions = s->before_entries + n;
    s->rate = s->before_conversions + n;
    s->mix = s->rate + n;
}

static void split_add(const struct judge *j, const struct detect_track *t, const struct incident *c,
                      int64_t pane, uint32_t series, struct split *s)
{
    const struct detect_series *of = &t->series[series];
    struct track_sums sums = track_since(j, t, series, c->onset, pane);
    double usual = of->days > 0 ? of->entries / of->days : 0;

    if (sums.entries <= 0)
        return;
    s->series[s->n] = series;
    s->entries[s->n] = sums.entries;
    s->conversions[s->n] = sums.n;
    s->due[s->n] = sums.e;
    s->before_entries[s->n] = usual;
    s->before_conversions[s->n] = usual * sums_due(t, c, series, pane, sums).e / sums.entries;
    s->n++;
}

/* Which of the values are affected, if they explain it better than all of them do: as a segment of the scan each pays the
 * logarithm of the number of series. */
static void split_subset(struct split *s, double price, bool rise)
{
    const double *o = rise ? s->due : s->conversions; /* a rise: as if what came were the norm */
    const double *e = rise ? s->conversions : s->due;
    size_t in = attribution_subset(o, e, s->n, s->order, &s->score);
    double all_o = 0, all_e = 0;

    for (size_t i = 0; i < s->n; i++) {
        all_o += o[i];
        all_e += e[i];
    }
    if (s->score - (double)in * price > attribution_score(all_o, all_e))
        s->affected = in;
}

static struct split split_spec(const struct judge *j, const struct detect_track *t,
                               const struct incident *c, int64_t pane, size_t spec)
{
    struct split s = {0};
    double entries = 0, conversions = 0;

    split_alloc(&s, t->series_count);
    for (size_t i = 0; i < t->series_count; i++)
        if (j->series[i].spec == spec)
            split_add(j, t, c, pane, (uint32_t)i, &s);
    if (s.n == 0)
        return s;
    attribution_split(s.entries, s.conversions, s.before_entries, s.before_conversions, s.n, s.rate,
                      s.mix);
    for (size_t i = 0; i < s.n; i++) {
        entries += s.before_entries[i];
        conversions += s.before_conversions[i];
    }
    split_subset(&s, fm_log((double)t->series_count), t->batteries[c->battery].kind == RULE_RISE);
    s.expected = entries > 0 ? conversions / entries : __builtin_nan("");
    return s;
}

static struct split split_best(const struct judge *j, const struct detect_track *t,
                               const struct incident *c, int64_t pane)
{
    struct split best = {0};

    for (size_t k = 1; k < j->spec_count; k++) {
        struct split s = split_spec(j, t, c, pane, k);

        if (s.n > 0 && s.expected > 0 && (best.n == 0 || s.score > best.score)) {
            split_free(&best);
            best = s;
        } else {
            split_free(&s);
        }
    }
    return best;
}

/* --- the record --- */

static void put_segment(const struct judge *j, uint32_t series, struct buf *out)
{
    const struct series *s = &j->series[series];
    const struct segment_spec *spec = &j->specs[s->spec];

    if (spec->count == 0)
        buf_str(out, "*");
    for (int i = 0; i < spec->count; i++) {
        struct span value = series_value(j, s, spec->dims[i]);

        buf_fmt(out, "%s%s=%.*s", i > 0 ? ", " : "",
                j->funnel->settings->dims.items[spec->dims[i]].name, (int)value.len, value.p);
    }
}

struct part_text {
    size_t from, to; /* in the text, which may move while it grows */
};

static void part_put(const struct judge *j, uint32_t series, const struct alert_part *part,
                     struct alert *a, struct alert_part *parts, struct part_text *texts,
                     struct buf *text)
{
    texts[a->part_count].from = text->len;
    put_segment(j, series, text);
    texts[a->part_count].to = text->len;
    parts[a->part_count++] = *part;
}

static bool split_is_affected(const struct split *s, size_t i)
{
    for (size_t k = 0; k < s->affected; k++)
        if (s->order[k] == i)
            return true;
    return false;
}

/* The largest effects; what is beyond them stays in the remainder. */
static void fill_split(const struct judge *j, struct split *s, struct alert *a,
                       struct alert_part *parts, struct part_text *texts, struct buf *text)
{
    for (size_t k = 0; k < s->n && a->part_count < DETECT_PARTS_MAX; k++) {
        size_t most = 0;
        double size = -1;

        for (size_t i = 0; i < s->n; i++) {
            double rate = s->rate[i] < 0 ? -s->rate[i] : s->rate[i];
            double mix = s->mix[i] < 0 ? -s->mix[i] : s->mix[i];

            if (s->series[i] != UINT32_MAX && rate + mix > size) {
                size = rate + mix;
                most = i;
            }
        }
        part_put(j, s->series[most],
                 &(struct alert_part){.rate_effect = s->rate[most],
                                      .mix_effect = s->mix[most],
                                      .affected = split_is_affected(s, most)},
                 a, parts, texts, text);
        s->series[most] = UINT32_MAX;
    }
}

static void fill_parts(const struct judge *j, const struct incident *c, int64_t pane,
                       struct alert *a, struct alert_part *parts, struct buf *text)
{
    const struct detect_track *t = &j->detect->tracks[c->track];
    struct part_text texts[DETECT_PARTS_MAX];
    double rest;

    a->part_count = 0;
    if (c->series == 0 && !t->volume && incident_is_in_ring(j, c, pane)) {
        struct split s = split_best(j, t, c, pane);

        if (s.n > 0) {
            a->expected_rate = s.expected;
            a->effect_absolute = a->rate - s.expected;
            fill_split(j, &s, a, parts, texts, text);
        }
        split_free(&s);
    }
    if (a->part_count == 0 && !t->volume)
        part_put(
            j, c->series,
            &(struct alert_part){.rate_effect = a->effect_absolute, .affected = c->series != 0}, a,
            parts, texts, text);
    rest = a->effect_absolute;
    for (size_t i = 0; i < a->part_count; i++) {
        rest -= parts[i].rate_effect + parts[i].mix_effect;
        parts[i].segment = (struct span){text->data + texts[i].from,
                                         (uint32_t)(texts[i].to - texts[i].from)};
    }
    if (a->part_count == 0)
        return;
    a->parts = parts;
    a->remainder = rest < 1e-12 && rest > -1e-12 ? 0 : rest; /* no more than rounding */
}

/* Entries are its events: there is no rate. */
static void fill_volume(struct alert *a, const struct track_sums *sums)
{
    a->measure = ALERT_MEASURE_EVENTS;
    a->events = a->conversions;
    a->expected_events = sums->e;
    a->effect_absolute = sums->n - sums->e;
}

void detect_fill(const struct judge *j, const struct watch *w, struct alert *a,
                 struct alert_part *parts, struct buf *text)
{
    const struct incident *c = incident_of(j, w);
    int64_t pane = a->to.ms / j->funnel->pane_ms - 1;
    struct track_sums sums;

    if (!c)
        return;
    sums = incident_sums(j, c, pane);
    a->alertname = c->slow ? ALERT_SLOWDOWN : NULL;
    a->slow = c->slow;
    a->expected_conversions = sums.e;
    a->expected_source = "baseline";
    a->effect_relative = sums.e > 0 ? sums.n / sums.e - 1 : __builtin_nan("");
    a->lost_conversions = sums.e - sums.n;
    a->statistic = c->statistic;
    a->threshold = c->threshold;
    a->budget = settings_rule_budget(
        j->rules->items[j->detect->tracks[c->track].batteries[c->battery].rule].settings);
    a->change_point.ms = c->onset * j->funnel->pane_ms;
    if (j->detect->tracks[c->track].volume)
        fill_volume(a, &sums);
    else if (sums.entries <= 0)
        a->effect_absolute = 0;
    fill_parts(j, c, pane, a, parts, text);
}
