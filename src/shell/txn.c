/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/txn.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shell/exit_codes.h"
#include "shell/backoff.h"
#include "shell/fault.h"
#include "shell/log.h"

#define TXN_FILL_MS 10 /* the library's queue is full: look again */
#define TXN_HALF_TRIES 500

static void txn_run(struct txn *t, enum txn_step step);

static int64_t now_ms(const struct txn *t)
{
    return (int64_t)uv_now(t->loop);
}

static void txn_fail(struct txn *t, int code, const char *why)
{
    t->state = TXN_OVER;
    t->hooks.failed(t->hooks.context, code, why);
}

/* --- sending --- */

static void on_timer(uv_timer_t *timer);

/* Only where a test waits for it: half of the records, until the broker has them. */
static void txn_half(struct txn *t, const char *point)
{
    struct records half = t->outbox->frozen;
    rd_kafka_resp_err_t code;

    half.count /= 2;
    if (half.count == 0)
        return;
    t->produced = publish_records(&t->publish, t->job.producer, &half, 0, &code);
    for (int tries = 0; tries < TXN_HALF_TRIES && rd_kafka_outq_len(t->job.producer) > 0; tries++) {
        rd_kafka_flush(t->job.producer, 10);
        publish_serve(&t->publish, t->queue.queue);
    }
    FAULT(point);
}

static void txn_fill(struct txn *t)
{
    const char *half = t->again ? "txn.resend" : "produce.half";
    rd_kafka_resp_err_t code;

    if (t->produced == 0) {
        t->refusals = t->publish.refusals;
        t->job.rehearsal = t->publish.trial;
    }
    if (t->produced == 0 && FAULT_AWAITED(half))
        txn_half(t, half);
    t->produced = publish_records(&t->publish, t->job.producer, &t->outbox->frozen, t->produced,
                                  &code);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        snprintf(t->job.text, sizeof(t->job.text), "produce: %s", rd_kafka_err2str(code));
        t->job.error = (struct kafka_error){.code = code};
        txn_run(t, TXN_STEP_UNDO);
    } else if (t->produced < t->outbox->frozen.count) {
        t->state = TXN_FILLING;
        uv_timer_start(&t->timer, on_timer, TXN_FILL_MS, 0);
    } else {
        t->job.offsets = txn_offsets(&t->identity, &t->outbox->point, t->job.sources,
                                     t->job.source_count, t->control);
        txn_run(t, TXN_STEP_COMMIT);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct txn *t = timer->data;

    if (t->state == TXN_RENEWING) {
        txn_run(t, TXN_STEP_RENEW);
        return;
    }
    if (t->state == TXN_WAITING) {
        t->produced = 0;
        t->again = true;
        t->stats.resends++;
    }
    publish_serve(&t->publish, t->queue.queue);
    txn_fill(t);
}

void txn_send(struct txn *t)
{
    assert(t->state == TXN_IDLE && t->outbox->is_frozen);
    t->begun = now_ms(t);
    t->produced = 0;
    t->failures = 0;
    t->again = false;
    t->job.attempted = false;
    t->job.pending = (struct txn_stamp){true, t->identity.instance, t->outbox->point.seq};
    txn_fill(t);
}

/* --- answers --- */

static void txn_confirmed(struct txn *t)
{
    int64_t took;

    t->ended = now_ms(t);
    took = t->ended - t->begun;
    t->stats.commits++;
    t->stats.commit_ms_sum += (uint64_t)took;
    t->stats.commit_ms_max = took > t->stats.commit_ms_max ? took : t->stats.commit_ms_max;
    t->job.known = t->job.pending;
    memset(t->job.misses, 0, sizeof(t->job.misses));
    t->failures = 0;
    t->state = TXN_IDLE;
    publish_committed(&t->publish);
    t->hooks.committed(t->hooks.context);
}

/* Two instances that fence each other in step would go on for ever: each waits by its own measure. */
static int64_t txn_backoff(struct txn *t)
{
    int64_t ms = t->hurry ? BACKOFF_FIRST_MS : backoff_ms(++t->failures);

    return ms / 2 + (int64_t)(t->identity.instance % 1024) * ms / 1024;
}

/* After a renewal the same is sent at once: who commits first ends the race of two instances. */
static void txn_wait(struct txn *t)
{
    int64_t ms = t->job.step == TXN_STEP_RENEW ? 0 : txn_backoff(t);

    t->stats.aborts++;
    t->state = TXN_WAITING;
    log_warning("transaction aborted, the same is sent again",
                LOG_NUMBER("seq", t->outbox->point.seq), LOG_NUMBER("tries", t->failures),
                LOG_NUMBER("wait_ms", ms), LOG_TEXT("error", t->job.text),
                LOG_TEXT("code", rd_kafka_err2name(t->job.error.code)));
    uv_timer_start(&t->timer, on_timer, (uint64_t)ms, 0);
}

static void txn_drop_producer(struct txn *t)
{
    kafka_queue_detach(&t->queue);
    publish_detach(&t->publish);
}

static void txn_take_producer(struct txn *t)
{
    publish_attach(&t->publish, t->job.producer);
    kafka_queue_attach(&t->queue, rd_kafka_queue_get_main(t->job.producer));
    publish_serve(&t->publish, t->queue.queue);
}

static void txn_must_renew(struct txn *t)
{
    bool again;

    log_warning("the producer is finished; a new one with the same id compares what was committed",
                LOG_TEXT("error", t->job.text),
                LOG_TEXT("code", rd_kafka_err2name(t->job.error.code)));
    /* A renewed producer that is finished again, before anything was committed. */
    again = t->stats.renewals > 0 && t->stats.commits == t->renewed_at;
    t->renewed_at = t->stats.commits;
    t->stats.renewals++;
    txn_drop_producer(t);
    t->state = TXN_RENEWING;
    uv_timer_start(&t->timer, on_timer, again ? (uint64_t)txn_backoff(t) : 0, 0);
}

