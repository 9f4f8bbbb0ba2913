/* SPDX-License-Identifier: Apache-2.0 */
/* Both languages say the same things in the same order, so they share one skeleton; where their
 * word order differs inside a clause it is written twice. */
#include "funnel/sentence.h"

#include <inttypes.h>
#include <string.h>

#include "funnel/canon.h"
#include "funnel/names.h"
#include "funnel/stats.h"

#define NAME_BYTES 60 /* of a stage, funnel or dimension value in running text */
#define PERCENT_DECIMALS_MAX 4

/* --- pieces --- */

uint32_t sentence_clip(struct span text, uint32_t max)
{
    uint32_t n = text.len < max ? text.len : max;

    if (n == text.len)
        return n;
    while (n > 0 && ((unsigned char)text.p[n] & 0xC0) == 0x80)
        n--;
    return n;
}

/* Bytes at p of what could break a line, move a cursor or turn the text around: controls (C1 too), line
 * separators, bidirectional overrides. 0: none. */
static uint32_t unprintable(const unsigned char *p, uint32_t n)
{
    if (p[0] < 0x20 || p[0] == 0x7F)
        return 1;
    if (n >= 2 && p[0] == 0xC2 && p[1] < 0xA0)
        return 2;
    return n >= 3 && p[0] == 0xE2 &&
                   ((p[1] == 0x80 && p[2] >= 0xA8 && p[2] <= 0xAE) ||
                    (p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9))
               ? 3
               : 0;
}

/* A line of text must stay one. */
static void put_name(struct buf *out, struct span name)
{
    uint32_t n = sentence_clip(name, NAME_BYTES);

    for (uint32_t i = 0; i < n;) {
        uint32_t len = unprintable((const unsigned char *)name.p + i, n - i);

        buf_char(out, len ? ' ' : name.p[i]);
        i += len ? len : 1;
    }
    if (n < name.len)
        buf_str(out, "…");
}

static double magnitude(double x)
{
    return x < 0 ? -x : x;
}

static int is_zh(const struct alert *a)
{
    return a->language == LANGUAGE_ZH;
}

static const char *say(const struct alert *a, const char *en, const char *zh)
{
    return is_zh(a) ? zh : en;
}

/* printf's %f would ask the locale for its decimal point. x >= 0. */
static void put_fixed(struct buf *out, double x, int decimals)
{
    uint64_t unit = 1, n;

    for (int i = 0; i < decimals; i++)
        unit *= 10;
    if (decimals == 0 || x > 1e12) {
        buf_fmt(out, "%.0f", x);
        return;
    }
    n = (uint64_t)(x * (double)unit + 0.5);
    buf_fmt(out, "%" PRIu64 ".%0*" PRIu64, n / unit, decimals, n % unit);
}

/* Decimals that show a rate below 1 %, and, while it matters, on which side of the expected one
 * it is. */
static int percent_decimals(const struct alert *a)
{
    double rates[] = {a->rate * 100, a->expected_rate * 100};
    double gap = magnitude(rates[0] - rates[1]);
    double unit = 1;
    int decimals = 1;

    while (decimals < PERCENT_DECIMALS_MAX) {
        int small = 0;

        for (int i = 0; i < 2; i++)
            small |= rates[i] > 0 && rates[i] < unit;
        if (!small && !(a->status != ALERT_STATUS_RESOLVED && gap > 0 && gap < unit / 10))
            break;
        unit /= 10;
        decimals++;
    }
    return decimals;
}

static void put_percent(struct buf *out, const struct alert *a, double rate)
{
    if (!__builtin_isfinite(rate)) {
        buf_str(out, say(a, "n/a", "未知"));
        return;
    }
    put_fixed(out, rate > 0 ? rate * 100 : 0, percent_decimals(a));
    buf_str(out, say(a, " %", "%"));
}

/* An estimate, x >= 0: whole numbers from 10 on. */
static void put_about(struct buf *out, double x)
{
    put_fixed(out, x, x < 9.95);
}

