/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/ages.h"

#include <inttypes.h>
#include <math.h>

#include <criterion/criterion.h>

#include "lib/shared_file.h"

static int64_t item(const cJSON *array, int i)
{
    return (int64_t)cJSON_GetArrayItem(array, i)->valuedouble;
}

static void check_case(const cJSON *c)
{
    const cJSON *edges = shared_member(c, "edges"), *stay;
    struct ages a;
    int64_t h = (int64_t)shared_number(c, "window_panes");

    ages_init(&a, h);
    cr_assert(a.bins == cJSON_GetArraySize(edges) - 1, "H %" PRId64 ": %d bins", h, a.bins);
    for (int j = 0; j <= a.bins; j++)
        cr_assert(a.edge[j] == item(edges, j), "H %" PRId64 " edge %d", h, j);
    for (int j = 0; j < a.bins; j++) {
        cr_assert(a.shift[j] == item(shared_member(c, "shift"), j), "H %" PRId64 " shift %d", h, j);
        cr_assert(a.ring[j] == item(shared_member(c, "ring"), j), "H %" PRId64 " ring %d", h, j);
    }
    cJSON_ArrayForEach (stay, shared_member(c, "stays")) {
        int64_t p = (int64_t)shared_number(stay, "p");

        cr_assert(cJSON_GetArraySize(shared_member(stay, "X")) == a.bins);
        for (int j = 0; j < a.bins; j++)
            cr_assert(ages_exit_pane(&a, j, p) == item(shared_member(stay, "X"), j),
                      "H %" PRId64 " X_%d(%" PRId64 ")", h, j, p);
    }
}

Test(ages, golden_columns)
{
    cJSON *golden = shared_json("detection-golden.json");
    const cJSON *c;
    int cases = 0;

    if (!golden)
        cr_skip("no detection-golden.json: set SHARED_DIR");
    cJSON_ArrayForEach (c, shared_member(shared_member(golden, "columns"), "cases")) {
        check_case(c);
        cases++;
    }
    cr_assert(cases >= 10);
    cJSON_Delete(golden);
}

static int64_t exact_power(int64_t window, int i)
{
    return llroundl(powl((long double)window, (long double)(i - 1) / 23.0L));
}

static void check_window(int64_t window)
{
    struct ages a;
    uint32_t slots = 0;

    ages_init(&a, window);
    cr_assert(a.window == window && a.edge[0] == 0 && a.edge[a.bins] == window + 1);
    cr_assert(a.bins == AGES_BINS || a.edge[a.bins - 1] + 1 >= window);
    for (int j = 1; j < a.bins; j++) {
        int64_t wanted = exact_power(window, j), least = a.edge[j - 1] + 1;

        cr_assert(a.edge[j] == (wanted > least ? wanted : least), "H %" PRId64 " e_%d", window, j);
        cr_assert(a.edge[j] < window && a.shift[j] >= a.shift[j - 1]);
    }
    for (int j = 0; j < a.bins; j++) {
        int64_t width = a.edge[j + 1] - a.edge[j];

        cr_assert(INT64_C(16) << a.shift[j] <= width || a.shift[j] == (j ? a.shift[j - 1] : 0));
        cr_assert(a.ring[j] == (width >> a.shift[j]) + 3 && a.slot[j] == slots);
        slots += a.ring[j];
    }
    cr_assert(a.slots == slots && slots <= 700, "H %" PRId64 ": %u slots", window, slots);
}

Test(ages, edges_are_right_for_every_window)
{
    for (int64_t window = 1; window <= 60000; window++)
        check_window(window);
    for (int64_t window = 60000; window <= 1000000; window += 97)
        check_window(window);
    check_window(AGES_WINDOW_MAX);
}

Test(ages, a_window_out_of_range_is_cut)
{
    struct ages a;

    ages_init(&a, 0);
    cr_assert(a.window == 1 && a.bins == 1);
    ages_init(&a, INT64_MAX);
    cr_assert(a.window == AGES_WINDOW_MAX);
}

static int bin_by_definition(const struct ages *a, int64_t now, int64_t entry)
{
    int bin = 0;

    for (int j = 0; j < a->bins; j++)
        bin += now >= ages_exit_pane(a, j, entry);
    return bin;
}

Test(ages, bins_are_as_defined)
{
    static const int64_t windows[] = {1, 2, 5, 24, 120, 240, 1440, 4320, 43200, 70080};
    static const int64_t entries[] = {-100000, -1, 0, 1, 28401577, 28402600, 28402354};

    for (size_t w = 0; w < sizeof(windows) / sizeof(*windows); w++) {
        struct ages a;

        ages_init(&a, windows[w]);
        for (size_t e = 0; e < sizeof(entries) / sizeof(*entries); e++)
            for (int64_t age = -2; age <= windows[w] + windows[w] / 16 + 2; age++)
                cr_assert(ages_bin(&a, entries[e] + age, entries[e]) ==
                              bin_by_definition(&a, entries[e] + age, entries[e]),
                          "H %" PRId64 " entry %" PRId64 " age %" PRId64, windows[w], entries[e],
                          age);
    }
}

/* A stay is open for its whole window, and at most 1/32 of it, or one pane, longer. */
Test(ages, expiry_is_never_early_and_hardly_late)
{
    for (int64_t window = 1; window <= 50000; window = window * 5 / 4 + 1) {
        struct ages a;

        ages_init(&a, window);
        for (int64_t p = 1000; p < 1000 + (INT64_C(2) << a.shift[a.bins - 1]); p++) {
            int64_t age = ages_exit_pane(&a, a.bins - 1, p) - p;

            cr_assert(age > window && age - window - 1 <= window / 32, "H %" PRId64, window);
        }
    }
}
