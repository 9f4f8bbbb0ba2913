/* SPDX-License-Identifier: Apache-2.0 */
/* Both languages say the same things in the same order, so they share one skeleton; where their
 * word order differs inside a clause it is written twice. */
#include "funnel/sentence.h"

#include <inttypes.h>
#include <string.h>

#include "funnel/sentence_parts.h"

/* --- the summary --- */

struct phrase {
    const char *firing, *updated;
};

/* By language, rule kind, and whether the rate is above (1) or below (0) what was expected. */
static const struct phrase PHRASES[2][3][2] = {
    [LANGUAGE_EN] =
        {
            [RULE_TARGET] = {{" converts at ", " still converts at "},
                             {" converts at ", " still converts at "}},
            [RULE_BENCHMARK] = {{" is below its benchmark: ", " is still below its benchmark: "},
                                {" is above its benchmark: ", " is still above its benchmark: "}},
            [RULE_CHANGE] = {{" fell to ", " is still down at "},
                             {" rose to ", " is still up at "}},
        },
    [LANGUAGE_ZH] =
        {
            [RULE_TARGET] = {{" 的转化率降到 ", " 的转化率仍只有 "},
                             {" 的转化率升到 ", " 的转化率仍为 "}},
            [RULE_BENCHMARK] = {{" 的转化率低于基准，为 ", " 的转化率仍低于基准，为 "},
                                {" 的转化率高于基准，为 ", " 的转化率仍高于基准，为 "}},
            [RULE_CHANGE] = {{" 的转化率降到 ", " 的转化率仍处于低位 "},
                             {" 的转化率升到 ", " 的转化率仍处于高位 "}},
        },
};

/* Around the expected rate in brackets. */
static const char *const BRACKETS[2][3][2] = {
    [LANGUAGE_EN] = {[RULE_TARGET] = {" (target ", ")"},
                     [RULE_BENCHMARK] = {" (benchmark ", ")"},
                     [RULE_CHANGE] = {" (", " before)"}},
    [LANGUAGE_ZH] = {[RULE_TARGET] = {"（目标 ", "）"},
                     [RULE_BENCHMARK] = {"（基准 ", "）"},
                     [RULE_CHANGE] = {"（此前 ", "）"}},
};

/* Why an alert ended other than by recovery; a reason not listed stands as it is. */
static const struct {
    const char *reason, *en, *zh;
} ENDINGS[] = {
    {"no_data", "nothing enters any more", "已没有新的进入"},
    {"rule_changed", "its rule was changed", "规则已修改"},
    {"rule_removed", "its rule was removed", "规则已删除"},
    {"escalated", "it goes on with another severity", "以新的级别继续告警"},
    {"relocated", "it goes on under other labels", "已转到其他标签继续告警"},
    {"accepted", "the new level was accepted", "已接受新的水平"},
    {"state_lost", "the daemon's state was lost", "运行状态已丢失"},
};

static int is_rise(const struct alert *a)
{
    return a->rate > a->expected_rate;
}

const char *sentence_ending(const struct alert *a)
{
    for (size_t i = 0; i < sizeof(ENDINGS) / sizeof(ENDINGS[0]); i++) {
        if (strcmp(ENDINGS[i].reason, a->ends_reason) == 0)
            return sentence_is_zh(a) ? ENDINGS[i].zh : ENDINGS[i].en;
    }
    return a->ends_reason;
}

static void put_rates(struct buf *out, const struct alert *a)
{
    const char *const *brackets = BRACKETS[sentence_is_zh(a)][a->rule_kind];

    sentence_percent(out, a, a->rate);
    if (!__builtin_isfinite(a->expected_rate))
        return;
    buf_str(out, brackets[0]);
    sentence_percent(out, a, a->expected_rate);
    buf_str(out, brackets[1]);
}

static void put_verb(struct buf *out, const struct alert *a)
{
    const struct phrase *phrase = &PHRASES[sentence_is_zh(a)][a->rule_kind][is_rise(a)];

    if (a->status == ALERT_STATUS_RESOLVED)
        buf_str(out, sentence_say(a, " is back: ", " 的转化率已恢复到 "));
    else
        buf_str(out, a->status == ALERT_STATUS_FIRING ? phrase->firing : phrase->updated);
}

static void closed_summary(struct buf *out, const struct alert *a)
{
    if (sentence_is_zh(a)) {
        sentence_step(out, a);
        sentence_scope(out, a, "（", "）");
        buf_fmt(out, "%s的告警已关闭：%s", a->dim_count ? "" : " ", sentence_ending(a));
    } else {
        buf_str(out, "The alert on ");
        sentence_step(out, a);
        sentence_scope(out, a, " for ", "");
        buf_fmt(out, " was closed: %s", sentence_ending(a));
    }
}

void sentence_summary(struct buf *out, const struct alert *a)
{
    if (a->source) {
        sentence_source(out, a);
        return;
    }
    if (a->rule_kind == ALERT_KIND_INTERVENTION) {
        sentence_intervention(out, a);
        return;
    }
    if (sentence_is_detection(a) && sentence_detection(out, a))
        return;
    if (a->status == ALERT_STATUS_RESOLVED && !sentence_is_recovered(a)) {
        closed_summary(out, a);
        return;
    }
    sentence_step(out, a);
    put_verb(out, a);
    put_rates(out, a);
    sentence_scope(out, a, sentence_say(a, " for ", "，范围："), "");
}

/* --- the description --- */

static void en_count(struct buf *out, int64_t n, const char *one, const char *many)
{
    buf_fmt(out, "%" PRId64 " %s", n, n == 1 ? one : many);
}

