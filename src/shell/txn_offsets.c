/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/txn_offsets.h"

#include <stdlib.h>
#include <string.h>

#include "shell/commit_meta.h"
#include "shell/kafka_client.h"

static void meta_of(const struct txn_identity *identity, const struct outbox_point *point, size_t i,
                    struct commit_meta *m)
{
    const struct outbox_part *part = &point->parts[i];

    *m = (struct commit_meta){
        .instance = identity->instance,
        .seq = point->seq,
        .origin = part->origin,
        .watermark = part->watermark,
        .last = part->last,
        .tally_digest = part->tally_digest,
        .has_base = i == 0,
        .machine = COMMIT_META_MACHINE,
        .settings_hash = point->settings_hash,
        .zone_hash = point->zone_hash,
        .layout_hash = identity->layout_hash,
        .judge_digest = point->judge_digest,
        .cluster_hash = identity->cluster_hash,
        .decision_seq = point->decision_seq,
        .snapshot_count = point->snapshot_count,
        .decisions = {part->decisions.data, (uint32_t)part->decisions.len},
    };
    for (size_t k = 0; k < point->snapshot_count; k++)
        m->snapshots[k] = point->snapshots[k];
    if (point->snapshot_count > 0)
        m->generation = point->snapshots[point->snapshot_count - 1].generation;
}

static void put_offset(rd_kafka_topic_partition_t *x, int64_t offset, const struct commit_meta *m,
                       struct buf *scratch)
{
    buf_clear(scratch);
    commit_meta_encode(m, scratch);
    x->offset = offset;
    x->metadata = malloc(scratch->len); /* freed by the library with the list */
    if (!x->metadata)
        abort();
    memcpy(x->metadata, scratch->data, scratch->len);
    x->metadata_size = scratch->len;
}

/* Whose they are, and nothing more: no machine has read them. */
static void put_controls(const struct txn_identity *identity, const struct outbox_point *point,
                         const char *control, rd_kafka_topic_partition_list_t *list,
                         struct buf *scratch)
{
    for (size_t i = 0; i < point->control_count; i++) {
        const struct commit_meta m = {.instance = identity->instance,
                                      .seq = point->seq,
                                      .watermark = INT64_MIN,
                                      .last = {.offset = -1}};

        put_offset(rd_kafka_topic_partition_list_add(list, control, point->controls[i].partition),
                   point->controls[i].next, &m, scratch);
    }
}

rd_kafka_topic_partition_list_t *txn_offsets(const struct txn_identity *identity,
                                             const struct outbox_point *point,
                                             const struct pipeline_source *sources, size_t count,
                                             const char *control)
{
    rd_kafka_topic_partition_list_t *list = kafka_list_new(sources, count);
    struct buf text = {0};

    for (size_t i = 0; i < count; i++) {
        struct commit_meta m;

        meta_of(identity, point, i, &m);
        put_offset(&list->elems[i], point->parts[i].next, &m, &text);
    }
    put_controls(identity, point, control, list, &text);
    buf_deinit(&text);
    return list;
}
