/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/explain.h"

#include <string.h>

#include "funnel/canon.h"
#include "funnel/detect.h"
#include "funnel/pipeline_parts.h"
#include "funnel/rules.h"
#include "explain_parts.h"

void explain_put_time(struct buf *out, struct etime t)
{
    char text[CANON_RFC3339_SIZE];

    if (!etime_is_set(t)) {
        buf_str(out, "-");
        return;
    }
    canon_rfc3339(t.ms, text);
    buf_str(out, text);
}

static void put_share(struct buf *out, double x)
{
    if (x == x)
        buf_fmt(out, "%.1f %%", x * 100);
    else
        buf_str(out, "nothing yet");
}

/* --- which watch --- */

static bool text_fits(const char *wanted, const char *text)
{
    return !wanted || strcmp(wanted, text) == 0;
}

bool explain_dims_fit(const struct explain_query *q, const struct judge *j, const struct watch *w)
{
    struct alert_dim dims[DIMS_MAX];
    size_t count = watch_dims(j, w, dims);

    for (size_t i = 0; i < q->dim_count; i++) {
        bool found = false;

        for (size_t k = 0; k < count; k++)
            found |= span_equal(dims[k].name, q->dims[i].name) &&
                     span_equal(dims[k].value, q->dims[i].value);
        if (!found)
            return false;
    }
    return true;
}

bool explain_step_fits(const struct explain_query *q, const struct judge *j, int step)
{
    struct buf name = {0};
    bool fits;

    funnel_step_name(j->funnel, step, &name);
    fits = text_fits(q->step, buf_cstr(&name));
    buf_deinit(&name);
    return fits;
}

bool explain_rule_fits(const struct explain_query *q, const struct rule *r)
{
    return text_fits(q->rule, r->settings->id);
}

static bool watch_fits(const struct explain_query *q, const struct judge *j, const struct rule *r,
                       const struct watch *w)
{
    return explain_step_fits(q, j, w->step) && explain_dims_fit(q, j, w) &&
           (!q->fingerprint || q->fingerprint == rules_fingerprint(j, r, w));
}

/* --- what it is --- */

void explain_put_name(const struct judge *j, const struct rule *r, const struct watch *w,
                      struct buf *out)
{
    static const char *const kinds[] = {"target", "benchmark", "change", "drop",
                                        "rise",   "volume",    "mix",    "data_quality"};
    struct alert_dim dims[DIMS_MAX];
    size_t count = watch_dims(j, w, dims);

    buf_fmt(out, "%s: %s, ", r->settings->id, kinds[r->settings->kind]);
    buf_fmt(out, "funnel %s, step ", j->funnel->name);
    funnel_step_name(j->funnel, w->step, out);
    for (size_t i = 0; i < count; i++)
        buf_fmt(out, ", %.*s=%.*s", (int)dims[i].name.len, dims[i].name.p, (int)dims[i].value.len,
                dims[i].value.p);
    buf_fmt(out, "  (%016llx)\n", (unsigned long long)rules_fingerprint(j, r, w));
}

/* The last pane with which its window ended: at most a quarter and a day ago. */
static int64_t last_due(const struct judge *j, const struct rule *r)
{
    int64_t least = j->closed - 93 * ZONE_DAY_MS / j->funnel->pane_ms;

    for (int64_t pane = j->closed; pane > least; pane--)
        if (reading_due(j, r, pane))
            return pane;
    return INT64_MIN;
}

static void put_window(const struct judge *j, const struct reading *x, struct buf *out)
{
    buf_str(out, "  window    ");
    explain_put_time(out, x->from);
    buf_str(out, " to ");
    explain_put_time(out, x->to);
    if (x->complete)
        buf_str(out, "\n");
    else if (j->first_pane == INT64_MIN || x->since.ms < j->first_pane * j->funnel->pane_ms)
        buf_str(out, "; it begins before the first event: no verdict\n");
    else if (j->stale_before != INT64_MIN && x->since.ms < j->stale_before * j->funnel->pane_ms)
        buf_str(out, "; a gap lies in it (stale): no verdict\n");
    else
        buf_str(out, "; its series has changed since it began: no verdict\n");
}

static void put_rate(const struct reading *x, struct buf *out)
{
    if (x->entries > 0)
        buf_fmt(out, ": %.1f %% (95 %% interval %.1f to %.1f)", x->rate * 100, x->low * 100,
                x->high * 100);
}

/* The rate of what was seen, and whether it is enough to go by. */
static void put_seen_rate(const struct rule *r, const struct reading *x, struct buf *out)
{
    put_rate(x, out);
    if (x->entries < r->settings->min_entries)
        buf_fmt(out, "; fewer than min_entries %lld: no verdict",
                (long long)r->settings->min_entries);
}

static void put_numbers(const struct rule *r, const struct reading *x, struct buf *out)
{
    buf_fmt(out, "  saw       %lld entries, %lld conversions", (long long)x->entries,
            (long long)x->conversions);
    put_seen_rate(r, x, out);
    buf_str(out, "\n  expected  ");
    put_share(out, x->expected);
    if (r->settings->kind == RULE_CHANGE)
        buf_fmt(out, " (%lld of %lld entries in the window before)",
                (long long)x->before_conversions, (long long)x->before_entries);
    buf_fmt(out, "\n  test      z = %.3f towards %s, the alert needs more than %.3f\n",
            x->statistic, x->rise ? "better" : "worse", r->z);
}

