/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/names.h"
#include "funnel/sentence.h"

#define HOUR INT64_C(3600000)
#define MONDAY INT64_C(1772413200000) /* 2026-03-02T01:00:00Z */

#define SPAN(literal) \
    { \
        literal, sizeof(literal) - 1 \
    }

static const struct alert_dim ADS[] = {{SPAN("channel"), SPAN("ads")}};

static struct alert drop(int kind, int language)
{
    return (struct alert){
        .status = ALERT_STATUS_FIRING,
        .funnel = "sales",
        .step = "checkout>paid",
        .from_name = language == LANGUAGE_ZH ? "结账" : "Checkout",
        .to_name = language == LANGUAGE_ZH ? "支付" : "Paid",
        .dims = ADS,
        .dim_count = 1,
        .rule_kind = kind,
        .starts_at = {MONDAY + HOUR},
        .ends_at = ETIME_NONE,
        .from = {MONDAY},
        .to = {MONDAY + HOUR},
        .measure = MEASURE_THROUGHPUT,
        .entries = 101,
        .conversions = 25,
        .rate = 25 / 101.0,
        .low = 0.173648,
        .high = 0.339903,
        .expected_rate = 0.6,
        .lost_conversions = 35.6,
        .lost_amount = 427250,
        .has_lost_amount = true,
        .statistic = 7.23,
        .threshold = 2.33,
        .budget = NAN,
        .change_point = ETIME_NONE,
        .maturity = NAN,
        .complete = true,
        .language = language,
        .amount_decimals = 2,
    };
}

static struct alert resolved(int kind, int language, const char *reason)
{
    struct alert a = drop(kind, language);

    a.status = ALERT_STATUS_RESOLVED;
    a.from.ms = MONDAY + 2 * HOUR;
    a.to.ms = a.ends_at.ms = MONDAY + 3 * HOUR;
    a.ends_reason = reason;
    a.entries = 103;
    a.conversions = 63;
    a.rate = 63 / 103.0;
    a.low = 0.515134;
    a.high = 0.700138;
    return a;
}

typedef void sentence_fn(struct buf *out, const struct alert *a);

static void expect(sentence_fn *sentence, const struct alert *a, const char *text)
{
    struct buf out = {0};

    sentence(&out, a);
    cr_assert(eq(str, buf_cstr(&out), (char *)text));
    buf_deinit(&out);
}

static void expect_part(sentence_fn *sentence, const struct alert *a, const char *part, int there)
{
    struct buf out = {0};

    sentence(&out, a);
    cr_assert(eq(int, strstr(buf_cstr(&out), part) != NULL, there), "%s: %s", part, buf_cstr(&out));
    buf_deinit(&out);
}

Test(sentence, summary_of_each_kind_in_english)
{
    static const struct {
        int kind;
        const char *firing, *updated, *resolved;
    } CASES[] = {
        {RULE_TARGET, "Checkout → Paid in sales converts at 24.8 % (target 60.0 %) for channel=ads",
         "Checkout → Paid in sales still converts at 24.8 % (target 60.0 %) for channel=ads",
         "Checkout → Paid in sales is back: 61.2 % (target 60.0 %) for channel=ads"},
        {RULE_BENCHMARK,
         "Checkout → Paid in sales is below its benchmark: 24.8 % (benchmark 60.0 %)"
         " for channel=ads",
         "Checkout → Paid in sales is still below its benchmark: 24.8 % (benchmark 60.0 %)"
         " for channel=ads",
         "Checkout → Paid in sales is back: 61.2 % (benchmark 60.0 %) for channel=ads"},
        {RULE_CHANGE, "Checkout → Paid in sales fell to 24.8 % (60.0 % before) for channel=ads",
         "Checkout → Paid in sales is still down at 24.8 % (60.0 % before) for channel=ads",
         "Checkout → Paid in sales is back: 61.2 % (60.0 % before) for channel=ads"},
    };

    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct alert a = drop(CASES[i].kind, LANGUAGE_EN);
        struct alert ended = resolved(CASES[i].kind, LANGUAGE_EN, "recovered");

        expect(sentence_summary, &a, CASES[i].firing);
        a.status = ALERT_STATUS_UPDATED;
        expect(sentence_summary, &a, CASES[i].updated);
        expect(sentence_summary, &ended, CASES[i].resolved);
    }
}

