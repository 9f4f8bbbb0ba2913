/* SPDX-License-Identifier: Apache-2.0 */
/* A decision as bytes: kind, seq, source (0 for the judges, else its number + 1), place, value, text. Numbers are
 * varints: dozens of them must fit into commit metadata. */
#include "funnel/decision.h"

#include <string.h>

#include "funnel/clock.h"
#include "funnel/mem.h"
#include "funnel/zone.h"

#define DECISION_BYTES_MIN 5

static bool decision_has_text(enum decision_kind kind)
{
    return kind == DECISION_CONTROL;
}

static bool decision_moves_time(enum decision_kind kind)
{
    return kind == DECISION_ADVANCE || kind == DECISION_DARK || kind == DECISION_RELEASE;
}

void decision_put(struct codec_out *out, const struct decision *d)
{
    codec_put_u8(out, (uint8_t)d->kind);
    codec_put_varint(out, d->seq);
    codec_put_varint(out, d->source == DECISION_JUDGES ? 0 : (uint64_t)d->source + 1);
    codec_put_zigzag(out, d->at);
    codec_put_zigzag(out, d->value);
    if (!decision_has_text(d->kind))
        return;
    codec_put_varint(out, d->text.len);
    codec_put(out, d->text.p, d->text.len);
}

/* NULL where it is one that can have been made. */
static const char *decision_check(const struct decision *d)
{
    bool judges = d->source == DECISION_JUDGES;

    if (d->seq == 0)
        return "a decision without a number";
    if (judges != (d->kind == DECISION_CONTROL))
        return "a decision for the wrong machine";
    if (!judges && d->at < 0)
        return "a decision before the log";
    if (judges && (d->at < ETIME_MIN_MS || d->at > ETIME_MAX_MS))
        return "a decision at no pane";
    if (decision_moves_time(d->kind) && (d->value < ETIME_MIN_MS || d->value > ETIME_MAX_MS))
        return "a decision about no time";
    if (d->kind == DECISION_GAP && d->value < 0)
        return "a gap of less than nothing";
    return NULL;
}

static void decision_get_text(struct codec_in *in, struct span *ret)
{
    uint64_t len = codec_get_varint(in);
    const char *text;

    if (len > DECISION_TEXT_MAX) {
        codec_fail(in, "a decision's text is too long");
        return;
    }
    text = codec_get(in, (size_t)len);
    if (text)
        *ret = (struct span){text, (uint32_t)len};
}

void decision_get(struct codec_in *in, struct decision *ret)
{
    uint8_t kind = codec_get_u8(in);
    uint64_t source;
    const char *wrong;

    *ret = (struct decision){0};
    if (!in->error && (kind < DECISION_ADVANCE || kind > DECISION_CONTROL))
        codec_fail(in, "a decision of unknown kind");
    ret->kind = (enum decision_kind)kind;
    ret->seq = codec_get_varint(in);
    source = codec_get_varint(in);
    if (source > DECISION_JUDGES)
        codec_fail(in, "a decision for no partition");
    ret->source = source == 0 ? DECISION_JUDGES : (uint32_t)(source - 1);
    ret->at = codec_get_zigzag(in);
    ret->value = codec_get_zigzag(in);
    if (!in->error && decision_has_text(ret->kind))
        decision_get_text(in, &ret->text);
    wrong = in->error ? NULL : decision_check(ret);
    if (wrong)
        codec_fail(in, wrong);
    if (in->error)
        *ret = (struct decision){0};
}

bool decision_replaces(const struct decision *d, const struct decision *last, int64_t from_ms)
{
    bool same = d->kind == last->kind && d->source == last->source && d->at == last->at;

    return same && (d->kind == DECISION_ADVANCE || d->kind == DECISION_DARK) &&
           from_ms != INT64_MIN && d->value >= last->value && d->value - from_ms <= ZONE_DAY_MS;
}

/* --- waiting --- */

void decision_queue_deinit(struct decision_queue *q)
{
    for (size_t i = 0; i < q->count; i++)
        mem_free((char *)q->items[i].text.p);
    mem_free(q->items);
    *q = (struct decision_queue){0};
}

static bool decision_is_before(const struct decision *a, const struct decision *b)
{
    return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

void decision_queue_push(struct decision_queue *q, const struct decision *d)
{
    size_t at = q->count;

    while (at > 0 && decision_is_before(d, &q->items[at - 1]))
        at--;
    q->items = mem_grow(q->items, q->count, &q->cap, sizeof(*q->items));
    memmove(&q->items[at + 1], &q->items[at], (q->count - at) * sizeof(*q->items));
    q->items[at] = *d;
    if (d->text.p)
        q->items[at].text.p = mem_strndup(d->text.p, d->text.len);
    q->count++;
}

bool decision_queue_take(struct decision_queue *q, int64_t at, struct decision *ret)
{
    if (q->count == 0 || q->items[0].at > at)
        return false;
    *ret = q->items[0];
    q->count--;
    memmove(&q->items[0], &q->items[1], q->count * sizeof(*q->items));
    return true;
}

int64_t decision_queue_next(const struct decision_queue *q)
{
    return q->count > 0 ? q->items[0].at : INT64_MAX;
}

void decision_queue_save(const struct decision_queue *q, struct codec_out *out)
{
    codec_put_varint(out, q->count);
    for (size_t i = 0; i < q->count; i++)
        decision_put(out, &q->items[i]);
}

void decision_queue_load(struct decision_queue *q, struct codec_in *in)
{
    size_t count = codec_get_count(in, DECISION_BYTES_MIN);

    for (size_t i = 0; i < count && !in->error; i++) {
        struct decision d;

        decision_get(in, &d);
        if (!in->error)
            decision_queue_push(q, &d);
    }
}
