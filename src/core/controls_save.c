/* SPDX-License-Identifier: Apache-2.0 */
/* Controls on their way from one machine to another: as saved bytes, or to the same one under other settings. */
#include <string.h>

#include "funnel/controls.h"
#include "funnel/mem.h"

static void put_mark(const struct controls *c, const struct control_mark *m, struct codec_out *out)
{
    codec_put_span(out, m->held.text);
    codec_put_i64(out, m->at.ms);
    codec_put_u8(out, m->taken);
    codec_put_u8(out, m->complete);
    for (int step = 0; m->taken && step <= c->funnel->overall; step++) {
        codec_put_varint(out, m->before[step].entries);
        codec_put_varint(out, m->before[step].conversions);
    }
}

void controls_save(const struct controls *c, struct codec_out *out)
{
    decision_queue_save(&c->waiting, out);
    codec_put_zigzag(out, c->last_dark);
    codec_put_u64(out, c->silences_refused);
    codec_put_u64(out, c->marks_refused);
    codec_put_varint(out, c->silence_count);
    for (size_t i = 0; i < c->silence_count; i++)
        codec_put_span(out, c->silences[i].text);
    codec_put_varint(out, c->mark_count);
    for (size_t i = 0; i < c->mark_count; i++)
        put_mark(c, &c->marks[i], out);
}

static bool get_held(struct codec_in *in, enum control_kind kind, struct control_held *ret)
{
    if (control_held_init(ret, codec_get_span(in))) {
        if (ret->control.kind == kind)
            return true;
        control_held_deinit(ret);
    }
    codec_fail(in, "a control record is none");
    return false;
}

static void get_silences(struct controls *c, struct codec_in *in)
{
    size_t count = codec_get_count(in, 1);

    if (count > CONTROL_SILENCES_MAX)
        codec_fail(in, "there are more silences than there may be");
    for (size_t i = 0; i < count && !in->error; i++) {
        c->silences = mem_grow(c->silences, c->silence_count, &c->silence_cap,
                               sizeof(*c->silences));
        c->silence_count += get_held(in, CONTROL_SILENCE, &c->silences[c->silence_count]);
    }
}

static void get_mark(struct controls *c, struct codec_in *in)
{
    struct control_held held;
    struct control_mark *m;
    struct etime at;

    if (!get_held(in, CONTROL_INTERVENTION, &held))
        return;
    at.ms = codec_get_i64(in);
    c->marks = mem_grow(c->marks, c->mark_count, &c->mark_cap, sizeof(*c->marks));
    m = &c->marks[c->mark_count];
    if (at.ms < held.control.from.ms || at.ms > ETIME_MAX_MS ||
        !control_mark_init(c, m, &held, at)) {
        control_held_deinit(&held);
        codec_fail(in, "an intervention does not fit its funnel");
        return;
    }
    c->mark_count++;
    m->taken = codec_get_bool(in);
    m->complete = codec_get_bool(in);
    for (int step = 0; m->taken && step <= c->funnel->overall; step++) {
        m->before[step].entries = codec_get_varint(in);
        m->before[step].conversions = codec_get_varint(in);
    }
}

void controls_load(struct controls *c, struct codec_in *in)
{
    size_t count;

    decision_queue_load(&c->waiting, in);
    c->last_dark = codec_get_pane(in);
    c->silences_refused = codec_get_u64(in);
    c->marks_refused = codec_get_u64(in);
    get_silences(c, in);
    count = codec_get_count(in, 1);
    if (count > (c->funnel ? CONTROL_INTERVENTIONS_MAX : 0))
        codec_fail(in, "there are more interventions than there may be");
    for (size_t i = 0; i < count && !in->error; i++)
        get_mark(c, in);
}

/* The pane of the new length that begins at or after the old one's begin. */
static int64_t pane_moved(int64_t pane, int64_t old_ms, int64_t new_ms)
{
    int64_t ms;

    if (old_ms == new_ms || __builtin_mul_overflow(pane, old_ms, &ms) || ms == INT64_MIN)
        return pane;
    return -floor_div(-ms, new_ms);
}

void controls_move(struct controls *to, struct controls *from, bool with_marks)
{
    struct controls empty = *to;

    *to = *from;
    *from = empty;
    from->funnel = to->funnel;
    from->pane_ms = to->pane_ms;
    to->funnel = empty.funnel;
    to->pane_ms = empty.pane_ms;
    for (size_t i = 0; i < to->waiting.count; i++)
        to->waiting.items[i].at = pane_moved(to->waiting.items[i].at, from->pane_ms, to->pane_ms);
    if (to->last_dark != INT64_MIN) /* its end: the pane that ends there or holds it */
        to->last_dark = pane_moved(to->last_dark + 1, from->pane_ms, to->pane_ms) - 1;
    if (with_marks)
        return;
    for (size_t i = 0; i < to->mark_count; i++)
        control_held_deinit(&to->marks[i].held);
    to->marks_refused += to->mark_count;
    to->mark_count = 0;
}
