/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/kafka_error.h"

#include <criterion/criterion.h>

#include "shell/txn_job.h"

Test(kafka_error, what_each_means)
{
    static const struct {
        struct kafka_error e;
        enum kafka_call call;
        enum kafka_todo todo;
    } cases[] = {
        {{RD_KAFKA_RESP_ERR_NO_ERROR, 0, 0, 0}, KAFKA_COMMIT, KAFKA_GO_ON},
        {{RD_KAFKA_RESP_ERR__TIMED_OUT, 0, 1, 0}, KAFKA_INIT, KAFKA_REPEAT},
        {{RD_KAFKA_RESP_ERR__TRANSPORT, 0, 1, 0}, KAFKA_COMMIT, KAFKA_REPEAT},
        {{RD_KAFKA_RESP_ERR_NOT_COORDINATOR, 0, 1, 0}, KAFKA_ABORT, KAFKA_REPEAT},
        {{RD_KAFKA_RESP_ERR__CONFLICT, 0, 0, 0}, KAFKA_COMMIT, KAFKA_REPEAT},
        {{RD_KAFKA_RESP_ERR__TIMED_OUT, 0, 0, 1}, KAFKA_COMMIT, KAFKA_UNDO},
        {{RD_KAFKA_RESP_ERR__INCONSISTENT, 0, 0, 1}, KAFKA_COMMIT, KAFKA_UNDO},
        {{RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE, 0, 0, 1}, KAFKA_SEND_OFFSETS, KAFKA_UNDO},
        {{RD_KAFKA_RESP_ERR__FENCED, 1, 0, 0}, KAFKA_COMMIT, KAFKA_RENEW},
        /* 2.0.2 does not always flag it as fatal. */
        {{RD_KAFKA_RESP_ERR__FENCED, 0, 0, 1}, KAFKA_SEND_OFFSETS, KAFKA_RENEW},
        {{RD_KAFKA_RESP_ERR_PRODUCER_FENCED, 0, 0, 1}, KAFKA_SEND_OFFSETS, KAFKA_RENEW},
        {{RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, 1, 0, 0}, KAFKA_ABORT, KAFKA_RENEW},
        {{RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, 1, 0, 0}, KAFKA_COMMIT, KAFKA_RENEW},
        {{RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, 1, 0, 0},
         KAFKA_INIT,
         KAFKA_FAIL},
        {{RD_KAFKA_RESP_ERR__STATE, 0, 0, 0}, KAFKA_ABORT, KAFKA_GO_ON},
        {{RD_KAFKA_RESP_ERR__STATE, 0, 0, 0}, KAFKA_COMMIT, KAFKA_RENEW},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_assert_eq(kafka_error_todo(&cases[i].e, cases[i].call), cases[i].todo, "case %zu: %s", i,
                     rd_kafka_err2name(cases[i].e.code));
}

Test(kafka_error, lasting_ones_are_the_topics_fault)
{
    cr_assert(kafka_error_is_lasting(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART));
    cr_assert(kafka_error_is_lasting(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED));
    cr_assert(kafka_error_is_lasting(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE));
    cr_assert_not(kafka_error_is_lasting(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT));
    cr_assert_not(kafka_error_is_lasting(RD_KAFKA_RESP_ERR__PURGE_QUEUE));
    cr_assert_not(kafka_error_is_lasting(RD_KAFKA_RESP_ERR_NO_ERROR));
}

Test(txn_stamp, whose_the_committed_offsets_are)
{
    const struct txn_stamp none = {0}, known = {true, 7, 4}, pending = {true, 7, 5},
                           before = {true, 6, 4}, twin = {true, 8, 5};

    cr_assert_eq(txn_stamp_compare(&known, &known, &pending), -1);
    cr_assert_eq(txn_stamp_compare(&pending, &known, &pending), 1, "the answer was lost");
    cr_assert_eq(txn_stamp_compare(&twin, &known, &pending), 0);
    cr_assert_eq(txn_stamp_compare(&before, &before, &pending), -1, "nothing of ours yet");
    cr_assert_eq(txn_stamp_compare(&none, &none, &pending), -1);
    cr_assert_eq(txn_stamp_compare(&none, &known, &pending), 0, "offsets were deleted");
    cr_assert_eq(txn_stamp_compare(&twin, &none, &pending), 0);
}

Test(txn_stamp, an_earlier_one_of_our_own_is_no_twin)
{
    const struct txn_stamp none = {0}, known = {true, 7, 4}, earlier = {true, 7, 3},
                           later = {true, 7, 6}, twin = {true, 8, 3};

    cr_assert(txn_stamp_is_before(&earlier, &known));
    cr_assert_not(txn_stamp_is_before(&known, &known));
    cr_assert_not(txn_stamp_is_before(&later, &known));
    cr_assert_not(txn_stamp_is_before(&twin, &known));
    cr_assert_not(txn_stamp_is_before(&none, &known));
    cr_assert_not(txn_stamp_is_before(&earlier, &none));
}
