/* SPDX-License-Identifier: Apache-2.0 */
/* Hazards to test with: that of detection-golden.json, and random ones. */
#ifndef TESTS_HAZARDS_H
#define TESTS_HAZARDS_H

#include "funnel/hazard.h"
#include "lib/golden.h"

/* Of the file's D and Y; ret_y: its Y. */
__attribute__((unused)) static void golden_hazard(const cJSON *file, struct hazard *h,
                                                  double *ret_y)
{
    const cJSON *golden = shared_member(file, "hazard");
    double edges[AGES_BINS + 1], d[AGES_BINS], lambda[AGES_BINS];
    int64_t edge[AGES_BINS + 1];
    int bins = golden_numbers(shared_member(golden, "Y"), ret_y, AGES_BINS);

    cr_assert(golden_numbers(shared_member(golden, "edges_panes"), edges, AGES_BINS + 1) ==
              bins + 1);
    cr_assert(golden_numbers(shared_member(golden, "D"), d, AGES_BINS) == bins);
    for (int j = 0; j <= bins; j++)
        edge[j] = (int64_t)edges[j];
    hazard_raw(bins, d, ret_y, lambda);
    hazard_init(h, bins, edge, lambda);
}

/* In [0, 1). */
__attribute__((unused)) static double hazards_uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005 + 1442695040888963407;
    return (double)(*state >> 11) * 0x1p-53;
}

/* Widths to 2^(seed mod 10), hazards over many orders of magnitude, some 0. */
__attribute__((unused)) static void hazards_random(struct hazard *h, unsigned seed, int bins)
{
    uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15);
    double lambda[AGES_BINS];
    int64_t edge[AGES_BINS + 1] = {0};

    for (int j = 0; j < bins; j++) {
        edge[j + 1] = edge[j] + 1 + (int64_t)(hazards_uniform(&state) * (1 << seed % 10));
        lambda[j] = exp(-12.0 * hazards_uniform(&state));
        if (hazards_uniform(&state) < 0.1)
            lambda[j] = 0.0;
    }
    hazard_init(h, bins, edge, lambda);
}

#endif
