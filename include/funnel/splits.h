/* SPDX-License-Identifier: Apache-2.0 */
/* Split keys: ids whose events come in more than one partition (or topic), where each tally takes them for an entity
 * of its own and every rate is wrong. One id in SPLITS_SHARE is watched, chosen by its fingerprint, so that the same
 * ones are watched in all partitions. A judge owns one.
 *
 * Panes are told in their order; the order of events within one does not matter. */
#ifndef FUNNEL_SPLITS_H
#define FUNNEL_SPLITS_H

#include <stdbool.h>
#include <stdint.h>

#include "funnel/codec.h"

#define SPLITS_SHARE 4096
/* Ids known at once, in 32 bytes each: those of 67 million entities. When it is full, further ones are not watched
 * until others are forgotten. */
#define SPLITS_MAX 16384

static inline bool splits_watches(uint64_t fingerprint)
{
    return (fingerprint & (SPLITS_SHARE - 1)) == 0;
}

/* Of one pane. */
struct splits_sums {
    int64_t watched; /* events of the ids known */
    int64_t
        split; /* of these, of ids that came from another source than before within the last day */
    int64_t fresh; /* ids found to be split for the first time since they are known */
};

struct splits;

struct splits *splits_new(void);
void splits_free(struct splits *s); /* accepts NULL */
/* n events of a watched id came from this source in the pane that is being closed. */
void splits_see(struct splits *s, uint64_t fingerprint, uint32_t source, int64_t n);
/* The pane is over. Ids not heard of for forget_ms go with the first event of a day (of panes, in UTC). */
struct splits_sums splits_close(struct splits *s, int64_t pane, int64_t pane_ms, int64_t forget_ms);
void splits_clear(struct splits *s); /* no id is known any more */
/* Between panes. Load is into a new one; of so many sources, by a judge that has closed this pane. */
void splits_save(const struct splits *s, struct codec_out *out);
void splits_load(struct splits *s, size_t sources, int64_t closed, struct codec_in *in);

#endif
