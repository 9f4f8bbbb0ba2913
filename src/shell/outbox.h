/* SPDX-License-Identifier: Apache-2.0 */
/* What the machines put out and have not seen committed yet: one open set that grows, and at most one
 * frozen set that a transaction carries, again and again until it is confirmed. */
#ifndef SHELL_OUTBOX_H
#define SHELL_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/record.h"
#include "shell/commit_meta.h"

#define OUTBOX_ALERT_MAX 65536

/* Where a partition stands at a freeze point. */
struct outbox_part {
    int64_t next;   /* the offset to commit */
    int64_t origin; /* where its log began when it was first read */
    int64_t watermark;
    struct commit_last last;
    uint64_t tally_digest;
    struct buf decisions; /* owned; decision_log_encode() at the freeze point */
};

/* A partition of the control topic: no machine of its own, but its offset belongs to the freeze point too. */
struct outbox_control {
    int32_t partition;
    int64_t next;
};

/* A freeze point of all partitions: belongs to exactly the records frozen with it. What is committed is taken from
 * here, never from what has happened since. */
struct outbox_point {
    struct outbox_part *parts; /* owned; part_count of them */
    size_t part_count;
    struct outbox_control *controls; /* owned; control_count of them */
    size_t control_count;
    uint64_t judge_digest;
    uint64_t settings_hash, zone_hash;                       /* of those in force */
    uint64_t decision_seq;                                   /* of the last decision made */
    struct commit_snapshot snapshots[COMMIT_META_SNAPSHOTS]; /* durable and kept, older first */
    size_t snapshot_count;
    uint64_t seq;
};

struct outbox {
    struct records open, frozen;
    struct outbox_point point; /* of the frozen set */
    bool is_frozen;
    size_t counted;         /* records of the open set that were looked at */
    size_t alerts;          /* of them */
    int64_t progress_since; /* ms of the first uncommitted input; -1: none */
};

void outbox_init(struct outbox *o, size_t part_count);
/* The control topic has so many partitions; their offsets are committed too. */
void outbox_controls(struct outbox *o, size_t count);
void outbox_deinit(struct outbox *o); /* accepts a zeroed one */

/* After a step that may have appended to o->open; now_ms: when its input was taken. */
void outbox_note(struct outbox *o, int64_t now_ms);
/* Offsets moved without a record (end of partition behind control records). */
void outbox_progress(struct outbox *o, int64_t now_ms);
/* The open set becomes the frozen one and a new one is begun; the caller fills o->point.
 * Only while nothing is frozen. */
void outbox_freeze(struct outbox *o, uint64_t seq);
void outbox_confirm(struct outbox *o);
/* During a rebuild output is only digested, by the machines themselves. */
void outbox_discard(struct outbox *o);

/* Whether a record may be produced at all. */
bool outbox_record_fits(const struct record *r);
size_t outbox_bytes(const struct outbox *o); /* of the open set */

#endif
