/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/intake.h"

#include <stdio.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "shell/exit_codes.h"
#include "funnel/mem.h"
#include "shell/log.h"

#define KEEPALIVE_MS 1000

/* --- finding the partition of a message --- */

/* Consecutive messages come from one partition: compared with the one before first. */
static size_t intake_find(const struct intake *in, const rd_kafka_message_t *m, size_t hint)
{
    const char *topic = rd_kafka_topic_name(m->rkt);

    for (size_t k = 0; k < in->count; k++) {
        size_t i = hint + k < in->count ? hint + k : hint + k - in->count;

        if (in->sources[i].partition == m->partition && strcmp(in->sources[i].topic, topic) == 0)
            return i;
    }
    return in->count;
}

/* --- pausing --- */

static void intake_apply(struct intake *in, size_t i, bool pause)
{
    rd_kafka_topic_partition_list_t *list = kafka_list_new(&in->sources[i], 1);

    if (pause)
        rd_kafka_pause_partitions(in->consumer, list);
    else
        rd_kafka_resume_partitions(in->consumer, list);
    in->parts[i].rewindable |= !pause;
    rd_kafka_topic_partition_list_destroy(list);
}

void intake_pause(struct intake *in, size_t part, enum flow_reason reason, bool on)
{
    struct intake_part *p = &in->parts[part];
    unsigned before = p->paused;

    p->paused = on ? before | (unsigned)reason : before & ~(unsigned)reason;
    if (on)
        p->at_end = false; /* more may come to the log unseen; resumed, it arrives there again */
    if (!before != !p->paused)
        intake_apply(in, part, p->paused != 0);
}

void intake_pause_all(struct intake *in, enum flow_reason reason, bool on)
{
    for (size_t i = 0; i < in->count; i++)
        intake_pause(in, i, reason, on);
}

/* --- one event --- */

static void intake_reached(struct intake *in, size_t i)
{
    struct intake_part *p = &in->parts[i];

    if (p->stopped)
        return;
    p->stopped = true;
    in->waiting--;
    intake_pause(in, i, FLOW_BARRIER, true);
}

/* The cached end comes with every fetch, so one before our position is no old one. And at the partition's end
 * nothing makes the library go back but a resume. */
bool intake_is_recreated(const struct intake_part *p, bool is_record, int64_t high)
{
    return (high >= 0 && high < p->next) || (is_record && p->at_end && !p->rewindable);
}

static void intake_recreated(struct intake *in, size_t i, int64_t offset)
{
    char why[512];

    snprintf(why, sizeof(why),
             "%s/%d: offset %lld comes after %lld: the topic was recreated or truncated",
             in->sources[i].topic, in->sources[i].partition, (long long)offset,
             (long long)in->parts[i].next - 1);
    in->failed = true;
    in->hooks.failed(in->hooks.context,
                     in->sources[i].input == INTAKE_CONTROL ? EXIT_KAFKA : EXIT_RESET, why);
}

static void intake_end(struct intake *in, size_t i, int64_t offset)
{
    struct intake_part *p = &in->parts[i];

    if (offset < p->next && intake_is_recreated(p, false, intake_high(in, i))) {
        intake_recreated(in, i, offset);
        return;
    }
    p->at_end = offset >= p->next;
    p->rewindable &= !p->at_end;
    if (offset > p->next) { /* control records, or an aborted transaction, end the log */
        p->next = offset < p->stop ? offset : p->stop;
        in->moved = true;
    }
    if (offset >= p->stop)
        intake_reached(in, i);
}

static void intake_error(struct intake *in, const rd_kafka_message_t *m, size_t i)
{
    const char *topic = m->rkt ? rd_kafka_topic_name(m->rkt) : NULL;
    char why[512];

    if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET && i < in->count && in->hooks.lost) {
        in->hooks.lost(in->hooks.context, i, m->offset);
        return;
    }
    if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
        snprintf(why, sizeof(why), "%s/%d: offset %lld is not in the log any more",
                 topic ? topic : "?", m->partition, (long long)m->offset);
        in->failed = true;
        in->hooks.failed(in->hooks.context, EXIT_GAP, why);
        return;
    }
    if (i < in->count)
        in->parts[i].error = m->err;
    log_warning("Kafka consumer error", LOG_TEXT("topic", topic),
                LOG_NUMBER("partition", m->partition), LOG_TEXT("code", rd_kafka_err2name(m->err)),
                LOG_TEXT("text", rd_kafka_message_errstr(m)));
}

