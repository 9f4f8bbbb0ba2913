/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/detect.h"
#include "funnel/rules.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "funnel/mem.h"
#include "funnel/stats.h"

/* --- what a rule is --- */

static void hash_strings(struct buf *b, const struct settings_strings *s)
{
    for (size_t i = 0; i < s->count; i++)
        buf_fmt(b, "%s\x1f", s->items[i]);
    buf_char(b, '\x1e');
}

/* The rule's meaning as text, hashed: what does not change a verdict or a label is left out. */
/* What a detector's budget is split over, and where it can name a place. */
static void hash_segments(struct buf *b, const struct settings_funnel *f)
{
    for (size_t i = 0; i < f->segments.count; i++)
        hash_strings(b, &f->segments.items[i]);
    for (size_t i = 0; i < f->dims.count; i++) {
        buf_fmt(b, "%s\x1f%lld\x1f", f->dims.items[i].name, (long long)f->dims.items[i].top);
        hash_strings(b, &f->dims.items[i].values);
    }
}

static uint64_t rule_hash(const struct funnel *f, const struct rule *r)
{
    const struct settings_rule *s = r->settings;
    struct buf b = {0};
    uint64_t hash;

    buf_fmt(&b, "1\x1e%s\x1e%s\x1e%d\x1e%s\x1e", f->name, s->id, s->kind, s->step ? s->step : "*");
    for (int i = 0; i < f->stage_count; i++)
        buf_fmt(&b, "%s\x1f%lld\x1f", funnel_stage_id(f, i), (long long)f->window_ms[i]);
    hash_strings(&b, &s->by);
    buf_fmt(&b, "%d\x1e%lld\x1f%d\x1e%lld\x1e", s->measure, (long long)s->window.ms,
            s->window.calendar, (long long)s->against);
    buf_fmt(&b, "%.17g\x1e%.17g\x1e%.17g\x1e%.17g\x1e%lld\x1e%d\x1e", s->target, s->clear,
            s->significance, s->min_effect, (long long)s->min_entries, s->direction);
    buf_fmt(&b, "%lld\x1e%lld\x1e%lld\x1e%s\x1e%lld\x1e%s", (long long)s->pending,
            (long long)s->hold, (long long)s->resolve_after, s->severity, (long long)f->pane_ms,
            f->root->time.zone);
    if (s->kind > RULE_CHANGE) /* of the others the hash stays what it was */
        buf_fmt(&b, "\x1e%.17g\x1e%lld", settings_rule_budget(s), (long long)s->accept_after);
    if (detect_is_kind(s->kind))
        hash_segments(&b, f->settings);
    hash = XXH3_64bits(b.data, b.len);
    buf_deinit(&b);
    return hash;
}

static size_t rule_window(struct judge *j, const struct settings_window *w)
{
    struct window_def d;

    window_def_init(&d, w, j->funnel->pane_ms);
    for (size_t i = 0; i < j->window_count; i++)
        if (j->windows[i].calendar == d.calendar && j->windows[i].panes == d.panes)
            return i;
    j->windows[j->window_count] = d;
    return j->window_count++;
}

static void rule_steps(const struct funnel *f, struct rule *r)
{
    const struct settings_rule *s = r->settings;

    r->steps = mem_zero((size_t)f->overall + 1, sizeof(*r->steps));
    for (int step = 0; step <= f->overall; step++)
        r->steps[step] = funnel_has_step(f, step) &&
                         (s->step ? funnel_step(f, s->step) == step
                                  : (step == f->overall) == (s->kind == RULE_VOLUME));
}

static void rule_init(struct judge *j, struct rule *r, const struct settings_rule *s)
{
    const struct funnel *f = j->funnel;
    bool both = s->kind == RULE_CHANGE && s->direction == DIRECTION_BOTH;
    struct window_def *d;

    r->settings = s;
    r->spec = series_spec(j, &s->by);
    r->hash = rule_hash(f, r);
    if (rules_sums_init(j, r))
        return;
    rule_steps(f, r);
    if (detect_is_kind(s->kind))
        return;
    r->window = rule_window(j, &s->window);
    d = &j->windows[r->window];
    if (s->kind == RULE_CHANGE)
        r->against = d->calendar >= 0 ? 1 : s->against / (d->slot_panes * f->pane_ms);
    window_def_look_back(d, r->against);
    r->z = stats_significance_z(both ? s->significance / 2 : s->significance);
}

