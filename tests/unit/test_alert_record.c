/* SPDX-License-Identifier: Apache-2.0 */
/* Fingerprints were computed apart from the product, with
 *
 *   def fingerprint(labels):
 *       h = 14695981039346656037
 *       for name in sorted(labels):
 *           for byte in name.encode() + b"\xff" + labels[name].encode() + b"\xff":
 *               h = (h ^ byte) * 1099511628211 % 2**64
 *       return "%016x" % h
 *
 * and agree with model.LabelSet.Fingerprint() of github.com/prometheus/common; the ce_id
 * with Python's xxhash:
 *
 *   xxh3_128(struct.pack("<4Q", rule_hash, fingerprint, window_end, sequence)).hexdigest() */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/alert.h"
#include "funnel/mem.h"

#define HOUR INT64_C(3600000)
#define MONDAY INT64_C(1772413200000) /* 2026-03-02T01:00:00Z */

#define SPAN(literal) \
    { \
        literal, sizeof(literal) - 1 \
    }

static const struct alert_dim ADS[] = {{SPAN("channel"), SPAN("ads")}};

static struct alert firing(void)
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
        .runbook_url = "https://wiki.example/paid",
        .at = {MONDAY + HOUR},
        .starts_at = {MONDAY + HOUR},
        .ends_at = ETIME_NONE,
        .from = {MONDAY},
        .to = {MONDAY + HOUR},
        .zone = "Asia/Shanghai",
        .measure = MEASURE_THROUGHPUT,
        .entries = 101,
        .conversions = 25,
        .rate = 0.24752475247524752,
        .low = 0.17364843078641157,
        .high = 0.33990278670262475,
        .expected_rate = 0.6,
        .expected_conversions = 60.6,
        .expected_source = "target",
        .effect_absolute = -0.3524752475247525,
        .effect_relative = -0.5874587458745875,
        .lost_conversions = 35.6,
        .lost_amount = 427205,
        .has_lost_amount = true,
        .statistic = 7.23,
        .threshold = 2.326347874,
        .budget = NAN,
        .change_point = ETIME_NONE,
        .maturity = NAN,
        .watermark = {MONDAY + HOUR + 58000},
        .late = 3,
        .split_keys = 2,
        .complete = true,
        .sequence = 1,
        .language = LANGUAGE_EN,
        .amount_decimals = 2,
    };
}

static char *copy(struct span s)
{
    return strndup(s.p, s.len);
}

/* The value of the only record; the caller frees it. */
static char *value_of(const struct alert *a)
{
    struct records records = {0};
    char *value;

    alert_put(&records, a);
    cr_assert(eq(sz, records.count, 1));
    value = copy(record_value_of(&records, &records.items[0]));
    records_deinit(&records);
    return value;
}

static char *header_of(const struct alert *a, const char *wanted)
{
    struct records records = {0};
    const char *name;
    struct span value;
    char *found = NULL;
    size_t at = 0;

    alert_put(&records, a);
    while (record_header_next(&records, &records.items[0], &at, &name, &value)) {
        if (strcmp(name, wanted) == 0) {
            cr_assert(zero(ptr, found), "%s stands twice", wanted);
            found = copy(value);
        }
    }
    records_deinit(&records);
    return found;
}

static void expect_value(const struct alert *a, const char *expected)
{
    char *value = value_of(a);

    cr_assert(eq(str, value, (char *)expected));
    free(value);
}

static void expect_header(const struct alert *a, const char *name, const char *expected)
{
    char *value = header_of(a, name);

    cr_assert(ne(ptr, value, NULL), "no header %s", name);
    cr_assert(eq(str, value, (char *)expected));
    free(value);
}

static void expect_part(const struct alert *a, const char *part)
{
    char *value = value_of(a);

    cr_assert(ne(ptr, strstr(value, part), NULL), "%s\nis not in\n%s", part, value);
    free(value);
}

