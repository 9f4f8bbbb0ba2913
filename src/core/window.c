/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/window.h"

#include <string.h>

#include "funnel/mem.h"

void window_def_init(struct window_def *d, const struct settings_window *w, int64_t pane_ms)
{
    int64_t slots = WINDOW_SLOTS_MAX;

    *d = (struct window_def){
        .calendar = w->calendar, .busy = INT64_MIN, .since = INT64_MIN, .slots = 1, .ring = 2};
    if (w->calendar >= 0)
        return;
    d->panes = w->ms / pane_ms;
    while (d->panes % slots != 0)
        slots--;
    d->slots = slots;
    d->ring = slots + 1;
    d->slot_panes = d->panes / slots;
}

void window_def_look_back(struct window_def *d, int64_t slots)
{
    if (d->ring < d->slots + slots + 1)
        d->ring = d->slots + slots + 1;
}

struct window *window_new(const struct window_def *d)
{
    struct window *w = mem_zero(1, sizeof(*w) + (size_t)d->ring * sizeof(w->slots[0]));

    w->head = INT64_MIN;
    return w;
}

static size_t ring_index(const struct window_def *d, int64_t slot)
{
    int64_t i = slot % d->ring;

    return (size_t)(i < 0 ? i + d->ring : i);
}

static void window_roll(struct window *w, const struct window_def *d, int64_t to)
{
    int64_t from = w->head == INT64_MIN || to - w->head > d->ring ? to - d->ring : w->head;

    for (int64_t slot = from + 1; slot <= to; slot++)
        w->slots[ring_index(d, slot)] = (struct window_sum){0};
    w->head = to;
}

void window_add(struct window *w, const struct window_def *d, int64_t slot, uint64_t entries,
                uint64_t conversions)
{
    if (slot != w->head)
        window_roll(w, d, slot);
    w->slots[ring_index(d, slot)].entries += entries;
    w->slots[ring_index(d, slot)].conversions += conversions;
}

void window_copy(struct window *w, const struct window_def *d, const struct window *from,
                 const struct window_def *of)
{
    int64_t ring = d->ring < of->ring ? d->ring : of->ring;

    w->head = from->head;
    for (int64_t slot = from->head - ring + 1; from->head != INT64_MIN && slot <= from->head;
         slot++)
        w->slots[ring_index(d, slot)] = from->slots[ring_index(of, slot)];
}

struct window_sum window_read(const struct window *w, const struct window_def *d, int64_t last)
{
    struct window_sum sum = {0};
    int64_t from, to;

    if (!w || w->head == INT64_MIN)
        return sum;
    from = last - d->slots + 1;
    if (from < w->head - d->ring + 1)
        from = w->head - d->ring + 1;
    to = last < w->head ? last : w->head;
    for (int64_t slot = from; slot <= to; slot++) {
        sum.entries += w->slots[ring_index(d, slot)].entries;
        sum.conversions += w->slots[ring_index(d, slot)].conversions;
    }
    return sum;
}

void window_save(const struct window *w, const struct window_def *d, struct codec_out *out)
{
    codec_put_zigzag(out, w->head);
    for (int64_t i = 0; i < d->ring; i++) {
        codec_put_varint(out, w->slots[i].entries);
        codec_put_varint(out, w->slots[i].conversions);
    }
}

struct window *window_load(const struct window_def *d, struct codec_in *in)
{
    int64_t head = codec_get_pane(in);
    struct window *w;

    if (in->left / 2 < (size_t)d->ring) {
        codec_fail(in, "a window ends too early");
        return NULL;
    }
    w = window_new(d);
    w->head = head;
    for (int64_t i = 0; i < d->ring; i++) {
        w->slots[i].entries = codec_get_max(in, UINT64_C(1) << 62);
        w->slots[i].conversions = codec_get_max(in, UINT64_C(1) << 62);
    }
    return w;
}