void rules_init(struct judge *j)
{
    const struct settings_rules *s = &j->funnel->settings->rules;

    j->rules = mem_zero(1, sizeof(*j->rules));
    j->rules->count = s->count;
    j->rules->items = mem_zero(s->count, sizeof(*j->rules->items));
    for (size_t i = 0; i < s->count; i++)
        rule_init(j, &j->rules->items[i], &s->items[i]);
}

void rules_deinit(struct judge *j)
{
    for (size_t i = 0; i < j->rules->count; i++) {
        mem_free(j->rules->items[i].steps);
        mem_free(j->rules->items[i].watches);
        rules_sums_deinit(&j->rules->items[i]);
    }
    mem_free(j->rules->items);
    mem_free(j->rules->past);
    mem_free(j->rules);
    j->rules = NULL;
}

/* --- what it watches --- */

static void rule_watch_new_series(const struct judge *j, struct rule *r)
{
    if (detect_is_kind(r->settings->kind)) { /* the detector says what there is to watch */
        r->series_seen = j->series_count;
        return;
    }
    for (; r->series_seen < j->series_count; r->series_seen++) {
        if (j->series[r->series_seen].spec != r->spec)
            continue;
        for (int step = 0; step <= j->funnel->overall; step++) {
            if (!r->steps[step])
                continue;
            r->watches = mem_grow(r->watches, r->count, &r->cap, sizeof(*r->watches));
            r->watches[r->count++] = (struct watch){.series = (uint32_t)r->series_seen,
                                                    .step = step,
                                                    .starts_at = ETIME_NONE,
                                                    .ended = ETIME_NONE};
        }
    }
}

static struct alert_timing rule_timing(const struct rule *r)
{
    return (struct alert_timing){r->settings->pending, r->settings->hold,
                                 r->settings->resolve_after};
}

/* --- what comes of it --- */

/* Amount lost = conversions lost x mean amount of what stands in the step's stage. */
static bool lost_amount(const struct judge *j, const struct watch *w, double lost, int64_t *ret)
{
    int stage = funnel_step_begin(j->funnel, w->step);
    int64_t stock = 0, amount = 0;
    double value;

    for (size_t i = 0; i < j->leaf_count; i++) {
        if (!series_has(j, w->series, (uint32_t)i))
            continue;
        stock += j->leaves[i].stages[stage].stock;
        amount_add(&amount, j->leaves[i].stages[stage].stock_amount);
    }
    if (stock <= 0 || amount <= 0 || !(lost > 0))
        return false;
    value = lost * ((double)amount / (double)stock);
    if (value >= 9e15)
        return false;
    *ret = (int64_t)(value + 0.5);
    return true;
}

size_t watch_dims(const struct judge *j, const struct watch *w, struct alert_dim *ret)
{
    const struct segment_spec *spec = &j->specs[j->series[w->series].spec];
    size_t n = 0;

    for (int i = 0; i < spec->count; i++) {
        struct alert_dim dim = {span_of(j->funnel->settings->dims.items[spec->dims[i]].name),
                                series_value(j, &j->series[w->series], spec->dims[i])};
        size_t at = n++;

        for (; at > 0 && span_compare(ret[at - 1].name, dim.name) > 0; at--)
            ret[at] = ret[at - 1];
        ret[at] = dim;
    }
    return n;
}

