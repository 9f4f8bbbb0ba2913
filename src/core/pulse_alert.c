/* SPDX-License-Identifier: Apache-2.0 */
/* The alerts about a source. What began while muted, and lasts, is told when the mute has ended; what ended before
 * never was. */
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "funnel/alert.h"
#include "funnel/pulse_parts.h"

int64_t pulse_unmuted_from(const struct pulse *p)
{
    int64_t from = INT64_MIN;

    for (size_t i = 0; i < p->part_count; i++) {
        if (p->parts[i].muted)
            return INT64_MAX;
        from = p->parts[i].unmuted_from > from ? p->parts[i].unmuted_from : from;
    }
    return from;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
    return XXH3_64bits_withSeed(text, strlen(text), hash);
}

/* Of what makes the alert another one: its name, topic, severity, and for no_data the budget. */
static uint64_t meaning(const struct pulse *p, const char *name, double budget)
{
    uint64_t hash = hash_text(hash_text(0, name), p->input->topic);

    hash = hash_text(hash, p->input->no_data_severity);
    return XXH3_64bits_withSeed(&budget, sizeof(budget), hash);
}

static struct etime pane_begin(const struct pulse *p, int64_t pane)
{
    return (struct etime){pane * p->pane_ms};
}

static void fill_no_data(const struct pulse *p, struct alert *a, int64_t last)
{
    a->rule_id = "no_data";
    a->rule_kind = ALERT_KIND_NO_DATA;
    a->budget = p->input->no_data;
    a->rule_hash = meaning(p, a->rule_id, a->budget);
    a->from = pane_begin(p, p->silent_from);
    a->to = pane_begin(p, last + 1);
    a->statistic = pulse_rate_lambda(&p->rate, p->silent_from, last);
    a->threshold = pulse_rate_threshold(&p->rate, a->budget);
    a->expected_events = a->statistic * p->rate.bunch;
    a->expected_source = "rate_by_hour";
    a->complete = true;
}

static void fill_data_gap(const struct pulse *p, struct alert *a, int64_t pane)
{
    a->rule_id = "data_gap";
    a->rule_kind = ALERT_KIND_DATA_GAP;
    a->rule_hash = meaning(p, a->rule_id, 0);
    a->from = pane_begin(p, p->lost_from);
    a->to = pane_begin(p, pane + 1);
    a->lost_records = p->lost;
}

static void pulse_put(struct pulse *p, struct pulse_alert *which, enum alert_status status,
                      int64_t pane, int64_t last, const char *reason, struct records *out)
{
    struct span silences[ALERT_SILENCES_MAX];
    double none = __builtin_nan("");
    struct alert a = {
        .status = status,
        .group = p->settings->group,
        .source = p->input->topic,
        .severity = p->input->no_data_severity,
        .at = pane_begin(p, pane + 1),
        .starts_at = pane_begin(p, which->fired + 1),
        .ends_at = reason ? pane_begin(p, pane + 1) : ETIME_NONE,
        .ends_reason = reason,
        .zone = p->rate.zone->name,
        .measure = ALERT_MEASURE_EVENTS,
        .rate = none,
        .low = none,
        .high = none,
        .expected_rate = none,
        .expected_conversions = none,
        .effect_absolute = none,
        .effect_relative = none,
        .lost_conversions = none,
        .statistic = none,
        .threshold = none,
        .budget = none,
        .expected_events = none,
        .change_point = ETIME_NONE,
        .maturity = none,
        .watermark = pane_begin(p, pane + 1),
        .sequence = ++which->sequence,
        .language = p->settings->language,
    };

    if (which == &p->no_data)
        fill_no_data(p, &a, last);
    else
        fill_data_gap(p, &a, pane);
    controls_reach(p->controls, pane);
    a.silenced_count = controls_silenced_by(p->controls, &a, silences);
    a.silenced_by = silences;
    alert_put(out, &a);
}

void pulse_fire(struct pulse *p, struct pulse_alert *a, int64_t pane, struct records *out)
{
    a->firing = true;
    a->published = false;
    a->fired = pane;
    pulse_tell(p, a, pane, out);
}

void pulse_tell(struct pulse *p, struct pulse_alert *a, int64_t pane, struct records *out)
{
    if (!a->firing || a->published || pane < pulse_unmuted_from(p))
        return;
    pulse_put(p, a, ALERT_STATUS_FIRING, pane, pane, NULL, out);
    a->published = true;
}

void pulse_update(struct pulse *p, struct pulse_alert *a, int64_t pane, struct records *out)
{
    if (a->published)
        pulse_put(p, a, ALERT_STATUS_UPDATED, pane, pane, NULL, out);
    else
        pulse_tell(p, a, pane, out);
}

void pulse_end(struct pulse *p, struct pulse_alert *a, int64_t pane, int64_t last,
               const char *reason, struct records *out)
{
    if (a->firing && a->published)
        pulse_put(p, a, ALERT_STATUS_RESOLVED, pane, last, reason, out);
    a->firing = a->published = false;
}
