/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots: taken where an outbox is frozen, so that state, offsets and transaction are of one instant. */
#include "funnel/mem.h"
#include "shell/daemon.h"
#include "shell/exit_codes.h"
#include "shell/fault.h"
#include "shell/log.h"

/* Not asked in every turn, but soon again: that the one under way has ended, and that a log's start has moved,
 * comes without a word. */
#define ASK_MS 1000

/* --- when --- */

size_t daemon_meta_bytes(const struct daemon *d)
{
    return decision_log_bytes(&d->decisions);
}

/* What waits for room presses as much as metadata that are full. */
static size_t snapshot_bytes(const struct daemon *d)
{
    size_t bytes = daemon_meta_bytes(d);

    return d->controls.count > 0 && bytes < SNAPSHOT_META_BYTES ? SNAPSHOT_META_BYTES : bytes;
}

static void snapshot_parts(const struct daemon *d, struct snapshot_part *parts)
{
    for (size_t i = 0; i < d->source_count; i++)
        parts[i] = (struct snapshot_part){
            .saved = d->book.durable_count ? d->saved[i] : d->outbox.point.parts[i].origin,
            .low = d->probe.result.parts[i].low,
            .next = d->intake.parts[i].next,
            .retention_ms = d->retention_ms[i],
        };
}

/* Of the control topic what counts is decided. */
static bool snapshot_changed(const struct daemon *d)
{
    const struct snapshot_mark *newest = &d->book.durable[0];
    bool changed = d->book.durable_count == 0 || d->decisions.last != newest->decision_seq ||
                   d->machine.hash != newest->settings_hash;

    for (size_t i = 0; i < d->source_count && !changed; i++)
        changed = d->intake.parts[i].next != d->saved[i];
    return changed;
}

static enum snapshot_reason snapshot_reason(struct daemon *d)
{
    struct snapshot_part *parts = mem_zero(d->source_count, sizeof(*parts));
    struct snapshot_view view = {
        .now = d->now,
        .since = d->running_since,
        .begun = d->snapshot_begun,
        .age = d->snapshot_aged < 0 ? -1 : d->now - d->snapshot_aged,
        .interval = d->keys.snapshot,
        .meta_bytes = snapshot_bytes(d),
        .parts = parts,
        .part_count = d->source_count,
        .changed = snapshot_changed(d),
        .busy = snapshot_is_busy(&d->snapshot) || d->book.has_pending,
        .switching = d->other.waits,
        .stopping = d->life == LIFE_DRAINING,
    };
    enum snapshot_reason reason;

    snapshot_parts(d, parts);
    reason = snapshot_due(&view, &d->snapshot_at);
    if (d->snapshot_at > d->now + ASK_MS)
        d->snapshot_at = d->now + ASK_MS;
    mem_free(parts);
    return reason;
}

/* --- taking one --- */

static void header_parts(const struct daemon *d, struct state_part *parts)
{
    for (size_t i = 0; i < d->source_count; i++) {
        const struct outbox_part *p = &d->outbox.point.parts[i];

        parts[i] = (struct state_part){.topic = d->sources[i].topic,
                                       .partition = d->sources[i].partition,
                                       .next = p->next,
                                       .origin = p->origin,
                                       .watermark = p->watermark,
                                       .last = p->last};
    }
}

static void header_controls(const struct daemon *d, struct state_control *controls)
{
    for (size_t i = d->source_count; i < d->part_count; i++)
        controls[i - d->source_count] = (struct state_control){
            d->outbox.point.controls[i - d->source_count].partition,
            d->outbox.point.controls[i - d->source_count].next};
}

static bool snapshot_take(struct daemon *d, uint64_t instance, uint64_t seq,
                          enum snapshot_reason reason)
{
    struct state_part *parts = mem_zero(d->source_count, sizeof(*parts));
    struct state_control *controls = mem_zero(d->part_count, sizeof(*controls));
    struct state_header h = {
        .generation = state_dir_next(&d->dir, d->plan.generation),
        .instance = instance,
        .txn_seq = seq,
        .decision_seq = d->decisions.last,
        .machine = COMMIT_META_MACHINE,
        .zone_hash = d->machine.zone->hash,
        .settings_hash = d->machine.hash,
        .settings = {d->machine.text.data, (uint32_t)d->machine.text.len},
        .group = d->config->settings->group,
        .cluster_id = d->start.cluster_id,
        .parts = parts,
        .part_count = d->source_count,
        .controls = controls,
        .control_count = d->part_count - d->source_count,
        .taken_at = daemon_wall_ms(),
    };
    bool begun;

    header_parts(d, parts);
    header_controls(d, controls);
    d->snapshot_begun = d->now;
    begun = snapshot_begin(&d->snapshot, &h, d->pipeline);
    if (begun) {
        snapshot_book_taken(&d->book, &(struct snapshot_mark){h.generation, instance, seq,
                                                              h.decision_seq, h.settings_hash});
        for (size_t i = 0; i < d->source_count; i++)
            d->taken[i] = parts[i].next;
        log_info("snapshot begun", LOG_NUMBER("generation", h.generation),
                 LOG_TEXT("reason", snapshot_reason_text(reason)));
    } else {
        log_warning("no snapshot could be begun", LOG_TEXT("reason", d->snapshot.result.why));
        d->counts.snapshots_failed++;
    }
    mem_free(parts);
    mem_free(controls);
    return begun;
}

