/* SPDX-License-Identifier: Apache-2.0 */
/* What a detector found: drop (and slow-down), rise, volume, mix; data_quality but for what it found. Of the first two
 * the numbers are conversions since the onset, of the others entries and events of the whole funnel. */
#include <inttypes.h>
#include <string.h>

#include "funnel/sentence.h"
#include "funnel/sentence_parts.h"

#define PARTS_SHOWN 3

bool sentence_is_detection(const struct alert *a)
{
    return a->rule_kind >= RULE_DROP && a->rule_kind < RULE_KINDS;
}

static bool is_of_conversions(const struct alert *a)
{
    return a->rule_kind == RULE_DROP || a->rule_kind == RULE_RISE;
}

/* --- pieces --- */

/* By turn: firing, updated. */
static void put_turn(struct buf *out, const struct alert *a, const char *const said[2])
{
    buf_str(out, said[a->status == ALERT_STATUS_UPDATED]);
}

static void put_since(struct buf *out, const struct alert *a)
{
    if (!etime_is_set(a->change_point))
        return;
    buf_str(out, sentence_say(a, " since ", "自 "));
    sentence_moment(out, a->change_point, a->at);
    buf_str(out, sentence_say(a, " UTC", "（UTC）起"));
}

static void put_after(struct buf *out, const struct alert *a)
{
    struct etime began = etime_is_set(a->change_point) ? a->change_point : a->starts_at;

    if (!etime_is_set(began) || !etime_is_set(a->ends_at) || a->ends_at.ms <= began.ms)
        return;
    buf_str(out, sentence_say(a, ", after ", "，历时 "));
    sentence_length(out, a, a->ends_at.ms - began.ms);
}

static void put_funnel(struct buf *out, const struct alert *a)
{
    sentence_name(out, span_of(a->funnel));
}

/* A change of a rate, in points of a percentage. */
static void put_points(struct buf *out, const struct alert *a, double x)
{
    buf_str(out, x < 0 ? "−" : "+");
    sentence_fixed(out, sentence_magnitude(x) * 100, 1);
    buf_str(out, sentence_say(a, " points", " 个百分点"));
}

/* What is lost, gained or late, in conversions and money. */
static void put_loss(struct buf *out, const struct alert *a)
{
    double n = a->lost_conversions;

    if (!__builtin_isfinite(n) || sentence_magnitude(n) < 0.05)
        return;
    buf_str(out, sentence_say(a, "; about ",
                              n < 0     ? "；约多转化 "
                              : a->slow ? "；约推迟转化 "
                                        : "；约损失转化 "));
    sentence_about(out, sentence_magnitude(n));
    buf_str(out, sentence_say(a,
                              n < 0     ? " conversions gained"
                              : a->slow ? " conversions late"
                                        : " conversions lost",
                              " 次"));
    if (!a->has_lost_amount || a->lost_amount == 0)
        return;
    buf_str(out, sentence_say(a, ", worth about ", "，金额约 "));
    sentence_amount(out, a->lost_amount, a->amount_decimals);
}

/* --- segments --- */

static double part_weight(const struct alert *a, const struct alert_part *part)
{
    if (a->rule_kind == RULE_MIX)
        return sentence_magnitude(part->mix_effect);
    return a->rule_kind == RULE_RISE ? part->rate_effect : -part->rate_effect;
}

/* The one that is more than half of what went this way; NULL. */
static const struct alert_part *main_part(const struct alert *a)
{
    const struct alert_part *best = NULL;
    double sum = 0, most = 0;

    for (size_t i = 0; i < a->part_count; i++) {
        double weight = part_weight(a, &a->parts[i]);

        if (!(weight > 0))
            continue;
        sum += weight;
        if (weight > most) {
            most = weight;
            best = &a->parts[i];
        }
    }
    return most > sum / 2 ? best : NULL;
}

/* "channel=ads, device=mobile": the values may be names of our own. */
static void put_segment(struct buf *out, const struct alert *a, struct span text)
{
    const char *end = text.p + text.len, *at = text.p;

    while (at < end) {
        const char *equals = memchr(at, '=', (size_t)(end - at)), *stop = equals;

        while (stop && stop < end && !(stop + 1 < end && stop[0] == ',' && stop[1] == ' '))
            stop++;
        if (!stop)
            stop = end;
        sentence_name(out, (struct span){at, (uint32_t)((equals ? equals : stop) - at)});
        if (equals) {
            buf_char(out, '=');
            sentence_value(out, a, (struct span){equals + 1, (uint32_t)(stop - equals - 1)});
        }
        at = stop < end ? stop + 2 : end;
        if (at < end)
            buf_str(out, sentence_say(a, ", ", "、"));
    }
}

