/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that ask where things stand: brokers, topics, ends of partitions, committed offsets. */
#include "ktool.h"

#include <stdlib.h>
#include <string.h>

int ktool_wait(const struct options *o)
{
    rd_kafka_t *rk = client_new(o, RD_KAFKA_PRODUCER, rd_kafka_conf_new(), NULL);
    int64_t deadline = now_ms() + o->timeout_ms;
    const rd_kafka_metadata_t *m;
    bool up = false;

    do {
        up = !rd_kafka_metadata(rk, 0, NULL, &m, 500);
        if (up)
            rd_kafka_metadata_destroy(m);
        rd_kafka_poll(rk, up ? 0 : 50);
    } while (!up && now_ms() < deadline);
    rd_kafka_destroy(rk);
    if (up)
        return KTOOL_OK;
    fail("no broker at %s; %s", o->brokers, client_trouble());
    return KTOOL_TIMEOUT;
}

int ktool_topics(const struct options *o)
{
    rd_kafka_t *rk = client_new(o, RD_KAFKA_PRODUCER, rd_kafka_conf_new(), NULL);
    const rd_kafka_metadata_t *m;
    rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 1, NULL, &m, (int)o->timeout_ms);

    rd_kafka_poll(rk, 0);
    if (err) {
        rd_kafka_destroy(rk);
        return fail("%s; %s", rd_kafka_err2str(err), client_trouble());
    }
    for (int i = 0; i < m->topic_cnt; i++) {
        printf("{\"topic\":");
        json_string(stdout, m->topics[i].topic);
        printf(",\"partitions\":%d}\n", m->topics[i].partition_cnt);
    }
    rd_kafka_metadata_destroy(m);
    rd_kafka_destroy(rk);
    return KTOOL_OK;
}

static void print_place(const char *topic, int partition)
{
    printf("{\"topic\":");
    json_string(stdout, topic);
    printf(",\"partition\":%d", partition);
}

int ktool_ends(const struct options *o)
{
    rd_kafka_t *rk = client_new(o, RD_KAFKA_PRODUCER, rd_kafka_conf_new(), NULL);
    int64_t deadline = now_ms() + o->timeout_ms, low, high;
    int count = client_partitions(rk, o->topic, deadline);
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;

    for (int p = 0; p < count && !err; p++) {
        if (o->partition != NOT_GIVEN && o->partition != p)
            continue;
        do {
            err = rd_kafka_query_watermark_offsets(rk, o->topic, p, &low, &high, 5000);
        } while (err && now_ms() < deadline);
        if (err) {
            fail("%s [%d]: %s", o->topic, p, rd_kafka_err2str(err));
            break;
        }
        print_place(o->topic, p);
        printf(",\"low\":%lld,\"high\":%lld}\n", (long long)low, (long long)high);
    }
    rd_kafka_destroy(rk);
    return count == 0 || err ? KTOOL_ERROR : KTOOL_OK;
}

static void print_committed(const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &list->elems[i];

        print_place(p->topic, p->partition);
        if (p->offset < 0) /* RD_KAFKA_OFFSET_INVALID: nothing was committed */
            printf(",\"offset\":null,\"metadata\":null}\n");
        else {
            printf(",\"offset\":%lld,", (long long)p->offset);
            json_bytes(stdout, "metadata", p->metadata ? p->metadata : "",
                       p->metadata ? p->metadata_size : 0);
            printf("}\n");
        }
    }
}

int ktool_offsets(const struct options *o)
{
    /* read_committed makes the broker hold back offsets whose transaction is still open. */
    rd_kafka_t *rk = client_new(o, RD_KAFKA_CONSUMER, rd_kafka_conf_new(), "group.id", o->group,
                                "isolation.level",
                                o->unstable ? "read_uncommitted" : "read_committed", NULL);
    int64_t deadline = now_ms() + o->timeout_ms;
    int count = client_partitions(rk, o->topic, deadline);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__FAIL;

    rd_kafka_topic_partition_list_add_range(list, o->topic, 0, count - 1);
    if (count > 0)
        do { /* a broker just started has no coordinator for a second */
            int64_t left = deadline - now_ms();

            err = rd_kafka_committed(rk, list, left < 500 ? 500 : left > 10000 ? 10000 : (int)left);
        } while (err && now_ms() < deadline);
    if (!err)
        print_committed(list);
    else if (count > 0)
        fail("group %s: %s; %s", o->group, rd_kafka_err2str(err), client_trouble());
    rd_kafka_topic_partition_list_destroy(list); /* before the client, or its end never comes */
    rd_kafka_destroy(rk);
    return err ? KTOOL_ERROR : KTOOL_OK;
}

int ktool_commit(const struct options *o)
{
    rd_kafka_t *rk = client_new(o, RD_KAFKA_CONSUMER, rd_kafka_conf_new(), "group.id", o->group,
                                NULL);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_add(list, o->topic,
                                                                      (int32_t)o->partition);
    int64_t deadline = now_ms() + o->timeout_ms;
    rd_kafka_resp_err_t err;

    p->offset = o->offset;
    if (o->metadata) { /* the list frees it */
        p->metadata = strdup(o->metadata);
        p->metadata_size = strlen(o->metadata);
    }
    do {
        err = rd_kafka_commit(rk, list, 0);
        if (!err)
            err = list->elems[0].err;
    } while (err && now_ms() < deadline);
    if (err)
        fail("group %s: %s; %s", o->group, rd_kafka_err2str(err), client_trouble());
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
    return err ? KTOOL_ERROR : KTOOL_OK;
}
