/* SPDX-License-Identifier: Apache-2.0 */
/* What a snapshot says about itself: whose it is, which place in the logs it stands at, and the settings its
 * machines were built from. Pure: bytes in, bytes out. */
#ifndef SHELL_STATE_HEADER_H
#define SHELL_STATE_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/buf.h"
#include "funnel/pipeline.h"
#include "shell/commit_meta.h"

#define STATE_TOPIC_MAX 249 /* Kafka's limit */
#define STATE_NAME_MAX 1024 /* of group and cluster id */
#define STATE_PARTS_MAX 65536
#define STATE_SETTINGS_MAX (4u << 20) /* as CONFIG_FILE_MAX */

/* One input partition, in the order of the pipeline's sources. */
struct state_part {
    const char *topic;
    int32_t partition;
    int64_t next;      /* S: the first offset that is not in it */
    int64_t origin;    /* where the log began when it was first read */
    int64_t watermark; /* ms; INT64_MIN: none */
    struct commit_last last;
};

/* One partition of the control topic. */
struct state_control {
    int32_t partition;
    int64_t next;
};

struct state_header {
    uint32_t generation;   /* from 1, rising */
    uint64_t instance;     /* of the daemon that wrote it, and of ... */
    uint64_t txn_seq;      /* ... the transaction it belongs to */
    uint64_t decision_seq; /* the last decision that is in it; 0: none */
    uint32_t machine;      /* COMMIT_META_MACHINE */
    uint64_t zone_hash;
    uint64_t settings_hash; /* settings_meaning() of ... */
    struct span settings;   /* ... the YAML as it stood in the file, secrets unresolved */
    const char *group;
    const char *cluster_id; /* "": not known */
    const struct state_part *parts;
    size_t part_count;
    const struct state_control *controls;
    size_t control_count;
    int64_t taken_at; /* wall clock, ms; information only */
};

/* Appends the bytes. The limits above are the caller's to keep. */
void state_header_encode(const struct state_header *h, struct buf *out);
/* Any bytes. Returns NULL and fills *ret, whose arrays and strings are owned by `memory` (arena), the settings
 * borrowed from the bytes; or says what is wrong. */
struct arena;
const char *state_header_decode(const void *bytes, size_t len, struct arena *memory,
                                struct state_header *ret);

/* --- may a start use it (PROTOCOL section 5) --- */

struct state_ours {
    const char *group;
    const struct pipeline_source *sources;
    size_t source_count;
};

/* True, or false and why[512]: another group, machine version or partitions. Cluster, offsets and transaction are the
 * start plan's matter; the time-zone data that of whoever binds its settings, which name the zone. */
bool state_header_is_ours(const struct state_header *h, const struct state_ours *ours,
                          char why[512]);

#endif
