/* SPDX-License-Identifier: Apache-2.0 */
/* Windows against the list of all that was ever added. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "funnel/mem.h"
#include "funnel/window.h"
#include "lib/pipe_kit.h"

#define MOST 400

struct added {
    int64_t slot;
    uint64_t entries, conversions;
};

static struct window_sum plainly(const struct added *a, size_t n, int64_t from, int64_t to)
{
    struct window_sum sum = {0};

    for (size_t i = 0; i < n; i++) {
        if (a[i].slot < from || a[i].slot > to)
            continue;
        sum.entries += a[i].entries;
        sum.conversions += a[i].conversions;
    }
    return sum;
}

static void compare(const struct window_def *d, const struct window *w, const struct added *a,
                    size_t n, int64_t last)
{
    struct window_sum got = window_read(w, d, last),
                      want = plainly(a, n, last - d->slots + 1, last);

    cr_assert(got.entries == want.entries && got.conversions == want.conversions,
              "slots %d, last %d: %d, not %d", (int)d->slots, (int)last, (int)got.entries,
              (int)want.entries);
}

Test(window, against_a_plain_sum)
{
    for (uint64_t seed = 1; seed <= 80; seed++) {
        struct dice d = {seed};
        struct settings_window s = {.ms = (1 + dice_below(&d, 200)) * 60000, .calendar = -1};
        int64_t back = dice_chance(&d, 0.5) ? dice_below(&d, 100) : 0,
                slot = dice_below(&d, 100) - 50;
        struct added all[MOST];
        struct window_def def;
        struct window *w;

        if (dice_chance(&d, 0.2))
            s = (struct settings_window){.calendar = CALENDAR_DAY};
        window_def_init(&def, &s, 60000);
        if (s.calendar < 0) {
            cr_assert(def.slots >= 1 && def.slots <= WINDOW_SLOTS_MAX);
            cr_assert(def.slots * def.slot_panes * 60000 == s.ms);
        }
        window_def_look_back(&def, back);
        w = window_new(&def);
        compare(&def, w, all, 0, 0);
        for (size_t n = 0; n < MOST; n++) {
            slot += dice_chance(&d, 0.5) ? 0 : dice_below(&d, dice_chance(&d, 0.1) ? 300 : 3);
            all[n] = (struct added){slot, (uint64_t)dice_below(&d, 9), (uint64_t)dice_below(&d, 9)};
            window_add(w, &def, slot, all[n].entries, all[n].conversions);
            /* The slot that is open, the one that has ended, and as far back as a rule may look. */
            compare(&def, w, all, n + 1, slot);
            compare(&def, w, all, n + 1,
                    slot - 1 - (back > 0 ? dice_below(&d, back) : 0) - (def.slots == 1 ? 0 : 0));
            compare(&def, w, all, n + 1, slot - back);
            compare(&def, w, all, n + 1, slot + dice_below(&d, 100));
        }
        mem_free(w);
    }
}

Test(window, none_is_empty)
{
    struct settings_window s = {.ms = 600000, .calendar = -1};
    struct window_def def;

    window_def_init(&def, &s, 60000);
    cr_expect(eq(u64, window_read(NULL, &def, 5).entries, 0));
}
