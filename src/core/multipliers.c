/* SPDX-License-Identifier: Apache-2.0 */
/* Minimum bias: the multipliers of a dimension are moved until observed equals expected for
 * each of its values, one dimension after the other. With conversions Poisson and theta a
 * product that is the likelihood's maximum. The +10 makes the steps of a value with few
 * conversions short, so that after eight of them it is still near 1, its parent; the power 0.7
 * damps them, since 1 - exp(-theta m) bends. */
#include "funnel/multipliers.h"

#include "funnel/fmath.h"
#include "funnel/mem.h"
#include "log1m.h"

#define PRIOR 10.0 /* conversions */
#define DAMPING 0.7
#define M_MIN 0.02
#define M_MAX 50.0

double multipliers_p(const struct hazard *h, int dims, double *const m[], const size_t count[],
                     const uint32_t *value)
{
    double theta = -log1m(h->p), p;

    for (int d = 0; d < dims; d++)
        if (value[d] < count[d])
            theta *= m[d][value[d]];
    p = -fm_expm1(-theta);
    return p < LOG1M_MAX ? p : LOG1M_MAX;
}

static double multipliers_expected(const struct hazard *h, double p, const double *y)
{
    double chance[AGES_BINS], e = 0.0;

    hazard_chances(h, p, chance);
    for (int j = 0; j < h->bins; j++)
        e += y[j] * chance[j];
    return e;
}

/* sums: observed by value, then expected by value. */
static void multipliers_move(double *m, size_t count, const double *sums)
{
    for (size_t v = 0; v < count; v++) {
        double ratio = (sums[v] + PRIOR) / (sums[count + v] + PRIOR);

        m[v] *= fm_exp(DAMPING * fm_log(ratio));
        if (m[v] < M_MIN)
            m[v] = M_MIN;
        else if (m[v] > M_MAX)
            m[v] = M_MAX;
    }
}

void multipliers_start(int dims, double *const m[], const size_t count[])
{
    for (int d = 0; d < dims; d++)
        for (size_t v = 0; v < count[d]; v++)
            m[d][v] = 1.0;
}

void multipliers_sweep(const struct hazard *h, int dims, double *const m[], const size_t count[],
                       const struct multipliers_cell *cells, size_t n)
{
    for (int d = 0; d < dims; d++) {
        double *sums;

        if (count[d] == 0)
            continue;
        sums = mem_zero(2 * count[d], sizeof(*sums));
        for (size_t c = 0; c < n; c++) {
            size_t value = cells[c].value[d];

            if (value >= count[d])
                continue;
            sums[value] += cells[c].o;
            sums[count[d] + value] += multipliers_expected(
                h, multipliers_p(h, dims, m, count, cells[c].value), cells[c].y);
        }
        multipliers_move(m[d], count[d], sums);
        mem_free(sums);
    }
}

void multipliers_finish(const struct hazard *h, int dims, double *const m[], const size_t count[],
                        struct multipliers_cell *cells, size_t n)
{
    for (size_t c = 0; c < n; c++)
        cells[c].p = multipliers_p(h, dims, m, count, cells[c].value);
}

void multipliers_fit(const struct hazard *h, int dims, double *const m[], const size_t count[],
                     struct multipliers_cell *cells, size_t n)
{
    multipliers_start(dims, m, count);
    for (int sweep = 0; sweep < MULTIPLIERS_SWEEPS; sweep++)
        multipliers_sweep(h, dims, m, count, cells, n);
    multipliers_finish(h, dims, m, count, cells, n);
}
