/* SPDX-License-Identifier: Apache-2.0 */
/* Random settings and streams for property tests: rich enough that alerts fire and resolve, caps refuse,
 * windows pass, clocks go wrong. A function of the seed alone. */
#ifndef TESTS_STREAMS_H
#define TESTS_STREAMS_H

#include "lib/pipe_kit.h"

struct stream {
    uint64_t seed;
    struct buf yaml;
    struct pipe_log log; /* in one interleaving; order within a partition is what counts */
    size_t partitions;
    int64_t from_ms, pane_ms, gap_from_ms,
        gap_to_ms; /* gap: nothing happens in it; equal: there is none */
};

enum stream_flag {
    STREAM_GAP = 1,        /* a long quiet time in the middle */
    STREAM_TIMESTAMPS = 2, /* records have timestamps, some events come from the future */
    STREAM_HEARD = 4,      /* no alerts about the source itself */
    STREAM_STEADY = 8, /* no rules that go by what comes besides: of detection, and data_quality */
};

void stream_make(struct stream *s, uint64_t seed, size_t partitions, unsigned flags);
void stream_deinit(struct stream *s);

/* Event time of a line; INT64_MIN where it has none. */
int64_t stream_time(struct stream *s, size_t line);

/* Orders of the same lines, each partition's as they were: woven by chance, some lagging; or one partition after
 * the other, the last first. */
void stream_interleave(const struct stream *s, const size_t *lines, size_t count, uint64_t seed,
                       size_t *ret);
void stream_apart(const struct stream *s, const size_t *lines, size_t count, size_t *ret);

#define RUN_SOURCE 3 /* after the funnels */

/* What is to be equal between two runs of one log. */
struct run_result {
    struct buf deadletters[PIPE_SOURCES_MAX]; /* by partition, in order */
    struct buf alerts[RUN_SOURCE + 1];        /* by funnel, then the source's, in order */
    struct buf report;
    struct buf detector; /* saved, of all funnels */
    uint64_t tally_digests[PIPE_SOURCES_MAX], judge_digest;
    size_t fired, resolved, detected; /* detected: of rules of detection */
    uint64_t counts[COUNTER_COUNT];
    uint64_t conservation; /* by judge_audit */
    char audit[400]; /* what audit_differs() said first, at the end or on the way; "": nothing */
};
/* At any moment between steps. */
void run_result_audit(const struct pipe *k, struct run_result *ret);
void run_result_take(struct pipe *k, struct run_result *ret);
void run_result_deinit(struct run_result *r);
/* NULL where they are equal, and neither's audit found anything; else what differs. */
const char *run_result_differs(const struct run_result *a, const struct run_result *b);

/* Feeds lines[order[0..count)) of the log in batches: batch(user, at) says how many come next. Audited now and then. */
typedef size_t stream_batch_fn(void *user, struct pipe *k, size_t at);
void stream_run(struct stream *s, const size_t *order, size_t count, stream_batch_fn *batch,
                void *user, struct run_result *ret);

/* --- properties --- */

struct property_sums {
    size_t fired, resolved, detected, streams;
};
/* NULL, or what is wrong with these lines of the stream. Adds to sums what happened. */
typedef const char *property_fn(struct stream *s, const size_t *lines, size_t count,
                                struct property_sums *sums);
/* Streams of seeds [first, first + count), 1 to max_partitions partitions. The first stream that fails is
 * made smaller, printed with its seed and its settings, and what is wrong with it returned. SEED in the
 * environment runs that one alone. */
const char *property_run(property_fn *check, uint64_t first, size_t count, size_t max_partitions,
                         unsigned flags, struct property_sums *ret_sums);

/* What must have been seen at least, for a test not to be vacuous: less where TEST_LIGHT tries fewer seeds. */
size_t property_least(size_t n);

#endif
