/* SPDX-License-Identifier: Apache-2.0 */
/* What an error of Kafka means for the transaction, and for one topic. Pure: a table over codes, then the
 * library's own flags, because 2.0.2 does not set them for every way of being fenced. */
#ifndef SHELL_KAFKA_ERROR_H
#define SHELL_KAFKA_ERROR_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

/* The call an error came from. */
enum kafka_call { KAFKA_INIT, KAFKA_BEGIN, KAFKA_SEND_OFFSETS, KAFKA_COMMIT, KAFKA_ABORT };

enum kafka_todo {
    KAFKA_GO_ON,  /* nothing to repair */
    KAFKA_REPEAT, /* the same call with the same arguments */
    KAFKA_UNDO,   /* abort, then the same outbox in a new transaction */
    KAFKA_RENEW,  /* this producer is finished: a new one, then compare the committed metadata */
    KAFKA_FAIL,   /* cannot be repaired from inside the process */
};

struct kafka_error {
    rd_kafka_resp_err_t code;
    bool fatal, retriable, abortable;
};

enum kafka_todo kafka_error_todo(const struct kafka_error *e, enum kafka_call call);
/* A delivery failed for a reason that the same record will meet again. */
bool kafka_error_is_lasting(rd_kafka_resp_err_t code);
/* NULL is success: code NO_ERROR. */
struct kafka_error kafka_error_of(const rd_kafka_error_t *e);

#endif