/* "channel=ads and channel=mail"; whether there are any. */
static bool put_affected(struct buf *out, const struct alert *a)
{
    size_t shown = 0, all = 0;

    for (size_t i = 0; i < a->part_count && a->dim_count == 0; i++)
        all += a->parts[i].affected;
    for (size_t i = 0; i < a->part_count && shown < all && shown < PARTS_SHOWN; i++) {
        if (!a->parts[i].affected)
            continue;
        buf_str(out,
                shown == 0 ? sentence_say(a, ", in ", "，涉及 ") : sentence_say(a, " and ", "、"));
        put_segment(out, a, a->parts[i].segment);
        shown++;
    }
    if (all > shown)
        buf_fmt(out, sentence_say(a, " and %zu more", " 等 %zu 个"),
                sentence_is_zh(a) ? all : all - shown);
    return all > 0;
}

/* Where it is: the labels' segment, else the values affected, else what is most of it. */
static void put_where(struct buf *out, const struct alert *a)
{
    const struct alert_part *part = a->dim_count > 0 ? NULL : main_part(a);

    sentence_scope(out, a, sentence_say(a, " for ", "，范围："), "");
    if (put_affected(out, a) || !part)
        return;
    buf_str(out, sentence_say(a, ", mostly ", "，主要是 "));
    put_segment(out, a, part->segment);
}

static void put_parts(struct buf *out, const struct alert *a)
{
    size_t shown = 0;

    for (size_t i = 0; i < a->part_count && shown < PARTS_SHOWN; i++) {
        const struct alert_part *part = &a->parts[i];
        double effect = a->rule_kind == RULE_MIX ? part->mix_effect : part->rate_effect;

        if (!__builtin_isfinite(effect) || sentence_magnitude(effect) < 0.0005)
            continue;
        buf_str(out, shown > 0 ? sentence_say(a, "; ", "；")
                               : sentence_say(a, " By segment: ", "按细分："));
        put_segment(out, a, part->segment);
        buf_char(out, ' ');
        put_points(out, a, effect);
        shown++;
    }
    if (shown > 0)
        buf_str(out, sentence_say(a, ".", "。"));
}

/* --- drop, slow-down, rise --- */

static void put_rates(struct buf *out, const struct alert *a)
{
    if (!__builtin_isfinite(a->expected_rate)) {
        sentence_percent(out, a, a->rate);
        return;
    }
    if (a->slow)
        buf_str(out, sentence_say(a, " (", "（目前 "));
    sentence_percent(out, a, a->rate);
    buf_str(out, a->slow ? sentence_say(a, " so far, ", "，此时预期 ")
                         : sentence_say(a, " (", "（预期 "));
    sentence_percent(out, a, a->expected_rate);
    buf_str(out, sentence_say(a, a->slow ? " expected by now)" : " expected)", "）"));
}

static void en_conversions(struct buf *out, const struct alert *a)
{
    static const char *const drop[] = {" fell to ", " is still down at "};
    static const char *const rise[] = {" rose to ", " is still up at "};
    static const char *const slow[] = {" takes longer than usual",
                                       " still takes longer than usual"};

    sentence_step(out, a);
    put_turn(out, a, a->slow ? slow : a->rule_kind == RULE_RISE ? rise : drop);
    if (a->slow)
        put_since(out, a);
    if (!a->slow || __builtin_isfinite(a->expected_rate))
        put_rates(out, a);
    if (!a->slow)
        put_since(out, a);
}

static void zh_conversions(struct buf *out, const struct alert *a)
{
    static const char *const drop[] = {"降到 ", "仍只有 "}, *const rise[] = {"升到 ", "仍高达 "};
    static const char *const slow[] = {"比平时慢", "仍比平时慢"};

    sentence_step(out, a);
    buf_str(out, a->slow ? " 的转化" : " 的转化率");
    put_since(out, a);
    put_turn(out, a, a->slow ? slow : a->rule_kind == RULE_RISE ? rise : drop);
    if (!a->slow || __builtin_isfinite(a->expected_rate))
        put_rates(out, a);
}

