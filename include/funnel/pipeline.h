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
#include "funnel/codec.h"
#include "funnel/counters.h"
#include "funnel/decision.h"
#include "funnel/message.h"
#include "funnel/record.h"
#include "funnel/settings.h"
#include "funnel/zone.h"

/* One partition of one input; those of one input stand together. Strings are borrowed for the pipeline's life. */
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

/* --- decisions (PROTOCOL section 3) ---
 *
 * Queued until their place is reached: within a step, before the first record at or past it; between steps when
 * pipeline_reach() says that the partition stands there. One for the judges is theirs and the pulses' at once, and takes
 * effect with its pane. */
void pipeline_decide(struct pipeline *p, const struct decision *d);
/* Everything of the source before offset `next` was given: what waits for a place up to it takes effect. */
void pipeline_reach(struct pipeline *p, uint32_t source, int64_t next, struct records *out);
/* The first pane that no judge and no pulse has closed: where a decision for them may be placed. INT64_MIN: none
 * closed. */
int64_t pipeline_next_pane(const struct pipeline *p);
/* Some source has not reached its DECISION_BOOTSTRAP_END. */
bool pipeline_is_muted(const struct pipeline *p);
/* Event time of the first event that waits as a jump into the future; ETIME_NONE: none waits. */
struct etime pipeline_waits_for(const struct pipeline *p, uint32_t source);
/* By input. */
const struct pulse *pipeline_pulse(const struct pipeline *p, uint16_t input);

/* --- saved state ---
 *
 * In sections: one of its own, then one a tally, a pulse and a judge. Saving allocates nothing and changes nothing. */
size_t pipeline_sections(const struct pipeline *p);
void pipeline_section_name(const struct pipeline *p, size_t section, char name[32]); /* "tally 3" */
void pipeline_section_save(const struct pipeline *p, size_t section, struct codec_out *out);
/* All sections in their order, into a new pipeline of the same settings, zone and sources. in->error says what
 * is wrong; the pipeline is only good to be freed then. */
void pipeline_section_load(struct pipeline *p, size_t section, struct codec_in *in);

/* --- other settings, at one cut of all partitions (PROTOCOL section 8) ---
 *
 * Takes over what the settings leave unchanged, resolves what edited and removed rules had fired, and begins the
 * windows of funnels of another shape anew from their open entities. `old` is freed; its settings and zone must
 * last until then, and may go after it: the sources' topics are the new settings' own. Inputs, their topics and the
 * sources must be the same: see settings_switchable(). Between steps only; in memory for both tables of a funnel of
 * another shape at once. What waits for its turn and has lost its funnel or stage is counted as ignored. */
struct pipeline *pipeline_switch(struct pipeline *old, const struct settings *settings,
                                 const struct zone *zone, struct records *out);

/* --- more partitions of its topics (PROTOCOL section 5), at one cut of all partitions ---
 *
 * The pipeline goes on over `sources`: those it has, at any place among them, and new ones that begin without
 * events, at the earliest watermark of their input's. What a source holds of an entity whose home is another source
 * of the same input moves there: its standing in every funnel, its events that wait to be put in order, and the ids
 * that tell duplicates. The judges' sums do not depend on which source holds an entity: nothing is counted for it.
 * Events that wait though their new source's watermark is past them are applied first, where they are.
 * What finds no room (the new source has met the entity, too; leaves beyond their numbers) stays where it is.
 * Between steps only. */
struct homes; /* homes.h */
struct rekey {
    const struct pipeline_source *sources; /* strings borrowed for the pipeline's life */
    size_t source_count;
    const int64_t *next;       /* by new source: the offset it is read from */
    const struct homes *homes; /* made of this pipeline; homes are numbers of new sources */
};
struct rekey_result {
    uint64_t moved;   /* entities, counted in each funnel they are in */
    uint64_t at_home; /* those that stay because they are at home */
    uint64_t unknown; /* those that stay because their home is not known */
    uint64_t stuck;   /* those that stay though their home is another: no room */
    uint64_t waiting; /* events that moved */
};
void pipeline_rekey(struct pipeline *p, const struct rekey *r, struct records *out,
                    struct rekey_result *ret);

/* True while a partition runs more than time.max_skew panes ahead of the slowest: pause it. */
bool pipeline_ahead(const struct pipeline *p, uint32_t source);
/* The partition that holds the panes back, and its watermark (ETIME_NONE: no event yet). */
uint32_t pipeline_slowest(const struct pipeline *p, struct etime *ret_watermark);
struct etime pipeline_watermark(const struct pipeline *p, uint32_t source);

/* Running XXH3 of all bytes a machine has put out: equal after a replay of the same log. */
uint64_t pipeline_tally_digest(const struct pipeline *p, uint32_t source);
/* Over all funnels, in their order, and all pulses. */
uint64_t pipeline_judge_digest(const struct pipeline *p);

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

/* The first pane after a bootstrap was closed everywhere, or there was none: what began while it lasted, and fires
 * on, has been told. */
bool pipeline_is_told(const struct pipeline *p);
/* Whether the alert with this key (its fingerprint, 16 hex digits) fires now, published. Before pipeline_is_told()
 * one that fires may not be published yet. */
bool pipeline_fires(const struct pipeline *p, struct span key);

/* Events of this entity (canonical token) are explained, one line each, into pipeline_trace_text(). */
void pipeline_trace(struct pipeline *p, struct span entity);
struct buf *pipeline_trace_text(struct pipeline *p); /* borrowed; the caller clears it */

#endif
