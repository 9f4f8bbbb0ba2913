/* SPDX-License-Identifier: Apache-2.0 */
/* A detector as bytes: what it learned and where its tests stand. The rest is derived again. */
#include <string.h>

#include "funnel/detect_parts.h"
#include "funnel/mem.h"
#include "funnel/rules.h"

#define REAL_MAX 1e18 /* nothing that was counted is larger ... */
#define SUM_MAX 1e15  /* ... and all that a ring holds are a number together */
#define LEVEL_MOST 50 /* of its log: e^50 times as many are none that were counted */

static void put_reals(struct codec_out *out, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        codec_put_f64(out, x[i]);
}

static void get_reals(struct codec_in *in, double *x, size_t n)
{
    for (size_t i = 0; i < n && !in->error; i++) {
        x[i] = codec_get_f64(in);
        if (!(x[i] <= REAL_MAX && x[i] >= -REAL_MAX))
            codec_fail(in, "the detector holds what is no number");
    }
}

/* Counts, exposures, variances: what never is negative. */
static void get_amounts(struct codec_in *in, double *x, size_t n)
{
    get_reals(in, x, n);
    for (size_t i = 0; i < n && !in->error; i++)
        if (x[i] < 0)
            codec_fail(in, "the detector holds less than nothing");
}

/* --- leaves and series --- */

static void leaf_save(const struct detect_track *t, const struct detect_leaf *l,
                      struct codec_out *out)
{
    put_reals(out, l->y, (size_t)t->bins);
    codec_put_f64(out, l->o);
    for (int i = 0; i < DETECT_DAYS; i++) {
        put_reals(out, l->days[i].y, (size_t)t->bins);
        put_reals(out, l->days[i].d, (size_t)t->bins);
    }
}

static void leaf_load(const struct detect_track *t, struct detect_leaf *l, struct codec_in *in)
{
    get_amounts(in, l->y, (size_t)t->bins);
    get_amounts(in, &l->o, 1);
    for (int i = 0; i < DETECT_DAYS; i++) {
        get_amounts(in, l->days[i].y, (size_t)t->bins);
        get_amounts(in, l->days[i].d, (size_t)t->bins);
    }
}
#define LEAF_BYTES(t) (sizeof(double) * (1 + (size_t)(t)->bins * (1 + 2 * DETECT_DAYS)))

static void put_float(struct codec_out *out, float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof(bits));
    codec_put_u32(out, bits);
}

static float get_float(struct codec_in *in)
{
    uint32_t bits = codec_get_u32(in);
    float x;

    memcpy(&x, &bits, sizeof(x));
    if (!((double)x <= SUM_MAX && (double)x >= -SUM_MAX))
        codec_fail(in, "the detector holds what is no number");
    return x;
}

/* Most are empty. */
static void sums_save(const struct detect_sum *s, size_t n, struct codec_out *out)
{
    for (size_t i = 0; i < n; i++) {
        bool any = s[i].n > 0 || s[i].e > 0 || s[i].entries > 0;

        codec_put_u8(out, any);
        if (!any)
            continue;
        put_float(out, s[i].n);
        put_float(out, s[i].e);
        put_float(out, s[i].entries);
        put_float(out, s[i].slow);
    }
}

static void sums_load(struct detect_sum *s, size_t n, struct codec_in *in)
{
    for (size_t i = 0; i < n && !in->error; i++)
        if (codec_get_bool(in)) {
            s[i].n = get_float(in);
            s[i].e = get_float(in);
            s[i].entries = get_float(in);
            s[i].slow = get_float(in);
        }
}

#define NOISES ((size_t)CUSUM_FAMILIES * CUSUM_SCALES)

static void series_put(const struct detect_track *t, const struct detect_series *s,
                       struct codec_out *out)
{
    put_reals(out, (const double[]){s->o, s->entries, s->days}, 3);
    for (int f = 0; f < CUSUM_FAMILIES; f++)
        for (int i = 0; i < CUSUM_SCALES; i++)
            put_reals(out, (const double[]){s->phi[f][i].o, s->phi[f][i].e}, 2);
    for (int i = 0; i < DETECT_DAYS; i++) {
        const struct detect_series_day *day = &s->pending[i];

        put_reals(out, day->squares[0], NOISES);
        put_reals(out, day->variances[0], NOISES);
        put_reals(out, (const double[]){day->o, day->entries, day->panes}, 3);
    }
    put_reals(out, s->r[0], NOISES);
    put_reals(out, s->v[0], NOISES);
    put_reals(out, s->w, t->test_count);
    put_reals(out, s->inverse, t->test_count);
    put_reals(out, s->rho, t->test_count);
    for (size_t i = 0; i < t->test_count; i++)
        codec_put_f64(out, s->b[i] <= REAL_MAX ? s->b[i] : -1);
    for (size_t i = 0; i < t->test_count; i++)
        codec_put_zigzag(out, s->zero[i]);
    codec_put_u8(out, s->own_pace);
    sums_save(s->fine, DETECT_FINE, out);
    sums_save(s->coarse, DETECT_COARSE, out);
}
#define SERIES_BYTES (DETECT_FINE + DETECT_COARSE) /* the least */

