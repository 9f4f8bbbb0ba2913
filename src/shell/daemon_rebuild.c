/* SPDX-License-Identifier: Apache-2.0 */
/* State is a function of the logs: it is read again from their start, output only digested, until every
 * partition stands at its committed offset and none is past it. Then both digests must agree. */
#include <stdio.h>

#include "shell/exit_codes.h"
#include "shell/daemon.h"
#include "shell/fault.h"
#include "shell/log.h"

static void rebuild_part(struct daemon *d, size_t i)
{
    const struct start_part *s = &d->start.parts[i];
    struct intake_part *p = &d->intake.parts[i];
    struct outbox_part *o = &d->outbox.point.parts[i];

    p->next = s->low;
    p->stop = d->plan.fresh ? s->low : s->committed;
    /* What the machines know begins here, whatever an earlier run had seen. */
    o->origin = s->low;
    if (!d->plan.fresh && s->low > d->plan.metas[i].origin)
        log_warning(
            "the log was shortened since it was first read: state is rebuilt from what is left",
            LOG_TEXT("topic", d->sources[i].topic),
            LOG_NUMBER("partition", d->sources[i].partition),
            LOG_NUMBER("from", d->plan.metas[i].origin), LOG_NUMBER("to", s->low));
}

int daemon_rebuild_begin(struct daemon *d, char why[512])
{
    int64_t events = 0;

    (void)why;
    for (size_t i = 0; i < d->source_count; i++) {
        rebuild_part(d, i);
        events += d->intake.parts[i].stop - d->intake.parts[i].next;
    }
    if (d->plan.changed)
        log_notice("settings, zone data or version changed: the replay is not compared");
    if (d->plan.fresh)
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
    for (size_t i = 0; i < d->source_count; i++) {
        int code = rebuild_compare_last(d, i, why);

        if (code != EXIT_OK)
            return code;
        if (d->plan.compare &&
            pipeline_tally_digest(d->pipeline, (uint32_t)i) != d->plan.metas[i].tally_digest) {
            snprintf(why, 512, "%s/%d: the replay up to offset %lld gave other output than before",
                     d->sources[i].topic, d->sources[i].partition,
                     (long long)d->intake.parts[i].stop);
            return EXIT_DIVERGED;
        }
    }
    if (d->plan.compare && pipeline_judge_digest(d->pipeline) != d->plan.judge_digest) {
        snprintf(why, 512, "the replay gave other verdicts than before");
        return EXIT_DIVERGED;
    }
    return EXIT_OK;
}

int daemon_rebuild_end(struct daemon *d, char why[512])
{
    const struct txn_identity identity = {d->instance, d->config->hash, d->config->zone->hash,
                                          start_layout_hash(d->sources, d->source_count)};
    const struct txn_stamp known = {!d->plan.fresh, d->plan.instance, d->plan.seq};
    int code;

    FAULT("barrier");
    code = d->plan.fresh ? EXIT_OK : rebuild_compare(d, why);
    if (code != EXIT_OK)
        return code;
    for (size_t i = 0; i < d->source_count; i++) {
        struct intake_part *p = &d->intake.parts[i];

        p->next = p->stop;
        p->stop = INTAKE_NO_STOP;
        if (!d->plan.fresh)
            p->last = d->plan.metas[i].last;
    }
    code = txn_open(&d->txn, d->consumer, d->producer, &identity, &known, why);
    d->producer = NULL; /* the transactions have it */
    if (code != EXIT_OK)
        return code;
    intake_assign(&d->intake, d->consumer);
    return EXIT_OK;
}
