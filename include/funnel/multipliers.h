/* SPDX-License-Identifier: Apache-2.0 */
/* How much better or worse each value of a dimension converts: theta_cell = theta prod_d m_{d,
 * value}, fitted by minimum bias, a Poisson regression with log link that shrinks a cold value
 * to its parent (DETECTION section 3). Pure. */
#ifndef FUNNEL_MULTIPLIERS_H
#define FUNNEL_MULTIPLIERS_H

#include <stddef.h>
#include <stdint.h>

#include "funnel/hazard.h"

struct multipliers_cell {
    const uint32_t *value; /* borrowed; by dimension: index into m[dimension] */
    const double *y;       /* borrowed; exposure by bin */
    double o;              /* conversions */
    double p;              /* result: its final chance, 1 - exp(-theta prod m) */
};

/* m[d][v], v < count[d]: set to 1, then eight sweeps over the dimensions in order, E recomputed
 * before each: m *= ((O_v + 10) / (E_v + 10))^0.7, within [0.02, 50]; E_cell = sum_j y_j
 * h_j(p_cell). theta = -ln(1 - h->p). Cells' sums are taken in their order. p of each cell is
 * set at the end, also with no dimension. A cold value stays near 1 because it takes eight damped
 * steps and no more: going on from an earlier fit would undo that. */
void multipliers_fit(const struct hazard *h, int dims, double *const m[], const size_t count[],
                     struct multipliers_cell *cells, size_t n);
/* The same in slices: all m set to 1; one of the eight sweeps; each cell's p. */
void multipliers_start(int dims, double *const m[], const size_t count[]);
void multipliers_sweep(const struct hazard *h, int dims, double *const m[], const size_t count[],
                       const struct multipliers_cell *cells, size_t n);
void multipliers_finish(const struct hazard *h, int dims, double *const m[], const size_t count[],
                        struct multipliers_cell *cells, size_t n);
#define MULTIPLIERS_SWEEPS 8

/* The final chance of a cell of these values under a fit; a value beyond count[d] counts as 1. */
double multipliers_p(const struct hazard *h, int dims, double *const m[], const size_t count[],
                     const uint32_t *value);

#endif
