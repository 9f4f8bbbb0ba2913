/* SPDX-License-Identifier: Apache-2.0 */
/* rd_kafka_send_offsets_to_transaction(), which may never return: librdkafka waits for the group's coordinator
 * without a limit, and where it went away twice within one call nothing wakes the request again
 * (confluentinc/librdkafka#5456; seen with 2.0.2 and a broker that stood still twice). So the call has a thread of
 * its own, and the caller a limit. */
#ifndef SHELL_TXN_SEND_H
#define SHELL_TXN_SEND_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

/* As the library's call with call_ms, for at most limit_ms. What it is given is copied. *ret_lost: it has not
 * returned, and the producer is in use for ever: it must be neither used nor destroyed any more. */
rd_kafka_error_t *txn_send_offsets(rd_kafka_t *producer,
                                   const rd_kafka_topic_partition_list_t *offsets,
                                   const char *group, int call_ms, int limit_ms, bool *ret_lost);

#endif
