/* SPDX-License-Identifier: Apache-2.0 */
/* Producing an outbox, and what the delivery reports say of the two topics. Loop thread. */
#ifndef SHELL_PUBLISH_H
#define SHELL_PUBLISH_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "funnel/record.h"
#include "funnel/settings.h"

#define PUBLISH_TARGETS 2 /* RECORD_ALERT, RECORD_DEADLETTER */

struct publish {
    const char *names[PUBLISH_TARGETS];
    rd_kafka_topic_t *topics[PUBLISH_TARGETS]; /* kept: a first message by name costs a second */
    /* The reason the target's records meet lasting errors; dead letters are then left out. */
    rd_kafka_resp_err_t refused[PUBLISH_TARGETS];
    uint64_t refusals; /* how often one was found */
    unsigned blames;   /* failures in a row that no report tied to a topic */
    bool trial;   /* the next attempt is a rehearsal: without dead letters, and never committed */
    bool suspect; /* a rehearsal passed: if the next attempt fails, the dead letters are to blame */
    uint64_t produced[PUBLISH_TARGETS];
    uint64_t dropping
        [PUBLISH_TARGETS]; /* left out of this attempt: too large, or the topic refuses them */
    uint64_t dropped[PUBLISH_TARGETS]; /* of attempts that were committed: lost for good */
};

void publish_init(struct publish *p, const struct settings *settings);
/* After init_transactions of a producer; and before that producer is destroyed. */
void publish_attach(struct publish *p, rd_kafka_t *producer);
void publish_detach(struct publish *p);

/* Hands records[from..] to the library. Returns how far it came: less than the count only when the
 * library's queue is full (try again), or *ret_code tells why the transaction must be aborted. */
size_t publish_records(struct publish *p, rd_kafka_t *producer, const struct records *records,
                       size_t from, rd_kafka_resp_err_t *ret_code);
/* Serves the producer's queue until it is empty. */
void publish_serve(struct publish *p, rd_kafka_queue_t *queue);
/* The target's topic refuses records for a reason that lasts; NO_ERROR says nothing. */
void publish_refused(struct publish *p, int target, rd_kafka_resp_err_t code);
/* A transaction failed for a lasting reason that no delivery report tied to a topic. The first time says nothing:
 * a broker that has just started may not know its topics yet, and of a topic that is gone the next attempt's reports
 * will tell. After the second, with records of one target there is no doubt; with both, a rehearsal shows it. It must not
 * be committed: the alert topic may just have been repaired, and the dead letters left out would be lost. */
void publish_blame(struct publish *p, const struct records *records, rd_kafka_resp_err_t code);
/* A rehearsal went well, up to the commit that was not asked for. */
void publish_rehearsed(struct publish *p);
/* The attempt was committed: nobody is to blame. */
void publish_passed(struct publish *p);
/* The attempt was committed: what it left out is lost. */
void publish_committed(struct publish *p);
bool publish_deadletters_off(const struct publish *p);

#endif
