/* SPDX-License-Identifier: Apache-2.0 */
/* What alerts of detection say, of every kind, in every turn, in both languages. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

#include "funnel/sentence.h"

#define MINUTE INT64_C(60000)
#define MONDAY INT64_C(1772413200000) /* 2026-03-02T01:00:00Z */

#define SPAN(literal) \
    { \
        literal, sizeof(literal) - 1 \
    }

static const struct alert_dim ADS[] = {{SPAN("channel"), SPAN("ads")}};
static const struct alert_part PARTS[] = {
    {SPAN("channel=ads"), -0.091, 0.002, false},
    {SPAN("channel=mail, device=__other__"), -0.02, -0.03, false}};

static struct alert found(int kind, int language)
{
    return (struct alert){
        .status = ALERT_STATUS_FIRING,
        .funnel = "sales",
        .step = "checkout>paid",
        .from_name = "Checkout",
        .to_name = "Paid",
        .rule_id = "detect",
        .rule_kind = kind,
        .at = {MONDAY + 60 * MINUTE},
        .starts_at = {MONDAY + 60 * MINUTE},
        .ends_at = ETIME_NONE,
        .from = {MONDAY + 5 * MINUTE},
        .to = {MONDAY + 60 * MINUTE},
        .zone = "Asia/Shanghai",
        .measure = kind <= RULE_RISE ? MEASURE_THROUGHPUT : ALERT_MEASURE_EVENTS,
        .entries = 1090,
        .conversions = 447,
        .rate = 0.41,
        .low = 0.381,
        .high = 0.44,
        .expected_rate = 0.52,
        .expected_conversions = 567,
        .effect_absolute = NAN,
        .effect_relative = NAN,
        .lost_conversions = 120,
        .statistic = 9.31,
        .threshold = 8.04,
        .budget = 0.1,
        .change_point = {MONDAY + 5 * MINUTE},
        .maturity = NAN,
        .complete = true,
        .events = 310,
        .expected_events = 620.4,
        .language = language,
        .amount_decimals = 2,
    };
}

static struct alert lost(int language)
{
    struct alert a = found(RULE_DROP, language);

    a.lost_amount = 480000;
    a.has_lost_amount = true;
    a.parts = PARTS;
    a.part_count = 2;
    return a;
}

static void end(struct alert *a, const char *reason)
{
    a->status = ALERT_STATUS_RESOLVED;
    a->ends_at.ms = MONDAY + 130 * MINUTE;
    a->at = a->ends_at;
    a->ends_reason = reason;
}

static void expect(const struct alert *a, void (*sentence)(struct buf *, const struct alert *),
                   const char *expected)
{
    struct buf text = {0};

    sentence(&text, a);
    cr_expect(eq(str, (char *)buf_cstr(&text), (char *)expected));
    buf_deinit(&text);
}

/* Firing, updated, recovered. */
static void expect_turns(struct alert a, const char *firing, const char *updated,
                         const char *recovered)
{
    expect(&a, sentence_summary, firing);
    a.status = ALERT_STATUS_UPDATED;
    expect(&a, sentence_summary, updated);
    end(&a, "recovered");
    expect(&a, sentence_summary, recovered);
}

Test(sentence_detect, drop)
{
    expect_turns(
        lost(LANGUAGE_EN),
        "Checkout → Paid in sales fell to 41.0 % (52.0 % expected) since 01:05 UTC, mostly "
        "channel=ads; about 120 conversions lost, worth about 4800",
        "Checkout → Paid in sales is still down at 41.0 % (52.0 % expected) since 01:05 UTC, "
        "mostly channel=ads; about 120 conversions lost, worth about 4800",
        "Checkout → Paid in sales converts as expected again, after 2 h 5 min; about 120 "
        "conversions lost, worth about 4800");
    expect_turns(lost(LANGUAGE_ZH),
                 "sales 漏斗 Checkout→Paid 的转化率自 01:05（UTC）起降到 41.0%（预期 "
                 "52.0%），主要是 channel=ads；约损失转化 120 次，金额约 4800",
                 "sales 漏斗 Checkout→Paid 的转化率自 01:05（UTC）起仍只有 41.0%（预期 "
                 "52.0%），主要是 channel=ads；约损失转化 120 次，金额约 4800",
                 "sales 漏斗 Checkout→Paid 的转化率已恢复到预期水平，历时 2 小时 5 "
                 "分钟；约损失转化 120 次，金额约 4800");
}