static void series_get_days(struct detect_series *s, struct codec_in *in)
{
    for (int i = 0; i < DETECT_DAYS; i++) {
        struct detect_series_day *day = &s->pending[i];

        get_amounts(in, day->squares[0], NOISES);
        get_amounts(in, day->variances[0], NOISES);
        get_amounts(in, &day->o, 1);
        get_amounts(in, &day->entries, 1);
        get_amounts(in, &day->panes, 1);
    }
}

static void series_get(const struct detect_track *t, struct detect_series *s, struct codec_in *in)
{
    get_amounts(in, &s->o, 1);
    get_amounts(in, &s->entries, 1);
    get_amounts(in, &s->days, 1);
    for (int f = 0; f < CUSUM_FAMILIES; f++)
        for (int i = 0; i < CUSUM_SCALES; i++) {
            get_amounts(in, &s->phi[f][i].o, 1);
            get_amounts(in, &s->phi[f][i].e, 1);
        }
    series_get_days(s, in);
    get_reals(in, s->r[0], NOISES);
    get_amounts(in, s->v[0], NOISES);
    get_amounts(in, s->w, t->test_count);
    get_amounts(in, s->inverse, t->test_count);
    get_amounts(in, s->rho, t->test_count);
    get_reals(in, s->b, t->test_count);
    for (size_t i = 0; i < t->test_count; i++) {
        s->b[i] = s->b[i] < 0 ? __builtin_inf() : s->b[i];
        if (!(s->inverse[i] > 0 && s->inverse[i] <= 1))
            codec_fail(in, "the detector holds a noise that cannot be");
    }
    for (size_t i = 0; i < DETECT_TESTS; i++)
        s->zero[i] = i < t->test_count ? codec_get_pane(in) : INT64_MIN;
    s->own_pace = codec_get_bool(in);
    sums_load(s->fine, DETECT_FINE, in);
    sums_load(s->coarse, DETECT_COARSE, in);
}

/* --- tracks --- */

static void day_save(const struct detect_day *day, struct codec_out *out)
{
    codec_put_zigzag(out, day->day);
    put_reals(out, (const double[]){day->o, day->e}, 2);
    put_reals(out, day->so[0], DETECT_GROUPS * SEASON_HOURS);
    put_reals(out, day->se[0], DETECT_GROUPS * SEASON_HOURS);
    codec_put_u8(out, day->tainted);
    codec_put_u8(out, day->holiday);
}

static void day_load(struct detect_day *day, struct codec_in *in)
{
    day->day = codec_get_pane(in);
    get_amounts(in, &day->o, 1);
    get_amounts(in, &day->e, 1);
    get_amounts(in, day->so[0], DETECT_GROUPS * SEASON_HOURS);
    get_amounts(in, day->se[0], DETECT_GROUPS * SEASON_HOURS);
    day->tainted = codec_get_bool(in);
    day->holiday = codec_get_bool(in);
}

static void track_save(const struct detect_track *t, struct codec_out *out)
{
    put_reals(out, t->d, (size_t)t->bins);
    put_reals(out, t->y, (size_t)t->bins);
    put_reals(out, t->so[0], DETECT_GROUPS * SEASON_HOURS);
    put_reals(out, t->se[0], DETECT_GROUPS * SEASON_HOURS);
    put_reals(out, (const double[]){t->level.l, t->level.p}, 2);
    codec_put_varint(out, (uint64_t)t->days_learned);
    for (int i = 0; i < DETECT_DAYS; i++)
        day_save(&t->pending[i], out);
    codec_put_u8(out, (uint8_t)t->today);
    codec_put_zigzag(out, t->day);
    for (int i = 0; i < CUSUM_SCALES; i++)
        codec_put_zigzag(out, t->blocks[i]);
    codec_put_zigzag(out, t->coarse);
    codec_put_zigzag(out, t->fine);
    codec_put_varint(out, t->leaf_count);
    for (size_t i = 0; i < t->leaf_count; i++)
        leaf_save(t, &t->leaves[i], out);
    codec_put_varint(out, t->series_count);
    for (size_t i = 0; i < t->series_count; i++)
        series_put(t, &t->series[i], out);
}