/* Money that is an estimate: whole units from 100 on. */
static void put_amount(struct buf *out, int64_t minor, int decimals)
{
    uint64_t left = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor, unit = 1;

    for (int i = 0; i < decimals; i++)
        unit *= 10;
    if (left / unit >= 100)
        buf_fmt(out, "%" PRIu64, left / unit + (left % unit >= (unit + 1) / 2));
    else if (decimals > 0)
        buf_fmt(out, "%" PRIu64 ".%0*" PRIu64, left / unit, decimals, left % unit);
    else
        buf_fmt(out, "%" PRIu64, left);
}

/* "2026-03-02 01:00", with seconds only where there are some; the day only where it differs from
 * the one before. The canonical form has fixed places: 2026-03-02T01:00:00.000Z. */
static void put_moment(struct buf *out, struct etime at, struct etime before)
{
    char text[CANON_RFC3339_SIZE], other[CANON_RFC3339_SIZE];

    canon_rfc3339(at.ms, text);
    canon_rfc3339(before.ms, other);
    if (!etime_is_set(before) || memcmp(text, other, 10) != 0)
        buf_fmt(out, "%.10s ", text);
    buf_add(out, text + 11, memcmp(text + 17, "00", 2) == 0 ? 5 : 8);
}

/* From one moment to another, in UTC and saying so: the alert carries the zone's name, not its
 * rules. */
static void put_range(struct buf *out, const struct alert *a, struct etime from, struct etime to)
{
    put_moment(out, from, ETIME_NONE);
    buf_str(out, say(a, " and ", " 至 "));
    put_moment(out, to, from);
    buf_str(out, say(a, " UTC", "（UTC）"));
}

static void put_length(struct buf *out, const struct alert *a, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *en, *zh;
    } UNITS[] = {{86400000, " d", " 天"},
                 {3600000, " h", " 小时"},
                 {60000, " min", " 分钟"},
                 {1000, " s", " 秒"},
                 {1, " ms", " 毫秒"}};
    int shown = 0;

    for (size_t i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]) && shown < 2; i++) {
        int64_t n = ms / UNITS[i].ms;

        ms %= UNITS[i].ms;
        if (n == 0)
            continue;
        buf_fmt(out, "%s%" PRId64 "%s", shown ? " " : "", n, is_zh(a) ? UNITS[i].zh : UNITS[i].en);
        shown++;
    }
}

static void put_dim_value(struct buf *out, const struct alert *a, struct span value)
{
    if (span_is(value, NAME_OTHER_TEXT))
        buf_str(out, say(a, "(all others)", "（其余）"));
    else if (span_is(value, NAME_NONE_TEXT) || value.len == 0)
        buf_str(out, say(a, "(none)", "（无）"));
    else
        put_name(out, value);
}

/* "channel=ads, region=east" */
static void put_dims(struct buf *out, const struct alert *a)
{
    for (size_t i = 0; i < a->dim_count; i++) {
        if (i > 0)
            buf_str(out, say(a, ", ", "、"));
        put_name(out, a->dims[i].name);
        buf_char(out, '=');
        put_dim_value(out, a, a->dims[i].value);
    }
}

/* "Checkout → Paid in sales", "sales 漏斗 结账→支付" */
static void put_step(struct buf *out, const struct alert *a)
{
    if (is_zh(a)) {
        put_name(out, span_of(a->funnel));
        buf_str(out, " 漏斗 ");
    }
    put_name(out, span_of(a->from_name));
    buf_str(out, say(a, " → ", "→"));
    put_name(out, span_of(a->to_name));
    if (strcmp(a->step, "overall") == 0)
        buf_str(out, say(a, " (overall)", " 全程"));
    if (!is_zh(a)) {
        buf_str(out, " in ");
        put_name(out, span_of(a->funnel));
    }
}

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
    {"accepted", "the new level was accepted", "已接受新的水平"},
    {"state_lost", "the daemon's state was lost", "运行状态已丢失"},
};

static int is_rise(const struct alert *a)
{
    return a->rate > a->expected_rate;
}