Test(sentence, summary_of_each_kind_in_chinese)
{
    static const struct {
        int kind;
        const char *firing, *updated, *resolved;
    } CASES[] = {
        {RULE_TARGET, "sales 漏斗 结账→支付 的转化率降到 24.8%（目标 60.0%），范围：channel=ads",
         "sales 漏斗 结账→支付 的转化率仍只有 24.8%（目标 60.0%），范围：channel=ads",
         "sales 漏斗 结账→支付 的转化率已恢复到 61.2%（目标 60.0%），范围：channel=ads"},
        {RULE_BENCHMARK,
         "sales 漏斗 结账→支付 的转化率低于基准，为 24.8%（基准 60.0%），范围：channel=ads",
         "sales 漏斗 结账→支付 的转化率仍低于基准，为 24.8%（基准 60.0%），范围：channel=ads",
         "sales 漏斗 结账→支付 的转化率已恢复到 61.2%（基准 60.0%），范围：channel=ads"},
        {RULE_CHANGE, "sales 漏斗 结账→支付 的转化率降到 24.8%（此前 60.0%），范围：channel=ads",
         "sales 漏斗 结账→支付 的转化率仍处于低位 24.8%（此前 60.0%），范围：channel=ads",
         "sales 漏斗 结账→支付 的转化率已恢复到 61.2%（此前 60.0%），范围：channel=ads"},
    };

    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct alert a = drop(CASES[i].kind, LANGUAGE_ZH);
        struct alert ended = resolved(CASES[i].kind, LANGUAGE_ZH, "recovered");

        expect(sentence_summary, &a, CASES[i].firing);
        a.status = ALERT_STATUS_UPDATED;
        expect(sentence_summary, &a, CASES[i].updated);
        expect(sentence_summary, &ended, CASES[i].resolved);
    }
}

Test(sentence, rises_have_their_own_words)
{
    struct alert en = drop(RULE_CHANGE, LANGUAGE_EN), zh = drop(RULE_CHANGE, LANGUAGE_ZH);

    en.expected_rate = zh.expected_rate = 0.15;
    en.lost_conversions = zh.lost_conversions = -9.85;
    en.lost_amount = zh.lost_amount = -9875;
    en.dim_count = zh.dim_count = 0;
    expect(sentence_summary, &en, "Checkout → Paid in sales rose to 24.8 % (15.0 % before)");
    expect(sentence_summary, &zh, "sales 漏斗 结账→支付 的转化率升到 24.8%（此前 15.0%）");
    expect_part(sentence_description, &en,
                "The earlier period converted at 15.0 %; that is about 9.9 conversions more than "
                "expected, worth about 98.75.",
                1);
    expect_part(sentence_description, &zh,
                "此前同期为 15.0%，比预期多转化约 9.9 次，金额约 98.75。", 1);
    en.status = zh.status = ALERT_STATUS_UPDATED;
    expect(sentence_summary, &en, "Checkout → Paid in sales is still up at 24.8 % (15.0 % before)");
    expect(sentence_summary, &zh, "sales 漏斗 结账→支付 的转化率仍处于高位 24.8%（此前 15.0%）");
    en.rule_kind = zh.rule_kind = RULE_BENCHMARK;
    expect(sentence_summary, &en,
           "Checkout → Paid in sales is still above its benchmark: 24.8 % (benchmark 15.0 %)");
    expect(sentence_summary, &zh,
           "sales 漏斗 结账→支付 的转化率仍高于基准，为 24.8%（基准 15.0%）");
}

