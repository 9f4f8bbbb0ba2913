/* SPDX-License-Identifier: Apache-2.0 */
/* What data_quality found: late events and dead letters, or split keys. */
#include <inttypes.h>

#include "funnel/sentence_parts.h"
#include "funnel/splits.h"

/* "77 of 310 events", "310 个事件中有 77 个" */
static void put_bad(struct buf *out, const struct alert *a, const char *zh_have)
{
    if (sentence_is_zh(a))
        buf_fmt(out, "%" PRId64 " 个事件中%s %" PRId64 " 个迟到或无法使用", a->events, zh_have,
                a->lost_records);
    else
        buf_fmt(out, "%" PRId64 " of %" PRId64 " events", a->lost_records, a->events);
}

static void put_share(struct buf *out, const struct alert *a)
{
    if (!__builtin_isfinite(a->rate))
        return;
    buf_str(out, sentence_say(a, " (", "（"));
    sentence_percent(out, a, a->rate);
    if (__builtin_isfinite(a->expected_rate)) {
        buf_str(out, sentence_say(a, ", at most ", "，允许至多 "));
        sentence_percent(out, a, a->expected_rate);
        buf_str(out, sentence_say(a, " allowed", ""));
    }
    buf_str(out, sentence_say(a, ")", "）"));
}

/* "7 of 9 watched events of sales are of ids that came in more than one partition" */
static void put_split(struct buf *out, const struct alert *a)
{
    bool again = a->status == ALERT_STATUS_UPDATED;

    if (sentence_is_zh(a)) {
        sentence_name(out, span_of(a->funnel));
        buf_fmt(out, " 漏斗被抽查的 %" PRId64 " 个事件中%s %" PRId64 " 个的 ID 出现在多个分区",
                a->events, again ? "仍有" : "有", a->lost_records);
    } else {
        buf_fmt(out, "%" PRId64 " of %" PRId64 " watched events of ", a->lost_records, a->events);
        sentence_name(out, span_of(a->funnel));
        buf_fmt(out, " are %sof ids that came in more than one partition", again ? "still " : "");
    }
    buf_fmt(out,
            sentence_is_zh(a) ? "（每 %d 个 ID 抽查一个）：请以实体 ID 作为该主题的消息键"
                              : " (one id in %d is watched): key the topic by its entity id",
            SPLITS_SHARE);
}

void sentence_quality(struct buf *out, const struct alert *a)
{
    bool again = a->status == ALERT_STATUS_UPDATED;

    if (a->sampled) {
        put_split(out, a);
        return;
    }
    if (sentence_is_zh(a)) {
        sentence_name(out, span_of(a->funnel));
        buf_str(out, " 漏斗的 ");
        put_bad(out, a, again ? "仍有" : "有");
    } else {
        put_bad(out, a, "");
        buf_str(out, " of ");
        sentence_name(out, span_of(a->funnel));
        buf_str(out, again ? " were still late or could not be used"
                           : " were late or could not be used");
    }
    put_share(out, a);
}

/* --- the description --- */

static void more_of_split(struct buf *out, const struct alert *a)
{
    if (sentence_is_zh(a))
        buf_fmt(out, "被抽查的 %" PRId64 " 个事件中有 %" PRId64 " 个的 ID 出现在多个分区",
                a->events, a->lost_records);
    else
        buf_fmt(out,
                "%" PRId64 " of %" PRId64
                " watched events were of ids that came in more than one partition",
                a->lost_records, a->events);
    put_share(out, a);
    buf_str(out, sentence_say(a,
                              "; each partition takes such an id for an entity of its own, so that "
                              "the funnel's numbers are wrong",
                              "；各分区会把这样的 ID 当作各自的实体，因此该漏斗的数字不准确"));
}

void sentence_quality_more(struct buf *out, const struct alert *a)
{
    buf_str(out, sentence_say(a, "Between ", ""));
    sentence_range(out, a, a->from, a->to);
    buf_str(out, sentence_say(a, ", ", "，"));
    if (a->sampled) {
        more_of_split(out, a);
    } else {
        put_bad(out, a, "有");
        buf_str(out, sentence_say(a, " were late or could not be used", ""));
        put_share(out, a);
    }
    buf_str(out, sentence_say(a, ".", "。"));
}
