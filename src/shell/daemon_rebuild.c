/* SPDX-License-Identifier: Apache-2.0 */
/* From where the machines stand to the committed offsets: the log between is read again, output only digested,
 * with every decision at its place, and another configuration where it came then. No record past a stop enters
 * before all partitions stand at theirs. At the end both digests must agree. */
#include <stdio.h>

#include "funnel/mem.h"
#include "shell/daemon.h"
#include "shell/exit_codes.h"
#include "shell/fault.h"
#include "shell/log.h"

static bool at_last(const struct daemon *d)
{
    return d->cut == d->plan.cut_count;
}

static const int64_t *stage_stops(const struct daemon *d)
{
    return at_last(d) ? d->way->stop : d->plan.cuts[d->cut].at;
}

/* Decisions of this stage: after the cut before it, and up to its own. */
static void stage_inject(struct daemon *d)
{
    uint64_t after = d->cut == d->way->first_cut ? d->way->decision_seq
                                                 : d->plan.cuts[d->cut - 1].seq;
    uint64_t to = at_last(d) ? UINT64_MAX : d->plan.cuts[d->cut].seq;

    for (size_t i = 0; i < d->plan.decision_count; i++) {
        const struct decision *x = &d->plan.decisions[i];

        if (x->seq > after && x->seq <= to && x->kind != DECISION_SWITCH)
            pipeline_decide(d->pipeline, x);
    }
}

static void stage_begin(struct daemon *d)
{
    const int64_t *stop = stage_stops(d);

    stage_inject(d);
    /* Of the control topic decisions say it all; a log that is another one holds nothing of these stages. */
    for (size_t i = 0; i < d->part_count; i++) {
        struct intake_part *p = &d->intake.parts[i];

        p->stop = i >= d->source_count ? p->next : d->way->reset[i] ? d->way->stop[i] : stop[i];
    }
    intake_assign(&d->intake, d->consumer);
}

/* Machines without state have to be told all of it again. */
static int64_t control_next(const struct daemon *d, size_t i)
{
    const struct start_control *c = &d->start.controls[i];

    if (d->way->kind == START_FRESH)
        return c->low;
    return c->committed >= c->low && c->committed <= c->high ? c->committed : c->low;
}

void daemon_rebuild_begin(struct daemon *d)
{
    int64_t records = 0;

    for (size_t i = 0; i < d->part_count; i++) {
        struct intake_part *p = &d->intake.parts[i];

        p->next = i < d->source_count ? d->way->start[i] : control_next(d, i - d->source_count);
        if (i >= d->source_count)
            continue;
        records += d->way->stop[i] - d->way->start[i];
        d->outbox.point.parts[i].origin = d->plan.known && d->way->kind != START_FRESH &&
                                                  !d->way->reset[i]
                                              ? d->plan.metas[i].origin
                                              : d->way->start[i];
    }
    if (d->way->kind == START_FRESH && !d->plan.known)
        log_notice(
            d->config->settings->first_start == FIRST_START_PUBLISH
                ? "first start: everything in the inputs is read and published"
                : "first start: what is in the inputs is read, what comes after is published");
    else
        log_notice("reading the log again up to the committed offsets",
                   LOG_NUMBER("records", records), LOG_NUMBER("partitions", d->source_count),
                   LOG_TEXT("compared", d->way->compare ? "yes" : "no"));
    stage_begin(d);
}

/* --- a stage is over --- */

static int stage_switch(struct daemon *d, char why[512])
{
    struct records dropped = {0};
    struct config next = {0};
    int code = restore_settings(d->config, &d->dir, d->plan.cuts[d->cut].settings_hash, &next, why);

    if (code != EXIT_OK)
        return code;
    daemon_switch_machines(d, &next, &dropped);
    records_deinit(&dropped);
    d->cut++;
    stage_begin(d);
    return EXIT_OK;
}

/* What waits for a place in a log that is no more has no other. */
static void stage_reach(struct daemon *d)
{
    const int64_t *stop = stage_stops(d);

    for (size_t i = 0; i < d->source_count; i++) {
        bool lost = at_last(d) && d->way->reset[i];

        pipeline_reach(d->pipeline, (uint32_t)i, lost ? INT64_MAX : stop[i], &d->outbox.open);
    }
    outbox_discard(&d->outbox);
}

void daemon_rebuild_reached(struct daemon *d)
{
    char why[512];
    int code = EXIT_OK;

    FAULT("barrier");
    if (d->way->kind != START_FRESH)
        stage_reach(d);
    if (at_last(d))
        daemon_event(d, LIFE_CAUGHT_UP, EXIT_OK, NULL);
    else
        code = stage_switch(d, why);
    if (code != EXIT_OK)
        daemon_die(d, code, why);
}