Test(sentence, an_alert_closed_otherwise_says_why)
{
    struct alert en = resolved(RULE_TARGET, LANGUAGE_EN, "rule_changed");
    struct alert zh = resolved(RULE_TARGET, LANGUAGE_ZH, "rule_removed");

    expect(
        sentence_summary, &en,
        "The alert on Checkout → Paid in sales for channel=ads was closed: its rule was changed");
    expect(sentence_summary, &zh, "sales 漏斗 结账→支付（channel=ads）的告警已关闭：规则已删除");
    expect_part(sentence_description, &en, " The alert was closed: its rule was changed.", 1);
    en.ends_reason = "something_new";
    en.dim_count = zh.dim_count = 0;
    expect(sentence_summary, &en,
           "The alert on Checkout → Paid in sales was closed: something_new");
    expect(sentence_summary, &zh, "sales 漏斗 结账→支付 的告警已关闭：规则已删除");
}

Test(sentence, an_alert_without_data_has_no_rate)
{
    struct alert en = resolved(RULE_TARGET, LANGUAGE_EN, "no_data");
    struct alert zh = resolved(RULE_TARGET, LANGUAGE_ZH, "no_data");
    struct alert *both[] = {&en, &zh};

    for (int i = 0; i < 2; i++) {
        both[i]->dim_count = 0;
        both[i]->entries = both[i]->conversions = 0;
        both[i]->rate = both[i]->low = both[i]->high = NAN;
    }
    expect(sentence_summary, &en,
           "The alert on Checkout → Paid in sales was closed: nothing enters any more");
    expect(sentence_summary, &zh, "sales 漏斗 结账→支付 的告警已关闭：已没有新的进入");
    expect(sentence_description, &en,
           "Between 2026-03-02 03:00 and 04:00 UTC, 0 entries and 0 conversions were counted. The "
           "target is 60.0 %. The alert was closed: nothing enters any more. It was firing between "
           "2026-03-02 02:00 and 04:00 UTC, for 2 h.");
    expect(
        sentence_description, &zh,
        "2026-03-02 03:00 至 04:00（UTC），共进入 0 次、转化 0 次。目标为 60.0%。"
        "告警已关闭：已没有新的进入。告警持续时间：2026-03-02 02:00 至 04:00（UTC），共 2 小时。");
}

Test(sentence, overall_is_named)
{
    struct alert en = drop(RULE_TARGET, LANGUAGE_EN), zh = drop(RULE_TARGET, LANGUAGE_ZH);

    en.step = zh.step = "overall";
    en.dim_count = zh.dim_count = 0;
    expect(sentence_summary, &en,
           "Checkout → Paid (overall) in sales converts at 24.8 % (target 60.0 %)");
    expect(sentence_summary, &zh, "sales 漏斗 结账→支付 全程 的转化率降到 24.8%（目标 60.0%）");
}

Test(sentence, description_of_a_firing_alert)
{
    struct alert en = drop(RULE_TARGET, LANGUAGE_EN), zh = drop(RULE_TARGET, LANGUAGE_ZH);

    expect(
        sentence_description, &en,
        "Between 2026-03-02 01:00 and 02:00 UTC, for channel=ads, 101 entries and 25 conversions "
        "were counted: 24.8 % (95 % interval 17.4 % to 34.0 %). The target is 60.0 %; that is "
        "about 36 conversions fewer than expected, worth about 4273. Chance alone hardly explains "
        "this: the gap is 7.2 standard deviations, the rule asks for 2.3.");
    expect(sentence_description, &zh,
           "2026-03-02 01:00 至 02:00（UTC），channel=ads 共进入 101 次、转化 25 次，转化率 24.8%"
           "（95% 置信区间 17.4% 至 34.0%）。目标为 60.0%，比预期少转化约 36 次，金额约 4273。"
           "这一差距达 7.2 个标准差（规则要求 2.3），偶然波动很难解释。");
}

