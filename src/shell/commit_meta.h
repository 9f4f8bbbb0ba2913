/* SPDX-License-Identifier: Apache-2.0 */
/* What each committed offset carries in its metadata: enough for the next start to know that the offsets
 * belong together, whose they are, and what a replay up to them must give.
 *
 * Bytes (little endian), then base64url without padding, because brokers and tools treat it as text:
 *   "F2", fixed fields in the order of the struct up to tally_digest,
 *   sections {u8 tag, u16 length, bytes} in rising order of tag, u32 low half of XXH3 of all before.
 * Sections: 1 base (lowest partition only), 2 decisions (left out when there are none). A tag below 128 that is
 * not known is refused: it may change what a replay gives. From 128 on it is skipped. */
#ifndef SHELL_COMMIT_META_H
#define SHELL_COMMIT_META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/buf.h"

#define COMMIT_META_MAX 3072 /* bytes before coding; the broker's limit is 4096 characters after */
#define COMMIT_META_MACHINE \
    3 /* raised when a change of the core changes its output for the same log */
#define COMMIT_META_SNAPSHOTS 2

/* The last record that entered the machine; offset -1: none. */
struct commit_last {
    int64_t offset;
    int64_t timestamp;
    uint64_t hash; /* XXH3 of the value */
};

/* A snapshot by the transaction it belongs to. */
struct commit_snapshot {
    uint32_t generation;
    uint64_t instance, seq;
};

struct commit_meta {
    uint64_t instance;   /* random per start of the daemon */
    uint64_t seq;        /* of the transaction, equal on all partitions */
    uint32_t generation; /* of the newest durable snapshot; 0: none */
    int64_t origin;      /* where the log began when it was first read */
    int64_t watermark;   /* ms, INT64_MIN: none */
    struct commit_last last;
    uint64_t tally_digest;
    bool has_base; /* the lowest partition says this for all: */
    uint32_t machine;
    uint64_t settings_hash; /* settings_meaning() of those in force here */
    uint64_t zone_hash;
    uint64_t layout_hash; /* topics and partition counts */
    uint64_t judge_digest;
    uint64_t cluster_hash; /* of the cluster's id; 0: not known */
    uint64_t decision_seq; /* of the last decision ever made; 0: none */
    struct commit_snapshot snapshots[COMMIT_META_SNAPSHOTS]; /* durable and kept, older first */
    size_t snapshot_count;
    struct span decisions; /* of this partition, by decision_put(), rising by seq; borrowed */
};

/* Appends the text; no NUL. Aborts where the decisions are longer than decision_log.h allows. */
void commit_meta_encode(const struct commit_meta *m, struct buf *out);
/* Any bytes. Returns NULL and fills *ret, whose decisions (checked one by one) are borrowed from `scratch` until
 * that is used again; or says what is wrong with them. */
const char *commit_meta_decode(const char *text, size_t len, struct buf *scratch,
                               struct commit_meta *ret);

/* XXH3 of a cluster's id; 0 for none. */
uint64_t commit_meta_cluster(const char *cluster_id);

#endif