/* Every message's, for the dead letter it may become. One without headers costs a look at a length. */
static void intake_headers(struct intake *in, const rd_kafka_message_t *m, struct message *out)
{
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t size, n = 0;

    if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    /* An index for now: the array may move until the batch is complete. */
    out->headers = (const struct message_header *)in->header_count;
    while (rd_kafka_header_get_all(headers, n, &name, &value, &size) ==
           RD_KAFKA_RESP_ERR_NO_ERROR) {
        in->headers = mem_grow(in->headers, in->header_count, &in->header_cap,
                               sizeof(*in->headers));
        in->headers[in->header_count++] = (struct message_header){
            span_of(name), {value, value ? (uint32_t)size : 0}};
        n++;
    }
    out->header_count = n;
}

static void intake_message(struct intake *in, const rd_kafka_message_t *m, size_t i,
                           struct message *out)
{
    rd_kafka_timestamp_type_t type;

    *out = (struct message){
        .value = {m->payload, m->payload ? (uint32_t)m->len : 0},
        .key = {m->key, m->key ? (uint32_t)m->key_len : 0},
        .offset = m->offset,
        .timestamp = rd_kafka_message_timestamp(m, &type),
        .partition = (uint32_t)i,
        .input = in->sources[i].input,
    };
    if (type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE)
        out->timestamp = -1;
    intake_headers(in, m, out);
}

/* True when it is a record for the machines, written to *out. */
static bool intake_take(struct intake *in, const rd_kafka_message_t *m, size_t *part,
                        struct message *out)
{
    size_t i = m->rkt ? intake_find(in, m, *part) : in->count;
    struct intake_part *p = i < in->count ? &in->parts[i] : NULL;

    if (in->failed)
        return false;
    if (!p || (m->err && m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)) {
        if (m->err)
            intake_error(in, m, i);
        return false;
    }
    *part = i;
    p->error = RD_KAFKA_RESP_ERR_NO_ERROR;
    atomic_store_explicit(&in->health->down, false, memory_order_relaxed);
    if (m->err) {
        intake_end(in, i, m->offset);
        return false;
    }
    if (m->offset < p->next) {
        in->stale++;
        if (intake_is_recreated(p, true, intake_high(in, i)))
            intake_recreated(in, i, m->offset);
        return false;
    }
    if (m->offset >= p->stop) { /* the records up to the barrier may be gone from the log */
        intake_reached(in, i);
        return false;
    }
    p->at_end = false;
    p->next = m->offset + 1;
    p->messages++;
    intake_message(in, m, i, out);
    if (p->next >= p->stop)
        intake_reached(in, i);
    return true;
}

/* --- a batch, a turn --- */

/* The last record of each partition: one hash per partition and batch, not per record. */
static void intake_remember(struct intake *in, size_t count)
{
    int64_t now = (int64_t)uv_now(in->loop);

    in->stamp++;
    for (size_t k = count; k-- > 0;) {
        const struct message *m = &in->batch[k];
        struct intake_part *p = &in->parts[m->partition];

        if (p->stamp == in->stamp)
            continue;
        p->stamp = in->stamp;
        p->heard_at = now;
        p->last = (struct commit_last){m->offset, m->timestamp,
                                       XXH3_64bits(m->value.p, m->value.len)};
    }
}

static void intake_batch(struct intake *in, size_t received)
{
    size_t count = 0, part = 0;

    in->header_count = 0;
    for (size_t k = 0; k < received; k++)
        count += intake_take(in, in->raw[k], &part, &in->batch[count]);
    for (size_t k = 0; k < count && in->header_count; k++) {
        if (in->batch[k].header_count)
            in->batch[k].headers = in->headers + (size_t)in->batch[k].headers;
        else
            in->batch[k].headers = NULL;
    }
    if (count) {
        in->messages += count;
        intake_remember(in, count);
        in->hooks.step(in->hooks.context, in->batch, count);
    }
    for (size_t k = 0; k < received; k++)
        rd_kafka_message_destroy(in->raw[k]);
}

/* True: more may be there. */
static bool intake_drain(struct intake *in)
{
    size_t budget = INTAKE_BUDGET;

    in->drains++;
    while (budget > 0 && in->queue.queue && !in->shut) {
        size_t want = budget < INTAKE_BATCH ? budget : INTAKE_BATCH;
        ssize_t n = rd_kafka_consume_batch_queue(in->queue.queue, 0, in->raw, want);

        if (n <= 0)
            return false;
        intake_batch(in, (size_t)n);
        budget -= (size_t)n;
    }
    return in->queue.queue && !in->shut;
}

static void on_idle(uv_idle_t *idle);

