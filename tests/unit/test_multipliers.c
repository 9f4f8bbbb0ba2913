/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/multipliers.h"

#include "funnel/fmath.h"
#include "lib/golden.h"
#include "lib/hazards.h"

#define CELLS 64

/* A table of cells over two dimensions. */
struct table {
    uint32_t value[CELLS][2];
    double y[CELLS][AGES_BINS];
    struct multipliers_cell cells[CELLS];
    size_t n, count[2];
    double m_first[8], m_second[8], *m[2];
};

static void table_init(struct table *t, size_t first, size_t second)
{
    *t = (struct table){.count = {first, second}};
    t->m[0] = t->m_first;
    t->m[1] = t->m_second;
}

static void table_add(struct table *t, uint32_t first, uint32_t second, double o)
{
    size_t c = t->n++;

    t->value[c][0] = first;
    t->value[c][1] = second;
    t->cells[c] = (struct multipliers_cell){t->value[c], t->y[c], o, 0.0};
}

/* One bin of one pane: the chance of advancing is p itself, as the file has it. */
static void one_bin(struct hazard *h, double p)
{
    static const int64_t edge[] = {0, 1};

    hazard_init(h, 1, edge, &p);
}

static void golden_table(const cJSON *golden, struct table *t)
{
    double n[CELLS], o[CELLS], value[2];
    int cells = golden_numbers(shared_member(golden, "n"), n, CELLS);
    const cJSON *cell;

    cr_assert(golden_numbers(shared_member(golden, "O"), o, CELLS) == cells);
    table_init(t, 2, 3);
    cJSON_ArrayForEach (cell, shared_member(golden, "cells")) {
        cr_assert(golden_numbers(cell, value, 2) == 2 && t->n < (size_t)cells);
        t->y[t->n][0] = n[t->n];
        table_add(t, (uint32_t)value[0], (uint32_t)value[1], o[t->n]);
    }
    cr_assert(t->n == (size_t)cells);
}

static void check_m(const struct table *t, const cJSON *wanted, const char *name)
{
    for (int d = 0; d < 2; d++) {
        double m[8];

        cr_assert(golden_numbers(cJSON_GetArrayItem(wanted, d), m, 8) == (int)t->count[d]);
        for (size_t v = 0; v < t->count[d]; v++)
            golden_equal(t->m[d][v], m[v], "%s, dimension %d, value %zu", name, d, v);
    }
}

Test(multipliers, golden)
{
    cJSON *file = golden_open();
    const cJSON *golden = shared_member(file, "segments"), *sweep;
    struct table t;
    struct hazard h;
    double p[CELLS];
    int sweeps = 0;

    golden_table(golden, &t);
    one_bin(&h, -fm_expm1(-shared_number(golden, "theta")));
    multipliers_start(2, t.m, t.count);
    cJSON_ArrayForEach (sweep, shared_member(golden, "m_after_each_sweep")) {
        multipliers_sweep(&h, 2, t.m, t.count, t.cells, t.n);
        check_m(&t, sweep, "sweep");
        sweeps++;
    }
    cr_assert(sweeps == MULTIPLIERS_SWEEPS);
    multipliers_fit(&h, 2, t.m, t.count, t.cells, t.n);
    check_m(&t, cJSON_GetArrayItem(shared_member(golden, "m_after_each_sweep"), sweeps - 1), "fit");
    cr_assert(golden_numbers(shared_member(golden, "p_cell"), p, CELLS) == (int)t.n);
    for (size_t c = 0; c < t.n; c++)
        golden_equal(t.cells[c].p, p[c], "p of cell %zu", c);
    cJSON_Delete(file);
}

/* --- without the file --- */

static void check_finite(const struct table *t)
{
    for (int d = 0; d < 2; d++)
        for (size_t v = 0; v < t->count[d]; v++)
            cr_assert(t->m[d][v] >= 0.02 && t->m[d][v] <= 50.0, "%d %zu: %g", d, v, t->m[d][v]);
    for (size_t c = 0; c < t->n; c++)
        cr_assert(t->cells[c].p >= 0.0 && t->cells[c].p < 1.0, "cell %zu: %g", c, t->cells[c].p);
}

Test(multipliers, nothing_learned_is_the_pool)
{
    struct table t;
    struct hazard h;

    one_bin(&h, 0.3);
    table_init(&t, 2, 3);
    table_add(&t, 0, 0, 0.0);
    table_add(&t, 1, 2, 0.0);
    multipliers_fit(&h, 2, t.m, t.count, t.cells, t.n);
    check_finite(&t);
    for (size_t v = 0; v < 3; v++)
        cr_assert(t.m[1][v] == 1.0);
    cr_assert(fabs(t.cells[0].p - 0.3) < 1e-15 && t.cells[0].p == t.cells[1].p);
    multipliers_fit(&h, 2, t.m, t.count, NULL, 0);
    cr_assert(t.m[0][0] == 1.0 && t.m[0][1] == 1.0);
}

