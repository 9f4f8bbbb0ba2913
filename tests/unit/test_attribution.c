/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/attribution.h"

#include "funnel/ages.h"
#include "lib/golden.h"
#include "lib/hazards.h"

#define SERIES 16

static void check_segment(const cJSON *c)
{
    const char *note = golden_text(c, "note");
    double o[SERIES], e[SERIES], ll[SERIES], penalised[SERIES], best_score;
    int n = golden_numbers(shared_member(c, "O"), o, SERIES);
    size_t best;

    cr_assert(golden_numbers(shared_member(c, "E"), e, SERIES) == n);
    cr_assert(golden_numbers(shared_member(c, "ll"), ll, SERIES) == n);
    cr_assert(golden_numbers(shared_member(c, "ll_penalised"), penalised, SERIES) == n);
    for (int i = 0; i < n; i++) {
        golden_equal(attribution_score(o[i], e[i]), ll[i], "%s: score %d", note, i);
        cr_assert(fabs(ll[i] - (i > 0 ? log(n) : 0.0) - penalised[i]) < 1e-6);
    }
    best = attribution_best(o, e, (size_t)n, &best_score);
    cr_assert_str_eq(cJSON_GetArrayItem(shared_member(c, "series"), (int)best)->valuestring,
                     golden_text(c, "segment"), "%s", note);
    golden_equal(best_score, penalised[best], "%s: best", note);
    golden_equal(attribution_ratio(o[best], e[best]), shared_number(c, "ratio"), "%s: ratio", note);
}

Test(attribution, golden_segment)
{
    cJSON *file = golden_open();
    const cJSON *golden = shared_member(shared_member(file, "attribution"), "segment"), *c;
    int cases = 0;

    cJSON_ArrayForEach (c, shared_member(golden, "cases")) {
        check_segment(c);
        cases++;
    }
    cr_assert(cases >= 4);
    cJSON_Delete(file);
}

static void check_kind(const cJSON *c)
{
    const char *note = golden_text(c, "note");
    double n[AGES_BINS], e[AGES_BINS], u[AGES_BINS], observed = 0.0, expected = 0.0, slow, drop;
    int bins = golden_numbers(shared_member(c, "N"), n, AGES_BINS);

    cr_assert(golden_numbers(shared_member(c, "E"), e, AGES_BINS) == bins);
    cr_assert(golden_numbers(shared_member(c, "u"), u, AGES_BINS) == bins);
    for (int j = 0; j < bins; j++) {
        observed += n[j];
        expected += e[j];
    }
    slow = attribution_slow_score(bins, u, n, e);
    drop = attribution_score(observed, expected);
    golden_equal(slow, shared_number(c, "ll_slow"), "%s: slow", note);
    golden_equal(drop, shared_number(c, "ll_drop"), "%s: drop", note);
    cr_assert(attribution_is_slowdown(slow, drop) == !strcmp(golden_text(c, "kind"), "slowdown"),
              "%s", note);
}

Test(attribution, golden_kind)
{
    cJSON *file = golden_open();
    const cJSON *golden = shared_member(shared_member(file, "attribution"), "kind"), *c;
    int cases = 0;

    cJSON_ArrayForEach (c, shared_member(golden, "cases")) {
        check_kind(c);
        cases++;
    }
    cr_assert(cases >= 3);
    cJSON_Delete(file);
}

Test(attribution, golden_recovery)
{
    cJSON *file = golden_open();
    const cJSON *golden = shared_member(shared_member(file, "attribution"), "recovery");
    double n[64], a[64], wanted[64], R = 0.0, r = recovery_ratio(shared_number(golden, "ratio"));
    int steps = golden_numbers(shared_member(golden, "R"), wanted, 64), resolved = -1;

    golden_equal(RECOVERY_NATS, shared_number(golden, "RESOLVE"), "limit");
    golden_equal(r, shared_number(golden, "r"), "r");
    cr_assert(steps > 0 && golden_numbers(shared_member(golden, "N"), n, 64) == steps);
    cr_assert(golden_numbers(shared_member(golden, "A"), a, 64) == steps);
    for (int i = 0; i < steps; i++) {
        R = recovery_step(R, n[i], a[i], r, shared_number(golden, "phi"));
        golden_equal(R, wanted[i], "R %d", i);
        if (resolved < 0 && R > RECOVERY_NATS)
            resolved = i;
    }
    cr_assert(resolved == (int)shared_number(golden, "resolved_at"), "%d", resolved);
    cJSON_Delete(file);
}

