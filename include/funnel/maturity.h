/* SPDX-License-Identifier: Apache-2.0 */
/* How much of a cohort's conversions can have happened by now: for rules with measure: matured (DETECTION section 2).
 *
 * Of each step that such a rule watches, a curve is learned by age: Y_j stays at risk, D_j that advanced, X_j that
 * left in another way (lost, deleted, superseded, skipped), pooled over leaves, with a half-life of 14 days, a day's
 * counts when the next begins. Because the other ways compete, the share that has advanced by an age is the
 * cumulative incidence
 *   CIF(a) = sum over panes i < a of S(i) d(i),  S(i+1) = S(i) (1 - d(i) - x(i)),
 * with d = D/Y and x = X/Y of the pane's bin, and maturity(a) = CIF(a) / CIF(end). Stays still open are censored by
 * construction, so it learns from cohorts that are not closed (Aalen, Johansen 1978).
 *
 * It keeps a risk set of its own, of all leaves together: a pane costs the same however many there are, and it needs
 * no detector. Which panes are closed one by one changes nothing. */
#ifndef FUNNEL_MATURITY_H
#define FUNNEL_MATURITY_H

#include <stdbool.h>
#include <stdint.h>

#include "funnel/cells.h"
#include "funnel/codec.h"
#include "funnel/riskset.h"

#define MATURITY_DAYS 7         /* learned before anything is said */
#define MATURITY_CONVERSIONS 30 /* likewise */
#define MATURITY_SLOTS 26       /* hours of a day, and of one on which the clock is set back */

/* --- the curve, pure --- */

struct maturity_curve {
    int bins;
    double edge[AGES_BINS + 1]; /* panes */
    double cif[AGES_BINS + 1];  /* share that has advanced by the edge */
    double stay[AGES_BINS];     /* share still open where the bin begins */
    double part[AGES_BINS];     /* of those leaving in the bin, the share that advances */
    double log_stay[AGES_BINS]; /* ln of the chance to be there still after one pane */
};

/* d, x, y: by bin, finite, not negative. */
void maturity_curve_init(struct maturity_curve *c, const struct ages *ages, const double *d,
                         const double *x, const double *y);
/* Maturity of a stay that was at risk in `age` panes: 0 to 1, never falls. 0 where nothing ever advanced. */
double maturity_curve_at(const struct maturity_curve *c, double age);

/* --- a step --- */

/* When those of a day came, by hours since it began: a day's mean maturity depends on it. */
struct maturity_day {
    int64_t day;
    uint32_t entered[MATURITY_SLOTS];
};

/* A cohort's mean maturity, and the mean of its square. */
struct maturity_mean {
    double m, mm;
};

struct maturity_counts {
    int64_t d[AGES_BINS], x[AGES_BINS], y[AGES_BINS];
};

struct maturity_step {
    bool watched;                 /* else all is zero */
    struct riskset risk;          /* of all leaves */
    int64_t pane;                 /* it stands there; INT64_MIN: nothing came yet */
    int64_t since;                /* the first pane */
    struct maturity_counts today; /* not learned yet */
    double d[AGES_BINS], x[AGES_BINS], y[AGES_BINS];
    int64_t days, conversions;   /* learned, not decayed */
    struct maturity_day *recent; /* owned; days that are not all mature, ascending */
    size_t recent_count, recent_cap;
    /* derived */
    struct maturity_curve curve;
    struct maturity_mean *means; /* owned; of the last reading */
    size_t mean_count, mean_cap;
    int64_t means_pane, means_first;
};

struct maturity {
    struct maturity_step *steps; /* overall + 1 of them */
};

struct judge;

/* NULL where no rule asks. After rules_init. */
struct maturity *maturity_new(const struct judge *j);
void maturity_free(const struct judge *j, struct maturity *m); /* accepts NULL */
/* NULL where no rule watches the step. */
struct maturity_step *maturity_of(const struct judge *j, int step);

/* --- a pane, in this order; without effect where j->maturity is NULL --- */

/* A new day has begun with `pane`, `days` after the last one. */
void maturity_learn(struct judge *j, int64_t pane, int64_t days);
void maturity_open(struct judge *j, int64_t pane); /* before any of its cells */
void maturity_seed(struct judge *j, const struct cell *c);
void maturity_enter(struct judge *j, int step, int64_t pane, uint32_t n);
void maturity_expose(struct judge *j); /* entries and seeds are there, exits to come */
void maturity_exit(struct judge *j, const struct cell *c);

/* --- for the rules --- */

/* A week and enough conversions, and every age of the window has been seen by the end of `pane`. */
bool maturity_is_known(const struct maturity_step *s, int64_t pane);
/* Of the stays begun on days [first, last], at the end of `pane`: last - first + 1 means, borrowed until the next
 * call. */
const struct maturity_mean *maturity_means(const struct judge *j, int step, int64_t pane,
                                           int64_t first, int64_t last);
/* What the curve itself is not sure of: the sum of its conversions, decayed. */
double maturity_weight(const struct maturity_step *s);

/* --- maturity_save.c --- */

void maturity_save(const struct judge *j, struct codec_out *out);
void maturity_load(struct judge *j, struct codec_in *in); /* into a new one of the same settings */
/* Under other settings of the same shape: what was learned goes on; a step nobody watched begins with the stays that
 * are open. The leaves are `to`'s already. */
void maturity_take_over(struct judge *to, struct judge *from);
void maturity_derive(struct maturity_step *s);

#endif
