/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/txn_send.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "funnel/mem.h"
#include "shell/fault.h"

/* Of both threads; who comes last frees it. */
struct sending {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done; /* the call has returned */
    bool lost; /* nobody waits for it any more */
    rd_kafka_t *producer;
    rd_kafka_topic_partition_list_t *offsets;
    rd_kafka_consumer_group_metadata_t *group;
    int call_ms;
    rd_kafka_error_t *error;
};

static struct sending *sending_new(rd_kafka_t *producer,
                                   const rd_kafka_topic_partition_list_t *offsets,
                                   const char *group, int call_ms)
{
    struct sending *s = mem_zero(1, sizeof(*s));
    pthread_condattr_t clock;

    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &clock);
    pthread_condattr_destroy(&clock);
    s->producer = producer;
    s->offsets = rd_kafka_topic_partition_list_copy(offsets);
    s->group = rd_kafka_consumer_group_metadata_new(group);
    s->call_ms = call_ms;
    return s;
}

static void sending_free(struct sending *s)
{
    rd_kafka_topic_partition_list_destroy(s->offsets);
    rd_kafka_consumer_group_metadata_destroy(s->group);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
}

static void *sending_run(void *context)
{
    struct sending *s = context;
    bool lost;

    s->error = rd_kafka_send_offsets_to_transaction(s->producer, s->offsets, s->group, s->call_ms);
    FAULT("txn.sent");
    pthread_mutex_lock(&s->lock);
    s->done = true;
    lost = s->lost;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    if (!lost)
        return NULL; /* it is the waiting one's */
    if (s->error)
        rd_kafka_error_destroy(s->error);
    sending_free(s);
    return NULL;
}

static struct timespec deadline_of(int limit_ms)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += limit_ms / 1000;
    t.tv_nsec += limit_ms % 1000 * 1000000L;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

/* False: it is the other thread's now. */
static bool sending_wait(struct sending *s, int limit_ms)
{
    struct timespec deadline = deadline_of(limit_ms);
    int status = 0;
    bool done;

    pthread_mutex_lock(&s->lock);
    while (!s->done && status == 0)
        status = pthread_cond_timedwait(&s->changed, &s->lock, &deadline);
    done = s->done;
    s->lost = !done;
    pthread_mutex_unlock(&s->lock);
    return done;
}

rd_kafka_error_t *txn_send_offsets(rd_kafka_t *producer,
                                   const rd_kafka_topic_partition_list_t *offsets,
                                   const char *group, int call_ms, int limit_ms, bool *ret_lost)
{
    struct sending *s = sending_new(producer, offsets, group, call_ms);
    rd_kafka_error_t *error;
    pthread_t thread;

    *ret_lost = false;
    if (pthread_create(&thread, NULL, sending_run, s) != 0) {
        sending_run(s); /* no thread to be had: without a limit, then */
    } else if (pthread_detach(thread), !sending_wait(s, limit_ms)) {
        *ret_lost = true;
        return NULL;
    }
    error = s->error;
    sending_free(s);
    return error;
}
