/* SPDX-License-Identifier: Apache-2.0 */
/* Prints sample alerts as alert_put() writes them, one JSON object a line:
 * {"key":…,"timestamp":ms,"headers":{…},"value":{…}}. For tests/script/alert_schema.py and
 * docs/alerts.md. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "funnel/alert.h"
#include "funnel/heartbeat.h"

#define HOUR INT64_C(3600000)
#define MONDAY INT64_C(1772413200000) /* 2026-03-02T01:00:00Z */

static const struct alert_dim ADS[] = {{{"channel", 7}, {"ads", 3}}};
static const struct alert_dim ODD[] = {
    {{"channel", 7}, {"a/b,c=\"d\"\n\x01", 11}},
    {{"region", 6}, {"华东", 6}},
    {{"step", 4}, {"__other__", 9}},
    {{"tier", 4}, {"", 0}},
};

static struct alert base(void)
{
    return (struct alert){
        .status = ALERT_STATUS_FIRING,
        .group = "funneld",
        .funnel = "sales",
        .step = "checkout>paid",
        .from_name = "Checkout",
        .to_name = "Paid",
        .dims = ADS,
        .dim_count = 1,
        .rule_id = "paid-target",
        .rule_kind = RULE_TARGET,
        .rule_hash = UINT64_C(0x0123456789abcdef),
        .severity = "warning",
        .runbook_url = "https://wiki.example/runbooks/paid",
        .at = {MONDAY + HOUR},
        .starts_at = {MONDAY + HOUR},
        .ends_at = ETIME_NONE,
        .from = {MONDAY},
        .to = {MONDAY + HOUR},
        .zone = "Asia/Shanghai",
        .measure = MEASURE_THROUGHPUT,
        .entries = 101,
        .conversions = 25,
        .rate = 25 / 101.0,
        .low = 0.173648,
        .high = 0.339903,
        .expected_rate = 0.6,
        .expected_conversions = 60.6,
        .expected_source = "target",
        .effect_absolute = 25 / 101.0 - 0.6,
        .effect_relative = 25 / 101.0 / 0.6 - 1,
        .lost_conversions = 35.6,
        .lost_amount = 427200,
        .has_lost_amount = true,
        .statistic = 7.23,
        .threshold = 2.33,
        .budget = NAN,
        .change_point = ETIME_NONE,
        .maturity = NAN,
        .watermark = {MONDAY + HOUR + 58000},
        .late = 3,
        .complete = true,
        .sequence = 1,
        .language = LANGUAGE_EN,
        .amount_decimals = 2,
    };
}

static void kind(struct alert *a, int rule_kind)
{
    static const char *const SOURCES[] = {"target", "benchmark", "previous"};

    a->rule_kind = rule_kind;
    a->expected_source = SOURCES[rule_kind];
}

static void resolve(struct alert *a, const char *reason)
{
    a->status = ALERT_STATUS_RESOLVED;
    a->ends_reason = reason;
    a->at.ms += 2 * HOUR;
    a->from.ms += 2 * HOUR;
    a->to.ms += 2 * HOUR;
    a->ends_at = a->at;
    a->watermark.ms += 2 * HOUR;
    a->entries = 103;
    a->conversions = a->expected_rate < 0.3 ? 17 : 63;
    a->rate = (double)a->conversions / 103;
    a->low = a->expected_rate < 0.3 ? 0.105678 : 0.515134;
    a->high = a->expected_rate < 0.3 ? 0.248505 : 0.700138;
    a->expected_conversions = 103 * a->expected_rate;
    a->effect_absolute = a->rate - a->expected_rate;
    a->effect_relative = a->rate / a->expected_rate - 1;
    a->lost_conversions = -1.2;
    a->has_lost_amount = false;
    a->sequence = 2;
}

static void rise(struct alert *a)
{
    kind(a, RULE_CHANGE);
    a->expected_rate = 0.15;
    a->expected_conversions = 15.15;
    a->effect_absolute = a->rate - 0.15;
    a->effect_relative = a->rate / 0.15 - 1;
    a->lost_conversions = -9.85;
    a->lost_amount = -118200;
}

/* Everything that may be missing is. */
static void bare(struct alert *a)
{
    a->dim_count = 0;
    a->runbook_url = NULL;
    a->low = a->high = a->expected_rate = a->expected_conversions = NAN;
    a->effect_absolute = a->effect_relative = a->lost_conversions = NAN;
    a->expected_source = NULL;
    a->statistic = a->threshold = NAN;
    a->has_lost_amount = false;
    a->watermark = ETIME_NONE;
}