/* --- without the file --- */

Test(attribution, score)
{
    cr_assert(attribution_score(0.0, 0.0) == 0.0 && attribution_score(5.0, 0.0) == 0.0);
    cr_assert(attribution_score(5.0, 5.0) == 0.0 && attribution_score(6.0, 5.0) == 0.0);
    cr_assert(attribution_score(0.0, 7.0) == 7.0, "nobody at all");
    cr_assert(fabs(attribution_score(24.0, 80.0) - 27.1046527) < 1e-6);
    cr_assert(attribution_score(10.0, 20.0) < attribution_score(5.0, 20.0));
    cr_assert(attribution_ratio(0.0, 0.0) == 1.0);
}

Test(attribution, score_is_finite)
{
    static const double sizes[] = {0.0, 5e-324, 1e-310, 1e-9, 0.3, 0.5, 1.0, 1e9, 1e300};

    for (int i = 0; i < 81; i++) {
        double o = sizes[i % 9], e = sizes[i / 9];

        cr_assert(isfinite(attribution_score(o, e)), "o %g e %g", o, e);
        cr_assert(attribution_score(o, e) >= 0.0, "o %g e %g", o, e);
        cr_assert(isfinite(attribution_ratio(o, e)));
    }
}

Test(attribution, best_of_one_and_of_equals)
{
    static const double o[] = {50, 10, 10}, e[] = {80, 40, 40}, none[3] = {0};
    double score;

    cr_assert(attribution_best(o, e, 1, &score) == 0 && score == attribution_score(50, 80));
    cr_assert(attribution_best(o, e, 3, &score) == 1, "the first of equals");
    cr_assert(fabs(score - (attribution_score(10, 40) - log(3))) < 1e-12);
    cr_assert(attribution_best(none, none, 3, &score) == 0 && score == 0.0);
}

/* --- which values --- */

static double subset_score(const double *o, const double *e, size_t n, unsigned set)
{
    double observed = 0.0, expected = 0.0;

    for (size_t i = 0; i < n; i++)
        if (set >> i & 1) {
            observed += o[i];
            expected += e[i];
        }
    return attribution_score(observed, expected);
}

static double best_of_all_sets(const double *o, const double *e, size_t n)
{
    double best = 0.0;

    for (unsigned set = 1; set < 1u << n; set++) {
        double score = subset_score(o, e, n, set);

        best = score > best ? score : best;
    }
    return best;
}

static void check_order(const size_t *order, const double *o, const double *e, size_t n)
{
    unsigned seen = 0;

    for (size_t i = 0; i < n; i++) {
        cr_assert(order[i] < n && !(seen >> order[i] & 1), "a permutation");
        seen |= 1u << order[i];
        if (i > 0 && e[order[i - 1]] > 0.0 && e[order[i]] > 0.0)
            cr_assert(o[order[i - 1]] / e[order[i - 1]] <= o[order[i]] / e[order[i]]);
    }
}

Test(attribution, subset_equals_brute_force)
{
    uint64_t state = 5;
    int found = 0;

    for (int round = 0; round < 3000; round++) {
        size_t n = 1 + (size_t)(round % 10), order[10], in;
        double o[10], e[10], score, brute;
        unsigned set = 0;

        for (size_t i = 0; i < n; i++) {
            o[i] = floor(hazards_uniform(&state) * (round % 3 ? 60.0 : 4.0));
            e[i] = hazards_uniform(&state) < 0.1 ? 0.0 : hazards_uniform(&state) * 60.0;
        }
        in = attribution_subset(o, e, n, order, &score);
        check_order(order, o, e, n);
        for (size_t i = 0; i < in; i++)
            set |= 1u << order[i];
        brute = best_of_all_sets(o, e, n);
        cr_assert(fabs(score - brute) < 1e-9, "round %d: %g, brute force %g", round, score, brute);
        cr_assert(fabs(subset_score(o, e, n, set) - score) < 1e-9 && (in > 0) == (score > 0.0));
        found += in > 1;
    }
    cr_assert(found > 500);
}

