/* SPDX-License-Identifier: Apache-2.0 */
/* Random decisions for a stream, and runs that are given them at their places, one way or another. */
#ifndef TESTS_DECIDED_H
#define TESTS_DECIDED_H

#include "lib/streams.h"

struct decided {
    struct decision *items; /* by seq */
    size_t count, cap;
};

/* Quiet partitions and sources, outages of days, releases, gaps, at times a bootstrap. */
void decided_make(struct decided *d, struct stream *s, uint64_t seed);
void decided_add(struct decided *d, uint32_t source, enum decision_kind kind, int64_t at,
                 int64_t value);
void decided_deinit(struct decided *d);

/* Those of a source are queued all at first, or (live) as their places come, and then reached at once or come upon
 * in a step. The log ends for all when the last line was given. */
struct decided_way {
    bool live;
    struct dice dice;  /* batches, and what of two ways comes */
    int64_t most;      /* lines in a batch */
    double restarts;   /* chance of one, before a batch: saved and loaded into a new pipeline */
    const char *wrong; /* of a restart, or by an audit */
};
/* The pipe is open, and remains so. NULL, or what was wrong with a restart, or by an audit on the way. */
const char *decided_feed(struct pipe *k, struct stream *s, const struct decided *d,
                         const size_t *lines, size_t count, struct decided_way way);
const char *decided_run(struct stream *s, const struct decided *d, const size_t *lines,
                        size_t count, struct decided_way way, struct run_result *ret);

#endif
