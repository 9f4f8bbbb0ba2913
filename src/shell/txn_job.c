/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/txn_job.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shell/backoff.h"
#include "shell/commit_meta.h"
#include "shell/fault.h"
#include "shell/log.h"
#include "shell/txn_send.h"

#define TXN_CALL_MS 5000  /* calls overrun it; a retriable time-out is resumed by the same call */
#define TXN_LOST_MS 30000 /* after so long send_offsets will not return (txn_send.h) */
#define TXN_LOST_SOON_MS 3000

static const char *const call_names[] = {"init_transactions", "begin_transaction",
                                         "send_offsets_to_transaction", "commit_transaction",
                                         "abort_transaction"};

/* --- one call, repeated while that is the thing to do --- */

static rd_kafka_error_t *txn_call_once(struct txn_job *job, enum kafka_call call)
{
    switch (call) {
    case KAFKA_INIT:
        return rd_kafka_init_transactions(job->producer, TXN_CALL_MS);
    case KAFKA_BEGIN:
        return rd_kafka_begin_transaction(job->producer);
    case KAFKA_SEND_OFFSETS:
        return txn_send_offsets(job->producer, job->offsets, job->settings->group, TXN_CALL_MS,
                                FAULT_AWAITED("txn.sent") ? TXN_LOST_SOON_MS : TXN_LOST_MS,
                                &job->lost);
    case KAFKA_COMMIT:
        return rd_kafka_commit_transaction(job->producer, TXN_CALL_MS);
    case KAFKA_ABORT:
        return rd_kafka_abort_transaction(job->producer, TXN_CALL_MS);
    }
    return NULL;
}