Test(sentence_detect, a_segment_of_its_own_is_named_by_the_labels)
{
    struct alert en = lost(LANGUAGE_EN), zh = lost(LANGUAGE_ZH);

    en.dims = zh.dims = ADS;
    en.dim_count = zh.dim_count = 1;
    expect_turns(
        en,
        "Checkout → Paid in sales fell to 41.0 % (52.0 % expected) since 01:05 UTC for "
        "channel=ads; about 120 conversions lost, worth about 4800",
        "Checkout → Paid in sales is still down at 41.0 % (52.0 % expected) since 01:05 UTC "
        "for channel=ads; about 120 conversions lost, worth about 4800",
        "Checkout → Paid in sales for channel=ads converts as expected again, after 2 h 5 "
        "min; about 120 conversions lost, worth about 4800");
    expect_turns(zh,
                 "sales 漏斗 Checkout→Paid 的转化率自 01:05（UTC）起降到 41.0%（预期 "
                 "52.0%），范围：channel=ads；约损失转化 120 次，金额约 4800",
                 "sales 漏斗 Checkout→Paid 的转化率自 01:05（UTC）起仍只有 41.0%（预期 "
                 "52.0%），范围：channel=ads；约损失转化 120 次，金额约 4800",
                 "sales 漏斗 Checkout→Paid（channel=ads）的转化率已恢复到预期水平，历时 2 小时 5 "
                 "分钟；约损失转化 120 次，金额约 4800");
}

/* Half and half is not mostly; what went the other way does not count. */
Test(sentence_detect, mostly_is_more_than_half)
{
    struct alert_part parts[] = {{SPAN("channel=ads"), -0.05, 0, false},
                                 {SPAN("channel=mail"), -0.05, 0, false}};
    struct alert a = found(RULE_DROP, LANGUAGE_EN);
    static const char said[] = "Checkout → Paid in sales fell to 41.0 % (52.0 % expected) since "
                               "01:05 UTC; about 120 conversions lost";

    expect(&a, sentence_summary, said);
    a.parts = parts;
    a.part_count = 2;
    expect(&a, sentence_summary, said);
    parts[0].rate_effect = 0.5;
    expect(&a, sentence_summary,
           "Checkout → Paid in sales fell to 41.0 % (52.0 % expected) since 01:05 UTC, mostly "
           "channel=mail; about 120 conversions lost");
}

Test(sentence_detect, the_values_affected_are_said)
{
    struct alert_part parts[] = {{SPAN("channel=ads"), -0.08, 0, true},
                                 {SPAN("channel=mail"), -0.02, 0, false},
                                 {SPAN("channel=seo"), -0.02, 0, true},
                                 {SPAN("channel=tv"), -0.01, 0, true},
                                 {SPAN("channel=web"), -0.01, 0, true}};
    struct alert a = found(RULE_DROP, LANGUAGE_EN);

    a.parts = parts;
    a.part_count = 3;
    expect(&a, sentence_summary,
           "Checkout → Paid in sales fell to 41.0 % (52.0 % expected) since 01:05 UTC, in "
           "channel=ads and channel=seo; about 120 conversions lost");
    a.part_count = 5;
    a.language = LANGUAGE_ZH;
    expect(&a, sentence_summary,
           "sales 漏斗 Checkout→Paid 的转化率自 01:05（UTC）起降到 41.0%（预期 52.0%），涉及 "
           "channel=ads、channel=seo、channel=tv 等 4 个；约损失转化 120 次");
}

