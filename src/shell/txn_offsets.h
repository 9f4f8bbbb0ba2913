/* SPDX-License-Identifier: Apache-2.0 */
/* What a transaction commits: every partition's offset, with its metadata. */
#ifndef SHELL_TXN_OFFSETS_H
#define SHELL_TXN_OFFSETS_H

#include <librdkafka/rdkafka.h>
#include <stdint.h>

#include "funnel/pipeline.h"
#include "shell/outbox.h"

/* What a process says in every commit. */
struct txn_identity {
    uint64_t instance, layout_hash, cluster_hash;
};

/* Of all sources, moved or not: fencing happens here, and offsets must not expire; then of the control topic's
 * partitions. The caller destroys it. */
rd_kafka_topic_partition_list_t *txn_offsets(const struct txn_identity *identity,
                                             const struct outbox_point *point,
                                             const struct pipeline_source *sources, size_t count,
                                             const char *control);

#endif