/* The transaction is sent when it is in the folder, and nothing before it can be replayed any more: it names it,
 * and it alone. */
static void point_anchor(struct daemon *d)
{
    const struct snapshot_mark *m = &d->book.pending;

    d->outbox.point.snapshots[0] = (struct commit_snapshot){m->generation, m->instance, m->txn_seq};
    d->outbox.point.snapshot_count = 1;
}

void daemon_snapshot_frozen(struct daemon *d)
{
    enum snapshot_reason reason = snapshot_reason(d);

    if (d->anchored) {
        if (snapshot_take(d, d->instance, d->outbox.point.seq, SNAPSHOT_FIRST))
            point_anchor(d);
        else
            daemon_die(d, EXIT_IO, "the state cannot be saved, which this start depends on");
        return;
    }
    if (reason != SNAPSHOT_NONE)
        snapshot_take(d, d->instance, d->outbox.point.seq, reason);
    if (reason == SNAPSHOT_STOP)
        d->snapshot_stopping = true;
}

int64_t daemon_snapshot_due(struct daemon *d)
{
    if (d->life != LIFE_RUNNING)
        return SNAPSHOT_NEVER;
    if (d->now < d->snapshot_at && !d->other.waits && snapshot_bytes(d) < SNAPSHOT_META_BYTES)
        return d->snapshot_at;
    return snapshot_reason(d) != SNAPSHOT_NONE ? d->now : d->snapshot_at;
}

/* --- what becomes of it --- */

/* Texts that a replay may still ask for: every switch since the older durable one is in the log. */
static void snapshot_settings(struct daemon *d)
{
    uint64_t hashes[STATE_DIR_LIST] = {d->machine.hash, d->config->hash, d->other.next.hash};
    struct buf coded = {0};
    struct codec_in in;
    size_t count = 3;

    decision_log_encode(&d->decisions, 0, &coded);
    in = (struct codec_in){(const unsigned char *)coded.data, coded.len, NULL};
    while (in.left > 0 && count < STATE_DIR_LIST) {
        struct decision x;

        decision_get(&in, &x);
        if (x.kind == DECISION_SWITCH)
            hashes[count++] = (uint64_t)x.value;
    }
    buf_deinit(&coded);
    state_dir_keep_settings(&d->dir, hashes, count);
}

static void snapshot_durable(struct daemon *d)
{
    uint32_t kept[SNAPSHOT_KEPT + 1];
    size_t count = snapshot_book_generations(&d->book, kept);

    FAULT("snapshot.durable");
    d->snapshot_aged = d->snapshot_begun; /* it is of then */
    for (size_t i = 0; i < d->source_count; i++)
        d->saved[i] = d->taken[i];
    decision_log_trim(&d->decisions, snapshot_book_decisions(&d->book));
    state_dir_keep(&d->dir, kept, count);
    snapshot_settings(d);
    d->counts.snapshots++;
    log_info("snapshot durable", LOG_NUMBER("generation", snapshot_book_generation(&d->book)));
    daemon_switch_pump(d);
    daemon_control_pump(d);
}

void daemon_snapshot_confirmed(struct daemon *d, uint64_t seq)
{
    if (snapshot_book_confirmed(&d->book, seq))
        snapshot_durable(d);
}

void daemon_snapshot_done(void *daemon, const struct snapshot_result *r)
{
    struct daemon *d = daemon;

    d->now = (int64_t)uv_now(&d->loop);
    if (r->ok) {
        log_notice("snapshot written", LOG_NUMBER("generation", r->generation),
                   LOG_NUMBER("bytes", r->bytes), LOG_NUMBER("ms", r->ms),
                   LOG_NUMBER("fork_us", r->fork_us));
        if (snapshot_book_filed(&d->book, r->generation))
            snapshot_durable(d);
    } else {
        log_warning("snapshot failed: the older one stays, another is tried later",
                    LOG_NUMBER("generation", r->generation), LOG_TEXT("reason", r->why));
        snapshot_book_failed(&d->book, r->generation);
        d->counts.snapshots_failed++;
    }
    if (d->life == LIFE_STOPPED) {
        daemon_close_soon(d);
    } else if (d->anchored && !r->ok) {
        daemon_die(d, EXIT_IO, "the state cannot be saved, which this start depends on");
    } else if (d->anchored) {
        d->anchored = false;
        txn_send(&d->txn);
    } else {
        daemon_pump(d);
    }
}

/* --- a clean stop --- */

/* All is committed: S = C. Where nothing was committed in this run, the snapshot belongs to the transaction
 * before. */
bool daemon_snapshot_last(struct daemon *d)
{
    const struct txn_stamp *known = &d->txn.job.known;

    if (snapshot_is_busy(&d->snapshot))
        return false;
    if (d->snapshot_stopping || !known->any || d->outbox.progress_since >= 0)
        return true;
    d->snapshot_stopping = true;
    daemon_freeze_points(d);
    if (d->book.durable_count && d->book.durable[0].txn_seq == known->seq &&
        d->book.durable[0].instance == known->instance)
        return true; /* it is saved already */
    if (!snapshot_take(d, known->instance, known->seq, SNAPSHOT_STOP))
        return true;
    snapshot_book_confirmed(&d->book, known->seq);
    return false;
}