Test(sentence, description_of_a_cohort_with_all_that_may_be_known)
{
    struct alert en = drop(RULE_CHANGE, LANGUAGE_EN), zh = drop(RULE_CHANGE, LANGUAGE_ZH);
    struct alert *both[] = {&en, &zh};

    for (int i = 0; i < 2; i++) {
        both[i]->dim_count = 0;
        both[i]->measure = MEASURE_COHORT;
        both[i]->from.ms = MONDAY - 24 * HOUR - 30500;
        both[i]->lost_conversions = 4;
        both[i]->has_lost_amount = false;
        both[i]->budget = 0.1;
        both[i]->change_point.ms = MONDAY - 90 * 60000;
        both[i]->maturity = 0.42;
        both[i]->complete = false;
    }
    expect(
        sentence_description, &en,
        "Between 2026-03-01 00:59:29 and 2026-03-02 02:00 UTC, 101 entered, of which 25 converted "
        "so far: 24.8 % (95 % interval 17.4 % to 34.0 %). The earlier period converted at 60.0 %; "
        "that is about 4.0 conversions fewer than expected. Chance alone hardly explains this: the "
        "gap is 7.2 standard deviations, the rule asks for 2.3. False alarms budgeted for the "
        "rule: 0.1 a week. The change began about 2026-03-01 23:30 UTC. So far only about 42 % of "
        "the eventual conversions can have happened. The window does not hold all its data yet.");
    expect(
        sentence_description, &zh,
        "2026-03-01 00:59:29 至 2026-03-02 02:00（UTC），共进入 101 个，目前已转化 25 个，"
        "转化率 24.8%（95% 置信区间 17.4% 至 34.0%）。此前同期为 60.0%，比预期少转化约 4.0 次。"
        "这一差距达 7.2 个标准差（规则要求 2.3），偶然波动很难解释。该规则的误报预算为每周 0.1 次。"
        "变化约始于 2026-03-01 23:30（UTC）。按以往节奏，目前只可能出现约 42% 的最终转化。"
        "该窗口的数据尚未到齐。");
}

Test(sentence, description_of_a_resolved_alert)
{
    struct alert en = resolved(RULE_BENCHMARK, LANGUAGE_EN, "recovered");
    struct alert zh = resolved(RULE_BENCHMARK, LANGUAGE_ZH, "recovered");

    en.starts_at.ms = zh.starts_at.ms = MONDAY - 24 * HOUR - 60000;
    expect(
        sentence_description, &en,
        "Between 2026-03-02 03:00 and 04:00 UTC, for channel=ads, 103 entries and 63 conversions "
        "were counted: 61.2 % (95 % interval 51.5 % to 70.0 %). The benchmark is 60.0 %. It was "
        "firing between 2026-03-01 00:59 and 2026-03-02 04:00 UTC, for 1 d 3 h.");
    expect(sentence_description, &zh,
           "2026-03-02 03:00 至 04:00（UTC），channel=ads 共进入 103 次、转化 63 次，转化率 61.2%"
           "（95% 置信区间 51.5% 至 70.0%）。基准为 60.0%。"
           "告警持续时间：2026-03-01 00:59 至 2026-03-02 04:00（UTC），共 1 天 3 小时。");
}

Test(sentence, what_is_unknown_is_left_out)
{
    struct alert a = drop(RULE_TARGET, LANGUAGE_EN);

    a.dim_count = 0;
    a.entries = 1;
    a.conversions = 1;
    a.rate = 1;
    a.low = a.expected_rate = a.lost_conversions = a.statistic = NAN;
    expect(sentence_summary, &a, "Checkout → Paid in sales converts at 100.0 %");
    expect(
        sentence_description, &a,
        "Between 2026-03-02 01:00 and 02:00 UTC, 1 entry and 1 conversion were counted: 100.0 %.");
    a.rate = NAN;
    expect(sentence_summary, &a, "Checkout → Paid in sales converts at n/a");
    a.language = LANGUAGE_ZH;
    expect(sentence_summary, &a, "sales 漏斗 Checkout→Paid 的转化率降到 未知");
}

Test(sentence, a_rate_beyond_one_is_explained)
{
    struct alert en = drop(RULE_CHANGE, LANGUAGE_EN), zh = drop(RULE_CHANGE, LANGUAGE_ZH);

    en.rate = zh.rate = 1.2;
    en.low = zh.low = 0.96;
    en.high = zh.high = 1;
    expect_part(sentence_description, &en,
                ": 120.0 %. The rate exceeds 100 % because some had entered before the window.", 1);
    expect_part(sentence_description, &zh,
                "120.0%。转化率超过 100%，因为其中一部分在窗口之前就已进入。", 1);
}