Test(multipliers, no_dimension)
{
    struct table t;
    struct hazard h;

    one_bin(&h, 0.3);
    table_init(&t, 0, 0);
    table_add(&t, 0, 0, 5.0);
    multipliers_fit(&h, 0, NULL, NULL, t.cells, t.n);
    cr_assert(fabs(t.cells[0].p - 0.3) < 1e-15);
    multipliers_fit(&h, 2, t.m, t.count, t.cells, t.n);
    cr_assert(fabs(t.cells[0].p - 0.3) < 1e-15, "dimensions without values");
}

Test(multipliers, a_value_unknown_counts_as_1)
{
    static const uint32_t value[] = {1, UINT32_MAX};
    struct table t;
    struct hazard h;

    one_bin(&h, 0.3);
    table_init(&t, 2, 3);
    t.y[0][0] = 1e6;
    table_add(&t, 0, 99, 1e5);
    multipliers_fit(&h, 2, t.m, t.count, t.cells, t.n);
    check_finite(&t);
    cr_assert(t.m[0][0] < 0.5 && t.m[0][1] == 1.0 && t.m[1][0] == 1.0);
    cr_assert(fabs(multipliers_p(&h, 2, t.m, t.count, value) - 0.3) < 1e-15);
}

/* Plenty of data made by a product of multipliers over many ages: they are found, up to a factor
 * that dimensions share. */
Test(multipliers, finds_what_made_the_counts)
{
    static const double first[] = {0.5, 1.5}, second[] = {0.8, 1.0, 1.3};
    struct table t;
    struct hazard h;
    double theta;

    hazards_random(&h, 7, 12);
    theta = -log1p(-h.p);
    table_init(&t, 2, 3);
    for (uint32_t a = 0; a < 2; a++)
        for (uint32_t b = 0; b < 3; b++) {
            double chance[AGES_BINS], o = 0.0;

            hazard_chances(&h, -expm1(-theta * first[a] * second[b]), chance);
            for (int j = 0; j < h.bins; j++) {
                t.y[t.n][j] = 1e9 / (1 + j);
                o += t.y[t.n][j] * chance[j];
            }
            table_add(&t, a, b, o);
        }
    multipliers_fit(&h, 2, t.m, t.count, t.cells, t.n);
    cr_assert(fabs(t.m[0][1] / t.m[0][0] - 3.0) < 0.01, "%g", t.m[0][1] / t.m[0][0]);
    cr_assert(fabs(t.m[1][2] / t.m[1][0] - 1.3 / 0.8) < 0.01, "%g", t.m[1][2] / t.m[1][0]);
    for (size_t c = 0; c < t.n; c++) {
        double wanted = -expm1(-theta * first[c / 3] * second[c % 3]);

        cr_assert(fabs(t.cells[c].p - wanted) < 0.01 * wanted, "cell %zu: %g", c, t.cells[c].p);
    }
}

/* Two of two: the best fit is a chance of 1, of m = 50. Ten conversions of prior keep it
 * near its parent for the eight steps that are taken. */
Test(multipliers, a_cold_value_is_shrunk)
{
    struct table t;
    struct hazard h;

    one_bin(&h, 0.3);
    table_init(&t, 2, 1);
    t.y[0][0] = 1e5;
    table_add(&t, 0, 0, 3e4);
    t.y[1][0] = 2.0;
    table_add(&t, 1, 0, 2.0);
    multipliers_fit(&h, 2, t.m, t.count, t.cells, t.n);
    cr_assert(t.m[0][1] > 1.0 && t.m[0][1] < 2.0, "%g", t.m[0][1]);
}

Test(multipliers, finite_in_finite_out)
{
    static const double lambdas[] = {0.0, 1e-320, 1e-9, 0.5, 0.9};
    static const double sizes[] = {0.0, 5e-324, 1.0, 1e12, 1e300};

    for (int i = 0; i < 125; i++) {
        struct table t;
        struct hazard h;

        one_bin(&h, lambdas[i % 5]);
        table_init(&t, 2, 3);
        t.y[0][0] = sizes[i / 5 % 5];
        table_add(&t, 0, 1, sizes[i / 25]);
        t.y[1][0] = 10.0;
        table_add(&t, 1, 2, 3.0);
        multipliers_fit(&h, 2, t.m, t.count, t.cells, t.n);
        check_finite(&t);
    }
}
