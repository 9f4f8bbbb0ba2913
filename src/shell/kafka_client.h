/* SPDX-License-Identifier: Apache-2.0 */
/* A client of either role with its log and error callbacks, and what its errors say of the brokers. */
#ifndef SHELL_KAFKA_CLIENT_H
#define SHELL_KAFKA_CLIENT_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "funnel/pipeline.h"
#include "shell/kafka_conf.h"

/* Shared by both clients; outlives them. */
struct kafka_health {
    _Atomic bool down;    /* no broker can be reached; cleared by whoever hears from one */
    _Atomic bool unknown; /* a broker did not know a topic: cleared by whoever looks into it */
};

/* NULL with the reason in error[512]. Producers deliver reports as events. */
rd_kafka_t *kafka_client_new(const struct settings *settings, enum kafka_role role,
                             struct kafka_health *health, char error[512]);

/* A list of all sources, offsets invalid. The caller destroys it before the client. */
rd_kafka_topic_partition_list_t *kafka_list_new(const struct pipeline_source *sources,
                                                size_t count);

/* Blocking; off the loop. Asks the brokers for one topic, in a way that never makes them create it: the
 * call's own error, else *ret_topic has the topic's and *ret_partitions how many it has. */
rd_kafka_resp_err_t kafka_topic_state(rd_kafka_t *consumer, const char *topic, int timeout_ms,
                                      rd_kafka_resp_err_t *ret_topic, int *ret_partitions);

/* Blocking; off the loop. Committed offsets and metadata of all of `list`; repeats nothing. */
rd_kafka_resp_err_t kafka_committed(rd_kafka_t *consumer, rd_kafka_topic_partition_list_t *list);

#endif