static void fill_numbers(const struct judge *j, const struct rule *r, const struct watch *w,
                         const struct reading *x, struct alert *a)
{
    static const char *const sources[RULE_KINDS] = {
        [RULE_TARGET] = "target", [RULE_BENCHMARK] = "benchmark", [RULE_CHANGE] = "previous"};
    double n = x->stays > 0 ? x->stays : (double)x->entries;

    a->entries = x->entries;
    a->conversions = x->conversions;
    a->maturity = x->stays > 0 ? x->stays / (double)x->entries : __builtin_nan("");
    a->rate = x->entries > 0 ? x->rate : __builtin_nan("");
    a->low = x->entries > 0 ? x->low : a->rate;
    a->high = x->entries > 0 ? x->high : a->rate;
    a->expected_rate = x->expected;
    a->expected_conversions = x->expected * n;
    a->expected_source = sources[r->settings->kind];
    a->effect_absolute = a->rate - x->expected;
    a->effect_relative = x->expected > 0 ? a->rate / x->expected - 1 : __builtin_nan("");
    a->lost_conversions = a->expected_conversions - (double)x->conversions;
    a->statistic = x->statistic;
    a->threshold = r->z;
    a->has_lost_amount = lost_amount(j, w, a->lost_conversions, &a->lost_amount);
}

uint64_t rules_fingerprint(const struct judge *j, const struct rule *r, const struct watch *w)
{
    const struct funnel *f = j->funnel;
    struct alert_dim dims[DIMS_MAX];
    struct alert a = {.funnel = f->name,
                      .dims = dims,
                      .dim_count = watch_dims(j, w, dims),
                      .alertname = w->slow ? ALERT_SLOWDOWN : NULL,
                      .rule_id = r->settings->id,
                      .severity = r->settings->severity};
    struct buf step = {0};
    uint64_t fingerprint;

    funnel_step_name(f, w->step, &step);
    a.step = buf_cstr(&step);
    fingerprint = alert_fingerprint(&a);
    buf_deinit(&step);
    return fingerprint;
}

/* The first record of a watch may follow those of an earlier one with the same labels. */
static uint32_t next_sequence(const struct judge *j, const struct rule *r, const struct watch *w)
{
    if (w->sequence > 0 || j->rules->past_count == 0)
        return w->sequence + 1;
    return rules_past(j->rules, rules_fingerprint(j, r, w)) + 1;
}

static void fill_detected(const struct judge *j, const struct rule *r, const struct watch *w,
                          struct alert *a, struct alert_part *parts, struct buf *text)
{
    detect_fill(j, w, a, parts, text);
    a->has_lost_amount = r->settings->kind != RULE_VOLUME &&
                         lost_amount(j, w, a->lost_conversions, &a->lost_amount);
}

void rules_put(struct judge *j, const struct rule *r, struct watch *w, const struct reading *x,
               enum alert_status status, struct etime at, const char *reason, struct records *out)
{
    const struct funnel *f = j->funnel;
    struct alert_dim dims[DIMS_MAX];
    struct alert_part parts[DETECT_PARTS_MAX];
    struct buf step = {0}, values = {0};
    struct alert a = {.status = status,
                      .group = f->root->group,
                      .funnel = f->name,
                      .dims = dims,
                      .from_name = funnel_stage_label(f, funnel_step_begin(f, w->step)),
                      .to_name = funnel_stage_label(f, funnel_step_end(f, w->step)),
                      .rule_id = r->settings->id,
                      .rule_kind = r->settings->kind,
                      .rule_hash = r->hash,
                      .severity = r->settings->severity,
                      .runbook_url = r->settings->runbook_url,
                      .at = at,
                      .starts_at = w->starts_at,
                      .ends_at = ETIME_NONE,
                      .from = x->from,
                      .to = x->to,
                      .zone = f->root->time.zone,
                      .measure = r->settings->measure,
                      .budget = __builtin_nan(""),
                      .change_point = ETIME_NONE,
                      .watermark = at,
                      .late = j->counts[COUNT_LATE],
                      .split_keys = j->counts[COUNT_SPLIT],
                      .complete = x->complete,
                      .sequence = w->sequence = next_sequence(j, r, w),
                      .language = f->root->language,
                      .amount_decimals = (int)f->root->amount_decimals};