Test(alert_record, firing)
{
    struct alert a = firing();

    expect_value(&a,
                 "{\"status\":\"firing\",\"fingerprint\":\"bbb8edd1cfb973f2\","
                 "\"labels\":{\"alertname\":\"paid-target\",\"severity\":\"warning\","
                 "\"funnel\":\"sales\",\"step\":\"checkout>paid\",\"channel\":\"ads\"},"
                 "\"annotations\":{\"summary\":\"Checkout → Paid in sales converts at 24.8 % "
                 "(target 60.0 %) for channel=ads\",\"description\":\"Between 2026-03-02 01:00 and "
                 "02:00 UTC, for channel=ads, 101 entries and 25 conversions were counted: 24.8 % "
                 "(95 % interval 17.4 % to 34.0 %). The target is 60.0 %; that is about 36 "
                 "conversions fewer than expected, worth about 4272. Chance alone hardly explains "
                 "this: the gap is 7.2 standard deviations, the rule asks for 2.3.\","
                 "\"runbook_url\":\"https://wiki.example/paid\"},"
                 "\"startsAt\":\"2026-03-02T02:00:00.000Z\",\"endsAt\":null,\"endsReason\":null,"
                 "\"rule\":{\"id\":\"paid-target\",\"hash\":\"0123456789abcdef\","
                 "\"kind\":\"target\"},"
                 "\"window\":{\"from\":\"2026-03-02T01:00:00.000Z\","
                 "\"to\":\"2026-03-02T02:00:00.000Z\",\"zone\":\"Asia/Shanghai\"},"
                 "\"measure\":\"throughput\","
                 "\"observed\":{\"entries\":101,\"conversions\":25,\"rate\":0.247524752,"
                 "\"low\":0.173648431,\"high\":0.339902787},"
                 "\"expected\":{\"rate\":0.6,\"conversions\":60.6,\"source\":\"target\"},"
                 "\"effect\":{\"absolute\":-0.352475248,\"relative\":-0.587458746,"
                 "\"lost_conversions\":35.6,\"lost_amount\":\"4272.05\"},"
                 "\"evidence\":{\"statistic\":7.23,\"threshold\":2.32634787,\"budget\":null},"
                 "\"change_point\":null,\"maturity\":null,\"attribution\":[],\"remainder\":null,"
                 "\"data\":{\"watermark\":\"2026-03-02T02:00:58.000Z\",\"late\":3,"
                 "\"split_keys\":2,\"complete\":true},\"silenced_by\":[],\"sequence\":1}");
}

/* All that may be absent is, in Chinese. */
Test(alert_record, resolved_with_nulls)
{
    struct alert a = firing();

    a.status = ALERT_STATUS_RESOLVED;
    a.language = LANGUAGE_ZH;
    a.from_name = "结账";
    a.to_name = "支付";
    a.dim_count = 0;
    a.rule_kind = RULE_CHANGE;
    a.rule_hash = 1;
    a.runbook_url = NULL;
    a.at.ms = a.ends_at.ms = MONDAY + 2 * HOUR + 1;
    a.ends_reason = "rule_removed";
    a.measure = MEASURE_COHORT;
    a.rate = a.low = a.high = a.expected_rate = a.expected_conversions = NAN;
    a.effect_absolute = a.effect_relative = a.lost_conversions = NAN;
    a.expected_source = NULL;
    a.has_lost_amount = false;
    a.statistic = INFINITY;
    a.threshold = -INFINITY;
    a.watermark = ETIME_NONE;
    a.complete = false;
    a.sequence = 4294967295U;
    expect_value(
        &a, "{\"status\":\"resolved\",\"fingerprint\":\"5527adbb06496bef\","
            "\"labels\":{\"alertname\":\"paid-target\",\"severity\":\"warning\","
            "\"funnel\":\"sales\",\"step\":\"checkout>paid\"},"
            "\"annotations\":{\"summary\":\"sales 漏斗 结账→支付 的告警已关闭：规则已删除\","
            "\"description\":\"2026-03-02 01:00 至 02:00（UTC），共进入 101 个，目前已转化 25 个。"
            "告警已关闭：规则已删除。告警持续时间：2026-03-02 02:00 至 03:00（UTC），"
            "共 1 小时 1 毫秒。该窗口的数据尚未到齐。\",\"runbook_url\":null},"
            "\"startsAt\":\"2026-03-02T02:00:00.000Z\",\"endsAt\":\"2026-03-02T03:00:00.001Z\","
            "\"endsReason\":\"rule_removed\","
            "\"rule\":{\"id\":\"paid-target\",\"hash\":\"0000000000000001\",\"kind\":\"change\"},"
            "\"window\":{\"from\":\"2026-03-02T01:00:00.000Z\","
            "\"to\":\"2026-03-02T02:00:00.000Z\",\"zone\":\"Asia/Shanghai\"},"
            "\"measure\":\"cohort\","
            "\"observed\":{\"entries\":101,\"conversions\":25,\"rate\":null,\"low\":null,"
            "\"high\":null},\"expected\":{\"rate\":null,\"conversions\":null,\"source\":null},"
            "\"effect\":{\"absolute\":null,\"relative\":null,\"lost_conversions\":null,"
            "\"lost_amount\":null},"
            "\"evidence\":{\"statistic\":null,\"threshold\":null,\"budget\":null},"
            "\"change_point\":null,\"maturity\":null,\"attribution\":[],\"remainder\":null,"
            "\"data\":{\"watermark\":null,\"late\":3,\"split_keys\":2,\"complete\":false},"
            "\"silenced_by\":[],\"sequence\":4294967295}");
}

