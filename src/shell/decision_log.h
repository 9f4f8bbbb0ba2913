/* SPDX-License-Identifier: Apache-2.0 */
/* Every decision since the older of the two kept durable snapshots, so that either can be replayed: what commit
 * metadata carries. Pure. Of time decisions that may stand for each other (decision_replaces()) only the last is
 * kept, so that a quiet night is a few bytes. */
#ifndef SHELL_DECISION_LOG_H
#define SHELL_DECISION_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/buf.h"
#include "funnel/decision.h"

/* Coded bytes of one partition's decisions: the rest of COMMIT_META_MAX is for all else in its metadata. */
#define DECISION_LOG_MAX 2816

struct decision_log_part;

/* Zero-initialised is empty and of no partition. */
struct decision_log {
    struct decision_log_part *parts; /* owned; one per source */
    size_t count;
    uint64_t last; /* seq of the last decision ever made; 0: none */
};

void decision_log_init(struct decision_log *log, size_t source_count);
void decision_log_deinit(struct decision_log *log); /* accepts a zeroed one */

/* A new one: gives it its seq, and keeps a copy. Where it takes the place of the last one of its partition, that is
 * dropped. from_ms: the partition's watermark now, before it (INT64_MIN: none); of no interest for other kinds.
 * Only while decision_log_fits(). */
void decision_log_add(struct decision_log *log, struct decision *d, int64_t from_ms);
/* One that was committed before, with its seq, at start; in rising order of seq. */
void decision_log_restore(struct decision_log *log, const struct decision *d);
/* Those up to and with `seq` are in both kept snapshots. */
void decision_log_trim(struct decision_log *log, uint64_t seq);

/* Appends a partition's, as commit_meta.decisions has them; those for the judges go with source 0. */
void decision_log_encode(const struct decision_log *log, uint32_t source, struct buf *out);

size_t decision_log_bytes(const struct decision_log *log); /* coded; of the largest partition */
/* Room for it: otherwise it must wait until a snapshot is durable. */
bool decision_log_fits(const struct decision_log *log, const struct decision *d);

#endif