static int is_recovered(const struct alert *a)
{
    return a->status == ALERT_STATUS_RESOLVED &&
           (!a->ends_reason || strcmp(a->ends_reason, "recovered") == 0);
}

static const char *ending(const struct alert *a)
{
    for (size_t i = 0; i < sizeof(ENDINGS) / sizeof(ENDINGS[0]); i++) {
        if (strcmp(ENDINGS[i].reason, a->ends_reason) == 0)
            return is_zh(a) ? ENDINGS[i].zh : ENDINGS[i].en;
    }
    return a->ends_reason;
}

static void put_rates(struct buf *out, const struct alert *a)
{
    const char *const *brackets = BRACKETS[is_zh(a)][a->rule_kind];

    put_percent(out, a, a->rate);
    if (!__builtin_isfinite(a->expected_rate))
        return;
    buf_str(out, brackets[0]);
    put_percent(out, a, a->expected_rate);
    buf_str(out, brackets[1]);
}

static void put_verb(struct buf *out, const struct alert *a)
{
    const struct phrase *phrase = &PHRASES[is_zh(a)][a->rule_kind][is_rise(a)];

    if (a->status == ALERT_STATUS_RESOLVED)
        buf_str(out, say(a, " is back: ", " 的转化率已恢复到 "));
    else
        buf_str(out, a->status == ALERT_STATUS_FIRING ? phrase->firing : phrase->updated);
}

static void put_scope(struct buf *out, const struct alert *a, const char *before, const char *after)
{
    if (a->dim_count == 0)
        return;
    buf_str(out, before);
    put_dims(out, a);
    buf_str(out, after);
}

static void closed_summary(struct buf *out, const struct alert *a)
{
    if (is_zh(a)) {
        put_step(out, a);
        put_scope(out, a, "（", "）");
        buf_fmt(out, "%s的告警已关闭：%s", a->dim_count ? "" : " ", ending(a));
    } else {
        buf_str(out, "The alert on ");
        put_step(out, a);
        put_scope(out, a, " for ", "");
        buf_fmt(out, " was closed: %s", ending(a));
    }
}

void sentence_summary(struct buf *out, const struct alert *a)
{
    if (a->status == ALERT_STATUS_RESOLVED && !is_recovered(a)) {
        closed_summary(out, a);
        return;
    }
    put_step(out, a);
    put_verb(out, a);
    put_rates(out, a);
    put_scope(out, a, say(a, " for ", "，范围："), "");
}

/* --- the description --- */

static void en_count(struct buf *out, int64_t n, const char *one, const char *many)
{
    buf_fmt(out, "%" PRId64 " %s", n, n == 1 ? one : many);
}

