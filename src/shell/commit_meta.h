/* SPDX-License-Identifier: Apache-2.0 */
/* What each committed offset carries in its metadata: enough for the next start to know that the offsets
 * belong together, whose they are, and what a replay up to them must give.
 *
 * Bytes (little endian), then base64url without padding, because brokers and tools treat it as text:
 *   "F1", fixed fields in the order of the struct up to tally_digest,
 *   sections {u8 tag, u16 length, bytes} in rising order of tag, u32 low half of XXH3 of all before.
 * Sections: 1 base (lowest partition only), 2 decisions (reserved). A tag below 128 that is not known
 * is refused: it may change what a replay gives. From 128 on it is skipped. */
#ifndef SHELL_COMMIT_META_H
#define SHELL_COMMIT_META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/buf.h"

#define COMMIT_META_MAX 3072 /* bytes before coding; the broker's limit is 4096 characters after */
#define COMMIT_META_MACHINE \
    1 /* raised when a change of the core changes its output for the same log */

/* The last record that entered the machine; offset -1: none. */
struct commit_last {
    int64_t offset;
    int64_t timestamp;
    uint64_t hash; /* XXH3 of the value */
};

struct commit_meta {
    uint64_t instance;   /* random per start of the daemon */
    uint64_t seq;        /* of the transaction, equal on all partitions */
    uint32_t generation; /* of the durable snapshot; 0: none */
    int64_t origin;      /* where the log began when it was first read */
    int64_t watermark;   /* ms, INT64_MIN: none */
    struct commit_last last;
    uint64_t tally_digest;
    bool has_base; /* the lowest partition says this for all: */
    uint32_t machine;
    uint64_t settings_hash;
    uint64_t zone_hash;
    uint64_t layout_hash; /* topics and partition counts */
    uint64_t judge_digest;
};

/* Appends the text; no NUL. */
void commit_meta_encode(const struct commit_meta *m, struct buf *out);
/* Any bytes. Returns NULL and fills *ret, or says what is wrong with them. */
const char *commit_meta_decode(const char *text, size_t len, struct commit_meta *ret);

#endif