Test(sentence_detect, what_is_not_known_is_not_said)
{
    struct alert a = found(RULE_DROP, LANGUAGE_EN);

    a.change_point = ETIME_NONE;
    a.expected_rate = a.lost_conversions = NAN;
    expect(&a, sentence_summary, "Checkout → Paid in sales fell to 41.0 %");
    a.slow = true;
    expect(&a, sentence_summary, "Checkout → Paid in sales takes longer than usual");
    a.language = LANGUAGE_ZH;
    expect(&a, sentence_summary, "sales 漏斗 Checkout→Paid 的转化比平时慢");
    a.change_point.ms = MONDAY - 120 * MINUTE; /* the day before */
    a.language = LANGUAGE_EN;
    expect(&a, sentence_summary,
           "Checkout → Paid in sales takes longer than usual since 2026-03-01 23:00 UTC");
}

Test(sentence_detect, slowdown)
{
    struct alert en = found(RULE_DROP, LANGUAGE_EN), zh = found(RULE_DROP, LANGUAGE_ZH);

    en.slow = zh.slow = true;
    en.alertname = zh.alertname = ALERT_SLOWDOWN;
    expect_turns(
        en,
        "Checkout → Paid in sales takes longer than usual since 01:05 UTC (41.0 % so far, "
        "52.0 % expected by now); about 120 conversions late",
        "Checkout → Paid in sales still takes longer than usual since 01:05 UTC (41.0 % so "
        "far, 52.0 % expected by now); about 120 conversions late",
        "Checkout → Paid in sales takes as long as usual again, after 2 h 5 min; about 120 "
        "conversions late");
    expect_turns(zh,
                 "sales 漏斗 Checkout→Paid 的转化自 01:05（UTC）起比平时慢（目前 "
                 "41.0%，此时预期 52.0%）；约推迟转化 120 次",
                 "sales 漏斗 Checkout→Paid 的转化自 01:05（UTC）起仍比平时慢（目前 "
                 "41.0%，此时预期 52.0%）；约推迟转化 120 次",
                 "sales 漏斗 Checkout→Paid 的转化速度已恢复正常，历时 2 小时 5 分钟；约推迟转化 "
                 "120 次");
}

Test(sentence_detect, rise)
{
    struct alert en = found(RULE_RISE, LANGUAGE_EN), zh = found(RULE_RISE, LANGUAGE_ZH);

    en.expected_rate = zh.expected_rate = 0.35;
    en.lost_conversions = zh.lost_conversions = -65.5;
    expect_turns(
        en,
        "Checkout → Paid in sales rose to 41.0 % (35.0 % expected) since 01:05 UTC; about "
        "66 conversions gained",
        "Checkout → Paid in sales is still up at 41.0 % (35.0 % expected) since 01:05 UTC; "
        "about 66 conversions gained",
        "Checkout → Paid in sales converts as expected again, after 2 h 5 min; about 66 "
        "conversions gained");
    expect_turns(
        zh,
        "sales 漏斗 Checkout→Paid 的转化率自 01:05（UTC）起升到 41.0%（预期 "
        "35.0%）；约多转化 66 次",
        "sales 漏斗 Checkout→Paid 的转化率自 01:05（UTC）起仍高达 41.0%（预期 "
        "35.0%）；约多转化 66 次",
        "sales 漏斗 Checkout→Paid 的转化率已恢复到预期水平，历时 2 小时 5 分钟；约多转化 66 次");
}

