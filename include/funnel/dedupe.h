/* SPDX-License-Identifier: Apache-2.0 */
/* Remembers event ids for a while of event time, within a cap: the oldest are forgotten first. */
#ifndef FUNNEL_DEDUPE_H
#define FUNNEL_DEDUPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/codec.h"

struct dedupe {
    int64_t keep_ms;
    size_t limit;
    struct dedupe_entry {
        uint64_t hash;
        int64_t time_ms;
    } * ring; /* in log order; power of two */
    size_t from, count, cap;
    uint64_t *slots; /* open addressing; 0: free */
    size_t slot_count;
    uint64_t overflow; /* forgotten early, at the cap */
};

void dedupe_init(struct dedupe *d, int64_t keep_ms, size_t limit);
void dedupe_deinit(struct dedupe *d);
/* Other bounds from now on: what is too much is forgotten, without being counted. */
void dedupe_tune(struct dedupe *d, int64_t keep_ms, size_t limit);
/* True when the id (its hash) was seen before and not yet forgotten; else remembers it. Ids older than
 * newest_ms - keep_ms are forgotten first. */
bool dedupe_seen(struct dedupe *d, uint64_t hash, int64_t time_ms, int64_t newest_ms);
/* Remembers what another one does, too; of all of it the latest up to the limit. */
void dedupe_join(struct dedupe *d, const struct dedupe *with);
void dedupe_save(const struct dedupe *d, struct codec_out *out);
void dedupe_load(struct dedupe *d, struct codec_in *in); /* into one that dedupe_init made */

#endif