Test(attribution, subset_where_nothing_fell)
{
    size_t order[3];
    double score;

    cr_assert(attribution_subset(NULL, NULL, 0, order, &score) == 0 && score == 0.0);
    cr_assert(attribution_subset((const double[]){5, 0, 9}, (const double[]){4, 0, 9}, 3, order,
                                 &score) == 0);
    cr_assert(score == 0.0 && order[0] == 2 && order[1] == 0 && order[2] == 1);
    cr_assert(attribution_subset((const double[]){0, 7, 0}, (const double[]){0, 0, 6}, 3, order,
                                 &score) == 1);
    cr_assert(order[0] == 2 && score == 6.0);
}

Test(attribution, subset_of_equals_keeps_their_order)
{
    double o[100], e[100], score;
    size_t order[100];

    for (int i = 0; i < 100; i++)
        o[i] = 1.0, e[i] = 2.0;
    cr_assert(attribution_subset(o, e, 100, order, &score) == 100);
    for (size_t i = 0; i < 100; i++)
        cr_assert(order[i] == i);
}

/* --- rate and mix --- */

static double sum(const double *x, size_t n)
{
    double total = 0.0;

    for (size_t i = 0; i < n; i++)
        total += x[i];
    return total;
}

Test(attribution, split_adds_up)
{
    uint64_t state = 9;

    for (int round = 0; round < 2000; round++) {
        double n1[8], k1[8], n0[8], k0[8], rate[8], mix[8], residual, change;
        size_t n = 1 + (size_t)(round % 8);

        for (size_t i = 0; i < n; i++) {
            n1[i] = floor(pow(10.0, 5.0 * hazards_uniform(&state)) - 1.0);
            n0[i] = i ? floor(pow(10.0, 5.0 * hazards_uniform(&state)) - 1.0) : 50.0;
            n1[0] = i ? n1[0] : 40.0;
            k1[i] = floor(n1[i] * hazards_uniform(&state));
            k0[i] = floor(n0[i] * hazards_uniform(&state));
        }
        residual = attribution_split(n1, k1, n0, k0, n, rate, mix);
        change = sum(k1, n) / sum(n1, n) - sum(k0, n) / sum(n0, n);
        cr_assert(fabs(sum(rate, n) + sum(mix, n) - change) < 1e-14);
        cr_assert(fabs(residual) < 1e-14, "round %d: %g", round, residual);
    }
}

Test(attribution, split_knows_a_mix_shift)
{
    static const double now[] = {100, 300}, before[] = {300, 100};
    double rate[2], mix[2];

    attribution_split(now, (const double[]){50, 30}, before, (const double[]){150, 10}, 2, rate,
                      mix);
    cr_assert(fabs(rate[0]) < 1e-15 && fabs(rate[1]) < 1e-15);
    cr_assert(fabs(mix[0] + 0.25) < 1e-15 && fabs(mix[1] - 0.05) < 1e-15);
    attribution_split(now, (const double[]){25, 15}, now, (const double[]){50, 30}, 2, rate, mix);
    cr_assert(mix[0] == 0.0 && mix[1] == 0.0 && fabs(rate[0] + 0.0625) < 1e-15);
}

Test(attribution, split_of_new_and_vanished_segments)
{
    static const double now[] = {100, 100, 0}, before[] = {100, 0, 100};
    double rate[3], mix[3], residual;

    residual = attribution_split(now, (const double[]){50, 20, 0}, before,
                                 (const double[]){40, 0, 10}, 3, rate, mix);
    cr_assert(fabs(rate[0] - 0.05) < 1e-15 && rate[1] == 0.0 && rate[2] == 0.0);
    cr_assert(mix[0] == 0.0 && fabs(mix[1] - 0.1) < 1e-15 && fabs(mix[2] + 0.05) < 1e-15);
    cr_assert(fabs(residual) < 1e-15);
}

Test(attribution, split_of_nothing)
{
    static const double none[2] = {0}, some[] = {5, 6};
    double rate[2] = {9, 9}, mix[2] = {9, 9};

    cr_assert(attribution_split(none, none, some, some, 2, rate, mix) == 0.0);
    cr_assert(rate[0] == 0.0 && rate[1] == 0.0 && mix[0] == 0.0 && mix[1] == 0.0);
    cr_assert(attribution_split(some, some, none, none, 2, rate, mix) == 0.0 && mix[0] == 0.0);
    cr_assert(attribution_split(NULL, NULL, NULL, NULL, 0, rate, mix) == 0.0);
}

/* --- kind, recovery --- */

