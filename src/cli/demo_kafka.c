/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/demo_kafka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "cli/demo_broker.h"
#include "funnel/mem.h"

/* Errors of a client that matter come back from its calls; its log would tear the screen. */
static const char *const common[][2] = {{"log_level", "0"}, {"broker.address.family", "v4"}, {0}};

/* The mock broker hands out one batch a partition and fetch, so single messages would crawl. */
static const char *const producing[][2] = {{"linger.ms", "10"},
                                           {"compression.type", "lz4"},
                                           {"queue.buffering.max.messages", "500000"},
                                           {0}};

static const char *const consuming[][2] = {{"group.id", "funneld-demo-screen"},
                                           {"enable.auto.commit", "false"},
                                           {"isolation.level", "read_committed"},
                                           {"fetch.wait.max.ms", "50"},
                                           {0}};

static int conf_set(rd_kafka_conf_t *conf, const char *const pairs[][2], char error[256])
{
    for (; (*pairs)[0]; pairs++)
        if (rd_kafka_conf_set(conf, (*pairs)[0], (*pairs)[1], error, 256) != RD_KAFKA_CONF_OK)
            return -1;
    return 0;
}

static rd_kafka_t *client_new(rd_kafka_type_t type, const char *bootstrap, char error[256])
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *client = NULL;

    if (rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap, error, 256) == RD_KAFKA_CONF_OK &&
        conf_set(conf, common, error) == 0 &&
        conf_set(conf, type == RD_KAFKA_PRODUCER ? producing : consuming, error) == 0)
        client = rd_kafka_new(type, conf, error, 256);
    if (!client)
        rd_kafka_conf_destroy(conf);
    return client;
}

struct demo_producer {
    rd_kafka_t *client;
    rd_kafka_topic_t *topic;
    struct buf text;
};

struct demo_producer *demo_producer_new(const char *bootstrap, char error[256])
{
    rd_kafka_t *client = client_new(RD_KAFKA_PRODUCER, bootstrap, error);
    struct demo_producer *p;

    if (!client)
        return NULL;
    p = mem_zero(1, sizeof(*p));
    p->client = client;
    p->topic = rd_kafka_topic_new(client, DEMO_TOPIC_EVENTS, NULL);
    return p;
}

void demo_producer_free(struct demo_producer *p)
{
    if (!p)
        return;
    rd_kafka_purge(p->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(p->client, 200);
    rd_kafka_topic_destroy(p->topic);
    rd_kafka_destroy(p->client);
    buf_deinit(&p->text);
    mem_free(p);
}

int demo_producer_send(struct demo_producer *p, const struct shop_event *e, char error[256])
{
    char key[24];
    size_t key_len = shop_event_key(e, key, sizeof(key));
    rd_kafka_resp_err_t rc;

    buf_clear(&p->text);
    shop_event_write(e, &p->text);
    /* A full queue is the broker's pace; it gets half a second to catch up. */
    for (int tries = 0; tries < 50; tries++) {
        rc = rd_kafka_producev(p->client, RD_KAFKA_V_RKT(p->topic), RD_KAFKA_V_KEY(key, key_len),
                               RD_KAFKA_V_VALUE(p->text.data, p->text.len),
                               RD_KAFKA_V_TIMESTAMP(e->at_ms),
                               RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (rc != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            break;
        rd_kafka_poll(p->client, 10);
    }
    if (rc == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    snprintf(error, 256, "an event could not be sent: %s", rd_kafka_err2str(rc));
    return -1;
}

int demo_producer_flush(struct demo_producer *p, int timeout_ms)
{
    return rd_kafka_flush(p->client, timeout_ms) == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -1;
}

struct demo_consumer {
    rd_kafka_t *client;
    rd_kafka_message_t *message; /* the one lent out */
};

static rd_kafka_resp_err_t consumer_assign(rd_kafka_t *client)
{
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(2);
    rd_kafka_resp_err_t rc;

    rd_kafka_topic_partition_list_add(parts, DEMO_TOPIC_ALERTS, 0)
        ->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_topic_partition_list_add(parts, DEMO_TOPIC_DEADLETTER, 0)
        ->offset = RD_KAFKA_OFFSET_BEGINNING;
    rc = rd_kafka_assign(client, parts);
    /* A list librdkafka has seen keeps its client alive until it is gone. */
    rd_kafka_topic_partition_list_destroy(parts);
    return rc;
}

struct demo_consumer *demo_consumer_new(const char *bootstrap, char error[256])
{
    rd_kafka_t *client = client_new(RD_KAFKA_CONSUMER, bootstrap, error);
    rd_kafka_resp_err_t rc;
    struct demo_consumer *c;

    if (!client)
        return NULL;
    rd_kafka_poll_set_consumer(client);
    rc = consumer_assign(client);
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
        snprintf(error, 256, "the alert topic could not be read: %s", rd_kafka_err2str(rc));
        rd_kafka_destroy(client);
        return NULL;
    }
    c = mem_zero(1, sizeof(*c));
    c->client = client;
    return c;
}

void demo_consumer_free(struct demo_consumer *c)
{
    if (!c)
        return;
    if (c->message)
        rd_kafka_message_destroy(c->message);
    rd_kafka_consumer_close(c->client);
    rd_kafka_destroy(c->client);
    mem_free(c);
}

static const char *message_reason(const rd_kafka_message_t *m)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t len;

    if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, "funneld_reason", &value, &len) !=
            RD_KAFKA_RESP_ERR_NO_ERROR)
        return NULL;
    return value; /* librdkafka puts a NUL behind every header's value */
}

int demo_consumer_next(struct demo_consumer *c, struct demo_message *ret)
{
    do {
        if (c->message)
            rd_kafka_message_destroy(c->message);
        c->message = rd_kafka_consumer_poll(c->client, 0);
        if (!c->message)
            return 0;
    } while (c->message->err); /* end of partition, or a broker that is away for a moment */
    *ret = (struct demo_message){
        .dead_letter = strcmp(rd_kafka_topic_name(c->message->rkt), DEMO_TOPIC_DEADLETTER) == 0,
        .value = c->message->payload,
        .len = c->message->len,
        .reason = message_reason(c->message),
    };
    return 1;
}
