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
    struct tally *tallies; /* by source */
    struct judge *judges;  /* by funnel */
    struct pulse **pulses; /* by input */
    uint64_t *tally_digests, *judge_digests, *pulse_digests;
    uint64_t messages;
    int64_t first_pane; /* open when the first event had come; INT64_MAX */
    struct buf trace_text;
};

/* A digest, going on with the records from `from` on, or with all that another one stands for. */
uint64_t pipeline_digest(uint64_t digest, const struct records *r, size_t from);
uint64_t pipeline_digest_join(uint64_t digest, uint64_t with);

#endif
