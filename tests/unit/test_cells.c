/* SPDX-License-Identifier: Apache-2.0 */
/* Cells of equal key are added up, whatever their order. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "funnel/cells.h"
#include "lib/pipe_kit.h"

#define COUNT 600

static struct cell random_cell(struct dice *d)
{
    static const uint8_t kinds[] = {CELL_ENTER, CELL_EXIT,  CELL_STOCK, CELL_DWELL,
                                    CELL_CYCLE, CELL_COUNT, CELL_SPAN,  CELL_WATCHED};
    struct cell c = {.kind = kinds[dice_below(d, 8)], .leaf = (uint32_t)dice_below(d, 3)};

    c.stage = (uint8_t)dice_below(d, 2);
    c.n = (int32_t)dice_below(d, 5) - 2;
    c.value = dice_below(d, 1000) - 500;
    if (c.kind == CELL_SPAN)
        c.n = (int32_t)dice_below(d, 2);
    if (c.kind == CELL_WATCHED) {
        c.column = (int64_t)(dice_next(d) << 63 | (uint64_t)dice_below(d, 2) << 12);
        c.day = (int32_t)dice_below(d, 2);
    } else if (c.kind == CELL_EXIT) {
        c.cause = (uint8_t)dice_below(d, 2);
        c.column = dice_below(d, 3) - 1;
        c.day = (int32_t)dice_below(d, 3) - 1;
    } else if (c.kind == CELL_DWELL || c.kind == CELL_CYCLE) {
        c.bucket = (uint32_t)dice_below(d, 3);
        c.low = (uint32_t)dice_below(d, 50);
        c.high = c.low + (uint32_t)dice_below(d, 50);
    }
    return c;
}

static void shuffle(struct dice *d, struct cell *c, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = (size_t)dice_below(d, (int64_t)i);
        struct cell swap = c[i - 1];

        c[i - 1] = c[k];
        c[k] = swap;
    }
}

static bool same_key(const struct cell *a, const struct cell *b)
{
    bool duration = a->kind == CELL_DWELL || a->kind == CELL_CYCLE;

    return a->kind == b->kind && a->stage == b->stage && a->cause == b->cause && a->bin == b->bin &&
           a->leaf == b->leaf &&
           (duration ? a->bucket == b->bucket : a->column == b->column && a->day == b->day) &&
           (a->kind != CELL_SPAN || a->n == b->n);
}

/* All that one key says, the plain way. */
static void expect_sum(const struct cell *all, size_t count, const struct cell *got)
{
    bool duration = got->kind == CELL_DWELL || got->kind == CELL_CYCLE;
    int64_t n = 0, value = 0, least = INT64_MAX, most = INT64_MIN;
    uint32_t low = UINT32_MAX, high = 0;

    for (size_t i = 0; i < count; i++) {
        if (!same_key(&all[i], got))
            continue;
        n += all[i].n;
        value += all[i].value;
        least = all[i].value < least ? all[i].value : least;
        most = all[i].value > most ? all[i].value : most;
        low = all[i].low < low ? all[i].low : low;
        high = all[i].high > high ? all[i].high : high;
    }
    if (got->kind == CELL_SPAN) {
        cr_assert(got->value == (got->n == 0 ? least : most));
        return;
    }
    cr_assert(got->n == n && got->value == value);
    cr_assert(got->low == low || duration == false);
    cr_assert(got->high == high || duration == false);
}

/* What the sums hold is right, each key once. */
static void expect_all(const struct cell *all, const struct cell_sums *s)
{
    for (size_t i = 0; i < s->count; i++) {
        expect_sum(all, COUNT, &s->items[i]);
        for (size_t k = 0; k < i; k++)
            cr_assert(same_key(&s->items[i], &s->items[k]) == false);
    }
    for (size_t i = 0; i < COUNT; i++) {
        size_t k = 0;

        while (k < s->count && same_key(&all[i], &s->items[k]) == false)
            k++;
        cr_assert(k < s->count, "cell %zu is lost", i);
    }
}

Test(cells, sums_are_the_same_in_any_order)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct cell_sums a = {0}, b = {0};
        struct cell all[COUNT];
        struct dice d = {seed};

        for (size_t i = 0; i < COUNT; i++) {
            all[i] = random_cell(&d);
            cell_sums_add(&a, &all[i]);
        }
        shuffle(&d, all, COUNT);
        for (size_t i = 0; i < COUNT; i++)
            cell_sums_add(&b, &all[i]);
        cr_assert(a.count == b.count && a.count < COUNT);
        expect_all(all, &a);
        expect_all(all, &b);
        cell_sums_deinit(&a);
        cell_sums_deinit(&b);
    }
}

Test(cells, a_list_keeps_its_memory)
{
    struct cells c = {0};

    for (int i = 0; i < 100; i++)
        cells_add(&c, (struct cell){.kind = CELL_ENTER, .leaf = (uint32_t)i})->n = i;
    cr_expect(eq(sz, c.count, 100));
    cr_expect(eq(i32, c.items[99].n, 99));
    cells_clear(&c);
    cr_expect(eq(sz, c.count, 0));
    cells_deinit(&c);
}
