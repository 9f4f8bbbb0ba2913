/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/reconcile.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "funnel/mem.h"
#include "shell/backoff.h"
#include "shell/exit_codes.h"
#include "shell/log.h"

#define RECONCILE_CALL_MS 2000
#define RECONCILE_POLL_MS 100

enum reading_result { READING_DONE, READING_AGAIN, READING_FAILED };

struct reading {
    struct reconcile *r;
    rd_kafka_t *consumer;
    const char *topic;
    struct reconcile_table *table; /* owned */
    int64_t *ends;                 /* owned; by partition; -1: read to its end */
    int count, waiting;
};

static enum reading_result reading_failed(struct reading *g, int code, const char *what)
{
    g->r->code = code;
    snprintf(g->r->why, sizeof(g->r->why), "%s: %s", g->topic, what);
    return READING_FAILED;
}

/* --- where it ends --- */

static enum reading_result reading_partitions(struct reading *g)
{
    rd_kafka_resp_err_t wrong = RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_resp_err_t code = kafka_topic_state(g->consumer, g->topic, RECONCILE_CALL_MS, &wrong,
                                                 &g->count);

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return READING_AGAIN;
    if (wrong == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        g->count = 0;
    else if (wrong == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        return reading_failed(g, EXIT_KAFKA, "it may not be read, which --reconcile needs");
    else if (wrong != RD_KAFKA_RESP_ERR_NO_ERROR)
        return READING_AGAIN;
    return READING_DONE;
}

/* A list of what is to be read, or NULL where a leader does not answer. */
static rd_kafka_topic_partition_list_t *reading_list(struct reading *g)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(g->count);

    for (int p = 0; p < g->count; p++) {
        int64_t low = 0, high = 0;

        if (atomic_load(&g->r->cancel) ||
            rd_kafka_query_watermark_offsets(g->consumer, g->topic, p, &low, &high,
                                             RECONCILE_CALL_MS) != RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_topic_partition_list_destroy(list);
            return NULL;
        }
        g->ends[p] = high > low ? high : -1;
        if (high > low)
            rd_kafka_topic_partition_list_add(list, g->topic, p)->offset = low;
    }
    g->waiting = list->cnt;
    return list;
}

/* --- reading --- */

static struct span reading_source(const rd_kafka_message_t *m)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t size;

    if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, "ce_source", &value, &size) !=
            RD_KAFKA_RESP_ERR_NO_ERROR ||
        !value)
        return SPAN_NONE;
    return (struct span){value, (uint32_t)size};
}

static void reading_reach(struct reading *g, int32_t partition, int64_t next, bool end)
{
    if (partition < 0 || partition >= g->count || g->ends[partition] < 0 ||
        (!end && next < g->ends[partition]))
        return;
    g->ends[partition] = -1;
    g->waiting--;
}

static enum reading_result reading_take(struct reading *g, const rd_kafka_message_t *m)
{
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        reading_reach(g, m->partition, m->offset, true);
        return READING_DONE;
    }
    if (m->err) {
        log_notice("reading the alert topic again", LOG_TEXT("topic", g->topic),
                   LOG_TEXT("error", rd_kafka_message_errstr(m)));
        return READING_AGAIN;
    }
    g->r->records++;
    if (!reconcile_table_take(g->table, (struct span){m->key, (uint32_t)m->key_len},
                              (struct span){m->payload, (uint32_t)m->len}, reading_source(m)))
        return reading_failed(g, EXIT_STATE, "more is firing than can be held");
    reading_reach(g, m->partition, m->offset + 1, false);
    return READING_DONE;
}

static enum reading_result reading_run(struct reading *g)
{
    enum reading_result result = READING_DONE;

    while (g->waiting > 0 && result == READING_DONE && !atomic_load(&g->r->cancel)) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(g->consumer, RECONCILE_POLL_MS);

        if (!m)
            continue;
        result = reading_take(g, m);
        rd_kafka_message_destroy(m);
    }
    rd_kafka_assign(g->consumer, NULL);
    return result;
}

static enum reading_result reading_once(struct reading *g)
{
    enum reading_result result = reading_partitions(g);
    rd_kafka_topic_partition_list_t *list;

    if (result != READING_DONE || g->count == 0)
        return result;
    g->ends = mem_zero((size_t)g->count, sizeof(*g->ends));
    list = reading_list(g);
    if (!list)
        return READING_AGAIN;
    if (list->cnt > 0)
        rd_kafka_assign(g->consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    return reading_run(g);
}

/* --- the job --- */

static void reconcile_rest(struct reconcile *r, unsigned tries)
{
    int64_t ms = backoff_ms(tries) < 1000 ? backoff_ms(tries) : 1000;

    for (; ms > 0 && !atomic_load(&r->cancel); ms -= 50)
        usleep(50000);
}

static void reconcile_read(struct reconcile *r, rd_kafka_t *consumer)
{
    enum reading_result result = READING_AGAIN;

    for (unsigned tries = 1; result == READING_AGAIN && !atomic_load(&r->cancel); tries++) {
        struct reading g = {.r = r,
                            .consumer = consumer,
                            .topic = r->settings->outputs.alerts,
                            .table = reconcile_table_new(r->settings->group)};

        r->records = 0;
        result = reading_once(&g);
        if (result == READING_DONE) {
            r->skipped = reconcile_table_skipped(g.table);
            r->count = reconcile_table_firing(g.table, &r->alerts);
        }
        reconcile_table_free(g.table);
        mem_free(g.ends);
        if (result == READING_AGAIN)
            reconcile_rest(r, tries);
    }
}

static void reconcile_work(uv_work_t *work)
{
    struct reconcile *r = work->data;
    char error[512];
    rd_kafka_t *consumer = kafka_client_new(r->settings, KAFKA_CONSUMER, r->health, error);

    r->code = EXIT_OK;
    if (!consumer) {
        r->code = EXIT_KAFKA;
        snprintf(r->why, sizeof(r->why), "Kafka consumer: %s", error);
        return;
    }
    reconcile_read(r, consumer);
    rd_kafka_destroy(consumer);
    if (r->code == EXIT_OK && !atomic_load(&r->cancel))
        log_notice("the alert topic was read", LOG_NUMBER("records", r->records),
                   LOG_NUMBER("firing", r->count), LOG_NUMBER("skipped", r->skipped));
}

static void reconcile_after(uv_work_t *work, int status)
{
    struct reconcile *r = work->data;

    (void)status;
    r->done(r);
}

int reconcile_begin(struct reconcile *r, uv_loop_t *loop, const struct settings *settings,
                    struct kafka_health *health, void (*done)(struct reconcile *), void *context)
{
    *r = (struct reconcile){
        .settings = settings, .health = health, .done = done, .context = context};
    r->work.data = r;
    return uv_queue_work(loop, &r->work, reconcile_work, reconcile_after);
}

void reconcile_cancel(struct reconcile *r)
{
    atomic_store(&r->cancel, true);
}

void reconcile_deinit(struct reconcile *r)
{
    reconcile_alerts_free(r->alerts, r->count);
    r->alerts = NULL;
    r->count = 0;
}