Test(alert_record, envelope)
{
    struct alert a = firing();
    struct records records = {0};
    const struct record *x;
    struct span key;

    alert_put(&records, &a);
    x = &records.items[0];
    key = record_key_of(&records, x);
    cr_assert(eq(int, x->target, RECORD_ALERT));
    cr_assert(eq(i64, x->timestamp, MONDAY + HOUR));
    cr_assert(span_is(key, "bbb8edd1cfb973f2"));
    cr_assert(eq(u32, x->header_count, 7));
    records_deinit(&records);

    expect_header(&a, "ce_specversion", "1.0");
    expect_header(&a, "ce_id", "c97fd2eb5c8aac89a420633f63999977");
    expect_header(&a, "ce_type", "io.funneld.alert.firing");
    expect_header(&a, "ce_source", "funneld/funneld");
    expect_header(&a, "ce_subject", "sales/checkout>paid/channel=ads");
    expect_header(&a, "ce_time", "2026-03-02T02:00:00.000Z");
    expect_header(&a, "content-type", "application/json");
    a.status = ALERT_STATUS_UPDATED;
    expect_header(&a, "ce_type", "io.funneld.alert.updated");
    a.status = ALERT_STATUS_RESOLVED;
    a.ends_reason = "recovered";
    expect_header(&a, "ce_type", "io.funneld.alert.resolved");
}

Test(alert_record, records_are_appended)
{
    struct alert a = firing();
    struct records records = {0};

    alert_put(&records, &a);
    a.sequence = 2;
    alert_put(&records, &a);
    cr_assert(eq(sz, records.count, 2));
    cr_assert(span_equal(record_key_of(&records, &records.items[0]),
                         record_key_of(&records, &records.items[1])));
    cr_assert(not(span_equal(record_value_of(&records, &records.items[0]),
                             record_value_of(&records, &records.items[1]))));
    records_deinit(&records);
}

/* Equal turns have equal ids, and each of its four parts tells two apart. */
Test(alert_record, id_is_deterministic)
{
    struct alert a = firing(), changed[4] = {a, a, a, a};
    char *id = header_of(&a, "ce_id"), *again = header_of(&a, "ce_id");

    cr_assert(eq(str, id, again));
    changed[0].rule_hash++;
    changed[1].severity = "page";
    changed[2].to.ms++;
    changed[3].sequence++;
    for (int i = 0; i < 4; i++) {
        char *other = header_of(&changed[i], "ce_id");

        cr_assert(ne(str, id, other));
        free(other);
    }
    free(id);
    free(again);
}

Test(alert_record, source_is_a_uri_and_subject_has_no_control_characters)
{
    static const struct alert_dim DIMS[] = {
        {SPAN("channel"), SPAN("a/b,c=d%")},
        {SPAN("region"), SPAN("华\n东\xC2\x85\x7F")},
    };
    struct alert a = firing();

    a.group = "team a/销";
    a.funnel = "x/y";
    a.dims = DIMS;
    a.dim_count = 2;
    expect_header(&a, "ce_source", "funneld/team%20a%2F%E9%94%80");
    expect_header(&a, "ce_subject",
                  "x%2Fy/checkout>paid/channel=a%2Fb%2Cc%3Dd%25,region=华%0A东%C2%85%7F");
    expect_part(&a, "\"region\":\"华\\n东\xC2\x85\x7F\"");
    a.dim_count = 0;
    expect_header(&a, "ce_subject", "x%2Fy/checkout>paid");
}