static void odd(struct alert *a)
{
    a->group = "team a/销售";
    a->funnel = "a/b";
    a->step = "overall";
    a->dims = ODD;
    a->dim_count = sizeof(ODD) / sizeof(ODD[0]);
    a->measure = MEASURE_COHORT;
    a->maturity = 0.42;
    a->budget = 0.1;
    a->change_point.ms = MONDAY - 90 * 60000;
    a->complete = false;
    a->amount_decimals = 0;
}

static void print_record(const struct records *records)
{
    cJSON *line = cJSON_CreateObject(), *headers;
    const struct record *x = &records->items[0];
    struct buf text = {0};
    const char *name;
    struct span value;
    size_t at = 0;
    char *out;

    value = record_key_of(records, x);
    buf_add(&text, value.p, value.len);
    cJSON_AddStringToObject(line, "key", buf_cstr(&text));
    cJSON_AddNumberToObject(line, "timestamp", (double)x->timestamp);
    headers = cJSON_AddObjectToObject(line, "headers");
    while (record_header_next(records, x, &at, &name, &value)) {
        buf_clear(&text);
        buf_add(&text, value.p, value.len);
        cJSON_AddStringToObject(headers, name, buf_cstr(&text));
    }
    value = record_value_of(records, x);
    buf_clear(&text);
    buf_add(&text, value.p, value.len);
    cJSON_AddRawToObject(line, "value", buf_cstr(&text));
    out = cJSON_PrintUnformatted(line);
    puts(out);
    cJSON_free(out);
    cJSON_Delete(line);
    buf_deinit(&text);
}

static void print(const struct alert *a)
{
    struct records records = {0};

    alert_put(&records, a);
    print_record(&records);
    records_deinit(&records);
}

static void print_heartbeat(void)
{
    struct records records = {0};

    heartbeat_put(&records, "team a/销售", MONDAY, 60000, "1.2.3");
    print_record(&records);
    records_deinit(&records);
}

static const struct alert_part PARTS[] = {{{"channel=ads", 11}, -0.31, 0.004, true},
                                          {{"channel=mail", 12}, -0.05, 0.003, false}};

/* As a detector finds it: no dims, but parts; a budget and an onset. */
static struct alert detected(int language, int rule_kind)
{
    struct alert a = base();

    a.language = language;
    a.rule_kind = rule_kind;
    a.rule_id = "detect";
    a.dim_count = 0;
    a.expected_source = "baseline";
    a.budget = rule_kind <= RULE_RISE ? 0.1 : 0.05;
    a.change_point.ms = MONDAY + 20 * 60000;
    a.from = a.change_point;
    if (rule_kind <= RULE_RISE || rule_kind == RULE_MIX) {
        a.parts = PARTS;
        a.part_count = 2;
        a.remainder = 0;
    }
    if (rule_kind <= RULE_RISE)
        return a;
    a.measure = ALERT_MEASURE_EVENTS;
    a.events = 310;
    a.expected_events = rule_kind == RULE_VOLUME ? 620.4 : NAN;
    a.effect_absolute = rule_kind == RULE_VOLUME ? -310.4 : -0.021;
    a.effect_relative = rule_kind == RULE_VOLUME ? -0.5003 : -0.04;
    return a;
}

static void print_all_turns(struct alert *a)
{
    static const char *const REASONS[] = {"recovered", "accepted", "relocated", "rule_removed"};

    print(a);
    a->status = ALERT_STATUS_UPDATED;
    a->sequence = 2;
    print(a);
    a->status = ALERT_STATUS_RESOLVED;
    a->at.ms += HOUR;
    a->to.ms += HOUR;
    a->ends_at = a->watermark = a->at;
    a->sequence = 3;
    for (size_t i = 0; i < sizeof(REASONS) / sizeof(REASONS[0]); i++) {
        a->ends_reason = REASONS[i];
        print(a);
    }
}

static void print_detected(int language)
{
    struct alert slow = detected(language, RULE_DROP);

    for (int k = RULE_DROP; k < RULE_KINDS; k++) {
        struct alert a = detected(language, k);

        if (k == RULE_RISE) {
            a.expected_rate = 0.15;
            a.lost_conversions = -9.85;
            a.lost_amount = -118200;
        } else if (k == RULE_DATA_QUALITY) {
            a.budget = NAN;
            a.change_point = ETIME_NONE;
            a.expected_source = "target";
            a.expected_rate = 0.05;
            a.lost_records = 77;
            a.rate = 77 / 310.0;
            print(&a);
            a.sampled = true; /* split keys */
            a.split_keys = 5;
        }
        print_all_turns(&a);
    }
    slow.slow = true;
    slow.alertname = ALERT_SLOWDOWN;
    slow.dim_count = 1;
    print_all_turns(&slow);
}

