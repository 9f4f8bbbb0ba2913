/* SPDX-License-Identifier: Apache-2.0 */
/* What the committed offsets and the logs' ends allow at start. Pure: facts in, a plan or a refusal out. */
#ifndef SHELL_START_PLAN_H
#define SHELL_START_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/pipeline.h"
#include "shell/commit_meta.h"

/* One partition as Kafka knows it. */
struct start_part {
    int64_t low, high; /* watermarks: the log holds [low, high) */
    int64_t committed; /* -1: none */
    char *meta;        /* owned; NULL: none. As committed, any bytes */
    size_t meta_len;
};

struct start_ours {
    uint64_t settings_hash, zone_hash, layout_hash;
};

struct start_plan {
    bool fresh;   /* nothing was ever committed: from the logs' start, publishing everything */
    bool compare; /* the replay must give the committed digests */
    bool trimmed; /* a log began earlier when it was first read */
    bool changed; /* settings, zone data or machine version are others */
    uint64_t instance, seq; /* of the last transaction */
    uint64_t judge_digest;
    struct commit_meta *metas; /* owned; one per partition, zero when fresh */
};

/* Topics and partition counts, in order. */
uint64_t start_layout_hash(const struct pipeline_source *sources, size_t count);

/* Returns EXIT_OK, or the code to exit with and the reason in why[512]. */
int start_plan_make(const struct pipeline_source *sources, const struct start_part *parts,
                    size_t count, const struct start_ours *ours, struct start_plan *ret,
                    char why[512]);
void start_plan_deinit(struct start_plan *p);

#endif