static void recovered_conversions(struct buf *out, const struct alert *a)
{
    sentence_step(out, a);
    sentence_scope(out, a, sentence_say(a, " for ", "（"), sentence_say(a, "", "）"));
    if (sentence_is_zh(a))
        buf_str(out, a->dim_count > 0 ? "" : " ");
    buf_str(out, a->slow
                     ? sentence_say(a, " takes as long as usual again", "的转化速度已恢复正常")
                     : sentence_say(a, " converts as expected again", "的转化率已恢复到预期水平"));
    put_after(out, a);
    put_loss(out, a);
}

/* --- volume, mix, data_quality --- */

static void put_volume(struct buf *out, const struct alert *a)
{
    static const char *const fewer[] = {"Fewer entries than usual in ",
                                        "Still fewer entries than usual in "};
    static const char *const more[] = {"More entries than usual in ",
                                       "Still more entries than usual in "};
    static const char *const zh_fewer[] = {"少于平时：", "仍少于平时："};
    static const char *const zh_more[] = {"多于平时：", "仍多于平时："};
    bool up = (double)a->events > a->expected_events;

    if (sentence_is_zh(a)) {
        put_funnel(out, a);
        buf_str(out, " 漏斗的进入量");
        put_since(out, a);
        put_turn(out, a, up ? zh_more : zh_fewer);
    } else {
        put_turn(out, a, up ? more : fewer);
        put_funnel(out, a);
        put_since(out, a);
        buf_str(out, ": ");
    }
    buf_fmt(out, "%" PRId64 "%s", a->events, sentence_say(a, "", " 次"));
    if (!__builtin_isfinite(a->expected_events))
        return;
    buf_str(out, sentence_say(a, ", where about ", "，平时约 "));
    sentence_about(out, sentence_magnitude(a->expected_events));
    buf_str(out, sentence_say(a, " are usual", " 次"));
}

static void put_mix(struct buf *out, const struct alert *a)
{
    static const char *const en[] = {" has changed", " is still another than usual"};
    static const char *const zh[] = {"发生变化", "仍与平时不同"};

    buf_str(out, sentence_say(a, "The mix of entries in ", ""));
    put_funnel(out, a);
    if (sentence_is_zh(a)) {
        buf_str(out, " 漏斗的进入构成");
        put_since(out, a);
    }
    put_turn(out, a, sentence_is_zh(a) ? zh : en);
    if (!sentence_is_zh(a))
        put_since(out, a);
    put_where(out, a);
    if (!__builtin_isfinite(a->effect_absolute) || sentence_magnitude(a->effect_absolute) < 0.0005)
        return;
    buf_str(out, sentence_say(a, "; that alone moves the rate by ", "；仅此一项使转化率变动 "));
    put_points(out, a, a->effect_absolute);
}

/* By kind, around the funnel's name. */
static const struct {
    const char *before, *recovered, *zh_subject, *zh_recovered;
} FUNNEL_WIDE[RULE_KINDS] = {
    [RULE_VOLUME] = {"The number of entries of ", " is as usual again", " 漏斗的进入量",
                     "已恢复正常"},
    [RULE_MIX] = {"The mix of entries in ", " is as usual again", " 漏斗的进入构成", "已恢复正常"},
    [RULE_DATA_QUALITY] = {"The quality of events of ", " is as it should be again",
                           " 漏斗的事件质量", "已恢复正常"},
};

static void put_subject(struct buf *out, const struct alert *a)
{
    buf_str(out, sentence_say(a, FUNNEL_WIDE[a->rule_kind].before, ""));
    put_funnel(out, a);
    buf_str(out, sentence_say(a, "", FUNNEL_WIDE[a->rule_kind].zh_subject));
}

static void recovered_events(struct buf *out, const struct alert *a)
{
    put_subject(out, a);
    buf_str(out, sentence_say(a, FUNNEL_WIDE[a->rule_kind].recovered,
                              FUNNEL_WIDE[a->rule_kind].zh_recovered));
    put_after(out, a);
}

static void closed_events(struct buf *out, const struct alert *a)
{
    put_subject(out, a);
    buf_str(out, sentence_say(a, ": the alert was closed: ", "告警已关闭："));
    buf_str(out, sentence_ending(a));
}

/* --- the summary --- */

