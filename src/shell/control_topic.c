/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/control_topic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "funnel/mem.h"
#include "shell/exit_codes.h"
#include "shell/kafka_client.h"

bool control_topic_is_on(const struct settings *settings)
{
    return strcmp(settings->control, "off") != 0;
}

static int fail(int code, char error[512], const char *what, const char *why)
{
    snprintf(error, 512, "%s: %s", what, why);
    return code;
}

static int fail_kafka(const struct settings *s, rd_kafka_resp_err_t code, char error[512])
{
    return fail(EXIT_KAFKA, error, s->control, rd_kafka_err2str(code));
}

/* Asked by a consumer: a producer's question might make the brokers create the topic. */
static int topic_partitions(const struct settings *s, rd_kafka_t *consumer, int *ret,
                            char error[512])
{
    rd_kafka_resp_err_t wrong = RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_resp_err_t code = kafka_topic_state(consumer, s->control, CONTROL_TOPIC_MS, &wrong,
                                                 ret);

    if (code == RD_KAFKA_RESP_ERR__INVALID_ARG)
        return fail(EXIT_CONFIGURATION, error, s->control, rd_kafka_err2str(code));
    if (code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT)
        return fail(EXIT_KAFKA, error, "no broker answers (kafka.bootstrap.servers)",
                    rd_kafka_err2str(code));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fail_kafka(s, code, error);
    if (wrong == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        return fail_kafka(s, wrong, error);
    if (wrong != RD_KAFKA_RESP_ERR_NO_ERROR || *ret == 0)
        return fail(
            EXIT_TOPIC_MISSING, error, s->control,
            "there is no such topic; create it with cleanup.policy=compact, or name another "
            "in control:");
    return EXIT_OK;
}

/* A consumer, and how many partitions the topic has. */
static int open_consumer(const struct settings *s, struct kafka_health *health,
                         rd_kafka_t **ret_client, int *ret_partitions, char error[512])
{
    rd_kafka_t *client = kafka_client_new(s, KAFKA_CONSUMER, health, error);
    int code;

    if (!client)
        return EXIT_CONFIGURATION;
    code = topic_partitions(s, client, ret_partitions, error);
    if (code == EXIT_OK) {
        *ret_client = client;
        return EXIT_OK;
    }
    if (code == EXIT_KAFKA)
        rd_kafka_poll(client, 10); /* its log says why: nobody there, a wrong password */
    rd_kafka_destroy(client);
    return code;
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- writing --- */

/* The report of the one message that was sent; _TIMED_OUT where none comes. */
static rd_kafka_resp_err_t wait_report(rd_kafka_t *producer)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_get_main(producer);
    int64_t deadline = now_ms() + CONTROL_TOPIC_MS;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    bool heard = false;

    while (!heard && now_ms() < deadline) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 100);
        const rd_kafka_message_t *m;

        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR &&
            (m = rd_kafka_event_message_next(event))) {
            code = m->err;
            heard = true;
        }
        if (event)
            rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(queue);
    return code;
}

static rd_kafka_resp_err_t send_record(const struct settings *s, rd_kafka_t *producer,
                                       struct span key, struct span value)
{
    rd_kafka_resp_err_t code = rd_kafka_producev(
        producer, RD_KAFKA_V_TOPIC(s->control), RD_KAFKA_V_KEY(key.p, key.len),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)value.p, value.len),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);

    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = wait_report(producer);
    rd_kafka_purge(producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    return code;
}

int control_topic_write(const struct settings *settings, struct span key, struct span value,
                        char error[512])
{
    struct kafka_health health = {false};
    rd_kafka_t *consumer = NULL, *producer;
    rd_kafka_resp_err_t sent;
    int partitions, code = open_consumer(settings, &health, &consumer, &partitions, error);

    if (code != EXIT_OK)
        return code;
    rd_kafka_destroy(consumer);
    producer = kafka_client_new(settings, KAFKA_WRITER, &health, error);
    if (!producer)
        return EXIT_CONFIGURATION;
    sent = send_record(settings, producer, key, value);
    rd_kafka_destroy(producer);
    return sent == RD_KAFKA_RESP_ERR_NO_ERROR ? EXIT_OK : fail_kafka(settings, sent, error);
}