Test(sentence, decimals_tell_observed_and_expected_apart)
{
    static const struct {
        double rate, expected;
        const char *text;
    } CASES[] = {
        {0.248, 0.6, "24.8 % (target 60.0 %)"},
        {0.2476, 0.2484, "24.76 % (target 24.84 %)"},
        {0.59991, 0.6, "59.991 % (target 60.000 %)"},
        {0.6, 0.6, "60.0 % (target 60.0 %)"},
        {0.004, 0.02, "0.40 % (target 2.00 %)"},
        {0.00004, 0.02, "0.0040 % (target 2.0000 %)"},
        {0, 0.6, "0.0 % (target 60.0 %)"},
        {0.000000004, 0.5, "0.0000 % (target 50.0000 %)"},
    };

    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct alert a = drop(RULE_TARGET, LANGUAGE_EN);

        a.rate = CASES[i].rate;
        a.expected_rate = CASES[i].expected;
        expect_part(sentence_summary, &a, CASES[i].text, 1);
    }
}

Test(sentence, amounts_are_rounded_to_what_an_estimate_can_claim)
{
    static const struct {
        int64_t minor;
        int decimals;
        const char *text;
    } CASES[] = {
        {9999, 2, "about 99.99."},
        {10049, 2, "about 100."},
        {10050, 2, "about 101."},
        {5, 2, "about 0.05."},
        {99, 0, "about 99."},
        {1234567, 0, "about 1234567."},
        {INT64_MIN, 0, "about 9223372036854775808."},
    };

    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct alert a = drop(RULE_TARGET, LANGUAGE_EN);

        a.lost_amount = CASES[i].minor;
        a.amount_decimals = CASES[i].decimals;
        expect_part(sentence_description, &a, CASES[i].text, 1);
    }
}

Test(sentence, a_loss_of_nothing_is_not_mentioned)
{
    struct alert a = drop(RULE_TARGET, LANGUAGE_EN);

    a.lost_conversions = 0.04;
    expect_part(sentence_description, &a, "expected", 0);
    a.lost_conversions = 9.96;
    a.lost_amount = 0;
    expect_part(sentence_description, &a, "about 10 conversions fewer than expected.", 1);
}

Test(sentence, values_are_named_for_people)
{
    static const struct alert_dim DIMS[] = {
        {SPAN("channel"), SPAN(NAME_OTHER_TEXT)},
        {SPAN("owner"), SPAN(NAME_NONE_TEXT)},
        {SPAN("region"), SPAN("")},
        {SPAN("step"), SPAN("a\nb\x7F")},
    };
    struct alert a = drop(RULE_TARGET, LANGUAGE_EN);

    a.dims = DIMS;
    a.dim_count = 4;
    expect_part(sentence_summary, &a,
                "for channel=(all others), owner=(none), region=(none), step=a b ", 1);
    a.language = LANGUAGE_ZH;
    expect_part(sentence_summary, &a,
                "范围：channel=（其余）、owner=（无）、region=（无）、step=a b ", 1);
}

Test(sentence, long_names_are_cut_between_characters)
{
    struct alert a = drop(RULE_TARGET, LANGUAGE_EN);
    char name[91], shown[91 + 16];

    for (int i = 0; i < 30; i++)
        memcpy(name + 3 * i, "漏", 3);
    name[90] = '\0';
    a.from_name = name;
    memcpy(shown, name, 60);
    memcpy(shown + 60, "… → Paid", sizeof("… → Paid"));
    expect_part(sentence_summary, &a, shown, 1);
    name[1] = name[2] = name[0] = 'x'; /* now the cut is inside a character */
    memmove(name, name + 1, 90);
    a.from_name = name;
    memcpy(shown, name, 59);
    memcpy(shown + 59, "… → Paid", sizeof("… → Paid"));
    expect_part(sentence_summary, &a, shown, 1);
}