/* --- the end --- */

/* After switches the zone is another one than the snapshot's. */
static int rebuild_compare(struct daemon *d, char why[512])
{
    if (d->machine.zone->hash != d->plan.zone_hash) {
        snprintf(why, 512,
                 "the rules of time zone %.64s are others now: use the earlier time-zone data, or "
                 "start once with --rebuild --reconcile",
                 d->machine.settings->time.zone);
        return EXIT_STATE;
    }
    for (size_t i = 0; i < d->source_count; i++) {
        if (pipeline_tally_digest(d->pipeline, (uint32_t)i) == d->plan.metas[i].tally_digest)
            continue;
        snprintf(why, 512, "%s/%d: the replay up to offset %lld gave other output than before",
                 d->sources[i].topic, d->sources[i].partition, (long long)d->way->stop[i]);
        return EXIT_DIVERGED;
    }
    if (pipeline_judge_digest(d->pipeline) == d->plan.metas[0].judge_digest)
        return EXIT_OK;
    snprintf(why, 512, "the replay gave other verdicts than before");
    return EXIT_DIVERGED;
}

/* An anchor's snapshot holds all that was decided before, and nothing older will be replayed. */
static int rebuild_decisions(struct daemon *d, char why[512])
{
    bool replayed = d->way->kind != START_FRESH && !d->way->anchor;

    decision_log_init(&d->decisions, d->source_count);
    d->decisions.last = d->plan.decision_seq;
    for (size_t i = 0; replayed && i < d->plan.decision_count; i++)
        decision_log_restore(&d->decisions, &d->plan.decisions[i]);
    for (size_t i = 0; i < d->way->made_count; i++) {
        struct decision x = d->way->made[i];

        if (daemon_decide(d, &x))
            continue;
        snprintf(why, 512, "no room in the commit metadata for what this start decides");
        return EXIT_INTERNAL;
    }
    return EXIT_OK;
}

/* How old it is only says when the next one is due: a clock that was set since does no harm. */
static void rebuild_newest(struct daemon *d, const struct state_header *h)
{
    int64_t age = daemon_wall_ms() - h->taken_at;

    for (size_t i = 0; i < d->source_count; i++)
        d->saved[i] = h->parts[i].next;
    d->snapshot_aged = age <= 0 ? d->now : age < d->now ? d->now - age : 0;
}

/* The durable ones that are there still count, the older first. */
static void rebuild_book(struct daemon *d)
{
    d->snapshot_begun = d->snapshot_aged = -1;
    d->snapshot_at = 0;
    for (size_t i = d->found_count; !d->way->anchor && i-- > 0;) {
        const struct state_header *h = &d->found[i].header;

        for (size_t k = 0; k < d->plan.way_count; k++) {
            const struct start_way *w = &d->plan.ways[k];

            if (w->kind != START_SNAPSHOT || w->snapshot != i || k < d->restore.way)
                continue;
            snapshot_book_found(&d->book,
                                &(struct snapshot_mark){h->generation, h->instance, h->txn_seq,
                                                        h->decision_seq, h->settings_hash});
            rebuild_newest(d, h);
        }
    }
    daemon_restored_close(d);
}

static void rebuild_places(struct daemon *d)
{
    for (size_t i = 0; i < d->part_count; i++) {
        struct intake_part *p = &d->intake.parts[i];

        p->next = i < d->source_count ? d->way->stop[i] : p->next;
        p->stop = INTAKE_NO_STOP;
        if (i < d->source_count && d->plan.known && !d->way->reset[i])
            p->last = d->plan.metas[i].last;
    }
}

int daemon_rebuild_end(struct daemon *d, char why[512])
{
    const struct txn_identity identity = {d->instance,
                                          start_layout_hash(d->sources, d->source_count),
                                          commit_meta_cluster(d->start.cluster_id)};
    const struct txn_stamp known = {d->plan.known, d->plan.instance, d->plan.seq};
    int code = d->way->compare ? rebuild_compare(d, why) : EXIT_OK;

    if (code != EXIT_OK)
        return code;
    rebuild_places(d);
    code = rebuild_decisions(d, why);
    if (code != EXIT_OK)
        return code;
    rebuild_book(d);
    code = txn_open(&d->txn, d->consumer, d->producer, &identity, &known, why);
    d->producer = NULL; /* the transactions have it */
    return code;
}
