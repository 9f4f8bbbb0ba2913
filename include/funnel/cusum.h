/* SPDX-License-Identifier: Apache-2.0 */
/* Page's CUSUM of observed less expected conversions: what a conversion scores, by age and kind
 * of change, and the threshold that a budget of false alarms asks for (DETECTION sections 4 and
 * 5).
 *
 *   W <- max(0, W + [sum_j u_j N_j + r sum_j v_j E_j] / phi),  v_j = 1 - e^{u_j};  fires when W > b
 *
 * Page 1954; Moustakides 1986; El Karoui, Loisel, Salhi 2017 (exact optimality for counting
 * processes). Pure. */
#ifndef FUNNEL_CUSUM_H
#define FUNNEL_CUSUM_H

#include "funnel/hazard.h"

enum cusum_family {
    CUSUM_ALL,    /* everybody, from now on */
    CUSUM_STEADY, /* a worse cohort: survivors of it are poorer */
    CUSUM_YOUNG,  /* as ALL at young ages, blind at others */
    CUSUM_SLOW,   /* the same chance, at half the speed */
    CUSUM_FAMILIES
};
#define CUSUM_RATIOS 5
extern const double cusum_ratios[CUSUM_RATIOS]; /* q: 0.88, 0.78, 0.62, 0.40, 0.12 */

/* Scores u_j of the families, by bin; 0 < q <= 1. y: the exposure learned by bin; the hazard's
 * own p is that of the pool. */
void cusum_score_all(const struct hazard *h, double q, double *ret_u);
void cusum_score_steady(const struct hazard *h, double q, double *ret_u);
void cusum_score_young(const struct hazard *h, double q, double *ret_u);
void cusum_score_slow(const struct hazard *h, const double *y, double *ret_u);

/* One test of a step: the same for all its series. */
struct cusum_test {
    enum cusum_family family;
    double q;
    double u[AGES_BINS], v[AGES_BINS]; /* v_j = 1 - e^{u_j} */
    double i, j; /* mean of a conversion's score after and before the change, nats: I and J */
};
/* Fills v, I and J from u: a_j = F_{j+1} - F_j, I = sum a_j (1 - e^u + u e^u), J = sum a_j (e^u
 * - 1 - u). */
void cusum_test_init(struct cusum_test *t, enum cusum_family family, double q, const double *u,
                     const struct hazard *h);

/* The next W: max(0, w + [sum u_j n_j + r sum v_j e_j] / phi), r = rho0, of slow 1. n, e:
 * conversions observed and expected in the pane, by bin; sums in the order of bins. phi > 0. */
double cusum_step(const struct cusum_test *t, int bins, double w, const double *n, const double *e,
                  double rho0, double phi);

/* Mean run length in expected conversions: while nothing changed, and after the change. DBL_MAX
 * of a test that tells nothing: I or J is below 1e-20, as at q = 1. */
double cusum_arl0(double i, double j, double b);
double cusum_arl1(double i, double j, double b);
/* b with arl0(b) = gamma: start ln(1 + I gamma) + 1, Newton steps until they settle: six from
 * gamma = 30 on. Scores must not be positive. gamma is cut to [0, 1e300]. A test that tells
 * nothing: ln(1 + gamma), which its W of 0 does not reach. */
double cusum_threshold(double i, double j, double gamma);

/* --- the budget --- */

#define CUSUM_SCALES 6
extern const int cusum_scales_min[CUSUM_SCALES]; /* 30, 60, 120, 240, 480, 1440 minutes */

/* rho0 = 1 - min(0.10, 0.6 sqrt(level_variance + 1 / o_hist)); 0.9 where nothing was learned,
 * o_hist = 0. */
double cusum_indifference(double level_variance, double o_hist);
/* 7 nu rho0 EFF / (alpha share), EFF = 1.7 (0.025 / alpha)^0.15; nu: conversions a day, alpha:
 * false alarms a week that the step may give, share: of it that this series may. No budget,
 * alpha or share 0: 1e300. */
double cusum_gamma(double nu, double rho0, double alpha, double share);
/* Conversions that the test needs: ln(max(gamma I, 5)) / I. */
double cusum_need(double i, double gamma);
/* Index of the scale nearest, by ratio, to the time in which `need` conversions come at nu a
 * day. */
int cusum_scale(double need, double nu);
/* phi with the error of the baseline: phi (1 + need / (2 o_hist)), at most 1e12; that where
 * o_hist is 0, so that nothing can fire. */
double cusum_phi(double phi, double need, double o_hist);
/* The threshold at this gamma and phi: of max(gamma / phi, 30); slow and other positive scores:
 * ln of that (Ville). */
double cusum_level(const struct cusum_test *t, double gamma, double phi);

#endif