static void txn_note_error(struct txn_job *job, enum kafka_call call, rd_kafka_error_t *error)
{
    job->error = kafka_error_of(error);
    job->call = call;
    snprintf(job->text, sizeof(job->text), "%s: %s", call_names[call],
             rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
}

static enum kafka_todo txn_note_lost(struct txn_job *job, enum kafka_call call)
{
    job->error = (struct kafka_error){.code = RD_KAFKA_RESP_ERR__TIMED_OUT};
    job->call = call;
    snprintf(job->text, sizeof(job->text), "%s: it does not return", call_names[call]);
    return KAFKA_RENEW;
}

static void txn_rest(struct txn_job *job, unsigned tries)
{
    int64_t ms = backoff_ms(tries) < 1000 ? backoff_ms(tries) : 1000;

    for (; ms > 0 && !atomic_load(&job->cancel); ms -= 50)
        usleep(50000);
}

/* The library goes on waiting for the leader of a topic that was deleted, until its records time out. So
 * when a commit hangs, the brokers are asked. One look may meet a broker that has just started; after two
 * the records are purged, which makes the commit fail at once, and the loop may leave the topic out. */
static void txn_look_for_topics(struct txn_job *job)
{
    bool purge = false;

    for (int i = 0; i < TXN_TOPICS; i++) {
        rd_kafka_resp_err_t wrong = RD_KAFKA_RESP_ERR_NO_ERROR;
        int partitions = 0;

        if (kafka_topic_state(job->consumer, job->topics[i], TXN_CALL_MS, &wrong, &partitions) !=
            RD_KAFKA_RESP_ERR_NO_ERROR)
            return;
        job->misses[i] = kafka_error_is_lasting(wrong) ? job->misses[i] + 1 : 0;
        if (job->misses[i] < 2)
            continue;
        job->missing[i] = wrong;
        purge = true;
    }
    if (purge)
        rd_kafka_purge(job->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
}

/* GO_ON, or what else must be done. Cancelled: REPEAT. */
static enum kafka_todo txn_call(struct txn_job *job, enum kafka_call call)
{
    enum kafka_todo todo = KAFKA_REPEAT;

    for (unsigned tries = 1; todo == KAFKA_REPEAT && !atomic_load(&job->cancel); tries++) {
        rd_kafka_error_t *error = txn_call_once(job, call);

        if (job->lost)
            return txn_note_lost(job, call);
        if (!error)
            return KAFKA_GO_ON;
        txn_note_error(job, call, error);
        todo = kafka_error_todo(&job->error, call);
        if (todo != KAFKA_REPEAT)
            return todo;
        log_notice("Kafka call is repeated", LOG_TEXT("error", job->text),
                   LOG_TEXT("code", rd_kafka_err2name(job->error.code)));
        if (call == KAFKA_COMMIT)
            txn_look_for_topics(job);
        txn_rest(job, tries);
    }
    return todo;
}

/* --- whose are the committed offsets --- */

int txn_stamp_compare(const struct txn_stamp *found, const struct txn_stamp *known,
                      const struct txn_stamp *pending)
{
    if (found->any && found->instance == pending->instance && found->seq == pending->seq)
        return 1;
    if (found->any != known->any)
        return 0;
    return !found->any || (found->instance == known->instance && found->seq == known->seq) ? -1 : 0;
}

bool txn_stamp_is_before(const struct txn_stamp *found, const struct txn_stamp *known)
{
    return found->any && known->any && found->instance == known->instance &&
           found->seq < known->seq;
}

/* Partitions that disagree were not written by one transaction: not ours, whatever they are. */
static bool txn_stamp_of(const rd_kafka_topic_partition_list_t *list, struct txn_stamp *ret)
{
    struct buf scratch = {0};
    bool ours = true;

    *ret = (struct txn_stamp){0};
    for (int i = 0; i < list->cnt && ours; i++) {
        const rd_kafka_topic_partition_t *x = &list->elems[i];
        struct commit_meta m = {0};

        if (x->offset < 0) /* one that was added says nothing */
            continue;
        ours = !commit_meta_decode(x->metadata, x->metadata_size, &scratch, &m) &&
               (!ret->any || (m.instance == ret->instance && m.seq == ret->seq));
        *ret = (struct txn_stamp){true, m.instance, m.seq};
    }
    buf_deinit(&scratch);
    if (!ours)
        *ret = (struct txn_stamp){0};
    return ours;
}

/* As txn_stamp_compare(); -2: cancelled. */
static int txn_look(struct txn_job *job, struct txn_stamp *ret_found)
{
    rd_kafka_topic_partition_list_t *list = kafka_list_new(job->sources, job->source_count);
    int result = -2;

    for (unsigned tries = 1; result == -2 && !atomic_load(&job->cancel); tries++) {
        rd_kafka_resp_err_t code = kafka_committed(job->consumer, list);

        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            result = txn_stamp_of(list, ret_found)
                         ? txn_stamp_compare(ret_found, &job->known, &job->pending)
                         : 0;
        else
            txn_rest(job, tries);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return result;
}

/* --- steps --- */

static void txn_stop(struct txn_job *job, enum kafka_todo todo)
{
    job->outcome = todo == KAFKA_RENEW  ? TXN_MUST_RENEW
                   : todo == KAFKA_FAIL ? TXN_FAILED
                                        : TXN_CANCELLED;
}

/* Neither what was known nor what is pending. A broker that its controller takes for dead leaves out the markers of
 * a transaction whose commit it confirms (Kafka 4.4: "partitions are likely deleted already and hence can be
 * skipped"), and the next abort undoes it with its own. That is no twin, and a restart does all of it again. */
static void txn_not_ours(struct txn_job *job, const struct txn_stamp *found)
{
    if (!txn_stamp_is_before(found, &job->known)) {
        job->outcome = TXN_FENCED;
        return;
    }
    job->outcome = TXN_FAILED;
    snprintf(
        job->text, sizeof(job->text),
        "the brokers have undone transaction %llu, which they had confirmed: their last one is "
        "%llu; a restart does it again",
        (unsigned long long)job->known.seq, (unsigned long long)found->seq);
}

/* After an abort or with a new producer: the answer of a commit may have been lost. */
static void txn_resume(struct txn_job *job)
{
    struct txn_stamp stamp = {0};
    int found = job->attempted ? txn_look(job, &stamp) : -1;
    enum kafka_todo todo;

    if (found == 0) {
        txn_not_ours(job, &stamp);
        return;
    }
    if (found == -2) {
        job->outcome = TXN_CANCELLED;
        return;
    }
    todo = txn_call(job, KAFKA_BEGIN);
    if (todo != KAFKA_GO_ON)
        txn_stop(job, todo == KAFKA_UNDO ? KAFKA_RENEW : todo);
    else
        job->outcome = found == 1 ? TXN_COMMITTED : TXN_REPEAT;
}

static void txn_undo(struct txn_job *job)
{
    enum kafka_todo todo;

    FAULT("txn.abort");
    todo = txn_call(job, KAFKA_ABORT);
    FAULT("txn.aborted");
    if (todo == KAFKA_GO_ON)
        txn_resume(job);
    else
        txn_stop(job, todo);
}

/* When the transaction had failed before the call, send_offsets says only that the state is wrong.
 * begin_transaction is refused in every state but a committed one, and tells the reason. */
static void txn_learn_reason(struct txn_job *job)
{
    rd_kafka_error_t *error;

    if (job->error.code != RD_KAFKA_RESP_ERR__STATE)
        return;
    error = rd_kafka_begin_transaction(job->producer);
    if (error && rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR__STATE)
        txn_note_error(job, KAFKA_SEND_OFFSETS, error);
    else if (error)
        rd_kafka_error_destroy(error);
}

/* What the commit would have waited for: the brokers have the records, and take them for this transaction. Offsets are
 * refused once any of them was. */
static enum kafka_todo txn_rehearse(struct txn_job *job)
{
    rd_kafka_resp_err_t code = rd_kafka_flush(job->producer, TXN_CALL_MS);
    enum kafka_todo todo = KAFKA_UNDO;

    job->error = (struct kafka_error){.code = code};
    snprintf(job->text, sizeof(job->text), "a rehearsal without dead letters: %s",
             rd_kafka_err2str(code));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        txn_look_for_topics(job);
        return KAFKA_UNDO;
    }
    todo = txn_call(job, KAFKA_SEND_OFFSETS);
    job->rehearsed = todo == KAFKA_GO_ON;
    return job->rehearsed ? KAFKA_UNDO : todo;
}

static void txn_commit_step(struct txn_job *job)
{
    enum kafka_todo todo;

    FAULT("txn.offsets");
    todo = txn_call(job, KAFKA_SEND_OFFSETS);
    if (todo == KAFKA_GO_ON && job->rehearsal)
        todo = txn_rehearse(job);
    if (todo == KAFKA_UNDO)
        txn_learn_reason(job);
    if (todo == KAFKA_GO_ON && FAULT_FAILS("txn.fail"))
        todo = KAFKA_UNDO;
    if (todo == KAFKA_GO_ON) {
        FAULT("txn.commit");
        job->attempted = true;
        todo = txn_call(job, KAFKA_COMMIT);
    }
    if (todo == KAFKA_GO_ON) {
        FAULT("txn.committed");
        job->known = job->pending;
        todo = txn_call(job, KAFKA_BEGIN);
        /* Committed, but not able to go on: the new producer finds pending committed. */
        if (todo == KAFKA_GO_ON)
            job->outcome = TXN_COMMITTED;
        else
            txn_stop(job, todo == KAFKA_UNDO ? KAFKA_RENEW : todo);
    } else if (todo == KAFKA_UNDO) {
        txn_undo(job);
    } else {
        txn_stop(job, todo);
    }
}

/* Those retired long enough are destroyed; where all places are taken, the oldest is. What is left when the process
 * ends is left to its end. */
static void txn_retire(struct txn_job *job, rd_kafka_t *client)
{
    struct timespec t;
    int64_t now;
    size_t from = 0;

    clock_gettime(CLOCK_MONOTONIC, &t);
    now = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
    while (from < job->retired_count && (now - job->retired[from].at >= TXN_RETIRED_MS ||
                                         job->retired_count - from == TXN_RETIRED))
        rd_kafka_destroy(job->retired[from++].client);
    job->retired_count -= from;
    memmove(job->retired, job->retired + from, job->retired_count * sizeof(job->retired[0]));
    job->retired[job->retired_count].client = client;
    job->retired[job->retired_count++].at = now;
}

static void txn_renew(struct txn_job *job)
{
    enum kafka_todo todo;
    char error[512];

    if (job->producer && !job->lost)
        txn_retire(job, job->producer);
    job->lost = false;
    job->producer = kafka_client_new(job->settings, KAFKA_PRODUCER, job->health, error);
    if (!job->producer) {
        snprintf(job->text, sizeof(job->text), "%s", error);
        job->outcome = TXN_FAILED;
        return;
    }
    FAULT("txn.renew");
    job->attempted = true; /* also when nothing was sent: a twin may have committed meanwhile */
    todo = txn_call(job, KAFKA_INIT);
    if (todo == KAFKA_GO_ON)
        txn_resume(job);
    else
        txn_stop(job, todo == KAFKA_UNDO ? KAFKA_RENEW : todo);
}

void txn_job_run(struct txn_job *job)
{
    static void (*const steps[])(struct txn_job *) = {[TXN_STEP_COMMIT] = txn_commit_step,
                                                      [TXN_STEP_UNDO] = txn_undo,
                                                      [TXN_STEP_RENEW] = txn_renew};

    job->outcome = TXN_CANCELLED;
    job->rehearsed = false;
    memset(job->missing, 0, sizeof(job->missing));
    steps[job->step](job);
}
