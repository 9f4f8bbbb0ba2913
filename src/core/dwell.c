/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets are integers only. For ms >= 64 let s = floor(log2 ms) - 6, so that m = ms >> s lies in [64, 128);
 * the bucket is 64 s + m. Below 128 s is 0 (or ms itself is the bucket), and the bucket is the duration.
 *
 * Worked example: 1000 ms: floor(log2) = 9, s = 3, m = 125, bucket 317 = [1000, 1007], reported as 1003. */
#include "funnel/dwell.h"

#include <stddef.h>
#include <string.h>

#include "funnel/mem.h"

_Static_assert(DWELL_BUCKETS % DWELL_PAGE == 0 && DWELL_BUCKETS / DWELL_PAGE <= 64,
               "a bit of `present` for each page");

void dwell_deinit(struct dwell *h)
{
    mem_free(h->counts);
    *h = (struct dwell){0};
}

uint32_t dwell_bucket(int64_t ms)
{
    int shift;

    if (ms < 2 * DWELL_PAGE)
        return ms > 0 ? (uint32_t)ms : 0;
    shift = 57 - __builtin_clzll((uint64_t)ms);
    return (uint32_t)(DWELL_PAGE * shift) + (uint32_t)(ms >> shift);
}

static int bucket_shift(uint32_t bucket)
{
    return bucket < 2 * DWELL_PAGE ? 0 : (int)(bucket / DWELL_PAGE) - 1;
}

int64_t dwell_bucket_low(uint32_t bucket)
{
    int shift = bucket_shift(bucket);

    return (int64_t)(bucket - (uint32_t)(DWELL_PAGE * shift)) << shift;
}

int64_t dwell_bucket_high(uint32_t bucket)
{
    return dwell_bucket_low(bucket) + ((INT64_C(1) << bucket_shift(bucket)) - 1);
}

/* Not __builtin_popcountll: without the CPU's instruction it is a call into libgcc. */
static unsigned bits_set(uint64_t x)
{
    x -= x >> 1 & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
    x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned)(x * UINT64_C(0x0101010101010101) >> 56);
}

/* The counts of a page, which is made if it is not there. */
static int64_t *dwell_page(struct dwell *h, uint32_t page)
{
    const size_t bytes = DWELL_PAGE * sizeof(*h->counts);
    uint64_t bit = UINT64_C(1) << page;
    size_t before = bits_set(h->present & (bit - 1));
    size_t after = bits_set(h->present) - before;
    int64_t *at;

    if (h->present & bit)
        return h->counts + before * DWELL_PAGE;
    h->counts = mem_resize(h->counts, before + after + 1, bytes);
    at = h->counts + before * DWELL_PAGE;
    memmove(at + DWELL_PAGE, at, after * bytes);
    memset(at, 0, bytes);
    h->present |= bit;
    return at;
}

static void dwell_total(struct dwell *h, int64_t n, int64_t sum, int64_t min, int64_t max)
{
    if (h->n == 0 || min < h->min)
        h->min = min;
    if (h->n == 0 || max > h->max)
        h->max = max;
    h->n += n;
    h->sum += sum;
}

void dwell_add(struct dwell *h, int64_t ms)
{
    int64_t value = ms > 0 ? ms : 0;

    dwell_add_n(h, dwell_bucket(value), 1, value, value, value);
}

int dwell_add_n(struct dwell *h, uint32_t bucket, int64_t n, int64_t sum, int64_t min, int64_t max)
{
    if (bucket >= DWELL_BUCKETS)
        return -1;
    if (n <= 0)
        return 0;
    dwell_page(h, bucket / DWELL_PAGE)[bucket % DWELL_PAGE] += n;
    dwell_total(h, n, sum, min, max);
    return 0;
}

void dwell_merge(struct dwell *h, const struct dwell *from)
{
    const int64_t *source = from->counts;

    if (from->n == 0)
        return;
    for (uint32_t page = 0; page < DWELL_BUCKETS / DWELL_PAGE; page++) {
        int64_t *to;

        if (!(from->present >> page & 1))
            continue;
        to = dwell_page(h, page);
        for (int i = 0; i < DWELL_PAGE; i++)
            to[i] += source[i];
        source += DWELL_PAGE;
    }
    dwell_total(h, from->n, from->sum, from->min, from->max);
}

/* ceil(q n), within 1 .. n. A product that only rounding put above a whole number is that number. */
static int64_t quantile_rank(double q, int64_t n)
{
    double exact = q * (double)n;
    int64_t rank;

    if (!(exact > 1.0))
        return 1;
    if (exact >= (double)n)
        return n;
    rank = (int64_t)exact;
    return rank + (exact - (double)rank > exact * 1e-15);
}

/* The bucket with the rank-th smallest duration. */
static uint32_t dwell_rank(const struct dwell *h, int64_t rank)
{
    const int64_t *counts = h->counts;
    int64_t seen = 0;

    for (uint32_t page = 0; page < DWELL_BUCKETS / DWELL_PAGE; page++) {
        if (!(h->present >> page & 1))
            continue;
        for (uint32_t i = 0; i < DWELL_PAGE; i++) {
            seen += counts[i];
            if (seen >= rank)
                return page * DWELL_PAGE + i;
        }
        counts += DWELL_PAGE;
    }
    return DWELL_BUCKETS - 1;
}

int64_t dwell_quantile(const struct dwell *h, double q)
{
    uint32_t bucket;
    int64_t low, middle;

    if (h->n <= 0)
        return -1;
    bucket = dwell_rank(h, quantile_rank(q, h->n));
    low = dwell_bucket_low(bucket);
    middle = low + (dwell_bucket_high(bucket) - low) / 2;
    if (middle < h->min)
        return h->min;
    return middle > h->max ? h->max : middle;
}

void dwell_save(const struct dwell *h, struct codec_out *out)
{
    codec_put_varint(out, h->present);
    if (h->present == 0)
        return;
    codec_put_zigzag(out, h->n);
    codec_put_zigzag(out, h->sum);
    codec_put_zigzag(out, h->min);
    codec_put_zigzag(out, h->max);
    for (size_t i = 0; i < (size_t)bits_set(h->present) * DWELL_PAGE; i++)
        codec_put_varint(out, (uint64_t)h->counts[i]);
}

void dwell_load(struct dwell *h, struct codec_in *in)
{
    uint64_t present = codec_get_varint(in), left;
    size_t pages = bits_set(present);

    if (present == 0)
        return;
    h->n = codec_get_sum(in);
    h->sum = codec_get_sum(in);
    h->min = codec_get_sum(in);
    h->max = codec_get_sum(in);
    if (present >> (DWELL_BUCKETS / DWELL_PAGE) || pages * DWELL_PAGE > in->left || h->n < 1) {
        codec_fail(in, "a histogram is wrong");
        return;
    }
    h->present = present;
    h->counts = mem_zero(pages, DWELL_PAGE * sizeof(*h->counts));
    left = (uint64_t)h->n;
    for (size_t i = 0; i < pages * DWELL_PAGE; i++) {
        h->counts[i] = (int64_t)codec_get_max(in, left);
        left -= (uint64_t)h->counts[i];
    }
    if (!in->error && left > 0)
        codec_fail(in, "a histogram does not add up");
}