static size_t get_number(struct codec_in *in, size_t each, size_t most)
{
    size_t count = codec_get_count(in, each);

    if (count > most)
        codec_fail(in, "the detector knows more than the judge");
    return in->error ? 0 : count;
}

static void track_load_learned(struct detect_track *t, struct codec_in *in)
{
    get_amounts(in, t->d, (size_t)t->bins);
    get_amounts(in, t->y, (size_t)t->bins);
    get_amounts(in, t->so[0], DETECT_GROUPS * SEASON_HOURS);
    get_amounts(in, t->se[0], DETECT_GROUPS * SEASON_HOURS);
    get_reals(in, &t->level.l, 1);
    get_amounts(in, &t->level.p, 1);
    t->days_learned = (int64_t)codec_get_max(in, INT32_MAX);
    for (int i = 0; i < DETECT_DAYS; i++)
        day_load(&t->pending[i], in);
    t->today = (int)codec_get_max(in, DETECT_DAYS - 1);
    t->day = codec_get_pane(in);
    for (int i = 0; i < CUSUM_SCALES; i++)
        t->blocks[i] = codec_get_pane(in);
    t->coarse = codec_get_pane(in);
    t->fine = codec_get_pane(in);
}

/* A slot is free for the day that comes, as track_day() needs it: the others end within three days, and none lies
 * ahead. */
static bool track_is_sound(const struct judge *j, const struct detect_track *t)
{
    int64_t cursor = j->detect->cursor;

    if (t->day != INT64_MIN &&
        (cursor == INT64_MIN || t->day > zone_day(j->zone, NULL, cursor * j->funnel->pane_ms)))
        return false;
    for (int i = 0; i < DETECT_DAYS; i++)
        if (t->pending[i].day != INT64_MIN && t->pending[i].day > t->day)
            return false;
    for (int i = 0; i < DETECT_DAYS; i++)
        for (int k = 0; k < i; k++)
            if (t->pending[i].day != INT64_MIN && t->pending[i].day == t->pending[k].day)
                return false;
    return t->day == INT64_MIN || t->pending[t->today].day == t->day;
}

static void track_load(const struct judge *j, struct detect_track *t, struct codec_in *in)
{
    size_t leaves, series;

    track_load_learned(t, in);
    if (!in->error && !track_is_sound(j, t))
        codec_fail(in, "the detector's days are not in order");
    if (!in->error && !(t->level.l < LEVEL_MOST && t->level.l > -LEVEL_MOST))
        codec_fail(in, "a level is out of range");
    leaves = get_number(in, LEAF_BYTES(t), j->leaf_count);
    for (; t->leaf_count < leaves && !in->error; t->leaf_count++) {
        t->leaves = mem_grow(t->leaves, t->leaf_count, &t->leaf_cap, sizeof(*t->leaves));
        memset(&t->leaves[t->leaf_count], 0, sizeof(*t->leaves));
        leaf_load(t, &t->leaves[t->leaf_count], in);
    }
    series = get_number(in, SERIES_BYTES, j->series_count);
    for (; t->series_count < series && !in->error; t->series_count++) {
        t->series = mem_grow(t->series, t->series_count, &t->series_cap, sizeof(*t->series));
        memset(&t->series[t->series_count], 0, sizeof(*t->series));
        series_get(t, &t->series[t->series_count], in);
    }
    if (!in->error)
        track_derive_shared(j, t);
}

/* --- incidents --- */

static void incident_save(const struct incident *c, struct codec_out *out)
{
    codec_put_varint(out, c->track);
    codec_put_varint(out, c->battery);
    codec_put_varint(out, c->watch);
    codec_put_varint(out, c->series);
    codec_put_u8(out, c->slow);
    codec_put_u8(out, c->updated);
    codec_put_u8(out, c->recovered);
    codec_put_u8(out, c->accepted);
    codec_put_u8(out, c->confirming);
    codec_put_u8(out, c->by_recent);
    codec_put_zigzag(out, c->onset);
    codec_put_zigzag(out, c->fired);
    put_reals(out,
              (const double[]){c->n, c->e, c->entries, c->slow_sum, c->statistic, c->threshold,
                               c->score, c->ratio, c->r, c->phi, c->all, c->recent, c->confirm},
              13);
    if (!c->slow)
        return;
    put_reals(out, c->shown.y, AGES_BINS);
    put_reals(out, c->shown.d, AGES_BINS);
}
#define INCIDENT_BYTES (12 + 13 * sizeof(double))

