/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "funnel/mem.h"
#include "funnel/pulse_parts.h"

void pulse_ranges_deinit(struct pulse_ranges *r)
{
    mem_free(r->items);
    *r = (struct pulse_ranges){0};
}

void pulse_ranges_add(struct pulse_ranges *r, int64_t from, int64_t to)
{
    struct pulse_range *last = r->count > 0 ? &r->items[r->count - 1] : NULL;

    if (last && from <= last->to + 1) {
        last->to = to > last->to ? to : last->to;
        return;
    }
    r->items = mem_grow(r->items, r->count, &r->cap, sizeof(*r->items));
    r->items[r->count++] = (struct pulse_range){from, to};
}

void pulse_ranges_forget(struct pulse_ranges *r, int64_t to)
{
    size_t gone = 0;

    while (gone < r->count && r->items[gone].to <= to)
        gone++;
    if (gone == 0)
        return;
    r->count -= gone;
    memmove(r->items, r->items + gone, r->count * sizeof(*r->items));
}

/* The first that ends at or after the pane. */
static const struct pulse_range *ranges_seek(const struct pulse_ranges *r, int64_t pane)
{
    size_t low = 0, high = r->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (r->items[mid].to < pane)
            low = mid + 1;
        else
            high = mid;
    }
    return low < r->count ? &r->items[low] : NULL;
}

const struct pulse_range *pulse_ranges_find(const struct pulse_ranges *r, int64_t pane)
{
    const struct pulse_range *x = ranges_seek(r, pane);

    return x && x->from <= pane ? x : NULL;
}

bool pulse_ranges_cover(const struct pulse_ranges *r, int64_t pane, int64_t to, int64_t *ret_to)
{
    const struct pulse_range *x = ranges_seek(r, pane);
    bool inside = x && x->from <= pane;
    int64_t end = !x ? to : inside ? x->to : x->from - 1;

    *ret_to = end < to ? end : to;
    return inside;
}
