/* SPDX-License-Identifier: Apache-2.0 */
/* How long stays lasted: a mergeable histogram of durations in whole milliseconds.
 *
 * Durations below 128 ms have a bucket each; from there every octave [2^k, 2^(k+1)) has 64 equal
 * buckets, so that the middle of a bucket is within 1/128 of everything in it. All of int64 fits.
 * The buckets are those of HdrHistogram (G. Tene, hdrhistogram.org) with 64 sub-buckets. */
#ifndef FUNNEL_DWELL_H
#define FUNNEL_DWELL_H

#include <stdint.h>

#include "funnel/codec.h"

#define DWELL_PAGE 64       /* buckets of a page: an octave, but for the first two */
#define DWELL_BUCKETS 3712u /* 58 pages */

/* A zeroed one is empty. 48 bytes, and 512 for every octave that was seen. */
struct dwell {
    int64_t n, sum;   /* exact; sum in ms */
    int64_t min, max; /* exact; ms; 0 while n is 0 */
    uint64_t present; /* bit p: page p is there */
    int64_t *counts;  /* owned; the pages that are there, in ascending order */
};

void dwell_deinit(struct dwell *h); /* accepts a zeroed one; leaves it zeroed */

/* The bucket of a duration; a negative one counts as 0. Pure, ascending in ms. */
uint32_t dwell_bucket(int64_t ms);
/* First and last ms of a bucket; bucket < DWELL_BUCKETS. */
int64_t dwell_bucket_low(uint32_t bucket);
int64_t dwell_bucket_high(uint32_t bucket);

void dwell_add(struct dwell *h, int64_t ms);
/* n durations of one bucket, with their sum, shortest and longest. n <= 0 changes nothing.
 * Returns 0, or -1 and changes nothing when the bucket does not exist. */
int dwell_add_n(struct dwell *h, uint32_t bucket, int64_t n, int64_t sum, int64_t min, int64_t max);
void dwell_merge(struct dwell *h, const struct dwell *from);

/* The value of nearest rank ceil(q n), in ms: middle of its bucket, within the shortest and longest
 * seen; relative error <= 1/128. q in [0, 1]. -1 while there is none. */
int64_t dwell_quantile(const struct dwell *h, double q);

void dwell_save(const struct dwell *h, struct codec_out *out);
void dwell_load(struct dwell *h, struct codec_in *in); /* into an empty one */

#endif
