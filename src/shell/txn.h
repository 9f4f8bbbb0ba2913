/* SPDX-License-Identifier: Apache-2.0 */
/* One transaction after another: the loop's half. The outbox is handed over frozen and comes back
 * confirmed, however many attempts, producers and back-offs that takes. */
#ifndef SHELL_TXN_H
#define SHELL_TXN_H

#include <uv.h>

#include "shell/kafka_queue.h"
#include "shell/outbox.h"
#include "shell/publish.h"
#include "shell/txn_job.h"
#include "shell/txn_offsets.h"

enum txn_state {
    TXN_IDLE,     /* a transaction is begun, empty */
    TXN_FILLING,  /* producing; the library's queue is full */
    TXN_BUSY,     /* a job runs */
    TXN_WAITING,  /* back-off before the same is sent again */
    TXN_RENEWING, /* back-off before another new producer */
    TXN_OVER,     /* failed for good */
};

struct txn_hooks {
    void *context;
    void (*committed)(void *context); /* outbox->frozen may be confirmed */
    void (*failed)(void *context, int code, const char *why);
};

struct txn_stats {
    uint64_t commits, aborts, resends, renewals;
    uint64_t commit_ms_sum;
    int64_t commit_ms_max;
};

struct txn {
    uv_loop_t *loop;
    uv_timer_t timer;
    uv_work_t work;
    struct kafka_queue queue;
    struct publish publish;
    struct txn_job job;
    struct outbox *outbox;
    struct txn_identity identity;
    struct txn_hooks hooks;
    enum txn_state state;
    size_t produced;      /* of the frozen records, in this attempt */
    unsigned failures;    /* attempts of this outbox that failed */
    int64_t begun, ended; /* ms of the loop's clock; of the last transaction; -1 */
    bool working;         /* the worker holds the job */
    bool again;           /* this attempt is not the first of its outbox */
    bool hurry;           /* no back-off: the daemon is stopping */
    char reason[512];     /* of the last attempt that failed; the job's own text is the worker's */
    struct txn_stats stats;
    uint64_t refusals;   /* publish.refusals when this attempt began */
    uint64_t renewed_at; /* stats.commits at the last renewal */
    const char *control; /* borrowed; topic of outbox->point.controls */
};

/* The clients are borrowed; the producer becomes the transaction's and may be exchanged. It must be
 * initialised. `known`: whose offsets are committed now. Returns EXIT_OK, or a code. */
int txn_init(struct txn *t, uv_loop_t *loop, const struct settings *settings,
             struct kafka_health *health, const struct pipeline_source *sources,
             size_t source_count, struct outbox *outbox, const struct txn_hooks *hooks);
int txn_open(struct txn *t, rd_kafka_t *consumer, rd_kafka_t *producer,
             const struct txn_identity *identity, const struct txn_stamp *known, char why[512]);

/* Sends the frozen outbox. Only while TXN_IDLE. */
void txn_send(struct txn *t);
void txn_hurry(struct txn *t); /* a back-off ends now, and later ones are short */
uint64_t txn_next_seq(const struct txn *t);

/* Lets go of the producer and closes the handles; the producer is returned to be destroyed off the loop;
 * NULL where that must not be. Not while the worker holds the job. */
rd_kafka_t *txn_close(struct txn *t);

#endif
