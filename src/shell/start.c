/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/start.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shell/exit_codes.h"
#include "funnel/mem.h"
#include "shell/backoff.h"
#include "shell/kafka_error.h"
#include "shell/log.h"
#include "shell/start_stage.h"

/* --- notes --- */

void stage_note(struct start *s, const char *fmt, ...)
{
    char text[sizeof(s->note)];
    va_list ap;
    bool same;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    pthread_mutex_lock(&s->lock);
    same = strcmp(s->note, text) == 0;
    memcpy(s->note, text, sizeof(text));
    pthread_mutex_unlock(&s->lock);
    if (!same)
        log_info("starting", LOG_TEXT("step", text));
}

void start_note(struct start *s, char copy[512])
{
    pthread_mutex_lock(&s->lock);
    memcpy(copy, s->note, sizeof(s->note));
    pthread_mutex_unlock(&s->lock);
}

enum stage_result stage_fail(struct start *s, int code, const char *what, const char *text)
{
    s->code = code;
    snprintf(s->why, sizeof(s->why), "%s: %s", what, text);
    return STAGE_FAILED;
}

/* --- stages --- */

static enum stage_result stage_clients(struct start *s)
{
    char error[512];

    s->consumer = kafka_client_new(s->settings, KAFKA_CONSUMER, s->health, error);
    if (!s->consumer)
        return stage_fail(s, EXIT_CONFIGURATION, "Kafka consumer", error);
    s->producer = kafka_client_new(s->settings, KAFKA_PRODUCER, s->health, error);
    if (!s->producer)
        return stage_fail(s, EXIT_CONFIGURATION, "Kafka producer", error);
    return STAGE_DONE;
}

static enum stage_result stage_topic_missing(struct start *s, const char *topic, const char *text)
{
    if (s->settings->missing_topic == MISSING_EXIT)
        return stage_fail(s, EXIT_TOPIC_MISSING, topic, text);
    stage_note(s, "waiting for topic %s: %s", topic, text);
    return STAGE_AGAIN;
}

static enum stage_result stage_topic(struct start *s, const char *topic, int *ret_partitions)
{
    rd_kafka_resp_err_t wrong = RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_resp_err_t code = kafka_topic_state(s->consumer, topic, START_CALL_MS, &wrong,
                                                 ret_partitions);

    if (code == RD_KAFKA_RESP_ERR__INVALID_ARG)
        return stage_fail(s, EXIT_CONFIGURATION, topic, rd_kafka_err2str(code));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        stage_note(s, "waiting for the brokers: %s", rd_kafka_err2str(code));
        return STAGE_AGAIN;
    }
    atomic_store(&s->health->down, false);
    if (wrong != RD_KAFKA_RESP_ERR_NO_ERROR || *ret_partitions == 0)
        return stage_topic_missing(s, topic, rd_kafka_err2str(wrong));
    return STAGE_DONE;
}

static void stage_sources(struct start *s, uint16_t input, int partitions)
{
    size_t count = s->count + (size_t)partitions;

    s->sources = mem_resize(s->sources, count, sizeof(*s->sources));
    for (int p = 0; p < partitions; p++)
        s->sources[s->count++] = (struct pipeline_source){s->settings->inputs.items[input].topic, p,
                                                          input};
}

static enum stage_result stage_topics(struct start *s)
{
    const struct settings *c = s->settings;
    enum stage_result result = STAGE_DONE;
    int partitions = 0;

    s->count = 0;
    for (size_t i = 0; i < c->inputs.count && result == STAGE_DONE; i++) {
        result = stage_topic(s, c->inputs.items[i].topic, &partitions);
        if (result == STAGE_DONE)
            stage_sources(s, (uint16_t)i, partitions);
    }
    if (result == STAGE_DONE)
        result = stage_topic(s, c->outputs.alerts, &partitions);
    if (result == STAGE_DONE)
        result = stage_topic(s, c->outputs.deadletter, &partitions);
    return result;
}

/* Before the committed offsets are read: it ends what a dead predecessor left open, else they would
 * wait for its transaction to time out. It also fences a predecessor that is alive. */
static enum stage_result stage_init(struct start *s)
{
    rd_kafka_error_t *error;
    struct kafka_error e;
    char text[256];