static void incident_load(const struct judge *j, struct incident *c, struct codec_in *in)
{
    struct detect *d = j->detect;
    double x[13] = {0};
    const struct detect_battery *b;

    *c = (struct incident){.track = (size_t)codec_get_max(in, d->track_count - 1)};
    c->battery = (size_t)codec_get_max(in, d->tracks[c->track].battery_count - 1);
    b = &d->tracks[c->track].batteries[c->battery];
    c->watch = (size_t)codec_get_varint(in);
    c->series = (uint32_t)codec_get_max(in, UINT32_MAX);
    c->slow = codec_get_bool(in);
    c->updated = codec_get_bool(in);
    c->recovered = codec_get_bool(in);
    c->accepted = codec_get_bool(in);
    c->confirming = codec_get_bool(in);
    c->by_recent = codec_get_bool(in);
    c->onset = codec_get_pane(in);
    c->fired = codec_get_pane(in);
    get_reals(in, x, 13);
    c->n = x[0], c->e = x[1], c->entries = x[2], c->slow_sum = x[3];
    c->statistic = x[4], c->threshold = x[5], c->score = x[6], c->ratio = x[7];
    c->r = x[8], c->phi = x[9], c->all = x[10], c->recent = x[11];
    c->confirm = x[12];
    if (c->slow) {
        get_amounts(in, c->shown.y, AGES_BINS);
        get_amounts(in, c->shown.d, AGES_BINS);
    }
    if (!in->error &&
        (c->watch >= j->rules->items[b->rule].count || (c->slow && b->kind != RULE_DROP) ||
         c->series >= d->tracks[c->track].series_count || !(c->r > 0) || !(c->phi >= 1) ||
         c->onset == INT64_MIN || c->fired < c->onset ||
         j->rules->items[b->rule].watches[c->watch].series != c->series))
        codec_fail(in, "an incident is of nothing that is watched");
}

/* --- the whole --- */

void detect_save(const struct judge *j, struct codec_out *out)
{
    const struct detect *d = j->detect;

    codec_put_u8(out, d != NULL);
    if (!d)
        return;
    codec_put_zigzag(out, d->cursor);
    put_reals(out, (const double[]){d->late, d->events}, 2);
    codec_put_zigzag(out, d->late_counted);
    codec_put_zigzag(out, d->events_counted);
    codec_put_zigzag(out, d->late_pane);
    codec_put_zigzag(out, d->blind_to);
    codec_put_varint(out, d->track_count);
    for (size_t i = 0; i < d->track_count; i++)
        track_save(&d->tracks[i], out);
    codec_put_varint(out, d->incident_count);
    for (size_t i = 0; i < d->incident_count; i++)
        incident_save(&d->incidents[i], out);
}

void detect_load(struct judge *j, struct codec_in *in)
{
    struct detect *d = j->detect;
    size_t count;

    if (codec_get_bool(in) != (d != NULL)) {
        codec_fail(in, "rules of detection came or went");
        return;
    }
    if (!d)
        return;
    d->cursor = codec_get_pane(in);
    get_amounts(in, &d->late, 1);
    get_amounts(in, &d->events, 1);
    d->late_counted = codec_get_sum(in);
    d->events_counted = codec_get_sum(in);
    d->late_pane = codec_get_pane(in);
    d->blind_to = codec_get_pane(in);
    if (codec_get_varint(in) != d->track_count || d->cursor > j->closed)
        codec_fail(in, "the detector watches other steps");
    for (size_t i = 0; i < d->track_count && !in->error; i++)
        track_load(j, &d->tracks[i], in);
    count = codec_get_count(in, INCIDENT_BYTES);
    for (size_t i = 0; i < count && !in->error; i++) {
        d->incidents = mem_grow(d->incidents, d->incident_count, &d->incident_cap,
                                sizeof(*d->incidents));
        incident_load(j, &d->incidents[d->incident_count++], in);
    }
    if (!in->error)
        incidents_mark(j);
}