Test(sentence_detect, volume)
{
    struct alert more = found(RULE_VOLUME, LANGUAGE_EN);

    expect_turns(
        found(RULE_VOLUME, LANGUAGE_EN),
        "Fewer entries than usual in sales since 01:05 UTC: 310, where about 620 are usual",
        "Still fewer entries than usual in sales since 01:05 UTC: 310, where about 620 are "
        "usual",
        "The number of entries of sales is as usual again, after 2 h 5 min");
    expect_turns(found(RULE_VOLUME, LANGUAGE_ZH),
                 "sales 漏斗的进入量自 01:05（UTC）起少于平时：310 次，平时约 620 次",
                 "sales 漏斗的进入量自 01:05（UTC）起仍少于平时：310 次，平时约 620 次",
                 "sales 漏斗的进入量已恢复正常，历时 2 小时 5 分钟");
    more.expected_events = 155;
    expect(&more, sentence_summary,
           "More entries than usual in sales since 01:05 UTC: 310, where about 155 are usual");
}

Test(sentence_detect, mix)
{
    struct alert en = found(RULE_MIX, LANGUAGE_EN), zh = found(RULE_MIX, LANGUAGE_ZH);

    en.parts = zh.parts = PARTS;
    en.part_count = zh.part_count = 2;
    en.effect_absolute = zh.effect_absolute = -0.021;
    expect_turns(en,
                 "The mix of entries in sales has changed since 01:05 UTC, mostly channel=mail, "
                 "device=(all others); that alone moves the rate by −2.1 points",
                 "The mix of entries in sales is still another than usual since 01:05 UTC, mostly "
                 "channel=mail, device=(all others); that alone moves the rate by −2.1 points",
                 "The mix of entries in sales is as usual again, after 2 h 5 min");
    expect_turns(zh,
                 "sales 漏斗的进入构成自 01:05（UTC）起发生变化，主要是 "
                 "channel=mail、device=（其余）；仅此一项使转化率变动 −2.1 个百分点",
                 "sales 漏斗的进入构成自 01:05（UTC）起仍与平时不同，主要是 "
                 "channel=mail、device=（其余）；仅此一项使转化率变动 −2.1 个百分点",
                 "sales 漏斗的进入构成已恢复正常，历时 2 小时 5 分钟");
}

Test(sentence_detect, data_quality)
{
    struct alert en = found(RULE_DATA_QUALITY, LANGUAGE_EN);
    struct alert zh = found(RULE_DATA_QUALITY, LANGUAGE_ZH);

    en.lost_records = zh.lost_records = 77;
    en.rate = zh.rate = 77 / 310.0;
    en.expected_rate = zh.expected_rate = 0.05;
    en.change_point = zh.change_point = ETIME_NONE;
    expect_turns(en,
                 "77 of 310 events of sales were late or could not be used (24.8 %, at most 5.0 % "
                 "allowed)",
                 "77 of 310 events of sales were still late or could not be used (24.8 %, at most "
                 "5.0 % allowed)",
                 "The quality of events of sales is as it should be again, after 1 h 10 min");
    expect_turns(zh, "sales 漏斗的 310 个事件中有 77 个迟到或无法使用（24.8%，允许至多 5.0%）",
                 "sales 漏斗的 310 个事件中仍有 77 个迟到或无法使用（24.8%，允许至多 5.0%）",
                 "sales 漏斗的事件质量已恢复正常，历时 1 小时 10 分钟");
    expect(
        &en, sentence_description,
        "Between 2026-03-02 01:05 and 02:00 UTC, 77 of 310 events were late or could not be used "
        "(24.8 %, at most 5.0 % allowed). The gap is 9.3 standard deviations, the rule asks for "
        "8.0. False alarms budgeted for the rule: 0.1 a week.");
    expect(&zh, sentence_description,
           "2026-03-02 01:05 至 02:00（UTC），310 个事件中有 77 个迟到或无法使用（24.8%，允许至多 "
           "5.0%）。差距达 9.3 个标准差（规则要求 8.0）。该规则的误报预算为每周 0.1 次。");
}

