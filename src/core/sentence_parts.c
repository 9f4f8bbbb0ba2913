/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/sentence_parts.h"

#include <inttypes.h>
#include <string.h>

#include "funnel/canon.h"
#include "funnel/names.h"
#include "funnel/sentence.h"
#include "funnel/stats.h"

#define NAME_BYTES 60 /* of a stage, funnel or dimension value in running text */
#define PERCENT_DECIMALS_MAX 4

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

void sentence_name(struct buf *out, struct span name)
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

double sentence_magnitude(double x)
{
    return x < 0 ? -x : x;
}

int sentence_is_zh(const struct alert *a)
{
    return a->language == LANGUAGE_ZH;
}

const char *sentence_say(const struct alert *a, const char *en, const char *zh)
{
    return sentence_is_zh(a) ? zh : en;
}

void sentence_fixed(struct buf *out, double x, int decimals)
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
    double gap = sentence_magnitude(rates[0] - rates[1]);
    double unit = 1;
    int decimals = 1;
    bool apart = a->status != ALERT_STATUS_RESOLVED || a->rule_kind == ALERT_KIND_INTERVENTION;

    while (decimals < PERCENT_DECIMALS_MAX) {
        int small = 0;

        for (int i = 0; i < 2; i++)
            small |= rates[i] > 0 && rates[i] < unit;
        if (!small && !(apart && gap > 0 && gap < unit / 10))
            break;
        unit /= 10;
        decimals++;
    }
    return decimals;
}

void sentence_percent(struct buf *out, const struct alert *a, double rate)
{
    if (!__builtin_isfinite(rate)) {
        buf_str(out, sentence_say(a, "n/a", "未知"));
        return;
    }
    sentence_fixed(out, rate > 0 ? rate * 100 : 0, percent_decimals(a));
    buf_str(out, sentence_say(a, " %", "%"));
}

void sentence_about(struct buf *out, double x)
{
    sentence_fixed(out, x, x < 9.95);
}

void sentence_amount(struct buf *out, int64_t minor, int decimals)
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
void sentence_moment(struct buf *out, struct etime at, struct etime before)
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
void sentence_range(struct buf *out, const struct alert *a, struct etime from, struct etime to)
{
    sentence_moment(out, from, ETIME_NONE);
    buf_str(out, sentence_say(a, " and ", " 至 "));
    sentence_moment(out, to, from);
    buf_str(out, sentence_say(a, " UTC", "（UTC）"));
}

void sentence_length(struct buf *out, const struct alert *a, int64_t ms)
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
        buf_fmt(out, "%s%" PRId64 "%s", shown ? " " : "", n,
                sentence_is_zh(a) ? UNITS[i].zh : UNITS[i].en);
        shown++;
    }
}

void sentence_value(struct buf *out, const struct alert *a, struct span value)
{
    if (span_is(value, NAME_OTHER_TEXT))
        buf_str(out, sentence_say(a, "(all others)", "（其余）"));
    else if (span_is(value, NAME_NONE_TEXT) || value.len == 0)
        buf_str(out, sentence_say(a, "(none)", "（无）"));
    else
        sentence_name(out, value);
}

void sentence_dims(struct buf *out, const struct alert *a)
{
    for (size_t i = 0; i < a->dim_count; i++) {
        if (i > 0)
            buf_str(out, sentence_say(a, ", ", "、"));
        sentence_name(out, a->dims[i].name);
        buf_char(out, '=');
        sentence_value(out, a, a->dims[i].value);
    }
}

void sentence_step(struct buf *out, const struct alert *a)
{
    if (sentence_is_zh(a)) {
        sentence_name(out, span_of(a->funnel));
        buf_str(out, " 漏斗 ");
    }
    sentence_name(out, span_of(a->from_name));
    buf_str(out, sentence_say(a, " → ", "→"));
    sentence_name(out, span_of(a->to_name));
    if (strcmp(a->step, "overall") == 0)
        buf_str(out, sentence_say(a, " (overall)", " 全程"));
    if (!sentence_is_zh(a)) {
        buf_str(out, " in ");
        sentence_name(out, span_of(a->funnel));
    }
}

void sentence_scope(struct buf *out, const struct alert *a, const char *before, const char *after)
{
    if (a->dim_count == 0 || a->rule_kind == ALERT_KIND_INTERVENTION) /* its id is no segment */
        return;
    buf_str(out, before);
    sentence_dims(out, a);
    buf_str(out, after);
}

/* --- the ends of descriptions --- */

void sentence_budget(struct buf *out, const struct alert *a)
{
    if (!__builtin_isfinite(a->budget))
        return;
    buf_str(out,
            sentence_say(a, " False alarms budgeted for the rule: ", "该规则的误报预算为每周 "));
    buf_number(out, a->budget);
    buf_str(out, sentence_say(a, " a week.", " 次。"));
}

void sentence_onset(struct buf *out, const struct alert *a)
{
    if (!etime_is_set(a->change_point))
        return;
    buf_str(out, sentence_say(a, " The change began about ", "变化约始于 "));
    sentence_moment(out, a->change_point, ETIME_NONE);
    buf_str(out, sentence_say(a, " UTC.", "（UTC）。"));
}

bool sentence_is_recovered(const struct alert *a)
{
    return a->status == ALERT_STATUS_RESOLVED &&
           (!a->ends_reason || strcmp(a->ends_reason, "recovered") == 0);
}

void sentence_end(struct buf *out, const struct alert *a)
{
    if (!sentence_is_recovered(a))
        buf_fmt(out, sentence_is_zh(a) ? "告警已关闭：%s。" : " The alert was closed: %s.",
                sentence_ending(a));
    if (!etime_is_set(a->starts_at) || !etime_is_set(a->ends_at))
        return;
    buf_str(out, sentence_say(a, " It was firing between ", "告警持续时间："));
    sentence_range(out, a, a->starts_at, a->ends_at);
    if (a->ends_at.ms > a->starts_at.ms) {
        buf_str(out, sentence_say(a, ", for ", "，共 "));
        sentence_length(out, a, a->ends_at.ms - a->starts_at.ms);
    }
    buf_str(out, sentence_say(a, ".", "。"));
}