Test(attribution, slowdown_needs_a_margin)
{
    cr_assert(!attribution_is_slowdown(0.0, 0.0) && !attribution_is_slowdown(3.5, 3.0));
    cr_assert(attribution_is_slowdown(3.6, 3.0));
    cr_assert(attribution_slow_score(0, NULL, NULL, NULL) == 0.0);
}

Test(recovery, ratio_is_clamped)
{
    cr_assert(recovery_ratio(0.0) == recovery_ratio(0.08) && recovery_ratio(-3.0) > 0.0);
    cr_assert(recovery_ratio(7.0) == recovery_ratio(0.9));
    cr_assert(fabs(recovery_ratio(0.5) - pow(0.5, 0.75)) < 1e-15);
}

/* Conversions as expected bring it to 4 nats; what the drop left does not. */
Test(recovery, tells_well_from_ill)
{
    double r = recovery_ratio(0.5), well = 0.0, ill = 0.0;

    for (int i = 0; i < 20; i++) {
        well = recovery_step(well, 10.0, 10.0, r, 1.0);
        ill = recovery_step(ill, 5.0, 10.0, r, 1.0);
    }
    cr_assert(well > RECOVERY_NATS && ill == 0.0);
    cr_assert(recovery_step(1.5, 0.0, 0.0, r, 1.0) == 1.5);
    cr_assert(recovery_step(0.0, 0.0, 1e300, r, 1.0) == 0.0);
}

/* --- what would have come --- */

/* A cohort followed pane by pane while its chances are `ratio` of the usual: what came, what its survivors were expected
 * to. */
static void cohort_follow(const struct hazard *h, const double *chance, double ratio, double *ret_o,
                          double *ret_e)
{
    double open = 1.0;

    *ret_o = *ret_e = 0.0;
    for (int bin = 0; bin < h->bins; bin++)
        for (int i = 0; i < (int)h->width[bin]; i++) {
            *ret_e += open * chance[bin];
            *ret_o += open * ratio * chance[bin];
            open -= open * ratio * chance[bin];
        }
}

static void expect_due(int64_t panes, int bins, double p, double ratio)
{
    double lambda[AGES_BINS], chance[AGES_BINS], o, e, due;
    struct hazard h;
    struct ages ages;

    ages_init(&ages, panes);
    for (int bin = 0; bin < ages.bins; bin++)
        lambda[bin] = bin < bins ? 0.5 : 0;
    hazard_init(&h, ages.bins, ages.edge, lambda);
    hazard_chances(&h, p, chance);
    cohort_follow(&h, chance, ratio, &o, &e);
    due = attribution_due(&h, p, 1e9, 1000 * o, 1000 * e);
    cr_assert(fabs(due - 1000 * p) < 0.1, "of 1000 at %g in %d bins of %d panes, with %g: %g", p,
              bins, (int)panes, ratio, due);
}

/* In one pane, in some, in hundreds. */
Test(attribution, what_would_have_come_is_what_a_cohort_gives)
{
    static const double rates[] = {0.02, 0.3, 0.7, 0.95}, ratios[] = {0, 0.01, 0.27, 0.8, 1.0};
    static const int64_t panes[] = {1, 10, 500};
    static const int bins[] = {1, 4, AGES_BINS};

    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 5; k++)
            for (int n = 0; n < 3; n++)
                for (int b = 0; b < 3; b++)
                    expect_due(panes[n], bins[b], rates[i], ratios[k]);
}

/* Before anybody can have come through there is no telling; where nothing has changed, what was expected came. */
Test(attribution, what_would_have_come_at_the_edges)
{
    static const int64_t edge[] = {0, 1, 11};
    static const double lambda[] = {0.2, 0.02};
    struct hazard h;

    hazard_init(&h, 2, edge, lambda);
    cr_assert(fabs(attribution_due(&h, 0.9, 50, 50, 50) - 50) < 1e-9);
    cr_assert(fabs(attribution_due(&h, 1e-9, 50, 3, 100) - 100) < 1e-6, "nothing is counted twice");
    cr_assert(attribution_due(&h, 0.5, 1, 10, 100) > attribution_due(&h, 0.5, 100, 10, 100));
    cr_assert(attribution_due(&h, 0.5, 50, 90, 50) > 50, "a rise: more would have stayed at risk");
    cr_assert(attribution_due(&h, 0, 50, 3, 100) == 100.0);
    cr_assert(attribution_due(&h, 0.5, 50, 3, 0) == 0.0);
    cr_assert(attribution_due(&h, 0.5, 0, 3, 100) == 100.0);
}
