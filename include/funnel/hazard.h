/* SPDX-License-Identifier: Apache-2.0 */
/* How a step converts by age: the chance of advancing in one pane, by age bin (DETECTION
 * section 3).
 *
 * Discrete-time survival with a cure fraction: lambda_j = D_j / Y_j is the hazard in one pane
 * of bin j, S the share that has not advanced yet, p = 1 - S(end) the chance of ever advancing
 * within the window and F = (1 - S) / p the distribution of the time it takes. Open stays are
 * censored by construction. A cell of another final chance P keeps the shape F. Pure; fmath.h
 * only. Actuarial estimate: Kaplan, Meier 1958; cure fraction: Oliveira et al. 2016. */
#ifndef FUNNEL_HAZARD_H
#define FUNNEL_HAZARD_H

#include <stdint.h>

#include "funnel/ages.h"

#define HAZARD_LAMBDA_MAX 0.9
#define HAZARD_P_MAX 0.985

struct hazard {
    int bins;
    double edge[AGES_BINS + 1]; /* panes */
    double width[AGES_BINS];    /* panes */
    double p;                   /* of ever advancing, at most HAZARD_P_MAX; 0: nothing ever did */
    double f[AGES_BINS + 1]; /* F at the edges: 0 .. 1, never falls; linear in age where p is 0 */
};

/* lambda_j = D_j / Y_j, at most 1; 0 where Y_j is 0. */
void hazard_raw(int bins, const double *d, const double *y, double *ret_lambda);
/* The same, where bins with few conversions borrow from their neighbours: (D_j + 5) / (Y_j + 5
 * / mean_j), mean_j pooled over bins j - 1 to j + 1; 0 where that has no conversion. */
void hazard_borrowed(int bins, const double *d, const double *y, double *ret_lambda);
/* edge: bins + 1 of them, ascending from 0. lambda is cut to [0, HAZARD_LAMBDA_MAX]; F goes by
 * the uncut p. */
void hazard_init(struct hazard *h, int bins, const int64_t *edge, const double *lambda);

/* The chance of advancing in one pane of each bin, for a cell whose final chance is P, 0 <= P < 1:
 * 1 - ((1 - P F_{j+1}) / (1 - P F_j))^(1 / w_j). */
void hazard_chances(const struct hazard *h, double P, double *ret_chance);
/* Of those that begin evenly over so many panes, the share that has advanced by their end; chance: of each bin, in one
 * pane, all of them `times` as large. */
double hazard_advanced(const struct hazard *h, const double *chance, double times, double panes);
/* F at any age in panes: linear between the edges, 0 before the first, 1 after the last. */
double hazard_f(const struct hazard *h, double age);
/* Bins whose end still belongs to the young ages, F_{j+1} <= 0.55: how many, at least 1. */
int hazard_young_bins(const struct hazard *h);

#endif
