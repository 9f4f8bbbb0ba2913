/* SPDX-License-Identifier: Apache-2.0 */
/* Bins and columns of age: how long open stays have been open, in whole panes (DETECTION section 2).
 *
 * Bin j holds the ages [edge[j], edge[j+1]); its columns gather 2^shift[j] entry panes. Everything is a
 * pure function of the pane a stay was entered in, so the tally finds the bin and the column of an event's
 * stay from the entity's entry time alone, and the judge finds the same ones when it closes panes. */
#ifndef FUNNEL_AGES_H
#define FUNNEL_AGES_H

#include <stdint.h>

#define AGES_BINS 24
#define AGES_WINDOW_MAX INT64_C(0x7fffffff) /* panes; longer windows are cut to it */

struct ages {
    int bins;                    /* B, 1 to 24 */
    uint32_t slots;              /* sum of ring[] */
    int64_t window;              /* H, panes */
    int64_t edge[AGES_BINS + 1]; /* e_0 = 0 .. e_B = H + 1, panes */
    uint8_t shift[AGES_BINS];    /* s_j, never falls */
    uint16_t ring[AGES_BINS];    /* R_j: columns of bin j that can be live at a time, and a spare */
    uint16_t slot[AGES_BINS];    /* where ring j begins among the slots */
};

/* window in panes, rounded up, >= 1. */
void ages_init(struct ages *a, int64_t window);

/* X_j(p): the first pane in which a stay entered in pane p has left bin j. 0 <= j < bins. */
static inline int64_t ages_exit_pane(const struct ages *a, int j, int64_t pane)
{
    int64_t width = INT64_C(1) << a->shift[j];

    return (pane & -width) + width - 1 + a->edge[j + 1];
}

/* The column of bin j that a stay entered in pane p belongs to. */
static inline int64_t ages_column(const struct ages *a, int j, int64_t pane)
{
    return pane >> a->shift[j];
}

/* The bin at pane `now` of a stay entered in pane `entry`: #{j : now >= X_j(entry)}; a->bins when it has
 * left the last one, that is, expired. An entry after `now` counts as bin 0. */
int ages_bin(const struct ages *a, int64_t now, int64_t entry);

#endif
