/* SPDX-License-Identifier: Apache-2.0 */
/* What the alerts about a topic say. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "funnel/sentence.h"

#define MONDAY INT64_C(1772413200000) /* 2026-03-02T01:00:00Z */
#define MINUTE INT64_C(60000)

static struct alert silent(int language)
{
    return (struct alert){.status = ALERT_STATUS_FIRING,
                          .source = "orders",
                          .rule_kind = ALERT_KIND_NO_DATA,
                          .from = {MONDAY},
                          .to = {MONDAY + 21 * MINUTE},
                          .starts_at = {MONDAY + 20 * MINUTE},
                          .ends_at = ETIME_NONE,
                          .expected_events = 18.4,
                          .budget = 0.05,
                          .language = language};
}

static struct alert lost(int language)
{
    struct alert a = silent(language);

    a.rule_kind = ALERT_KIND_DATA_GAP;
    a.lost_records = 1000;
    return a;
}

static void end(struct alert *a, const char *reason)
{
    a->status = ALERT_STATUS_RESOLVED;
    a->ends_reason = reason;
    a->ends_at.ms = MONDAY + 22 * MINUTE;
}

static void expect(void (*sentence)(struct buf *, const struct alert *), const struct alert *a,
                   const char *text)
{
    struct buf out = {0};

    sentence(&out, a);
    cr_expect(eq(str, buf_cstr(&out), (char *)text));
    buf_deinit(&out);
}

Test(sentence_source, a_silence)
{
    struct alert a = silent(LANGUAGE_EN), zh = silent(LANGUAGE_ZH);

    expect(sentence_summary, &a,
           "No events in topic orders since 2026-03-02 01:00 UTC, about 18 were expected");
    expect(sentence_description, &a,
           "Between 2026-03-02 01:00 and 01:21 UTC, for 21 min, no event came in topic orders; at "
           "the usual rate of these hours it would have been about 18. By chance alone so long a "
           "silence is to be expected 0.05 times a week at most. It says nothing of the conversion "
           "rates.");
    expect(sentence_summary, &zh,
           "主题 orders 自 2026-03-02 01:00（UTC）起没有任何事件，按往常应有约 18 个");
}

Test(sentence_source, the_end_of_a_silence)
{
    struct alert a = silent(LANGUAGE_EN), zh = silent(LANGUAGE_ZH);

    end(&a, "data_returned");
    end(&zh, "data_returned");
    expect(sentence_summary, &a, "Events are back in topic orders after 21 min of silence");
    expect(sentence_summary, &zh, "主题 orders 在中断 21 分钟后恢复了事件");
    end(&a, "rule_changed");
    end(&zh, "rule_changed");
    expect(sentence_summary, &a, "The alert on topic orders was closed: its rule was changed");
    expect(sentence_summary, &zh, "主题 orders 的告警已关闭：规则已修改");
    expect(sentence_description, &a,
           "Between 2026-03-02 01:00 and 01:21 UTC, for 21 min, no event came in topic orders; at "
           "the usual rate of these hours it would have been about 18. The alert was closed: its "
           "rule was changed. It was firing between 2026-03-02 01:20 and 01:22 UTC.");
}

Test(sentence_source, lost_records)
{
    struct alert a = lost(LANGUAGE_EN), zh = lost(LANGUAGE_ZH);

    expect(sentence_summary, &a, "1000 records of topic orders were lost before they were read");
    expect(sentence_summary, &zh, "主题 orders 有 1000 条记录在读取之前就已丢失");
    end(&a, "data_returned");
    end(&zh, "data_returned");
    expect(sentence_summary, &a, "Events of topic orders come whole again; 1000 records are lost");
    expect(sentence_summary, &zh, "主题 orders 恢复完整，此前丢失 1000 条记录");
    a.lost_records = 1;
    expect(sentence_summary, &a, "Events of topic orders come whole again; 1 record is lost");
}