static void summary_of_conversions(struct buf *out, const struct alert *a)
{
    if (a->status == ALERT_STATUS_RESOLVED) {
        recovered_conversions(out, a);
        return;
    }
    if (sentence_is_zh(a))
        zh_conversions(out, a);
    else
        en_conversions(out, a);
    put_where(out, a);
    put_loss(out, a);
}

bool sentence_detection(struct buf *out, const struct alert *a)
{
    bool closed = a->status == ALERT_STATUS_RESOLVED && !sentence_is_recovered(a);

    if (is_of_conversions(a)) {
        if (!closed)
            summary_of_conversions(out, a);
        return !closed; /* the rest is said as of other rules */
    }
    if (closed)
        closed_events(out, a);
    else if (a->status == ALERT_STATUS_RESOLVED)
        recovered_events(out, a);
    else if (a->rule_kind == RULE_VOLUME)
        put_volume(out, a);
    else if (a->rule_kind == RULE_MIX)
        put_mix(out, a);
    else
        sentence_quality(out, a);
    return true;
}

/* --- the description --- */

static void more_of_conversions(struct buf *out, const struct alert *a)
{
    sentence_observed(out, a);
    if (!__builtin_isfinite(a->expected_conversions))
        return;
    buf_str(out, sentence_say(a, " Expected by now were about ", "至此预期约 "));
    sentence_about(out, sentence_magnitude(a->expected_conversions));
    if (__builtin_isfinite(a->expected_rate)) {
        buf_str(out, sentence_say(a, " (", " 次（"));
        sentence_percent(out, a, a->expected_rate);
        buf_str(out, sentence_say(a, ")", "）"));
    } else {
        buf_str(out, sentence_say(a, "", " 次"));
    }
    put_loss(out, a);
    buf_str(out, sentence_say(a, ".", "。"));
    put_parts(out, a);
}

static void put_window(struct buf *out, const struct alert *a)
{
    buf_str(out, sentence_say(a, "Between ", ""));
    sentence_range(out, a, a->from, a->to);
    buf_str(out, sentence_say(a, ", ", "，"));
}

static void more_of_entries(struct buf *out, const struct alert *a)
{
    put_window(out, a);
    buf_fmt(out, sentence_is_zh(a) ? "共进入 %" PRId64 " 次" : "%" PRId64 " entries were counted",
            a->events);
    if (a->rule_kind == RULE_VOLUME && __builtin_isfinite(a->expected_events)) {
        buf_str(out, sentence_say(a, ", where about ", "，同时段平时约 "));
        sentence_about(out, sentence_magnitude(a->expected_events));
        buf_str(out, sentence_say(a, " are usual for these hours", " 次"));
    }
    buf_str(out, sentence_say(a, ".", "。"));
    if (a->rule_kind != RULE_MIX)
        return;
    put_parts(out, a);
    buf_str(out,
            sentence_say(a, " This is information: who enters is different, not how they convert.",
                         "仅供参考：变化的是进入者的构成，而不是其转化。"));
}

static void put_evidence(struct buf *out, const struct alert *a)
{
    bool sd = a->rule_kind == RULE_DATA_QUALITY;

    if (!__builtin_isfinite(a->statistic) || !__builtin_isfinite(a->threshold))
        return;
    buf_str(out, sd ? sentence_say(a, " The gap is ", "差距达 ")
                    : sentence_say(a, " The evidence is ", "证据强度 "));
    sentence_fixed(out, sentence_magnitude(a->statistic), 1);
    buf_str(out,
            sd ? sentence_say(a, " standard deviations, the rule asks for ", " 个标准差（规则要求 ")
               : sentence_say(a, ", the rule asks for ", "（规则要求 "));
    sentence_fixed(out, sentence_magnitude(a->threshold), 1);
    buf_str(out, sentence_say(a, ".", "）。"));
}

void sentence_detection_more(struct buf *out, const struct alert *a)
{
    if (is_of_conversions(a))
        more_of_conversions(out, a);
    else if (a->rule_kind == RULE_DATA_QUALITY)
        sentence_quality_more(out, a);
    else
        more_of_entries(out, a);
    if (a->status == ALERT_STATUS_RESOLVED) {
        sentence_end(out, a);
    } else {
        put_evidence(out, a);
        sentence_budget(out, a);
    }
    sentence_onset(out, a);
    sentence_open_ends(out, a);
}
