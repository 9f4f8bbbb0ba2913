/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts: their life, and the record published at each turn of it. */
#ifndef FUNNEL_ALERT_H
#define FUNNEL_ALERT_H

#include <stdbool.h>
#include <stdint.h>

#include "funnel/buf.h"
#include "funnel/clock.h"
#include "funnel/record.h"
#include "funnel/settings.h"

/* --- life: quiet -> pending -> firing -> resolving -> quiet, a const table in alert_life.c --- */

enum alert_state { ALERT_QUIET, ALERT_PENDING, ALERT_FIRING, ALERT_RESOLVING };
/* What the rule says of its window at one moment. Between breach and clear is neither: hysteresis. */
enum alert_verdict { VERDICT_CLEAR, VERDICT_BETWEEN, VERDICT_BREACH };
enum alert_turn { TURN_NONE, TURN_FIRE, TURN_RESOLVE };

struct alert_timing {
    int64_t pending_ms, hold_ms, resolve_after_ms;
};
/* Zeroed is quiet. */
struct alert_life {
    enum alert_state state;
    int64_t since_ms; /* event time the state began */
    int64_t fired_ms; /* event time of the last firing */
};

/* One evaluation at event time `at`; times never go back. */
enum alert_turn alert_life_step(struct alert_life *life, const struct alert_timing *timing,
                                enum alert_verdict verdict, struct etime at);
/* The earliest event time at which the same verdict would turn the state; ETIME_NONE: never. */
struct etime alert_life_deadline(const struct alert_life *life, const struct alert_timing *timing,
                                 enum alert_verdict verdict);
const char *alert_state_name(enum alert_state s);

/* --- the record --- */

/* Kinds besides the settings' RULE_*. The last two are about a source: no funnel, no step, no rates. A slow-down is of
 * kind RULE_DROP, with `slow` and an alertname of its own. */
enum alert_kind {
    ALERT_KIND_INTERVENTION = RULE_KINDS,
    ALERT_KIND_NO_DATA,
    ALERT_KIND_DATA_GAP,
};
#define ALERT_MEASURE_EVENTS \
    (MEASURE_MATURED + \
     1) /* counts of events, no rates of conversion: about a source, RULE_VOLUME, RULE_MIX, RULE_DATA_QUALITY */

enum alert_status { ALERT_STATUS_FIRING, ALERT_STATUS_UPDATED, ALERT_STATUS_RESOLVED };

struct alert_dim {
    struct span name, value;
};

#define ALERT_SILENCES_MAX 16 /* ids named in one record */
#define ALERT_PARTS_MAX 32
#define ALERT_SLOWDOWN "slowdown" /* the alertname of a step that only takes longer */

/* What one segment contributes to rate now less rate expected; the effects are differences of rates, and with the
 * remainder add up to the whole difference. */
struct alert_part {
    struct span segment; /* "channel=ads", "channel=ads, device=mobile" */
    double rate_effect, mix_effect;
    bool affected; /* the change is in it, and in others marked so; none is: it is in the whole */
};

/* One turn of one alert, as values; everything borrowed. Absent numbers are NaN, times ETIME_NONE. */
struct alert {
    enum alert_status status;
    const char *group;               /* ce_source: funneld/<group> */
    const char *source;              /* the topic, where it is about that; NULL: about a funnel */
    const char *funnel;              /* NULL, as step, where it is about a source */
    const char *step;                /* "cart>checkout" or "overall" */
    const char *from_name, *to_name; /* names people see; for overall first stage and won */
    const struct alert_dim *dims;    /* sorted by name */
    size_t dim_count;
    const char *rule_id;
    const char *alertname;              /* NULL: rule_id */
    int rule_kind;                      /* RULE_*, ALERT_KIND_* */
    uint64_t rule_hash;                 /* of the rule's meaning */
    const char *severity, *runbook_url; /* runbook_url may be NULL */
    struct etime at;                    /* the verdict's event time: end of the pane */
    struct etime starts_at, ends_at;
    const char *
        ends_reason; /* NULL unless resolved: "recovered", "accepted", "relocated", "rule_changed", … */
    struct etime from, to; /* window */
    const char *zone;
    int measure; /* MEASURE_*, ALERT_MEASURE_EVENTS */
    int64_t entries, conversions;
    double rate, low, high; /* observed, Wilson 95 % */
    double expected_rate, expected_conversions;
    const char *expected_source; /* "target", "benchmark", "previous", "before", "baseline" */
    double effect_absolute, effect_relative, lost_conversions;
    int64_t lost_amount; /* minor units */
    bool has_lost_amount;
    double statistic, threshold; /* of the test */
    double budget;               /* false alarms a week; NaN */
    struct etime change_point;
    double maturity;
    const struct alert_part *parts; /* in order of weight; at most ALERT_PARTS_MAX are published */
    size_t part_count;
    double remainder;       /* what the parts leave unexplained; of no account without parts */
    bool slow;              /* RULE_DROP: the same conversions, later */
    struct etime watermark; /* everything up to here was seen */
    int64_t late;           /* late events so far in this funnel */
    int64_t split_keys;     /* watched ids found split so far in it */
    bool complete;          /* the window holds all its data */
    int64_t events;         /* no_data, data_quality: in the window; volume, mix: entries in it */
    double expected_events; /* no_data, volume */
    int64_t
        lost_records; /* data_gap; data_quality: the events that were late or could not be used */
    bool sampled; /* data_quality: events and lost_records are of the ids watched for split keys */
    struct span note;               /* intervention: the operator's comment */
    const struct span *silenced_by; /* ids, sorted; at most ALERT_SILENCES_MAX */
    size_t silenced_count;
    uint32_t sequence; /* of this fingerprint's records, from 1 */
    int language;      /* LANGUAGE_* */
    int amount_decimals;
};

/* The labels as published, in the record's order. The result owns their texts (arena_free). */
struct alert_label {
    struct span name, value; /* NUL-terminated */
};
#define ALERT_LABELS_MAX (4 + DIMS_MAX)
struct arena *alert_labels(const struct alert *a, struct alert_label ret[ALERT_LABELS_MAX],
                           size_t *ret_count);
/* FNV-1a (64 bit) over the sorted labels, as Alertmanager's model.LabelSet.Fingerprint; 16 hex digits. */
uint64_t alert_fingerprint(const struct alert *a);
/* Appends the CloudEvents 1.0 binary-mode record: key = fingerprint, ce_ headers, JSON value. */
void alert_put(struct records *out, const struct alert *a);

/* Appends the ce_source of a group's alerts: funneld/<group>. */
void alert_source_put(struct buf *out, const char *group);

/* Ends an alert whose machine is no more, from its last record alone: the same value with status resolved, endsAt
 * (`at`, but not before startsAt), endsReason, the next sequence and a summary that says so; all else byte for byte.
 * group and language as in struct alert. False, with nothing appended, where key and value are no such record of an
 * alert that is firing (any bytes). */
bool alert_close_put(struct records *out, struct span key, struct span value, const char *reason,
                     struct etime at, const char *group, int language);

#endif