    funnel_step_name(f, w->step, &step);
    a.step = buf_cstr(&step);
    a.dim_count = watch_dims(j, w, dims);
    fill_numbers(j, r, w, x, &a);
    if (r->quality || r->mix)
        rules_sums_fill(j, r, x, &a, parts, &values);
    else if (detect_is_kind(r->settings->kind))
        fill_detected(j, r, w, &a, parts, &values);
    if (status == ALERT_STATUS_RESOLVED) {
        a.ends_at = at;
        a.ends_reason = reason;
    }
    judge_put_alert(j, &a, out);
    buf_deinit(&step);
    buf_deinit(&values);
}

static bool watch_fires(const struct watch *w)
{
    return w->life.state == ALERT_FIRING || w->life.state == ALERT_RESOLVING;
}

static const char *ends_by(const struct reading *x)
{
    if (x->ends)
        return x->ends;
    return x->entries > 0 ? "recovered" : "no_data";
}

/* What of this turn is for others to see. What began while muted, and lasts, is told when the mute has ended;
 * what ended before never was. */
static void watch_tell(struct judge *j, const struct rule *r, struct watch *w, int64_t pane,
                       enum alert_turn turn, const struct reading *x, struct records *out)
{
    struct etime at = {(pane + 1) * j->funnel->pane_ms};
    bool muted = judge_is_muted(j, pane);

    if (turn == TURN_RESOLVE) {
        if (w->published && !muted)
            rules_put(j, r, w, x, ALERT_STATUS_RESOLVED, at, ends_by(x), out);
        w->published = false;
        w->ended = at;
    } else if (!muted && !w->published && watch_fires(w)) {
        rules_put(j, r, w, x, ALERT_STATUS_FIRING, at, NULL, out);
        w->published = true;
    }
}

#define GOES_ON_MS INT64_C(21600000)

/* A change that is found again soon after it seemed to be over is the old one. */
static bool goes_on(const struct rule *r, const struct watch *w, struct etime at)
{
    return detect_is_kind(r->settings->kind) && etime_is_set(w->ended) &&
           at.ms - w->ended.ms <= GOES_ON_MS;
}

static void watch_step(struct judge *j, const struct rule *r, struct watch *w, int64_t pane,
                       bool due, struct records *out)
{
    struct alert_timing timing = rule_timing(r);
    struct etime at = {(pane + 1) * j->funnel->pane_ms};
    struct alert_life life = w->life;
    struct reading x;
    enum alert_turn turn;
    bool untold;

    if (due) {
        reading_take(j, r, w, pane, &x);
        w->verdict = x.verdict;
    }
    turn = alert_life_step(&life, &timing, w->verdict, at);
    untold = turn != TURN_NONE || (watch_fires(w) && !w->published);
    if (untold && !due)
        reading_take(j, r, w, pane, &x); /* as it was judged: in the old state */
    w->life = life;
    if (turn == TURN_FIRE) {
        if (!goes_on(r, w, at))
            w->starts_at = at;
        w->reference = x.expected;
        w->rise = x.rise;
        w->published = false;
    }
    if (untold)
        watch_tell(j, r, w, pane, turn, &x, out);
}

static bool watch_is_awake(const struct rule *r, const struct watch *w)
{
    return w->life.state != ALERT_QUIET ||
           (detect_is_kind(r->settings->kind) && w->verdict == VERDICT_BREACH);
}

void rules_step(struct judge *j, int64_t pane, struct records *out)
{
    for (size_t i = 0; i < j->rules->count; i++) {
        struct rule *r = &j->rules->items[i];
        bool due = !detect_is_kind(r->settings->kind) && reading_due(j, r, pane);

        rule_watch_new_series(j, r);
        for (size_t k = 0; k < r->count; k++)
            if (due || watch_is_awake(r, &r->watches[k]))
                watch_step(j, r, &r->watches[k], pane, due, out);
    }
}

/* --- when something is due next --- */

static int64_t slot_end(const struct window_def *d, int64_t pane)
{
    return (floor_div(pane + 1, d->slot_panes) + 1) * d->slot_panes - 1;
}

