/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/kafka_error.h"

#include <stddef.h>

/* Codes whose meaning does not depend on the flags. */
static const struct {
    rd_kafka_resp_err_t code;
    enum kafka_todo todo;
} kafka_error_codes[] = {
    {RD_KAFKA_RESP_ERR__FENCED, KAFKA_RENEW},
    {RD_KAFKA_RESP_ERR_PRODUCER_FENCED, KAFKA_RENEW},
    {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, KAFKA_RENEW},
    /* The broker ended the transaction by itself (it came back after the timeout) before our own end of it was
     * there: the same as _FENCED, by another name. */
    {RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, KAFKA_RENEW},
    /* The first of two overlapping calls is still open: go on with the same one. */
    {RD_KAFKA_RESP_ERR__CONFLICT, KAFKA_REPEAT},
};

enum kafka_todo kafka_error_todo(const struct kafka_error *e, enum kafka_call call)
{
    if (e->code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return KAFKA_GO_ON;
    for (size_t i = 0; i < sizeof(kafka_error_codes) / sizeof(kafka_error_codes[0]); i++) {
        if (kafka_error_codes[i].code == e->code)
            return kafka_error_codes[i].todo;
    }
    if (e->fatal)
        return KAFKA_FAIL;
    if (call == KAFKA_ABORT && e->code == RD_KAFKA_RESP_ERR__STATE)
        return KAFKA_GO_ON; /* there was nothing to abort */
    if (e->abortable && call != KAFKA_INIT && call != KAFKA_ABORT)
        return KAFKA_UNDO;
    if (e->retriable)
        return KAFKA_REPEAT;
    /* No flag says what to do. A new producer reads back what was committed, so it is right after
     * anything, whatever state this one is in. */
    return KAFKA_RENEW;
}

bool kafka_error_is_lasting(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
        return true;
    default:
        return false;
    }
}

struct kafka_error kafka_error_of(const rd_kafka_error_t *e)
{
    if (!e)
        return (struct kafka_error){0};
    return (struct kafka_error){
        .code = rd_kafka_error_code(e),
        .fatal = rd_kafka_error_is_fatal(e),
        .retriable = rd_kafka_error_is_retriable(e),
        .abortable = rd_kafka_error_txn_requires_abort(e),
    };
}
