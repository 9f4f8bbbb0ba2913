/* SPDX-License-Identifier: Apache-2.0 */
/* After each turn: what waits for what, and whether a transaction is due. The decisions are in flow.c
 * and commit_due.c. */
#include "shell/exit_codes.h"
#include "shell/commit_due.h"
#include "shell/daemon.h"
#include "shell/log.h"

static void on_due(uv_timer_t *timer)
{
    struct daemon *d = timer->data;

    d->now = (int64_t)uv_now(&d->loop);
    daemon_pump(d);
}

/* --- partitions --- */

static struct flow_lead daemon_lead(const struct daemon *d, size_t i, uint32_t slowest,
                                    struct etime least)
{
    const struct settings_time *t = &d->machine.settings->time;
    struct etime mine = pipeline_watermark(d->pipeline, (uint32_t)i);
    bool known = etime_is_set(mine) && etime_is_set(least);

    return (struct flow_lead){
        .ahead = pipeline_ahead(d->pipeline, (uint32_t)i),
        .lead_ms = known ? mine.ms - least.ms : INT64_MAX,
        .limit_ms = t->max_skew * t->pane,
        .slowest_waits = d->life == LIFE_REBUILDING && d->intake.parts[slowest].stopped,
    };
}

static void daemon_skew(struct daemon *d)
{
    struct etime least;
    uint32_t slowest = pipeline_slowest(d->pipeline, &least);

    for (size_t i = 0; i < d->source_count; i++) {
        struct flow_lead lead = daemon_lead(d, i, slowest, least);
        bool was = d->intake.parts[i].paused & FLOW_SKEW, is = flow_skewed(was, &lead);

        if (is == was)
            continue;
        intake_pause(&d->intake, i, FLOW_SKEW, is);
        log_debug(is ? "a partition runs ahead and is paused" : "a partition is resumed",
                  LOG_TEXT("topic", d->sources[i].topic),
                  LOG_NUMBER("partition", d->sources[i].partition));
    }
}

/* --- the gate --- */

static void daemon_gate(struct daemon *d)
{
    const struct flow_view view = {outbox_bytes(&d->outbox), (size_t)d->keys.outbox,
                                   d->outbox.is_frozen, d->shut_since, d->now};
    enum flow_gate next = flow_gate_next(d->gate, &view);

    if (next == d->gate)
        return;
    if (next == FLOW_SHUT)
        d->shut_since = d->now;
    if (d->gate == FLOW_PAUSED || next == FLOW_PAUSED) {
        log_notice(next == FLOW_PAUSED ? "the outbox is full: reading is paused"
                                       : "reading is resumed");
        intake_pause_all(&d->intake, FLOW_FULL, next == FLOW_PAUSED);
    }
    d->gate = next;
    intake_shut(&d->intake, next == FLOW_SHUT);
}

/* --- transactions --- */

static void freeze_part(struct daemon *d, size_t i)
{
    struct outbox_part *part = &d->outbox.point.parts[i];

    part->next = d->intake.parts[i].next;
    part->last = d->intake.parts[i].last;
    part->watermark = pipeline_watermark(d->pipeline, (uint32_t)i).ms;
    part->tally_digest = pipeline_tally_digest(d->pipeline, (uint32_t)i);
    buf_clear(&part->decisions);
    decision_log_encode(&d->decisions, (uint32_t)i, &part->decisions);
}

static void freeze_snapshots(struct daemon *d)
{
    struct outbox_point *point = &d->outbox.point;

    point->snapshot_count = d->book.durable_count;
    for (size_t i = 0; i < d->book.durable_count; i++) {
        const struct snapshot_mark *m = &d->book.durable[d->book.durable_count - 1 - i];

        point->snapshots[i] = (struct commit_snapshot){m->generation, m->instance, m->txn_seq};
    }
}

void daemon_freeze_points(struct daemon *d)
{
    struct outbox_point *point = &d->outbox.point;

    for (size_t i = 0; i < d->source_count; i++)
        freeze_part(d, i);
    for (size_t i = d->source_count; i < d->part_count; i++)
        point->controls[i - d->source_count] = (struct outbox_control){
            d->sources[i].partition,
            control_hold_next(&d->controls, (uint32_t)i, d->intake.parts[i].next)};
    freeze_snapshots(d);
    point->judge_digest = pipeline_judge_digest(d->pipeline);
    point->settings_hash = d->machine.hash;
    point->zone_hash = d->machine.zone->hash;
    point->decision_seq = d->decisions.last;
}

static int64_t daemon_due(struct daemon *d)
{
    const struct commit_view view = {
        .begun = d->txn.begun,
        .ended = d->txn.ended,
        .progress_since = d->outbox.progress_since,
        .bytes = outbox_bytes(&d->outbox),
        .limit = (size_t)d->keys.outbox,
        .alert = d->outbox.alerts > 0,
        .busy = d->outbox.is_frozen,
        .draining = d->life == LIFE_DRAINING,
    };

    if (d->commit_now && !view.busy)
        return d->now;
    if (!view.busy && daemon_snapshot_due(d) <= d->now)
        return d->now;
    return commit_due(&view);
}

static void daemon_transact(struct daemon *d)
{
    int64_t due = daemon_due(d);

    if (due == COMMIT_NEVER) {
        uv_timer_stop(&d->due);
    } else if (due > d->now) {
        uv_timer_start(&d->due, on_due, (uint64_t)(due - d->now), 0);
    } else {
        daemon_freeze_points(d);
        outbox_freeze(&d->outbox, txn_next_seq(&d->txn));
        d->commit_now = false;
        daemon_snapshot_frozen(d);
        if (!d->anchored)
            txn_send(&d->txn);
    }
    if (d->life == LIFE_DRAINING && due == COMMIT_NEVER && !d->outbox.is_frozen &&
        daemon_snapshot_last(d))
        daemon_event(d, LIFE_SETTLED, EXIT_OK, NULL);
}

void daemon_pump(struct daemon *d)
{
    if (!d->pipeline)
        return;
    if (d->life == LIFE_REBUILDING || d->life == LIFE_RUNNING)
        daemon_skew(d);
    if (d->life == LIFE_RUNNING || d->life == LIFE_DRAINING)
        daemon_transact(d);
    if (d->life != LIFE_RUNNING)
        return;
    daemon_gate(d);
    daemon_reconcile_pump(d);
}
