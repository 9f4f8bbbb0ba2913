/* SPDX-License-Identifier: Apache-2.0 */
/* What the committed offsets, the logs' ends and the snapshots allow at start (PROTOCOL section 5). Pure: facts in,
 * a plan or a refusal out. A plan is a list of ways to begin, best first: where one turns out to be impossible (its
 * snapshot is broken), the next is gone. */
#ifndef SHELL_START_PLAN_H
#define SHELL_START_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/decision.h"
#include "funnel/pipeline.h"
#include "shell/commit_meta.h"

struct state_header; /* state_header.h */

/* --- facts --- */

/* What an operator says at the command line: each allows what is refused otherwise. */
struct start_flags {
    bool
        accept_reset; /* a topic was recreated, truncated or moved: its log is read from its beginning */
    bool rebuild;   /* records or snapshots a replay needs are gone: go on without them */
    bool reconcile; /* resolve every alert that the topic has firing and the machines have not */
    bool new_epoch; /* drop the state; read the logs anew, publish from the committed offsets on */
};

/* One partition as Kafka knows it. */
struct start_part {
    int64_t low, high; /* watermarks: the log holds [low, high) */
    int64_t committed; /* -1: none */
    char *meta;        /* owned; NULL: none. As committed, any bytes */
    size_t meta_len;
    bool reread;             /* the record at the offset of the metadata's `last` is still there: */
    struct commit_last last; /* it, as it is now */
    int64_t retention_ms;    /* of its topic; -1: not known, or for ever */
};

struct start_ours {
    const char *group;
    uint64_t settings_hash; /* settings_meaning() */
    uint64_t layout_hash;
    uint64_t cluster_hash; /* commit_meta_cluster(); 0: not known */
    bool publish;          /* first_start: publish */
    bool on_gap_continue;
    struct start_flags flags;
    const uint64_t *known; /* meanings of other settings that the state folder has */
    size_t known_count;
};

/* --- plan --- */

enum start_kind {
    START_FRESH,  /* machines without state; everything from the logs' beginning enters them anew */
    START_ORIGIN, /* machines without state; exact replay from where the logs began at first */
    START_SNAPSHOT, /* a snapshot; replay from where it stands */
};

/* The daemon: makes the machines, injects plan.decisions after `decision_seq`, reads each partition from start up to
 * stop with its output only digested, switching at cuts[first_cut..]; compares digests where `compare`; for a
 * partition with `reset` then lets whatever waits take effect (pipeline_reach() at INT64_MAX); makes `made`; reads
 * on from stop. */
struct start_way {
    enum start_kind kind;
    size_t snapshot;        /* SNAPSHOT: index into those given */
    uint64_t settings_hash; /* of the settings to begin with */
    uint64_t
        decision_seq; /* decisions up to it are in the snapshot; FRESH: UINT64_MAX, all are void */
    size_t first_cut;
    int64_t *start, *stop; /* owned; by source. start == stop: nothing to replay */
    bool *reset;           /* owned; by source: the log from `stop` on is another one */
    bool compare;          /* the replay must give the committed digests */
    /* Decisions to make (seq 0, in this order) after the replay and before a record past `stop`: where publishing
     * begins, which records are lost. */
    struct decision *made; /* owned */
    size_t made_count;
    /* FRESH: a transaction with `made` and the offsets `start` comes before the first record. */
    bool commit_first;
    /* What was read so far cannot be replayed again: the first transaction may only be sent when a snapshot of its
     * own freeze point is in the folder, and names that one alone as durable. */
    bool anchor;
};

/* A FRESH way begins anew: the decision log keeps none of plan.decisions, only goes on from plan.decision_seq, and
 * the metadata names no snapshot; origin is `start`. */

/* The k-th SWITCH decision of each partition: there, before the record at at[source], the settings change. */
struct start_cut {
    uint64_t seq; /* of the last of its decisions */
    uint64_t settings_hash;
    int64_t *at; /* owned; by source */
};

struct start_plan {
    struct start_way *ways; /* owned; at least one */
    size_t way_count;
    bool known; /* there are committed offsets, and they are of: */
    uint64_t instance, seq;
    uint64_t settings_hash; /* in force at the committed offsets; without any: ours */
    uint64_t zone_hash;     /* of their zone then; not to be compared without committed ones */
    uint64_t decision_seq;  /* of the last decision ever made */
    uint32_t generation;    /* the highest that was ever durable */
    struct commit_meta
        *metas; /* owned; by source, without `decisions`; no committed one: last.offset -1 */
    struct decision
        *decisions; /* owned, texts too; all that were committed, by seq, SWITCH among them */
    size_t decision_count;
    struct start_cut *cuts; /* owned */
    size_t cut_count;
    bool reconcile;
};

/* Topics and partition counts, in order. */
uint64_t start_layout_hash(const struct pipeline_source *sources, size_t count);

/* snapshots: whatever headers the state folder has, newest first. Returns EXIT_OK, or the code to exit with and in
 * why[512] the reason with its remedy; *ret is to be deinitialised in both cases. */
int start_plan_make(const struct pipeline_source *sources, const struct start_part *parts,
                    size_t count, const struct state_header *const *snapshots,
                    size_t snapshot_count, const struct start_ours *ours, struct start_plan *ret,
                    char why[512]);
void start_plan_deinit(struct start_plan *p);

/* Why none is left, after the last way was tried and failed: to exit with EXIT_STATE. */
extern const char start_plan_lost[];

#endif