static void txn_answer(struct txn *t)
{
    bool again = t->job.outcome == TXN_REPEAT || t->job.outcome == TXN_MUST_RENEW;

    if (again && atomic_load(&t->job.cancel)) /* nobody would wait for it */
        t->job.outcome = TXN_CANCELLED;
    switch (t->job.outcome) {
    case TXN_COMMITTED:
        txn_confirmed(t);
        break;
    case TXN_REPEAT:
        txn_wait(t);
        break;
    case TXN_MUST_RENEW:
        txn_must_renew(t);
        break;
    case TXN_FENCED:
        txn_fail(t, EXIT_FENCED, "another funneld committed to this group meanwhile");
        break;
    case TXN_FAILED:
        txn_fail(t, EXIT_KAFKA, t->job.text);
        break;
    case TXN_CANCELLED:
        txn_fail(t, EXIT_UNFINISHED, "the last transaction was given up");
        break;
    }
}

/* The offsets were refused, not the records: the code is of an input or of the group. Only the text tells. */
static bool txn_offsets_refused(const struct txn_job *job)
{
    return job->call == KAFKA_SEND_OFFSETS && strstr(job->text, "Failed to commit offsets");
}

/* Whether the topics are to blame, before the next attempt is decided. */
static void txn_learn(struct txn *t)
{
    rd_kafka_resp_err_t code = t->job.error.code;

    for (int i = 0; i < TXN_TOPICS; i++)
        publish_refused(&t->publish, i, t->job.missing[i]);
    if (t->job.outcome == TXN_COMMITTED)
        publish_passed(&t->publish);
    if (t->job.rehearsed)
        publish_rehearsed(&t->publish);
    if (t->job.outcome != TXN_REPEAT || !kafka_error_is_lasting(code) ||
        t->publish.refusals != t->refusals || txn_offsets_refused(&t->job))
        return;
    publish_blame(&t->publish, &t->outbox->frozen, code);
}

static void on_work(uv_work_t *work)
{
    struct txn *t = work->data;

    txn_job_run(&t->job);
}

static void on_worked(uv_work_t *work, int status)
{
    struct txn *t = work->data;

    (void)status;
    t->working = false;
    if (t->job.offsets)
        rd_kafka_topic_partition_list_destroy(t->job.offsets);
    t->job.offsets = NULL;
    if (t->job.outcome != TXN_COMMITTED)
        memcpy(t->reason, t->job.text, sizeof(t->reason));
    if (t->job.step == TXN_STEP_RENEW && t->job.producer)
        txn_take_producer(t);
    /* The reports tell which topic was to blame, before the next attempt is decided. */
    publish_serve(&t->publish, t->queue.queue);
    txn_learn(t);
    txn_answer(t);
}

static void txn_run(struct txn *t, enum txn_step step)
{
    t->job.step = step;
    t->state = TXN_BUSY;
    t->working = true;
    if (uv_queue_work(t->loop, &t->work, on_work, on_worked) != 0)
        abort(); /* only for a NULL callback */
}

static void on_queue(void *context)
{
    struct txn *t = context;

    publish_serve(&t->publish, t->queue.queue);
}

/* --- life --- */

int txn_init(struct txn *t, uv_loop_t *loop, const struct settings *settings,
             struct kafka_health *health, const struct pipeline_source *sources,
             size_t source_count, struct outbox *outbox, const struct txn_hooks *hooks)
{
    *t = (struct txn){.loop = loop, .outbox = outbox, .hooks = *hooks, .begun = -1, .ended = -1};
    t->job.settings = settings;
    t->control = settings->control;
    t->job.health = health;
    t->job.sources = sources;
    t->job.source_count = source_count;
    t->work.data = t;
    publish_init(&t->publish, settings);
    memcpy(t->job.topics, t->publish.names, sizeof(t->job.topics));
    uv_timer_init(loop, &t->timer);
    t->timer.data = t;
    return kafka_queue_init(&t->queue, loop, on_queue, t) == 0 ? EXIT_OK : EXIT_INTERNAL;
}

int txn_open(struct txn *t, rd_kafka_t *consumer, rd_kafka_t *producer,
             const struct txn_identity *identity, const struct txn_stamp *known, char why[512])
{
    rd_kafka_error_t *error;

    t->job.consumer = consumer;
    t->job.producer = producer;
    t->job.known = *known;
    t->identity = *identity;
    t->begun = t->ended = now_ms(
        t); /* from here on an hour without progress commits all the same */
    txn_take_producer(t);
    error = rd_kafka_begin_transaction(producer);
    if (!error)
        return EXIT_OK;
    snprintf(why, 512, "begin_transaction: %s", rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return EXIT_KAFKA;
}

void txn_hurry(struct txn *t)
{
    t->hurry = true;
    if (t->state == TXN_WAITING || t->state == TXN_RENEWING)
        uv_timer_start(&t->timer, on_timer, 0, 0);
}

uint64_t txn_next_seq(const struct txn *t)
{
    return t->job.known.any ? t->job.known.seq + 1 : 1;
}

rd_kafka_t *txn_close(struct txn *t)
{
    assert(!t->working);
    txn_drop_producer(t);
    kafka_queue_close(&t->queue);
    uv_close((uv_handle_t *)&t->timer, NULL);
    return t->job.lost ? NULL : t->job.producer;
}