    if (s->looks)
        return STAGE_DONE;
    error = rd_kafka_init_transactions(s->producer, START_CALL_MS);
    if (!error)
        return STAGE_DONE;
    e = kafka_error_of(error);
    snprintf(text, sizeof(text), "%s", rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    switch (kafka_error_todo(&e, KAFKA_INIT)) {
    case KAFKA_RENEW:
    case KAFKA_REPEAT:
        stage_note(s, "waiting for the transaction coordinator: %s", text);
        return STAGE_AGAIN;
    case KAFKA_FAIL:
        break;
    default:
        return STAGE_DONE;
    }
    return stage_fail(s, EXIT_KAFKA, "cannot initialise transactions", text);
}

static void stage_part(struct start_part *part, const rd_kafka_topic_partition_t *x)
{
    mem_free(part->meta);
    *part = (struct start_part){.committed = x->offset >= 0 ? x->offset : -1};
    if (part->committed >= 0 && x->metadata_size) {
        part->meta = mem_strndup(x->metadata, x->metadata_size);
        part->meta_len = x->metadata_size;
    }
}

/* A group that may not be looked for times out; why, the library says among the messages, of which there are none
 * before anything is assigned. */
static rd_kafka_resp_err_t stage_group_error(struct start *s, rd_kafka_resp_err_t code)
{
    rd_kafka_message_t *m;

    while (code == RD_KAFKA_RESP_ERR__TIMED_OUT && (m = rd_kafka_consumer_poll(s->consumer, 0))) {
        if (m->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
            code = m->err;
        rd_kafka_message_destroy(m);
    }
    return code;
}

static enum stage_result stage_committed(struct start *s)
{
    rd_kafka_topic_partition_list_t *list = kafka_list_new(s->sources, s->count);
    rd_kafka_resp_err_t code;

    code = stage_group_error(s, kafka_committed(s->consumer, list));
    if (!s->parts)
        s->parts = mem_zero(s->count, sizeof(*s->parts));
    for (size_t i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < s->count; i++)
        stage_part(&s->parts[i], &list->elems[i]);
    rd_kafka_topic_partition_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return STAGE_DONE;
    if (code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
        return stage_fail(s, EXIT_KAFKA, "cannot read committed offsets", rd_kafka_err2str(code));
    stage_note(s, "waiting for the group coordinator: %s", rd_kafka_err2str(code));
    return STAGE_AGAIN;
}

static enum stage_result stage_watermarks(struct start *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct start_part *p = &s->parts[i];
        rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
            s->consumer, s->sources[i].topic, s->sources[i].partition, &p->low, &p->high,
            START_CALL_MS);

        if (atomic_load(&s->cancel))
            return STAGE_AGAIN;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            continue;
        stage_note(s, "waiting for the leader of %s/%d: %s", s->sources[i].topic,
                   s->sources[i].partition, rd_kafka_err2str(code));
        return STAGE_AGAIN;
    }
    return STAGE_DONE;
}

/* --- the job --- */

static void wait_ms(struct start *s, int64_t ms)
{
    for (; ms > 0 && !atomic_load(&s->cancel); ms -= 50) {
        /* No loop serves the clients yet: their logs and errors are served here. */
        rd_kafka_poll(s->consumer, 0);
        rd_kafka_poll(s->producer, 0);
        usleep(50000);
    }
}

static bool is_patient(struct start *s, uint64_t since)
{
    int64_t waited = (int64_t)((uv_hrtime() - since) / 1000000);

    if (s->patience_ms == 0 || waited < s->patience_ms)
        return true;
    s->code = EXIT_KAFKA;
    start_note(s, s->why);
    return false;
}

static void start_work(uv_work_t *work)
{
    static const struct {
        const char *name;
        enum stage_result (*run)(struct start *);
    } stages[] = {
        {"making Kafka clients", stage_clients},
        {"asking for topics", stage_topics},
        {"initialising transactions", stage_init},
        {"reading committed offsets", stage_committed},
        {"reading the logs' ends", stage_watermarks},
        {"asking which cluster it is", stage_cluster},
        {"comparing the last records consumed", stage_last_records},
        {"looking for the control topic", stage_control},
        {"asking how long the inputs keep their records", stage_retention},
    };
    struct start *s = work->data;
    uint64_t since = uv_hrtime();

    s->code = EXIT_OK;
    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
        enum stage_result result;

        stage_note(s, "%s", stages[i].name);
        for (unsigned tries = 1; (result = stages[i].run(s)) == STAGE_AGAIN; tries++) {
            wait_ms(s, backoff_ms(tries) < 1000 ? backoff_ms(tries) : 1000);
            if (atomic_load(&s->cancel) || !is_patient(s, since))
                return;
        }
        if (result == STAGE_FAILED)
            return;
    }
    stage_note(s, "connected");
}

static void start_after(uv_work_t *work, int status)
{
    struct start *s = work->data;

    (void)status;
    s->done(s);
}

int start_begin(struct start *s, uv_loop_t *loop, const struct settings *settings,
                struct kafka_health *health, void (*done)(struct start *), void *context)
{
    *s = (struct start){.settings = settings, .health = health, .done = done, .context = context};
    pthread_mutex_init(&s->lock, NULL);
    s->work.data = s;
    return uv_queue_work(loop, &s->work, start_work, start_after);
}

void start_run(struct start *s, const struct settings *settings, struct kafka_health *health,
               bool looks, int64_t patience_ms)
{
    *s = (struct start){
        .settings = settings, .health = health, .looks = looks, .patience_ms = patience_ms};
    pthread_mutex_init(&s->lock, NULL);
    s->work.data = s;
    start_work(&s->work);
}

void start_cancel(struct start *s)
{
    atomic_store(&s->cancel, true);
}

void start_deinit(struct start *s)
{
    for (size_t i = 0; s->parts && i < s->count; i++)
        mem_free(s->parts[i].meta);
    mem_free(s->parts);
    mem_free(s->sources);
    mem_free(s->cluster_id);
    mem_free(s->controls);
    if (s->producer)
        rd_kafka_destroy(s->producer);
    if (s->consumer)
        rd_kafka_destroy(s->consumer);
    s->parts = NULL;
    s->sources = NULL;
    s->cluster_id = NULL;
    s->controls = NULL;
    s->consumer = s->producer = NULL;
    pthread_mutex_destroy(&s->lock);
}
