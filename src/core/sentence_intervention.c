/* SPDX-License-Identifier: Apache-2.0 */
/* An intervention: no alarm, a before and an after. */
#include "funnel/sentence_parts.h"

static struct span intervention_id(const struct alert *a)
{
    return a->dim_count > 0 ? a->dims[0].value : SPAN_NONE;
}

static void put_effect(struct buf *out, const struct alert *a)
{
    double relative = a->effect_relative;

    if (!__builtin_isfinite(relative))
        return;
    buf_str(out, sentence_say(a, " (", "（"));
    buf_str(out, relative < 0 ? "−" : "+");
    sentence_fixed(out, (relative < 0 ? -relative : relative) * 100,
                   relative < 0.1 && relative > -0.1);
    buf_str(out, sentence_say(a, " %)", "%）"));
}

static void put_interval(struct buf *out, const struct alert *a)
{
    if (!(a->rate <= 1) || !__builtin_isfinite(a->low))
        return;
    buf_str(out, sentence_say(a, " (95 % interval ", "（95% 置信区间 "));
    sentence_percent(out, a, a->low);
    buf_str(out, sentence_say(a, " to ", " 至 "));
    sentence_percent(out, a, a->high);
    buf_str(out, sentence_say(a, ")", "）"));
}

/* "Checkout → Paid in sales converted at 31.2 % (95 % interval 29.0 % to 33.5 %) in the 1 h after new-price,
 * 28.0 % before (+11 %)" */
void sentence_intervention(struct buf *out, const struct alert *a)
{
    int zh = sentence_is_zh(a);

    sentence_step(out, a);
    buf_str(out, zh ? " 在 " : " converted at ");
    if (zh) {
        sentence_name(out, intervention_id(a));
        buf_str(out, " 之后 ");
        sentence_length(out, a, a->to.ms - a->from.ms);
        buf_str(out, "内的转化率为 ");
    }
    sentence_percent(out, a, a->rate);
    put_interval(out, a);
    if (!zh) {
        buf_str(out, " in the ");
        sentence_length(out, a, a->to.ms - a->from.ms);
        buf_str(out, " after ");
        sentence_name(out, intervention_id(a));
    }
    buf_str(out, zh ? "，此前为 " : ", ");
    sentence_percent(out, a, a->expected_rate);
    buf_str(out, zh ? "" : " before");
    put_effect(out, a);
}

static void put_verdict(struct buf *out, const struct alert *a)
{
    double z = sentence_magnitude(a->statistic);
    bool beyond = z > a->threshold;

    if (!__builtin_isfinite(a->statistic)) {
        buf_str(out,
                sentence_say(a, " There is nothing to compare it with.", "没有可比较的数据。"));
        return;
    }
    buf_str(out, sentence_say(a, " The difference is ", "差异为 "));
    sentence_fixed(out, z, 1);
    buf_str(out, sentence_say(a, " standard deviations: ", " 个标准差："));
    buf_str(out, beyond ? sentence_say(a, "chance alone hardly explains it.", "偶然波动很难解释。")
                        : sentence_say(a, "chance alone may explain it.", "可能只是偶然波动。"));
}

void sentence_intervention_more(struct buf *out, const struct alert *a)
{
    sentence_observed(out, a);
    buf_str(out, sentence_say(a, " In the same time before, the rate was ", "此前同样时长内为 "));
    sentence_percent(out, a, a->expected_rate);
    buf_str(out, sentence_say(a, ".", "。"));
    put_verdict(out, a);
    buf_str(out, sentence_say(a, " The change was marked at ", "变更标记于 "));
    sentence_moment(out, a->starts_at, ETIME_NONE);
    buf_str(out, sentence_say(a, " UTC", "（UTC）"));
    if (a->note.len > 0) {
        buf_str(out, sentence_say(a, ": ", "："));
        sentence_name(out, a->note);
    }
    buf_str(out, sentence_say(a, ".", "。"));
    sentence_open_ends(out, a);
}
