/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "funnel/mem.h"
#include "funnel/reorder.h"
#include "lib/pipe_kit.h"

#define MOST 300

/* The plain way: look for the least. */
static size_t least(const struct arrival *a, size_t n)
{
    size_t at = 0;

    for (size_t i = 1; i < n; i++) {
        if (a[i].time_ms != a[at].time_ms ? a[i].time_ms < a[at].time_ms
            : a[i].order != a[at].order   ? a[i].order < a[at].order
                                          : a[i].sub < a[at].sub)
            at = i;
    }
    return at;
}

static void pop_and_compare(struct reorder *r, struct arrival *model, size_t *count)
{
    const struct arrival *peeked = reorder_peek(r);
    struct arrival got, want;
    size_t at;

    if (*count == 0) {
        cr_assert(peeked == NULL && reorder_pop(r, &got) == 0);
        return;
    }
    at = least(model, *count);
    want = model[at];
    memmove(&model[at], &model[at + 1], (--*count - at) * sizeof(*model));
    cr_assert(peeked && peeked->order == want.order && peeked->sub == want.sub);
    cr_assert(reorder_pop(r, &got));
    cr_assert(got.time_ms == want.time_ms && got.order == want.order && got.sub == want.sub);
}

Test(reorder, against_a_plain_search)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct arrival model[MOST];
        struct reorder r = {0};
        struct dice d = {seed};
        int64_t now = 0, order = 0, disorder = 1 + dice_below(&d, 50);
        size_t count = 0;

        for (int n = 0; n < 3000; n++) {
            if (count < MOST && dice_chance(&d, n % 1000 < 500 ? 0.7 : 0.4)) {
                struct arrival a = {.time_ms = (now += dice_below(&d, 3)) -
                                               dice_below(&d, disorder),
                                    .order = order,
                                    .sub = (uint16_t)dice_below(&d, 4)};

                order += dice_below(&d, 2) || a.sub == 0; /* some share an offset */
                a.fingerprint = (uint64_t)n;
                while (count > 0 && model[count - 1].order == a.order &&
                       model[count - 1].sub >= a.sub)
                    a.order = order++;
                model[count++] = a;
                reorder_push(&r, &a);
            } else {
                pop_and_compare(&r, model, &count);
            }
            cr_assert(reorder_count(&r) == count);
        }
        while (count > 0)
            pop_and_compare(&r, model, &count);
        reorder_deinit(&r);
    }
}

Test(reorder, what_is_left_is_freed_with_its_copy)
{
    struct reorder r = {0};

    for (int i = 0; i < 200; i++) {
        struct arrival a = {.time_ms = i % 7, .order = i, .copy = mem_alloc(10)};

        reorder_push(&r, &a);
    }
    reorder_deinit(&r);
    cr_expect(eq(sz, reorder_count(&r), 0));
    cr_expect(eq(ptr, (void *)reorder_peek(&r), NULL));
}
