/* SPDX-License-Identifier: Apache-2.0 */
/* The whole way of an event, decode to records, as one pure step function: `run` feeds it from Kafka,
 * `replay`, `report` and `trace` from a file. Any split of the input into steps and any interleaving of
 * the partitions gives the same records per machine. */
#ifndef FUNNEL_PIPELINE_H
#define FUNNEL_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/clock.h"
#include "funnel/counters.h"
#include "funnel/message.h"
#include "funnel/record.h"
#include "funnel/settings.h"
#include "funnel/zone.h"

/* One partition of one input. Strings are borrowed for the pipeline's life. */
struct pipeline_source {
    const char *topic;
    int32_t partition; /* Kafka's number, for dead letters */
    uint16_t input;    /* index into settings.inputs */
};

struct pipeline;

/* settings and zone are borrowed for the pipeline's life. message.partition indexes `sources`. */
struct pipeline *pipeline_new(const struct settings *settings, const struct zone *zone,
                              const struct pipeline_source *sources, size_t source_count);
void pipeline_free(struct pipeline *p); /* accepts NULL */

/* Takes messages in log order per partition, appends what the machines put out. Messages need not outlive
 * the call. */
void pipeline_step(struct pipeline *p, const struct message *messages, size_t count,
                   struct records *out);

/* The end of a finite log: waiting events are released, panes closed up to the last event time; what is in
 * the last partial pane counts in totals, without verdicts. No step may follow. */
void pipeline_end(struct pipeline *p, struct records *out);

/* True while a partition runs more than time.max_skew panes ahead of the slowest: pause it. */
bool pipeline_ahead(const struct pipeline *p, uint32_t source);
/* The partition that holds the panes back, and its watermark (ETIME_NONE: no event yet). */
uint32_t pipeline_slowest(const struct pipeline *p, struct etime *ret_watermark);
struct etime pipeline_watermark(const struct pipeline *p, uint32_t source);

/* Running XXH3 of all bytes a machine has put out: equal after a replay of the same log. */
uint64_t pipeline_tally_digest(const struct pipeline *p, uint32_t source);
uint64_t pipeline_judge_digest(const struct pipeline *p); /* over all funnels, in their order */

void pipeline_counters(const struct pipeline *p, struct counters *ret_sum);
/* Gauges for /metrics and STATUS=. */
struct pipeline_gauges {
    uint64_t entities;     /* in all tables */
    uint64_t entity_bytes; /* memory of the tables */
    uint64_t reordering;   /* events waiting to be put in order */
    uint64_t waiting;      /* events waiting as a jump into the future */
    uint64_t series;       /* judged series */
    uint64_t leaves;
    uint64_t alerts_firing;
    uint64_t alerts_pending;
    struct etime
        closed; /* end of the last pane every judge has closed; ETIME_NONE before the first */
};
void pipeline_gauges(const struct pipeline *p, struct pipeline_gauges *ret);

/* Events of this entity (canonical token) are explained, one line each, into pipeline_trace_text(). */
void pipeline_trace(struct pipeline *p, struct span entity);
struct buf *pipeline_trace_text(struct pipeline *p); /* borrowed; the caller clears it */

#endif