Test(alert_record, reserved_names_are_prefixed_and_sorted_anew)
{
    static const struct alert_dim DIMS[] = {
        {SPAN("channel"), SPAN("ads")},
        {SPAN("funnel"), SPAN("x")},
        {SPAN("region"), SPAN("华东")},
        {SPAN("step"), SPAN("y")},
    };
    static const struct alert_dim CLASH[] = {
        {SPAN("dim_"), SPAN("1")},     {SPAN("dim_dim_step"), SPAN("2")},
        {SPAN("dim_step"), SPAN("3")}, {SPAN("dim_tier"), SPAN("4")},
        {SPAN("step"), SPAN("5")},
    };
    struct alert a = firing();

    a.rule_id = "win";
    a.severity = "page";
    a.funnel = "销售";
    a.step = "overall";
    a.dims = DIMS;
    a.dim_count = 4;
    cr_assert(eq(u64, alert_fingerprint(&a), UINT64_C(0xfb232d02bef88a73)));
    expect_part(&a, "\"labels\":{\"alertname\":\"win\",\"severity\":\"page\",\"funnel\":\"销售\","
                    "\"step\":\"overall\",\"channel\":\"ads\",\"dim_funnel\":\"x\","
                    "\"region\":\"华东\",\"dim_step\":\"y\"}");
    a.dims = CLASH;
    a.dim_count = 5;
    expect_part(&a, "\"step\":\"overall\",\"dim_\":\"1\",\"dim_dim_dim_step\":\"2\","
                    "\"dim_dim_step\":\"3\",\"dim_tier\":\"4\",\"dim_step\":\"5\"}");
}

Test(alert_record, a_label_without_a_value_is_none)
{
    static const struct alert_dim DIMS[] = {{SPAN("channel"), SPAN("ads")},
                                            {SPAN("tier"), SPAN("")}};
    struct alert a = firing();

    a.dims = DIMS;
    a.dim_count = 2;
    cr_assert(eq(u64, alert_fingerprint(&a), UINT64_C(0xbbb8edd1cfb973f2)));
    expect_part(&a, "\"channel\":\"ads\"}");
}

Test(alert_record, fingerprint_is_the_key_and_ignores_the_numbers)
{
    struct alert a = firing(), b = firing();

    b.status = ALERT_STATUS_RESOLVED;
    b.ends_reason = "recovered";
    b.rate = 0.7;
    b.at.ms += HOUR;
    b.language = LANGUAGE_ZH;
    cr_assert(eq(u64, alert_fingerprint(&a), alert_fingerprint(&b)));
}

/* The beginning is kept, and what differs late still differs. */
Test(alert_record, long_labels_are_cut_without_becoming_equal)
{
    char text[2][400];
    struct alert_dim dims[2][1];
    struct alert a = firing(), b = firing();
    char *value;
    const char *at;

    for (int i = 0; i < 2; i++) {
        memset(text[i], 'x', sizeof(text[i]));
        /* 3-byte characters that straddle the cut at 256 - 17 bytes. */
        memcpy(text[i] + 237, "华东", 6);
        text[i][399] = i ? 'y' : 'z';
        dims[i][0] = (struct alert_dim){SPAN("channel"), {text[i], sizeof(text[i])}};
    }
    a.dims = dims[0];
    b.dims = dims[1];
    cr_assert(ne(u64, alert_fingerprint(&a), alert_fingerprint(&b)));
    value = value_of(&a);
    at = strstr(value, "\"channel\":\"");
    cr_assert(ne(ptr, (char *)at, NULL));
    at += strlen("\"channel\":\"");
    cr_assert(eq(chr, at[236], 'x'));
    cr_assert(eq(chr, at[237], '~'));
    cr_assert(eq(sz, strcspn(at, "\""), 237 + 17));
    free(value);
}

Test(alert_record, amounts_are_exact)
{
    static const struct {
        int64_t minor;
        int decimals;
        const char *text;
    } CASES[] = {
        {0, 2, "0.00"},
        {5, 2, "0.05"},
        {-5, 2, "-0.05"},
        {123456, 2, "1234.56"},
        {123456, 0, "123456"},
        {-1, 6, "-0.000001"},
        {INT64_C(140737488355327), 3, "140737488355.327"},
        {INT64_MIN, 0, "-9223372036854775808"},
        {INT64_MAX, 6, "9223372036854.775807"},
    };

    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct alert a = firing();
        char part[64];

        a.lost_amount = CASES[i].minor;
        a.amount_decimals = CASES[i].decimals;
        snprintf(part, sizeof(part), "\"lost_amount\":\"%s\"}", CASES[i].text);
        expect_part(&a, part);
    }
}

