/* SPDX-License-Identifier: Apache-2.0 */
/* Where E conversions were expected and O came, the likelihood of the rate that O says exceeds
 * that of the baseline by O ln(O/E) - (O - E) nats. Sums of segments are scored the same way;
 * the score is convex in (O, E), so that the best set of segments is a prefix of those sorted
 * by O/E: n sets to look at in place of 2^n.
 *
 * Worked example: O = 24 of E = 80 scores 27.1, and 25.5 after ln 5 for having looked at five
 * series. */
#include "funnel/attribution.h"

#include <float.h>
#include <stdlib.h>

#include "funnel/fmath.h"
#include "funnel/mem.h"

#define SLOW_MARGIN 0.5 /* nats by which a slow-down must be the better story */
#define RATIO_MIN 0.08
#define RATIO_MAX 0.9
#define RATIO_POWER 0.75
#define DUE_RATIO_MIN 1e-6 /* nothing came: as good as the limit */

double attribution_score(double o, double e)
{
    double ratio;

    if (!(o < e))
        return 0.0;
    if (!(o > 0.0))
        return e;
    ratio = (o > 0.5 ? o : 0.5) / e;
    return o * fm_log(ratio < DBL_MAX ? ratio : DBL_MAX) - (o - e);
}

double attribution_ratio(double o, double e)
{
    return (o + 0.5) / (e + 0.5);
}

size_t attribution_best(const double *o, const double *e, size_t n, double *ret_score)
{
    double penalty = fm_log((double)n), best_score = attribution_score(o[0], e[0]);
    size_t best = 0;

    for (size_t i = 1; i < n; i++) {
        double score = attribution_score(o[i], e[i]) - penalty;

        if (score > best_score) {
            best = i;
            best_score = score;
        }
    }
    *ret_score = best_score;
    return best;
}

double attribution_slow_score(int bins, const double *u, const double *n, const double *e)
{
    double observed = 0.0, expected = 0.0;

    for (int j = 0; j < bins; j++) {
        observed += u[j] * n[j];
        expected += fm_expm1(u[j]) * e[j];
    }
    return observed - expected;
}

bool attribution_is_slowdown(double slow_score, double drop_score)
{
    return slow_score > drop_score + SLOW_MARGIN;
}

struct attribution_value {
    double ratio; /* O/E */
    size_t index;
};

static int attribution_compare(const void *a, const void *b)
{
    const struct attribution_value *x = a, *y = b;

    if (x->ratio < y->ratio || x->ratio > y->ratio)
        return x->ratio < y->ratio ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static void attribution_order(const double *o, const double *e, size_t n, size_t *ret_order)
{
    struct attribution_value *values = mem_zero(n, sizeof(*values));

    for (size_t i = 0; i < n; i++) {
        double ratio = e[i] > 0.0 ? o[i] / e[i] : DBL_MAX;

        values[i] = (struct attribution_value){ratio, i};
    }
    qsort(values, n, sizeof(*values), attribution_compare);
    for (size_t i = 0; i < n; i++)
        ret_order[i] = values[i].index;
    mem_free(values);
}

size_t attribution_subset(const double *o, const double *e, size_t n, size_t *ret_order,
                          double *ret_score)
{
    double observed = 0.0, expected = 0.0;
    size_t in = 0;

    *ret_score = 0.0;
    if (n == 0)
        return 0;
    attribution_order(o, e, n, ret_order);
    for (size_t i = 0; i < n; i++) {
        double score;

        observed += o[ret_order[i]];
        expected += e[ret_order[i]];
        score = attribution_score(observed, expected);
        if (score > *ret_score) {
            *ret_score = score;
            in = i + 1;
        }
    }
    return in;
}

double attribution_due(const struct hazard *h, double P, double panes, double o, double e)
{
    double chance[AGES_BINS], ratio, usual, now;

    if (!(e > 0.0 && P > 0.0 && panes > 0.0))
        return e;
    ratio = o / e > DUE_RATIO_MIN ? o / e : DUE_RATIO_MIN;
    hazard_chances(h, P, chance);
    usual = hazard_advanced(h, chance, 1.0, panes);
    now = hazard_advanced(h, chance, ratio, panes);
    return now > 0.0 ? ratio * e * (usual / now) : e;
}

static double attribution_sum(const double *x, size_t n)
{
    double sum = 0.0;

    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

double attribution_split(const double *entries_now, const double *conversions_now,
                         const double *entries_before, const double *conversions_before, size_t n,
                         double *ret_rate, double *ret_mix)
{
    double all_now = attribution_sum(entries_now, n),
           all_before = attribution_sum(entries_before, n);
    double change, parts = 0.0;

    for (size_t i = 0; i < n; i++)
        ret_rate[i] = ret_mix[i] = 0.0;
    if (!(all_now > 0.0 && all_before > 0.0))
        return 0.0;
    for (size_t i = 0; i < n; i++) {
        double w1 = entries_now[i] / all_now, w0 = entries_before[i] / all_before;
        double p1 = w1 > 0.0 ? conversions_now[i] / entries_now[i] : 0.0;
        double p0 = w0 > 0.0 ? conversions_before[i] / entries_before[i] : p1;

        if (!(w1 > 0.0))
            p1 = p0;
        ret_rate[i] = (w1 + w0) / 2.0 * (p1 - p0);
        ret_mix[i] = (p1 + p0) / 2.0 * (w1 - w0);
        parts += ret_rate[i] + ret_mix[i];
    }
    change = attribution_sum(conversions_now, n) / all_now -
             attribution_sum(conversions_before, n) / all_before;
    return change - parts;
}

double recovery_ratio(double ratio)
{
    if (!(ratio > RATIO_MIN))
        ratio = RATIO_MIN;
    return fm_exp(RATIO_POWER * fm_log(ratio < RATIO_MAX ? ratio : RATIO_MAX));
}

double recovery_step(double R, double n, double a, double r, double phi)
{
    R += (n * -fm_log(r) - (1.0 - r) * a) / phi;
    return R > 0.0 ? R : 0.0;
}
