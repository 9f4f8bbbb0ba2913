/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/kafka_client.h"

#include <string.h>

#include "shell/log.h"

#define KAFKA_COMMITTED_MS 5000

static void kafka_on_log(const rd_kafka_t *rk, int severity, const char *facility, const char *text)
{
    static const int levels[] = {LOG_LEVEL_ERROR,   LOG_LEVEL_ERROR,   LOG_LEVEL_ERROR,
                                 LOG_LEVEL_WARNING, LOG_LEVEL_WARNING, LOG_LEVEL_INFO,
                                 LOG_LEVEL_INFO,    LOG_LEVEL_DEBUG};

    log_at(severity >= 0 && severity < 8 ? levels[severity] : LOG_LEVEL_INFO, "librdkafka",
           LOG_TEXT("client", rd_kafka_name(rk)), LOG_TEXT("facility", facility),
           LOG_TEXT("text", text));
}

static void kafka_on_error(rd_kafka_t *rk, int code, const char *text, void *opaque)
{
    struct kafka_health *health = opaque;

    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        atomic_store(&health->down, true);
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
        atomic_store(&health->unknown, true);
    log_warning("Kafka client error", LOG_TEXT("client", rd_kafka_name(rk)),
                LOG_TEXT("code", rd_kafka_err2name((rd_kafka_resp_err_t)code)),
                LOG_TEXT("text", text));
}

rd_kafka_t *kafka_client_new(const struct settings *settings, enum kafka_role role,
                             struct kafka_health *health, char error[512])
{
    rd_kafka_conf_t *conf = kafka_conf_new(settings, role, error);
    bool produces = role == KAFKA_PRODUCER || role == KAFKA_WRITER;
    rd_kafka_t *client;

    if (!conf)
        return NULL;
    rd_kafka_conf_set_log_cb(conf, kafka_on_log);
    rd_kafka_conf_set_error_cb(conf, kafka_on_error);
    rd_kafka_conf_set_opaque(conf, health);
    /* With callbacks instead, commit_transaction would run them on the worker. */
    if (produces)
        rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR);
    client = rd_kafka_new(produces ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, conf, error, 512);
    if (!client) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_set_log_queue(client, NULL);
    return client;
}

rd_kafka_topic_partition_list_t *kafka_list_new(const struct pipeline_source *sources, size_t count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);

    for (size_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, sources[i].topic, sources[i].partition);
    return list;
}

rd_kafka_resp_err_t kafka_topic_state(rd_kafka_t *consumer, const char *topic, int timeout_ms,
                                      rd_kafka_resp_err_t *ret_topic, int *ret_partitions)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(consumer, topic, NULL);
    rd_kafka_resp_err_t code;

    if (!handle)
        return rd_kafka_last_error();
    code = rd_kafka_metadata(consumer, 0, handle, &metadata, timeout_ms);
    rd_kafka_topic_destroy(handle);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return code;
    *ret_topic = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    *ret_partitions = 0;
    if (metadata->topic_cnt == 1) {
        *ret_topic = metadata->topics[0].err;
        *ret_partitions = metadata->topics[0].partition_cnt;
    }
    rd_kafka_metadata_destroy(metadata);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t kafka_committed(rd_kafka_t *consumer, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_resp_err_t code = rd_kafka_committed(consumer, list, KAFKA_COMMITTED_MS);

    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++)
        code = list->elems[i].err;
    return code;
}