Test(sentence, clip_keeps_whole_characters)
{
    struct span text = SPAN("a漏斗");

    cr_assert(eq(u32, sentence_clip(text, 0), 0));
    cr_assert(eq(u32, sentence_clip(text, 1), 1));
    cr_assert(eq(u32, sentence_clip(text, 2), 1));
    cr_assert(eq(u32, sentence_clip(text, 3), 1));
    cr_assert(eq(u32, sentence_clip(text, 4), 4));
    cr_assert(eq(u32, sentence_clip(text, 6), 4));
    cr_assert(eq(u32, sentence_clip(text, 7), 7));
    cr_assert(eq(u32, sentence_clip(text, 100), 7));
}

Test(sentence, description_appends)
{
    struct alert a = drop(RULE_TARGET, LANGUAGE_EN);
    struct buf out = {0};

    buf_str(&out, "note: ");
    sentence_summary(&out, &a);
    cr_assert(eq(int, strncmp(buf_cstr(&out), "note: Checkout", 14), 0));
    buf_deinit(&out);
}

/* --- interventions --- */

static struct alert intervention(int language)
{
    static const struct alert_dim mark[] = {{SPAN("intervention"), SPAN("new-price")}};
    struct alert a = drop(RULE_TARGET, language);

    a.rule_kind = ALERT_KIND_INTERVENTION;
    a.status = ALERT_STATUS_RESOLVED;
    a.ends_reason = "measured";
    a.dims = mark;
    a.entries = 1000;
    a.conversions = 312;
    a.rate = 0.312;
    a.low = 0.284;
    a.high = 0.3414;
    a.expected_rate = 0.28;
    a.effect_relative = 0.312 / 0.28 - 1;
    a.statistic = 2.1;
    a.threshold = 1.96;
    a.note = span_of("price page\nchanged");
    return a;
}

Test(sentence, an_intervention)
{
    struct alert a = intervention(LANGUAGE_EN);

    expect(
        sentence_summary, &a,
        "Checkout → Paid in sales converted at 31.2 % (95 % interval 28.4 % to 34.1 %) in the 1 h "
        "after new-price, 28.0 % before (+11 %)");
    expect(sentence_description, &a,
           "Between 2026-03-02 01:00 and 02:00 UTC, 1000 entries and 312 conversions were counted: "
           "31.2 % (95 % interval 28.4 % to 34.1 %). In the same time before, the rate was 28.0 %. "
           "The difference is 2.1 standard deviations: chance alone hardly explains it. The change "
           "was marked at 2026-03-02 02:00 UTC: price page changed.");
    a.statistic = -1.2;
    a.effect_relative = -0.054;
    a.note = SPAN_NONE;
    a.complete = false;
    expect_part(sentence_summary, &a, "before (−5.4 %)", 1);
    expect_part(sentence_description, &a,
                "is 1.2 standard deviations: chance alone may explain it.", 1);
    expect_part(sentence_description, &a, "at 2026-03-02 02:00 UTC. The window does not", 1);
}

Test(sentence, an_intervention_in_chinese)
{
    struct alert a = intervention(LANGUAGE_ZH);

    expect(sentence_summary, &a,
           "sales 漏斗 结账→支付 在 new-price 之后 1 小时内的转化率为 31.2%（95% 置信区间 28.4% 至 "
           "34.1%），此前为 28.0%（+11%）");
    expect(
        sentence_description, &a,
        "2026-03-02 01:00 至 02:00（UTC），共进入 1000 次、转化 312 次，转化率 31.2%（95% "
        "置信区间 28.4% 至 34.1%）。此前同样时长内为 28.0%。差异为 2.1 个标准差：偶然波动很难解释。"
        "变更标记于 2026-03-02 02:00（UTC）：price page changed。");
}

Test(sentence, an_intervention_without_figures)
{
    struct alert a = intervention(LANGUAGE_EN);

    a.entries = a.conversions = 0;
    a.rate = a.low = a.high = a.expected_rate = a.effect_relative = a.statistic = NAN;
    expect(sentence_summary, &a,
           "Checkout → Paid in sales converted at n/a in the 1 h after new-price, n/a before");
    expect_part(sentence_description, &a, "There is nothing to compare it with.", 1);
}