Test(sentence_detect, split_keys)
{
    struct alert en = found(RULE_DATA_QUALITY, LANGUAGE_EN);
    struct alert zh = found(RULE_DATA_QUALITY, LANGUAGE_ZH);

    en.sampled = zh.sampled = true;
    en.events = zh.events = 9;
    en.lost_records = zh.lost_records = 7;
    en.rate = zh.rate = 7 / 9.0;
    en.expected_rate = zh.expected_rate = 0.05;
    en.change_point = zh.change_point = ETIME_NONE;
    expect_turns(en,
                 "7 of 9 watched events of sales are of ids that came in more than one partition "
                 "(one id in 4096 is watched): key the topic by its entity id",
                 "7 of 9 watched events of sales are still of ids that came in more than one "
                 "partition (one id in 4096 is watched): key the topic by its entity id",
                 "The quality of events of sales is as it should be again, after 1 h 10 min");
    expect_turns(zh,
                 "sales 漏斗被抽查的 9 个事件中有 7 个的 ID 出现在多个分区（每 4096 个 ID "
                 "抽查一个）：请以实体 ID 作为该主题的消息键",
                 "sales 漏斗被抽查的 9 个事件中仍有 7 个的 ID 出现在多个分区（每 4096 个 ID "
                 "抽查一个）：请以实体 ID 作为该主题的消息键",
                 "sales 漏斗的事件质量已恢复正常，历时 1 小时 10 分钟");
    expect(&en, sentence_description,
           "Between 2026-03-02 01:05 and 02:00 UTC, 7 of 9 watched events were of ids that came in "
           "more than one partition (77.8 %, at most 5.0 % allowed); each partition takes such an "
           "id for an entity of its own, so that the funnel's numbers are wrong. The gap is 9.3 "
           "standard deviations, the rule asks for 8.0. False alarms budgeted for the rule: 0.1 a "
           "week.");
    expect(&zh, sentence_description,
           "2026-03-02 01:05 至 02:00（UTC），被抽查的 9 个事件中有 7 个的 ID "
           "出现在多个分区（77.8%，允许至多 5.0%）；各分区会把这样的 ID "
           "当作各自的实体，因此该漏斗的数字不准确。差距达 9.3 个标准差（规则要求 "
           "8.0）。该规则的误报预算为每周 0.1 次。");
}

Test(sentence_detect, endings_other_than_by_recovery)
{
    static const struct {
        int kind;
        const char *reason, *en, *zh;
    } CASES[] = {
        {RULE_DROP, "accepted",
         "The alert on Checkout → Paid in sales was closed: the new level was accepted",
         "sales 漏斗 Checkout→Paid 的告警已关闭：已接受新的水平"},
        {RULE_RISE, "relocated",
         "The alert on Checkout → Paid in sales was closed: it goes on under other labels",
         "sales 漏斗 Checkout→Paid 的告警已关闭：已转到其他标签继续告警"},
        {RULE_VOLUME, "accepted",
         "The number of entries of sales: the alert was closed: the new level was accepted",
         "sales 漏斗的进入量告警已关闭：已接受新的水平"},
        {RULE_MIX, "rule_changed",
         "The mix of entries in sales: the alert was closed: its rule was changed",
         "sales 漏斗的进入构成告警已关闭：规则已修改"},
        {RULE_DATA_QUALITY, "rule_removed",
         "The quality of events of sales: the alert was closed: its rule was removed",
         "sales 漏斗的事件质量告警已关闭：规则已删除"},
    };

    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct alert en = found(CASES[i].kind, LANGUAGE_EN), zh = found(CASES[i].kind, LANGUAGE_ZH);

        end(&en, CASES[i].reason);
        end(&zh, CASES[i].reason);
        expect(&en, sentence_summary, CASES[i].en);
        expect(&zh, sentence_summary, CASES[i].zh);
    }
}