/* --- reading --- */

static void drop(struct control_list *l, struct span id)
{
    for (size_t i = l->count; i-- > 0;) {
        if (!span_equal(l->items[i].control.id, id))
            continue;
        control_held_deinit(&l->items[i]);
        l->items[i] = l->items[--l->count];
    }
}

void control_list_take(struct control_list *l, struct etime now, struct span value)
{
    struct control_held h;

    if (!control_held_init(&h, value)) {
        l->unreadable++;
        return;
    }
    if (h.control.kind != CONTROL_INTERVENTION)
        drop(l, h.control.id);
    if (h.control.kind != CONTROL_SILENCE || h.control.to.ms <= now.ms) {
        control_held_deinit(&h);
        return;
    }
    l->items = mem_grow(l->items, l->count, &l->cap, sizeof(*l->items));
    l->items[l->count++] = h;
}

static int held_compare(const void *pa, const void *pb)
{
    const struct control *a = &((const struct control_held *)pa)->control;
    const struct control *b = &((const struct control_held *)pb)->control;

    if (a->from.ms != b->from.ms)
        return a->from.ms < b->from.ms ? -1 : 1;
    return span_compare(a->id, b->id);
}

void control_list_sort(struct control_list *l)
{
    if (l->count > 1)
        qsort(l->items, l->count, sizeof(*l->items), held_compare);
}

void control_list_deinit(struct control_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        control_held_deinit(&l->items[i]);
    mem_free(l->items);
    *l = (struct control_list){0};
}

static rd_kafka_resp_err_t assign_all(const struct settings *s, rd_kafka_t *consumer,
                                      int partitions)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    rd_kafka_resp_err_t code;

    for (int p = 0; p < partitions; p++)
        rd_kafka_topic_partition_list_add(list, s->control, p)->offset = RD_KAFKA_OFFSET_BEGINNING;
    code = rd_kafka_assign(consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

/* Until each partition has said that it ends; that some records are younger than this does not matter. */
static rd_kafka_resp_err_t read_all(rd_kafka_t *consumer, int partitions, struct etime now,
                                    struct control_list *ret)
{
    int64_t deadline = now_ms() + CONTROL_TOPIC_MS;
    bool *ended = mem_zero((size_t)partitions, sizeof(*ended));
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    int left = partitions;

    while (left > 0 && code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(consumer, 100);

        if (!m)
            code = now_ms() < deadline ? code : RD_KAFKA_RESP_ERR__TIMED_OUT;
        else if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR && m->payload)
            control_list_take(ret, now, (struct span){m->payload, (uint32_t)m->len});
        else if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF && !ended[m->partition])
            left -= ended[m->partition] = true;
        else if (m->err && m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF &&
                 m->err != RD_KAFKA_RESP_ERR__TRANSPORT)
            code = m->err;
        if (m)
            rd_kafka_message_destroy(m);
    }
    mem_free(ended);
    return code;
}

int control_topic_read(const struct settings *settings, struct etime now, struct control_list *ret,
                       char error[512])
{
    struct kafka_health health = {false};
    rd_kafka_t *consumer = NULL;
    rd_kafka_resp_err_t code;
    int partitions, opened = open_consumer(settings, &health, &consumer, &partitions, error);

    if (opened != EXIT_OK)
        return opened;
    rd_kafka_poll_set_consumer(consumer);
    code = assign_all(settings, consumer, partitions);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = read_all(consumer, partitions, now, ret);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    control_list_sort(ret);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? EXIT_OK : fail_kafka(settings, code, error);
}
