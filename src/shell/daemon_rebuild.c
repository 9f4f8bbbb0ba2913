/* SPDX-License-Identifier: Apache-2.0 */
/* State is a function of the logs: it is read again from their start, output only digested, until every
 * partition stands at its committed offset and none is past it. Then both digests must agree. */
#include <stdio.h>

#include "shell/exit_codes.h"
#include "shell/daemon.h"
#include "shell/fault.h"
#include "shell/log.h"

/* No settings but its own are replayed yet: what was committed under others is not compared. */
int daemon_rebuild_plan(struct daemon *d, char why[512])
{
    struct start_ours ours = {
        .group = d->config->settings->group,
        .settings_hash = d->config->hash,
        .zone_hash = d->config->zone->hash,
        .layout_hash = start_layout_hash(d->sources, d->source_count),
        .cluster_hash = commit_meta_cluster(d->start.cluster_id),
        .publish = true,
        .flags = d->flags,
        .known_count = 1,
    };
    struct buf scratch = {0};
    struct commit_meta base = {0};
    const char *meta = d->start.parts[0].meta;
    int code;

    if (meta)
        commit_meta_decode(meta, d->start.parts[0].meta_len, &scratch, &base);
    buf_deinit(&scratch);
    ours.known = &base.settings_hash;
    d->cluster_hash = ours.cluster_hash;
    code = start_plan_make(d->sources, d->start.parts, d->source_count, NULL, 0, &ours, &d->plan,
                           why);
    if (code != EXIT_OK || d->plan.ways[0].made_count == 0)
        return code;
    snprintf(why, 512, "this start needs decisions, which the daemon cannot make yet");
    return EXIT_STATE;
}

static bool rebuild_is_fresh(const struct daemon *d)
{
    return d->plan.ways[0].kind == START_FRESH;
}

int daemon_rebuild_begin(struct daemon *d, char why[512])
{
    const struct start_way *way = &d->plan.ways[0];
    int64_t events = 0;

    (void)why;
    for (size_t i = 0; i < d->source_count; i++) {
        struct intake_part *p = &d->intake.parts[i];

        p->next = way->start[i];
        p->stop = way->stop[i];
        d->outbox.point.parts[i].origin = p->next;
        events += p->stop - p->next;
    }
    if (d->plan.changed)
        log_notice("settings changed: the replay is not compared");
    if (rebuild_is_fresh(d))
        log_notice("no committed offsets: everything in the log is read and published");
    else
        log_notice("rebuilding state from the log", LOG_NUMBER("records", events),
                   LOG_NUMBER("partitions", d->source_count));
    intake_assign(&d->intake, d->consumer);
    return EXIT_OK;
}

/* The same offset with other bytes: the topic was recreated, or mirrored from elsewhere. */
static int rebuild_compare_last(struct daemon *d, size_t i, char why[512])
{
    const struct commit_last *now = &d->intake.parts[i].last, *then = &d->plan.metas[i].last;

    if (now->offset != then->offset ||
        (now->hash == then->hash && now->timestamp == then->timestamp))
        return EXIT_OK;
    snprintf(why, 512, "%s/%d: the record at offset %lld is another one than was consumed",
             d->sources[i].topic, d->sources[i].partition, (long long)now->offset);
    return EXIT_RESET;
}

static int rebuild_compare(struct daemon *d, char why[512])
{
    bool compare = d->plan.ways[0].compare && !d->plan.changed;

    for (size_t i = 0; i < d->source_count; i++) {
        int code = rebuild_compare_last(d, i, why);

        if (code != EXIT_OK)
            return code;
        if (compare &&
            pipeline_tally_digest(d->pipeline, (uint32_t)i) != d->plan.metas[i].tally_digest) {
            snprintf(why, 512, "%s/%d: the replay up to offset %lld gave other output than before",
                     d->sources[i].topic, d->sources[i].partition,
                     (long long)d->intake.parts[i].stop);
            return EXIT_DIVERGED;
        }
    }
    if (compare && pipeline_judge_digest(d->pipeline) != d->plan.metas[0].judge_digest) {
        snprintf(why, 512, "the replay gave other verdicts than before");
        return EXIT_DIVERGED;
    }
    return EXIT_OK;
}

int daemon_rebuild_end(struct daemon *d, char why[512])
{
    const struct txn_identity identity = {
        d->instance, start_layout_hash(d->sources, d->source_count), d->cluster_hash};
    const struct txn_stamp known = {d->plan.known, d->plan.instance, d->plan.seq};
    int code;

    FAULT("barrier");
    code = rebuild_is_fresh(d) ? EXIT_OK : rebuild_compare(d, why);
    if (code != EXIT_OK)
        return code;
    for (size_t i = 0; i < d->source_count; i++) {
        struct intake_part *p = &d->intake.parts[i];

        p->next = p->stop;
        p->stop = INTAKE_NO_STOP;
        if (!rebuild_is_fresh(d))
            p->last = d->plan.metas[i].last;
    }
    code = txn_open(&d->txn, d->consumer, d->producer, &identity, &known, why);
    d->producer = NULL; /* the transactions have it */
    if (code != EXIT_OK)
        return code;
    intake_assign(&d->intake, d->consumer);
    return EXIT_OK;
}
