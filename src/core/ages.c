/* SPDX-License-Identifier: Apache-2.0 */
/* The edges e_i = max(e_{i-1} + 1, round(H^((i-1)/23))) grow geometrically from one pane to the window, so
 * that a bin's width is about the same share of the age everywhere; e_B = H + 1, because a stay from the
 * middle of a pane may still advance in time at age H.
 *
 * H^((i-1)/23) is rounded to whole panes; it is never exactly half-way (a root of an integer is an integer
 * or irrational), and fm_exp and fm_log decide the rest right for every window up to a million panes
 * (tests/unit/test_ages.c). */
#include "funnel/ages.h"

#include "funnel/fmath.h"

static int64_t ages_geometric(int64_t window, int i)
{
    return (int64_t)(fm_exp(fm_log((double)window) * (double)(i - 1) / 23.0) + 0.5);
}

static void ages_edges(struct ages *a)
{
    int i = 0;

    a->edge[0] = 0;
    do {
        int64_t wanted = ages_geometric(a->window, ++i);

        a->edge[i] = wanted > a->edge[i - 1] ? wanted : a->edge[i - 1] + 1;
    } while (i < AGES_BINS && a->edge[i] < a->window);
    a->edge[i] = a->window + 1;
    a->bins = i;
}

/* floor(log2(width / 16)), at least 0: a column is at most 1/16 of its bin wide. */
static uint8_t ages_shift(int64_t width)
{
    return width < 16 ? 0 : (uint8_t)(59 - __builtin_clzll((uint64_t)width));
}

void ages_init(struct ages *a, int64_t window)
{
    uint8_t shift = 0;

    *a = (struct ages){.window = window < 1 ? 1 : window};
    if (a->window > AGES_WINDOW_MAX)
        a->window = AGES_WINDOW_MAX;
    ages_edges(a);
    for (int j = 0; j < a->bins; j++) {
        int64_t width = a->edge[j + 1] - a->edge[j];

        if (ages_shift(width) > shift)
            shift = ages_shift(width);
        a->shift[j] = shift;
        a->ring[j] = (uint16_t)((width >> shift) + 3);
        a->slot[j] = (uint16_t)a->slots;
        a->slots += a->ring[j];
    }
}

int ages_bin(const struct ages *a, int64_t now, int64_t entry)
{
    int64_t age = now - entry;
    int bin = 0, above = a->bins;

    /* X_j(entry) is between entry + e_{j+1} and that plus a column: first as if all columns were one
     * pane wide, then back by what the columns hold. */
    while (bin < above) {
        int middle = (bin + above) / 2;

        if (age >= a->edge[middle + 1])
            bin = middle + 1;
        else
            above = middle;
    }
    while (bin > 0 && now < ages_exit_pane(a, bin - 1, entry))
        bin--;
    return bin;
}