static void intake_turn(struct intake *in)
{
    if (intake_drain(in))
        uv_idle_start(&in->more, on_idle);
    else
        uv_idle_stop(&in->more);
    in->hooks.turned(in->hooks.context);
}

static void on_idle(uv_idle_t *idle)
{
    intake_turn(idle->data);
}

static void on_wake(void *context)
{
    intake_turn(context);
}

/* The library says that no broker is there, never that one is back, and a partition at its end gives no sign
 * of its own. Pausing and resuming it makes it arrive there again, at the first answer of a broker. */
static void intake_ask(struct intake *in)
{
    for (size_t i = 0; i < in->count; i++) {
        if (!in->parts[i].at_end || in->parts[i].paused)
            continue;
        intake_apply(in, i, true);
        intake_apply(in, i, false);
        return;
    }
}

static void on_keepalive(uv_timer_t *timer)
{
    struct intake *in = timer->data;

    intake_turn(in);
    if (in->queue.queue && !in->shut && atomic_load(&in->health->down))
        intake_ask(in);
}

/* --- life --- */

int intake_init(struct intake *in, uv_loop_t *loop, struct kafka_health *health,
                const struct pipeline_source *sources, size_t count,
                const struct intake_hooks *hooks)
{
    in->loop = loop;
    in->health = health;
    in->hooks = *hooks;
    in->sources = sources;
    in->count = count;
    in->parts = mem_zero(count, sizeof(*in->parts));
    for (size_t i = 0; i < count; i++) {
        in->parts[i].stop = INTAKE_NO_STOP;
        in->parts[i].last.offset = -1;
        in->parts[i].heard_at = INT64_MIN;
    }
    uv_idle_init(loop, &in->more);
    in->more.data = in;
    uv_timer_init(loop, &in->keepalive);
    in->keepalive.data = in;
    return kafka_queue_init(&in->queue, loop, on_wake, in) == 0 ? EXIT_OK : EXIT_INTERNAL;
}

/* unassign + assign: the one way to set positions that also works after an offset error. Pauses outlive
 * an assignment inside the library, so they are lifted first. */
void intake_assign(struct intake *in, rd_kafka_t *consumer)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)in->count);

    in->consumer = consumer;
    for (size_t i = 0; i < in->count; i++) {
        struct intake_part *p = &in->parts[i];

        if (p->paused)
            intake_apply(in, i, false);
        p->paused = 0;
        p->stopped = p->next >= p->stop;
        p->at_end = p->rewindable = false;
        if (p->heard_at == INT64_MIN)
            p->heard_at = (int64_t)uv_now(in->loop);
        if (p->stopped)
            continue;
        rd_kafka_topic_partition_list_add(list, in->sources[i].topic, in->sources[i].partition)
            ->offset = p->next;
    }
    in->waiting = (size_t)list->cnt;
    rd_kafka_assign(consumer, NULL);
    if (!in->queue.queue) {
        rd_kafka_poll_set_consumer(consumer);
        kafka_queue_attach(&in->queue, rd_kafka_queue_get_consumer(consumer));
        uv_timer_start(&in->keepalive, on_keepalive, KEEPALIVE_MS, KEEPALIVE_MS);
    }
    if (list->cnt)
        rd_kafka_assign(consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    uv_idle_start(&in->more, on_idle); /* primes: events may be queued already */
}

void intake_shut(struct intake *in, bool shut)
{
    if (in->shut == shut)
        return;
    in->shut = shut;
    if (!shut)
        uv_idle_start(&in->more, on_idle);
}

int64_t intake_high(const struct intake *in, size_t part)
{
    int64_t low, high;

    if (!in->consumer ||
        rd_kafka_get_watermark_offsets(in->consumer, in->sources[part].topic,
                                       in->sources[part].partition, &low,
                                       &high) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        high < 0)
        return -1;
    return high;
}

int64_t intake_lag(const struct intake *in, size_t part)
{
    int64_t high = intake_high(in, part);

    if (high < 0)
        return -1;
    return high > in->parts[part].next ? high - in->parts[part].next : 0;
}

void intake_stop(struct intake *in)
{
    in->shut = true;
    uv_idle_stop(&in->more);
    uv_timer_stop(&in->keepalive);
    kafka_queue_detach(&in->queue);
}

void intake_close(struct intake *in)
{
    intake_stop(in);
    kafka_queue_close(&in->queue);
    uv_close((uv_handle_t *)&in->more, NULL);
    uv_close((uv_handle_t *)&in->keepalive, NULL);
    mem_free(in->parts);
    mem_free(in->headers);
    in->parts = NULL;
    in->headers = NULL;
}
