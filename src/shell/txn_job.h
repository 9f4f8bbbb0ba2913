/* SPDX-License-Identifier: Apache-2.0 */
/* The blocking half of a transaction, run on the thread pool. It touches nothing but its own struct and
 * the two clients, so the loop goes on meanwhile; it must go on draining delivery reports, or the commit
 * waits for ever. */
#ifndef SHELL_TXN_JOB_H
#define SHELL_TXN_JOB_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "funnel/pipeline.h"
#include "shell/kafka_client.h"
#include "shell/kafka_error.h"

#define TXN_TOPICS 2
#define TXN_RETIRED 8
#define TXN_RETIRED_MS 10000

enum txn_step {
    TXN_STEP_COMMIT, /* send offsets, commit, begin the next */
    TXN_STEP_UNDO,   /* abort, begin */
    TXN_STEP_RENEW,  /* destroy the producer, make another, begin */
};

enum txn_outcome {
    TXN_COMMITTED,
    TXN_REPEAT,     /* aborted, a new transaction is begun: send the same again */
    TXN_MUST_RENEW, /* the loop must let go of the producer, then TXN_STEP_RENEW */
    TXN_FENCED,     /* another instance commits to this group */
    TXN_FAILED,     /* see error */
    TXN_CANCELLED,
};

/* Whose the committed offsets are. */
struct txn_stamp {
    bool any;
    uint64_t instance, seq;
};

struct txn_job {
    /* in */
    enum txn_step step;
    const struct settings *settings;
    struct kafka_health *health;
    rd_kafka_t *consumer;
    rd_kafka_t *producer; /* RENEW: replaced */
    const struct pipeline_source *sources;
    size_t source_count;
    rd_kafka_topic_partition_list_t *offsets; /* COMMIT; owned */
    struct txn_stamp known;                   /* the last confirmed one */
    struct txn_stamp pending;                 /* what this transaction writes */
    bool attempted;                           /* a commit of pending may have reached the broker */
    bool rehearsal;                           /* COMMIT: everything but the commit, then abort */
    bool lost; /* a call has not returned: the producer is left as it is, for ever */
    _Atomic bool cancel;
    /* Finished producers. Destroyed at once, librdkafka 2.0.2 now and then frees the offsets of a request twice that
     * the fencing broker is still answering (seen as an abort of the process); some seconds later, never. */
    struct {
        rd_kafka_t *client;
        int64_t at; /* ms, monotonic */
    } retired[TXN_RETIRED];
    size_t retired_count;
    const char *topics[TXN_TOPICS]; /* where its records go, in the order of enum record_target */
    /* out */
    rd_kafka_resp_err_t missing[TXN_TOPICS]; /* the topic is gone, or not ours to write */
    unsigned misses[TXN_TOPICS];             /* looks in a row that said so */
    bool rehearsed;                          /* a rehearsal went well */
    enum txn_outcome outcome;
    struct kafka_error error; /* the last one met, repaired or not */
    enum kafka_call call;
    char text[512];
};

void txn_job_run(struct txn_job *job);

/* What the committed metadata says: -1 the state before, 0 neither (a twin), 1 pending was committed.
 * Pure. */
int txn_stamp_compare(const struct txn_stamp *found, const struct txn_stamp *known,
                      const struct txn_stamp *pending);
/* An earlier one of the same daemon: nobody else was there. Pure. */
bool txn_stamp_is_before(const struct txn_stamp *found, const struct txn_stamp *known);

#endif
