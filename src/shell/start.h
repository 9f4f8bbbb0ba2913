/* SPDX-License-Identifier: Apache-2.0 */
/* From nothing to clients that can work: on one thread-pool job, because every step blocks. It waits for
 * brokers and topics for as long as it takes, and says what it waits for. */
#ifndef SHELL_START_H
#define SHELL_START_H

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

#include "funnel/pipeline.h"
#include "funnel/settings.h"
#include "shell/kafka_client.h"
#include "shell/start_plan.h"

/* A partition of the control topic. */
struct start_control {
    int32_t partition;
    int64_t low, high;
    int64_t committed; /* -1: none */
};

struct start {
    uv_work_t work;
    const struct settings *settings;
    struct kafka_health *health;
    void (*done)(struct start *s); /* on the loop */
    void *context;
    bool looks;          /* nothing is fenced: the producer is not initialised */
    int64_t patience_ms; /* what it waits for is an error after so long; 0: it waits for ever */
    _Atomic bool cancel;
    pthread_mutex_t lock; /* guards note */
    char note[512];       /* what it does or waits for */
    /* Results; the caller takes the pointers over by clearing them. */
    int code; /* EXIT_OK: the rest is filled */
    char why[512];
    rd_kafka_t *consumer, *producer; /* producer: initialised, no transaction begun */
    struct pipeline_source
        *sources; /* partitions of all inputs, in the order of settings and number */
    struct start_part *parts;
    size_t count;
    char *cluster_id;               /* "": not known */
    struct start_control *controls; /* NULL: there is no control topic */
    size_t control_count;
};

/* Returns 0, or a negative uv error. */
int start_begin(struct start *s, uv_loop_t *loop, const struct settings *settings,
                struct kafka_health *health, void (*done)(struct start *), void *context);
/* The same on the calling thread, for a command: EXIT_KAFKA after patience_ms. */
void start_run(struct start *s, const struct settings *settings, struct kafka_health *health,
               bool looks, int64_t patience_ms);
void start_cancel(struct start *s);
/* A copy of the note, for /ready. Any thread. */
void start_note(struct start *s, char note[512]);
/* After done. Clients that were not taken over are destroyed (blocking). */
void start_deinit(struct start *s);

#endif
