/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/cells.h"

#include <stdlib.h>
#include <string.h>

#include "funnel/mem.h"

void cells_deinit(struct cells *c)
{
    mem_free(c->items);
    buf_deinit(&c->strings);
    *c = (struct cells){0};
}

void cells_clear(struct cells *c)
{
    c->count = 0;
    buf_clear(&c->strings);
}

struct cell *cells_add(struct cells *c, struct cell cell)
{
    c->items = mem_grow(c->items, c->count, &c->cap, sizeof(*c->items));
    c->items[c->count] = cell;
    return &c->items[c->count++];
}

static int by_int(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int cell_is_duration(const struct cell *c)
{
    return c->kind == CELL_DWELL || c->kind == CELL_CYCLE;
}

static int cell_compare(const void *pa, const void *pb)
{
    const struct cell *a = pa, *b = pb;
    int c = memcmp(a, b, 4); /* kind, stage, cause, bin */

    if (c == 0)
        c = by_int(a->leaf, b->leaf);
    if (c == 0 && cell_is_duration(a))
        return by_int(a->bucket, b->bucket);
    if (c == 0)
        c = by_int(a->column, b->column);
    if (c == 0)
        c = by_int(a->day, b->day);
    if (c == 0 && a->kind == CELL_SPAN)
        c = by_int(a->n, b->n);
    return c;
}

static void cell_join(struct cell *to, const struct cell *from)
{
    if (to->kind == CELL_SPAN) {
        if (to->n == 0 ? from->value < to->value : from->value > to->value)
            to->value = from->value;
        return;
    }
    if (cell_is_duration(to)) {
        to->low = from->low < to->low ? from->low : to->low;
        to->high = from->high > to->high ? from->high : to->high;
    }
    to->n += from->n;
    to->value += from->value;
}

size_t cells_merge(struct cell *items, size_t count)
{
    size_t last = 0;

    if (count == 0)
        return 0;
    qsort(items, count, sizeof(*items), cell_compare);
    for (size_t i = 1; i < count; i++) {
        if (cell_compare(&items[last], &items[i]) == 0)
            cell_join(&items[last], &items[i]);
        else
            items[++last] = items[i];
    }
    return last + 1;
}
