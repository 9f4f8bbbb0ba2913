/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/dwell.h"

#include <inttypes.h>
#include <stdlib.h>

#include <criterion/criterion.h>

static uint64_t random_state = 42;

static uint64_t random_bits(void)
{
    uint64_t z = (random_state += 0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

/* Evenly spread over the octaves from 1 ms to 2^bits ms. */
static int64_t random_duration(int bits)
{
    return (int64_t)(random_bits() >> 1 >> (63 - bits + (int)(random_bits() % (uint64_t)bits)));
}

Test(dwell, buckets_follow_each_other)
{
    int64_t next = 0;

    for (uint32_t b = 0; b < DWELL_BUCKETS; b++) {
        cr_assert(dwell_bucket_low(b) == next, "bucket %u", b);
        cr_assert(dwell_bucket(dwell_bucket_low(b)) == b, "low of %u", b);
        cr_assert(dwell_bucket(dwell_bucket_high(b)) == b, "high of %u", b);
        next = (int64_t)((uint64_t)dwell_bucket_high(b) + 1);
    }
    cr_assert(dwell_bucket_high(DWELL_BUCKETS - 1) == INT64_MAX);
    cr_assert(dwell_bucket(-5) == 0);
}

Test(dwell, small_durations_are_exact_and_wide_buckets_are_narrow_enough)
{
    for (uint32_t b = 0; b < DWELL_BUCKETS; b++) {
        int64_t low = dwell_bucket_low(b), high = dwell_bucket_high(b);

        if (low < 128)
            cr_assert(low == high, "%" PRId64, low);
        cr_assert((double)(high - low) / 2 <= (double)low * 0.01, "bucket %u", b);
    }
}

Test(dwell, the_example_of_the_source)
{
    cr_assert(dwell_bucket(1000) == 317);
    cr_assert(dwell_bucket_low(317) == 1000 && dwell_bucket_high(317) == 1007);
}

Test(dwell, an_empty_one)
{
    struct dwell h = {0};

    cr_assert(dwell_quantile(&h, 0.5) == -1);
    cr_assert(dwell_add_n(&h, 5, 0, 0, 0, 0) == 0 && h.n == 0 && !h.counts);
    cr_assert(dwell_add_n(&h, DWELL_BUCKETS, 1, 1, 1, 1) == -1 && h.n == 0);
    cr_assert(sizeof(h) <= 48);
    dwell_deinit(&h);
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Nearest rank in thousandths, in integers. */
static int64_t exact_quantile(const int64_t *sorted, int64_t n, int64_t permille)
{
    int64_t rank = (permille * n + 999) / 1000;

    return sorted[(rank < 1 ? 1 : rank) - 1];
}

static void check_quantiles(const struct dwell *h, int64_t *values, int64_t n)
{
    qsort(values, (size_t)n, sizeof(*values), ascending);
    for (int64_t permille = 0; permille <= 1000; permille++) {
        int64_t exact = exact_quantile(values, n, permille);
        int64_t got = dwell_quantile(h, (double)permille / 1000.0);

        cr_assert(llabs(got - exact) * 100 <= exact,
                  "n %" PRId64 " q %" PRId64 ": %" PRId64 " for %" PRId64, n, permille, got, exact);
    }
    cr_assert(h->min == values[0] && h->max == values[n - 1]);
    cr_assert(dwell_quantile(h, 0.0) == values[0] || values[0] >= 128);
    cr_assert(dwell_quantile(h, 1.0) <= h->max);
}

Test(dwell, quantiles_are_within_one_per_cent)
{
    static const int64_t sizes[] = {1, 2, 3, 7, 10, 100, 1000, 9999};

    for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
        int64_t *values = calloc((size_t)sizes[s], sizeof(*values));
        struct dwell h = {0};
        int64_t sum = 0;

        for (int64_t i = 0; i < sizes[s]; i++) {
            values[i] = random_duration(40);
            sum += values[i];
            dwell_add(&h, values[i]);
        }
        cr_assert(h.n == sizes[s] && h.sum == sum);
        check_quantiles(&h, values, sizes[s]);
        dwell_deinit(&h);
        free(values);
    }
}

/* What cells do: counts by bucket, added in any order, then merged. */
Test(dwell, merging_equals_adding)
{
    struct dwell all = {0}, parts[3] = {0}, merged = {0};
    const int64_t n = 3000;
    int64_t *values = calloc((size_t)n, sizeof(*values));

    for (int64_t i = 0; i < n; i++) {
        int64_t v = values[i] = random_duration(50);

        dwell_add(&all, v);
        cr_assert(dwell_add_n(&parts[i % 3], dwell_bucket(v), 1, v, v, v) == 0);
    }
    dwell_merge(&merged, &(struct dwell){0});
    for (int i = 2; i >= 0; i--)
        dwell_merge(&merged, &parts[i]);
    cr_assert(merged.n == all.n && merged.sum == all.sum && merged.min == all.min);
    cr_assert(merged.max == all.max && merged.present == all.present);
    for (int q = 0; q <= 100; q++)
        cr_assert(dwell_quantile(&merged, q / 100.0) == dwell_quantile(&all, q / 100.0));
    check_quantiles(&merged, values, n);
    dwell_deinit(&all);
    dwell_deinit(&merged);
    for (int i = 0; i < 3; i++)
        dwell_deinit(&parts[i]);
    free(values);
}

Test(dwell, the_longest_durations)
{
    struct dwell h = {0};

    dwell_add(&h, INT64_MAX - 3);
    cr_assert(dwell_quantile(&h, 0.5) == INT64_MAX - 3);
    cr_assert(h.min == INT64_MAX - 3 && h.max == INT64_MAX - 3);
    dwell_deinit(&h);
}

Test(dwell, a_product_only_rounding_put_above_a_whole_number)
{
    struct dwell h = {0};

    for (int i = 1; i <= 100; i++)
        dwell_add(&h, i);
    for (int i = 1; i <= 100; i++)
        cr_assert(dwell_quantile(&h, i / 100.0) == i, "%d %%", i);
    dwell_deinit(&h);
}