static void print_kinds(int language)
{
    for (int k = RULE_TARGET; k <= RULE_CHANGE; k++) {
        struct alert a = base();

        a.language = language;
        kind(&a, k);
        print(&a);
        a.status = ALERT_STATUS_UPDATED;
        print(&a);
        resolve(&a, "recovered");
        print(&a);
    }
}

static void print_special(int language, void (*change)(struct alert *))
{
    static const char *const REASONS[] = {"recovered", "rule_changed", "rule_removed",
                                          "escalated", "accepted",     "state_lost"};
    struct alert a = base();

    a.language = language;
    change(&a);
    print(&a);
    for (size_t i = 0; i < sizeof(REASONS) / sizeof(REASONS[0]); i++) {
        struct alert ended = a;

        resolve(&ended, REASONS[i]);
        print(&ended);
    }
    resolve(&a, "no_data");
    a.entries = a.conversions = 0;
    a.rate = a.low = a.high = NAN;
    a.effect_absolute = a.effect_relative = NAN;
    a.expected_conversions = a.lost_conversions = 0;
    print(&a);
}

static void print_intervention(int language)
{
    static const struct alert_dim MARK[] = {{{"intervention", 12}, {"new-price", 9}}};
    static const struct span SILENCES[] = {{"maintenance-7", 13}, {"s-1", 3}};
    struct alert a = base();

    a.language = language;
    kind(&a, RULE_CHANGE);
    a.rule_kind = ALERT_KIND_INTERVENTION;
    a.rule_id = "intervention";
    a.severity = "info";
    a.runbook_url = NULL;
    a.expected_source = "before";
    a.dims = MARK;
    a.status = ALERT_STATUS_RESOLVED;
    a.ends_reason = "measured";
    a.starts_at.ms = MONDAY;
    a.ends_at = a.to;
    a.threshold = 1.96;
    a.note = span_of("price page\nchanged");
    a.silenced_by = SILENCES;
    a.silenced_count = 2;
    print(&a);
}

/* About a topic: of a funnel's numbers there is none. */
static struct alert source(int language, int rule_kind)
{
    struct alert a = base();

    a.language = language;
    bare(&a);
    a.source = "orders";
    a.funnel = a.step = NULL;
    a.rule_kind = rule_kind;
    a.rule_id = rule_kind == ALERT_KIND_NO_DATA ? "no_data" : "data_gap";
    a.measure = ALERT_MEASURE_EVENTS;
    a.rate = NAN;
    a.expected_events = NAN;
    a.severity = "critical";
    a.watermark = a.at;
    a.complete = rule_kind == ALERT_KIND_NO_DATA;
    a.late = 0;
    return a;
}

static void print_ends(struct alert *a)
{
    print(a);
    a->status = ALERT_STATUS_RESOLVED;
    a->at.ms += HOUR;
    a->to.ms += HOUR;
    a->ends_at = a->watermark = a->at;
    a->sequence = 2;
    a->ends_reason = "data_returned";
    print(a);
    a->ends_reason = "rule_changed";
    print(a);
}

static void print_sources(int language)
{
    struct alert silent = source(language, ALERT_KIND_NO_DATA),
                 lost = source(language, ALERT_KIND_DATA_GAP);

    silent.statistic = 23.7;
    silent.threshold = 14.5;
    silent.budget = 0.05;
    silent.expected_events = 23.7;
    silent.expected_source = "rate_by_hour";
    print_ends(&silent);
    lost.lost_records = 1000;
    print_ends(&lost);
    lost.status = ALERT_STATUS_UPDATED;
    lost.ends_at = ETIME_NONE;
    lost.ends_reason = NULL;
    lost.lost_records = 1;
    print(&lost);
}

int main(void)
{
    static void (*const CHANGES[])(struct alert *) = {rise, bare, odd};

    for (int language = LANGUAGE_EN; language <= LANGUAGE_ZH; language++) {
        print_kinds(language);
        for (size_t i = 0; i < sizeof(CHANGES) / sizeof(CHANGES[0]); i++)
            print_special(language, CHANGES[i]);
        print_detected(language);
        print_intervention(language);
        print_sources(language);
    }
    print_heartbeat();
    return 0;
}
