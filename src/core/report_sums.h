/* SPDX-License-Identifier: Apache-2.0 */
/* The report's numbers, added up over leaves; its writers only format them. */
#ifndef REPORT_SUMS_H
#define REPORT_SUMS_H

#include "funnel/judge.h"

#define ALL_SERIES UINT32_MAX

struct sum_step {
    int64_t entered, credited, seeded, advanced, lost, deleted, superseded, skipped, expired, open,
        late;
    double rate, low, high; /* NaN without entries */
    struct dwell dwell;     /* owned; empty for cohorts */
};

struct sum_stage {
    int64_t reached, stock, stock_amount, regressed, repeats, repeat_amount;
};

/* Which leaves: those of `series` under segment spec `spec`, or all. */
struct sum_filter {
    size_t spec;
    uint32_t series;
};

/* By step, 0 .. overall; sum_steps_free() for what it owns. */
void sum_steps(const struct judge *j, const struct sum_filter *which, struct sum_step *ret);
void sum_steps_free(const struct judge *j, struct sum_step *steps);
void sum_stages(const struct judge *j, struct sum_stage *ret); /* by stage */
/* Stays that began on days [first, last]. */
void sum_cohort(const struct judge *j, const struct sum_filter *which, int64_t first, int64_t last,
                struct sum_step *ret);
/* The first day not before `from` on which any stay began; 0 when there is none. */
int sum_cohort_day(const struct judge *j, int64_t from, int64_t *ret_day);
void sum_break(const struct judge *j, int breakdown, uint32_t value, int step,
               struct sum_step *ret);
bool sum_break_any(const struct judge *j, int breakdown, uint32_t value);
void sum_cycle(const struct judge *j, struct dwell *ret);
/* Chance of winning from a stage: configured, or the product of the steps' rates. NaN: unknown. */
double sum_probability(const struct judge *j, const struct sum_step *steps, int stage);
/* Series of a spec that have leaves, in order of their values' text; returns the count. Owned. */
size_t sum_series(const struct judge *j, size_t spec, uint32_t **ret);

#endif