static void en_counts(struct buf *out, const struct alert *a)
{
    buf_str(out, "Between ");
    put_range(out, a, a->from, a->to);
    put_scope(out, a, ", for ", "");
    if (a->measure == MEASURE_COHORT) {
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
    put_range(out, a, a->from, a->to);
    buf_str(out, "，");
    put_scope(out, a, "", " ");
    if (a->measure == MEASURE_COHORT)
        buf_fmt(out, "共进入 %" PRId64 " 个，目前已转化 %" PRId64 " 个", a->entries,
                a->conversions);
    else
        buf_fmt(out, "共进入 %" PRId64 " 次、转化 %" PRId64 " 次", a->entries, a->conversions);
}

static void put_observed(struct buf *out, const struct alert *a)
{
    if (is_zh(a))
        zh_counts(out, a);
    else
        en_counts(out, a);
    if (__builtin_isfinite(a->rate)) {
        buf_str(out, say(a, ": ", "，转化率 "));
        put_percent(out, a, a->rate);
    }
    if (a->rate <= 1 && __builtin_isfinite(a->low) && __builtin_isfinite(a->high)) {
        buf_str(out, say(a, " (95 % interval ", "（95% 置信区间 "));
        put_percent(out, a, a->low);
        buf_str(out, say(a, " to ", " 至 "));
        put_percent(out, a, a->high);
        buf_str(out, say(a, ")", "）"));
    }
    buf_str(out, say(a, ".", "。"));
    if (a->measure == MEASURE_THROUGHPUT && a->rate > 1)
        buf_str(out, say(a, " The rate exceeds 100 % because some had entered before the window.",
                         "转化率超过 100%，因为其中一部分在窗口之前就已进入。"));
}

static void put_loss(struct buf *out, const struct alert *a)
{
    double n = a->lost_conversions;

    if (a->status == ALERT_STATUS_RESOLVED || !__builtin_isfinite(n) || magnitude(n) < 0.05)
        return;
    buf_str(out, say(a, "; that is about ", n > 0 ? "，比预期少转化约 " : "，比预期多转化约 "));
    put_about(out, magnitude(n));
    buf_str(out,
            say(a, n > 0 ? " conversions fewer than expected" : " conversions more than expected",
                " 次"));
    if (a->has_lost_amount && a->lost_amount != 0) {
        buf_str(out, say(a, ", worth about ", "，金额约 "));
        put_amount(out, a->lost_amount, a->amount_decimals);
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
    buf_str(out, say(a, LEADS[a->rule_kind].en, LEADS[a->rule_kind].zh));
    put_percent(out, a, a->expected_rate);
    put_loss(out, a);
    buf_str(out, say(a, ".", "。"));
}

static void put_evidence(struct buf *out, const struct alert *a)
{
    if (__builtin_isfinite(a->statistic) && __builtin_isfinite(a->threshold)) {
        buf_str(out, say(a, " Chance alone hardly explains this: the gap is ", "这一差距达 "));
        put_fixed(out, magnitude(a->statistic), 1);
        buf_str(out, say(a, " standard deviations, the rule asks for ", " 个标准差（规则要求 "));
        put_fixed(out, magnitude(a->threshold), 1);
        buf_str(out, say(a, ".", "），偶然波动很难解释。"));
    }
    if (__builtin_isfinite(a->budget)) {
        buf_str(out, say(a, " False alarms budgeted for the rule: ", "该规则的误报预算为每周 "));
        buf_number(out, a->budget);
        buf_str(out, say(a, " a week.", " 次。"));
    }
    if (etime_is_set(a->change_point)) {
        buf_str(out, say(a, " The change began about ", "变化约始于 "));
        put_moment(out, a->change_point, ETIME_NONE);
        buf_str(out, say(a, " UTC.", "（UTC）。"));
    }
}

static void put_ending(struct buf *out, const struct alert *a)
{
    if (!is_recovered(a))
        buf_fmt(out, is_zh(a) ? "告警已关闭：%s。" : " The alert was closed: %s.", ending(a));
    if (!etime_is_set(a->starts_at) || !etime_is_set(a->ends_at))
        return;
    buf_str(out, say(a, " It was firing between ", "告警持续时间："));
    put_range(out, a, a->starts_at, a->ends_at);
    if (a->ends_at.ms > a->starts_at.ms) {
        buf_str(out, say(a, ", for ", "，共 "));
        put_length(out, a, a->ends_at.ms - a->starts_at.ms);
    }
    buf_str(out, say(a, ".", "。"));
}

/* What may still change the numbers. */
static void put_open_ends(struct buf *out, const struct alert *a)
{
    if (a->maturity < 0.995)
        buf_fmt(out,
                is_zh(a)
                    ? "按以往节奏，目前只可能出现约 %.0f%% 的最终转化。"
                    : " So far only about %.0f %% of the eventual conversions can have happened.",
                a->maturity * 100);
    if (!a->complete)
        buf_str(out,
                say(a, " The window does not hold all its data yet.", "该窗口的数据尚未到齐。"));
}

void sentence_description(struct buf *out, const struct alert *a)
{
    put_observed(out, a);
    put_expected(out, a);
    if (a->status == ALERT_STATUS_RESOLVED)
        put_ending(out, a);
    else
        put_evidence(out, a);
    put_open_ends(out, a);
}
