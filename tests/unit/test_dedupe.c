/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "funnel/dedupe.h"
#include "lib/pipe_kit.h"

struct seen {
    uint64_t hash;
    int64_t time_ms;
};

/* The plain way: a list, oldest first. */
static bool plainly_seen(struct seen *list, size_t *count, size_t limit, int64_t keep,
                         struct seen x, int64_t newest)
{
    while (*count > 0 && list[0].time_ms < newest - keep)
        memmove(list, list + 1, --*count * sizeof(*list));
    for (size_t i = 0; i < *count; i++)
        if (list[i].hash == x.hash)
            return true;
    if (*count == limit)
        memmove(list, list + 1, --*count * sizeof(*list));
    list[(*count)++] = x;
    return false;
}

Test(dedupe, against_a_plain_list)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct dice d = {seed};
        struct seen list[200];
        struct dedupe t;
        size_t count = 0, limit = 1 + (size_t)dice_below(&d, 200);
        int64_t now = 0, newest = 0, keep = 10 + dice_below(&d, 1000);

        dedupe_init(&t, keep, limit);
        for (int n = 0; n < 5000; n++) {
            struct seen x = {(uint64_t)(1 + dice_below(&d, 300)) << dice_below(&d, 3) * 20, 0};

            now += dice_below(&d, dice_chance(&d, 0.01) ? 2000 : 5);
            x.time_ms = now - dice_below(&d, 20);
            newest = x.time_ms > newest ? x.time_ms : newest;
            cr_assert(dedupe_seen(&t, x.hash, x.time_ms, newest) ==
                          plainly_seen(list, &count, limit, keep, x, newest),
                      "seed %d, event %d", (int)seed, n);
            cr_assert(t.count == count);
        }
        dedupe_deinit(&t);
    }
}

Test(dedupe, zero_is_a_hash_and_overflow_is_counted)
{
    struct dedupe t;

    dedupe_init(&t, 100, 2);
    cr_expect(dedupe_seen(&t, 0, 1, 1) == false);
    cr_expect(dedupe_seen(&t, 0, 1, 1));
    cr_expect(dedupe_seen(&t, 5, 2, 2) == false);
    cr_expect(dedupe_seen(&t, 6, 3, 3) == false);
    cr_expect(eq(u64, t.overflow, 1));
    cr_expect(dedupe_seen(&t, 0, 3, 3) == false, "it was forgotten at the cap");
    dedupe_deinit(&t);
}

Test(dedupe, joined_it_knows_what_either_did)
{
    struct dedupe a, b, empty;

    dedupe_init(&a, 100, 3);
    dedupe_init(&b, 100, 3);
    dedupe_init(&empty, 100, 3);
    dedupe_seen(&a, 1, 10, 10);
    dedupe_seen(&a, 2, 30, 30);
    dedupe_seen(&b, 3, 20, 20);
    dedupe_seen(&b, 2, 40, 40);
    dedupe_join(&a, &empty);
    dedupe_join(&empty, &b);
    cr_expect(eq(sz, empty.count, 2));
    dedupe_join(&a, &b);
    cr_expect(eq(sz, a.count, 3));
    for (uint64_t hash = 1; hash <= 3; hash++)
        cr_expect(dedupe_seen(&a, hash, 41, 41));
    b.count = 0;
    dedupe_deinit(&b);
    dedupe_init(&b, 100, 3);
    dedupe_seen(&b, 9, 50, 50);
    dedupe_join(&a, &b); /* at the limit the oldest goes */
    cr_expect(eq(sz, a.count, 3));
    cr_expect(dedupe_seen(&a, 9, 51, 51));
    cr_expect(not(dedupe_seen(&a, 1, 51, 51)));
    dedupe_deinit(&a);
    dedupe_deinit(&b);
    dedupe_deinit(&empty);
}
