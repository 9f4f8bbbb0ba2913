/* SPDX-License-Identifier: Apache-2.0 */
/* What a marked change did: the whole funnel's throughput in the window after it against the one before.
 *
 * With 28 of 100 before and 39 of 120 after, the effect is +0.045 (+16 %), and the pooled two-proportion test,
 * z = (p2 - p1) / sqrt(p (1 - p) (1/n1 + 1/n2)), gives 0.72: chance alone may explain it.
 *
 * The figures before are taken when the mark is reached, while the ring of slots still holds them; the ring keeps
 * one slot more than a window, which is the one that the mark may lie in the midst of. */
#include "funnel/controls.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "funnel/judge.h"
#include "funnel/rules.h"
#include "funnel/stats.h"

static struct window_sum read_window(const struct judge *j, size_t window, int step, int64_t last)
{
    return window_read(j->series[0].windows[(size_t)step * j->window_count + window],
                       &j->windows[window], last);
}

static int64_t slot_ms(const struct judge *j, const struct window_def *d)
{
    return d->slot_panes * j->funnel->pane_ms;
}

static int64_t window_ms(const struct judge *j, const struct window_def *d)
{
    return d->panes * j->funnel->pane_ms;
}

/* Since `from` (ms) the log has been there, its source was heard, and the window was kept. */
static bool is_complete(const struct judge *j, const struct window_def *d, int64_t from)
{
    int64_t pane = floor_div(from, j->funnel->pane_ms);

    return j->first_pane != INT64_MIN && pane >= j->first_pane && pane >= j->stale_before &&
           pane > j->controls->last_dark && pane >= d->since;
}

static void take(const struct judge *j, struct control_mark *m)
{
    const struct window_def *d = &j->windows[m->window];
    int64_t last = floor_div(m->at.ms, slot_ms(j, d)) - 1;

    for (int step = 0; step <= j->funnel->overall; step++)
        if (funnel_has_step(j->funnel, step))
            m->before[step] = read_window(j, m->window, step, last);
    m->complete = is_complete(j, d, (last + 1) * slot_ms(j, d) - window_ms(j, d));
    m->taken = true;
}

/* --- the record --- */

static double share(struct window_sum sum)
{
    return sum.entries > 0 ? (double)sum.conversions / (double)sum.entries : __builtin_nan("");
}

static void fill_numbers(const struct window_sum *before, const struct window_sum *after,
                         struct alert *a)
{
    struct interval wilson = stats_wilson((int64_t)after->conversions, (int64_t)after->entries,
                                          STATS_Z95);

    a->entries = (int64_t)after->entries;
    a->conversions = (int64_t)after->conversions;
    a->rate = share(*after);
    a->low = after->entries > 0 ? wilson.low : a->rate;
    a->high = after->entries > 0 ? wilson.high : a->rate;
    a->expected_rate = share(*before);
    a->expected_conversions = a->expected_rate * (double)after->entries;
    a->effect_absolute = a->rate - a->expected_rate;
    a->effect_relative = a->expected_rate > 0 ? a->rate / a->expected_rate - 1 : __builtin_nan("");
    a->lost_conversions = a->expected_conversions - (double)after->conversions;
    a->statistic = __builtin_nan("");
    if (after->entries > 0 && before->entries > 0)
        a->statistic = stats_two_proportion_z((int64_t)after->conversions, (int64_t)after->entries,
                                              (int64_t)before->conversions,
                                              (int64_t)before->entries);
}

static void fill_names(const struct judge *j, const struct control_mark *m, struct alert *a)
{
    const struct funnel *f = j->funnel;

    a->status = ALERT_STATUS_RESOLVED;
    a->group = f->root->group;
    a->funnel = f->name;
    a->rule_id = "intervention";
    a->rule_kind = ALERT_KIND_INTERVENTION;
    a->rule_hash = XXH3_64bits(m->held.text.p, m->held.text.len);
    a->severity = "info";
    a->zone = f->root->time.zone;
    a->measure = MEASURE_THROUGHPUT;
    a->expected_source = "before";
    a->ends_reason = "measured";
    a->note = m->held.control.comment;
    a->language = f->root->language;
    a->amount_decimals = (int)f->root->amount_decimals;
}

static void put_step(struct judge *j, const struct control_mark *m, int step, struct etime at,
                     struct records *out)
{
    const struct funnel *f = j->funnel;
    const struct window_def *d = &j->windows[m->window];
    int64_t end = m->begin + window_ms(j, d);
    struct alert_dim id = {span_of("intervention"), m->held.control.id};
    struct window_sum after = read_window(j, m->window, step, end / slot_ms(j, d) - 1);
    struct buf name = {0};
    struct alert a = {.dims = &id,
                      .dim_count = 1,
                      .from_name = funnel_stage_label(f, funnel_step_begin(f, step)),
                      .to_name = funnel_stage_label(f, funnel_step_end(f, step)),
                      .at = at,
                      .starts_at = m->at,
                      .ends_at = {end},
                      .from = {m->begin},
                      .to = {end},
                      .threshold = STATS_Z95,
                      .budget = __builtin_nan(""),
                      .change_point = ETIME_NONE,
                      .maturity = __builtin_nan(""),
                      .watermark = at,
                      .late = j->counts[COUNT_LATE],
                      .split_keys = j->counts[COUNT_SPLIT],
                      .complete = m->complete && is_complete(j, d, m->begin),
                      .sequence = 1};

    funnel_step_name(f, step, &name);
    a.step = buf_cstr(&name);
    fill_names(j, m, &a);
    fill_numbers(&m->before[step], &after, &a);
    judge_put_alert(j, &a, out);
    buf_deinit(&name);
}

static void put_mark(struct judge *j, const struct control_mark *m, struct etime at,
                     struct records *out)
{
    for (int step = 0; step <= j->funnel->overall; step++)
        if (funnel_has_step(j->funnel, step) && (m->step < 0 || m->step == step))
            put_step(j, m, step, at, out);
}

/* What was due before the log began had nothing to be measured by. */
void interventions_step(struct judge *j, int64_t pane, bool muted, struct records *out)
{
    struct controls *c = j->controls;
    struct etime at = {(pane + 1) * j->funnel->pane_ms};

    for (size_t i = 0; !muted && j->first_pane != INT64_MIN && i < c->mark_count; i++)
        if (c->marks[i].taken && c->marks[i].due <= pane && c->marks[i].due >= j->first_pane)
            put_mark(j, &c->marks[i], at, out);
    controls_measured(c, pane);
}

static void take_until(struct judge *j, int64_t ms)
{
    struct controls *c = j->controls;

    for (size_t i = 0; i < c->mark_count; i++)
        if (!c->marks[i].taken && c->marks[i].at.ms < ms)
            take(j, &c->marks[i]);
}

void interventions_open(struct judge *j, int64_t pane, bool muted, struct records *out)
{
    take_until(j, pane * j->funnel->pane_ms);
    interventions_step(j, pane - 1, muted, out);
    controls_reach(j->controls, pane);
    take_until(j, (pane + 1) * j->funnel->pane_ms);
}
