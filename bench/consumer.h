/* SPDX-License-Identifier: Apache-2.0 */
/* What bare and floor share: every partition of a topic from its beginning to the end as it is now, in
 * batches, with the very consumer settings of funneld, and what that cost. C and C++. */
#ifndef BENCH_CONSUMER_H
#define BENCH_CONSUMER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <librdkafka/rdkafka.h>

#ifdef __cplusplus
extern "C" {
#endif
#include "shell/kafka_conf.h"
#ifdef __cplusplus
}
#endif

#define CONSUMER_BATCH 1000       /* as src/shell/intake.c */
#define CONSUMER_STALL_S 60       /* without a message: something is wrong */
#define CONSUMER_TIMEOUT_MS 10000 /* for metadata and ends */

/* Messages are the caller's until it returns; none of them is an error. */
typedef void (*consumer_take)(void *context, rd_kafka_message_t *const *messages, size_t count);

static double consumer_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void consumer_die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static void consumer_set(rd_kafka_conf_t *conf, const char *key, const char *value, bool optional)
{
    char error[512];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, key, value, error, sizeof(error));

    if (result != RD_KAFKA_CONF_OK && !(optional && result == RD_KAFKA_CONF_UNKNOWN))
        consumer_die(key, error);
}

static rd_kafka_t *consumer_new(const char *brokers)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[512];
    rd_kafka_t *rk;

    for (const struct kafka_default *d = kafka_defaults; d->key; d++) {
        if (d->role != KAFKA_PRODUCER && (!d->value || *d->value))
            consumer_set(conf, d->key, d->value ? d->value : "bench", d->optional);
    }
    consumer_set(conf, "log.queue", "false", false); /* nobody reads that queue here */
    consumer_set(conf, "bootstrap.servers", brokers, false);
    rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof(error));
    if (!rk)
        consumer_die("rd_kafka_new", error);
    rd_kafka_poll_set_consumer(rk);
    return rk;
}

/* Assigns all partitions; returns how many records they hold. */
static int64_t consumer_assign(rd_kafka_t *rk, const char *name)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
    rd_kafka_topic_partition_list_t *list;
    const rd_kafka_metadata_t *metadata;
    rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 0, topic, &metadata, CONSUMER_TIMEOUT_MS);
    int64_t records = 0;

    if (err)
        consumer_die(name, rd_kafka_err2str(err));
    list = rd_kafka_topic_partition_list_new(metadata->topics[0].partition_cnt);
    for (int32_t p = 0; p < metadata->topics[0].partition_cnt; p++) {
        int64_t low, high;

        err = rd_kafka_query_watermark_offsets(rk, name, p, &low, &high, CONSUMER_TIMEOUT_MS);
        if (err)
            consumer_die(name, rd_kafka_err2str(err));
        rd_kafka_topic_partition_list_add(list, name, p)->offset = low;
        records += high - low;
    }
    rd_kafka_assign(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(topic);
    return records;
}

/* Drops what is no record (the partitions' ends), in place. */
static size_t consumer_records(rd_kafka_message_t **messages, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        rd_kafka_message_t *m = messages[i];

        if (!m->err) {
            messages[kept++] = m;
            continue;
        }
        if (m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
            fprintf(stderr, "consumer: %s\n", rd_kafka_message_errstr(m));
        rd_kafka_message_destroy(m);
    }
    return kept;
}

static void consumer_print(const char *program, int64_t messages, double began, double first)
{
    double now = consumer_seconds(), n = (double)messages;
    struct rusage r;
    double cpu;

    getrusage(RUSAGE_SELF, &r); /* every thread, librdkafka's too */
    cpu = (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
          (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
    printf("program=%s messages=%lld cpu_s=%.3f wall_s=%.3f ns_per_message=%.1f rate=%.0f "
           "start_s=%.3f peak_rss_kb=%ld",
           program, (long long)messages, cpu, now - began, 1e9 * cpu / n, n / (now - first),
           first - began, r.ru_maxrss);
}

/* Consumes and prints one line, open at its end for what the program adds. The rate counts from the
 * first batch; CPU time from the process' start. */
static void consumer_run(const char *program, const char *brokers, const char *topic,
                         consumer_take take, void *context)
{
    static rd_kafka_message_t *messages[CONSUMER_BATCH];
    double began = consumer_seconds(), first = 0, last = began;
    rd_kafka_t *rk = consumer_new(brokers);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(rk);
    int64_t records = consumer_assign(rk, topic), done = 0;

    while (done < records) {
        /* No more than is to come: the call waits for a whole batch. */
        size_t want = records - done < CONSUMER_BATCH ? (size_t)(records - done) : CONSUMER_BATCH;
        ssize_t n = rd_kafka_consume_batch_queue(queue, 100, messages, want);
        size_t count = n > 0 ? consumer_records(messages, (size_t)n) : 0;

        if (count == 0) {
            if (consumer_seconds() - last > CONSUMER_STALL_S)
                consumer_die(topic, "no more messages, though the end is not reached");
            continue;
        }
        last = consumer_seconds();
        if (done == 0)
            first = last;
        take(context, messages, count);
        for (size_t i = 0; i < count; i++)
            rd_kafka_message_destroy(messages[i]);
        done += (int64_t)count;
    }
    if (done == 0)
        consumer_die(topic, "it is empty");
    consumer_print(program, done, began, first);
    rd_kafka_queue_destroy(queue);
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
}

#endif