static void put_quality(const struct rule *r, const struct reading *x, struct buf *out)
{
    if (x->sampled) {
        buf_fmt(out, "  saw       %lld watched events, %lld of them of split ids",
                (long long)x->entries, (long long)x->conversions);
        put_rate(x, out);
    } else {
        buf_fmt(out, "  saw       %lld events, %lld of them bad", (long long)x->entries,
                (long long)x->conversions);
        put_seen_rate(r, x, out);
    }
    buf_fmt(out, "\n  expected  at most %.1f %%", x->expected * 100);
    buf_fmt(out, "\n  test      z = %.3f, the alert needs more than %.3f\n", x->statistic, r->z);
}

static void put_change(const struct judge *j, int dim, uint32_t value, double was, double is,
                       struct buf *out)
{
    struct span name = names_text(&j->values[dim], value);

    buf_fmt(out, ", %.*s from %.1f to %.1f %%", (int)name.len, name.p, was * 100, is * 100);
}

static void put_mix(const struct judge *j, const struct rule *r, const struct reading *x,
                    struct buf *out)
{
    const struct mix_shift *s = &x->shift;

    buf_fmt(out, "  saw       %lld entries", (long long)x->entries);
    if (s->dim < 0) {
        buf_str(out, "; too few, or too few in these hours of the week before: no verdict\n");
        return;
    }
    buf_fmt(out, "; by %s %.1f %% are others than usual",
            j->funnel->settings->dims.items[s->dim].name, s->distance * 100);
    if (s->distance > 0) {
        put_change(j, s->dim, s->gained, s->gained_was, s->gained_is, out);
        put_change(j, s->dim, s->lost, s->lost_was, s->lost_is, out);
    }
    buf_fmt(out, "\n  test      z = %.3f, the alert needs more than %.3f, and %.1f %%\n",
            s->statistic, r->z, r->mix->effect * 100);
}

void explain_put_alert(const struct watch *w, struct buf *out)
{
    buf_fmt(out, "  alert     %s", alert_state_name(w->life.state));
    if (w->life.state != ALERT_QUIET) {
        buf_str(out, " since ");
        explain_put_time(out, (struct etime){w->life.since_ms});
    }
    if (w->life.state == ALERT_FIRING || w->life.state == ALERT_RESOLVING) {
        buf_str(out, ", fired at ");
        explain_put_time(out, w->starts_at);
        if (!w->published)
            buf_str(out, " (not published: before the first start's end)");
    }
    buf_fmt(out, ", %u records so far\n", w->sequence);
}

static void put_life(const struct watch *w, struct buf *out)
{
    static const char *const verdicts[] = {"clear", "between: neither fires nor ends anything",
                                           "breach"};

    buf_fmt(out, "  verdict   %s\n", verdicts[w->verdict]);
    explain_put_alert(w, out);
}

static void put_ages(const struct judge *j, const struct rule *r, const struct watch *w,
                     struct buf *out)
{
    const struct ages *ages = &j->funnel->ages[w->step];
    uint64_t n[AGES_BINS] = {0};
    bool any = false;

    for (size_t i = 0; i < j->leaf_count; i++) {
        struct judge_stays stays = judge_step_stays(j, &j->leaves[i].steps[w->step]);

        for (int bin = 0; bin < ages->bins && j->leaves[i].series[r->spec] == w->series; bin++)
            n[bin] += stays.n[bin];
    }

    buf_str(out, "  open      stays by age in panes:");
    for (int bin = 0; bin < ages->bins; bin++) {
        if (n[bin] == 0)
            continue;
        buf_fmt(out, "%s %lld+: %llu", any ? "," : "", (long long)ages->edge[bin],
                (unsigned long long)n[bin]);
        any = true;
    }
    buf_str(out, any ? "\n" : " none\n");
}

static void put_watch(struct judge *j, const struct rule *r, const struct watch *w, struct buf *out)
{
    int64_t pane = last_due(j, r);
    struct reading x;

    explain_put_name(j, r, w, out);
    if (pane == INT64_MIN) {
        buf_str(out, "  its window has not ended yet\n");
    } else {
        reading_take(j, r, w, pane, &x);
        put_window(j, &x, out);
        if (r->quality)
            put_quality(r, &x, out);
        else if (r->mix)
            put_mix(j, r, &x, out);
        else
            put_numbers(r, &x, out);
    }
    put_life(w, out);
    put_ages(j, r, w, out);
}

static size_t explain_windows(struct judge *j, const struct rule *r, const struct explain_query *q,
                              struct buf *out)
{
    size_t count = 0;

    for (size_t k = 0; k < r->count; k++) {
        if (!watch_fits(q, j, r, &r->watches[k]))
            continue;
        put_watch(j, r, &r->watches[k], out);
        count++;
    }
    return count;
}

static size_t explain_judge(struct judge *j, const struct explain_query *q, struct buf *out)
{
    size_t count = 0;

    if (j->closed == INT64_MIN || !text_fits(q->funnel, j->funnel->name))
        return 0;
    for (size_t i = 0; i < j->rules->count; i++) {
        const struct rule *r = &j->rules->items[i];

        if (!explain_rule_fits(q, r))
            continue;
        count += detect_is_kind(r->settings->kind) ? explain_detect(j, i, q, out)
                                                   : explain_windows(j, r, q, out);
    }
    return count;
}

void explain_begin(struct pipeline *p)
{
    for (size_t f = 0; f < p->funnel_count; f++)
        detect_look(&p->judges[f]);
}

size_t explain_write(const struct pipeline *p, const struct explain_query *q, struct buf *out)
{
    size_t count = 0;

    for (size_t f = 0; f < p->funnel_count; f++)
        count += explain_judge(&p->judges[f], q, out);
    return count;
}