Test(alert_record, kinds_and_measures)
{
    struct alert a = firing();

    a.rule_kind = RULE_BENCHMARK;
    a.expected_source = "benchmark";
    expect_part(&a, "\"kind\":\"benchmark\"");
    a.rule_kind = RULE_CHANGE;
    a.expected_source = "previous";
    a.measure = MEASURE_COHORT;
    a.maturity = 0.5;
    a.budget = 0.1;
    a.change_point.ms = MONDAY;
    a.status = ALERT_STATUS_UPDATED;
    expect_part(&a, "\"status\":\"updated\"");
    expect_part(&a, "\"kind\":\"change\"");
    expect_part(&a, "\"measure\":\"cohort\"");
    expect_part(&a, "\"budget\":0.1},\"change_point\":\"2026-03-02T01:00:00.000Z\","
                    "\"maturity\":0.5,");
}

Test(alert_record, a_link_too_long_is_left_out)
{
    struct alert a = firing();
    char url[2050];

    memset(url, 'u', sizeof(url));
    url[2048] = '\0';
    a.runbook_url = url;
    expect_part(&a, "uuu\"},\"startsAt\"");
    url[2048] = 'u';
    url[2049] = '\0';
    expect_part(&a, "\"runbook_url\":null},");
}

/* Every text as long as it can be, of the character that escapes to most, in all dims. */
Test(alert_record, values_stay_under_64_kib)
{
    static char text[4096];
    struct alert_dim dims[DIMS_MAX];
    struct alert_part parts[ALERT_PARTS_MAX];
    struct span ids[ALERT_SILENCES_MAX];
    struct alert a = firing();
    char url[2049];

    memset(text, '\x01', sizeof(text) - 1);
    memset(url, '\x01', sizeof(url) - 1);
    url[2048] = '\0';
    for (int i = 0; i < DIMS_MAX; i++)
        dims[i] = (struct alert_dim){{text + i, 3000}, {text, 3000}};
    a.group = a.funnel = a.step = a.from_name = a.to_name = a.rule_id = a.severity = a.zone = text;
    a.runbook_url = url;
    a.dims = dims;
    a.dim_count = DIMS_MAX;
    for (int i = 0; i < ALERT_SILENCES_MAX; i++)
        ids[i] = span_of("\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\"
                         "\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\"
                         "\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\"
                         "\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\");
    a.silenced_by = ids;
    a.silenced_count = ALERT_SILENCES_MAX;
    for (int i = 0; i < ALERT_PARTS_MAX; i++)
        parts[i] = (struct alert_part){{text, 3000}, -1.23456789e-300, -1.23456789e-300, false};
    a.parts = parts;
    a.part_count = ALERT_PARTS_MAX;
    a.remainder = -1.23456789e-300;
    a.budget = -1.23456789e-300;
    a.maturity = 0.123456789;
    a.change_point.ms = MONDAY;
    a.complete = false;
    for (int i = 0; i < 12;
         i++) { /* every turn in both languages, of a configured rate and of a drop */
        char *value;

        a.status = (enum alert_status)(i / 4);
        a.language = i % 2 ? LANGUAGE_ZH : LANGUAGE_EN;
        a.rule_kind = i / 2 % 2 ? RULE_DROP : RULE_TARGET;
        a.ends_reason = a.status == ALERT_STATUS_RESOLVED ? "state_lost" : NULL;
        value = value_of(&a);
        cr_assert(le(sz, strlen(value), 65536));
        free(value);
    }
}

Test(alert_record, an_alertname_is_not_always_the_rules_id)
{
    struct alert a = firing();
    uint64_t before = alert_fingerprint(&a);

    a.rule_kind = RULE_DROP;
    expect_part(&a, "\"kind\":\"drop\"}");
    expect_part(&a, "{\"alertname\":\"paid-target\",");
    a.slow = true;
    a.alertname = ALERT_SLOWDOWN;
    expect_part(&a, "{\"alertname\":\"slowdown\",");
    expect_part(&a, "\"rule\":{\"id\":\"paid-target\",");
    cr_expect(ne(u64, alert_fingerprint(&a), before));
}

Test(alert_record, parts_are_listed_with_their_remainder)
{
    static const struct alert_part parts[40] = {
        {SPAN("channel=ads"), -0.25, 0.5, true},
        {SPAN("channel=a\"b, device=mobile"), NAN, 0, false}};
    struct alert a = firing();

    a.rule_kind = RULE_DROP;
    a.expected_source = "baseline";
    a.remainder = 0.125;
    expect_part(&a, "\"attribution\":[],\"remainder\":null,\"data\"");
    a.parts = parts;
    a.part_count = 1;
    expect_part(&a, "\"source\":\"baseline\"");
    expect_part(&a, "\"attribution\":[{\"segment\":\"channel=ads\",\"rate_effect\":-0.25,"
                    "\"mix_effect\":0.5,\"affected\":true}],\"remainder\":0.125,\"data\"");
    a.part_count = 2;
    a.remainder = NAN;
    expect_part(&a, "{\"segment\":\"channel=a\\\"b, device=mobile\",\"rate_effect\":null,"
                    "\"mix_effect\":0,\"affected\":false}],\"remainder\":null,");
}

Test(alert_record, at_most_32_parts)
{
    struct alert_part parts[40];
    struct alert a = firing();
    char *value, *at;
    int count = 0;

    for (int i = 0; i < 40; i++)
        parts[i] = (struct alert_part){SPAN("x=y"), i, 0, false};
    a.parts = parts;
    a.part_count = 40;
    value = value_of(&a);
    for (at = value; (at = strstr(at, "\"segment\":")); at++)
        count++;
    cr_expect(eq(int, count, 32));
    free(value);
}

Test(alert_record, counts_of_events)
{
    struct alert a = firing();

    a.measure = ALERT_MEASURE_EVENTS;
    a.rule_kind = RULE_VOLUME;
    a.events = 310;
    a.expected_events = 620.5;
    a.effect_absolute = -310.5;
    a.effect_relative = -0.5;
    expect_part(&a, "\"kind\":\"volume\"}");
    expect_part(&a, "\"measure\":\"events\",\"observed\":{\"entries\":null,\"conversions\":null,"
                    "\"rate\":null,\"low\":null,\"high\":null,\"events\":310},"
                    "\"expected\":{\"rate\":null,\"conversions\":null,\"source\":\"target\","
                    "\"events\":620.5},\"effect\":{\"absolute\":-310.5,\"relative\":-0.5,"
                    "\"lost_conversions\":null,\"lost_amount\":null,\"lost_records\":null}");
    a.rule_kind = RULE_MIX;
    expect_part(&a, "\"kind\":\"mix\"}");
    expect_part(&a, "\"events\":null},\"effect\":{\"absolute\":-310.5,");
    a.rule_kind = RULE_DATA_QUALITY;
    a.lost_records = 31;
    a.rate = 0.1;
    a.expected_rate = 0.05;
    expect_part(&a, "\"kind\":\"data_quality\"}");
    expect_part(&a, "\"rate\":0.1,\"low\":0.173648431,\"high\":0.339902787,\"events\":310},"
                    "\"expected\":{\"rate\":0.05,\"conversions\":null,");
    expect_part(&a, "\"lost_amount\":null,\"lost_records\":31}");
}

Test(alert_record, silences_are_listed)
{
    struct span ids[] = {SPAN("a"), SPAN("b\"c")};
    struct alert a = firing();

    a.silenced_by = ids;
    a.silenced_count = 2;
    expect_part(&a, "\"silenced_by\":[\"a\",\"b\\\"c\"],");
}

Test(alert_record, labels_as_published)
{
    struct alert_label labels[ALERT_LABELS_MAX];
    struct alert a = firing();
    size_t count = 0;
    struct arena *arena = alert_labels(&a, labels, &count);

    cr_assert(eq(sz, count, 5));
    cr_expect(eq(str, (char *)labels[0].name.p, "alertname"));
    cr_expect(eq(str, (char *)labels[0].value.p, "paid-target"));
    cr_expect(eq(str, (char *)labels[4].name.p, "channel"));
    cr_expect(eq(str, (char *)labels[4].value.p, "ads"));
    arena_free(arena);
}