Test(sentence_detect, descriptions_have_the_numbers)
{
    struct alert en = lost(LANGUAGE_EN), zh = lost(LANGUAGE_ZH);

    expect(
        &en, sentence_description,
        "Between 2026-03-02 01:05 and 02:00 UTC, 1090 entries and 447 conversions were counted: "
        "41.0 % (95 % interval 38.1 % to 44.0 %). Expected by now were about 567 (52.0 %); about "
        "120 conversions lost, worth about 4800. By segment: channel=ads −9.1 points; "
        "channel=mail, device=(all others) −2.0 points. The evidence is 9.3, the rule asks for "
        "8.0. False alarms budgeted for the rule: 0.1 a week. The change began about 2026-03-02 "
        "01:05 UTC.");
    expect(&zh, sentence_description,
           "2026-03-02 01:05 至 02:00（UTC），共进入 1090 次、转化 447 次，转化率 41.0%（95% "
           "置信区间 38.1% 至 44.0%）。至此预期约 567 次（52.0%）；约损失转化 120 次，金额约 "
           "4800。按细分：channel=ads −9.1 个百分点；channel=mail、device=（其余） −2.0 "
           "个百分点。证据强度 9.3（规则要求 8.0）。该规则的误报预算为每周 0.1 次。变化约始于 "
           "2026-03-02 01:05（UTC）。");
    end(&en, "accepted");
    en.part_count = 0;
    expect(
        &en, sentence_description,
        "Between 2026-03-02 01:05 and 02:00 UTC, 1090 entries and 447 conversions were counted: "
        "41.0 % (95 % interval 38.1 % to 44.0 %). Expected by now were about 567 (52.0 %); about "
        "120 conversions lost, worth about 4800. The alert was closed: the new level was "
        "accepted. It was firing between 2026-03-02 02:00 and 03:10 UTC, for 1 h 10 min. The "
        "change began about 2026-03-02 01:05 UTC.");
}

Test(sentence_detect, descriptions_of_entries)
{
    struct alert volume = found(RULE_VOLUME, LANGUAGE_EN), mix = found(RULE_MIX, LANGUAGE_ZH);

    expect(
        &volume, sentence_description,
        "Between 2026-03-02 01:05 and 02:00 UTC, 310 entries were counted, where about 620 are "
        "usual for these hours. The evidence is 9.3, the rule asks for 8.0. False alarms budgeted "
        "for the rule: 0.1 a week. The change began about 2026-03-02 01:05 UTC.");
    mix.parts = PARTS;
    mix.part_count = 1;
    mix.statistic = NAN;
    expect(&mix, sentence_description,
           "2026-03-02 01:05 至 02:00（UTC），共进入 310 次。按细分：channel=ads +0.2 "
           "个百分点。仅供参考：变化的是进入者的构成，而不是其转化。该规则的误报预算为每周 0.1 "
           "次。变化约始于 2026-03-02 01:05（UTC）。");
}

/* A segment may hold anything; whatever it is, the text ends and holds no control character. */
Test(sentence_detect, odd_segments)
{
    static const struct {
        struct span segment;
        const char *said;
    } CASES[] = {
        {SPAN(""), ""},
        {SPAN("x"), "x"},
        {SPAN("="), "=(none)"},
        {SPAN("a=,b"), "a=,b"},
        {SPAN("a=1, "), "a=1"},
        {SPAN("a=1\nb"), "a=1 b"},
        {SPAN("a=x=y, b=__none__"), "a=x=y, b=(none)"},
    };

    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct alert_part part = {CASES[i].segment, -0.1, 0, false};
        struct alert a = found(RULE_DROP, LANGUAGE_EN);
        struct buf said = {0};

        a.parts = &part;
        a.part_count = 1;
        a.lost_conversions = NAN;
        buf_fmt(
            &said,
            "Checkout → Paid in sales fell to 41.0 %% (52.0 %% expected) since 01:05 UTC, mostly %s",
            CASES[i].said);
        expect(&a, sentence_summary, buf_cstr(&said));
        buf_deinit(&said);
    }
}