static int64_t period_end(const struct judge *j, int calendar, int64_t pane)
{
    int64_t period = zone_period(j->zone, NULL, calendar, (pane + 1) * j->funnel->pane_ms);

    return floor_div(zone_period_start(j->zone, calendar, period + 1) - 1, j->funnel->pane_ms);
}

/* Cohorts go on closing for as long as the last stay's window and the rule's own look-back last, and some days
 * for rounding: the day of the stay, the one it is closed in, the one it is judged after. */
static int64_t cohort_end(const struct judge *j, const struct rule *r, int64_t pane)
{
    const struct window_def *d = &j->windows[r->window];
    int64_t reach = (d->calendar >= 0 ? 200 * ZONE_DAY_MS : d->panes * j->funnel->pane_ms) +
                    3 * ZONE_DAY_MS;
    int64_t end = period_end(j, CALENDAR_DAY, pane), longest = 0;

    if (j->last_pane == INT64_MIN)
        return INT64_MAX;
    for (int step = 0; step <= j->funnel->overall; step++)
        if (r->steps[step] && j->funnel->window_ms[step] > longest)
            longest = j->funnel->window_ms[step];
    return (end - j->last_pane) * j->funnel->pane_ms > longest + reach ? INT64_MAX : end;
}

/* Once its windows are empty there is nothing more to say, but to a watch that was not told so: the last of them
 * ended in the dark, or began before a gap's end. */
static bool rule_is_settled(const struct rule *r)
{
    for (size_t k = 0; k < r->count; k++)
        if (r->watches[k].life.state != ALERT_QUIET && r->watches[k].verdict != VERDICT_CLEAR)
            return false;
    return true;
}

static int64_t rule_next(const struct judge *j, const struct rule *r, int64_t pane)
{
    const struct window_def *d = rule_window_def(j, r);
    int64_t end, index;

    if (detect_is_kind(r->settings->kind))
        return INT64_MAX;
    if (r->settings->measure != MEASURE_THROUGHPUT)
        return cohort_end(j, r, pane);
    if (d->busy == INT64_MIN)
        return INT64_MAX;
    end = d->calendar < 0 ? slot_end(d, pane) : period_end(j, d->calendar, pane);
    index = d->calendar < 0 ? floor_div(end, d->slot_panes)
                            : zone_period(j->zone, NULL, d->calendar, end * j->funnel->pane_ms);
    return index > d->busy + d->ring && rule_is_settled(r) ? INT64_MAX : end;
}

static int64_t watch_next(const struct judge *j, const struct rule *r, const struct watch *w)
{
    struct alert_timing timing = rule_timing(r);
    struct etime deadline;
    int64_t told, turned; /* panes */

    if (w->life.state == ALERT_QUIET)
        return INT64_MAX;
    told = watch_fires(w) && !w->published ? judge_unmuted_from(j) : INT64_MAX;
    deadline = alert_life_deadline(&w->life, &timing, w->verdict);
    if (!etime_is_set(deadline))
        return told;
    turned = -floor_div(-deadline.ms, j->funnel->pane_ms) -
             1; /* the first pane that ends at or after it */
    return told < turned ? told : turned;
}

int64_t rules_next(const struct judge *j, int64_t pane)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < j->rules->count; i++) {
        const struct rule *r = &j->rules->items[i];
        int64_t due = rule_next(j, r, pane);

        next = due < next ? due : next;
        for (size_t k = 0; k < r->count; k++) {
            due = watch_next(j, r, &r->watches[k]);
            next = due < next ? due : next;
        }
    }
    return next > pane ? next : pane + 1;
}

void rules_gauge(const struct judge *j, uint64_t *firing, uint64_t *pending)
{
    for (size_t i = 0; i < j->rules->count; i++) {
        for (size_t k = 0; k < j->rules->items[i].count; k++) {
            const struct watch *w = &j->rules->items[i].watches[k];

            *firing += watch_fires(w);
            *pending += w->life.state == ALERT_PENDING;
        }
    }
}
