/* SPDX-License-Identifier: Apache-2.0 */
/* A topic that has gone silent, or of which something is lost. */
#include <inttypes.h>
#include <string.h>

#include "funnel/sentence.h"
#include "funnel/sentence_parts.h"
#include "funnel/stats.h"

static bool is_back(const struct alert *a)
{
    return a->status == ALERT_STATUS_RESOLVED && a->ends_reason &&
           strcmp(a->ends_reason, "data_returned") == 0;
}

static void put_topic(struct buf *out, const struct alert *a)
{
    buf_str(out, sentence_say(a, "topic ", "主题 "));
    sentence_name(out, span_of(a->source));
}

static void put_moment(struct buf *out, const struct alert *a, struct etime at)
{
    sentence_moment(out, at, ETIME_NONE);
    buf_str(out, sentence_say(a, " UTC", "（UTC）"));
}

static void put_records(struct buf *out, const struct alert *a)
{
    buf_fmt(out, "%" PRId64 "%s", a->lost_records,
            sentence_say(a, a->lost_records == 1 ? " record" : " records", " 条记录"));
}

/* --- summaries --- */

static void closed_summary(struct buf *out, const struct alert *a)
{
    buf_str(out, sentence_say(a, "The alert on ", ""));
    put_topic(out, a);
    buf_fmt(out, sentence_is_zh(a) ? " 的告警已关闭：%s" : " was closed: %s", sentence_ending(a));
}

/* "No events in topic orders since 2026-03-02 01:00 UTC, about 18 were expected" */
static void silent_summary(struct buf *out, const struct alert *a)
{
    if (sentence_is_zh(a)) {
        put_topic(out, a);
        buf_str(out, " 自 ");
        put_moment(out, a, a->from);
        buf_str(out, "起没有任何事件，按往常应有约 ");
        sentence_about(out, a->expected_events);
        buf_str(out, " 个");
        return;
    }
    buf_str(out, "No events in ");
    put_topic(out, a);
    buf_str(out, " since ");
    put_moment(out, a, a->from);
    buf_str(out, ", about ");
    sentence_about(out, a->expected_events);
    buf_str(out, " were expected");
}

/* "Events are back in topic orders after 2 h 10 min of silence" */
static void back_summary(struct buf *out, const struct alert *a)
{
    if (sentence_is_zh(a)) {
        put_topic(out, a);
        buf_str(out, " 在中断 ");
        sentence_length(out, a, a->to.ms - a->from.ms);
        buf_str(out, "后恢复了事件");
        return;
    }
    buf_str(out, "Events are back in ");
    put_topic(out, a);
    buf_str(out, " after ");
    sentence_length(out, a, a->to.ms - a->from.ms);
    buf_str(out, " of silence");
}

static void lost_summary(struct buf *out, const struct alert *a)
{
    bool back = is_back(a);

    if (sentence_is_zh(a)) {
        put_topic(out, a);
        buf_str(out, back ? " 恢复完整，此前丢失 " : " 有 ");
        put_records(out, a);
        buf_str(out, back ? "" : "在读取之前就已丢失");
        return;
    }
    if (back) {
        buf_str(out, "Events of ");
        put_topic(out, a);
        buf_str(out, " come whole again; ");
        put_records(out, a);
        buf_str(out, a->lost_records == 1 ? " is lost" : " are lost");
        return;
    }
    put_records(out, a);
    buf_str(out, " of ");
    put_topic(out, a);
    buf_str(out, a->lost_records == 1 ? " was lost before it was read"
                                      : " were lost before they were read");
}

void sentence_source(struct buf *out, const struct alert *a)
{
    if (a->status == ALERT_STATUS_RESOLVED && !is_back(a))
        closed_summary(out, a);
    else if (a->rule_kind == ALERT_KIND_DATA_GAP)
        lost_summary(out, a);
    else if (a->status == ALERT_STATUS_RESOLVED)
        back_summary(out, a);
    else
        silent_summary(out, a);
}

/* --- descriptions --- */

static void silence_more(struct buf *out, const struct alert *a)
{
    buf_str(out, sentence_say(a, "Between ", ""));
    sentence_range(out, a, a->from, a->to);
    buf_str(out, sentence_say(a, ", for ", "，共 "));
    sentence_length(out, a, a->to.ms - a->from.ms);
    buf_str(out, sentence_say(a, ", no event came in ", "，"));
    put_topic(out, a);
    buf_str(out, sentence_say(a, "; at the usual rate of these hours it would have been about ",
                              " 没有任何事件；按这些时段的往常速率应有约 "));
    sentence_about(out, a->expected_events);
    buf_str(out, sentence_say(a, ".", " 个。"));
    if (a->status == ALERT_STATUS_RESOLVED)
        return;
    buf_str(out, sentence_say(a, " By chance alone so long a silence is to be expected ",
                              "仅凭偶然，这么长的静默每周不超过 "));
    buf_number(out, a->budget);
    buf_str(out, sentence_say(a, " times a week at most. It says nothing of the conversion rates.",
                              " 次。这与转化率无关。"));
}

static void loss_more(struct buf *out, const struct alert *a)
{
    put_records(out, a);
    buf_str(out, sentence_say(a, " of ", "（"));
    put_topic(out, a);
    buf_str(out, sentence_say(a, " had been deleted before funneld read them: between ",
                              "）在 funneld 读取之前已被删除，时间在 "));
    sentence_range(out, a, a->from, a->to);
    buf_str(out, sentence_say(a,
                              " events are missing, and windows that hold this time are not judged."
                              " Check the topic's retention against how long funneld was away.",
                              "之间；包含这段时间的窗口不作判断。"
                              "请核对主题的保留时间与 funneld 停机的时长。"));
}

void sentence_source_more(struct buf *out, const struct alert *a)
{
    if (a->rule_kind == ALERT_KIND_DATA_GAP)
        loss_more(out, a);
    else
        silence_more(out, a);
    if (a->status != ALERT_STATUS_RESOLVED)
        return;
    if (!is_back(a))
        buf_fmt(out, sentence_is_zh(a) ? "告警已关闭：%s。" : " The alert was closed: %s.",
                sentence_ending(a));
    buf_str(out, sentence_say(a, " It was firing between ", "告警持续时间："));
    sentence_range(out, a, a->starts_at, a->ends_at);
    buf_str(out, sentence_say(a, ".", "。"));
}