static void en_counts(struct buf *out, const struct alert *a)
{
    buf_str(out, "Between ");
    sentence_range(out, a, a->from, a->to);
    sentence_scope(out, a, ", for ", "");
    if (a->measure == MEASURE_COHORT || a->measure == MEASURE_MATURED) {
        buf_fmt(out, ", %" PRId64 " entered, of which %" PRId64 " converted so far", a->entries,
                a->conversions);
    } else {
        buf_str(out, ", ");
        en_count(out, a->entries, "entry and ", "entries and ");
        en_count(out, a->conversions, "conversion were counted", "conversions were counted");
    }
}

static void zh_counts(struct buf *out, const struct alert *a)
{
    sentence_range(out, a, a->from, a->to);
    buf_str(out, "，");
    sentence_scope(out, a, "", " ");
    if (a->measure == MEASURE_COHORT || a->measure == MEASURE_MATURED)
        buf_fmt(out, "共进入 %" PRId64 " 个，目前已转化 %" PRId64 " 个", a->entries,
                a->conversions);
    else
        buf_fmt(out, "共进入 %" PRId64 " 次、转化 %" PRId64 " 次", a->entries, a->conversions);
}

void sentence_observed(struct buf *out, const struct alert *a)
{
    if (sentence_is_zh(a))
        zh_counts(out, a);
    else
        en_counts(out, a);
    if (__builtin_isfinite(a->rate)) {
        buf_str(out, sentence_say(a, ": ", "，转化率 "));
        sentence_percent(out, a, a->rate);
    }
    if (a->rate <= 1 && __builtin_isfinite(a->low) && __builtin_isfinite(a->high)) {
        buf_str(out, sentence_say(a, " (95 % interval ", "（95% 置信区间 "));
        sentence_percent(out, a, a->low);
        buf_str(out, sentence_say(a, " to ", " 至 "));
        sentence_percent(out, a, a->high);
        buf_str(out, sentence_say(a, ")", "）"));
    }
    buf_str(out, sentence_say(a, ".", "。"));
    if (a->measure == MEASURE_THROUGHPUT && a->rate > 1)
        buf_str(out, sentence_say(
                         a, " The rate exceeds 100 % because some had entered before the window.",
                         "转化率超过 100%，因为其中一部分在窗口之前就已进入。"));
}

static void put_loss(struct buf *out, const struct alert *a)
{
    double n = a->lost_conversions;

    if (a->status == ALERT_STATUS_RESOLVED || !__builtin_isfinite(n) ||
        sentence_magnitude(n) < 0.05)
        return;
    buf_str(out,
            sentence_say(a, "; that is about ", n > 0 ? "，比预期少转化约 " : "，比预期多转化约 "));
    sentence_about(out, sentence_magnitude(n));
    buf_str(out, sentence_say(a,
                              n > 0 ? " conversions fewer than expected"
                                    : " conversions more than expected",
                              " 次"));
    if (a->has_lost_amount && a->lost_amount != 0) {
        buf_str(out, sentence_say(a, ", worth about ", "，金额约 "));
        sentence_amount(out, a->lost_amount, a->amount_decimals);
    }
}

static void put_expected(struct buf *out, const struct alert *a)
{
    static const struct {
        const char *en, *zh;
    } LEADS[] = {[RULE_TARGET] = {" The target is ", "目标为 "},
                 [RULE_BENCHMARK] = {" The benchmark is ", "基准为 "},
                 [RULE_CHANGE] = {" The earlier period converted at ", "此前同期为 "}};

    if (!__builtin_isfinite(a->expected_rate))
        return;
    buf_str(out, sentence_say(a, LEADS[a->rule_kind].en, LEADS[a->rule_kind].zh));
    sentence_percent(out, a, a->expected_rate);
    put_loss(out, a);
    buf_str(out, sentence_say(a, ".", "。"));
}

static void put_evidence(struct buf *out, const struct alert *a)
{
    if (__builtin_isfinite(a->statistic) && __builtin_isfinite(a->threshold)) {
        buf_str(out,
                sentence_say(a, " Chance alone hardly explains this: the gap is ", "这一差距达 "));
        sentence_fixed(out, sentence_magnitude(a->statistic), 1);
        buf_str(out, sentence_say(a, " standard deviations, the rule asks for ",
                                  " 个标准差（规则要求 "));
        sentence_fixed(out, sentence_magnitude(a->threshold), 1);
        buf_str(out, sentence_say(a, ".", "），偶然波动很难解释。"));
    }
    sentence_budget(out, a);
    sentence_onset(out, a);
}

/* What may still change the numbers. */
void sentence_open_ends(struct buf *out, const struct alert *a)
{
    if (a->maturity < 0.995)
        buf_fmt(out,
                sentence_is_zh(a)
                    ? "按以往节奏，目前只可能出现约 %.0f%% 的最终转化。"
                    : " So far only about %.0f %% of the eventual conversions can have happened.",
                a->maturity * 100);
    if (!a->complete)
        buf_str(out, sentence_say(a, " The window does not hold all its data yet.",
                                  "该窗口的数据尚未到齐。"));
}

void sentence_description(struct buf *out, const struct alert *a)
{
    if (a->source) {
        sentence_source_more(out, a);
        return;
    }
    if (a->rule_kind == ALERT_KIND_INTERVENTION) {
        sentence_intervention_more(out, a);
        return;
    }
    if (sentence_is_detection(a)) {
        sentence_detection_more(out, a);
        return;
    }
    sentence_observed(out, a);
    put_expected(out, a);
    if (a->status == ALERT_STATUS_RESOLVED)
        sentence_end(out, a);
    else
        put_evidence(out, a);
    sentence_open_ends(out, a);
}
