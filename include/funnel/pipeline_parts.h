/* SPDX-License-Identifier: Apache-2.0 */
/* What a pipeline is made of: for those that look inside (the report, tests), never to change it. */
#ifndef FUNNEL_PIPELINE_PARTS_H
#define FUNNEL_PIPELINE_PARTS_H

#include "funnel/decode.h"
#include "funnel/judge.h"
#include "funnel/pipeline.h"
#include "funnel/pulse.h"
#include "funnel/tally.h"

struct pipeline {
    const struct settings *settings;
    const struct zone *zone;
    struct pipeline_source *sources;
    size_t source_count, funnel_count;
    struct decoder *decoder;
    struct funnel *funnels;
    struct tally *tallies;             /* by source */
    struct judge *judges;              /* by funnel */
    struct pulse **pulses;             /* by input */
    size_t *parts;                     /* by source: its number among those of its input */
    size_t *part_counts;               /* by input */
    const struct pulse **judge_pulses; /* [funnel * inputs + k]: those that can feed it */
    uint64_t *tally_digests, *judge_digests, *pulse_digests;
    uint64_t messages;
    int64_t first_pane; /* open when the first event had come; INT64_MAX */
    struct buf trace_text;
};

/* --- between the files of the pipeline --- */

/* A digest, going on with the records from `from` on, or with all that another one stands for. */
uint64_t pipeline_digest(uint64_t digest, const struct records *r, size_t from);
uint64_t pipeline_digest_join(uint64_t digest, uint64_t with);
/* What the tally has left for the others; `before`: how many records there were before it had its turn. */
void pipeline_take(struct pipeline *p, uint32_t source, const struct records *out, size_t before);
/* Pulses, then judges: after every tally has done its part. */
void pipeline_judge(struct pipeline *p, struct records *out);
/* The decisions of a source whose place is up to `at`. */
void pipeline_decide_due(struct pipeline *p, uint32_t source, int64_t at, struct records *out);

#endif
